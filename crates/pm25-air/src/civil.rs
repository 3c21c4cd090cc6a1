//! Civil time: the hour, weekday, month and day of the year at a station, and instants as text.
//!
//! Not a calendar of daylight saving: stations are described by their fixed standard offset, so what is asked
//! for every row is integer arithmetic. Only text and zone names go through `jiff` (with its bundled zone data).
//!
//! ```text
//! time_s   instant, seconds since 1970-01-01T00:00:00Z       1448899200
//! local_s  = time_s + 60 x utc_offset_min                    2015-12-01T00:00 at +08:00
//! day      = floor(local_s / 86400)                          days since 1970-01-01, a Thursday
//! ```

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// Seconds in an hour: the step of every grid.
pub const HOUR_S: i64 = 3_600;
/// Seconds in a day.
pub const DAY_S: i64 = 24 * HOUR_S;
/// The earliest instant accepted: 0001-01-01T00:00:00Z.
pub const EARLIEST_S: i64 = -62_135_596_800;
/// The latest instant accepted: 9999-01-01T00:00:00Z.
pub const LATEST_S: i64 = 253_370_764_800;
/// The standard offsets that exist, minutes east of Greenwich: -12:00 to +14:00.
pub const OFFSETS_MIN: std::ops::RangeInclusive<i16> = -720..=840;

/// Where an hour lies in the day, the week and the year, in local standard time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Hour of the day, 0 to 23.
    pub hour: u8,
    /// Day of the week, Monday 0 to Sunday 6.
    pub dayofweek: u8,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the year, 1 to 366.
    pub dayofyear: u16,
}

impl Civil {
    /// The civil hour that holds the instant `time_s` (seconds, UTC) at a fixed offset (minutes east).
    pub fn of(time_s: i64, utc_offset_min: i16) -> Self {
        let local_s = time_s + 60 * i64::from(utc_offset_min);
        let day = local_s.div_euclid(DAY_S);
        let (month, dayofyear) = month_and_day_of_year(day);
        Self {
            hour: (local_s.rem_euclid(DAY_S) / HOUR_S) as u8,
            // Day 0 was a Thursday, which is 3 when Monday is 0.
            dayofweek: (day + 3).rem_euclid(7) as u8,
            month,
            dayofyear,
        }
    }

    /// The civil hours of `n_hours` consecutive hours from `time_s` on; the calendar is asked once a day.
    pub fn consecutive(time_s: i64, utc_offset_min: i16, n_hours: usize) -> Vec<Self> {
        let mut hours = Vec::with_capacity(n_hours);
        while hours.len() < n_hours {
            let first = Self::of(time_s + hours.len() as i64 * HOUR_S, utc_offset_min);
            let rest_of_day = first.hour..24;
            let n_left = n_hours - hours.len();
            hours.extend(rest_of_day.take(n_left).map(|hour| Self { hour, ..first }));
        }
        hours
    }
}

/// A text that is no instant, no offset, or no zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Date and time without a statement of the offset.
    #[error("`{text}` does not say its offset from UTC")]
    NoOffset {
        /// What was given.
        text: String,
    },
    /// Not an instant at all.
    #[error("`{text}` is no RFC 3339 time: {reason}")]
    NotATime {
        /// What was given.
        text: String,
        /// What the reader of times says.
        reason: String,
    },
    /// Neither a fixed offset nor a known IANA zone.
    #[error("`{text}` is neither an offset such as +05:30 nor a known time zone")]
    NotAZone {
        /// What was given.
        text: String,
    },
}

impl TimeError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::NoOffset { text } => {
                format!("write the offset: `{text}+08:00`, or `{text}Z` for UTC")
            }
            Self::NotATime { .. } => "write a time such as `2015-12-01T00:00:00+08:00`".to_owned(),
            Self::NotAZone { .. } => {
                "write an offset (`+05:30`) or an IANA zone (`Asia/Kolkata`)".to_owned()
            }
        }
    }
}

/// Reads an RFC 3339 time with an explicit offset; seconds since 1970 UTC, fractions of a second cut off.
///
/// # Errors
/// When the text is no time, or does not state its offset: a time without one means something else on every machine.
pub fn parse_rfc3339(text: &str) -> Result<i64, TimeError> {
    match text.parse::<Timestamp>() {
        Ok(instant) => Ok(instant.as_second()),
        Err(_) if text.parse::<jiff::civil::DateTime>().is_ok() => Err(TimeError::NoOffset {
            text: with_clock(text),
        }),
        Err(err) => Err(TimeError::NotATime {
            text: text.to_owned(),
            reason: err.to_string(),
        }),
    }
}

