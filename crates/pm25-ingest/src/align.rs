//! The parts of one file that belong to one station begin at one minute of the hour.
//!
//! Not the files of a station among each other; see [`crate::stations`]. A network may stamp PM2.5 at :30 and ozone on
//! the hour; the quantity that counts most decides, and the lines of the others are rejected and counted.

use std::collections::BTreeMap;

use pm25_air::Quantity;
use pm25_air::civil::{HOUR_S, format_at};
use pm25_file::Result;

use crate::count::{Reason, Tally};
use crate::hourly::Part;
use crate::spill::{Spill, Stored};

/// Keeps the parts that begin at the minute of the station's PM2.5, or else of its first part.
pub(crate) fn on_one_minute(
    parts: Vec<Stored>,
    spill: &Spill,
    tally: &mut Tally,
) -> Result<Vec<Stored>> {
    let minute_s = |part: &Stored| part.span_s().0.rem_euclid(HOUR_S);
    let mut minutes_s: BTreeMap<String, i64> = BTreeMap::new();
    for part in &parts {
        let has_pm25 = part.measures(Quantity::Pm25);
        match minutes_s.get_mut(&part.station) {
            Some(known) if has_pm25 => *known = minute_s(part),
            Some(_) => {}
            None => {
                minutes_s.insert(part.station.clone(), minute_s(part));
            }
        }
    }
    let (kept, others): (Vec<Stored>, Vec<Stored>) = parts
        .into_iter()
        .partition(|part| minutes_s[&part.station] == minute_s(part));
    for part in others {
        reject(&part.get(spill)?, tally);
    }
    Ok(kept)
}

fn reject(part: &Part, tally: &mut Tally) {
    for (hour_idx, &line) in part.line.iter().enumerate().filter(|(_, line)| **line != 0) {
        let n_lines = part.n_lines.get(hour_idx).map(|&n| u64::from(n));
        // Lines that filled an hour were not averaged.
        tally.averaged = tally.averaged.saturating_sub(n_lines.unwrap_or(0));
        tally.note_lines(
            Reason::OffGrid,
            n_lines.unwrap_or(1),
            u64::from(line),
            || format_at(part.start_s + hour_idx as i64 * HOUR_S, part.utc_offset_min),
        );
    }
}
