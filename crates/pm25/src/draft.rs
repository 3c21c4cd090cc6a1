//! The pipeline file as written: its keys and types checked, its placeholders untouched.
//!
//! It knows TOML and the grammar of the file; what the words mean together is `pipeline.rs`' business.

use std::collections::BTreeMap;
use std::ops::Range;

use pm25_file::{Fault, Result, nearest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

type Value<'a> = Spanned<DeValue<'a>>;

/// The whole file.
pub(crate) struct Draft {
    /// `[params]`, values as text.
    pub(crate) params: BTreeMap<String, String>,
    /// `[stage.NAME]` in the order of the file.
    pub(crate) stages: Vec<StageDraft>,
    /// `[look]`, label and path template, in the order of the file.
    pub(crate) look: Vec<(String, String)>,
}

/// One `[stage.NAME]`.
pub(crate) struct StageDraft {
    pub(crate) name: String,
    /// Line of the file, from 1.
    pub(crate) line: usize,
    pub(crate) run: Vec<String>,
    pub(crate) inputs: Vec<(String, Files)>,
    pub(crate) outputs: Vec<(String, Files)>,
    pub(crate) ok_exit: Vec<u8>,
}

/// What a name in `in` or `out` stands for.
pub(crate) enum Files {
    One(String),
    Many(Vec<String>),
}

impl Files {
    /// The path templates.
    pub(crate) fn templates(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Many(paths) => paths,
        }
    }
}

/// Reads the text of a pipeline file; `file` is its name for messages.
pub(crate) fn read(file: &str, text: &str) -> Result<Draft> {
    let reader = Reader { file, text };
    let root = DeTable::parse(text).map_err(|e| reader.syntax(&e))?;
    let root = root.into_inner();
    reader.check_keys(&root, "the file", &["look", "params", "stage"])?;
    Ok(Draft {
        params: reader.params(&root)?,
        stages: reader.stages(&root)?,
        look: reader.look(&root)?,
    })
}

