//! Reads a checked document field by field.
//!
//! ```text
//! {"rows": [{"pm10_ug_m3": 80, ...}, ...]}
//!   way: Key("rows")  Item(0)  Key("pm10_ug_m3")      so that a refusal can name the place:
//!                                                     field `pm10_ug_m3`, pointer `/rows/0/pm10_ug_m3`
//! ```
//!
//! The syntax has been checked before, so nothing here looks for errors of syntax.

use std::borrow::Cow;
use std::str::FromStr;

use super::scan::{self, NOT_NUMBERS};
use crate::problem::{Problem, Result, shown};

/// The byte-order mark that some editors put before a text.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Where in the document we are, and how we came here.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    way: Vec<Step<'a>>,
}

enum Step<'a> {
    Key(Cow<'a, str>),
    Item(usize),
}

impl<'a> Reader<'a> {
    /// Checks that the bytes are one JSON document of at most `depth_max` levels.
    pub(crate) fn new(bytes: &'a [u8], depth_max: usize) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Problem::malformed("the body is empty")
                .hint("send a JSON document; GET / shows an example"));
        }
        if bytes.starts_with(BOM) {
            return Err(
                Problem::malformed("the document begins with a byte-order mark")
                    .hint("send UTF-8 without one"),
            );
        }
        let text = std::str::from_utf8(bytes).map_err(|e| {
            Problem::malformed(format!("the body is not UTF-8 at byte {}", e.valid_up_to()))
        })?;
        scan::check(text, depth_max).map_err(|slip| {
            Problem::malformed(format!(
                "the body is not JSON at byte {}: {}",
                slip.at, slip.what
            ))
        })?;
        let mut reader = Self {
            text,
            at: 0,
            way: Vec::with_capacity(4),
        };
        reader.space();
        Ok(reader)
    }

    /// Reads an object; `member` reads the value of each key.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<()>,
    ) -> Result<()> {
        self.open(b'{', "an object")?;
        while !self.takes(b'}') {
            let key = self.string();
            self.takes(b':');
            self.way.push(Step::Key(key.clone()));
            member(self, &key)?;
            self.way.pop();
            self.takes(b',');
        }
        Ok(())
    }

    /// Reads a list; `item` reads each value.
    pub(crate) fn array(
        &mut self,
        mut item: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        self.open(b'[', "a list")?;
        let mut n_items = 0;
        while !self.takes(b']') {
            self.way.push(Step::Item(n_items));
            item(self, n_items)?;
            self.way.pop();
            n_items += 1;
            self.takes(b',');
        }
        Ok(())
    }

    /// Reads a finite number as the f32 nearest to its decimal digits; not by way of f64, which would round
    /// twice.
    pub(crate) fn number(&mut self) -> Result<f32> {
        self.finite(f32::is_finite)
    }

    /// The same as the f64 nearest to its digits.
    pub(crate) fn long_number(&mut self) -> Result<f64> {
        self.finite(f64::is_finite)
    }

    fn finite<T: FromStr + Copy>(&mut self, is_finite: fn(T) -> bool) -> Result<T> {
        let word = self.word();
        if NOT_NUMBERS.contains(&word) {
            return Err(self
                .problem(format!("{} is {word}, which is no number", self.name()))
                .hint("where nothing was measured, /v1/predict takes null"));
        }
        match word.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => {}
            _ => return Err(self.mismatch("a number")),
        }
        match word.parse::<T>() {
            Ok(value) if is_finite(value) => {
                self.pass(word);
                Ok(value)
            }
            _ => Err(self.problem(format!(
                "{} is {}, which is too large",
                self.name(),
                shown(word)
            ))),
        }
    }

    /// The same, where null is a missing value: NaN.
    pub(crate) fn number_or_null(&mut self) -> Result<f32> {
        if self.word() == "null" {
            self.pass("null");
            return Ok(f32::NAN);
        }
        self.number()
    }

    /// Reads a whole number.
    pub(crate) fn whole(&mut self) -> Result<i64> {
        let word = self.word();
        if !matches!(word.as_bytes().first(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.mismatch("a whole number"));
        }
        let whole = word.parse();
        self.pass(word);
        whole.map_err(|_| {
            self.problem(format!(
                "{} is {}, not a whole number",
                self.name(),
                shown(word)
            ))
        })
    }

    /// Reads a string.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return Err(self.mismatch("a text in quotes"));
        }
        Ok(self.string())
    }

    /// A refusal of the value that is being read.
    pub(crate) fn problem(&self, detail: impl Into<String>) -> Problem {
        let problem = Problem::unusable(detail).pointer(self.pointer());
        match self.field() {
            Some(field) => problem.field(field),
            None => problem,
        }
    }

    /// A refusal of a key.
    pub(crate) fn unknown<'k>(&self, known: impl IntoIterator<Item = &'k str> + Clone) -> Problem {
        let key = self.field().unwrap_or_default();
        let problem = self.problem(format!("there is no field `{}`", shown(key)));
        match pm25_file::nearest(key, known.clone()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => {
                let known: Vec<&str> = known.into_iter().take(30).collect();
                problem.hint(format!("known fields: {}", known.join(", ")))
            }
        }
    }

    /// A refusal of an object in which this field should be.
    pub(crate) fn missing(&self, field: &str) -> Problem {
        let at = match self.way.is_empty() {
            true => String::new(),
            false => format!(" in {}", self.pointer()),
        };
        Problem::unusable(format!("the field `{field}` is missing{at}"))
            .pointer(self.pointer())
            .field(field)
    }

    /// The refusal of a key that was there before: 400, since what it means depends on who reads it.
    pub(crate) fn twice(&self) -> Problem {
        let field = self.field().unwrap_or_default();
        Problem::malformed(format!("the field `{}` is there twice", shown(field)))
            .pointer(self.pointer())
            .field(field)
    }

    /// The name of the value that is being read, for a sentence.
    pub(crate) fn name(&self) -> String {
        match self.field() {
            Some(field) => format!("`{}`", shown(field)),
            None => "the document".to_owned(),
        }
    }

    /// The nearest key above the value.
    fn field(&self) -> Option<&str> {
        self.way.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(&**key),
            Step::Item(_) => None,
        })
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.way {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer += &shown(key).replace('~', "~0").replace('/', "~1"),
                Step::Item(idx) => pointer += &idx.to_string(),
            }
        }
        pointer
    }

    fn mismatch(&self, wanted: &str) -> Problem {
        let found = match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a text",
            Some(b't' | b'f') => "a truth value",
            Some(b'n') => "null",
            _ => "a number",
        };
        self.problem(format!("{} must be {wanted}, not {found}", self.name()))
    }

    fn open(&mut self, bracket: u8, what: &str) -> Result<()> {
        if self.takes(bracket) {
            Ok(())
        } else {
            Err(self.mismatch(what))
        }
    }

    /// A string that stands here, without its quotes; borrowed unless it has escapes.
    fn string(&mut self) -> Cow<'a, str> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut end = start;
        let mut has_escapes = false;
        while end < bytes.len() && bytes[end] != b'"' {
            has_escapes |= bytes[end] == b'\\';
            end += 1 + usize::from(bytes[end] == b'\\');
        }
        self.at = end + 1;
        let plain = &self.text[start..end];
        let quoted = &self.text[start - 1..=end];
        self.space();
        if has_escapes {
            // The escapes were checked; serde_json knows how to undo them.
            Cow::Owned(serde_json::from_str(quoted).unwrap_or_default())
        } else {
            Cow::Borrowed(plain)
        }
    }

    /// A number or word that stands here; empty before a bracket or a quote.
    fn word(&self) -> &'a str {
        let rest = &self.text[self.at..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let len = rest
            .as_bytes()
            .iter()
            .take_while(|byte| is_part(byte))
            .count();
        &rest[..len]
    }

    fn pass(&mut self, word: &str) {
        self.at += word.len();
        self.space();
    }

    /// Goes behind this byte and the blanks after it, if it stands here.
    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.at += 1;
            self.space();
        }
        there
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}

