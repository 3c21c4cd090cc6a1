//! The name of a registered model: the only text from outside that becomes part of a path.
//!
//! It is not a path, a version or a stage.

use std::fmt;
use std::str::FromStr;

use pm25_file::Fault;
use serde::{Deserialize, Serialize};

/// Longest name, in bytes: every file system takes it.
const LEN_MAX: usize = 64;
/// How much of a refused name is shown.
const SHOWN_CHARS: usize = 80;

/// `[a-z0-9][a-z0-9._-]{0,63}` without `..`. Lower case only, so that two names never meet in one folder
/// of a file system that ignores case.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if is_name(text) {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(SHOWN_CHARS).collect();
        Err(Fault::usage(format!("{shown:?} cannot be the name of a model")).hint(
            "a name is 1 to 64 of a-z 0-9 . _ - with a letter or digit first and no `..`, for example pm25-24h",
        ))
    }
}

fn is_name(text: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= LEN_MAX
        && bytes.first().is_some_and(is_plain)
        && bytes.iter().all(|b| is_plain(b) || b"._-".contains(b))
        && !text.contains("..")
}

impl TryFrom<String> for Name {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use pm25_file::Kind;

    use super::*;

    #[test]
    fn plain_names_are_taken_as_they_are() {
        let longest = "a".repeat(64);
        for text in ["pm25", "pm25-24h", "0", "a.b_c-d", "v1.2", &longest] {
            assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn everything_else_is_refused_and_shown_harmlessly() {
        let too_long = "a".repeat(65);
        let far_too_long = "a".repeat(4096);
        let naughty = [
            "",
            ".",
            "..",
            "../x",
            "/abs",
            "a/b",
            "a..b",
            "-rf",
            ".hidden",
            "_x",
            "Pm25",
            "CON",
            "a b",
            "a\0",
            "a\nb",
            "\\..\\",
            "%2e%2e%2f",
            "%252e",
            "pm\u{202e}25",
            "рm25",
            "caf\u{e9}",
            "cafe\u{301}",
            "a\u{1b}[2J",
            "a:b",
            "a*",
            "~",
            &too_long,
            &far_too_long,
        ];
        for text in naughty {
            let fault = text.parse::<Name>().unwrap_err();
            assert_eq!(fault.kind(), Kind::Usage, "{text:?}");
            assert!(fault.hint_text().is_some());
            assert!(
                fault.to_string().chars().all(|c| !c.is_control()),
                "{text:?}"
            );
            assert!(fault.to_string().len() < 400);
        }
    }

    #[test]
    fn a_file_cannot_smuggle_a_name_in() {
        assert!(serde_json::from_str::<Name>("\"../x\"").is_err());
        assert_eq!(
            serde_json::from_str::<Name>("\"pm25\"").unwrap().as_str(),
            "pm25"
        );
    }
}
