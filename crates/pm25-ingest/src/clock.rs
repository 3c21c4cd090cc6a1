//! Stamps as text: a civil date and time in one of the forms that station files use, by integer arithmetic.
//!
//! Not a zone: what clock the stamp shows is the business of [`crate::zone`]. In which order day and month
//! stand is decided once per file, never per row: 01-04 is one day or the other for a whole file.

use pm25_air::civil::DAY_S;

/// The years that hourly PM2.5 can come from; instruments are younger, and a later year is a slip of the hand.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=2099;

/// Order of the parts of a date.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    /// 2020-12-28, 2020/12/28
    Ymd,
    /// 28-12-2020, 28/12/2020, 28-Dec-2020
    Dmy,
    /// 12/28/2020
    Mdy,
}

/// A stamp as it stands in the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stamp {
    /// Seconds from 1970-01-01T00:00 on the clock that the stamp shows.
    pub(crate) local_s: i64,
    /// The offset that the stamp states, minutes east.
    pub(crate) stated_offset_min: Option<i16>,
}

/// Why a text is no stamp.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoStamp {
    /// Not a date and time, or none that a calendar has.
    Unreadable,
    /// A date outside the years accepted.
    Year,
}

/// Date and time as numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Parts {
    /// Seconds from 1970 on the clock shown; refuses 30 February, 25 o'clock and the like. 24:00 is the end of the
    /// day, as ISO 8601:2004 has it and tables of hours that end so write it.
    pub(crate) fn local_s(self) -> Result<i64, NoStamp> {
        let is_end_of_day = self.hour == 24 && self.minute == 0 && self.second == 0;
        let real = (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && ((0..24).contains(&self.hour) || is_end_of_day)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second);
        if !real {
            return Err(NoStamp::Unreadable);
        }
        if !YEARS.contains(&self.year) {
            return Err(NoStamp::Year);
        }
        let day = days_from_1970(self.year, self.month, self.day);
        Ok(day * DAY_S + self.hour * 3_600 + self.minute * 60 + self.second)
    }
}

/// Reads a stamp: date, time of day with at least the hour and minute, and perhaps an offset; or seconds since
/// 1970 UTC, of nine or ten digits.
pub(crate) fn parse(text: &[u8], order: Order) -> Result<Stamp, NoStamp> {
    let mut cursor = Cursor(text.trim_ascii());
    if matches!(cursor.0.len(), 9 | 10) && cursor.0.iter().all(u8::is_ascii_digit) {
        return epoch(cursor);
    }
    let parts = date_of(&mut cursor, order).and_then(|(year, month, day)| {
        gap(&mut cursor)?;
        let (hour, minute, second) = time_of_day(&mut cursor)?;
        Some(Parts {
            year,
            month,
            day,
            hour,
            minute,
            second,
        })
    });
    let parts = parts.ok_or(NoStamp::Unreadable)?;
    let stated_offset_min = offset(cursor.0).ok_or(NoStamp::Unreadable)?;
    Ok(Stamp {
        local_s: parts.local_s()?,
        stated_offset_min,
    })
}

/// The day of the last stamp, so that a run of stamps of one day is read as one date.
#[derive(Debug, Default)]
pub(crate) struct Days {
    /// Date and the letter between date and time, and the start of that day.
    last: Option<([u8; DATE_BYTES], i64)>,
}

/// `2021-04-01 `
const DATE_BYTES: usize = 11;

impl Days {
    /// As [`parse`] reads it. The order must be the same for all stamps.
    pub(crate) fn parse(&mut self, text: &[u8], order: Order) -> Result<Stamp, NoStamp> {
        let halves = text.split_first_chunk::<DATE_BYTES>();
        if let (Some((last, day_s)), Some((date, clock))) = (&self.last, halves)
            && last == date
            && let Some(second) = plain_clock(clock)
        {
            return Ok(Stamp {
                local_s: day_s + second,
                stated_offset_min: None,
            });
        }
        let plain = halves.filter(|(date, _)| is_plain_date(date));
        let Some((date, second)) =
            plain.and_then(|(date, clock)| Some((date, plain_clock(clock)?)))
        else {
            return parse(text, order);
        };
        let stamp = parse(text, order)?;
        self.last = Some((*date, stamp.local_s - second));
        Ok(stamp)
    }
}

/// Whether the time of day begins behind these bytes: in `2020/1/1 2:01:00` it begins among them.
fn is_plain_date(date: &[u8; DATE_BYTES]) -> bool {
    let [date @ .., gap] = date;
    let in_date = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'/' | b'.');
    matches!(gap, b' ' | b'T' | b't') && date.iter().all(in_date)
}

