//! Origins: the instants at which a model is made anew, and until when it is judged.
//!
//! ```text
//! from        origin 2      origin 3      until
//!  ├─ judged ──┤├─ judged ──┤├─ judged ──┤
//!  └ made here  └ made here  └ made here
//! ```

use std::str::FromStr;

use pm25_air::civil::{Civil, HOUR_S, format_utc, parse_offset, parse_rfc3339};
use pm25_file::{Fault, Result};

const DAY_S: i64 = 24 * HOUR_S;
/// More are a slip of the pen: two years of days.
const ORIGINS_MAX: usize = 731;

/// How far an origin is from the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Every {
    /// A calendar month, in the offset that the first origin is written in.
    Month,
    /// So many days.
    Days(u16),
}

/// A time with the offset that it was written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Instant {
    pub(super) at_s: i64,
    /// Minutes that its clock is ahead of UTC.
    pub(super) offset_min: i16,
}

/// One origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Origin {
    /// No target of this hour or a later one is learned from; the first judged stamp t.
    pub(super) at_s: i64,
    /// Judged stamps lie before it.
    pub(super) until_s: i64,
}

impl FromStr for Every {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        let days = word.trim_end_matches("days").trim_end_matches('d').trim();
        match (word, days.parse()) {
            ("month", _) => Ok(Self::Month),
            (_, Ok(days)) if 0 < days => Ok(Self::Days(days)),
            _ => Err(format!(
                "`{word}` is neither `month` nor a number of days such as 28"
            )),
        }
    }
}

impl std::fmt::Display for Every {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Month => f.write_str("month"),
            Self::Days(days) => write!(f, "{days} days"),
        }
    }
}

impl FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let at_s = parse_rfc3339(text).map_err(|e| format!("{e}; {}", e.hint()))?;
        let tail = text.len().checked_sub(6).and_then(|from| text.get(from..));
        Ok(Self {
            at_s,
            // What has no offset at its end ends with a Z.
            offset_min: tail.and_then(parse_offset).unwrap_or(0),
        })
    }
}

/// All origins from `from` on whose judged hours begin before `until`.
///
/// # Errors
/// Usage: no time between them, a month that does not begin at `from`, instants off the hour, or too many.
pub(super) fn origins(from: Instant, until: Instant, every: Every) -> Result<Vec<Origin>> {
    if until.at_s <= from.at_s {
        return Err(Fault::usage(format!(
            "--until {} is not after --from {}",
            format_utc(until.at_s),
            format_utc(from.at_s)
        ))
        .hint("--from is the first origin, --until ends what the last one is judged on"));
    }
    if every == Every::Month && !begins_a_month(from) {
        return Err(
            Fault::usage("--every month needs a --from at which a month begins")
                .hint("--from 2016-03-01T00:00:00+08:00, or --every 28"),
        );
    }
    let mut origins = Vec::new();
    let mut at_s = from.at_s;
    while at_s < until.at_s {
        let next_s = next(at_s, from.offset_min, every);
        origins.push(Origin {
            at_s,
            until_s: next_s.min(until.at_s),
        });
        if ORIGINS_MAX < origins.len() {
            return Err(Fault::usage(format!(
                "more than {ORIGINS_MAX} origins: a model is made at each"
            ))
            .hint("--every month"));
        }
        at_s = next_s;
    }
    Ok(origins)
}

fn begins_a_month(at: Instant) -> bool {
    let civil = |time_s| Civil::of(time_s, at.offset_min);
    let is_midnight = (at.at_s + 60 * i64::from(at.offset_min)).rem_euclid(DAY_S) == 0;
    is_midnight && civil(at.at_s).month != civil(at.at_s - 1).month
}

fn next(at_s: i64, offset_min: i16, every: Every) -> i64 {
    let month = |time_s| Civil::of(time_s, offset_min).month;
    match every {
        Every::Days(days) => at_s + i64::from(days) * DAY_S,
        // At a fixed offset every day has 24 hours, and no month has fewer than 28 of them.
        Every::Month => (28..)
            .map(|days| at_s + days * DAY_S)
            .find(|&time_s| month(time_s) != month(at_s))
            .expect("every month ends"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn months_begin_where_the_first_origin_says() {
        let (from, until) = ("2016-01-01T00:00:00+08:00", "2016-04-15T00:00:00+08:00");
        let found = origins(instant(from), instant(until), Every::Month).unwrap();
        let words: Vec<String> = found.iter().map(|origin| format_utc(origin.at_s)).collect();
        assert_eq!(
            words,
            [
                "2015-12-31T16:00:00Z",
                "2016-01-31T16:00:00Z",
                "2016-02-29T16:00:00Z",
                "2016-03-31T16:00:00Z"
            ]
        );
        assert_eq!(found[3].until_s, instant(until).at_s);
        assert!(found.windows(2).all(|pair| pair[0].until_s == pair[1].at_s));
    }

    #[test]
    fn days_are_counted_and_the_last_one_may_be_short() {
        let (from, until) = ("2016-01-01T05:00:00Z", "2016-01-11T05:00:00Z");
        let found = origins(instant(from), instant(until), Every::Days(4)).unwrap();
        let hours: Vec<i64> = found
            .iter()
            .map(|o| (o.until_s - o.at_s) / HOUR_S)
            .collect();
        assert_eq!(hours, [96, 96, 48]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let (a, b) = (
            instant("2016-01-01T00:00:00Z"),
            instant("2016-02-01T00:00:00Z"),
        );
        assert!(origins(b, a, Every::Month).is_err());
        assert!(origins(a, a, Every::Days(1)).is_err());
        let noon = instant("2016-01-01T12:00:00Z");
        assert!(origins(noon, b, Every::Month).is_err());
        assert!(origins(instant("2016-01-02T00:00:00Z"), b, Every::Month).is_err());
        let late = instant("2019-01-01T00:00:00Z");
        assert!(origins(a, late, Every::Days(1)).is_err());
        for word in ["0", "-3", "year", "", "1.5"] {
            assert!(word.parse::<Every>().is_err(), "{word}");
        }
        assert_eq!("28d".parse(), Ok(Every::Days(28)));
        assert_eq!("28 days".parse(), Ok(Every::Days(28)));
    }
}
