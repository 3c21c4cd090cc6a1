//! What a model's input columns may hold: the range and the kind of number, from the feature's definition.
//!
//! Not what is plausible: a value outside can be no measurement at all, usually a wrong unit.

use std::ops::RangeInclusive;

use pm25_air::aqi::Scale;
use pm25_air::feature::{Calendar, Feature, Local, OthersStat, Signal, WindowStat};
use pm25_air::{FeatureSet, Quantity};
use pm25_artifact::prep::FeatureFact;
use serde::Serialize;

use crate::problem::{Problem, Result};

/// One input column of the model that is served.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Input {
    /// Its name in a request.
    pub(crate) column: String,
    /// What it means, in the feature language.
    pub(crate) expression: String,
    /// Its unit.
    pub(crate) unit: String,
    /// What it may be; none for a column that another program made.
    #[serde(flatten)]
    pub(crate) bound: Option<Bound>,
    /// A value for examples.
    #[serde(skip)]
    pub(crate) typical: f32,
}

/// What a number may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Bound {
    /// The smallest.
    min: f32,
    /// The largest.
    max: f32,
    /// Whether only whole numbers are.
    whole: bool,
}

impl Bound {
    /// What a quantity can be at all.
    pub(crate) fn of(quantity: Quantity) -> Self {
        let possible = quantity.possible();
        Self {
            min: *possible.start(),
            max: *possible.end(),
            whole: false,
        }
    }

    /// The smallest and the largest.
    pub(crate) fn range(self) -> (f32, f32) {
        (self.min, self.max)
    }

    /// Whether only whole numbers are meant.
    pub(crate) fn is_whole(self) -> bool {
        self.whole
    }

    fn between(min: f32, max: f32) -> Self {
        Self {
            min,
            max,
            whole: false,
        }
    }

    fn whole(range: RangeInclusive<u16>) -> Self {
        Self {
            min: f32::from(*range.start()),
            max: f32::from(*range.end()),
            whole: true,
        }
    }

    fn holds(self, value: f32) -> bool {
        let is_inside = self.min <= value && value <= self.max;
        is_inside && !(self.whole && value.fract() != 0.0)
    }

    /// Takes a value that is possible or missing (NaN), or says what would be.
    ///
    /// # Errors
    /// 422 with unit and range.
    pub(crate) fn check(
        self,
        value: f32,
        unit: &str,
        refuse: impl FnOnce(String) -> Problem,
    ) -> Result<f32> {
        if value.is_nan() || self.holds(value) {
            return Ok(value);
        }
        let Self { min, max, whole } = self;
        let kind = if whole { "a whole number" } else { "a number" };
        let problem = refuse(format!(
            "is {value}, but can only be {kind} between {min} and {max} ({unit})"
        ));
        Err(problem.unit(unit).range(min, max))
    }
}

/// The inputs of a model with `n_stations`; `features` are theirs in the same order, if they are known.
pub(crate) fn of_model(
    facts: &[FeatureFact],
    features: Option<&FeatureSet>,
    n_stations: usize,
) -> Vec<Input> {
    let describe = |(idx, fact): (usize, &FeatureFact)| {
        let feature = features.and_then(|set| set.features().get(idx));
        Input {
            column: fact.column.clone(),
            expression: fact.expression.clone(),
            unit: fact.unit.clone(),
            bound: feature.map(|feature| bound(feature, n_stations)),
            typical: feature.map_or(1.0, typical),
        }
    };
    facts.iter().enumerate().map(describe).collect()
}

/// What a feature can be.
fn bound(feature: &Feature, n_stations: usize) -> Bound {
    match *feature {
        Feature::Own(of) | Feature::At { of, .. } => of_local(of),
        Feature::Others {
            stat: OthersStat::Std,
            of,
        } => spread(of_local(of)),
        Feature::Others { of, .. } => of_local(of),
        Feature::Calendar(hand) => of_hand(hand),
        Feature::Cycle { .. } => Bound::between(-1.0, 1.0),
        // The years 1970 to 2106.
        Feature::Trend => Bound::between(0.0, 50_000.0),
        Feature::Station => {
            let last = n_stations.saturating_sub(1);
            Bound::whole(0..=u16::try_from(last).unwrap_or(u16::MAX))
        }
    }
}

