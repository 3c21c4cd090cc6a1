//! From text to features.
//!
//! ```text
//! list    = feature { "," feature }
//! feature = name | local | others "(" local ")" | "at" "(" quoted "," local ")" | wave "(" hand ")"
//! local   = quantity | function "(" quantity { "," number } ")" | "ventilation" "(" hours ")"
//!         | "nowcast" "(" "pm25" ")" | "aqi" "(" scale ")"
//! ```
//!
//! Blanks do not count. A quote inside a quoted name is doubled. The checks that need a task are in [`FeatureSet`](super::FeatureSet).

use super::nearest::nearest;
use super::{
    Calendar, Feature, FeatureError, HALF_LIFE_H_MAX, HOURS_MAX, Local, OthersStat, Signal,
    Threshold, Wave, WindowStat,
};
use crate::aqi::Scale;

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
    let feature = match function {
        Function::Others(stat) => others(reader, stat)?,
        Function::Cycle(wave) => cycle(reader, wave)?,
        Function::At => at(reader)?,
        _ => Feature::Own(function.local(reader)?),
    };
    reader.expect(')', "`)`")?;
    Ok(feature)
}

/// A name that stands alone.
fn plain(name: &Name) -> Result<Feature, FeatureError> {
    if name.text == "station" {
        return Ok(Feature::Station);
    }
    if name.text == "trend" {
        return Ok(Feature::Trend);
    }
    if let Some(hand) = hand_of(name.text) {
        return Ok(Feature::Calendar(hand));
    }
    if let Some(signal) = signal_of(name.text) {
        return Ok(Feature::Own(Local::Value { signal, lag_h: 0 }));
    }
    let known = Signal::all().map(Signal::name);
    let hands = Calendar::ALL.into_iter().map(Calendar::name);
    // The sets are no expressions, and so not offered: a list cannot be made of them.
    Err(match name.text {
        "classic" | "full" => FeatureError::SetInList {
            column: name.column,
            set: name.text.to_owned(),
        },
        _ => name.unknown("feature", known.chain(hands).chain(["trend", "station"])),
    })
}

/// What is inside `others_mean(..)`.
fn others(reader: &mut Reader, stat: OthersStat) -> Result<Feature, FeatureError> {
    let column = reader.next_column();
    let of = elsewhere(reader)?;
    if of.signals()[0].is_angle() {
        return Err(FeatureError::Angle {
            column,
            function: stat.name(),
        });
    }
    Ok(Feature::Others { stat, of })
}

/// What is inside `at(..)`.
fn at(reader: &mut Reader) -> Result<Feature, FeatureError> {
    let station = reader.quoted("a station's name in double quotes")?;
    reader.expect(',', "`,` and a quantity, or a function of one")?;
    let of = elsewhere(reader)?;
    Ok(Feature::At { station, of })
}

/// A number from one station's hours, wherever that is.
fn elsewhere(reader: &mut Reader) -> Result<Local, FeatureError> {
    let name = reader.name("a quantity, or a function of one")?;
    if reader.peek() != Some('(') {
        let signal = signal(&name)?;
        return Ok(Local::Value { signal, lag_h: 0 });
    }
    let function = Function::of(&name)?;
    if matches!(
        function,
        Function::Others(_) | Function::Cycle(_) | Function::At
    ) {
        return Err(FeatureError::Expected {
            column: name.column,
            expected: "a quantity, or a function of one",
            found: format!("`{}`", name.text),
        });
    }
    reader.expect('(', "`(`")?;
    let of = function.local(reader)?;
    reader.expect(')', "`)`")?;
    Ok(of)
}

fn cycle(reader: &mut Reader, wave: Wave) -> Result<Feature, FeatureError> {
    let of = reader.name("`hour`, `dayofweek`, `month` or `dayofyear`")?;
    match hand_of(of.text) {
        Some(hand) => Ok(Feature::Cycle { wave, of: hand }),
        None => Err(of.unknown("cycle", Calendar::ALL.into_iter().map(Calendar::name))),
    }
}

#[derive(Copy, Clone)]
enum Function {
    Lag,
    Window(WindowStat),
    Quantile,
    Ewm,
    Change,
    Since,
    Ventilation,
    NowCast,
    Aqi,
    Others(OthersStat),
    At,
    Cycle(Wave),
}

