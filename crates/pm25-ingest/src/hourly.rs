//! The rows of one file on an hourly grid, one [`Part`] per station.
//!
//! Not yet a station: its other files come in [`crate::stations`]. Numbers are in our units here; the raw value
//! stays whatever its flags say.
//!
//! ```text
//! hourly rows     10:00  11:00         13:00          each line is an hour; a second line for one is a duplicate
//! grid            10:00  11:00  12:00  13:00
//! line               2      3      0      4           0 = no line
//!
//! finer rows      10:00 10:15 10:30 10:45 | 11:00     four make an hour; 11:00 has one in four, so no value
//! grid            10:00                     11:00
//! ```

use std::collections::BTreeMap;

use pm25_air::civil::HOUR_S;
use pm25_air::{Quantity, flag};
use pm25_file::{Fault, Result};

use crate::average::{self, Finer};
use crate::count::{Reason, Tally};
use crate::duplicate::Duplicates;
use crate::layout::{Layout, Stamped};
use crate::rows::{Rows, SENTINEL};
use crate::zone::Zone;

/// A station's hours from one file.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) station: String,
    /// Standard offset, minutes east.
    pub(crate) utc_offset_min: i16,
    /// Whether the stamps state it themselves, so that it may be an hour more in summer.
    pub(crate) offset_from: OffsetFrom,
    /// Start of the first hour, seconds since 1970 UTC.
    pub(crate) start_s: i64,
    /// The first line of each hour; 0 where there is none.
    pub(crate) line: Vec<u32>,
    /// How many lines made each hour, averaged or filled in; empty where each line is one.
    pub(crate) n_lines: Vec<u16>,
    /// By [`Quantity::index`]; empty where the file has no such column.
    pub(crate) values: [Vec<f32>; 13],
    /// By [`Quantity::index`]; empty where nothing is flagged.
    pub(crate) flags: [Vec<u16>; 13],
    /// Hourly PM2.5 of an instrument's two channels, µg/m³; empty where it has none.
    pub(crate) channels: [Vec<f32>; 2],
    /// Hours that lack PM2.5 because too few finer readings are there.
    pub(crate) pm25_incomplete: u64,
}

/// Who says what a station's standard offset is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OffsetFrom {
    /// The source, a flag, or a column.
    Zone,
    /// A zone by its name, whose standard time may change from year to year.
    Named,
    /// The stamps of this file; in summer they are an hour ahead.
    Stamps,
    /// A table of an earlier run, which does not tell which of these.
    Earlier,
}

/// What a file became.
pub(crate) struct Hourly {
    pub(crate) parts: Vec<Part>,
    /// Seconds from row to row.
    pub(crate) step_s: u32,
}

/// More than this between two rows is a wrong clock, and would only fill memory with missing hours: 20 years, as
/// everywhere (`pm25_air::merge`).
const GAP_S_MAX: i64 = 20 * 8_766 * HOUR_S;
/// Rows so far apart are no hourly series.
const STEP_S_MAX: i64 = 12 * HOUR_S;
/// So many steps must be seen before a file is refused for being too coarse.
const STEPS_MIN: usize = 8;
/// A file's grids may hold so many hours for each of its rows, and so many besides: a few rows of many stations,
/// years apart, would otherwise fill the memory.
const HOURS_PER_ROW_MAX: usize = 100;
const HOURS_FREE: usize = 2_000_000;

impl Part {
    /// A part without a single value.
    pub(crate) fn empty(rows: &Rows, layout: &Layout, station: &[u32], start_s: i64) -> Self {
        let code = rows.station[station[0] as usize];
        let stated = rows
            .stated_offset_min(code)
            .filter(|_| !layout.zone_is_known);
        Self {
            station: rows.names[code as usize].clone(),
            utc_offset_min: stated.unwrap_or_else(|| layout.zone.standard_offset_min(start_s)),
            offset_from: match stated {
                Some(_) if layout.extras.offset_at.is_none() => OffsetFrom::Stamps,
                _ if matches!(layout.zone, Zone::Named(..)) => OffsetFrom::Named,
                _ => OffsetFrom::Zone,
            },
            start_s,
            line: Vec::new(),
            n_lines: Vec::new(),
            values: Default::default(),
            flags: Default::default(),
            channels: Default::default(),
            pm25_incomplete: 0,
        }
    }

    /// The quantities that it measures, one bit each, by [`Quantity::index`].
    pub(crate) fn quantities(&self) -> u16 {
        let measured = self
            .values
            .iter()
            .enumerate()
            .filter(|(_, values)| !values.is_empty());
        measured.fold(0, |bits, (quantity, _)| bits | 1 << quantity)
    }