/// Seconds from midnight of `05:00` or `05:00:30`, of two digits each, before the end of the day.
fn plain_clock(text: &[u8]) -> Option<i64> {
    let pair = |tens: u8, ones: u8, end: i64| {
        let number = 10 * i64::from(tens.wrapping_sub(b'0')) + i64::from(ones.wrapping_sub(b'0'));
        (tens.is_ascii_digit() && ones.is_ascii_digit() && number < end).then_some(number)
    };
    let (hour, minute, second) = match *text {
        [a, b, b':', c, d] => (pair(a, b, 24)?, pair(c, d, 60)?, 0),
        [a, b, b':', c, d, b':', e, f] => (pair(a, b, 24)?, pair(c, d, 60)?, pair(e, f, 60)?),
        _ => return None,
    };
    Some(3_600 * hour + 60 * minute + second)
}

fn epoch(mut cursor: Cursor) -> Result<Stamp, NoStamp> {
    /// 2099-12-31T23:59:59Z, the end of the years accepted.
    const LAST_S: i64 = 4_102_444_799;
    match cursor.number(10) {
        Some(local_s) if local_s <= LAST_S => Ok(Stamp {
            local_s,
            stated_offset_min: Some(0),
        }),
        Some(_) => Err(NoStamp::Year),
        None => Err(NoStamp::Unreadable),
    }
}

/// Reads a date and a time of day that stand apart: `04/08/24` (month first, two digits mean this century),
/// `04/08/2024` or `2024-04-08`, and `01:15`.
pub(crate) fn parse_halves(date: &[u8], time: &[u8]) -> Result<Stamp, NoStamp> {
    let mut day = Cursor(date.trim_ascii());
    let mut clock = Cursor(time.trim_ascii());
    let mut parts = || {
        let (year, month, day_of_month) = if shows_year_first(day.0) {
            date_of(&mut day, Order::Ymd)?
        } else {
            american(&mut day)?
        };
        let (hour, minute, second) = time_of_day(&mut clock)?;
        let is_whole = day.0.is_empty() && clock.0.is_empty();
        is_whole.then_some(Parts {
            year,
            month,
            day: day_of_month,
            hour,
            minute,
            second,
        })
    };
    Ok(Stamp {
        local_s: parts().ok_or(NoStamp::Unreadable)?.local_s()?,
        stated_offset_min: None,
    })
}

fn american(cursor: &mut Cursor) -> Option<(i64, i64, i64)> {
    let month = cursor.number(2)?;
    cursor.take(|byte| byte == b'/')?;
    let day = cursor.number(2)?;
    cursor.take(|byte| byte == b'/')?;
    let n_digits = cursor.0.len();
    let year = cursor.number(4)?;
    match n_digits {
        2 => Some((2_000 + year, month, day)),
        4 => Some((year, month, day)),
        _ => None,
    }
}

/// The order that a text shows by itself: four digits first can only be a year.
pub(crate) fn shows_year_first(text: &[u8]) -> bool {
    let digits = text
        .trim_ascii()
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    digits == 4
}

/// A whole number of at most nine digits, as in columns `year` or `hour`.
pub(crate) fn whole_number(text: &[u8]) -> Option<i64> {
    let mut cursor = Cursor(text.trim_ascii());
    let number = cursor.number(9)?;
    cursor.0.is_empty().then_some(number)
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn number(&mut self, digits_max: usize) -> Option<i64> {
        let n_digits = self
            .0
            .iter()
            .take(digits_max)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if n_digits == 0 {
            return None;
        }
        let (digits, rest) = self.0.split_at(n_digits);
        self.0 = rest;
        Some(
            digits
                .iter()
                .fold(0, |number, digit| 10 * number + i64::from(digit - b'0')),
        )
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        if !wanted(first) {
            return None;
        }
        self.0 = rest;
        Some(first)
    }

    fn month_name(&mut self) -> Option<i64> {
        const NAMES: &[u8; 36] = b"janfebmaraprmayjunjulaugsepoctnovdec";
        let name = self.0.get(..3)?.to_ascii_lowercase();
        let month = NAMES.chunks_exact(3).position(|known| known == name)?;
        self.0 = &self.0[3..];
        Some(month as i64 + 1)
    }
}

