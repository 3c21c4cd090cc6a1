//! Arrays as text: little-endian bytes, mostly raw deflate (RFC 1951), always base64 (RFC 4648).
//!
//! Not trusting: how much an array may hold is known before it is unpacked, and not one number more is read.

use std::io::{BufReader, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Why an array is not what it should be.
pub(super) type Caused<T> = Result<T, String>;

/// deflate's own default level.
const LEVEL: Compression = Compression::new(6);
/// A number of 32 bits takes at most this many bytes of 7 bits; ours have one bit more.
const VARINT_BYTES_MAX: u32 = 5;

/// Deflates bytes.
pub(super) fn pack(bytes: &[u8]) -> String {
    let mut deflate = DeflateEncoder::new(Vec::new(), LEVEL);
    let done = deflate.write_all(bytes).and_then(|()| deflate.finish());
    STANDARD.encode(done.expect("memory takes what it is given"))
}

/// Only base64, for what deflate would not make smaller.
pub(super) fn pack_plain(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes behind [`pack_plain`].
pub(super) fn unpack_plain(name: &str, text: &str) -> Caused<Vec<u8>> {
    STANDARD
        .decode(text)
        .map_err(|e| format!("`{name}` is no base64: {e}"))
}

/// Exactly `n` items of `N` bytes.
pub(super) fn unpack<T, const N: usize>(
    name: &str,
    text: &str,
    n: usize,
    of: impl Fn([u8; N]) -> T,
) -> Caused<Vec<T>> {
    let packed = unpack_plain(name, text)?;
    // deflate cannot shrink more than about 1032 : 1, so a short array cannot promise much.
    let wanted = n * N;
    let mut bytes = Vec::with_capacity(wanted.min(packed.len().saturating_mul(1032)));
    DeflateDecoder::new(&packed[..])
        .take(wanted as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("`{name}` cannot be unpacked: {e}"))?;
    if bytes.len() != wanted {
        return Err(format!(
            "`{name}` does not hold the {n} items that are promised"
        ));
    }
    let (items, _) = bytes.as_chunks::<N>();
    Ok(items.iter().map(|&item| of(item)).collect())
}

/// Deflates numbers, seven bits a byte, the low ones first; the top bit says that more follow.
pub(super) fn pack_numbers(numbers: impl Iterator<Item = u64>) -> String {
    let mut bytes = Vec::new();
    for mut number in numbers {
        while 0x7f < number {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }
    pack(&bytes)
}

/// Exactly `n` numbers of up to 35 bits.
pub(super) fn unpack_numbers(name: &str, text: &str, n: usize) -> Caused<Vec<u64>> {
    let packed = unpack_plain(name, text)?;
    let bytes = BufReader::with_capacity(1 << 16, DeflateDecoder::new(&packed[..]))
        .take(n as u64 * u64::from(VARINT_BYTES_MAX) + 1);
    let mut numbers = Vec::with_capacity(n);
    let (mut number, mut shift) = (0_u64, 0);
    for byte in bytes.bytes() {
        let byte = byte.map_err(|e| format!("`{name}` cannot be unpacked: {e}"))?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            if numbers.len() == n {
                return Err(format!(
                    "`{name}` holds more than the {n} numbers that are promised"
                ));
            }
            numbers.push(number);
            (number, shift) = (0, 0);
        } else {
            shift += 7;
            if 7 * VARINT_BYTES_MAX <= shift {
                return Err(format!("`{name}` holds a number that is too large"));
            }
        }
    }
    if numbers.len() != n || shift != 0 {
        return Err(format!(
            "`{name}` does not hold the {n} numbers that are promised"
        ));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_no_other_count_is_read() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), (1 << 33) - 1];
        let text = pack_numbers(numbers.into_iter());
        assert_eq!(unpack_numbers("n", &text, 7), Ok(numbers.to_vec()));
        assert!(
            unpack_numbers("n", &text, 6)
                .unwrap_err()
                .contains("more than")
        );
        assert!(
            unpack_numbers("n", &text, 8)
                .unwrap_err()
                .contains("does not hold")
        );
        assert!(
            unpack_numbers("n", &pack(&[0x80; 9]), 9)
                .unwrap_err()
                .contains("too large")
        );
        assert!(
            unpack_numbers("n", &pack(&[1, 0x80]), 1)
                .unwrap_err()
                .contains("does not hold")
        );
    }
}
