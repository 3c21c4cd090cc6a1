//! Summer time where there is none, and where there is one that nobody told. The embassies' files of cities without it were built under American rules, which
//! wrote the hour 02:00 of one day in March as a second 03:00.
//!
//! Not a conversion of clocks; see [`crate::zone`].
//!
//! ```text
//! as written   01:00   03:00   03:00   04:00        the 03:00 that comes first is 02:00
//! repaired     01:00   02:00   03:00   04:00
//! ```

use pm25_air::civil::{Civil, HOUR_S, format_at};

use crate::count::{Reason, Tally};
use crate::hourly::Part;
use crate::layout::{Layout, Source};
use crate::rows::Rows;
use crate::zone::Zone;

/// The hour that is written twice, by local clock.
const WRITTEN_TWICE: u8 = 3;
/// The month of the change.
const MARCH: u8 = 3;

/// Moves the first of two rows of 03:00 back where 02:00 is absent, and counts it.
pub(crate) fn repair(layout: &Layout, rows: &mut Rows, tally: &mut Tally) {
    if !layout.repairs_clock() {
        return;
    }
    for at in 1..rows.stamp_s.len().saturating_sub(1) {
        let same_station =
            rows.station[at - 1] == rows.station[at] && rows.station[at] == rows.station[at + 1];
        let (before_s, first_s, second_s) =
            (rows.stamp_s[at - 1], rows.stamp_s[at], rows.stamp_s[at + 1]);
        let offset_min = layout.zone.standard_offset_min(first_s);
        let civil = Civil::of(first_s, offset_min);
        let is_pair = first_s == second_s && before_s == first_s - 2 * HOUR_S;
        if !(same_station && is_pair && civil.hour == WRITTEN_TWICE && civil.month == MARCH) {
            continue;
        }
        rows.stamp_s[at] = first_s - HOUR_S;
        tally.note(Reason::FalseSummer, u64::from(rows.line[at]), || {
            let (as_written, moved) = (
                format_at(first_s, offset_min),
                format_at(first_s - HOUR_S, offset_min),
            );
            format!("{as_written} is {moved}")
        });
    }
}

/// Sundays at which clocks change: the last of March (Europe) or the second (North America).
const SUNDAY: u8 = 6;
/// So many springs must look alike.
const SPRINGS_MIN: usize = 1;

/// Says where a station's stamps skip an hour as a clock with summer time does, although none was told.
pub(crate) fn season(layout: &Layout, part: &Part) -> Option<String> {
    if !matches!(layout.zone, Zone::Fixed(_))
        || matches!(layout.source, Source::Observations | Source::StateAir)
    {
        return None;
    }
    let skipped: Vec<i64> = single_gaps(part)
        .filter(|&time_s| is_change(time_s, part.utc_offset_min))
        .collect();
    (SPRINGS_MIN <= skipped.len()).then(|| {
        let first = format_at(skipped[0], part.utc_offset_min);
        format!(
            "{} skips the hour {first}, as a clock with summer time does; is `--tz` right?",
            part.station
        )
    })
}

/// Hours without a line between hours with one, seconds since 1970.
fn single_gaps(part: &Part) -> impl Iterator<Item = i64> {
    let is_gap = |hours: &[u32]| hours[0] != 0 && hours[1] == 0 && hours[2] != 0;
    let windows = part.line.windows(3).enumerate();
    windows
        .filter(move |(_, hours)| is_gap(hours))
        .map(|(idx, _)| part.start_s + (idx as i64 + 1) * HOUR_S)
}

fn is_change(time_s: i64, offset_min: i16) -> bool {
    let civil = Civil::of(time_s, offset_min);
    let week_later = Civil::of(time_s + 7 * 24 * HOUR_S, offset_min);
    let week_before = Civil::of(time_s - 7 * 24 * HOUR_S, offset_min);
    let two_before = Civil::of(time_s - 14 * 24 * HOUR_S, offset_min);
    let is_last = week_later.month != MARCH;
    let is_second = week_before.month == MARCH && two_before.month != MARCH;
    civil.month == MARCH
        && civil.dayofweek == SUNDAY
        && (is_last && civil.hour == 1 || is_second && civil.hour == 2)
}
