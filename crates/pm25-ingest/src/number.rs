//! Numbers in cells: decimal text to the nearest `f32`, and back to the decimal that was written.
//!
//! Not a reader of everything that Rust or C call a number: no `inf`, no `nan`, no hexadecimal digits, no decimal
//! comma, no thousands mark. Those are unreadable cells, which are counted.

use crate::word::{eightfold, equal};

/// Powers of ten that an `f32` holds exactly (5^10 < 2^24).
const POWERS_OF_TEN: [f32; 11] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];
/// Up to here every whole number is an `f32`.
const EXACT_MAX: u64 = 1 << 24;
/// The same as a number to compare with.
const EXACT_MAX_F64: f64 = EXACT_MAX as f64;
/// Bytes of digits and a point that are read the short way; the powers of ten reach as far.
const SHORT_BYTES_MAX: usize = 10;

/// The decimal of one to eight bytes at the beginning of a word, the first byte lowest; nothing if there is anything
/// but digits and a point, or more digits than an `f32` holds. Such a text may still be a number: see [`parse_f32`].
///
/// ```text
/// bytes      9  4  .  0  5  ,  5  0        five of them are the text
/// text       ·  ·  ·  9  4  .  0  5        at the end of the word
/// digits     ·  ·  ·  ·  9  4  0  5        without the point; then pairs, fours, all eight are summed
/// ```
#[inline]
pub(crate) fn word_decimal(word: u64, n_bytes: usize) -> Option<f32> {
    if !(1..=8).contains(&n_bytes) {
        return None;
    }
    let text = word << (64 - 8 * n_bytes);
    let points = equal(text, eightfold(b'.'));
    let (digits, n_digits, n_decimals) = if points == 0 {
        (text, n_bytes, 0)
    } else {
        if points & (points - 1) != 0 || n_bytes == 1 {
            return None;
        }
        let at = points.trailing_zeros() as usize - 7;
        let before = text & ((1 << at) - 1);
        let behind = text & ((!0 << at) << 8);
        (before << 8 | behind, n_bytes - 1, 7 - at / 8)
    };
    let places = !0 << (64 - 8 * n_digits);
    let digits = (digits ^ eightfold(b'0')) & places;
    let is_above_9 = digits.wrapping_add(eightfold(0x80 - 10)) | digits;
    if is_above_9 & eightfold(0x80) != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let mantissa = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    // One division is rounded once; see `short_decimal`.
    (mantissa <= EXACT_MAX).then(|| mantissa as u32 as f32 / POWERS_OF_TEN[n_decimals])
}

/// The `f32` nearest to a decimal; nothing for a text of another shape or a number too large for it.
/// Minus zero is zero.
pub(crate) fn parse_f32(text: &[u8]) -> Option<f32> {
    short_decimal(text)
        .or_else(|| any_decimal(text))
        .map(|value| value + 0.0)
}

/// At most ten bytes of digits and a point, whose digits form a number that an `f32` holds: then one division is
/// rounded once, which is exact (W. Clinger, "How to read floating point numbers accurately", 1990).
fn short_decimal(text: &[u8]) -> Option<f32> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || SHORT_BYTES_MAX < digits.len() {
        return None;
    }
    let mut mantissa = 0_u64;
    let mut point = None;
    for (position, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa * 10 + u64::from(digit);
        } else if byte == b'.' && point.is_none() && digits.len() != 1 {
            point = Some(position);
        } else {
            return None;
        }
    }
    if EXACT_MAX < mantissa {
        return None;
    }
    let n_decimals = point.map_or(0, |position| digits.len() - 1 - position);
    let value = mantissa as f32 / POWERS_OF_TEN[n_decimals];
    Some(if negative { -value } else { value })
}

