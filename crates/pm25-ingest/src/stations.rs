//! The parts of all files become stations: one gapless hourly grid each, sorted by name.
//!
//! Not a judgement of values. Files of one station are laid over one another in the order in which they were read:
//!
//! ```text
//! file 1     5  6  ·  8              · = no value
//! file 2           7  9  4
//! station    5  6  7  8  4           9 contradicts 8: the first stays and is flagged
//! ```

use std::collections::BTreeMap;

use pm25_air::civil::{HOUR_S, format_at, format_offset};
use pm25_air::{Quantity, flag};
use pm25_file::{Fault, Result};

use crate::count::{Reason, Tally};
use crate::duplicate::{Beside, Says};
use crate::file::ReadFile;
use crate::hourly::{OffsetFrom, Part};
use crate::quality::Pm25Series;
use crate::spill::{Spill, Stored};

/// A station's hours. What no file has takes no memory here.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) name: String,
    /// Start of the first hour, seconds since 1970 UTC.
    pub(crate) start_s: i64,
    /// Standard offset, minutes east.
    pub(crate) utc_offset_min: i16,
    pub(crate) n_hours: usize,
    /// By [`Quantity::index`]; empty where all is missing.
    pub(crate) values: [Vec<f32>; 13],
    /// By [`Quantity::index`]; empty where nothing is flagged.
    pub(crate) flags: [Vec<u16>; 13],
    /// Hourly PM2.5 of a low-cost instrument's two channels, µg/m³; empty where it has none.
    pub(crate) channels: [Vec<f32>; 2],
}

impl Grid {
    /// Start of an hour, seconds since 1970 UTC.
    pub(crate) fn time_s(&self, hour_idx: usize) -> i64 {
        self.start_s + hour_idx as i64 * HOUR_S
    }

    /// The values of a quantity; none if it is missing throughout.
    pub(crate) fn values(&self, quantity: Quantity) -> &[f32] {
        &self.values[quantity.index()]
    }

    /// The flags of a quantity; none if nothing is flagged.
    pub(crate) fn flags(&self, quantity: Quantity) -> &[u16] {
        &self.flags[quantity.index()]
    }
}

/// A station and where it came from.
pub(crate) struct Merged {
    pub(crate) station: Grid,
    /// Names of its files.
    pub(crate) files: Vec<String>,
    pub(crate) pm25_incomplete: u64,
    /// Where each hour stands, file by file.
    pub(crate) lines: Vec<Lines>,
}

/// The lines of one file that a station's hours come from; 4 bytes for each hour.
pub(crate) struct Lines {
    pub(crate) file: String,
    /// Start of the first hour, seconds since 1970 UTC.
    pub(crate) start_s: i64,
    /// The first line of each hour; 0 where there is none.
    pub(crate) line: Vec<u32>,
}

/// A line or lines of a later file that the station did not take.
pub(crate) struct Rejection {
    file_idx: usize,
    reason: Reason,
    n_lines: u64,
    /// Of them: counted as averaged before.
    n_averaged: u64,
    line: u64,
    text: String,
}

/// A part with the position of its file.
type FilePart = (usize, Part);

/// A station whose parts are stored, in the order of their files.
pub(crate) struct Station {
    pub(crate) name: String,
    parts: Vec<(usize, Stored)>,
}

/// The stations of all files by name; `stored` holds the parts of each file.
pub(crate) fn by_name(stored: Vec<Vec<Stored>>) -> Vec<Station> {
    let mut by_name: BTreeMap<String, Vec<(usize, Stored)>> = BTreeMap::new();
    for (file_idx, parts) in stored.into_iter().enumerate() {
        for part in parts {
            by_name
                .entry(part.station.clone())
                .or_default()
                .push((file_idx, part));
        }
    }
    let station = |(name, parts)| Station { name, parts };
    by_name.into_iter().map(station).collect()
}

impl Station {
    /// The only part of a station that is in a single file, and what is known of its PM2.5; nothing if its hours must be
    /// looked at first.
    pub(crate) fn only_part(&self) -> Option<(Pm25Series, &Stored)> {
        let [(_, part)] = self.parts.as_slice() else {
            return None;
        };
        Some((Pm25Series::of_stored(part)?, part))
    }

    /// Its hours, laid together; `names` are those of the files.
    pub(crate) fn merged(
        &self,
        names: &[String],
        spill: &Spill,
    ) -> Result<(Merged, Vec<Rejection>)> {
        let parts: Result<Vec<FilePart>> = self
            .parts
            .iter()
            .map(|(file_idx, part)| Ok((*file_idx, part.get(spill)?)))
            .collect();
        station(parts?, names)
    }
}

/// What a station did not take of each file. There may be as many rejections as there are lines, so they are counted
/// station by station.
#[derive(Default)]
pub(crate) struct Rejected(BTreeMap<usize, (Tally, u64)>);

