//! Text and numbers on the page.
//!
//! Not a template language: names from files pass through [`Escaped`] and nothing else may.

use std::fmt::{self, Display, Formatter, Write};

/// Text from anywhere, so that it cannot become markup.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Letters that turn the direction of what follows could make one name look like another.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char('\u{fffd}')?,
                letter if letter.is_control() => f.write_char('\u{fffd}')?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// A count with thin spaces between thousands: 12 345.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if 0 < position && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted: 1 file, 2 files.
pub(crate) fn counted(n: u64, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(n))
}

/// A share in per cent, with more digits where it is small.
pub(crate) fn percent(part: f64, of: f64) -> String {
    let share = 100.0 * part / of.max(1.0);
    if share == 0.0 || 0.95 <= share {
        format!("{share:.1} %")
    } else if share < 0.000_5 {
        // One hour of many is not none.
        "under 0.001 %".to_owned()
    } else {
        format!("{share:.3} %")
    }
}

/// A change with its sign.
pub(crate) fn change(value: f64) -> String {
    let text = format!("{value:+.2}");
    if text == "-0.00" || text == "+0.00" {
        "0.00".to_owned()
    } else {
        text.replace('-', "−")
    }
}

/// A level with one decimal; a dash for none.
pub(crate) fn level(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.1}"))
}
