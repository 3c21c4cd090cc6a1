//! Rows to learn from, taken out of their tables: columns, targets, times, stations.
//!
//! Not a table: it has no names and no header, and any choice of its rows is one again.

use pm25_artifact::model::Rows;
use pm25_file::Result;
use pm25_learn::Columns;

use crate::data::Dataset;

/// Rows in memory; every list has one element a row.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    columns: Vec<Vec<f32>>,
    /// What was measured, µg/m³; never NaN.
    pub target: Vec<f32>,
    /// Stamps t; none in a table without times.
    time_s: Option<Vec<i64>>,
    /// Newest known PM2.5, µg/m³, NaN = missing; none in a table without it.
    persistence: Option<Vec<f32>>,
    /// Station names, and one index into them a row; none in a table without stations.
    station: Option<Stations>,
}

/// Rows that were made in memory, one element a row in every list.
pub struct Parts {
    /// Feature columns, NaN = missing.
    pub columns: Vec<Vec<f32>>,
    /// µg/m³, never NaN.
    pub target: Vec<f32>,
    /// Stamps t, seconds UTC.
    pub time_s: Vec<i64>,
    /// Newest known PM2.5, µg/m³, NaN = missing.
    pub persistence: Vec<f32>,
    /// Station names, and one index into them a row.
    pub station: (Vec<String>, Vec<u32>),
}

impl From<Parts> for Sample {
    fn from(parts: Parts) -> Self {
        Self {
            columns: parts.columns,
            target: parts.target,
            time_s: Some(parts.time_s),
            persistence: Some(parts.persistence),
            station: Some(parts.station),
        }
    }
}

/// Names, and one index into them a row.
type Stations = (Vec<String>, Vec<u32>);

impl Sample {
    /// All rows of a table, with the columns of `like` in its order.
    ///
    /// # Errors
    /// Bad data: a column of `like` that is missing or no number.
    pub fn of(table: &Dataset, like: &Dataset) -> Result<Self> {
        let columns = table.columns(&like.features)?.into_iter();
        let columns = columns.map(std::borrow::Cow::into_owned).collect();
        Ok(Self::around(columns, table))
    }

    /// Columns, with all else that a table has of its rows.
    fn around(columns: Vec<Vec<f32>>, table: &Dataset) -> Self {
        let rows = table.rows(&[]);
        Self {
            target: table.target().to_vec(),
            time_s: rows.time_s.map(<[i64]>::to_vec),
            persistence: rows.persistence_ug_m3.map(<[f32]>::to_vec),
            station: rows
                .station
                .map(|(words, codes)| (words.to_vec(), codes.to_vec())),
            columns,
        }
    }

    /// All rows of a table and its own columns, which the table does not have afterwards: there is one copy of them.
    ///
    /// # Errors
    /// Bad data: a feature column that is missing or no number.
    pub fn out_of(table: &mut Dataset) -> Result<Self> {
        Ok(Self::around(table.take_columns()?, table))
    }

    /// Takes the feature columns away; everything else stays.
    pub(crate) fn take_columns(&mut self) -> Vec<Vec<f32>> {
        std::mem::take(&mut self.columns)
    }

    /// These rows and then those of another sample; what one of them lacks, both lack together.
    pub fn and(mut self, other: &Self) -> Self {
        for (mine, more) in self.columns.iter_mut().zip(&other.columns) {
            mine.extend(more);
        }
        self.target.extend(&other.target);
        self.time_s = joined(self.time_s, other.time_s.as_deref());
        self.persistence = joined(self.persistence, other.persistence.as_deref());
        self.station = self.station.zip(other.station.as_ref()).map(both_stations);
        self
    }

    /// Some of the rows, in the order of their numbers.
    pub fn take(&self, rows: &[u32]) -> Self {
        Self {
            columns: self.columns.iter().map(|c| chosen(c, rows)).collect(),
            target: chosen(&self.target, rows),
            time_s: self.time_s.as_ref().map(|times| chosen(times, rows)),
            persistence: self.persistence.as_ref().map(|p| chosen(p, rows)),
            station: self
                .station
                .as_ref()
                .map(|(words, codes)| (words.clone(), chosen(codes, rows))),
        }
    }

    /// The same rows with more columns, one value a row in each.
    pub(crate) fn with(&self, columns: impl Iterator<Item = Vec<f32>>) -> Self {
        let mut wider = self.clone();
        wider.columns.extend(columns);
        wider
    }

    /// Newest known PM2.5, µg/m³, NaN = missing; none in a table without it.
    pub(crate) fn persistence(&self) -> Option<&[f32]> {
        self.persistence.as_deref()
    }

    /// How many.
    pub fn n_rows(&self) -> usize {
        self.target.len()
    }

    /// Stamps t, if the table has times.
    pub fn time_s(&self) -> Option<&[i64]> {
        self.time_s.as_deref()
    }

    /// As a learner wants them.
    pub fn matrix(&self) -> Columns<'_> {
        Columns::new(self.slices(), self.n_rows())
    }

    /// As a model wants them.
    pub fn rows(&self) -> Rows<'_> {
        Rows {
            station: self
                .station
                .as_ref()
                .map(|(words, codes)| (&words[..], &codes[..])),
            time_s: self.time_s.as_deref(),
            persistence_ug_m3: self.persistence.as_deref(),
            features: self.slices(),
            n_rows: self.n_rows(),
        }
    }

    /// The feature columns.
    pub fn slices(&self) -> Vec<&[f32]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }
}

fn chosen<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| values[row as usize]).collect()
}

fn joined<T: Copy>(mine: Option<Vec<T>>, more: Option<&[T]>) -> Option<Vec<T>> {
    let (mut mine, more) = mine.zip(more)?;
    mine.extend(more);
    Some(mine)
}

/// Station words are few: those that only the second table has are added to the first's.
fn both_stations(
    ((mut words, mut codes), (more_words, more_codes)): (Stations, &Stations),
) -> Stations {
    let place: Vec<u32> = more_words
        .iter()
        .map(|word| match words.iter().position(|known| known == word) {
            Some(at) => at as u32,
            None => {
                words.push(word.clone());
                words.len() as u32 - 1
            }
        })
        .collect();
    codes.extend(more_codes.iter().map(|&code| place[code as usize]));
    (words, codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(stations: &[&str], values: &[f32]) -> Sample {
        Sample {
            columns: vec![values.to_vec()],
            target: values.to_vec(),
            time_s: Some(values.iter().map(|&v| v as i64).collect()),
            persistence: None,
            station: Some((
                stations.iter().map(|&s| s.to_owned()).collect(),
                (0..values.len())
                    .map(|at| (at % stations.len()) as u32)
                    .collect(),
            )),
        }
    }

    #[test]
    fn two_samples_are_one_whose_stations_keep_their_names() {
        let both = sample(&["a", "b"], &[1.0, 2.0]).and(&sample(&["c", "b"], &[3.0, 4.0]));
        let rows = both.rows();
        let (words, codes) = rows.station.unwrap();
        let names: Vec<&str> = codes.iter().map(|&c| words[c as usize].as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "b"]);
        assert_eq!(rows.features[0], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(both.time_s(), Some(&[1, 2, 3, 4][..]));
        let some = both.take(&[3, 0]);
        assert_eq!(some.target, [4.0, 1.0]);
        assert_eq!(some.rows().station.unwrap().1, [1, 0]);
    }
}