impl Rejected {
    /// Counts what was rejected, in that order.
    pub(crate) fn of(rejections: Vec<Rejection>) -> Self {
        let mut files: BTreeMap<usize, (Tally, u64)> = BTreeMap::new();
        for of in rejections {
            let (tally, n_averaged) = files.entry(of.file_idx).or_default();
            tally.note_lines(of.reason, of.n_lines, of.line, || of.text);
            *n_averaged += of.n_averaged;
        }
        Self(files)
    }

    /// Adds the counts to those of the files.
    pub(crate) fn note(self, files: &mut [ReadFile]) {
        for (file_idx, (tally, n_averaged)) in self.0 {
            let known = &mut files[file_idx].tally;
            // Lines that filled an hour were not averaged.
            known.averaged = known.averaged.saturating_sub(n_averaged);
            known.append(tally, 0);
        }
    }
}

fn station(parts: Vec<FilePart>, names: &[String]) -> Result<(Merged, Vec<Rejection>)> {
    refuse_two_clocks(&parts, names)?;
    let pm25_incomplete = parts.iter().map(|(_, part)| part.pm25_incomplete).sum();
    let mut files: Vec<String> = parts
        .iter()
        .map(|(file_idx, _)| names[*file_idx].clone())
        .collect();
    // Several parts of one file stand side by side.
    files.dedup();
    let utc_offset_min = standard_offset_min(&parts);
    let lines = parts
        .iter()
        .map(|(file_idx, part)| Lines {
            file: names[*file_idx].clone(),
            start_s: part.start_s,
            line: part.line.clone(),
        })
        .collect();
    let mut parts = parts.into_iter();
    let Some((_, first)) = parts.next() else {
        return Err(Fault::unforeseen("a station without a file"));
    };
    let rest: Vec<FilePart> = parts.collect();
    let mut rejections = Vec::new();
    let mut station = if rest.is_empty() {
        whole(first)
    } else {
        let mut canvas = Canvas::stretched(first, &rest, names)?;
        for (file_idx, part) in rest {
            canvas.lay_over(file_idx, part, &mut rejections);
        }
        canvas.station
    };
    station.utc_offset_min = utc_offset_min;
    Ok((
        Merged {
            station,
            files,
            pm25_incomplete,
            lines,
        },
        rejections,
    ))
}

/// Stamps that state their offset are ahead of standard time in summer: the smallest offset is the standard one. Of a named
/// zone whose standard time changed that of the first year counts, as it does within a file.
fn standard_offset_min(parts: &[FilePart]) -> i16 {
    let (_, first) = &parts[0];
    let all = || parts.iter().map(|(_, part)| part);
    let chosen = if first.offset_from == OffsetFrom::Zone {
        None
    } else if all().any(|part| part.offset_from == OffsetFrom::Named) {
        all().min_by_key(|part| part.start_s)
    } else {
        all().min_by_key(|part| part.utc_offset_min)
    };
    chosen.unwrap_or(first).utc_offset_min
}

/// Summer time is an hour ahead.
const SUMMER_MIN: u16 = 60;

/// Whether two offsets can be those of one clock.
fn is_one_clock(a: &Part, b: &Part) -> bool {
    use OffsetFrom::{Earlier, Named, Stamps};
    let apart_min = a.utc_offset_min.abs_diff(b.utc_offset_min);
    let furthest_min = match (a.offset_from, b.offset_from) {
        (Named, Named) => u16::MAX,
        // An earlier table may hold the winter or the summer of what is stamped now, or other years.
        (Stamps, Stamps | Earlier) | (Named, Earlier) | (Earlier, Stamps | Named) => SUMMER_MIN,
        _ => 0,
    };
    apart_min <= furthest_min
}

/// One station has one offset and its hours begin at one minute.
fn refuse_two_clocks(parts: &[FilePart], names: &[String]) -> Result<()> {
    let (first_idx, first) = &parts[0];
    for (file_idx, part) in &parts[1..] {
        let clash = if !is_one_clock(part, first) {
            let [was, is] = [first, part].map(|part| format_offset(part.utc_offset_min));
            format!(
                "has the offset {was} in {} and {is} in {}",
                names[*first_idx], names[*file_idx]
            )
        } else if (part.start_s - first.start_s) % HOUR_S != 0 {
            let [was, is] = [first, part].map(|part| format_at(part.start_s, part.utc_offset_min));
            format!(
                "has hours from {was} in {} and from {is} in {}",
                names[*first_idx], names[*file_idx]
            )
        } else {
            continue;
        };
        return Err(Fault::bad_data(format!("station `{}` {clash}", part.station))
            .hint("one station has one clock: read the files apart with `--station` and `--tz`, or mend the stamps"));
    }
    Ok(())
}