fn date_of(cursor: &mut Cursor, order: Order) -> Option<(i64, i64, i64)> {
    let separator = |byte: u8| matches!(byte, b'-' | b'/' | b'.');
    let n_digits = cursor
        .0
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if (order == Order::Ymd) != (n_digits == 4) {
        return None;
    }
    let first = cursor.number(4)?;
    let mark = cursor.take(separator)?;
    let middle = match order {
        Order::Dmy => cursor.month_name().or_else(|| cursor.number(2))?,
        Order::Ymd | Order::Mdy => cursor.number(2)?,
    };
    cursor.take(|byte| byte == mark)?;
    if order == Order::Ymd {
        return Some((first, middle, cursor.number(2)?));
    }
    // A year of two digits could be the day of another order.
    let before = cursor.0.len();
    let year = cursor.number(4)?;
    if before - cursor.0.len() != 4 {
        return None;
    }
    Some(match order {
        Order::Mdy => (year, first, middle),
        _ => (year, middle, first),
    })
}

/// Between date and time: `T`, spaces, or the portal's ` - `.
fn gap(cursor: &mut Cursor) -> Option<()> {
    if cursor.take(|byte| matches!(byte, b'T' | b't')).is_some() {
        return Some(());
    }
    cursor.take(|byte| byte == b' ')?;
    cursor.0 = cursor.0.trim_ascii_start();
    if let Some(rest) = cursor.0.strip_prefix(b"- ") {
        cursor.0 = rest.trim_ascii_start();
    }
    Some(())
}

/// `5:00`, `05:00`, `05:00:30`, `05:00:30.250`, `02:00 PM`; fractions of a second are cut off.
fn time_of_day(cursor: &mut Cursor) -> Option<(i64, i64, i64)> {
    let (hour, minute, second) = digits_of_day(cursor)?;
    match half_of_day(cursor) {
        None => Some((hour, minute, second)),
        Some(first_hour) if (1..=12).contains(&hour) => {
            Some((first_hour + hour % 12, minute, second))
        }
        Some(_) => None,
    }
}

/// The hour with which the half of the day begins, if `AM` or `PM` follows.
fn half_of_day(cursor: &mut Cursor) -> Option<i64> {
    let word = cursor.0.trim_ascii_start();
    let half = word.get(..2)?.to_ascii_lowercase();
    let first_hour = match half.as_slice() {
        b"am" => 0,
        b"pm" => 12,
        _ => return None,
    };
    cursor.0 = &word[2..];
    Some(first_hour)
}

fn digits_of_day(cursor: &mut Cursor) -> Option<(i64, i64, i64)> {
    let hour = cursor.number(2)?;
    cursor.take(|byte| byte == b':')?;
    let minute = cursor.number(2)?;
    if cursor.take(|byte| byte == b':').is_none() {
        return Some((hour, minute, 0));
    }
    let second = cursor.number(2)?;
    if cursor.take(|byte| byte == b'.').is_some() {
        cursor.number(9)?;
    }
    Some((hour, minute, second))
}

/// The offset at the end: nothing, `Z`, `UTC`, `+05:30`, `+0530`, `-8:00`. `None` means that something else stands there.
fn offset(text: &[u8]) -> Option<Option<i16>> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Some(None);
    }
    let text = std::str::from_utf8(text).ok()?;
    pm25_air::civil::parse_offset(text).map(Some)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are taken to begin in March, so that the leap
/// day comes last and 153 days make five months.
fn days_from_1970(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_FROM_MARCH_OF_YEAR_0: i64 = 719_468;
    let (march_year, month_from_march) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = march_year / 4 - march_year / 100 + march_year / 400;
    365 * march_year + leap_days + day_of_year - DAYS_FROM_MARCH_OF_YEAR_0
}

#[cfg(test)]
mod tests {
    use super::*;
    use Order::{Dmy, Mdy, Ymd};
    use pm25_air::civil::parse_rfc3339;
    use proptest::prelude::*;

    fn local_s(text: &str, order: Order) -> Result<i64, NoStamp> {
        parse(text.as_bytes(), order).map(|stamp| stamp.local_s)
    }

