//! A set of features for one task: in order, none twice, and none that knows the answer.

use super::parse::parse_list;
use super::{Feature, FeatureError, Local, Signal, sets};
use crate::{Quantity, Task};
use std::collections::BTreeSet;
use std::fmt;

/// The features of one task, checked; the order is the order of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSet {
    task: Task,
    features: Vec<Feature>,
}

impl FeatureSet {
    /// Reads `classic`, `full` or a comma-separated list of expressions.
    ///
    /// # Errors
    /// See [`FeatureError`].
    pub fn parse(task: Task, text: &str) -> Result<Self, FeatureError> {
        Self::parse_among(task, text, &[])
    }

    /// The same where it is known which stations there are: `full` may then look at each of them by name. A model that
    /// is to be fitted gets the stations of its train rows.
    ///
    /// # Errors
    /// See [`FeatureError`].
    pub fn parse_among(task: Task, text: &str, stations: &[String]) -> Result<Self, FeatureError> {
        let features = match text.trim() {
            "classic" => parse_list(sets::CLASSIC)?,
            "full" => {
                let mut features = parse_list(&sets::full(task))?;
                features.extend(sets::by_name(task, stations));
                features
            }
            _ => parse_list(text)?,
        };
        Self::new(task, features)
    }

    /// Checks features against a task.
    ///
    /// # Errors
    /// When there are none, when two are the same, or when a nowcast would be given PM2.5 of the hour t.
    pub fn new(task: Task, features: Vec<Feature>) -> Result<Self, FeatureError> {
        if features.is_empty() {
            return Err(FeatureError::Empty);
        }
        let mut columns = BTreeSet::new();
        for feature in &features {
            if knows_the_answer(feature, task) {
                return Err(FeatureError::TargetItself {
                    expression: feature.to_string(),
                });
            }
            if !columns.insert(feature.column()) {
                return Err(FeatureError::Twice {
                    expression: feature.to_string(),
                });
            }
        }
        Ok(Self { task, features })
    }

    /// What the features are for.
    pub const fn task(&self) -> Task {
        self.task
    }

    /// The features, in column order.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// What is computed of single stations' hours, their own and others', a feature each.
    pub(super) fn locals(&self) -> impl Iterator<Item = Local> {
        self.features.iter().filter_map(|feature| feature.local())
    }

    /// Whether any feature looks at other stations.
    pub fn looks_at_others(&self) -> bool {
        let others =
            |feature: &Feature| matches!(feature, Feature::Others { .. } | Feature::At { .. });
        self.features.iter().any(others)
    }

    /// How many hours before t the oldest input lies: a row needs the hours t - `history_h` to t and no others.
    pub fn history_h(&self) -> u16 {
        self.features
            .iter()
            .map(|feature| feature.oldest_h(self.task))
            .max()
            .unwrap_or(0)
    }
}

/// The canonical list of expressions.
impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (position, feature) in self.features.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{feature}")?;
        }
        Ok(())
    }
}

/// Also of other stations: where a nowcast is asked for, their PM2.5 of the hour t is as late as its own.
fn knows_the_answer(feature: &Feature, task: Task) -> bool {
    let pm25 = Signal::Measured(Quantity::Pm25);
    let of_pm25 = feature
        .local()
        .is_some_and(|local| local.signals().contains(&pm25));
    of_pm25 && feature.newest_h(task) < Some(task.newest_pm25_h())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORECAST: Task = Task::Forecast { horizon_h: 6 };

    #[test]
    fn a_nowcast_is_not_told_its_answer() {
        for text in [
            "pm25",
            "lag(pm25,0)",
            "change(pm25,1)",
            "others_mean(pm25)",
            "others_max(change(pm25,1))",
        ] {
            let err = FeatureSet::parse(Task::Nowcast, text).unwrap_err();
            assert!(
                matches!(err, FeatureError::TargetItself { .. }),
                "{text}: {err}"
            );
            assert!(err.hint().contains("lag(pm25,1)"));
            assert!(FeatureSet::parse(FORECAST, text).is_ok());
        }
        assert!(
            FeatureSet::parse(
                Task::Nowcast,
                "lag(pm25,1),mean(pm25,3),pm10,change(pm10,1),others_mean(lag(pm25,1)),others_max(ewm(pm25,2))"
            )
            .is_ok()
        );
    }

    #[test]
    fn a_feature_is_named_once() {
        let err = FeatureSet::parse(FORECAST, "pm10,o3,lag(pm10,0)").unwrap_err();
        assert_eq!(err.to_string(), "the feature `pm10` is named twice");
    }

    #[test]
    fn history_reaches_to_the_oldest_hour() {
        let history_h = |task, text| FeatureSet::parse(task, text).unwrap().history_h();
        assert_eq!(history_h(FORECAST, "hour,pm10"), 0);
        assert_eq!(history_h(FORECAST, "mean(pm25,24)"), 23);
        assert_eq!(history_h(Task::Nowcast, "mean(pm25,24),mean(pm10,24)"), 24);
        assert_eq!(history_h(FORECAST, "lag(o3,5),change(o3,7)"), 7);
    }

    #[test]
    fn the_full_sets_have_their_columns() {
        let n_features = |task| FeatureSet::parse(task, "full").unwrap().features().len();
        assert_eq!((n_features(Task::Nowcast), n_features(FORECAST)), (89, 129));
    }

    #[test]
    fn the_text_reads_back() {
        for task in [Task::Nowcast, FORECAST] {
            for text in ["classic", "full", "pm10,lag(pm25,3),sin(hour)"] {
                let set = FeatureSet::parse(task, text).unwrap();
                assert_eq!(FeatureSet::parse(task, &set.to_string()), Ok(set));
            }
        }
    }
}