/// The only part of a station; moves its columns.
fn whole(part: Part) -> Grid {
    Grid {
        name: part.station,
        start_s: part.start_s,
        utc_offset_min: part.utc_offset_min,
        n_hours: part.line.len(),
        values: part.values,
        flags: part.flags,
        channels: part.channels,
    }
}

/// A station that parts are laid over.
struct Canvas {
    station: Grid,
    /// By hour: for which quantities a line was seen, one bit each, by [`Quantity::index`].
    seen: Vec<u16>,
}

impl Canvas {
    /// The first part, on a grid that holds the others too.
    fn stretched(first: Part, rest: &[FilePart], names: &[String]) -> Result<Self> {
        let end_s = |part: &Part| part.start_s + part.line.len() as i64 * HOUR_S;
        let others = || rest.iter().map(|(_, part)| part);
        let start_s = others()
            .map(|part| part.start_s)
            .fold(first.start_s, i64::min);
        let last_s = others().map(end_s).fold(end_s(&first), i64::max);
        refuse_wide_gaps(&first, rest, names)?;
        let n_hours = ((last_s - start_s) / HOUR_S) as usize;
        let all = || rest.iter().map(|(_, part)| part).chain([&first]);
        let station = Grid {
            name: first.station.clone(),
            start_s,
            utc_offset_min: first.utc_offset_min,
            n_hours,
            values: std::array::from_fn(|quantity| {
                let is_measured = all().any(|part| !part.values[quantity].is_empty());
                if is_measured {
                    vec![f32::NAN; n_hours]
                } else {
                    Vec::new()
                }
            }),
            channels: std::array::from_fn(|channel| {
                let has_channels = all().any(|part| !part.channels[channel].is_empty());
                if has_channels {
                    vec![f32::NAN; n_hours]
                } else {
                    Vec::new()
                }
            }),
            // A contradiction can flag any of them.
            flags: std::array::from_fn(|quantity| {
                let is_measured = all().any(|part| !part.values[quantity].is_empty());
                if is_measured {
                    vec![0; n_hours]
                } else {
                    Vec::new()
                }
            }),
        };
        let mut canvas = Self {
            station,
            seen: vec![0; n_hours],
        };
        canvas.lay_over(usize::MAX, first, &mut Vec::new());
        Ok(canvas)
    }

    fn lay_over(&mut self, file_idx: usize, part: Part, rejections: &mut Vec<Rejection>) {
        let shift = ((part.start_s - self.station.start_s) / HOUR_S) as usize;
        for (hour_idx, &line) in part.line.iter().enumerate().filter(|(_, line)| **line != 0) {
            let at = shift + hour_idx;
            // The first line about a quantity is taken, whatever else is known of the hour.
            let is_new = self.seen[at] & part.quantities() == 0;
            self.seen[at] |= part.quantities();
            if is_new {
                self.take_all(&part, hour_idx, at);
                continue;
            }
            if let Some(reason) = self.take_missing(&part, hour_idx, at) {
                let n_averaged = part.n_lines.get(hour_idx).map(|&n| u64::from(n));
                rejections.push(Rejection {
                    file_idx,
                    reason,
                    n_lines: n_averaged.unwrap_or(1),
                    n_averaged: n_averaged.unwrap_or(0),
                    line: u64::from(line),
                    text: format_at(self.station.time_s(at), part.utc_offset_min),
                });
            }
        }
    }

    fn take_all(&mut self, part: &Part, hour_idx: usize, at: usize) {
        self.take_channels(part, hour_idx, at);
        for quantity in 0..Quantity::ALL.len() {
            if let Some(&value) = part.values[quantity].get(hour_idx) {
                self.station.values[quantity][at] = value;
            }
            if let Some(&flags) = part.flags[quantity].get(hour_idx) {
                self.station.flags[quantity][at] = flags;
            }
        }
    }

    /// Fills what is missing at an hour and flags what differs; says why nothing was filled.
    fn take_missing(&mut self, part: &Part, hour_idx: usize, at: usize) -> Option<Reason> {
        let mut beside = Beside::default();
        for quantity in 0..Quantity::ALL.len() {
            let value = part.values[quantity].get(hour_idx).copied();
            let value = value.unwrap_or(f32::NAN);
            let flags = part.flags[quantity].get(hour_idx).copied().unwrap_or(0);
            let (values, masks) = (
                &mut self.station.values[quantity],
                &mut self.station.flags[quantity],
            );
            let (Some(known), Some(known_flags)) = (values.get_mut(at), masks.get_mut(at)) else {
                continue;
            };
            match beside.compare(*known, value) {
                Says::More => {
                    *known = value;
                    *known_flags = flags;
                    if quantity == Quantity::Pm25.index() {
                        self.take_channels(part, hour_idx, at);
                    }
                }
                Says::Otherwise => *known_flags |= flag::CONFLICT,
                Says::Nothing | Says::Same => {}
            }
        }
        beside.rejected()
    }

