//! What can be wrong with a list of features.

use crate::Task;

/// Why a text is no set of features. Positions are columns of the text, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// No feature at all.
    #[error("no feature is named")]
    Empty,
    /// Something else was expected.
    #[error("column {column}: expected {expected}, found {found}")]
    Expected {
        /// Where.
        column: usize,
        /// What could stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// A name that the language does not have.
    #[error("column {column}: unknown {kind} `{name}`")]
    Unknown {
        /// Where.
        column: usize,
        /// What kind of name was expected.
        kind: &'static str,
        /// What was written.
        name: String,
        /// The known name that looks most like it.
        nearest: Option<&'static str>,
    },
    /// Hours out of range.
    #[error("column {column}: `{function}` takes {least} to {most} hours, not {found}")]
    Hours {
        /// Where.
        column: usize,
        /// Whose hours.
        function: &'static str,
        /// The fewest allowed.
        least: u16,
        /// The most allowed.
        most: u16,
        /// What was written.
        found: String,
    },
    /// Another number out of range, or none.
    #[error("column {column}: `{function}` takes {expected}, not {found}")]
    Number {
        /// Where.
        column: usize,
        /// Whose number.
        function: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What was written.
        found: String,
    },
    /// The name of a set among expressions.
    #[error("column {column}: `{set}` is a set of its own and no item of a list")]
    SetInList {
        /// Where.
        column: usize,
        /// The set.
        set: String,
    },
    /// A window or change of an angle.
    #[error(
        "column {column}: `{function}` of the angle `wind_dir` has no meaning, since 359° lies beside 1°"
    )]
    Angle {
        /// Where.
        column: usize,
        /// The function.
        function: &'static str,
    },
    /// Two features with the same column.
    #[error("the feature `{expression}` is named twice")]
    Twice {
        /// Its canonical expression.
        expression: String,
    },
    /// A nowcast that is told its answer.
    #[error(
        "the feature `{expression}` uses PM2.5 of the hour t, which is what a nowcast is to find"
    )]
    TargetItself {
        /// Its canonical expression.
        expression: String,
    },
}

impl FeatureError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => {
                "write `classic`, `full` or expressions such as `pm10,lag(pm25,1)`".to_owned()
            }
            Self::Unknown {
                nearest: Some(nearest),
                ..
            } => format!("did you mean `{nearest}`?"),
            Self::Unknown { nearest: None, .. }
            | Self::Expected { .. }
            | Self::Hours { .. }
            | Self::Number { .. } => {
                "expressions look like `pm10`, `lag(pm25,1)`, `mean(pm25,24)`, `change(temp,3)`, \
                 `others_mean(pm25)`, `quantile(pm25,24,90)`, `since(wind,3,72)`, `sin(hour)`"
                    .to_owned()
            }
            Self::SetInList { set, .. } => format!(
                "name `{set}` alone, or write out what it has: `pm25-prep --explain --features {set}` lists it"
            ),
            Self::Angle { .. } => "use its components `wind_u` and `wind_v`".to_owned(),
            Self::Twice { .. } => "name it once".to_owned(),
            Self::TargetItself { .. } => {
                format!(
                    "a {} knows PM2.5 up to t-1: use `lag(pm25,1)`",
                    Task::Nowcast.word()
                )
            }
        }
    }
}
