//! Why somebody changed something, in their own words. It is kept in the chain, so it must not be able
//! to move a terminal's cursor or turn the text around.

use std::fmt;
use std::str::FromStr;

use pm25_file::Fault;
use serde::{Deserialize, Serialize};

/// Longest reason, in characters: a sentence or two, not a report.
const CHARS_MAX: usize = 500;

/// One line of at most 500 characters without control or text-direction characters.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl FromStr for Reason {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let n_chars = text.chars().count();
        if CHARS_MAX < n_chars {
            return Err(Fault::usage(format!(
                "the reason has {n_chars} characters; {CHARS_MAX} are allowed"
            ))
            .hint("say it shortly and name the document that says more"));
        }
        if let Some(bad) = text.chars().find(|&c| c.is_control() || turns_text(c)) {
            return Err(
                Fault::usage(format!("the reason holds the control character {bad:?}"))
                    .hint("write it as one line of plain text"),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

/// Line separators and the characters of Unicode's bidirectional algorithm (UAX 9, section 2) and its marks.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl TryFrom<String> for Reason {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_in_any_script_is_kept() {
        for text in [
            "",
            "bias after the heating season",
            "冬季偏差",
            "µg/m³ ≥ 35",
        ] {
            assert_eq!(text.parse::<Reason>().unwrap().to_string(), text);
        }
        assert!("é".repeat(500).parse::<Reason>().is_ok());
    }

    #[test]
    fn controls_turned_text_and_essays_are_refused() {
        for text in [
            "a\nb",
            "a\tb",
            "\u{1b}[2J",
            "a\0",
            "\u{9b}2J",
            "x\u{202e}y",
            "x\u{2028}y",
            &"é".repeat(501),
        ] {
            assert!(text.parse::<Reason>().is_err(), "{text:?}");
        }
    }
}