/// The instant as RFC 3339 in UTC, `2015-11-30T16:00:00Z`.
pub fn format_utc(time_s: i64) -> String {
    match Timestamp::from_second(time_s) {
        Ok(instant) => instant.to_string(),
        Err(_) => format!("{time_s} s after 1970"),
    }
}

/// The instant as RFC 3339 at a fixed offset (minutes east), `2015-12-01T00:00:00+08:00`.
pub fn format_at(time_s: i64, utc_offset_min: i16) -> String {
    let offset = Offset::from_seconds(60 * i32::from(utc_offset_min));
    match (Timestamp::from_second(time_s), offset) {
        (Ok(instant), Ok(offset)) => instant.display_with_offset(offset).to_string(),
        _ => format_utc(time_s),
    }
}

/// The offset as people write it, `+05:30`.
pub fn format_offset(utc_offset_min: i16) -> String {
    let sign = if utc_offset_min < 0 { '-' } else { '+' };
    let minutes = utc_offset_min.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Reads a fixed offset (`+05:30`, `-8:00`, `Z`) or an IANA zone (`Asia/Kolkata`).
///
/// # Errors
/// When the text is neither.
pub fn parse_zone(text: &str) -> Result<TimeZone, TimeError> {
    if let Some(offset_min) = parse_offset(text) {
        let offset = Offset::from_seconds(60 * i32::from(offset_min));
        return offset.map(TimeZone::fixed).map_err(|_| not_a_zone(text));
    }
    TimeZone::get(text).map_err(|_| not_a_zone(text))
}

/// The zone's standard offset in the year of `time_s`, minutes east: the smaller of January's and July's, because
/// summer time adds to it on both hemispheres.
pub fn standard_offset_min(zone: &TimeZone, time_s: i64) -> i16 {
    const HALF_YEAR_S: i64 = 182 * DAY_S;
    let (_, dayofyear) = month_and_day_of_year(time_s.div_euclid(DAY_S));
    let january_s = time_s - i64::from(dayofyear - 1) * DAY_S;
    [january_s, january_s + HALF_YEAR_S]
        .into_iter()
        .filter_map(|at_s| Timestamp::from_second(at_s).ok())
        .map(|instant| (zone.to_offset(instant).seconds() / 60) as i16)
        .min()
        .unwrap_or(0)
}

/// Reads `+05:30`, `-8:00`, `+0530` or `Z` as minutes east; nothing for a text of another shape or outside
/// [`OFFSETS_MIN`].
pub fn parse_offset(text: &str) -> Option<i16> {
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(halves) => halves,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let offset_min = sign * (60 * two_digits(hours)? + two_digits(minutes).filter(|&m| m < 60)?);
    OFFSETS_MIN.contains(&offset_min).then_some(offset_min)
}

fn two_digits(text: &str) -> Option<i16> {
    let shape = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
    shape.then(|| text.parse().ok()).flatten()
}

fn not_a_zone(text: &str) -> TimeError {
    TimeError::NotAZone {
        text: text.to_owned(),
    }
}

/// A bare date gets the clock that it lacks, so that the hint can be typed as it stands.
fn with_clock(text: &str) -> String {
    match text.parse::<jiff::civil::Date>() {
        Ok(_) if text.len() <= "2015-12-01".len() => format!("{text}T00:00:00"),
        _ => text.to_owned(),
    }
}

/// Month (1 to 12) and day of the year (1 to 366) of a day counted from 1970-01-01, proleptic Gregorian.
///
/// Years are taken to begin on 1 March, so that the leap day is the last day of a year and the months' lengths
/// repeat every five (31 30 31 30 31 | 31 30 31 30 31 | 31 28): 153 days per five months.
fn month_and_day_of_year(day: i64) -> (u8, u16) {
    const DAYS_TO_MARCH_OF_YEAR_0: i64 = 719_468;
    const DAYS_PER_400_YEARS: i64 = 146_097;
    let day = day + DAYS_TO_MARCH_OF_YEAR_0;
    let day_of_era = day.rem_euclid(DAYS_PER_400_YEARS);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_march_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_march_year + 2) / 153;
    if 10 <= month_from_march {
        // January and February belong to the civil year that follows; they hold 306.. of the March year.
        return (
            (month_from_march - 9) as u8,
            (day_of_march_year - 306 + 1) as u16,
        );
    }
    let is_leap = year_of_era % 4 == 0 && (year_of_era % 100 != 0 || year_of_era == 0);
    let days_before_march = if is_leap { 60 } else { 59 };
    (
        (month_from_march + 3) as u8,
        (day_of_march_year + days_before_march + 1) as u16,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Weekday;
    use proptest::prelude::*;

    #[test]
    fn an_hour_in_beijing() {
        let time_s = parse_rfc3339("2016-02-29T23:00:00+08:00").unwrap();
        assert_eq!(
            Civil::of(time_s, 480),
            Civil {
                hour: 23,
                dayofweek: 0,
                month: 2,
                dayofyear: 60
            }
        );
    }

    #[test]
    fn half_hours_of_india_are_whole_local_hours() {
        let time_s = parse_rfc3339("2023-01-01T00:00:00+05:30").unwrap();
        assert_eq!(time_s % HOUR_S, 1_800);
        assert_eq!(
            Civil::of(time_s, 330),
            Civil {
                hour: 0,
                dayofweek: 6,
                month: 1,
                dayofyear: 1
            }
        );
    }

    proptest! {
        #[test]
        fn integer_arithmetic_agrees_with_a_calendar_library(
            time_s in EARLIEST_S..LATEST_S, utc_offset_min in OFFSETS_MIN,
        ) {
            let offset = Offset::from_seconds(60 * i32::from(utc_offset_min)).unwrap();
            let truth = offset.to_datetime(Timestamp::from_second(time_s).unwrap());
            let truth = Civil {
                hour: truth.hour() as u8,
                dayofweek: match truth.weekday() {
                    Weekday::Monday => 0,
                    other => Weekday::Monday.until(other) as u8,
                },
                month: truth.month() as u8,
                dayofyear: truth.day_of_year() as u16,
            };
            prop_assert_eq!(Civil::of(time_s, utc_offset_min), truth);
        }

        #[test]
        fn consecutive_hours_are_hours_one_by_one(
            time_s in EARLIEST_S..LATEST_S, utc_offset_min in OFFSETS_MIN, n_hours in 0..60_usize,
        ) {
            let one_by_one: Vec<Civil> =
                (0..n_hours as i64).map(|hour| Civil::of(time_s + hour * HOUR_S, utc_offset_min)).collect();
            prop_assert_eq!(Civil::consecutive(time_s, utc_offset_min, n_hours), one_by_one);
        }

        #[test]
        fn text_round_trips(time_s in EARLIEST_S..LATEST_S, utc_offset_min in OFFSETS_MIN) {
            prop_assert_eq!(parse_rfc3339(&format_utc(time_s)), Ok(time_s));
            prop_assert_eq!(parse_rfc3339(&format_at(time_s, utc_offset_min)), Ok(time_s));
            prop_assert_eq!(parse_offset(&format_offset(utc_offset_min)), Some(utc_offset_min));
        }
    }

    #[test]
    fn a_time_without_offset_is_refused_with_the_text_to_type() {
        let err = parse_rfc3339("2015-12-01").unwrap_err();
        assert_eq!(
            err.hint(),
            "write the offset: `2015-12-01T00:00:00+08:00`, or `2015-12-01T00:00:00Z` for UTC"
        );
        assert!(matches!(
            parse_rfc3339("2015-12-01T00:00"),
            Err(TimeError::NoOffset { .. })
        ));
        assert!(matches!(
            parse_rfc3339("yesterday"),
            Err(TimeError::NotATime { .. })
        ));
        assert!(matches!(parse_rfc3339(""), Err(TimeError::NotATime { .. })));
    }

    #[test]
    fn zones_know_their_standard_offset_in_summer_too() {
        let july_s = parse_rfc3339("2020-07-01T00:00:00Z").unwrap();
        for (zone, offset_min) in [
            ("Europe/London", 0),
            ("America/New_York", -300),
            ("Australia/Sydney", 600),
            ("Asia/Kolkata", 330),
            ("+05:45", 345),
            ("-0330", -210),
            ("Z", 0),
        ] {
            assert_eq!(
                standard_offset_min(&parse_zone(zone).unwrap(), july_s),
                offset_min,
                "{zone}"
            );
        }
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for text in [
            "",
            "+",
            "+99:00",
            "+05:60",
            "+5:3x",
            "Asia/Nowhere",
            "5:30",
            "+é",
        ] {
            assert!(parse_zone(text).is_err(), "{text}");
        }
    }
}
