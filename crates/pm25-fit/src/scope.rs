//! What a learner learns from: all stations at one horizon, each station for itself, or all horizons.
//!
//! ```text
//! linear             all stations alike
//! linear-effects     all stations; a level of its own for each in a line, `station_code` as categories in a booster
//! linear-own         each station for itself
//! patient-together   all horizons of the tables, hours ahead as one more column
//! ```
//!
//! It does not choose: what each is worth is found out of fold.

use std::borrow::Cow;

use pm25_artifact::model::{Learned, Model, Own, PartModel};
use pm25_file::Result;
use pm25_learn::Linear;
use pm25_learn::tree::Role;
use pm25_tool::Console;

use crate::learner::{Fit, Learner, Part, Stop, learn_shown};
use crate::oof::less;
use crate::params::Params;
use crate::sample::Sample;

/// Rows of a station below which it has no learner of its own: six weeks of hours.
const STATION_ROWS_MIN: usize = 1000;
/// The feature `station` in tables of pm25-prep.
const STATION_COLUMN: &str = "station_code";

/// Which rows a learner learns from, and what it is told of them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// Rows of all stations, as the columns are.
    Pooled,
    /// The same, and which station each row is of.
    Effects,
    /// Rows of one station; each has a learner of its own.
    Own,
    /// Rows of all stations and all horizons.
    Together,
}

impl Scope {
    pub(crate) const ALL: [Self; 4] = [Self::Pooled, Self::Effects, Self::Own, Self::Together];

    /// As it is chosen and said.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Effects => "effects",
            Self::Own => "own",
            Self::Together => "together",
        }
    }

    /// What a part's name ends in.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Pooled => "",
            Self::Effects => "-effects",
            Self::Own => "-own",
            Self::Together => "-together",
        }
    }

    /// Whether there is anything to be told to such a learner: a forest asks for no roles, and a line that is the same
    /// at every horizon forecasts none.
    pub(crate) fn suits(self, learner: Learner) -> bool {
        match self {
            Self::Pooled | Self::Own => true,
            Self::Effects => learner != Learner::Forest,
            Self::Together => matches!(learner, Learner::Boost | Learner::Patient),
        }
    }
}

/// What `--stations` asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Stations {
    /// One learner of all stations
    #[default]
    Pooled,
    /// One learner that is told the station: a level for each in lines, categories in boosters
    Effects,
    /// A learner for each station, and one of all for others
    Own,
    /// The best of these on the folds
    Best,
}

impl Stations {
    /// As it is typed; none where it was not asked for.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Pooled => None,
            Self::Effects => Some("effects"),
            Self::Own => Some("own"),
            Self::Best => Some("best"),
        }
    }

    /// What is tried, simplest first.
    pub(crate) fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Pooled => &[Scope::Pooled],
            Self::Effects => &[Scope::Effects],
            Self::Own => &[Scope::Own],
            Self::Best => &[Scope::Pooled, Scope::Effects, Scope::Own],
        }
    }
}

/// Rows that one learner learns from, and those that it is judged on: numbers of rows.
pub(crate) struct Piece {
    pub(crate) train: Vec<u32>,
    pub(crate) judged: Vec<u32>,
}

/// The pieces of a fold: one for each station that has enough rows to teach and some to judge, or one of all rows.
pub(crate) fn pieces(
    scope: Scope,
    (train, judged): (&[u32], &[u32]),
    places: &[Option<usize>],
) -> Vec<Piece> {
    if scope != Scope::Own {
        return vec![Piece {
            train: train.to_vec(),
            judged: judged.to_vec(),
        }];
    }
    let n_stations = places.iter().flatten().max().map_or(0, |last| last + 1);
    let of = |rows: &[u32], station: usize| -> Vec<u32> {
        let rows = rows.iter().copied();
        rows.filter(|&row| places[row as usize] == Some(station))
            .collect()
    };
    (0..n_stations)
        .map(|station| Piece {
            train: of(train, station),
            judged: of(judged, station),
        })
        .filter(|piece| STATION_ROWS_MIN <= piece.train.len() && !piece.judged.is_empty())
        .collect()
}

/// The rows as a part sees them: a line with effects has one more column for each station, 1 in its rows.
pub(crate) fn shown<'a>(
    part: Part,
    sample: &'a Sample,
    (places, n_stations): (&[Option<usize>], usize),
) -> Cow<'a, Sample> {
    if (part.learner, part.scope) != (Learner::Linear, Scope::Effects) {
        return Cow::Borrowed(sample);
    }
    let indicator = |station: usize| -> Vec<f32> {
        let is_it = |place: &Option<usize>| f32::from(u8::from(*place == Some(station)));
        places.iter().map(is_it).collect()
    };
    Cow::Owned(sample.with((0..n_stations).map(indicator)))
}