    fn take_channels(&mut self, part: &Part, hour_idx: usize, at: usize) {
        for (ours, theirs) in self.station.channels.iter_mut().zip(&part.channels) {
            if let (Some(ours), Some(&theirs)) = (ours.get_mut(at), theirs.get(hour_idx)) {
                *ours = theirs;
            }
        }
    }
}

/// More than twenty years between two files of a station are a wrong clock; see [`crate::hourly`].
fn refuse_wide_gaps(first: &Part, rest: &[FilePart], names: &[String]) -> Result<()> {
    const GAP_S_MAX: i64 = 20 * 8_766 * HOUR_S;
    let mut spans: Vec<(i64, i64, &str)> = rest
        .iter()
        .map(|(file_idx, part)| (part, names[*file_idx].as_str()))
        .chain([(first, "the first file")])
        .map(|(part, name)| {
            (
                part.start_s,
                part.start_s + part.line.len() as i64 * HOUR_S,
                name,
            )
        })
        .collect();
    spans.sort_unstable();
    let mut until_s = spans[0].1;
    for (start_s, end_s, name) in spans {
        if GAP_S_MAX < start_s - until_s {
            return Err(Fault::bad_data(format!(
                "station `{}` has nothing for more than 20 years before {name} begins",
                first.station
            ))
            .hint("look for a wrong year in that file, or for two stations of one name"));
        }
        until_s = until_s.max(end_s);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(start_h: i64, pm25: &[f32]) -> Part {
        let mut values: [Vec<f32>; 13] = Default::default();
        values[0] = pm25.to_vec();
        Part {
            station: "A".to_owned(),
            utc_offset_min: 330,
            offset_from: OffsetFrom::Zone,
            channels: Default::default(),
            start_s: 1_800 + start_h * HOUR_S,
            line: (0..pm25.len() as u32).map(|hour| hour + 2).collect(),
            n_lines: Vec::new(),
            values,
            flags: Default::default(),
            pm25_incomplete: 0,
        }
    }

    fn names() -> Vec<String> {
        vec!["a.csv".to_owned(), "b.csv".to_owned()]
    }

    #[test]
    fn a_later_file_fills_but_does_not_overrule() {
        let nan = f32::NAN;
        let parts = vec![
            (0, part(0, &[5.0, 6.0, nan, 8.0])),
            (1, part(1, &[6.0, 7.0, 9.0, 4.0])),
        ];
        let (merged, rejections) = station(parts, &names()).unwrap();
        assert_eq!(merged.station.values[0], [5.0, 6.0, 7.0, 8.0, 4.0]);
        assert_eq!(merged.station.flags[0], [0, 0, 0, flag::CONFLICT, 0]);
        let why: Vec<(Reason, u64)> = rejections.iter().map(|r| (r.reason, r.line)).collect();
        assert_eq!(
            why,
            [
                (Reason::ExactDuplicate, 2),
                (Reason::ConflictingDuplicate, 4)
            ]
        );
        assert_eq!(merged.files, ["a.csv", "b.csv"]);
    }

    #[test]
    fn an_earlier_year_in_a_later_file_stretches_the_grid() {
        let parts = vec![(0, part(3, &[1.0])), (1, part(0, &[2.0]))];
        let (merged, rejections) = station(parts, &names()).unwrap();
        assert_eq!(merged.station.n_hours, 4);
        assert_eq!(
            (merged.station.values[0][0], merged.station.values[0][3]),
            (2.0, 1.0)
        );
        assert!(rejections.is_empty());
    }

    #[test]
    fn two_clocks_are_refused() {
        let mut other = part(0, &[1.0]);
        other.utc_offset_min = 480;
        let fault = station(vec![(0, part(0, &[1.0])), (1, other)], &names())
            .err()
            .unwrap();
        assert_eq!(
            fault.to_string(),
            "station `A` has the offset +05:30 in a.csv and +08:00 in b.csv"
        );
        let mut shifted = part(0, &[1.0]);
        shifted.start_s += 900;
        let fault = station(vec![(0, part(0, &[1.0])), (1, shifted)], &names())
            .err()
            .unwrap();
        assert!(
            fault
                .to_string()
                .contains("has hours from 1970-01-01T06:00:00+05:30 in a.csv"),
            "{fault}"
        );
    }

    #[test]
    fn twenty_years_between_two_files_are_refused() {
        let parts = vec![(0, part(0, &[1.0])), (1, part(21 * 8_766, &[1.0]))];
        assert!(
            station(parts, &names())
                .err()
                .unwrap()
                .to_string()
                .contains("20 years")
        );
    }
}
