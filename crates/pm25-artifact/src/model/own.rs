//! Parts of a blend that answer each row by where it stands: with the learner of its station, or by how far ahead the
//! model looks.
//!
//! ```text
//! own        stations a, b, c ...   each a learner of its own, or none where it had too few rows
//!            pooled                 for those without, and for stations that nobody knew
//! together   one learner of every horizon of the file; hours ahead are its last column
//! ```
//!
//! It does not choose between them, and what it holds does not nest.

use std::sync::Arc;

use pm25_learn::tree::Ensemble;
use pm25_learn::{Columns, Linear};
use serde::{Deserialize, Serialize};

use super::file::LinearFile;
use super::trees::TreesFile;

/// What the column is called that a learner of several horizons sees last, in explanations and in messages.
pub const HORIZON_COLUMN: &str = "horizon_h";

/// A fitted line, or trees.
#[derive(Clone, Debug, PartialEq)]
pub enum Learned {
    /// A ridge.
    Linear(Linear),
    /// A forest or a booster.
    Trees(Ensemble),
}

/// A learner for each station.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// Learned from all stations; answers for those without a learner of their own, also for strangers.
    pub pooled: Learned,
    /// One for each station of the model, in its order; none where the station had too few rows.
    pub stations: Vec<Option<Learned>>,
}

/// Rows as the parts of a blend see them.
pub struct Question<'a> {
    /// The features, in the order of the model's inputs.
    pub x: Columns<'a>,
    /// Hours ahead, once a row.
    horizon_h: Vec<f32>,
    /// Where each row's station stands among those of the model; none for a stranger.
    station: Vec<Option<usize>>,
}

impl Learned {
    /// One value a row, µg/m³.
    pub fn predict(&self, x: &Columns) -> Vec<f64> {
        match self {
            Self::Linear(line) => line.predict(x),
            Self::Trees(trees) => trees.predict(x),
        }
    }

    /// The trees, if it has any.
    pub fn into_trees(self) -> Option<Ensemble> {
        match self {
            Self::Linear(_) => None,
            Self::Trees(trees) => Some(trees),
        }
    }
}

impl<'a> Question<'a> {
    /// One place a row in `station`.
    pub(super) fn of(x: Columns<'a>, horizon_h: u16, station: Vec<Option<usize>>) -> Self {
        Self {
            horizon_h: vec![f32::from(horizon_h); x.n_rows()],
            x,
            station,
        }
    }

    /// The features with hours ahead as the last column.
    pub fn with_horizon(&self) -> Columns<'_> {
        let own = (0..self.x.n_columns()).map(|at| self.x.column(at));
        let columns = own.chain([&self.horizon_h[..]]).collect();
        Columns::new(columns, self.x.n_rows())
    }
}

impl Own {
    /// See [`Ensemble::pack`].
    pub(super) fn pack(&self) {
        let own = self.stations.iter().flatten().chain([&self.pooled]);
        let trees = own.filter_map(|learned| match learned {
            Learned::Linear(_) => None,
            Learned::Trees(trees) => Some(trees),
        });
        trees.for_each(Ensemble::pack);
    }

    /// The learner that answers for a station of the model, or for a stranger.
    pub fn at(&self, station: Option<usize>) -> &Learned {
        let own = station.and_then(|at| self.stations.get(at)?.as_ref());
        own.unwrap_or(&self.pooled)
    }

    /// Numbers of the rows of each learner that has some, with the learner; every row once.
    pub fn groups(&self, question: &Question) -> Vec<(Option<usize>, &Learned, Vec<usize>)> {
        let has_own = |at: &usize| self.stations.get(*at).is_some_and(Option::is_some);
        let mut rows_of = vec![Vec::new(); self.stations.len() + 1];
        for (row, station) in question.station.iter().enumerate() {
            let place = station.filter(has_own).map_or(0, |at| at + 1);
            rows_of[place].push(row);
        }
        let rows_of = rows_of.into_iter().enumerate();
        rows_of
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(place, rows)| {
                let station = place.checked_sub(1);
                (station, self.at(station), rows)
            })
            .collect()
    }

    pub(super) fn predict(&self, question: &Question) -> Vec<f64> {
        let mut said = vec![0.0; question.x.n_rows()];
        for (_, learned, rows) in self.groups(question) {
            let taken = taken(&question.x, &rows);
            let x = Columns::new(taken.iter().map(Vec::as_slice).collect(), rows.len());
            for (row, value) in rows.iter().zip(learned.predict(&x)) {
                said[*row] = value;
            }
        }
        said
    }
}

/// Some rows of every column.
pub fn taken(x: &Columns, rows: &[usize]) -> Vec<Vec<f32>> {
    let column = |at| {
        let values = x.column(at);
        rows.iter().map(|&row| values[row]).collect()
    };
    (0..x.n_columns()).map(column).collect()
}

