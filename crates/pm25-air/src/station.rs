//! Observations in memory: a [`Station`] on its hourly grid, a [`Network`] of them sorted by name.
//!
//! Not a file: tables come and go as neutral [`Columns`], which the reader of files fills. Whatever passes
//! [`Network::from_columns`] is a grid without holes, so nothing after it checks again.
//!
//! ```text
//! hour_idx      0        1        2        3
//! time_s     start_s  + 3600   + 7200   + 10800     one hour apart, always
//! pm25        12.0     NaN      15.5     14.0       NaN = missing
//! pm25 flags   0        1        0        16        1 = the provider wrote a code for "missing"
//! ```

use crate::Quantity;
use crate::civil::{EARLIEST_S, HOUR_S, LATEST_S, OFFSETS_MIN, format_offset, format_utc};
use std::collections::BTreeMap;

/// One station's observations on its hourly grid, from its first hour to its last.
/// Raw values stay (NaN = missing); flags say what is doubtful.
#[derive(Clone, Debug)]
pub struct Station {
    /// The station's name, unique in its network.
    pub name: String,
    /// Start of the first hour, seconds since 1970 UTC.
    pub start_s: i64,
    /// Standard offset, minutes east of Greenwich.
    pub utc_offset_min: i16,
    /// Values by [`Quantity::index`], each as long as the grid.
    pub values: [Vec<f32>; 13],
    /// Quality flags by [`Quantity::index`], each as long as the grid.
    pub flags: [Vec<u16>; 13],
}

impl Station {
    /// A station with an empty grid that will begin at `start_s`.
    pub fn new(name: &str, start_s: i64, utc_offset_min: i16) -> Self {
        Self {
            name: name.to_owned(),
            start_s,
            utc_offset_min,
            values: Default::default(),
            flags: Default::default(),
        }
    }

    /// Hours in the grid.
    pub fn n_hours(&self) -> usize {
        self.values[0].len()
    }

    /// Start of an hour, seconds since 1970 UTC. An index beyond the grid continues it.
    pub fn time_s(&self, hour_idx: usize) -> i64 {
        self.start_s + hour_idx as i64 * HOUR_S
    }

    /// Where the hour that starts at `time_s` lies; nothing when it is off the grid.
    pub fn hour_idx(&self, time_s: i64) -> Option<usize> {
        let since_s = time_s.checked_sub(self.start_s)?;
        let hour_idx = usize::try_from(since_s / HOUR_S).ok()?;
        (since_s % HOUR_S == 0 && 0 <= since_s && hour_idx < self.n_hours()).then_some(hour_idx)
    }

    /// The values of one quantity.
    pub fn values(&self, quantity: Quantity) -> &[f32] {
        &self.values[quantity.index()]
    }

    /// The quality flags of one quantity.
    pub fn flags(&self, quantity: Quantity) -> &[u16] {
        &self.flags[quantity.index()]
    }
}

/// All stations, sorted by name, no name twice.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The stations, ascending by name.
    pub stations: Vec<Station>,
}