    #[test]
    fn forms_met_in_files() {
        let truth = parse_rfc3339("2021-04-01T05:00:00Z").unwrap();
        for (text, order) in [
            ("2021-04-01 05:00:00", Ymd),
            ("2021-04-01 05:00", Ymd),
            ("2021-4-1 5:00", Ymd),
            ("2021/04/01 05:00:00", Ymd),
            ("2021-04-01T05:00:00", Ymd),
            ("2021-04-01T05:00:00.000", Ymd),
            ("01-04-2021 05:00", Dmy),
            ("01/04/2021 05:00", Dmy),
            ("01-Apr-2021 - 05:00", Dmy),
            (" 01-04-2021 05:00 ", Dmy),
            ("4/1/2021 5:00", Mdy),
            ("2021-04-01 05:00 AM", Ymd),
            ("4/1/2021 5:00:00am", Mdy),
            ("1617253200", Ymd),
        ] {
            assert_eq!(local_s(text, order), Ok(truth), "{text}");
        }
    }

    #[test]
    fn clocks_of_twelve_hours_and_ends_of_days() {
        for (text, same) in [
            ("2020-02-09 12:00 AM", "2020-02-09 00:00"),
            ("2020-07-21 12:00 PM", "2020-07-21 12:00"),
            ("2020-07-21 11:30 PM", "2020-07-21 23:30"),
            ("2020-12-31 24:00", "2021-01-01 00:00"),
        ] {
            assert_eq!(local_s(text, Ymd), local_s(same, Ymd), "{text}");
        }
    }

    #[test]
    fn dates_of_airnow() {
        let read = |date: &str, time: &str| parse_halves(date.as_bytes(), time.as_bytes());
        let truth = parse_rfc3339("2024-04-08T01:15:00Z").unwrap();
        assert_eq!(read("04/08/24", "01:15").unwrap().local_s, truth);
        for (date, time) in [
            ("04/08/224", "01:15"),
            ("04/31/24", "01:00"),
            ("04/08/24x", "01:00"),
            ("04/08/24", ""),
        ] {
            assert_eq!(read(date, time), Err(NoStamp::Unreadable), "{date} {time}");
        }
    }

    #[test]
    fn offsets_that_are_stated_are_kept() {
        for (text, offset_min) in [
            ("2021-04-01T05:00:00Z", Some(0)),
            ("2021-04-01T05:00:00+05:30", Some(330)),
            ("2021-04-01 05:00 -03:00", Some(-180)),
            ("2021-04-01 05:00+0800", Some(480)),
            ("2021-04-01 05:00", None),
        ] {
            assert_eq!(
                parse(text.as_bytes(), Ymd).unwrap().stated_offset_min,
                offset_min,
                "{text}"
            );
        }
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        for text in [
            "",
            "NA",
            "2021-04-01",
            "2021-02-29 00:00",
            "2021-13-01 00:00",
            "2021-00-01 00:00",
            "2021-04-31 00:00",
            "2021-04-01 24:01",
            "2021-04-01 25:00",
            "2021-04-01 05:60",
            "2021-04-01 05:00:60",
            "2021-04-01 13:00 PM",
            "2021-04-01 00:00 AM",
            "2021-04-01 0500",
            "2021-04/01 05:00",
            "21-04-01 05:00",
            "2021-04-01 05:00:00 extra",
            "2021-04-0105:00",
            "20210-04-01 05:00",
        ] {
            assert_eq!(local_s(text, Ymd), Err(NoStamp::Unreadable), "{text}");
        }
        assert_eq!(local_s("1204-04-01 00:00", Ymd), Err(NoStamp::Year));
        assert_eq!(local_s("01-04-21 00:00", Dmy), Err(NoStamp::Unreadable));
        assert_eq!(local_s("2021-04-01 00:00", Dmy), Err(NoStamp::Unreadable));
    }

    proptest! {
        #[test]
        fn a_day_remembered_is_the_day_read(
            dates in prop::collection::vec("(202[01]|20)[-/][01]?[0-9][-/.][0-3]?[0-9]( |T|  | - )[0-2]?[0-9]:[0-6][0-9](:[0-6][0-9])?( PM|Z|)", 1..40),
            repeats in 1_usize..3,
            order in prop::sample::select(vec![Ymd, Dmy, Mdy]),
        ) {
            let mut days = Days::default();
            for text in dates.iter().flat_map(|text| std::iter::repeat_n(text, repeats)) {
                for at in 0..3 {
                    // Other hours of the same date.
                    let text = text.replace("1:", &format!("{at}:"));
                    prop_assert_eq!(days.parse(text.as_bytes(), order), parse(text.as_bytes(), order), "{}", text);
                }
            }
        }

        #[test]
        fn days_agree_with_the_calendar(day in 0_i64..47_481) {
            let text = pm25_air::civil::format_utc(day * DAY_S);
            prop_assert_eq!(local_s(&text, Ymd), Ok(day * DAY_S));
        }
    }
}