    /// Takes over later hours of the same station and columns, which lie on the same grid.
    pub(crate) fn append(&mut self, mut later: Self) {
        if self.n_lines.is_empty() != later.n_lines.is_empty() {
            self.count_lines();
            later.count_lines();
        }
        let before = ((later.start_s - self.start_s) / HOUR_S) as usize;
        let all = before + later.line.len();
        join(&mut self.line, later.line, (before, all), 0);
        join(&mut self.n_lines, later.n_lines, (before, all), 0);
        let columns = self.values.iter_mut().chain(&mut self.channels);
        let more = later.values.into_iter().chain(later.channels);
        for (column, more) in columns.zip(more) {
            join(column, more, (before, all), f32::NAN);
        }
        for (flags, more) in self.flags.iter_mut().zip(later.flags) {
            join(flags, more, (before, all), 0);
        }
        self.pm25_incomplete += later.pm25_incomplete;
    }

    /// Notes of each hour that one line made it, if nothing is noted yet.
    fn count_lines(&mut self) {
        if self.n_lines.is_empty() {
            self.n_lines = self.line.iter().map(|line| u16::from(*line != 0)).collect();
        }
    }

    /// Sets a flag at an hour.
    pub(crate) fn flag(&mut self, quantity: Quantity, hour_idx: usize, bit: u16) {
        let flags = &mut self.flags[quantity.index()];
        flags.resize(self.line.len(), 0);
        flags[hour_idx] |= bit;
    }
}

/// A column of so many hours behind a gap; where neither stretch has it there is none.
fn join<T: Copy>(column: &mut Vec<T>, more: Vec<T>, (before, all): (usize, usize), nothing: T) {
    if column.is_empty() && more.is_empty() {
        return;
    }
    column.resize(before, nothing);
    column.extend(more);
    column.resize(all, nothing);
}

/// Lays the rows of a file, already in our units, on the grids of its stations.
pub(crate) fn hourly(
    file: &str,
    mut rows: Rows,
    layout: &Layout,
    tally: &mut Tally,
) -> Result<Hourly> {
    if let Some(part) = gapless(&mut rows, layout) {
        return Ok(Hourly {
            parts: vec![part],
            step_s: HOUR_S as u32,
        });
    }
    let stations = rows_by_station(&rows);
    let step_s = match layout.step_s {
        Some(step_s) => i64::from(step_s),
        None => step_s(file, &rows, &stations)?,
    };
    let is_finer = step_s < HOUR_S;
    shift_ends(&mut rows, layout, step_s);
    refuse_wide_gaps(file, &rows, &stations)?;
    let mut parts = Vec::new();
    for station in stations {
        if is_finer {
            parts.push(average::part(
                &mut rows,
                layout,
                &station,
                &Finer::of(step_s),
                tally,
            ));
        } else {
            parts.push(part(&mut rows, layout, &station, tally));
        }
    }
    Ok(Hourly {
        parts,
        step_s: u32::try_from(step_s).unwrap_or(u32::MAX),
    })
}

/// By how much a file's stamps stand after the start of their interval, seconds.
pub(crate) fn lag_s(file: &str, rows: &Rows, layout: &Layout) -> Result<i64> {
    if layout.stamped == Stamped::Begin {
        return Ok(0);
    }
    let step_s = match layout.step_s {
        Some(step_s) => i64::from(step_s),
        None => step_s(file, rows, &rows_by_station(rows))?,
    };
    Ok(lag_of(layout, step_s))
}

/// The same where the seconds from row to row are known.
pub(crate) fn lag_of(layout: &Layout, step_s: i64) -> i64 {
    match layout.stamped {
        Stamped::Begin => 0,
        Stamped::End => step_s.min(HOUR_S),
    }
}

/// Row numbers of each station, in the order of the file; stations without rows are left out.
fn rows_by_station(rows: &Rows) -> Vec<Vec<u32>> {
    let mut stations = vec![Vec::new(); rows.names.len()];
    for (row, &station) in rows.station.iter().enumerate() {
        stations[station as usize].push(row as u32);
    }
    stations.retain(|rows| !rows.is_empty());
    stations
}

/// The median distance of neighbouring stamps, an hour if there is none.
fn step_s(file: &str, rows: &Rows, stations: &[Vec<u32>]) -> Result<i64> {
    let mut steps = Steps::default();
    for station in stations {
        let mut stamps_s: Vec<i64> = station
            .iter()
            .map(|&row| rows.stamp_s[row as usize])
            .collect();
        stamps_s.sort_unstable();
        steps.note(stamps_s.into_iter());
    }
    steps.median(file)
}