/// A network as columns of one table: a row per station and hour, all columns equally long.
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    /// The different station names.
    pub words: &'a [String],
    /// Which of them a row belongs to.
    pub codes: &'a [u32],
    /// Start of the hour, seconds since 1970 UTC.
    pub time_s: &'a [i64],
    /// Standard offset, minutes east of Greenwich.
    pub utc_offset_min: &'a [i16],
    /// Values by [`Quantity::index`]; NaN = missing.
    pub values: [&'a [f32]; 13],
    /// Flags by [`Quantity::index`].
    pub flags: [&'a [u16]; 13],
}

/// A network laid out as [`Columns`], owned: stations in order, each with its hours in order.
#[derive(Clone, Debug, Default)]
pub struct OwnedColumns {
    /// The station names, ascending.
    pub words: Vec<String>,
    /// Which of them a row belongs to.
    pub codes: Vec<u32>,
    /// Start of the hour, seconds since 1970 UTC.
    pub time_s: Vec<i64>,
    /// Standard offset, minutes east of Greenwich.
    pub utc_offset_min: Vec<i16>,
    /// Values by [`Quantity::index`]; NaN = missing.
    pub values: [Vec<f32>; 13],
    /// Flags by [`Quantity::index`].
    pub flags: [Vec<u16>; 13],
}

/// Why columns are not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// A column is shorter or longer than the first.
    #[error("column `{column}` has {found} rows, the others have {expected}")]
    Length {
        /// The column.
        column: String,
        /// Rows of the station column.
        expected: usize,
        /// Rows of this one.
        found: usize,
    },
    /// A row points to a station name that does not exist.
    #[error("row {row}: station number {code}, but there are {n_words} names")]
    Code {
        /// Row, from 0.
        row: usize,
        /// What it points to.
        code: u32,
        /// Names in the dictionary.
        n_words: usize,
    },
    /// The station's name is empty.
    #[error("row {row}: a station without a name")]
    NoName {
        /// Row, from 0.
        row: usize,
    },
    /// A time that no calendar holds.
    #[error("station `{station}`, row {row}: time {time_s} s is outside the years 1 to 9998")]
    Time {
        /// The station.
        station: String,
        /// Row, from 0.
        row: usize,
        /// The time.
        time_s: i64,
    },
    /// An offset that no place has.
    #[error(
        "station `{station}`, row {row}: offset of {utc_offset_min} min is outside -12:00 to +14:00"
    )]
    Offset {
        /// The station.
        station: String,
        /// Row, from 0.
        row: usize,
        /// The offset.
        utc_offset_min: i16,
    },
    /// The offset changes within a station.
    #[error("station `{station}`: offset {was} becomes {is} at {time}", was = format_offset(*was), is = format_offset(*is), time = format_utc(*time_s))]
    OffsetChanges {
        /// The station.
        station: String,
        /// Where it changes.
        time_s: i64,
        /// Offset before, minutes.
        was: i16,
        /// Offset after, minutes.
        is: i16,
    },
    /// Two rows for one hour.
    #[error("station `{station}` has two rows for {time}", time = format_utc(*time_s))]
    Twice {
        /// The station.
        station: String,
        /// The hour.
        time_s: i64,
    },
    /// Rows are not in the order of time.
    #[error("station `{station}`: {time} comes after {after}", time = format_utc(*time_s), after = format_utc(*after_s))]
    Backwards {
        /// The station.
        station: String,
        /// The row's hour.
        time_s: i64,
        /// The hour of the station's row before.
        after_s: i64,
    },
    /// Hours are missing from the grid.
    #[error("station `{station}` has no rows between {after} and {time}", time = format_utc(*time_s), after = format_utc(*after_s))]
    Hole {
        /// The station.
        station: String,
        /// First hour after the hole.
        time_s: i64,
        /// Last hour before it.
        after_s: i64,
    },
    /// The minutes change within a station.
    #[error("station `{station}`: {time} is not a whole number of hours after {after}", time = format_utc(*time_s), after = format_utc(*after_s))]
    Phase {
        /// The station.
        station: String,
        /// The row's hour.
        time_s: i64,
        /// The hour of the station's row before.
        after_s: i64,
    },
    /// A value is infinite.
    #[error("station `{station}`: `{column}` is infinite at {time}", time = format_utc(*time_s))]
    Infinite {
        /// The station.
        station: String,
        /// The column.
        column: &'static str,
        /// The hour.
        time_s: i64,
    },
}

impl GridError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Hole { .. } => {
                "keep a row for every hour, with nulls for what is missing".to_owned()
            }
            Self::Backwards { .. } => "sort the rows by station and time".to_owned(),
            Self::Phase { .. } | Self::OffsetChanges { .. } => {
                "one station has one clock: give the other one another station name".to_owned()
            }
            Self::Infinite { .. } => "write null where there is no value".to_owned(),
            _ => "make the table with `pm25-ingest`".to_owned(),
        }
    }
}

impl Network {
    /// Sorts stations by name into a network.
    ///
    /// # Errors
    /// When a name occurs twice: that name.
    pub fn from_stations(mut stations: Vec<Station>) -> Result<Self, String> {
        stations.sort_by(|a, b| a.name.cmp(&b.name));
        match stations
            .windows(2)
            .find(|pair| pair[0].name == pair[1].name)
        {
            Some(pair) => Err(pair[0].name.clone()),
            None => Ok(Self { stations }),
        }
    }

    /// Reads columns whose rows are in the order of time within each station; stations may interleave.
    ///
    /// # Errors
    /// When the rows are not one gapless hourly grid per station, with one clock each; see [`GridError`].
    pub fn from_columns(columns: &Columns) -> Result<Self, GridError> {
        check_lengths(columns)?;
        let mut stations = BTreeMap::new();
        for rows in runs_of_equal(columns.codes) {
            let station = station_of(&mut stations, columns, rows.start)?;
            check_clock(station, columns, rows.clone())?;
            append(station, columns, rows)?;
        }
        Ok(Self {
            stations: stations.into_values().collect(),
        })
    }

