//! Is it JSON (RFC 8259)? Not what it means.
//!
//! The only liberty: `NaN`, `Infinity` and `-Infinity` pass as values, because careless programs write them
//! and deserve an answer that names the field. The reader of the value refuses them.

/// What is wrong with a text, and at which byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Slip {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

type Result<T = ()> = std::result::Result<T, Slip>;

/// What some programs write for numbers that are none.
pub(super) const NOT_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Checks one whole document of at most `depth_max` levels.
pub(super) fn check(text: &str, depth_max: usize) -> Result {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        depth_max,
    };
    scan.space();
    scan.value(0)?;
    scan.space();
    match scan.peek() {
        None => Ok(()),
        Some(_) => scan.slip("there is something after the document"),
    }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
}

impl Scan<'_> {
    /// Recursion is safe: `depth_max` ends it.
    fn value(&mut self, depth: usize) -> Result {
        match self.peek() {
            Some(b'{') => self.nested(depth, b'}', Self::member),
            Some(b'[') => self.nested(depth, b']', Self::value),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') if !self.starts_with("-I") => self.number(),
            Some(_) => self.word(),
            None => self.slip("the document ends too soon"),
        }
    }

    /// `{` or `[`, items with commas between them, and `close`.
    fn nested(&mut self, depth: usize, close: u8, item: fn(&mut Self, usize) -> Result) -> Result {
        if self.depth_max <= depth {
            return self.slip("the document is nested too deeply");
        }
        self.at += 1;
        self.space();
        if self.takes(close) {
            return Ok(());
        }
        loop {
            item(self, depth + 1)?;
            self.space();
            if self.takes(close) {
                return Ok(());
            }
            if !self.takes(b',') {
                return self.slip("a comma or a closing bracket is missing");
            }
            self.space();
        }
    }

    fn member(&mut self, depth: usize) -> Result {
        if self.peek() != Some(b'"') {
            return self.slip("a name in double quotes is missing");
        }
        self.string()?;
        self.space();
        if !self.takes(b':') {
            return self.slip("a colon is missing");
        }
        self.space();
        self.value(depth)
    }

    fn string(&mut self) -> Result {
        self.at += 1;
        loop {
            match self.peek() {
                None => return self.slip("a string has no end"),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return self.slip("a string holds a control character"),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => self.code_point(start),
            _ => self.slip("an unknown escape in a string"),
        }
    }

    /// `\uXXXX`, or two of them for a character beyond the first 65,536.
    fn code_point(&mut self, start: usize) -> Result {
        self.at += 1;
        let half = Slip {
            at: start,
            what: "half of a character (a lone surrogate)",
        };
        match self.four_digits()? {
            0xdc00..=0xdfff => Err(half),
            0xd800..=0xdbff => {
                if !self.starts_with("\\u") {
                    return Err(half);
                }
                self.at += 2;
                match self.four_digits()? {
                    0xdc00..=0xdfff => Ok(()),
                    _ => Err(half),
                }
            }
            _ => Ok(()),
        }
    }

    fn four_digits(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return self.slip("an escape needs four hex digits");
            };
            code = 16 * code + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result {
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        } else if matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.slip("a number begins with a needless zero");
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            self.slip("a digit is missing")
        } else {
            Ok(())
        }
    }

    fn word(&mut self) -> Result {
        let words = ["true", "false", "null"].into_iter().chain(NOT_NUMBERS);
        for word in words {
            if self.starts_with(word) {
                self.at += word.len();
                return Ok(());
            }
        }
        self.slip("this is no JSON value")
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn starts_with(&self, word: &str) -> bool {
        self.bytes[self.at..].starts_with(word.as_bytes())
    }

    fn slip<T>(&self, what: &'static str) -> Result<T> {
        Err(Slip { at: self.at, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEPTH_MAX: usize = 16;

    fn what(text: &str) -> &'static str {
        check(text, DEPTH_MAX).unwrap_err().what
    }

    /// A number too large for it is still JSON.
    fn serde_takes(text: &str) -> bool {
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => true,
            Err(e) => e.to_string().starts_with("number out of range"),
        }
    }

    #[test]
    fn each_slip_has_its_sentence() {
        for (text, wanted) in [
            ("", "the document ends too soon"),
            ("{\"a\":", "the document ends too soon"),
            ("{} x", "there is something after the document"),
            ("[1 2]", "a comma or a closing bracket is missing"),
            ("[1,]", "this is no JSON value"),
            ("{a:1}", "a name in double quotes is missing"),
            ("{\"a\" 1}", "a colon is missing"),
            ("\"a", "a string has no end"),
            ("\"a\nb\"", "a string holds a control character"),
            ("\"\\x\"", "an unknown escape in a string"),
            ("\"\\u12g4\"", "an escape needs four hex digits"),
            ("\"\\ud800\"", "half of a character (a lone surrogate)"),
            (
                "\"\\udc00\\ud800\"",
                "half of a character (a lone surrogate)",
            ),
            ("01", "a number begins with a needless zero"),
            ("1.", "a digit is missing"),
            ("+1", "this is no JSON value"),
            ("nan", "this is no JSON value"),
        ] {
            assert_eq!(what(text), wanted, "{text}");
        }
    }

    #[test]
    fn depth_is_counted_and_never_recursed_into() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert_eq!(check(&nested(DEPTH_MAX), DEPTH_MAX), Ok(()));
        assert_eq!(
            what(&nested(DEPTH_MAX + 1)),
            "the document is nested too deeply"
        );
        assert_eq!(
            what(&"[".repeat(100_000)),
            "the document is nested too deeply"
        );
        assert_eq!(
            what(&"{\"a\":".repeat(100_000)),
            "the document is nested too deeply"
        );
    }

    #[test]
    fn values_that_are_no_numbers_pass_to_be_refused_by_name() {
        for word in NOT_NUMBERS {
            assert_eq!(check(word, DEPTH_MAX), Ok(()));
            assert!(!serde_takes(word));
        }
    }

    /// Texts that are JSON, or nearly.
    fn nearly_json() -> impl Strategy<Value = String> {
        const PIECES: [&str; 34] = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"",
            "\\u00e9",
            "\\ud83d\\ude00",
            "\\ud83d",
            "\\n",
            "\\x",
            "1",
            "0",
            "-",
            ".",
            "5",
            "e",
            "E+",
            "e-7",
            "true",
            "false",
            "null",
            "tru",
            " ",
            "\n",
            "\t",
            "\u{b}",
            "µ",
            "\u{0}",
            "[1]",
            "{\"a\":1}",
            "\"b\":",
        ];
        prop::collection::vec(prop::sample::select(&PIECES[..]), 0..14)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn we_agree_with_serde_json_on_what_is_json(text in nearly_json()) {
            prop_assert_eq!(check(&text, DEPTH_MAX).is_ok(), serde_takes(&text), "{}", text);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            prop_assert_eq!(check(&text, DEPTH_MAX).is_ok(), serde_takes(&text));
        }
    }
}
