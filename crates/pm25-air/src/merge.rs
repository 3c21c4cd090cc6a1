//! One network from several: stations may be spread over files, and a station's years too.
//!
//! Not a way to settle contradictions: an hour may be there twice if both say the same, flags included; where they do
//! not, they are refused, and which one is right is for whoever made them to say. A missing value says nothing: where
//! one record has none, the other's value counts, with its flags.
//!
//! ```text
//! file 1, station a   x x x x x
//! file 2, station a                 x x x
//! merged              x x x x x · · x x x       · = an hour that no file has: all values missing, no flags
//! ```

use crate::civil::{HOUR_S, format_offset, format_utc};
use crate::{Network, Quantity, Station};
use std::collections::BTreeMap;

/// The longest gap between two records of a station that is filled: twenty years. A longer one is a wrong clock, and
/// would only fill the memory with missing hours.
pub const GAP_H_MAX: i64 = 20 * 8_766;

/// Why two records of a station are not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// An hour occurs in both, and they contradict each other.
    #[error("station `{station}` has the hour {time} twice, and not with the same {column}", time = format_utc(*time_s))]
    Overlap {
        /// The station.
        station: String,
        /// The first hour on which they differ.
        time_s: i64,
        /// The first of its columns, value or flags, in which they differ.
        column: &'static str,
    },
    /// The standard offsets differ.
    #[error("station `{station}` has the offset {one} once and {other} once", one = format_offset(*one_min), other = format_offset(*other_min))]
    Offset {
        /// The station.
        station: String,
        /// The earlier record's offset, minutes.
        one_min: i16,
        /// The later record's.
        other_min: i16,
    },
    /// The hours begin at different minutes.
    #[error("station `{station}`: {other} is not a whole number of hours after {one}", one = format_utc(*one_s), other = format_utc(*other_s))]
    Phase {
        /// The station.
        station: String,
        /// First hour of the earlier record.
        one_s: i64,
        /// First hour of the later one.
        other_s: i64,
    },
    /// Nothing for more than twenty years.
    #[error("station `{station}` has nothing between {from} and {until}", from = format_utc(*from_s), until = format_utc(*until_s))]
    Gap {
        /// The station.
        station: String,
        /// End of the earlier record.
        from_s: i64,
        /// Start of the later one.
        until_s: i64,
    },
}

impl MergeError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Overlap { .. } => "give each hour of a station once; `pm25-ingest` settles duplicates when it reads the files together".to_owned(),
            Self::Offset { .. } | Self::Phase { .. } => "one station has one clock: give the other one another station name".to_owned(),
            Self::Gap { .. } => "check the clock of the file, or prepare the two records apart".to_owned(),
        }
    }
}

/// The stations of all networks; the records of a station, which must agree on hours that they share, become one grid.
///
/// # Errors
/// When records of one station contradict each other; see [`MergeError`].
pub fn merge(networks: Vec<Network>) -> Result<Network, MergeError> {
    let mut records: BTreeMap<String, Vec<Station>> = BTreeMap::new();
    for station in networks.into_iter().flat_map(|network| network.stations) {
        records
            .entry(station.name.clone())
            .or_default()
            .push(station);
    }
    let stations: Result<Vec<Option<Station>>, MergeError> =
        records.into_values().map(join).collect();
    Ok(Network {
        stations: stations?.into_iter().flatten().collect(),
    })
}

/// The records of one station in the order of time, one after the other.
fn join(mut records: Vec<Station>) -> Result<Option<Station>, MergeError> {
    records.sort_by_key(|record| record.start_s);
    let mut records = records.into_iter();
    let Some(mut joined) = records.next() else {
        return Ok(None);
    };
    for record in records {
        let gap = gap(&joined, &record)?;
        let n_shared = agree(&joined, &record)?;
        fill(&mut joined, &record, n_shared);
        let n_hours = joined.n_hours() + gap;
        for (values, later) in joined.values.iter_mut().zip(&record.values) {
            values.resize(n_hours, f32::NAN);
            values.extend(&later[n_shared..]);
        }
        for (flags, later) in joined.flags.iter_mut().zip(&record.flags) {
            flags.resize(n_hours, 0);
            flags.extend(&later[n_shared..]);
        }
    }
    Ok(Some(joined))
}