    /// Lays the network out as columns: stations in order, each with its hours in order.
    pub fn to_columns(&self) -> OwnedColumns {
        let mut columns = OwnedColumns::default();
        for (code, station) in self.stations.iter().enumerate() {
            let n_hours = station.n_hours();
            let n_rows = columns.codes.len() + n_hours;
            columns.words.push(station.name.clone());
            columns.codes.resize(n_rows, code as u32);
            columns
                .time_s
                .extend((0..n_hours).map(|hour_idx| station.time_s(hour_idx)));
            columns
                .utc_offset_min
                .resize(n_rows, station.utc_offset_min);
            for quantity in Quantity::ALL {
                columns.values[quantity.index()].extend_from_slice(station.values(quantity));
                columns.flags[quantity.index()].extend_from_slice(station.flags(quantity));
            }
        }
        columns
    }

    /// Hours of all stations.
    pub fn n_rows(&self) -> usize {
        self.stations.iter().map(Station::n_hours).sum()
    }
}

impl OwnedColumns {
    /// The same, borrowed.
    pub fn borrow(&self) -> Columns<'_> {
        Columns {
            words: &self.words,
            codes: &self.codes,
            time_s: &self.time_s,
            utc_offset_min: &self.utc_offset_min,
            values: self.values.each_ref().map(Vec::as_slice),
            flags: self.flags.each_ref().map(Vec::as_slice),
        }
    }
}

fn check_lengths(columns: &Columns) -> Result<(), GridError> {
    let expected = columns.codes.len();
    let named = [
        ("time", columns.time_s.len()),
        ("utc_offset_min", columns.utc_offset_min.len()),
    ];
    let values = Quantity::ALL.map(|q| (q.column(), columns.values[q.index()].len()));
    let flags = Quantity::ALL.map(|q| (q.flags_column(), columns.flags[q.index()].len()));
    for (column, found) in named.into_iter().chain(values).chain(flags) {
        if found != expected {
            return Err(GridError::Length {
                column: column.to_owned(),
                expected,
                found,
            });
        }
    }
    Ok(())
}

/// The ranges of neighbouring rows with the same code, in order.
fn runs_of_equal(codes: &[u32]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut start = 0;
    codes.chunk_by(|a, b| a == b).map(move |run| {
        let rows = start..start + run.len();
        start = rows.end;
        rows
    })
}

fn station_of<'s>(
    stations: &'s mut BTreeMap<String, Station>,
    columns: &Columns,
    row: usize,
) -> Result<&'s mut Station, GridError> {
    let code = columns.codes[row];
    let n_words = columns.words.len();
    let name = columns
        .words
        .get(code as usize)
        .ok_or(GridError::Code { row, code, n_words })?;
    if name.is_empty() {
        return Err(GridError::NoName { row });
    }
    let utc_offset_min = columns.utc_offset_min[row];
    if !OFFSETS_MIN.contains(&utc_offset_min) {
        return Err(GridError::Offset {
            station: name.clone(),
            row,
            utc_offset_min,
        });
    }
    Ok(stations
        .entry(name.clone())
        .or_insert_with(|| Station::new(name, columns.time_s[row], utc_offset_min)))
}

fn check_clock(
    station: &Station,
    columns: &Columns,
    rows: std::ops::Range<usize>,
) -> Result<(), GridError> {
    for (hour_idx, row) in (station.n_hours()..).zip(rows) {
        let (time_s, is) = (columns.time_s[row], columns.utc_offset_min[row]);
        if !(EARLIEST_S..=LATEST_S).contains(&time_s) {
            return Err(GridError::Time {
                station: station.name.clone(),
                row,
                time_s,
            });
        }
        if is != station.utc_offset_min {
            let was = station.utc_offset_min;
            return Err(GridError::OffsetChanges {
                station: station.name.clone(),
                time_s,
                was,
                is,
            });
        }
        if time_s != station.time_s(hour_idx) {
            return Err(broken_grid(
                &station.name,
                time_s,
                station.time_s(hour_idx) - HOUR_S,
            ));
        }
    }
    Ok(())
}

fn broken_grid(station: &str, time_s: i64, after_s: i64) -> GridError {
    let station = station.to_owned();
    if time_s == after_s {
        GridError::Twice { station, time_s }
    } else if time_s < after_s {
        GridError::Backwards {
            station,
            time_s,
            after_s,
        }
    } else if (time_s - after_s) % HOUR_S == 0 {
        GridError::Hole {
            station,
            time_s,
            after_s,
        }
    } else {
        GridError::Phase {
            station,
            time_s,
            after_s,
        }
    }
}