/// Any decimal, with or without exponent.
fn any_decimal(text: &[u8]) -> Option<f32> {
    let decimal = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E');
    if !text.iter().all(decimal) {
        return None;
    }
    let value: f32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// The shortest decimal that reads back as this `f32`, as the nearest `f64`: 4.2 for 4.2, where a plain
/// conversion gives 4.19999980926513671875. Finite numbers only.
pub(crate) fn as_written(value: f32) -> f64 {
    let exact = f64::from(value);
    if let Some(hundredths) = as_hundredths(exact, value) {
        return hundredths;
    }
    if EXACT_MAX_F64 < exact.abs() {
        return value.to_string().parse().unwrap_or(exact);
    }
    if exact.fract() == 0.0 {
        return exact;
    }
    // Stations write one to four decimals. The first power of ten whose rounding reads back is the shortest.
    for power in [1e1, 1e2, 1e3, 1e4] {
        let candidate = (exact * power).round() / power;
        if candidate as f32 == value {
            return candidate;
        }
    }
    value.to_string().parse().unwrap_or(exact)
}

/// Below this the hundredths lie further apart than the numbers that an `f32` can be.
const HUNDREDTHS_MAX: f64 = 65_536.0;

/// A number of at most two decimals, which most are. A shorter decimal that reads back is the same one: below the bound
/// no two hundredths read back as one `f32`, and tenths and whole numbers are hundredths too.
fn as_hundredths(exact: f64, value: f32) -> Option<f64> {
    if HUNDREDTHS_MAX <= exact.abs() {
        return None;
    }
    let nearest = (exact * 100.0 + 0.5_f64.copysign(exact)) as i32;
    let decimal = f64::from(nearest) / 100.0;
    (decimal as f32)
        .to_bits()
        .eq(&value.to_bits())
        .then_some(decimal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "-.",
            "+",
            "1.2.3",
            "12,5",
            "1 000",
            "0x1F",
            "inf",
            "-inf",
            "nan",
            "NaN",
            "infinity",
            "1e",
            "e5",
            "--1",
            "1-",
            "1e39",
            "-1e999",
            "12 ug",
            "<2",
            "P",
            "\u{2212}5",
            "\u{ff11}",
        ] {
            assert_eq!(parse_f32(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn edges_of_the_short_way() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", 0.0),
            ("-0.0", 0.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("+7.25", 7.25),
            ("16777216", 16_777_216.0),
            ("16777217", 16_777_216.0),
            ("999999999", 1e9),
            ("9999999999", 1e10),
            ("0.00000001", 1e-8),
            ("0.000000001", 1e-9),
            ("1.5e2", 150.0),
            ("1E-2", 0.01),
        ] {
            let read = parse_f32(text.as_bytes()).unwrap();
            assert_eq!(read.to_bits(), f32::to_bits(value), "{text} is {read}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_the_standard_library_reads(text in "-?[0-9]{0,12}(\\.[0-9]{0,12})?(e-?[0-9]{1,2})?") {
            let truth = text.parse::<f32>().ok().filter(|value| value.is_finite()).map(|value| value + 0.0);
            prop_assert_eq!(parse_f32(text.as_bytes()).map(f32::to_bits), truth.map(f32::to_bits));
        }

        #[test]
        fn a_word_is_read_as_its_text_is(text in "[0-9]{0,8}(\\.[0-9]{0,5})?|[-+0-9./:eE]{0,8}", behind in any::<[u8; 8]>()) {
            let mut bytes = text.as_bytes().to_vec();
            bytes.extend(behind);
            let word = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            let read = word_decimal(word, text.len()).map(f32::to_bits);
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let is_short = (1..=8).contains(&text.len()) && is_plain;
            let number = parse_f32(text.as_bytes()).filter(|_| is_short);
            // Eight digits may be more than an `f32` holds.
            let number = number.filter(|_| text.contains('.') || text.parse::<u64>().unwrap() <= EXACT_MAX);
            prop_assert_eq!(read, number.map(f32::to_bits));
        }

        #[test]
        fn decimals_come_back_as_they_were_written(units in -999_999_i32..999_999, n_decimals in 0_i32..6) {
            let text = format!("{}e-{n_decimals}", units);
            let value = parse_f32(text.as_bytes()).unwrap();
            prop_assert_eq!(as_written(value), text.parse::<f64>().unwrap() + 0.0);
        }

        #[test]
        fn as_written_is_the_shortest_decimal(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(as_written(value), value.to_string().parse::<f64>().unwrap());
        }
    }
}