/// Hours between two records of a station, the second of which does not start earlier.
fn gap(one: &Station, other: &Station) -> Result<usize, MergeError> {
    let station = one.name.clone();
    let (one_min, other_min) = (one.utc_offset_min, other.utc_offset_min);
    if one_min != other_min {
        return Err(MergeError::Offset {
            station,
            one_min,
            other_min,
        });
    }
    let (one_s, other_s) = (one.start_s, other.start_s);
    if (other_s - one_s) % HOUR_S != 0 {
        return Err(MergeError::Phase {
            station,
            one_s,
            other_s,
        });
    }
    let end_s = one.time_s(one.n_hours());
    let gap_h = ((other_s - end_s) / HOUR_S).max(0);
    if GAP_H_MAX < gap_h {
        return Err(MergeError::Gap {
            station,
            from_s: end_s,
            until_s: other_s,
        });
    }
    Ok(gap_h as usize)
}

/// How many hours at the start of a record, which is not the earlier one, are in the other too. All that both have of them
/// must be the same.
fn agree(one: &Station, other: &Station) -> Result<usize, MergeError> {
    let Some(from) = one.hour_idx(other.start_s) else {
        return Ok(0);
    };
    let n_shared = (one.n_hours() - from).min(other.n_hours());
    for hour_idx in 0..n_shared {
        for q in Quantity::ALL {
            let (ours, theirs) = (one.values(q)[from + hour_idx], other.values(q)[hour_idx]);
            if ours.is_nan() || theirs.is_nan() {
                continue;
            }
            let column = match one.flags(q)[from + hour_idx] == other.flags(q)[hour_idx] {
                true if ours == theirs => continue,
                true => q.column(),
                false => q.flags_column(),
            };
            return Err(MergeError::Overlap {
                station: one.name.clone(),
                time_s: other.time_s(hour_idx),
                column,
            });
        }
    }
    Ok(n_shared)
}