fn append(
    station: &mut Station,
    columns: &Columns,
    rows: std::ops::Range<usize>,
) -> Result<(), GridError> {
    for quantity in Quantity::ALL {
        let values = &columns.values[quantity.index()][rows.clone()];
        if let Some(position) = values.iter().position(|value| value.is_infinite()) {
            return Err(GridError::Infinite {
                station: station.name.clone(),
                column: quantity.column(),
                time_s: columns.time_s[rows.start + position],
            });
        }
        station.values[quantity.index()].extend_from_slice(values);
        station.flags[quantity.index()]
            .extend_from_slice(&columns.flags[quantity.index()][rows.clone()]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        let station = |name: &str, start_s: i64, n_hours: usize| Station {
            values: std::array::from_fn(|q| (0..n_hours).map(|i| (q * 100 + i) as f32).collect()),
            flags: std::array::from_fn(|q| vec![q as u16; n_hours]),
            ..Station::new(name, start_s, 330)
        };
        Network::from_stations(vec![station("b", 1_800, 3), station("a", 5_400, 4)]).unwrap()
    }

    fn broken(breakage: impl FnOnce(&mut OwnedColumns)) -> GridError {
        let mut columns = network().to_columns();
        breakage(&mut columns);
        Network::from_columns(&columns.borrow()).unwrap_err()
    }

    #[test]
    fn columns_come_back() {
        let network = network();
        let again = Network::from_columns(&network.to_columns().borrow()).unwrap();
        assert_eq!(again.stations[0].name, "a");
        assert_eq!(format!("{again:?}"), format!("{network:?}"));
        assert_eq!(again.n_rows(), 7);
    }

    #[test]
    fn stations_may_interleave() {
        let columns = network().to_columns();
        let order = [4, 0, 5, 1, 2, 6, 3];
        let shuffled = OwnedColumns {
            words: columns.words.clone(),
            codes: order.map(|row| columns.codes[row]).to_vec(),
            time_s: order.map(|row| columns.time_s[row]).to_vec(),
            utc_offset_min: order.map(|row| columns.utc_offset_min[row]).to_vec(),
            values: columns
                .values
                .map(|column| order.map(|row| column[row]).to_vec()),
            flags: columns
                .flags
                .map(|column| order.map(|row| column[row]).to_vec()),
        };
        let again = Network::from_columns(&shuffled.borrow()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{:?}", network()));
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        assert!(matches!(
            broken(|c| c.time_s[1] = c.time_s[0]),
            GridError::Twice { .. }
        ));
        assert!(matches!(
            broken(|c| c.time_s[1] -= 7_200),
            GridError::Backwards { .. }
        ));
        assert!(matches!(
            broken(|c| c.time_s[3] += 3_600),
            GridError::Hole { .. }
        ));
        assert!(matches!(
            broken(|c| c.time_s[3] += 1_800),
            GridError::Phase { .. }
        ));
        assert!(matches!(
            broken(|c| c.time_s[0] = i64::MIN),
            GridError::Time { .. }
        ));
        assert!(matches!(
            broken(|c| c.time_s[3] = i64::MAX),
            GridError::Time { .. }
        ));
        assert!(matches!(
            broken(|c| c.utc_offset_min[2] = 345),
            GridError::OffsetChanges { .. }
        ));
        assert!(matches!(
            broken(|c| c.utc_offset_min[0] = 900),
            GridError::Offset { .. }
        ));
        assert!(matches!(broken(|c| c.codes[6] = 2), GridError::Code { .. }));
        assert!(matches!(
            broken(|c| c.words[0].clear()),
            GridError::NoName { .. }
        ));
        assert!(matches!(
            broken(|c| c.values[3][2] = f32::INFINITY),
            GridError::Infinite { .. }
        ));
        assert!(matches!(
            broken(|c| c.flags[12].truncate(2)),
            GridError::Length { .. }
        ));
    }

    #[test]
    fn an_error_says_where_and_what_to_do() {
        let err = broken(|c| c.time_s[3] += 3_600);
        assert_eq!(
            err.to_string(),
            "station `a` has no rows between 1970-01-01T03:30:00Z and 1970-01-01T05:30:00Z"
        );
        assert_eq!(
            err.hint(),
            "keep a row for every hour, with nulls for what is missing"
        );
    }

    #[test]
    fn an_hour_is_found_only_on_the_grid() {
        let station = &network().stations[0];
        assert_eq!(station.hour_idx(5_400), Some(0));
        assert_eq!(station.hour_idx(5_400 + 3 * 3_600), Some(3));
        for off in [0, 1_800, 5_401, 5_400 + 4 * 3_600, i64::MIN, i64::MAX] {
            assert_eq!(station.hour_idx(off), None, "{off}");
        }
    }

    #[test]
    fn a_name_twice_is_refused() {
        let twin = network().stations[1].clone();
        assert_eq!(
            Network::from_stations(vec![twin.clone(), twin]).unwrap_err(),
            "b"
        );
    }
}
