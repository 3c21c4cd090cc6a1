//! Placeholders: `{in.model}`, `{out.report}`, `{seed}`; `{{` and `}}` stand for the braces themselves.
//!
//! What is put in is never looked at again, so a value may hold braces, spaces and quotes; there is no shell.

/// A piece of a template.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Piece {
    /// Stands for itself.
    Text(String),
    /// The name between braces.
    Name(String),
}

/// What is wrong with a template, and what helps.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) what: String,
    pub(crate) hint: String,
}

impl Complaint {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
        }
    }
}

/// Takes a template apart.
pub(crate) fn pieces(template: &str) -> Result<Vec<Piece>, Complaint> {
    let mut found = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        rest = if let Some(after_both) = after.strip_prefix(brace) {
            text.push_str(brace);
            after_both
        } else {
            let (name, after_name) = name_between(brace, after, template)?;
            push_text(&mut found, &mut text);
            found.push(Piece::Name(name.to_owned()));
            after_name
        };
    }
    text.push_str(rest);
    push_text(&mut found, &mut text);
    Ok(found)
}

fn name_between<'a>(
    brace: &str,
    after: &'a str,
    template: &str,
) -> Result<(&'a str, &'a str), Complaint> {
    let wrong = |what| {
        let what = format!("`{template}` {what}");
        Complaint::new(
            what,
            "a brace that stands for itself is doubled: `{{` or `}}`",
        )
    };
    if brace == "}" {
        return Err(wrong("closes a brace that it did not open"));
    }
    after
        .split_once('}')
        .filter(|(name, _)| !name.contains('{'))
        .ok_or_else(|| wrong("opens a brace that it does not close"))
}

fn push_text(found: &mut Vec<Piece>, text: &mut String) {
    if !text.is_empty() {
        found.push(Piece::Text(std::mem::take(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn name(name: &str) -> Piece {
        Piece::Name(name.to_owned())
    }

    #[test]
    fn names_and_text_alternate() {
        assert_eq!(
            pieces("--x={in.a}-{b}µ").unwrap(),
            [text("--x="), name("in.a"), text("-"), name("b"), text("µ")]
        );
        assert_eq!(pieces("").unwrap(), []);
        assert_eq!(pieces("{a}{b}").unwrap(), [name("a"), name("b")]);
    }

    #[test]
    fn doubled_braces_are_braces() {
        assert_eq!(
            pieces(r#"{{"a":{{"b":{n}}}}}"#).unwrap(),
            [text(r#"{"a":{"b":"#), name("n"), text("}}")]
        );
        assert_eq!(pieces("{{x}}").unwrap(), [text("{x}")]);
    }

    #[test]
    fn lone_braces_are_refused() {
        for template in ["{", "}", "a{b", "a}b", "{a{b}", "{{}", "{a}}"] {
            assert!(pieces(template).is_err(), "{template}");
        }
    }
}
