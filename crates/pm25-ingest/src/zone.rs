//! The clock that stamps show: a fixed offset or a zone with summer time, and its standard offset.
//!
//! Not the reading of stamps; see [`crate::clock`].

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};
use pm25_air::civil::{format_offset, parse_offset, parse_zone, standard_offset_min};
use pm25_file::{Fault, Result};

/// A clock.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// Always this many minutes east of Greenwich.
    Fixed(i16),
    /// An IANA zone.
    Named(String, TimeZone),
}

/// What a clock reading means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Instant {
    /// One instant, seconds since 1970 UTC.
    Once(i64),
    /// Summer time begins: the clock never shows it.
    Never,
    /// Summer time ends: the clock shows it twice.
    Twice {
        /// By summer time.
        first_s: i64,
        /// By standard time.
        second_s: i64,
    },
}

impl Zone {
    /// Reads `+05:30` or `Asia/Kolkata`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if let Some(offset_min) = parse_offset(text) {
            return Ok(Self::Fixed(offset_min));
        }
        let zone = parse_zone(text).map_err(|e| {
            let hint = e.hint();
            Fault::usage(e.to_string()).hint(hint)
        })?;
        Ok(Self::Named(text.to_owned(), zone))
    }

    /// The instant of a clock reading, `local_s` seconds from 1970-01-01T00:00 on that clock.
    pub(crate) fn instant(&self, local_s: i64) -> Instant {
        match self {
            Self::Fixed(offset_min) => Instant::Once(local_s - 60 * i64::from(*offset_min)),
            Self::Named(_, zone) => instant_in(zone, local_s),
        }
    }

    /// The standard offset around an instant, minutes east.
    pub(crate) fn standard_offset_min(&self, time_s: i64) -> i16 {
        match self {
            Self::Fixed(offset_min) => *offset_min,
            Self::Named(_, zone) => standard_offset_min(zone, time_s),
        }
    }

    /// As people write it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Fixed(0) => "UTC".to_owned(),
            Self::Fixed(offset_min) => format!("UTC{}", format_offset(*offset_min)),
            Self::Named(name, _) => name.clone(),
        }
    }
}

fn instant_in(zone: &TimeZone, local_s: i64) -> Instant {
    // The reading as if the clock showed UTC; the zone then says by how much it is off.
    let Ok(as_utc) = Timestamp::from_second(local_s) else {
        return Instant::Never;
    };
    let reading = TimeZone::UTC.to_datetime(as_utc);
    match zone.to_ambiguous_timestamp(reading).offset() {
        AmbiguousOffset::Unambiguous { offset } => {
            Instant::Once(local_s - i64::from(offset.seconds()))
        }
        AmbiguousOffset::Gap { .. } => Instant::Never,
        AmbiguousOffset::Fold { before, after } => Instant::Twice {
            first_s: local_s - i64::from(before.seconds()),
            second_s: local_s - i64::from(after.seconds()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Order, parse};
    use pm25_air::civil::parse_rfc3339;

    fn instant(zone: &str, local: &str) -> Instant {
        let stamp = parse(local.as_bytes(), Order::Ymd).unwrap();
        Zone::parse(zone).unwrap().instant(stamp.local_s)
    }

    fn utc_s(text: &str) -> i64 {
        parse_rfc3339(text).unwrap()
    }

    #[test]
    fn eleven_in_india_is_half_past_five() {
        for zone in ["+05:30", "Asia/Kolkata"] {
            let read = instant(zone, "2020-12-28 11:00");
            assert_eq!(read, Instant::Once(utc_s("2020-12-28T05:30:00Z")));
        }
    }

    #[test]
    fn summer_time_skips_an_hour_and_repeats_one() {
        assert_eq!(instant("Europe/London", "2018-03-25 01:00"), Instant::Never);
        assert_eq!(
            instant("Europe/London", "2018-07-01 12:00"),
            Instant::Once(utc_s("2018-07-01T11:00:00Z"))
        );
        assert_eq!(
            instant("Europe/London", "2018-10-28 01:00"),
            Instant::Twice {
                first_s: utc_s("2018-10-28T00:00:00Z"),
                second_s: utc_s("2018-10-28T01:00:00Z"),
            }
        );
    }

    #[test]
    fn what_is_no_zone_is_a_slip_of_the_command_line() {
        let fault = Zone::parse("Mars/Olympus").unwrap_err();
        assert_eq!(fault.kind(), pm25_file::Kind::Usage);
        assert!(fault.hint_text().is_some());
    }
}