/// The distances of neighbouring stamps, and how often each occurs.
#[derive(Debug, Default)]
pub(crate) struct Steps(BTreeMap<i64, usize>);

impl Steps {
    /// The stamps of one station, ascending; the same one twice is no step.
    pub(crate) fn note(&mut self, stamps_s: impl Iterator<Item = i64>) {
        let mut before_s = None;
        // Most steps are alike.
        let (mut last, mut n) = (0, 0);
        for stamp_s in stamps_s {
            let step_s = before_s.map_or(0, |before_s| stamp_s - before_s);
            before_s = Some(stamp_s);
            if step_s == last {
                n += usize::from(step_s != 0);
                continue;
            }
            if step_s == 0 {
                continue;
            }
            self.add(last, n);
            (last, n) = (step_s, 1);
        }
        self.add(last, n);
    }

    fn add(&mut self, step_s: i64, n: usize) {
        if 0 < n {
            *self.0.entry(step_s).or_default() += n;
        }
    }

    /// The median, an hour if there is none and at most that; refuses a file whose rows are too far apart.
    pub(crate) fn median(&self, file: &str) -> Result<i64> {
        let n: usize = self.0.values().sum();
        let Some(middle) = n.checked_sub(1).map(|last| last / 2) else {
            return Ok(HOUR_S);
        };
        let mut seen = 0;
        let mut steps = self.0.iter();
        let median = steps.find(|(_, n)| {
            seen += **n;
            middle < seen
        });
        let step_s = median.map_or(HOUR_S, |(step_s, _)| *step_s);
        if STEP_S_MAX <= step_s && STEPS_MIN <= n {
            return Err(Fault::bad_data(format!(
                "{file}: its rows are {} hours apart; this is no hourly series",
                step_s / HOUR_S
            ))
            .hint(
                "hourly or finer readings are needed; a mean of a day cannot be turned into hours",
            ));
        }
        // Coarser rows still are single hours, as in a file with most hours absent.
        Ok(step_s.min(HOUR_S))
    }
}

fn refuse_wide_gaps(file: &str, rows: &Rows, stations: &[Vec<u32>]) -> Result<()> {
    let mut sizes = GridSizes::default();
    for station in stations {
        let mut stamps: Vec<(i64, u32)> = station
            .iter()
            .map(|&row| (rows.stamp_s[row as usize], rows.line[row as usize]))
            .collect();
        stamps.sort_unstable();
        if let (Some((first_s, _)), Some((last_s, _))) = (stamps.first(), stamps.last()) {
            sizes.note(*first_s, *last_s);
        }
        refuse_gap(file, &stamps)?;
    }
    sizes.refuse_sparse(file, rows.stamp_s.len())
}

/// How large the grids of a file's stations will be.
#[derive(Debug, Default)]
pub(crate) struct GridSizes {
    n_stations: usize,
    n_hours: usize,
}

impl GridSizes {
    /// A station by its first and its last stamp.
    pub(crate) fn note(&mut self, first_s: i64, last_s: i64) {
        self.n_stations += 1;
        self.n_hours += ((last_s - first_s) / HOUR_S) as usize + 1;
    }

    /// Refuses grids that hold next to nothing.
    pub(crate) fn refuse_sparse(&self, file: &str, n_rows: usize) -> Result<()> {
        if HOURS_FREE + HOURS_PER_ROW_MAX * n_rows < self.n_hours {
            return Err(Fault::bad_data(format!(
                "{file}: {n_rows} rows of {} stations span {} hours",
                self.n_stations, self.n_hours
            ))
            .hint("look for wrong dates, or for a station column that holds something else"));
        }
        Ok(())
    }
}

/// Refuses a gap that can only be a wrong clock, among the stamps of one station and their lines, ascending.
pub(crate) fn refuse_gap(file: &str, stamps: &[(i64, u32)]) -> Result<()> {
    let mut pairs = stamps.windows(2);
    match pairs.find(|pair| GAP_S_MAX < pair[1].0 - pair[0].0) {
        None => Ok(()),
        Some(pair) => Err(Fault::bad_data(format!(
            "{file}: more than 20 years lie between line {} and line {}",
            pair[0].1, pair[1].1
        ))
        .hint("one of the two dates is wrong: mend or remove that line")),
    }
}