/// What a part of a file is checked against.
pub(super) struct Frame<'a> {
    pub(super) n_features: usize,
    pub(super) n_stations: usize,
    /// Whether the model looks one or more hours ahead, so that hours ahead can be a column.
    pub(super) is_forecast: bool,
    /// Learners that the models of the file share.
    pub(super) shared: &'a [Arc<Ensemble>],
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearnedFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linear: Option<LinearFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trees: Option<TreesFile>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnFile {
    pooled: LearnedFile,
    stations: Vec<Option<LearnedFile>>,
}

impl From<Learned> for LearnedFile {
    fn from(learned: Learned) -> Self {
        match learned {
            Learned::Linear(line) => Self {
                linear: Some(line.into()),
                trees: None,
            },
            Learned::Trees(trees) => Self {
                linear: None,
                trees: Some(TreesFile::from(&trees)),
            },
        }
    }
}

impl From<Own> for OwnFile {
    fn from(own: Own) -> Self {
        let stations = own.stations.into_iter();
        Self {
            pooled: own.pooled.into(),
            stations: stations.map(|own| own.map(LearnedFile::from)).collect(),
        }
    }
}

impl LearnedFile {
    fn check(self, n_features: usize) -> Result<Learned, String> {
        match (self.linear, self.trees) {
            (Some(line), None) if line.n_terms() == n_features => Ok(Learned::Linear(line.into())),
            (None, Some(trees)) => Ok(Learned::Trees(trees.check(n_features)?)),
            _ => Err(format!(
                "it has not one line of {n_features} terms, or trees"
            )),
        }
    }
}

impl OwnFile {
    pub(super) fn check(self, frame: &Frame) -> Result<Own, String> {
        if self.stations.len() != frame.n_stations {
            return Err(format!(
                "it has learners for {} stations, and the model knows {}",
                self.stations.len(),
                frame.n_stations
            ));
        }
        if self.stations.iter().all(Option::is_none) {
            return Err("no station has a learner of its own".to_owned());
        }
        let check = |own: Option<LearnedFile>| own.map(|own| own.check(frame.n_features));
        let stations = self.stations.into_iter().map(|own| check(own).transpose());
        Ok(Own {
            pooled: self.pooled.check(frame.n_features)?,
            stations: stations.collect::<Result<_, _>>()?,
        })
    }
}

/// Trees of several horizons, checked for rows of `n_features` values and hours ahead.
pub(super) fn check_together(
    trees: &TreesFile,
    n_features: usize,
) -> Result<Arc<Ensemble>, String> {
    Ok(Arc::new(trees.check(n_features + 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_learn::Term;

    fn line(intercept: f64) -> Learned {
        let term = Term {
            mean: 0.0,
            weight: 1.0,
            present: 0.0,
            missing: 0.0,
        };
        Learned::Linear(Linear {
            intercept,
            terms: vec![term],
        })
    }

    fn own() -> Own {
        Own {
            pooled: line(1000.0),
            stations: vec![Some(line(100.0)), None, Some(line(300.0))],
        }
    }

    const FRAME: Frame<'static> = Frame {
        n_features: 1,
        n_stations: 3,
        is_forecast: true,
        shared: &[],
    };

    #[test]
    fn each_row_is_answered_by_its_station_and_others_by_all() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let places = vec![Some(2), None, Some(0), Some(1), Some(2)];
        let question = Question::of(Columns::new(vec![&x], 5), 6, places);
        assert_eq!(
            own().predict(&question),
            [301.0, 1002.0, 103.0, 1004.0, 305.0]
        );
        assert_eq!(question.with_horizon().column(1), [6.0; 5]);
    }

    #[test]
    fn it_survives_the_file_and_hostile_ones_are_refused() {
        let text = serde_json::to_string(&OwnFile::from(own())).unwrap();
        let read = |text: &str| serde_json::from_str::<OwnFile>(text).map(|f| f.check(&FRAME));
        assert_eq!(read(&text).unwrap(), Ok(own()));
        let bad = |from: &str, to: &str| read(&text.replacen(from, to, 1)).unwrap().unwrap_err();
        assert!(bad("null,", "").contains("for 2 stations"));
        assert!(bad("null,", "{},").contains("not one line"));
        assert!(read(&text.replacen("null", "{\"own\":null}", 1)).is_err());
        let file = OwnFile {
            stations: vec![None; 3],
            ..OwnFile::from(own())
        };
        assert!(file.check(&FRAME).unwrap_err().contains("no station"));
        let wide = Frame {
            n_features: 2,
            ..FRAME
        };
        let fault = OwnFile::from(own()).check(&wide).unwrap_err();
        assert!(fault.contains("2 terms"), "{fault}");
    }
}