/// What one station's hours can say.
fn of_local(local: Local) -> Bound {
    match local {
        Local::Window {
            stat: WindowStat::Std,
            signal,
            ..
        } => spread(of_signal(signal)),
        Local::Window {
            stat: WindowStat::Sum,
            signal,
            hours,
        } => {
            let (min, max) = of_signal(signal).range();
            Bound::between(
                f32::from(hours) * min.min(0.0),
                f32::from(hours) * max.max(0.0),
            )
        }
        // Two hours of opposite ends are the steepest line; any further hour flattens it.
        Local::Window {
            stat: WindowStat::Slope,
            signal,
            ..
        }
        | Local::Change { signal, .. } => {
            let (min, max) = of_signal(signal).range();
            Bound::between(min - max, max - min)
        }
        Local::Value { signal, .. }
        | Local::Window { signal, .. }
        | Local::Quantile { signal, .. }
        | Local::Ewm { signal, .. } => of_signal(signal),
        Local::Since { hours, .. } => Bound::whole(0..=hours),
        Local::NowCast => Bound::of(Quantity::Pm25),
        // The US index has no end: at the largest PM2.5 that is possible it is below 21,000.
        Local::Aqi { scale } => Bound::whole(
            0..=match scale {
                Scale::Us => 21_000,
                Scale::India | Scale::China => 500,
                Scale::Europe | Scale::Who => 5,
            },
        ),
        Local::Ventilation { .. } => {
            let (coldest, hottest) = Bound::of(Quantity::Temp).range();
            let (_, fastest) = Bound::of(Quantity::WindSpeed).range();
            Bound::between(0.0, fastest * (hottest - coldest))
        }
    }
}

/// No numbers spread more than half at one end and half at the other.
fn spread(bound: Bound) -> Bound {
    let (min, max) = bound.range();
    Bound::between(0.0, (max - min) / 2.0)
}

fn of_signal(signal: Signal) -> Bound {
    match signal {
        Signal::Measured(quantity) => Bound::of(quantity),
        Signal::WindU | Signal::WindV => {
            let (_, fastest) = Bound::of(Quantity::WindSpeed).range();
            Bound::between(-fastest, fastest)
        }
    }
}

fn of_hand(hand: Calendar) -> Bound {
    Bound::whole(match hand {
        Calendar::Hour => 0..=23,
        Calendar::DayOfWeek => 0..=6,
        Calendar::Month => 1..=12,
        Calendar::DayOfYear => 1..=366,
    })
}

/// What a feature might be on a November afternoon in a large city.
fn typical(feature: &Feature) -> f32 {
    match *feature {
        Feature::Others {
            stat: OthersStat::Std,
            ..
        } => 1.0,
        Feature::Own(of) | Feature::Others { of, .. } | Feature::At { of, .. } => typical_local(of),
        // 2025-11-16.
        Feature::Trend => 20_408.0,
        Feature::Station => 0.0,
        Feature::Calendar(Calendar::Hour) => 14.0,
        Feature::Calendar(Calendar::DayOfWeek) => 2.0,
        Feature::Calendar(Calendar::Month) => 11.0,
        Feature::Calendar(Calendar::DayOfYear) => 320.0,
        Feature::Cycle { .. } => 0.5,
    }
}

