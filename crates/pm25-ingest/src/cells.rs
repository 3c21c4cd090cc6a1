//! One cell as a number: which texts mean "no value", which codes do, and what is unreadable.
//!
//! Not the conversion of units: codes are caught before it, so that -999 can never become 272.15 K.

use crate::count::{Reason, Tally, shown};
use crate::layout::{Decimal, Kind, Layout};
use crate::number::parse_f32;

/// What providers write for "no value" in any column.
const SENTINELS: [f32; 2] = [-999.0, -9999.0];
/// What stands for such a code in a column of raw numbers.
pub(crate) const SENTINEL: f32 = f32::INFINITY;
/// Words for a missing value, in lower case.
const MISSING: [&[u8]; 6] = [b"na", b"n/a", b"nan", b"none", b"null", b"nil"];
/// Bytes of a station's name.
pub(crate) const NAME_BYTES_MAX: usize = 200;
/// Bytes of a number with a decimal comma.
const COMMA_BYTES_MAX: usize = 32;
/// The points of the compass, clockwise from north, 22.5 degrees apart.
const COMPASS: [&[u8]; 16] = [
    b"N", b"NNE", b"NE", b"ENE", b"E", b"ESE", b"SE", b"SSE", b"S", b"SSW", b"SW", b"WSW", b"W",
    b"WNW", b"NW", b"NNW",
];

/// The number in a trimmed cell: NaN where there is none, [`SENTINEL`] where a code stands for none.
pub(crate) fn value(
    cell: &[u8],
    (header, kind): (&str, Kind),
    layout: &Layout,
    line: u64,
    tally: &mut Tally,
) -> f32 {
    if cell.is_empty() {
        return f32::NAN;
    }
    let read = match kind {
        Kind::Number => decimal(cell, layout.extras.decimal),
        Kind::Compass => degrees(cell),
    };
    if let Some(number) = read {
        tally.cells_filled += 1;
        return coded(number, layout);
    }
    if is_missing(cell) {
        return f32::NAN;
    }
    tally.cells_filled += 1;
    tally.note(Reason::CellUnreadable, line, || {
        format!("{}: {}", shown(header.as_bytes()), shown(cell))
    });
    f32::NAN
}

/// A number that was read, or [`SENTINEL`] where it is a code.
#[inline]
pub(crate) fn coded(number: f32, layout: &Layout) -> f32 {
    if SENTINELS.contains(&number) || layout.sentinels.contains(&number) {
        SENTINEL
    } else {
        number
    }
}

/// Whether a word says that there is no value.
pub(crate) fn is_missing(cell: &[u8]) -> bool {
    cell.is_empty() || MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// A decimal as the file writes it.
pub(crate) fn decimal(cell: &[u8], decimal: Decimal) -> Option<f32> {
    if decimal == Decimal::Point || !cell.contains(&b',') {
        return parse_f32(cell);
    }
    let mut text = [0; COMMA_BYTES_MAX];
    let text = text.get_mut(..cell.len())?;
    text.copy_from_slice(cell);
    if text.contains(&b'.') {
        return None;
    }
    for byte in text.iter_mut().filter(|byte| **byte == b',') {
        *byte = b'.';
    }
    parse_f32(text)
}

/// Degrees clockwise from north of a point of the compass, or of a number.
fn degrees(cell: &[u8]) -> Option<f32> {
    let point = COMPASS
        .iter()
        .position(|name| cell.eq_ignore_ascii_case(name));
    point
        .map(|point| 22.5 * point as f32)
        .or_else(|| parse_f32(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_is_read_only_where_the_file_writes_it() {
        assert_eq!(decimal(b"12,5", Decimal::Comma), Some(12.5));
        assert_eq!(decimal(b"-0,25", Decimal::Comma), Some(-0.25));
        assert_eq!(decimal(b"12", Decimal::Comma), Some(12.0));
        for text in ["1.234,5", "1,2,3", ",", "12,5 ug"] {
            assert_eq!(decimal(text.as_bytes(), Decimal::Comma), None, "{text}");
        }
        assert_eq!(decimal(b"12,5", Decimal::Point), None);
    }

    #[test]
    fn sixteen_points_of_the_compass() {
        for (point, name) in COMPASS.iter().enumerate() {
            assert_eq!(degrees(name), Some(22.5 * point as f32));
        }
        assert_eq!(degrees(b"270"), Some(270.0));
        assert_eq!(degrees(b"cv"), None);
    }
}
