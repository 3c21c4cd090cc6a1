//! What a setting is: its names, its range, and how it is read from text.
//!
//! Not which settings there are.

use std::fmt;

/// A setting that a user may change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knob {
    /// Its name, as XGBoost or scikit-learn has it.
    pub name: &'static str,
    /// Other names under which those programs know it.
    pub also: &'static [&'static str],
    /// Used where nothing is said. A whole number here allows whole numbers only.
    pub default: Number,
    /// The smallest value allowed.
    pub min: f64,
    /// The largest value allowed.
    pub max: f64,
    /// The words allowed, if its value is a word.
    pub words: &'static [&'static str],
    /// What it does, in one line.
    pub about: &'static str,
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A count, a bound or a seed; at most 2^53, so that a JSON reader keeps it.
    Whole(u64),
    /// A share, a rate or a penalty.
    Real(f64),
    /// One of a few words.
    Word(&'static str),
}

/// Why settings were refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadParam {
    /// No setting has this name.
    #[error("there is no setting `{name}`; did you mean `{nearest}`? (known: {known})")]
    Unknown {
        /// As typed.
        name: String,
        /// The known name with the fewest typing errors.
        nearest: &'static str,
        /// All names, for people.
        known: String,
    },
    /// The value is not a number of the right kind.
    #[error("`{name}` takes {wanted} from {min} to {max}, not `{value}`")]
    Value {
        /// The setting.
        name: &'static str,
        /// As typed.
        value: String,
        /// "a number" or "a whole number".
        wanted: &'static str,
        /// The smallest value allowed.
        min: f64,
        /// The largest value allowed.
        max: f64,
    },
    /// The value is none of the words allowed.
    #[error("`{name}` is one of {known}, not `{value}`")]
    Word {
        /// The setting.
        name: &'static str,
        /// As typed.
        value: String,
        /// The words allowed, for people.
        known: String,
    },
    /// A setting is given twice, perhaps under two names.
    #[error("`{name}` is set twice")]
    Twice {
        /// The setting.
        name: &'static str,
    },
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
            Self::Word(value) => value.fmt(f),
        }
    }
}

pub(crate) const fn whole(
    name: &'static str,
    default: u64,
    min: f64,
    max: f64,
    about: &'static str,
) -> Knob {
    Knob {
        name,
        also: &[],
        default: Number::Whole(default),
        min,
        max,
        words: &[],
        about,
    }
}

pub(crate) const fn real(
    name: &'static str,
    default: f64,
    min: f64,
    max: f64,
    about: &'static str,
) -> Knob {
    Knob {
        name,
        also: &[],
        default: Number::Real(default),
        min,
        max,
        words: &[],
        about,
    }
}

/// The first word is the default.
pub(crate) const fn word(
    name: &'static str,
    words: &'static [&'static str],
    about: &'static str,
) -> Knob {
    Knob {
        name,
        also: &[],
        default: Number::Word(words[0]),
        min: 0.0,
        max: 0.0,
        words,
        about,
    }
}

impl Knob {
    pub(crate) const fn or(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.also.contains(&name)
    }

    pub(crate) fn parse(&self, value: &str) -> Result<Number, BadParam> {
        let (number, wanted) = match self.default {
            Number::Word(_) => return self.parse_word(value),
            Number::Whole(_) => (value.parse().ok().map(Number::Whole), "a whole number"),
            Number::Real(_) => (value.parse().ok().map(Number::Real), "a number"),
        };
        let is_allowed = |number: &Number| {
            let value = match number {
                Number::Whole(value) => *value as f64,
                Number::Real(value) => *value,
                Number::Word(_) => f64::NAN,
            };
            // A NaN is in no range.
            self.min <= value && value <= self.max
        };
        number.filter(is_allowed).ok_or_else(|| BadParam::Value {
            name: self.name,
            value: value.to_owned(),
            wanted,
            min: self.min,
            max: self.max,
        })
    }
}

impl Knob {
    fn parse_word(&self, value: &str) -> Result<Number, BadParam> {
        let known = self.words.iter().find(|word| **word == value);
        known
            .map(|word| Number::Word(word))
            .ok_or_else(|| BadParam::Word {
                name: self.name,
                value: value.to_owned(),
                known: self.words.join(", "),
            })
    }
}

/// One value for each knob.
pub(crate) struct Settings {
    knobs: &'static [Knob],
    values: Vec<Number>,
}

impl Settings {
    pub(crate) fn parse(
        knobs: &'static [Knob],
        pairs: &[(String, String)],
    ) -> Result<Self, BadParam> {
        let mut values: Vec<Number> = knobs.iter().map(|knob| knob.default).collect();
        let mut seen = vec![false; knobs.len()];
        for (name, value) in pairs {
            let Some(knob_idx) = knobs.iter().position(|knob| knob.is_called(name)) else {
                return Err(unknown(name, knobs));
            };
            if seen[knob_idx] {
                return Err(BadParam::Twice {
                    name: knobs[knob_idx].name,
                });
            }
            seen[knob_idx] = true;
            values[knob_idx] = knobs[knob_idx].parse(value)?;
        }
        Ok(Self { knobs, values })
    }

    pub(crate) fn value(&self, name: &str) -> Number {
        let place = self.knobs.iter().position(|knob| knob.name == name);
        self.values[place.expect("each setting is in its table, see the tests")]
    }

    pub(crate) fn whole(&self, name: &str) -> u64 {
        match self.value(name) {
            Number::Whole(value) => value,
            Number::Real(value) => value as u64,
            Number::Word(_) => 0,
        }
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.whole(name) as usize
    }

    pub(crate) fn real(&self, name: &str) -> f64 {
        match self.value(name) {
            Number::Whole(value) => value as f64,
            Number::Real(value) => value,
            Number::Word(_) => 0.0,
        }
    }
}

fn unknown(name: &str, knobs: &[Knob]) -> BadParam {
    let nearest = knobs
        .iter()
        .map(|knob| knob.name)
        .min_by_key(|known| typing_errors(name, known));
    let known: Vec<&str> = knobs.iter().map(|knob| knob.name).collect();
    BadParam::Unknown {
        name: name.to_owned(),
        nearest: nearest.unwrap_or_default(),
        known: known.join(", "),
    }
}

/// The least number of characters to add, drop or change that makes one word of the other (Levenshtein's distance).
fn typing_errors(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut distances: Vec<usize> = (0..=b.len()).collect();
    for (n_before, a) in a.chars().enumerate() {
        let mut diagonal = distances[0];
        distances[0] = n_before + 1;
        for (place, b) in b.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = distances[place + 1];
            distances[place + 1] = changed.min(diagonal + 1).min(distances[place] + 1);
        }
    }
    distances[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_counted() {
        assert_eq!(typing_errors("kitten", "sitting"), 3);
        assert_eq!(typing_errors("", "abc"), 3);
        assert_eq!(typing_errors("abc", ""), 3);
        assert_eq!(typing_errors("same", "same"), 0);
    }
}