/// The settings for a part: a booster with effects takes `station_code`, if the table has it, as categories.
pub(crate) fn settings<'a>(part: Part, params: &'a Params, columns: &[&str]) -> Cow<'a, Params> {
    let place = columns.iter().position(|&name| name == STATION_COLUMN);
    let (Scope::Effects, Some(place)) = (part.scope, place) else {
        return Cow::Borrowed(params);
    };
    let mut params = params.clone();
    params.roles.resize(columns.len(), Role::Number);
    params.roles[place] = Role::Category;
    Cow::Owned(params)
}

/// What a part is fitted to in the end.
pub(crate) struct Refit<'a> {
    /// Every row before the test.
    pub(crate) sample: &'a Sample,
    /// The reference of each row, µg/m³.
    pub(crate) reference: &'a [f64],
    pub(crate) params: &'a Params,
}

/// Fits a part of one horizon to all rows; a booster to `n_trees`, the pooled one beside stations' own to
/// `n_trees_pooled`.
pub(crate) fn refit(
    part: Part,
    of: &Refit,
    model: &Model,
    [n_trees, n_trees_pooled]: [u64; 2],
    console: &Console,
) -> Result<PartModel> {
    let places = model.places(&of.sample.rows());
    let columns: Vec<&str> = model.inputs.iter().map(|it| it.column.as_str()).collect();
    let n_stations = model.stations.len();
    let y = less(of.sample, of.reference, part.share.of_reference());
    let params = settings(part, of.params, &columns);
    let learn = |rows: &Sample, y: &[f32], n_trees| -> Result<Learned> {
        let lesson = (&rows.matrix(), y);
        let fit: Fit = learn_shown(part.learner, lesson, &Stop::At(n_trees), &params, console)?;
        Ok(fit.model)
    };
    if part.scope != Scope::Own {
        let rows = shown(part, of.sample, (&places, n_stations));
        let learned = learn(&rows, &y, n_trees)?;
        return Ok(match (part.scope, learned) {
            (Scope::Effects, Learned::Linear(line)) => levels(line, n_stations),
            (_, learned) => learned.into(),
        });
    }
    let own = |station: usize| {
        let rows = (0..places.len() as u32).filter(|&row| places[row as usize] == Some(station));
        let rows: Vec<u32> = rows.collect();
        if rows.len() < STATION_ROWS_MIN {
            return Ok(None);
        }
        let y: Vec<f32> = rows.iter().map(|&row| y[row as usize]).collect();
        learn(&of.sample.take(&rows), &y, n_trees).map(Some)
    };
    let stations = (0..n_stations).map(own).collect::<Result<Vec<_>>>()?;
    let pooled = learn(of.sample, &y, n_trees_pooled)?;
    Ok(match stations.iter().all(Option::is_none) {
        true => pooled.into(),
        false => PartModel::Own(Own { pooled, stations }),
    })
}