impl Function {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Lag, Self::Quantile, Self::Ewm, Self::Change]
            .into_iter()
            .chain([Self::Since, Self::Ventilation, Self::NowCast, Self::Aqi])
            .chain(WindowStat::ALL.map(Self::Window))
            .chain(OthersStat::ALL.map(Self::Others))
            .chain([Self::At])
            .chain([Self::Cycle(Wave::Sin), Self::Cycle(Wave::Cos)])
    }

    fn of(name: &Name) -> Result<Self, FeatureError> {
        let found = Self::all().find(|function| function.name() == name.text);
        found.ok_or_else(|| name.unknown("function", Self::all().map(Self::name)))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Lag => "lag",
            Self::Window(stat) => stat.name(),
            Self::Quantile => "quantile",
            Self::Ewm => "ewm",
            Self::Change => "change",
            Self::Since => "since",
            Self::Ventilation => "ventilation",
            Self::NowCast => "nowcast",
            Self::Aqi => "aqi",
            Self::Others(stat) => stat.name(),
            Self::At => "at",
            Self::Cycle(wave) => wave.name(),
        }
    }

    /// What stands between the brackets of a function of one station's hours.
    fn local(self, reader: &mut Reader) -> Result<Local, FeatureError> {
        match self {
            Self::Ventilation => self
                .hours(reader, 2, HOURS_MAX)
                .map(|hours| Local::Ventilation { hours }),
            Self::NowCast => {
                let of = reader.name("`pm25`")?;
                match of.text {
                    "pm25" => Ok(Local::NowCast),
                    _ => Err(of.unknown("quantity of a NowCast", ["pm25"].into_iter())),
                }
            }
            Self::Aqi => {
                let of = reader.name("a scale")?;
                let scale = Scale::ALL.into_iter().find(|scale| scale.name() == of.text);
                let scale = scale
                    .ok_or_else(|| of.unknown("scale", Scale::ALL.into_iter().map(Scale::name)))?;
                Ok(Local::Aqi { scale })
            }
            _ => self.of_quantity(reader),
        }
    }

    /// The same for a function of any quantity.
    fn of_quantity(self, reader: &mut Reader) -> Result<Local, FeatureError> {
        let of = reader.name("a quantity")?;
        let signal = match self {
            Self::Lag => signal(&of)?,
            _ => no_angle(&of, self.name())?,
        };
        reader.expect(',', "`,` and a number of hours")?;
        let at_least = match self {
            Self::Since => Some(self.threshold(reader)?),
            _ => None,
        };
        let (least, most) = match self {
            Self::Lag => (0, HOURS_MAX),
            Self::Change => (1, HOURS_MAX),
            Self::Ewm => (1, HALF_LIFE_H_MAX),
            _ => (2, HOURS_MAX),
        };
        let hours = self.hours(reader, least, most)?;
        Ok(match (self, at_least) {
            (Self::Since, Some(at_least)) => Local::Since {
                signal,
                at_least,
                hours,
            },
            (Self::Window(stat), _) => Local::Window {
                stat,
                signal,
                hours,
            },
            (Self::Quantile, _) => Local::Quantile {
                signal,
                hours,
                pct: self.percent(reader)?,
            },
            (Self::Ewm, _) => Local::Ewm {
                signal,
                half_life_h: hours,
            },
            (Self::Change, _) => Local::Change { signal, hours },
            _ => Local::Value {
                signal,
                lag_h: hours,
            },
        })
    }

    fn hours(self, reader: &mut Reader, least: u16, most: u16) -> Result<u16, FeatureError> {
        let number = reader.name("a number of hours")?;
        match whole(&number) {
            Some(hours) if least <= hours && hours <= most => Ok(hours),
            _ => Err(FeatureError::Hours {
                column: number.column,
                function: self.name(),
                least,
                most,
                found: number.text.to_owned(),
            }),
        }
    }

    fn percent(self, reader: &mut Reader) -> Result<u8, FeatureError> {
        reader.expect(',', "`,` and a percentage")?;
        let number = reader.name("a percentage")?;
        let pct = whole(&number).and_then(|pct| u8::try_from(pct).ok());
        pct.filter(|pct| (1..=99).contains(pct))
            .ok_or_else(|| self.no_number(&number, "a whole percentage of 1 to 99"))
    }

    fn threshold(self, reader: &mut Reader) -> Result<Threshold, FeatureError> {
        let number = reader.name("a threshold")?;
        let threshold = Threshold::parse(number.text).ok_or_else(|| {
            self.no_number(
                &number,
                "a threshold of 0 to 30000 with at most two decimals",
            )
        })?;
        reader.expect(',', "`,` and a number of hours")?;
        Ok(threshold)
    }

    fn no_number(self, number: &Name, expected: &'static str) -> FeatureError {
        FeatureError::Number {
            column: number.column,
            function: self.name(),
            expected,
            found: number.text.to_owned(),
        }
    }
}

/// Digits alone.
fn whole(number: &Name) -> Option<u16> {
    let digits = number.text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| number.text.parse().ok()).flatten()
}

fn signal(of: &Name) -> Result<Signal, FeatureError> {
    signal_of(of.text).ok_or_else(|| of.unknown("quantity", Signal::all().map(Signal::name)))
}

fn no_angle(of: &Name, function: &'static str) -> Result<Signal, FeatureError> {
    let signal = signal(of)?;
    if signal.is_angle() {
        return Err(FeatureError::Angle {
            column: of.column,
            function,
        });
    }
    Ok(signal)
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

    /// A text in double quotes, those inside it doubled.
    fn quoted(&mut self, expected: &'static str) -> Result<String, FeatureError> {
        if self.peek() != Some('"') {
            return Err(self.unexpected(expected));
        }
        let mut text = String::new();
        let mut rest = &self.rest()[1..];
        loop {
            let Some((part, after)) = rest.split_once('"') else {
                self.at = self.text.len();
                return Err(self.unexpected("`\"` after the name"));
            };
            text.push_str(part);
            rest = after;
            let Some(more) = rest.strip_prefix('"') else {
                break;
            };
            text.push('"');
            rest = more;
        }
        self.at = self.text.len() - rest.len();
        if text.is_empty() {
            return Err(self.unexpected(expected));
        }
        Ok(text)
    }

    /// Where the next word begins.
    fn next_column(&mut self) -> usize {
        self.peek();
        self.column()
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
mod tests;