/// The hours of rows that are all of one station, of a file whose rows are `step_s` seconds apart.
pub(crate) fn station_part(
    mut rows: Rows,
    layout: &Layout,
    step_s: i64,
    tally: &mut Tally,
) -> Part {
    let is_finer = step_s < HOUR_S;
    if !is_finer && let Some(part) = gapless(&mut rows, layout) {
        return part;
    }
    shift_ends(&mut rows, layout, step_s);
    let all: Vec<u32> = (0..rows.stamp_s.len() as u32).collect();
    if is_finer {
        average::part(&mut rows, layout, &all, &Finer::of(step_s), tally)
    } else {
        part(&mut rows, layout, &all, tally)
    }
}

/// Stamps become the begin of their interval.
pub(crate) fn shift_ends(rows: &mut Rows, layout: &Layout, step_s: i64) {
    let lag_s = lag_of(layout, step_s);
    if lag_s != 0 {
        rows.stamp_s
            .iter_mut()
            .for_each(|stamp_s| *stamp_s -= lag_s);
    }
}

/// All rows of a file, if they are one hour after the other of one station: then columns are grids already.
fn gapless(rows: &mut Rows, layout: &Layout) -> Option<Part> {
    let (&station, &stamp_s) = (rows.station.first()?, rows.stamp_s.first()?);
    let is_hourly = layout
        .step_s
        .is_none_or(|step_s| i64::from(step_s) == HOUR_S);
    let follows = |pair: &[i64]| pair[1] - pair[0] == HOUR_S;
    let is_whole = is_hourly
        && rows.flags.is_empty()
        && rows.station.iter().all(|other| *other == station)
        && rows.stamp_s.windows(2).all(follows);
    if !is_whole {
        return None;
    }
    let start_s = match layout.stamped {
        Stamped::Begin => stamp_s,
        Stamped::End => stamp_s - HOUR_S,
    };
    let mut part = Part::empty(rows, layout, &[0], start_s);
    part.line = std::mem::take(&mut rows.line);
    for (column, raw) in layout.mapped.iter().zip(std::mem::take(&mut rows.values)) {
        set_values(&mut part, column.quantity, raw);
    }
    part.channels = std::mem::take(&mut rows.channels);
    Some(part)
}

/// Each line is an hour.
fn part(rows: &mut Rows, layout: &Layout, station: &[u32], tally: &mut Tally) -> Part {
    let on_grid = on_grid(rows, station, phase_s(rows, station), tally);
    laid(rows, layout, &on_grid, tally)
}

/// The same of some of a station's rows, where it is known how many seconds after a full hour its lines stand; nothing
/// where none does.
pub(crate) fn stretch_part(
    rows: &mut Rows,
    layout: &Layout,
    station: &[u32],
    phase_s: i64,
    tally: &mut Tally,
) -> Option<Part> {
    let on_grid = on_grid(rows, station, phase_s, tally);
    (!on_grid.is_empty()).then(|| laid(rows, layout, &on_grid, tally))
}

/// Rows whole hours apart, on their grid.
fn laid(rows: &mut Rows, layout: &Layout, station: &[u32], tally: &mut Tally) -> Part {
    let on_grid = station;
    let stamps_s = || on_grid.iter().map(|&row| rows.stamp_s[row as usize]);
    let (start_s, last_s) = (stamps_s().min().unwrap_or(0), stamps_s().max().unwrap_or(0));
    let mut part = Part::empty(rows, layout, station, start_s);
    let last_idx = ((last_s - start_s) / HOUR_S) as usize;
    part.line = vec![0; last_idx + 1];
    let taken = take_first_lines(rows, layout, on_grid, &mut part, tally);
    let on_hours = |raw: &[f32]| {
        let mut values = vec![f32::NAN; last_idx + 1];
        for &(row, hour_idx) in &taken.first {
            values[hour_idx] = raw[row as usize];
        }
        values
    };
    for (column, raw) in layout.mapped.iter().zip(&rows.values) {
        let values = on_hours(raw);
        set_values(&mut part, column.quantity, values);
    }
    if let [a, b] = &rows.channels
        && !a.is_empty()
    {
        part.channels = [on_hours(a), on_hours(b)];
    }
    flag_verdicts(rows, layout, &taken, &mut part);
    part
}

/// What the provider's own verdict says of a row, it says of all values that stand in it.
fn flag_verdicts(rows: &Rows, layout: &Layout, taken: &Taken, part: &mut Part) {
    if rows.flags.is_empty() {
        return;
    }
    for &(row, hour_idx) in &taken.first {
        for (at, column) in layout.mapped.iter().enumerate() {
            match rows.flag_of(taken.duplicates.origin(at, row)) {
                0 => {}
                bits => part.flag(column.quantity, hour_idx, bits),
            }
        }
    }
}

