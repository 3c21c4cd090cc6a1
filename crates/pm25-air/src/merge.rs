//! One network from several: stations may be spread over files, and a station's years too.
//!
//! Not a way to settle contradictions: two records of the same hour are refused, and which one is right is for
//! whoever made them to say.
//!
//! ```text
//! file 1, station a   x x x x x
//! file 2, station a                 x x x
//! merged              x x x x x · · x x x       · = an hour that no file has: all values missing, no flags
//! ```

use crate::civil::{HOUR_S, format_offset, format_utc};
use crate::{Network, Station};
use std::collections::BTreeMap;

/// The longest gap between two records of a station that is filled: twenty years. A longer one is a wrong clock, and
/// would only fill the memory with missing hours.
pub const GAP_H_MAX: i64 = 20 * 8_766;

/// Why two records of a station are not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// An hour occurs in both.
    #[error("station `{station}` has the hour {time} twice", time = format_utc(*time_s))]
    Overlap {
        /// The station.
        station: String,
        /// The first hour that is there twice.
        time_s: i64,
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

/// The stations of all networks; the records of a station, which must not share an hour, become one grid.
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
        let n_hours = joined.n_hours() + gap;
        for (values, later) in joined.values.iter_mut().zip(record.values) {
            values.resize(n_hours, f32::NAN);
            values.extend(later);
        }
        for (flags, later) in joined.flags.iter_mut().zip(record.flags) {
            flags.resize(n_hours, 0);
            flags.extend(later);
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
    if other_s < end_s {
        return Err(MergeError::Overlap {
            station,
            time_s: other_s,
        });
    }
    let gap_h = (other_s - end_s) / HOUR_S;
    if GAP_H_MAX < gap_h {
        return Err(MergeError::Gap {
            station,
            from_s: end_s,
            until_s: other_s,
        });
    }
    Ok(gap_h as usize)
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
    fn contradictions_are_refused() {
        let refused = |other: Network| merge(vec![network("a", 10, 5), other]).unwrap_err();
        assert_eq!(
            refused(network("a", 14, 5)),
            MergeError::Overlap {
                station: "a".into(),
                time_s: 14 * HOUR_S
            }
        );
        assert_eq!(
            refused(network("a", 8, 3)),
            MergeError::Overlap {
                station: "a".into(),
                time_s: 10 * HOUR_S
            }
        );
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