fn typical_local(local: Local) -> f32 {
    match local {
        Local::Window {
            stat: WindowStat::Std,
            ..
        } => 1.0,
        Local::Window {
            stat: WindowStat::Slope,
            ..
        }
        | Local::Change { .. } => 0.0,
        Local::Value { signal, .. }
        | Local::Window { signal, .. }
        | Local::Quantile { signal, .. }
        | Local::Ewm { signal, .. } => typical_signal(signal),
        Local::Since { .. } => 1.0,
        Local::Ventilation { .. } => 15.0,
        Local::NowCast => typical_quantity(Quantity::Pm25),
        Local::Aqi {
            scale: Scale::Europe | Scale::Who,
        } => 3.0,
        Local::Aqi { .. } => 150.0,
    }
}

fn typical_signal(signal: Signal) -> f32 {
    match signal {
        Signal::Measured(quantity) => typical_quantity(quantity),
        Signal::WindU | Signal::WindV => 1.0,
    }
}

/// An example of a quantity, in its unit.
pub(crate) fn typical_quantity(quantity: Quantity) -> f32 {
    match quantity {
        Quantity::Pm25 => 55.0,
        Quantity::Pm10 => 80.0,
        Quantity::No2 => 40.0,
        Quantity::So2 => 10.0,
        Quantity::O3 => 31.5,
        Quantity::Co => 1.2,
        Quantity::Temp => 8.5,
        Quantity::Dewpoint => 1.0,
        Quantity::Rh => 60.0,
        Quantity::Pres => 1_018.0,
        Quantity::Rain => 0.0,
        Quantity::WindSpeed => 1.8,
        Quantity::WindDir => 225.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_air::Task;

    fn bound_of(expression: &str) -> Bound {
        let task = Task::Forecast { horizon_h: 1 };
        let set = FeatureSet::parse(task, expression).unwrap();
        bound(&set.features()[0], 12)
    }

    #[test]
    fn each_kind_of_feature_has_its_range() {
        for (expression, min, max, whole) in [
            ("pm10", -15.0, 10_000.0, false),
            ("lag(co,3)", -1.0, 117.0, false),
            ("mean(rh,24)", 0.0, 105.0, false),
            ("std(rh,24)", 0.0, 52.5, false),
            ("change(rh,3)", -105.0, 105.0, false),
            ("slope(rh,3)", -105.0, 105.0, false),
            ("sum(rain,24)", 0.0, 7440.0, false),
            ("sum(co,2)", -2.0, 234.0, false),
            ("quantile(rh,24,90)", 0.0, 105.0, false),
            ("since(wind,3,72)", 0.0, 72.0, true),
            ("ventilation(24)", 0.0, 17_100.0, false),
            ("others_mean(rh)", 0.0, 105.0, false),
            ("others_std(change(rh,1))", 0.0, 105.0, false),
            ("wind_u", -114.0, 114.0, false),
            ("hour", 0.0, 23.0, true),
            ("month", 1.0, 12.0, true),
            ("dayofyear", 1.0, 366.0, true),
            ("sin(hour)", -1.0, 1.0, false),
            ("trend", 0.0, 50_000.0, false),
            ("station", 0.0, 11.0, true),
        ] {
            assert_eq!(
                bound_of(expression),
                Bound { min, max, whole },
                "{expression}"
            );
        }
    }

    #[test]
    fn examples_are_possible() {
        for task in [Task::Nowcast, Task::Forecast { horizon_h: 24 }] {
            let set = FeatureSet::parse(task, "full").unwrap();
            for feature in set.features() {
                assert!(bound(feature, 1).holds(typical(feature)), "{feature}");
            }
        }
    }

    #[test]
    fn the_ends_are_possible_and_the_refusal_says_what_is() {
        let hour = bound_of("hour");
        for value in [0.0, -0.0, 23.0, f32::NAN] {
            assert!(hour.check(value, "h", Problem::unusable).is_ok());
        }
        for value in [-1.0, 24.0, 13.5, f32::INFINITY] {
            let json = hour
                .check(value, "h", Problem::unusable)
                .unwrap_err()
                .json();
            assert_eq!(
                (&json["unit"], &json["range"][1]),
                (&"h".into(), &23.0.into())
            );
        }
    }
}