/// The text and its name, to say where something is wrong.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.text.as_bytes()[..span.start.min(self.text.len())]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
    }

    fn fault(&self, span: &Range<usize>, what: impl std::fmt::Display) -> Fault {
        Fault::usage(format!("{}:{}: {what}", self.file, self.line(span)))
    }

    fn syntax(&self, error: &toml::de::Error) -> Fault {
        self.fault(&error.span().unwrap_or_default(), error.message())
    }

    fn check_keys(&self, table: &DeTable<'a>, owner: &str, known: &[&str]) -> Result<()> {
        for key in table.keys() {
            let word = key.get_ref().as_ref();
            if !known.contains(&word) {
                let fault = self.fault(&key.span(), format!("{owner} has no key `{word}`"));
                return Err(match nearest(word, known.iter().copied()) {
                    Some(near) => fault.hint(format!("did you mean `{near}`?")),
                    None => fault.hint(format!("known keys: {}", known.join(", "))),
                });
            }
        }
        Ok(())
    }

    fn table<'t>(&self, value: &'t Value<'a>, what: &str) -> Result<&'t DeTable<'a>> {
        value.get_ref().as_table().ok_or_else(|| {
            self.fault(&value.span(), format!("{what} must be a table"))
                .hint("a table is written `{ name = \"path\" }` or `[name]`")
        })
    }

    fn text(&self, value: &Value<'a>, what: &str) -> Result<String> {
        let text = value.get_ref().as_str();
        text.map(str::to_owned)
            .ok_or_else(|| self.fault(&value.span(), format!("{what} must be a text in quotes")))
    }

    fn texts(&self, value: &Value<'a>, what: &str) -> Result<Vec<String>> {
        let list = value.get_ref().as_array();
        list.ok_or_else(|| self.fault(&value.span(), format!("{what} must be a list of texts")))?
            .iter()
            .map(|item| self.text(item, &format!("every item of {what}")))
            .collect()
    }

    fn params(&self, root: &DeTable<'a>) -> Result<BTreeMap<String, String>> {
        let mut params = BTreeMap::new();
        let Some(value) = root.get("params") else {
            return Ok(params);
        };
        for (key, value) in self.table(value, "[params]")? {
            let name = key.get_ref().as_ref();
            if !is_word(name) {
                return Err(self.fault(
                    &key.span(),
                    format!("parameter `{name}`: a name has letters, digits, `_` and `-` only"),
                ));
            }
            params.insert(name.to_owned(), self.param(name, value)?);
        }
        Ok(params)
    }

    fn param(&self, name: &str, value: &Value<'a>) -> Result<String> {
        let wrong = |why| self.fault(&value.span(), format!("parameter `{name}` {why}"));
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Boolean(on) => Ok(on.to_string()),
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
                .map(|n| n.to_string())
                .map_err(|_| wrong("is too large a number")),
            DeValue::Float(x) => match x.as_str().parse::<f64>() {
                Ok(x) if x.is_finite() => Ok(x.to_string()),
                _ => Err(wrong("is not a finite number")),
            },
            _ => Err(wrong("must be a text, a number, true or false")),
        }
    }

    fn stages(&self, root: &DeTable<'a>) -> Result<Vec<StageDraft>> {
        let Some(value) = root.get("stage") else {
            return Err(Fault::usage(format!("{}: there is no stage", self.file))
                .hint("a stage begins with `[stage.NAME]` and has `run`, `in` and `out`"));
        };
        let mut stages = Vec::new();
        for (key, value) in in_file_order(self.table(value, "[stage]")?) {
            stages.push(self.stage(key, value)?);
        }
        Ok(stages)
    }

    fn stage(
        &self,
        key: &Spanned<std::borrow::Cow<'a, str>>,
        value: &Value<'a>,
    ) -> Result<StageDraft> {
        let name = key.get_ref().as_ref();
        let owner = format!("[stage.{name}]");
        if name.is_empty()
            || !name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        {
            return Err(self
                .fault(&key.span(), format!("`{name}` is no name for a stage"))
                .hint("a name has small letters, digits and `-` only"));
        }
        let table = self.table(value, &owner)?;
        self.check_keys(table, &owner, &["in", "ok_exit", "out", "run"])?;
        let run = match table.get("run") {
            Some(value) => self.argv(value, &owner)?,
            None => return Err(self.fault(&key.span(), format!("{owner} has no `run`"))),
        };
        Ok(StageDraft {
            name: name.to_owned(),
            line: self.line(&key.span()),
            run,
            inputs: self.files(table, "in", &owner)?,
            outputs: self.files(table, "out", &owner)?,
            ok_exit: self.ok_exit(table, &owner)?,
        })
    }

    fn argv(&self, value: &Value<'a>, owner: &str) -> Result<Vec<String>> {
        let wrong = |what: String| {
            self.fault(&value.span(), what)
                .hint("write `run = [\"program\", \"--flag\", \"value\"]`; there is no shell")
        };
        if value.get_ref().is_str() {
            return Err(wrong(format!(
                "{owner}: `run` is a list, one argument an item"
            )));
        }
        let argv = self.texts(value, &format!("`run` of {owner}"))?;
        if argv.first().is_none_or(String::is_empty) {
            return Err(wrong(format!("{owner}: `run` names no program")));
        }
        Ok(argv)
    }

    fn files(&self, stage: &DeTable<'a>, key: &str, owner: &str) -> Result<Vec<(String, Files)>> {
        let Some(value) = stage.get(key) else {
            return Ok(Vec::new());
        };
        let table = self.table(value, &format!("`{key}` of {owner}"))?;
        let mut files = Vec::new();
        for (name, value) in in_file_order(table) {
            let word = name.get_ref().as_ref();
            let what = format!("`{key}.{word}` of {owner}");
            if !is_word(word) {
                let why = format!("{what}: a name has letters, digits, `_` and `-` only");
                return Err(self.fault(&name.span(), why));
            }
            let paths = if value.get_ref().is_array() {
                Files::Many(self.texts(value, &what)?)
            } else {
                Files::One(self.text(value, &what)?)
            };
            files.push((word.to_owned(), paths));
        }
        Ok(files)
    }

    fn ok_exit(&self, stage: &DeTable<'a>, owner: &str) -> Result<Vec<u8>> {
        let Some(value) = stage.get("ok_exit") else {
            return Ok(Vec::new());
        };
        let wrong = || {
            let what = format!("`ok_exit` of {owner} must be a list of numbers from 1 to 255");
            self.fault(&value.span(), what)
        };
        let list = value.get_ref().as_array().ok_or_else(wrong)?;
        list.iter()
            .map(|item| {
                let number = item.get_ref().as_integer();
                let code = number.and_then(|n| u8::from_str_radix(n.as_str(), n.radix()).ok());
                code.filter(|&code| 0 < code).ok_or_else(wrong)
            })
            .collect()
    }

    fn look(&self, root: &DeTable<'a>) -> Result<Vec<(String, String)>> {
        let Some(value) = root.get("look") else {
            return Ok(Vec::new());
        };
        in_file_order(self.table(value, "[look]")?)
            .into_iter()
            .map(|(label, path)| {
                let label = label.get_ref().to_string();
                let path = self.text(path, &format!("`look.{label}`"))?;
                Ok((label, path))
            })
            .collect()
    }
}