/// Takes what is missing of the first hours of a later record that the two share. Where neither has a value, what either
/// says of that is kept.
fn fill(one: &mut Station, other: &Station, n_shared: usize) {
    let Some(from) = one.hour_idx(other.start_s) else {
        return;
    };
    for q in Quantity::ALL.map(Quantity::index) {
        let known = one.values[q][from..]
            .iter_mut()
            .zip(&mut one.flags[q][from..]);
        let theirs = other.values[q].iter().zip(&other.flags[q]).take(n_shared);
        for ((value, flags), (&their_value, &their_flags)) in known.zip(theirs) {
            match (value.is_nan(), their_value.is_nan()) {
                (true, false) => (*value, *flags) = (their_value, their_flags),
                (true, true) => *flags |= their_flags,
                (false, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, start_h: i64, n_hours: usize) -> Network {
        let station = Station {
            values: std::array::from_fn(|_| {
                (0..n_hours)
                    .map(|i| (start_h as usize + i) as f32)
                    .collect()
            }),
            flags: std::array::from_fn(|_| vec![256; n_hours]),
            ..Station::new(name, start_h * HOUR_S, 480)
        };
        Network {
            stations: vec![station],
        }
    }

    #[test]
    fn records_join_in_the_order_of_time() {
        let merged = merge(vec![
            network("b", 5, 3),
            network("a", 0, 2),
            network("b", 0, 4),
        ])
        .unwrap();
        let [a, b] = merged.stations.as_slice() else {
            panic!("two stations")
        };
        assert_eq!((a.n_hours(), b.n_hours(), b.start_s), (2, 8, 0));
        let seen: Vec<Option<f32>> = b.values[4]
            .iter()
            .map(|v| (!v.is_nan()).then_some(*v))
            .collect();
        assert_eq!(
            seen,
            [
                Some(0.0),
                Some(1.0),
                Some(2.0),
                Some(3.0),
                None,
                Some(5.0),
                Some(6.0),
                Some(7.0)
            ]
        );
        assert_eq!(b.flags[4], [256, 256, 256, 256, 0, 256, 256, 256]);
    }

    #[test]
    fn hours_that_agree_count_once() {
        let one = network("a", 10, 5);
        let grid = |others: &[(i64, usize)]| {
            let others = others
                .iter()
                .map(|&(start_h, n_hours)| network("a", start_h, n_hours));
            let merged = merge([one.clone()].into_iter().chain(others).collect()).unwrap();
            let station = &merged.stations[0];
            assert!((0..station.n_hours()).all(|hour_idx| {
                station.values[3][hour_idx] == (station.start_s / HOUR_S) as f32 + hour_idx as f32
            }));
            (station.start_s / HOUR_S, station.n_hours())
        };
        assert_eq!(grid(&[(10, 5)]), (10, 5));
        assert_eq!(grid(&[(13, 5), (8, 4)]), (8, 10));
        assert_eq!(grid(&[(11, 2), (12, 20)]), (10, 22));
        let mut nothing = one.clone();
        nothing.stations[0].values[2].fill(f32::NAN);
        assert!(merge(vec![nothing.clone(), nothing]).is_ok());
    }

    #[test]
    fn a_missing_value_contradicts_nothing_in_either_order() {
        let one = network("a", 10, 5);
        let mut gap = one.clone();
        let station = &mut gap.stations[0];
        for (hour_idx, flags) in [(2, 0), (3, 1)] {
            station.values[2][hour_idx] = f32::NAN;
            station.flags[2][hour_idx] = flags;
        }
        let later = network("a", 12, 9);
        let whole = merge(vec![one.clone(), later.clone()]).unwrap();
        let joined = |records: [&Network; 3]| merge(records.map(Clone::clone).into()).unwrap();
        for merged in [joined([&gap, &one, &later]), joined([&later, &one, &gap])] {
            assert_eq!(merged.stations[0].values[2], whole.stations[0].values[2]);
            assert_eq!(merged.stations[0].flags, whole.stations[0].flags);
        }
        // What neither has stays missing, and why.
        let mut plain = gap.clone();
        plain.stations[0].flags[2][3] = 0;
        for records in [[&gap, &plain], [&plain, &gap]] {
            let merged = merge(records.map(Clone::clone).into()).unwrap();
            assert!(merged.stations[0].values[2][3].is_nan());
            assert_eq!(merged.stations[0].flags[2][2..4], [0, 1]);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let refused = |other: Network| merge(vec![network("a", 10, 5), other]).unwrap_err();
        let mut other = network("a", 12, 5);
        other.stations[0].values[Quantity::Rain.index()][2] = 7.5;
        let overlap = |column| MergeError::Overlap {
            station: "a".into(),
            time_s: 14 * HOUR_S,
            column,
        };
        assert_eq!(refused(other), overlap("rain_mm"));
        let mut other = network("a", 8, 8);
        other.stations[0].flags[0][6] = 0;
        assert_eq!(refused(other), overlap("pm25_flags"));
        assert!(matches!(
            refused(network("a", 10 + 6 + GAP_H_MAX, 1)),
            MergeError::Gap { .. }
        ));
        let mut other = network("a", 20, 5);
        other.stations[0].start_s += 1_800;
        assert!(matches!(refused(other), MergeError::Phase { .. }));
        let mut other = network("a", 20, 5);
        other.stations[0].utc_offset_min = 330;
        assert!(matches!(refused(other), MergeError::Offset { .. }));
    }
}
