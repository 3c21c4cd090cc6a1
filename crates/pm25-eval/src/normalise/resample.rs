//! The normalised concentration: each hour's mean prediction over weather drawn from other hours.
//!
//! Rows are asked in blocks, so memory does not grow with the record; which hours are drawn depends on the seed, the row
//! and the number of the draw alone, so neither blocks nor threads change a bit.

use pm25_air::civil::Civil;
use pm25_artifact::model::{Model, Rows};
use pm25_stats::chance::Chance;
use pm25_tool::Progress;
use rayon::prelude::*;

use super::donors::{Donors, Reach};
use crate::together::Together;

/// Questions of one block: so many that what asking costs once does not count, and that trees take their quick form;
/// of 20 columns they are 5 MB for each thread.
const QUESTIONS_AT_ONCE: usize = 65_536;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) draws: usize,
    pub(crate) seed: u64,
    pub(crate) reach: Reach,
}

/// What the draws say of each row, µg/m³; NaN where there is nothing to draw from.
pub(crate) struct Normalised {
    /// Mean over the draws.
    pub(crate) mean_ug_m3: Vec<f64>,
    /// Standard deviation over the draws: how much weather moves this hour.
    pub(crate) std_ug_m3: Vec<f64>,
    /// Hours of each station that were drawn from.
    pub(crate) donors: Vec<usize>,
}

/// Replaces the columns that `is_drawn` by those of drawn hours of the same station, all of one hour together.
pub(crate) fn resample(
    model: &Model,
    rows: &Together,
    is_drawn: &[bool],
    plan: &Plan,
    progress: &Progress,
) -> Normalised {
    let civil: Vec<Civil> = (0..rows.n_rows()).map(|row| civil_of(rows, row)).collect();
    let donors: Vec<Donors> = (0..rows.stations.len())
        .map(|station| {
            let complete = complete(rows, station, is_drawn).into_iter();
            Donors::new(plan.reach, complete.map(|row| (row, civil[row as usize])))
        })
        .collect();
    let every: Vec<usize> = (0..rows.n_rows()).collect();
    let blocks: Vec<Vec<[f64; 2]>> = every
        .par_chunks((QUESTIONS_AT_ONCE / plan.draws).max(1))
        .map(|block| {
            let asked = Block {
                rows,
                is_drawn,
                donors: &donors,
                civil: &civil,
            };
            let said = asked.say(model, block, plan);
            progress.advance(block.len() as u64);
            said
        })
        .collect();
    let all: Vec<[f64; 2]> = blocks.concat();
    Normalised {
        mean_ug_m3: all.iter().map(|one| one[0]).collect(),
        std_ug_m3: all.iter().map(|one| one[1]).collect(),
        donors: donors.iter().map(Donors::len).collect(),
    }
}

/// Local standard time of a row's hour.
pub(crate) fn civil_of(rows: &Together, row: usize) -> Civil {
    let place = &rows.stations[rows.station[row] as usize];
    Civil::of(rows.time_s[row], place.utc_offset_min)
}

/// Rows of a station in which nothing that is drawn is missing, but for what is missing at the station always.
fn complete(rows: &Together, station: usize, is_drawn: &[bool]) -> Vec<u32> {
    let range = rows.rows_of(station);
    let drawn = rows
        .columns
        .iter()
        .zip(is_drawn)
        .filter(|(_, drawn)| **drawn);
    let columns: Vec<&[f32]> = drawn
        .map(|(column, _)| column.as_slice())
        .filter(|column| column[range.clone()].iter().any(|value| !value.is_nan()))
        .collect();
    range
        .filter(|row| columns.iter().all(|column| !column[*row].is_nan()))
        .map(|row| row as u32)
        .collect()
}

/// What a block of rows is asked with.
struct Block<'a> {
    rows: &'a Together,
    is_drawn: &'a [bool],
    donors: &'a [Donors],
    civil: &'a [Civil],
}

impl Block<'_> {
    /// Mean and standard deviation over the draws of each row.
    fn say(&self, model: &Model, block: &[usize], plan: &Plan) -> Vec<[f64; 2]> {
        let chance = Chance::new(plan.seed);
        // For each draw of each row, the row that its weather comes from.
        let mut sources: Vec<usize> = Vec::with_capacity(block.len() * plan.draws);
        let mut has_donors = Vec::with_capacity(block.len());
        for row in block {
            let within = self.donors[self.rows.station[*row] as usize].within(&self.civil[*row]);
            has_donors.push(!within.is_empty());
            for draw in 0..plan.draws {
                sources.push(match has_donors.last() {
                    Some(true) => within.draw(chance, row * plan.draws + draw),
                    _ => *row,
                });
            }
        }
        let repeated = || {
            block
                .iter()
                .flat_map(|row| std::iter::repeat_n(*row, plan.draws))
        };
        let columns: Vec<Vec<f32>> = self
            .rows
            .columns
            .iter()
            .zip(self.is_drawn)
            .map(|(column, is_drawn)| match is_drawn {
                true => sources.iter().map(|row| column[*row]).collect(),
                false => repeated().map(|row| column[row]).collect(),
            })
            .collect();
        let said = model.predict(&Rows {
            station: None,
            time_s: None,
            persistence_ug_m3: None,
            features: columns.iter().map(Vec::as_slice).collect(),
            n_rows: sources.len(),
        });
        said.chunks(plan.draws)
            .zip(has_donors)
            .map(|(said, has)| if has { spread(said) } else { [f64::NAN; 2] })
            .collect()
    }
}

/// Mean and standard deviation (divided by the number).
fn spread(values: &[f64]) -> [f64; 2] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean) * (value - mean));
    [mean, (squares.sum::<f64>() / n).sqrt()]
}
