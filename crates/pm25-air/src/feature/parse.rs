//! From text to features.
//!
//! ```text
//! list    = feature { "," feature }
//! feature = name | function "(" name [ "," hours ] ")"
//! ```
//!
//! Blanks do not count. The checks that need a task are in [`FeatureSet`](super::FeatureSet).

use super::nearest::nearest;
use super::{Calendar, Feature, FeatureError, HOURS_MAX, Signal, Wave, WindowStat};
use crate::Quantity;

/// Reads comma-separated expressions, in their order.
pub(super) fn parse_list(text: &str) -> Result<Vec<Feature>, FeatureError> {
    let mut reader = Reader { text, at: 0 };
    if reader.peek().is_none() {
        return Err(FeatureError::Empty);
    }
    let mut features = vec![feature(&mut reader)?];
    while reader.peek().is_some() {
        reader.expect(',', "`,` between features")?;
        features.push(feature(&mut reader)?);
    }
    Ok(features)
}

fn feature(reader: &mut Reader) -> Result<Feature, FeatureError> {
    let name = reader.name("a feature")?;
    if reader.peek() != Some('(') {
        return plain(&name);
    }
    let function = Function::of(&name)?;
    reader.expect('(', "`(`")?;
    let of = reader.name(function.argument())?;
    let feature = function.apply(reader, &of)?;
    reader.expect(')', "`)`")?;
    Ok(feature)
}

/// A name that stands alone.
fn plain(name: &Name) -> Result<Feature, FeatureError> {
    if name.text == "station" {
        return Ok(Feature::Station);
    }
    if let Some(hand) = hand_of(name.text) {
        return Ok(Feature::Calendar(hand));
    }
    if let Some(signal) = signal_of(name.text) {
        return Ok(Feature::Value { signal, lag_h: 0 });
    }
    let known = Signal::all().map(Signal::name);
    let hands = Calendar::ALL.into_iter().map(Calendar::name);
    Err(name.unknown(
        "feature",
        known.chain(hands).chain(["station", "classic", "full"]),
    ))
}

#[derive(Copy, Clone)]
enum Function {
    Lag,
    Window(WindowStat),
    Change,
    Cycle(Wave),
}

impl Function {
    const ALL: [Self; 8] = [
        Self::Lag,
        Self::Window(WindowStat::Mean),
        Self::Window(WindowStat::Min),
        Self::Window(WindowStat::Max),
        Self::Window(WindowStat::Std),
        Self::Change,
        Self::Cycle(Wave::Sin),
        Self::Cycle(Wave::Cos),
    ];

    fn of(name: &Name) -> Result<Self, FeatureError> {
        let found = Self::ALL
            .into_iter()
            .find(|function| function.name() == name.text);
        found.ok_or_else(|| name.unknown("function", Self::ALL.into_iter().map(Self::name)))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Lag => "lag",
            Self::Window(stat) => stat.name(),
            Self::Change => "change",
            Self::Cycle(wave) => wave.name(),
        }
    }

    const fn argument(self) -> &'static str {
        match self {
            Self::Cycle(_) => "`hour`, `dayofweek`, `month` or `dayofyear`",
            _ => "a quantity",
        }
    }

    fn apply(self, reader: &mut Reader, of: &Name) -> Result<Feature, FeatureError> {
        match self {
            Self::Lag => {
                let signal = self.signal(of)?;
                Ok(Feature::Value {
                    signal,
                    lag_h: self.hours(reader, 0)?,
                })
            }
            Self::Window(stat) => {
                let signal = self.no_angle(of)?;
                Ok(Feature::Window {
                    stat,
                    signal,
                    hours: self.hours(reader, 2)?,
                })
            }
            Self::Change => {
                let signal = self.no_angle(of)?;
                Ok(Feature::Change {
                    signal,
                    hours: self.hours(reader, 1)?,
                })
            }
            Self::Cycle(wave) => match hand_of(of.text) {
                Some(hand) => Ok(Feature::Cycle { wave, of: hand }),
                None => Err(of.unknown("cycle", Calendar::ALL.into_iter().map(Calendar::name))),
            },
        }
    }

    fn signal(self, of: &Name) -> Result<Signal, FeatureError> {
        signal_of(of.text).ok_or_else(|| of.unknown("quantity", Signal::all().map(Signal::name)))
    }

    fn no_angle(self, of: &Name) -> Result<Signal, FeatureError> {
        match self.signal(of)? {
            Signal::Measured(Quantity::WindDir) => Err(FeatureError::Angle {
                column: of.column,
                function: self.name(),
            }),
            signal => Ok(signal),
        }
    }

    fn hours(self, reader: &mut Reader, least: u16) -> Result<u16, FeatureError> {
        reader.expect(',', "`,` and a number of hours")?;
        let number = reader.name("a number of hours")?;
        match number.text.parse::<u16>() {
            Ok(hours) if least <= hours && hours <= HOURS_MAX && !number.text.starts_with('+') => {
                Ok(hours)
            }
            _ => Err(FeatureError::Hours {
                column: number.column,
                function: self.name(),
                least,
                found: number.text.to_owned(),
            }),
        }
    }
}

fn signal_of(name: &str) -> Option<Signal> {
    Signal::all().find(|signal| signal.name() == name)
}

fn hand_of(name: &str) -> Option<Calendar> {
    Calendar::ALL.into_iter().find(|hand| hand.name() == name)
}

