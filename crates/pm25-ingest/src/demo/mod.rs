//! `pm25-ingest demo`: simulated station files, to try the programs where there are no measurements.
//!
//! Not measurements, and each file says so in its first line. The same seed gives the same bytes anywhere, and one
//! more station changes no other.

mod air;
mod faults;
mod random;
mod weather;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context;
use pm25_air::civil::{Civil, HOUR_S, format_at};
use pm25_file::publish;
use pm25_tool::{Console, Outcome};
use serde::Serialize;

use crate::demo::faults::{Line, N_CELLS};
use crate::demo::weather::{Calendar, SPIN_UP_H};

/// How the first line of a simulated file begins.
const MARK: &str = "# simulated by pm25-ingest demo";
/// More stations than this are not simulated; two digits number them.
const STATIONS_MAX: u8 = 99;
/// Indian Standard Time, because half an hour finds more mistakes than none.
const OFFSET_MIN: i16 = 330;
/// 2021-01-01T00:00:00+05:30, a Friday.
const START_S: i64 = 1_609_439_400;
/// Days in a mean year.
const DAYS_PER_YEAR: f64 = 365.25;

/// Columns of quantities and their decimals.
const COLUMNS: [(&str, usize); N_CELLS] = [
    ("PM2.5 (ug/m3)", 1),
    ("PM10 (ug/m3)", 1),
    ("NO2 (ug/m3)", 1),
    ("SO2 (ug/m3)", 1),
    ("O3 (ug/m3)", 1),
    ("CO (mg/m3)", 2),
    ("temp (degree C)", 1),
    ("dewpoint (degree C)", 1),
    ("rh (%)", 0),
    ("pres (hPa)", 1),
    ("rain (mm)", 1),
    ("wind (m/s)", 1),
    ("wind_dir (degree)", 0),
];

/// What to simulate.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Write the files into this folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many stations
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=99))]
    stations: u8,
    /// How many days, from 2021-01-01
    #[arg(long, value_name = "N", default_value_t = 1100, value_parser = clap::value_parser!(u16).range(1..=7300))]
    days: u16,
    /// Another seed makes another city
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// What was written.
#[derive(Serialize)]
struct Written {
    folder: String,
    files: Vec<String>,
    lines: usize,
    seed: u64,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} simulated station files with {} lines in {} (seed {})",
            self.files.len(),
            self.lines,
            self.folder,
            self.seed
        )
    }
}

/// Writes the files.
pub(crate) fn run(args: &DemoArgs, console: &Console) -> anyhow::Result<Outcome> {
    warn_of_strangers(args, console);
    let n_hours = SPIN_UP_H + 24 * usize::from(args.days);
    let calendar: Vec<Calendar> = (0..n_hours)
        .map(|hour_idx| calendar(time_s(hour_idx)))
        .collect();
    let weather = weather::weather(&calendar, args.seed);
    let city = air::city_air(&weather, args.seed);
    let n_stations = usize::from(args.stations);
    let mut written = Written {
        folder: args.out.display().to_string(),
        files: Vec::new(),
        lines: 0,
        seed: args.seed,
    };
    for station in 0..n_stations {
        let readings = air::station_air(&weather, &city, args.seed, station as u64);
        let lines = faults::lines(&readings[SPIN_UP_H..], (station, n_stations), args.seed);
        let name = file_name(station);
        publish(
            &args.out.join(&name),
            text(station, &lines, args.seed).as_bytes(),
        )?;
        written.lines += lines.len();
        written.files.push(name);
    }
    remove_leftovers(args)?;
    console.say(&written)?;
    Ok(Outcome::Done)
}

/// Removes what an earlier, larger demo left: it would be read together with these files. Only files that say
/// in their first line that we made them.
fn remove_leftovers(args: &DemoArgs) -> anyhow::Result<()> {
    let first = usize::from(args.stations);
    let last = usize::from(STATIONS_MAX);
    for path in (first..last).map(|station| args.out.join(file_name(station))) {
        let is_ours = std::fs::read(&path).is_ok_and(|bytes| bytes.starts_with(MARK.as_bytes()));
        if is_ours {
            std::fs::remove_file(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

fn file_name(station: usize) -> String {
    format!("demo-{:02}.csv", station + 1)
}

/// Files that are not ours would be read together with these.
fn warn_of_strangers(args: &DemoArgs, console: &Console) {
    let ours: Vec<String> = (0..usize::from(args.stations)).map(file_name).collect();
    let is_strange = |name: &str| name.contains(".csv") && !ours.iter().any(|own| own == name);
    for name in names_in(&args.out).iter().filter(|name| is_strange(name)) {
        console.warn(&format!(
            "{} also holds {name}, which this run does not write",
            args.out.display()
        ));
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

fn time_s(hour_idx: usize) -> i64 {
    START_S + (hour_idx as i64 - SPIN_UP_H as i64) * HOUR_S
}

fn calendar(time_s: i64) -> Calendar {
    let civil = Civil::of(time_s, OFFSET_MIN);
    let hour = f64::from(civil.hour);
    Calendar {
        hour,
        dayofweek: civil.dayofweek,
        year_share: (f64::from(civil.dayofyear) - 1.0 + hour / 24.0) / DAYS_PER_YEAR,
    }
}

fn text(station: usize, lines: &[Line], seed: u64) -> String {
    let mut text = format!("{MARK} (seed {seed}): not a measurement\ntime,station");
    for (column, _) in COLUMNS {
        text.push(',');
        text.push_str(column);
    }
    text.push('\n');
    for line in lines {
        text.push_str(&format_at(time_s(SPIN_UP_H + line.hour_idx), OFFSET_MIN));
        // Writing to a string cannot fail.
        let _ = write!(text, ",demo-{:02}", station + 1);
        for (value, (_, n_decimals)) in line.cells.iter().zip(COLUMNS) {
            text.push(',');
            if !value.is_nan() {
                let _ = write!(text, "{value:.n_decimals$}");
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_the_first_hour_of_2021_in_india() {
        assert_eq!(format_at(START_S, OFFSET_MIN), "2021-01-01T00:00:00+05:30");
    }
}