/// The entries as they stand in the file; the table itself is sorted by name.
fn in_file_order<'t, 'a>(
    table: &'t DeTable<'a>,
) -> Vec<(&'t Spanned<std::borrow::Cow<'a, str>>, &'t Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn is_word(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        let fault = read("p.toml", text)
            .err()
            .expect("this file must be refused");
        format!("{fault} | {}", fault.hint_text().unwrap_or_default())
    }

    #[test]
    fn order_and_values_are_those_of_the_file() {
        let draft = read(
            "p.toml",
            "[params]\nb = 0.50\na = 1_000\non = true\nname = \"x y\"\n\
             [stage.zeta]\nrun = [\"z\"]\nout = { z = \"z\", a = [\"b\", \"a\"] }\n\
             [stage.alpha]\nrun = [\"a\"]\nok_exit = [11]\n\
             [look]\nzoo = \"z\"\narc = \"a\"\n",
        )
        .unwrap();
        let params: Vec<_> = draft
            .params
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        assert_eq!(params, ["a=1000", "b=0.5", "name=x y", "on=true"]);
        let names: Vec<_> = draft
            .stages
            .iter()
            .map(|s| (s.name.as_str(), s.line))
            .collect();
        assert_eq!(names, [("zeta", 6), ("alpha", 9)]);
        assert_eq!(draft.stages[0].outputs[0].0, "z");
        assert_eq!(draft.stages[0].outputs[1].1.templates(), ["b", "a"]);
        assert_eq!(draft.stages[1].ok_exit, [11]);
        assert_eq!(draft.look[0].0, "zoo");
    }

    #[test]
    fn wrong_words_are_named_with_their_line_and_the_nearest_right_one() {
        let cases = [
            (
                "[parms]",
                "p.toml:1: the file has no key `parms` | did you mean `params`?",
            ),
            (
                "\n[stage.a]\nrum = []",
                "p.toml:3: [stage.a] has no key `rum` | did you mean `run`?",
            ),
            ("[stage.a]\nok_exits = []", "did you mean `ok_exit`?"),
            (
                "[stage.a]\nzzzzzzz = 1",
                "known keys: in, ok_exit, out, run",
            ),
        ];
        for (text, expected) in cases {
            assert!(wrong(text).contains(expected), "{}", wrong(text));
        }
    }

    #[test]
    fn wrong_types_are_refused() {
        let cases = [
            ("", "there is no stage"),
            ("[stage.a]", "no `run`"),
            ("[stage.a]\nrun = \"sh -c x\"", "there is no shell"),
            ("[stage.a]\nrun = []", "names no program"),
            ("[stage.a]\nrun = [\"\"]", "names no program"),
            ("[stage.a]\nrun = [1]", "every item"),
            ("[stage.A]\nrun = [\"a\"]", "no name for a stage"),
            ("[stage.\"\"]\nrun = [\"a\"]", "no name for a stage"),
            ("[stage.\"a/b\"]\nrun = [\"a\"]", "no name for a stage"),
            (
                "[stage.a]\nrun = [\"a\"]\nin = \"x\"",
                "`in` of [stage.a] must be a table",
            ),
            ("[stage.a]\nrun = [\"a\"]\nin = { x = 1 }", "must be a text"),
            (
                "[stage.a]\nrun = [\"a\"]\nin = { \"x.y\" = \"1\" }",
                "letters, digits",
            ),
            ("[stage.a]\nrun = [\"a\"]\nok_exit = 11", "ok_exit"),
            ("[stage.a]\nrun = [\"a\"]\nok_exit = [0]", "from 1 to 255"),
            ("[stage.a]\nrun = [\"a\"]\nok_exit = [256]", "from 1 to 255"),
            ("[params]\na = []", "must be a text, a number"),
            ("[params]\na = 1979-05-27", "must be a text, a number"),
            ("[params]\na = nan", "finite"),
            ("[params]\n\"in.x\" = 1", "letters, digits"),
            ("[params]\na = 1\na = 2", "p.toml:3"),
            ("params = 1", "must be a table"),
            ("[stage.a\n", "p.toml:1"),
        ];
        for (text, expected) in cases {
            assert!(wrong(text).contains(expected), "{text}: {}", wrong(text));
        }
    }
}