/// A word of the text and where it begins, counted in characters from 1.
struct Name<'t> {
    text: &'t str,
    column: usize,
}

impl Name<'_> {
    fn unknown(
        &self,
        kind: &'static str,
        known: impl Iterator<Item = &'static str>,
    ) -> FeatureError {
        FeatureError::Unknown {
            column: self.column,
            kind,
            name: self.text.to_owned(),
            nearest: nearest(self.text, known),
        }
    }
}

/// The text and how far it has been read, in bytes.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    /// The next character that is no blank, left in place.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn expect(&mut self, wanted: char, expected: &'static str) -> Result<(), FeatureError> {
        if self.peek() != Some(wanted) {
            return Err(self.unexpected(expected));
        }
        self.at += wanted.len_utf8();
        Ok(())
    }

    /// A run of anything but blanks, commas and brackets: mistyped names are to be shown whole.
    fn name(&mut self, expected: &'static str) -> Result<Name<'t>, FeatureError> {
        self.peek();
        let (rest, column) = (self.rest(), self.column());
        let is_end = |c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')');
        let length = rest.find(is_end).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.unexpected(expected));
        }
        self.at += length;
        Ok(Name {
            text: &rest[..length],
            column,
        })
    }

    fn unexpected(&mut self, expected: &'static str) -> FeatureError {
        let found = match self.peek() {
            Some(found) => format!("`{found}`"),
            None => "the end".to_owned(),
        };
        FeatureError::Expected {
            column: self.column(),
            expected,
            found,
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn column(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// Any feature at all.
    fn any_feature() -> impl Strategy<Value = Feature> {
        let signals: Vec<Signal> = Signal::all().collect();
        let no_angles: Vec<Signal> = Signal::all()
            .filter(|&s| s != Signal::Measured(Quantity::WindDir))
            .collect();
        let hand = || select(Calendar::ALL.to_vec());
        prop_oneof![
            (select(signals), 0..=HOURS_MAX)
                .prop_map(|(signal, lag_h)| Feature::Value { signal, lag_h }),
            (
                select(WindowStat::ALL.to_vec()),
                select(no_angles.clone()),
                2..=HOURS_MAX
            )
                .prop_map(|(stat, signal, hours)| Feature::Window {
                    stat,
                    signal,
                    hours
                }),
            (select(no_angles), 1..=HOURS_MAX)
                .prop_map(|(signal, hours)| Feature::Change { signal, hours }),
            hand().prop_map(Feature::Calendar),
            (select(vec![Wave::Sin, Wave::Cos]), hand())
                .prop_map(|(wave, of)| Feature::Cycle { wave, of }),
            Just(Feature::Station),
        ]
    }

    proptest! {
        #[test]
        fn the_canonical_text_reads_back(features in proptest::collection::vec(any_feature(), 1..8)) {
            let text: Vec<String> = features.iter().map(Feature::to_string).collect();
            prop_assert_eq!(parse_list(&text.join(",")), Ok(features.clone()));
            prop_assert_eq!(parse_list(&text.join(" , ")), Ok(features));
        }

        #[test]
        fn a_column_is_plain_and_belongs_to_one_feature(a in any_feature(), b in any_feature()) {
            let column = a.column();
            prop_assert!(column.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_'));
            prop_assert_eq!(a == b, column == b.column());
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,40}") {
            let _ = parse_list(&text);
        }

        #[test]
        fn nearly_right_text_is_no_danger(text in "[a-z0-9(), é]{0,24}") {
            let _ = parse_list(&text);
        }
    }

    fn error(text: &str) -> (String, String) {
        let err = parse_list(text).unwrap_err();
        (err.to_string(), err.hint())
    }

    #[test]
    fn an_error_says_where_and_what_was_meant() {
        for (text, message, hint) in [
            ("", "no feature is named", "classic"),
            (
                "pm10,PM2.5",
                "column 6: unknown feature `PM2.5`",
                "did you mean `pm25`?",
            ),
            (
                "pm10,",
                "column 6: expected a feature, found the end",
                "look like",
            ),
            (
                "pm10 o3",
                "column 6: expected `,` between features, found `o`",
                "look like",
            ),
            (
                "lag(pm25,1",
                "column 11: expected `)`, found the end",
                "look like",
            ),
            (
                "lag(pm25)",
                "column 9: expected `,` and a number of hours, found `)`",
                "look like",
            ),
            (
                "lag(pm25,-1)",
                "column 10: `lag` takes 0 to 8784 hours, not -1",
                "look like",
            ),
            (
                "mean(pm25,1)",
                "column 11: `mean` takes 2 to 8784 hours, not 1",
                "look like",
            ),
            (
                "maen(pm25,3)",
                "column 1: unknown function `maen`",
                "did you mean `mean`?",
            ),
            (
                "max(hour,3)",
                "column 5: unknown quantity `hour`",
                "look like",
            ),
            ("sin(pm25)", "column 5: unknown cycle `pm25`", "look like"),
            (
                "mean(wind_dir,3)",
                "column 6: `mean` of the angle `wind_dir`",
                "wind_u",
            ),
            ("é,pm2", "column 1: unknown feature `é`", "look like"),
        ] {
            let (said, hinted) = error(text);
            assert!(said.starts_with(message), "{text}: {said}");
            assert!(hinted.contains(hint), "{text}: {hinted}");
        }
    }

    #[test]
    fn a_lag_of_nothing_is_the_value() {
        assert_eq!(parse_list("lag(pm10,0)"), parse_list("pm10"));
    }
}