/// A line whose last `n_stations` terms tell the station, as a line for each: they differ in where they start. A
/// stranger's starts where none of the stations is told.
fn levels(line: Linear, n_stations: usize) -> PartModel {
    let (terms, told) = line.terms.split_at(line.terms.len() - n_stations);
    let start = |station: Option<usize>| {
        let told = told.iter().enumerate();
        told.fold(line.intercept, |sum, (at, term)| {
            sum + term.contribution(f32::from(u8::from(station == Some(at))))
        })
    };
    let at = |station| {
        Learned::Linear(Linear {
            intercept: start(station),
            terms: terms.to_vec(),
        })
    };
    if n_stations == 0 {
        return at(None).into();
    }
    PartModel::Own(Own {
        pooled: at(None),
        stations: (0..n_stations)
            .map(|station| Some(at(Some(station))))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::{Facts, baselines};
    use crate::oof::OutOfFold;
    use crate::sample::Parts;
    use crate::{Wanted, folds};
    use pm25_artifact::prep::{FeatureFact, StationFact, TaskFact};

    const STATIONS: [&str; 3] = ["a", "b", "few"];

    /// `a` and `b` follow x in opposite directions and stand 100 apart; of `few` there are few rows.
    fn world() -> (Sample, Facts) {
        let mut rows: Vec<(u32, i64)> = Vec::new();
        for hour in 0..4000 {
            rows.extend([(0, hour), (1, hour)]);
            if hour % 40 == 0 {
                rows.push((2, hour));
            }
        }
        let x = |hour: i64| ((hour * 7919) % 101) as f32 / 10.0;
        let y = |&(station, hour): &(u32, i64)| match station {
            0 => 100.0 + 2.0 * x(hour),
            1 => 200.0 - 2.0 * x(hour),
            _ => 150.0,
        };
        let sample = Sample::from(Parts {
            columns: vec![rows.iter().map(|row| x(row.1)).collect()],
            target: rows.iter().map(y).collect(),
            time_s: rows.iter().map(|row| row.1 * 3600).collect(),
            persistence: vec![150.0; rows.len()],
            station: (
                STATIONS.map(str::to_owned).into(),
                rows.iter().map(|row| row.0).collect(),
            ),
        });
        let facts = Facts {
            task: TaskFact::Forecast { horizon_h: 1 },
            inputs: vec![FeatureFact {
                column: "x".to_owned(),
                expression: "x".to_owned(),
                unit: "1".to_owned(),
            }],
            stations: STATIONS
                .map(|name| StationFact {
                    name: name.to_owned(),
                    utc_offset_min: 0,
                })
                .into(),
        };
        (sample, facts)
    }

    fn params() -> Params {
        Params::parse(&[], &[], Wanted::Best).unwrap()
    }

    fn rmse(said: &[f64], target: &[f64], is_wanted: impl Fn(usize) -> bool) -> f64 {
        let rows = (0..said.len()).filter(|&row| is_wanted(row));
        let squares: Vec<f64> = rows.map(|row| (said[row] - target[row]).powi(2)).collect();
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    }

    #[test]
    fn out_of_fold_each_station_is_told_by_its_own_rows_and_strangers_by_all() {
        let (sample, facts) = world();
        let folds = folds::folds(sample.time_s().unwrap(), 2, 24).unwrap();
        let params = params();
        let mut of = OutOfFold::new(&sample, &folds, &facts, &params);
        let console = crate::quiet();
        let line = Learner::Linear.value();
        let target = of.target.clone();
        let mut said = |scope| of.part(line.on(scope), &console).unwrap().to_vec();
        let [pooled, effects, own] = [Scope::Pooled, Scope::Effects, Scope::Own].map(&mut said);
        let judged: Vec<u32> = folds.iter().flat_map(|fold| fold.judged.clone()).collect();
        let rows = sample.rows();
        let code = |row: usize| rows.station.unwrap().1[judged[row] as usize];
        let known = |row: usize| code(row) < 2;
        assert!(40.0 < rmse(&pooled, &target, known));
        let of_effects = rmse(&effects, &target, known);
        assert!((4.0..8.0).contains(&of_effects), "{of_effects}");
        assert!(rmse(&own, &target, known) < 0.1);
        for row in (0..target.len()).filter(|&row| !known(row)) {
            assert_eq!(
                own[row], pooled[row],
                "few rows have no learner of their own"
            );
        }
    }

    #[test]
    fn refitted_parts_answer_for_their_stations() {
        let (sample, facts) = world();
        let params = params();
        let model = baselines(&sample, &facts, &params);
        let of = Refit {
            sample: &sample,
            reference: &vec![150.0; sample.n_rows()],
            params: &params,
        };
        let console = crate::quiet();
        let fit = |scope| {
            let part = Learner::Linear.value().on(scope);
            refit(part, &of, &model, [0, 0], &console).unwrap()
        };
        let PartModel::Own(own) = fit(Scope::Own) else {
            panic!("a learner for each");
        };
        let has_own: Vec<bool> = own.stations.iter().map(Option::is_some).collect();
        assert_eq!(has_own, [true, true, false]);
        let PartModel::Own(levels) = fit(Scope::Effects) else {
            panic!("a level for each");
        };
        // The same ridge, told the station by one more column each.
        let places = model.places(&sample.rows());
        let part = Learner::Linear.value().on(Scope::Effects);
        let told = shown(part, &sample, (&places, 3));
        let ridge = pm25_learn::fit_ridge(&told.matrix(), &sample.target, &params.ridge);
        let question = model.question(&sample.rows());
        for (station, learned, rows) in levels.groups(&question) {
            let expected = ridge.predict(&told.matrix());
            let said = learned.predict(&sample.matrix());
            for row in rows {
                assert!(
                    (said[row] - expected[row]).abs() < 1e-9,
                    "{station:?} {row}"
                );
            }
        }
    }

    #[test]
    fn a_booster_with_effects_takes_the_station_as_a_category() {
        let params = params();
        let part = Learner::Patient.value().on(Scope::Effects);
        let told = settings(part, &params, &["x", "station_code"]);
        assert_eq!(told.roles, [Role::Number, Role::Category]);
        assert!(
            settings(part.pooled(), &params, &["x", "station_code"])
                .roles
                .is_empty()
        );
        assert!(settings(part, &params, &["x"]).roles.is_empty());
    }
}
