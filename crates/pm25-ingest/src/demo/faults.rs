//! What goes wrong at a station: outages, absent rows, a stuck sensor, a unit slip, codes, spikes, repeated lines.
//!
//! Not the air. The faults are there so that what finds them has something to find.

use crate::demo::air::Reading;
use crate::demo::random::Random;

/// Cells of a line, in the order of [`crate::demo::COLUMNS`].
pub(crate) const N_CELLS: usize = 13;
/// The code for "no value" that one station writes at times.
const CODE: f64 = -999.0;
/// Positions of cells.
const PM25: usize = 0;
const CO: usize = 5;
/// The instruments that fail together: particles, gases, weather.
const INSTRUMENTS: [std::ops::Range<usize>; 3] = [0..2, 2..6, 6..N_CELLS];
/// What monitors of particles and of sulphur dioxide print instead of less, µg/m³ (a BAM 1020 detects 4.8 in an hour).
const LOWEST: [(usize, f64); 3] = [(PM25, 5.0), (1, 5.0), (3, 2.0)];

/// One line of a station file; a missing value is NaN.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) hour_idx: usize,
    pub(crate) cells: [f64; N_CELLS],
}

/// The lines of one station's file.
pub(crate) fn lines(
    readings: &[Reading],
    (station, n_stations): (usize, usize),
    seed: u64,
) -> Vec<Line> {
    let mut random = Random::new(seed, 10_000 + station as u64);
    let mut lines: Vec<Line> = readings
        .iter()
        .enumerate()
        .map(|(hour_idx, reading)| line(hour_idx, reading))
        .collect();
    let befalls = |victim: usize| victim % n_stations == station;
    spike(&mut lines, &mut random);
    if befalls(2) {
        stick(&mut lines);
    }
    if befalls(4) {
        slip_unit(&mut lines);
    }
    for instrument in INSTRUMENTS {
        fail(&mut lines, instrument, &mut random);
    }
    if befalls(3) {
        write_codes(&mut lines);
    }
    let mut lines = without_power_cuts(lines, &mut random);
    if befalls(1) {
        repeat(&mut lines);
    }
    lines
}

fn line(hour_idx: usize, reading: &Reading) -> Line {
    let mut cells = [
        reading.pm25_ug_m3,
        reading.pm10_ug_m3,
        reading.no2_ug_m3,
        reading.so2_ug_m3,
        reading.o3_ug_m3,
        reading.co_mg_m3,
        reading.temp_c,
        reading.dewpoint_c,
        reading.rh_pct,
        reading.pres_hpa,
        reading.rain_mm,
        reading.wind_m_s,
        reading.wind_deg,
    ];
    for (cell, lowest) in LOWEST {
        cells[cell] = cells[cell].max(lowest);
    }
    Line { hour_idx, cells }
}

/// A spider, a truck, a reset: one hour several times too high, about three times a year.
fn spike(lines: &mut [Line], random: &mut Random) {
    for line in lines {
        let factor = 4.0 + 4.0 * random.uniform();
        if random.uniform() < 1.0 / 3_000.0 {
            line.cells[PM25] = (line.cells[PM25] * factor).min(985.0);
        }
    }
}

/// Sixty hours of one value.
fn stick(lines: &mut [Line]) {
    let from = lines.len() * 55 / 100;
    let until = (from + 60).min(lines.len());
    let stuck_at = lines.get(from).map_or(0.0, |line| line.cells[PM25]);
    for line in &mut lines[from..until] {
        line.cells[PM25] = stuck_at;
    }
}

/// Ten days of CO in µg/m³ under a header that says mg/m³.
fn slip_unit(lines: &mut [Line]) {
    let from = lines.len() * 35 / 100;
    let until = (from + 240).min(lines.len());
    for line in &mut lines[from..until] {
        line.cells[CO] *= 1_000.0;
    }
}

/// Short and long outages of one instrument: about 1.5 % and 1 % of the hours.
fn fail(lines: &mut [Line], instrument: std::ops::Range<usize>, random: &mut Random) {
    let mut hours_left = 0.0;
    for line in lines {
        if hours_left <= 0.0 {
            let luck = random.uniform();
            if luck < 1.0 / 330.0 {
                hours_left = 1.0 + random.exponential(4.0);
            } else if luck < 1.0 / 330.0 + 1.0 / 4_000.0 {
                hours_left = 12.0 + random.exponential(28.0);
            }
        }
        if 0.0 < hours_left {
            line.cells[instrument.clone()].fill(f64::NAN);
            hours_left -= 1.0;
        }
    }
}

/// Six hours with a code instead of PM2.5.
fn write_codes(lines: &mut [Line]) {
    let from = lines.len() / 5;
    for line in lines.iter_mut().skip(from).step_by(7).take(6) {
        line.cells[PM25] = CODE;
    }
}

/// Without power there is no line at all.
fn without_power_cuts(lines: Vec<Line>, random: &mut Random) -> Vec<Line> {
    let mut hours_left = 0.0;
    let mut is_on = |_: &Line| {
        if hours_left <= 0.0 && random.uniform() < 1.0 / 6_000.0 {
            hours_left = 2.0 + random.exponential(8.0);
        }
        hours_left -= 1.0;
        hours_left < 0.0
    };
    lines.into_iter().filter(|line| is_on(line)).collect()
}

/// Three lines come twice as they are, two with another value.
fn repeat(lines: &mut Vec<Line>) {
    let n = lines.len();
    for (share, added_ug_m3) in [
        (0.15, 0.0),
        (0.40, 7.5),
        (0.41, 0.0),
        (0.70, 12.0),
        (0.90, 0.0),
    ] {
        let at = (share * n as f64) as usize;
        // A line without PM2.5 would be repeated as it is.
        let Some(at) = (at..lines.len()).find(|&at| !lines[at].cells[PM25].is_nan()) else {
            continue;
        };
        let mut line = lines[at].clone();
        line.cells[PM25] += added_ug_m3;
        lines.insert(at + 1, line);
    }
}
