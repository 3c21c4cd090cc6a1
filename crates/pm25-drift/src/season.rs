//! Like with like: only the reference's rows of the current rows' days of the year, and of some days around them.
//!
//! Summer has drifted from the whole year, always. Against the same days of other years the same summer has not: over
//! the months of 2016 at three Beijing stations, the median stability index of temperature is 4.1 against all years
//! before and 0.19 against the same days of those years (margins as below).
//!
//! ```text
//! day of the year    |----15----|======= current =======|----15----|
//! reference          every year's rows of this span
//! ```

use pm25_air::civil::Civil;
use pm25_artifact::prep::StationFact;
use pm25_file::{Fault, Result};
use pm25_table::Table;

use crate::reference::Reference;
use crate::role::OFFSET;
use crate::rows::{Columns, Rows};

/// Days of a leap year.
const N_DAYS: usize = 366;
/// Days taken on either side. With a whole month on either side the median index of temperature would be 0.48, because
/// the neighbours of July are cooler than July; with none there are few rows, and it is 0.12.
const MARGIN_DAYS: usize = 15;

/// Whether each day of the year counts; the first is 1 January.
type Days = [bool; N_DAYS];

/// Keeps the reference's rows of the current rows' days of the year (local standard time), and of the days around them.
///
/// # Errors
/// When either has no times, when the reference is no table, or when it has no row of these days.
pub(crate) fn match_season(reference: &mut Reference, current: &Rows) -> Result<()> {
    let Reference::Rows(reference) = reference else {
        return Err(Fault::usage(
            "--season needs a table as the reference: a profile keeps no days",
        )
        .hint("give --reference the table itself, for example train.parquet"));
    };
    let mut present = [false; N_DAYS];
    for day_idx in days(current)? {
        present[day_idx] = true;
    }
    let wanted = with_margin(&present);
    let runs = runs(&wanted);
    let keep = days(reference)?
        .into_iter()
        .map(|day_idx| wanted[day_idx])
        .collect();
    reference.choose(keep, runs.clone());
    if reference.n_kept() == 0 {
        let named: Vec<String> = runs
            .iter()
            .map(|[first, last]| format!("{first} to {last}"))
            .collect();
        return Err(Fault::bad_data(format!(
            "{} has no row of the days {} of a year",
            reference.source.name,
            named.join(" and ")
        ))
        .hint("take a reference that covers a whole year, or leave --season out"));
    }
    Ok(())
}

/// Each day with its margin; the year is a circle.
fn with_margin(days: &Days) -> Days {
    let near = |day: usize| {
        (0..=2 * MARGIN_DAYS).any(|step| days[(day + N_DAYS + step - MARGIN_DAYS) % N_DAYS])
    };
    std::array::from_fn(near)
}

/// First and last day (1 to 366) of each run of days that count.
fn runs(days: &Days) -> Vec<[u16; 2]> {
    let mut runs: Vec<[u16; 2]> = Vec::new();
    for day in (1..=N_DAYS as u16).filter(|day| days[usize::from(*day) - 1]) {
        match runs.last_mut() {
            Some([_, last]) if *last + 1 == day => *last = day,
            _ => runs.push([day, day]),
        }
    }
    runs
}

/// The day of the year of each row, from 0.
fn days(rows: &Rows) -> Result<Vec<usize>> {
    let times = rows.time_s.as_deref().ok_or_else(|| {
        Fault::usage(format!(
            "--season needs the times of all rows, and {} has none",
            rows.source.name
        ))
        .hint("give a table with a column `time`, or leave --season out")
    })?;
    let offsets = match &rows.columns {
        Columns::Table(table) => offsets_min(table),
        Columns::Requests(_) => None,
    };
    let day = |(row_idx, &time_s): (usize, &i64)| {
        let offset_min = offsets.as_ref().map_or(0, |offsets| offsets[row_idx]);
        usize::from(Civil::of(time_s, offset_min).dayofyear) - 1
    };
    Ok(times.iter().enumerate().map(day).collect())
}

/// Standard offset of each row; none where the table does not know: then days are those of UTC.
fn offsets_min(table: &Table) -> Option<Vec<i16>> {
    if let Ok(offsets) = table.i16(OFFSET) {
        return Some(offsets.to_vec());
    }
    let facts: Vec<StationFact> = table.header()?.read_fact("stations").ok()?;
    let text = table.text("station").ok()?;
    let offset = |word: &String| {
        facts
            .iter()
            .find(|fact| fact.name == *word)
            .map_or(0, |fact| fact.utc_offset_min)
    };
    let of_word: Vec<i16> = text.words.iter().map(offset).collect();
    Some(
        text.codes
            .iter()
            .map(|&code| of_word[code as usize])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_is_a_circle() {
        let of = |days: &[usize]| {
            runs(&with_margin(&std::array::from_fn(|day| {
                days.contains(&(day + 1))
            })))
        };
        assert_eq!(of(&[100]), [[85, 115]]);
        assert_eq!(of(&[1]), [[1, 16], [352, 366]]);
        assert_eq!(of(&[366, 100, 110]), [[1, 15], [85, 125], [351, 366]]);
        assert_eq!(of(&(1..=366).collect::<Vec<_>>()), [[1, 366]]);
        assert_eq!(of(&[]), [[0_u16; 2]; 0]);
    }
}