/// How many seconds after a full hour most rows stand.
fn phase_s(rows: &Rows, station: &[u32]) -> i64 {
    let phase_of = |row: u32| rows.stamp_s[row as usize].rem_euclid(HOUR_S);
    let first = phase_of(station[0]);
    if station.iter().all(|&row| phase_of(row) == first) {
        return first;
    }
    let mut phases: Vec<i64> = station.iter().map(|&row| phase_of(row)).collect();
    phases.sort_unstable();
    let runs = phases.chunk_by(|a, b| a == b);
    main_phase_s(runs.map(|run| (run[0], run.len() as u64)))
}

/// The same from how many rows stand so many seconds after a full hour; of two alike the earlier.
pub(crate) fn main_phase_s(phases: impl Iterator<Item = (i64, u64)>) -> i64 {
    let longest = phases.max_by_key(|&(phase_s, n)| (n, std::cmp::Reverse(phase_s)));
    longest.map_or(0, |(phase_s, _)| phase_s)
}

/// The rows that stand whole hours apart; the rest is rejected.
fn on_grid(rows: &Rows, station: &[u32], phase: i64, tally: &mut Tally) -> Vec<u32> {
    let phase_of = |row: u32| rows.stamp_s[row as usize].rem_euclid(HOUR_S);
    if station.iter().all(|&row| phase_of(row) == phase) {
        return station.to_vec();
    }
    let (on, off): (Vec<u32>, Vec<u32>) = station.iter().partition(|&&row| phase_of(row) == phase);
    for row in off {
        let text = || pm25_air::civil::format_utc(rows.stamp_s[row as usize]);
        tally.note(Reason::OffGrid, u64::from(rows.line[row as usize]), text);
    }
    on
}

/// The first line of each hour, with the hour it makes. Later lines fill what it lacks or are rejected, and where they
/// differ the first line's values are flagged.
fn take_first_lines(
    rows: &mut Rows,
    layout: &Layout,
    station: &[u32],
    part: &mut Part,
    tally: &mut Tally,
) -> Taken {
    let mut first_row = vec![u32::MAX; part.line.len()];
    let mut taken = Taken {
        first: Vec::with_capacity(station.len()),
        duplicates: Duplicates::default(),
    };
    let start_s = part.start_s;
    let hour_of = |rows: &Rows, row: u32| (rows.stamp_s[row as usize] - start_s) / HOUR_S;
    for &row in station {
        let hour_idx = hour_of(rows, row) as usize;
        let first = first_row[hour_idx];
        if first == u32::MAX {
            first_row[hour_idx] = row;
            part.line[hour_idx] = rows.line[row as usize];
            taken.first.push((row, hour_idx));
            continue;
        }
        taken.duplicates.lay_over(rows, layout, (first, row), tally);
    }
    if !taken.duplicates.filling.is_empty() {
        part.count_lines();
    }
    for &row in &taken.duplicates.filling {
        let n_lines = &mut part.n_lines[hour_of(rows, row) as usize];
        *n_lines = n_lines.saturating_add(1);
    }
    for &(first, quantity) in &taken.duplicates.conflicts {
        part.flag(quantity, hour_of(rows, first) as usize, flag::CONFLICT);
    }
    taken
}

/// The rows that make a station's hours.
struct Taken {
    /// The first row of each hour and the hour.
    first: Vec<(u32, usize)>,
    duplicates: Duplicates,
}

/// Values that are looked at together.
const TOGETHER: usize = 256;

/// Stores a column and sets the flags that a value shows by itself.
pub(crate) fn set_values(part: &mut Part, quantity: Quantity, mut values: Vec<f32>) {
    let possible = quantity.possible();
    let is_concentration = quantity.index() <= Quantity::Co.index();
    let least = if is_concentration {
        0.0
    } else {
        *possible.start()
    };
    let ordinary = |value: &f32| value.is_nan() | (least <= *value) & (value <= possible.end());
    for (idx, some) in values.chunks_mut(TOGETHER).enumerate() {
        // Without branches, so that the machine looks at several at once; hardly any stretch has a value to flag.
        if some.iter().fold(true, |all, value| all & ordinary(value)) {
            continue;
        }
        for (at, value) in some.iter_mut().enumerate() {
            let hour_idx = idx * TOGETHER + at;
            if *value == SENTINEL {
                *value = f32::NAN;
                part.flag(quantity, hour_idx, flag::SENTINEL);
            } else if value.is_nan() {
                continue;
            } else if !possible.contains(value) {
                part.flag(quantity, hour_idx, flag::IMPOSSIBLE);
            } else if is_concentration && *value < 0.0 {
                part.flag(quantity, hour_idx, flag::NEGATIVE);
            }
        }
    }
    part.values[quantity.index()] = values;
}
