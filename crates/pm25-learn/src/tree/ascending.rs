//! Numbers in rising order, digit by digit: a long column is sorted in three passes from front to back, by whole numbers
//! that rise with its values.
//!
//! Not for short ones, which the standard library sorts faster; and not stable, equal numbers being equal.

/// From so many numbers on counting digits pays.
const N_MIN: usize = 1 << 13;
/// Three digits of 11 bits are more than the 32 that there are.
const DIGIT_BITS: u32 = 11;
const N_DIGITS: usize = 1 << DIGIT_BITS;
const SHIFTS: [u32; 3] = [0, DIGIT_BITS, 2 * DIGIT_BITS];

/// Sorts keys with the help of as much room.
pub(crate) fn sort(keys: &mut [u32], room: &mut [u32]) {
    if keys.len() < N_MIN {
        return keys.sort_unstable();
    }
    let (mut from, mut to) = (&mut *keys, &mut *room);
    for shift in SHIFTS {
        sort_by_digit(from, to, shift);
        std::mem::swap(&mut from, &mut to);
    }
    // An odd number of passes ends in the room.
    keys.copy_from_slice(room);
}

/// A whole number that rises with the float, as [`f32::total_cmp`] orders: -0 comes before 0. Where the sign is set all
/// bits are turned over, elsewhere the sign.
pub(crate) fn key(x: f32) -> u32 {
    let bits = x.to_bits();
    let is_negative = 0_u32.wrapping_sub(bits >> 31);
    bits ^ (is_negative | SIGN)
}

/// The float again.
pub(crate) fn value(key: u32) -> f32 {
    let was_negative = (key >> 31).wrapping_sub(1);
    f32::from_bits(key ^ (was_negative | SIGN))
}

const SIGN: u32 = 1 << 31;

/// Keeps the order of keys with the same digit.
fn sort_by_digit(from: &[u32], to: &mut [u32], shift: u32) {
    let digit = |key: u32| (key >> shift) as usize % N_DIGITS;
    let mut next = [0_usize; N_DIGITS];
    for &key in from {
        next[digit(key)] += 1;
    }
    let mut n_before = 0;
    for next in &mut next {
        n_before += std::mem::replace(next, n_before);
    }
    for &key in from {
        let next = &mut next[digit(key)];
        to[*next] = key;
        *next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_columns_are_sorted_like_the_standard_library_does() {
        let mix = |i: u32| i.wrapping_mul(2_654_435_761).rotate_left(i % 32);
        for n in [0, 1, 100, N_MIN as u32, 3 * N_MIN as u32] {
            let special = [
                0.0,
                -0.0,
                f32::MAX,
                f32::MIN,
                f32::MIN_POSITIVE,
                -1e-40,
                1.0,
                1.0,
            ];
            let bits = (0..n).map(mix).map(f32::from_bits);
            let mut expected: Vec<f32> = bits.filter(|x| !x.is_nan()).chain(special).collect();
            let mut keys: Vec<u32> = expected.iter().copied().map(key).collect();
            expected.sort_unstable_by(f32::total_cmp);
            let mut room = vec![0; keys.len()];
            sort(&mut keys, &mut room);
            let found: Vec<u32> = keys.into_iter().map(|key| value(key).to_bits()).collect();
            let expected: Vec<u32> = expected.into_iter().map(f32::to_bits).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn keys_come_back() {
        for bits_of in [0, 1, SIGN, SIGN | 1, u32::MAX, 0x7f80_0000, 0xff80_0000] {
            assert_eq!(value(key(f32::from_bits(bits_of))).to_bits(), bits_of);
        }
    }
}