/// Puts a value into its place, which must be empty.
pub(crate) fn fill<T>(place: &mut Option<T>, reader: &Reader, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(reader.twice()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(text: &str) -> Result<Vec<(String, f32)>> {
        let mut found = Vec::new();
        let mut reader = Reader::new(text.as_bytes(), 16)?;
        reader.object(|reader, key| {
            found.push((key.to_owned(), reader.number_or_null()?));
            Ok(())
        })?;
        Ok(found)
    }

    fn refusal(text: &str) -> (u16, String) {
        let problem = numbers(text).unwrap_err();
        let detail = problem.json()["detail"].as_str().unwrap().to_owned();
        (problem.status().as_u16(), detail)
    }

    #[test]
    fn values_come_in_order_with_their_keys() {
        let found = numbers(" { \"a\" : 1.5 , \"\\u00b5\":-0, \"c\" :null } ").unwrap();
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "µ", "c"]);
        assert_eq!(found[0].1, 1.5);
        assert!(found[1].1.is_sign_negative());
        assert!(found[2].1.is_nan());
        assert!(numbers("{}").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_number_is_called_by_its_name() {
        for (text, status, detail) in [
            ("{\"a\":NaN}", 422, "`a` is NaN, which is no number"),
            (
                "{\"a\":-Infinity}",
                422,
                "`a` is -Infinity, which is no number",
            ),
            ("{\"a\":1e400}", 422, "`a` is 1e400, which is too large"),
            ("{\"a\":1e39}", 422, "`a` is 1e39, which is too large"),
            ("{\"a\":\"80\"}", 422, "`a` must be a number, not a text"),
            ("{\"a\":[80]}", 422, "`a` must be a number, not a list"),
            (
                "{\"a\":true}",
                422,
                "`a` must be a number, not a truth value",
            ),
            ("[1]", 422, "the document must be an object, not a list"),
            ("", 400, "the body is empty"),
            (
                "\u{feff}{}",
                400,
                "the document begins with a byte-order mark",
            ),
            (
                "{\"a\":1}}",
                400,
                "the body is not JSON at byte 7: there is something after the document",
            ),
        ] {
            assert_eq!(refusal(text), (status, detail.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_pointer_leads_to_the_place() {
        let mut reader = Reader::new(b"{\"r/s\":[{\"x~\":0},{\"x~\":NaN}]}", 16).unwrap();
        let problem = reader
            .object(|reader, _| {
                reader.array(|reader, _| reader.object(|reader, _| reader.number().map(|_| ())))
            })
            .unwrap_err();
        assert_eq!(problem.json()["pointer"], "/r~1s/1/x~0");
        assert_eq!(problem.json()["field"], "x~");
    }

    /// Just below the middle between two f32: by way of f64 it would be taken for the middle, and rounded up.
    #[test]
    fn a_decimal_is_rounded_once() {
        let found = numbers("{\"a\":1.00000017881393432617187499}").unwrap();
        assert_eq!(found[0].1.to_bits(), 0x3f80_0001);
    }

    proptest! {
        #[test]
        fn every_f32_comes_back_bit_for_bit(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            for text in [format!("{value}"), format!("{value:e}"), format!("{}", f64::from(value))] {
                let found = numbers(&format!("{{\"a\":{text}}}")).unwrap();
                prop_assert_eq!(found[0].1.to_bits(), bits);
            }
        }

        #[test]
        fn what_serde_reads_we_read(map in prop::collection::btree_map(any::<String>(), -1e30f32..1e30, 0..6)) {
            let text = serde_json::to_string(&map).unwrap();
            let ours: std::collections::BTreeMap<String, f32> = numbers(&text).unwrap().into_iter().collect();
            prop_assert_eq!(ours, map);
        }
    }
}
