//! Which stages a command is about, and how much each of them is trusted.
//!
//! Decided from names and dependencies alone; whether a stage is stale is found later.

use pm25_file::{Fault, Result};

use crate::pipeline::Pipeline;

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// Only these and what they need; none: all.
    pub(crate) stages: Vec<String>,
    /// Trust the files before this stage; run it and all after it.
    pub(crate) from: Option<String>,
    pub(crate) fresh: Fresh,
}

/// What to do with a selected stage that is fresh.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Fresh {
    #[default]
    Keep,
    Rerun,
}

/// What to do with one stage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Choice {
    /// Not part of this: its files are taken as they are.
    Leave,
    /// Run it if it is stale.
    Check,
    /// Run it; the option that asked for it.
    Force(&'static str),
}

/// A choice for each stage, by its number.
pub(crate) fn choose(pipeline: &Pipeline, request: &Request) -> Result<Vec<Choice>> {
    let named = request
        .stages
        .iter()
        .map(|name| pipeline.find(name))
        .collect::<Result<Vec<_>>>()?;
    let all = 0..pipeline.stages.len();
    let wanted = match named.as_slice() {
        [] => all.clone().collect(),
        some => pipeline.graph.with_needs(some),
    };
    let mut choices: Vec<Choice> = all
        .clone()
        .map(|idx| {
            if wanted.contains(&idx) {
                Choice::Check
            } else {
                Choice::Leave
            }
        })
        .collect();
    if request.fresh == Fresh::Rerun {
        let forced = if named.is_empty() {
            all.collect()
        } else {
            named
        };
        forced
            .into_iter()
            .for_each(|idx| choices[idx] = Choice::Force("--force"));
    }
    if let Some(name) = &request.from {
        let later = pipeline.graph.with_dependents(pipeline.find(name)?);
        for (idx, choice) in choices.iter_mut().enumerate() {
            *choice = match choice {
                Choice::Leave => Choice::Leave,
                _ if later.contains(&idx) => Choice::Force("--from"),
                _ => Choice::Leave,
            };
        }
        if choices.iter().all(|choice| *choice == Choice::Leave) {
            return Err(
                Fault::usage(format!("no stage that you named comes after `{name}`"))
                    .hint("leave the names out to run everything after it"),
            );
        }
    }
    Ok(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a → b → d`, `a → c`, and `e` alone, as marks: `.` leave, `?` check, `!` force.
    fn marks(stages: &[&str], from: Option<&str>, fresh: Fresh) -> Result<String> {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = temp.path().join("p.toml");
        let stage = |name: &str, input: &str| {
            format!(
                "[stage.{name}]\nrun = ['p']\nin = {{ i = '{input}' }}\nout = {{ o = 'o/{name}' }}\n"
            )
        };
        let text = stage("a", "x") + &stage("b", "o/a") + &stage("c", "o/a") + &stage("d", "o/b");
        std::fs::write(&path, text + &stage("e", "x")).expect("a file");
        let request = Request {
            stages: stages.iter().map(ToString::to_string).collect(),
            from: from.map(str::to_owned),
            fresh,
        };
        let mark = |choice: &Choice| match choice {
            Choice::Leave => '.',
            Choice::Check => '?',
            Choice::Force(_) => '!',
        };
        let choices = choose(&Pipeline::load(&path, &[])?, &request)?;
        Ok(choices.iter().map(mark).collect())
    }

    #[test]
    fn the_selection_is_as_asked() {
        assert_eq!(marks(&[], None, Fresh::Keep).unwrap(), "?????");
        assert_eq!(marks(&[], None, Fresh::Rerun).unwrap(), "!!!!!");
        assert_eq!(marks(&["d"], None, Fresh::Keep).unwrap(), "??.?.");
        assert_eq!(marks(&["d"], None, Fresh::Rerun).unwrap(), "??.!.");
        assert_eq!(marks(&["c", "e"], None, Fresh::Keep).unwrap(), "?.?.?");
        assert_eq!(marks(&[], Some("b"), Fresh::Keep).unwrap(), ".!.!.");
        assert_eq!(marks(&["b"], Some("a"), Fresh::Keep).unwrap(), "!!...");
        assert!(marks(&["c"], Some("b"), Fresh::Keep).is_err());
        let fault = marks(&["bb"], None, Fresh::Keep).unwrap_err();
        assert_eq!(fault.hint_text(), Some("stages: a, b, c, d, e"));
    }
}
