//! Eight rows or sixteen row numbers at a time, on processors that can: AVX-512 gathers the chosen ones of eight or
//! sixteen words in one instruction.
//!
//! Not needed for any result. Rows land in another order than without, which no sum notices, and every processor
//! grows the same tree.
//!
//! Also the hint that fetches a line of memory before it is read (`fetch`): a row walks a hundred large trees in 17 µs with
//! it, in 30 without.
//!
//! This is the only place with `unsafe`: parting rows is a quarter of all work otherwise, and neither the compiler nor
//! a safe library makes these instructions (measured on Zen 4: 1.4 ns a row and level without, 0.9 ns with; a row number
//! 0.95 and 0.55 ns).

use super::partition::Filled;

/// Something to be done over many numbers.
pub(crate) trait Work {
    /// What comes out.
    type Done;
    /// Does it. Always inlined, so that the compiler writes it anew for each kind of processor.
    fn work(self) -> Self::Done;
}

/// Does work, with the widest vectors of the processor if it has them. No number changes: additions and
/// multiplications are not fused or reordered, whatever the instructions.
#[cfg(target_arch = "x86_64")]
pub(crate) fn run<W: Work>(work: W) -> W::Done {
    use std::arch::is_x86_feature_detected as has;
    if has!("avx512f")
        && has!("avx512bw")
        && has!("avx512dq")
        && has!("avx512vl")
        && has!("bmi1")
        && has!("bmi2")
        && has!("lzcnt")
        && has!("popcnt")
    {
        #[expect(unsafe_code, reason = "the processor has what the function asks for")]
        // SAFETY: just asked.
        return unsafe { run_wide(work) };
    }
    if has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt") {
        #[expect(unsafe_code, reason = "the processor has what the function asks for")]
        // SAFETY: just asked.
        return unsafe { run_medium(work) };
    }
    work.work()
}

/// Elsewhere the compiler knows best.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn run<W: Work>(work: W) -> W::Done {
    work.work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
fn run_wide<W: Work>(work: W) -> W::Done {
    work.work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn run_medium<W: Work>(work: W) -> W::Done {
    work.work()
}

/// Has a processor that can fetch what will be read soon, without waiting for it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn fetch<T>(soon: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    #[expect(
        unsafe_code,
        reason = "there is no safe way to say what will be read soon"
    )]
    // SAFETY: every x86-64 has the instruction, which reads nothing and cannot fault, and the place is that of a reference.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(soon).cast());
    }
}

/// Elsewhere it is read when it is read.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn fetch<T>(_: &T) {}

/// What eight rows of one word are asked.
#[derive(Clone, Copy)]
pub(crate) struct Lanes {
    /// Where the bin is.
    pub(crate) shift: u32,
    /// Left is where bin + `add`, in 8 bits, is at most `limit`.
    pub(crate) add: u8,
    pub(crate) limit: u8,
    /// A gradient in the upper 16 bits that means: neither left nor right.
    pub(crate) not_drawn: i16,
}

/// Parts as many rows as are multiples of eight, if the processor can, and tells how many these were.
///
/// # Panics
/// If there is less room between both sides than rows are handed over, or the right side starts beyond the buffer.
#[cfg(target_arch = "x86_64")]
pub(crate) fn part(lanes: Lanes, from: &[u64], to: &mut [u64], filled: Filled) -> (usize, Filled) {
    if !std::arch::is_x86_feature_detected!("avx512f") {
        return (0, filled);
    }
    let room = filled.right.checked_sub(filled.left);
    assert!(
        room.is_some_and(|room| from.len() <= room) && filled.right <= to.len(),
        "rows fit between both sides"
    );
    let (eights, _) = from.as_chunks::<8>();
    #[expect(unsafe_code, reason = "the processor has what the function asks for")]
    // SAFETY: AVX-512F was found above. `part_eights` writes to `to[left..left + 8]` and `to[right - k..right]` with
    // k <= 8 only, while at least 8 rows are still to be placed in `to[left..right]`, which the assertion above makes
    // sure of: a row takes at most one place of it.
    let filled = unsafe { part_eights(lanes, eights, to, filled) };
    (8 * eights.len(), filled)
}

/// Elsewhere there is nothing wider than a row.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn part(_: Lanes, _: &[u64], _: &mut [u64], filled: Filled) -> (usize, Filled) {
    (0, filled)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vectors are loaded and stored through pointers")]
unsafe fn part_eights(lanes: Lanes, eights: &[[u64; 8]], to: &mut [u64], filled: Filled) -> Filled {
    use std::arch::x86_64::*;
    let Filled {
        mut left,
        mut right,
    } = filled;
    let shift = _mm_cvtsi32_si128(lanes.shift as i32);
    let add = _mm512_set1_epi64(i64::from(lanes.add));
    let byte = _mm512_set1_epi64(0xff);
    let limit = _mm512_set1_epi64(i64::from(lanes.limit));
    let not_drawn = _mm512_set1_epi64(i64::from(lanes.not_drawn as u16));
    let to = to.as_mut_ptr();
    for eight in eights {
        // SAFETY: a chunk has eight words.
        let rows = unsafe { _mm512_loadu_epi64(eight.as_ptr().cast()) };
        let bins = _mm512_add_epi64(_mm512_srl_epi64(rows, shift), add);
        let is_left = _mm512_cmple_epu64_mask(_mm512_and_si512(bins, byte), limit);
        let drawn = _mm512_cmpneq_epu64_mask(_mm512_srli_epi64::<48>(rows), not_drawn);
        let (go_left, go_right) = (is_left & drawn, !is_left & drawn);
        let (n_left, n_right) = (go_left.count_ones(), go_right.count_ones());
        right -= n_right as usize;
        let lowest = ((1_u16 << n_right) - 1) as u8;
        // SAFETY: see the caller. The left side's eight words are written first: what they spill lies between both
        // sides, and the right side is written over it.
        unsafe {
            _mm512_storeu_epi64(
                to.add(left).cast(),
                _mm512_maskz_compress_epi64(go_left, rows),
            );
            let packed = _mm512_maskz_compress_epi64(go_right, rows);
            _mm512_mask_storeu_epi64(to.add(right).cast(), lowest, packed);
        }
        left += n_left as usize;
    }
    Filled { left, right }
}

/// Parts as many row numbers as are multiples of sixteen, if the processor can, and tells how many these were. A row's
/// bin is at its number in `bins`; left is where bin + `add`, in 8 bits, is at most `limit`.
///
/// # Panics
/// If there is less room between both sides than numbers are handed over, if the right side starts beyond the buffer, or
/// if a row has no bin.
#[cfg(target_arch = "x86_64")]
pub(crate) fn part_numbers(
    bins: &[u8],
    interval: [u8; 2],
    from: &[u32],
    to: &mut [u32],
    filled: Filled,
) -> (usize, Filled) {
    use std::arch::is_x86_feature_detected as has;
    if !(has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("popcnt")) {
        return (0, filled);
    }
    let room = filled.right.checked_sub(filled.left);
    assert!(
        room.is_some_and(|room| from.len() <= room) && filled.right <= to.len(),
        "numbers fit between both sides"
    );
    let (sixteens, _) = from.as_chunks::<16>();
    #[expect(unsafe_code, reason = "the processor has what the function asks for")]
    // SAFETY: the instructions were found above. `part_sixteens` writes to `to[left..left + 16]` and
    // `to[right - k..right]` with k <= 16 only, while at least 16 numbers are still to be placed in `to[left..right]`,
    // which the assertion above makes sure of: a number takes one place of it.
    let filled = unsafe { part_sixteens(bins, interval, sixteens, to, filled) };
    (16 * sixteens.len(), filled)
}

/// Elsewhere there is nothing wider than a number.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn part_numbers(
    _: &[u8],
    _: [u8; 2],
    _: &[u32],
    _: &mut [u32],
    filled: Filled,
) -> (usize, Filled) {
    (0, filled)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
#[expect(unsafe_code, reason = "vectors are loaded and stored through pointers")]
unsafe fn part_sixteens(
    bins: &[u8],
    [add, limit]: [u8; 2],
    sixteens: &[[u32; 16]],
    to: &mut [u32],
    filled: Filled,
) -> Filled {
    use std::arch::x86_64::*;
    let Filled {
        mut left,
        mut right,
    } = filled;
    let [add, limit] = [add, limit].map(|byte| _mm_set1_epi8(byte as i8));
    let to = to.as_mut_ptr();
    let n_bins = _mm512_set1_epi32(bins.len().min(u32::MAX as usize) as u32 as i32);
    for sixteen in sixteens {
        // SAFETY: there are sixteen numbers.
        let numbers = unsafe { _mm512_loadu_epi32(sixteen.as_ptr().cast()) };
        let known = _mm512_cmplt_epu32_mask(numbers, n_bins);
        assert_eq!(known, u16::MAX, "every row has a bin");
        // SAFETY: just asked, of all sixteen at once.
        let bin = |at: usize| unsafe { *bins.get_unchecked(sixteen[at] as usize) as i8 };
        let of_rows = _mm_setr_epi8(
            bin(0),
            bin(1),
            bin(2),
            bin(3),
            bin(4),
            bin(5),
            bin(6),
            bin(7),
            bin(8),
            bin(9),
            bin(10),
            bin(11),
            bin(12),
            bin(13),
            bin(14),
            bin(15),
        );
        let go_left = _mm_cmple_epu8_mask(_mm_add_epi8(of_rows, add), limit);
        let n_right = go_left.count_zeros();
        right -= n_right as usize;
        let lowest = ((1_u32 << n_right) - 1) as u16;
        // SAFETY: see the caller, and `part_eights` for the order.
        unsafe {
            let packed = _mm512_maskz_compress_epi32(go_left, numbers);
            _mm512_storeu_epi32(to.add(left).cast(), packed);
            let packed = _mm512_maskz_compress_epi32(!go_left, numbers);
            _mm512_mask_storeu_epi32(to.add(right).cast(), lowest, packed);
        }
        left += 16 - n_right as usize;
    }
    Filled { left, right }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rows::NOT_DRAWN;
    use super::*;

    proptest! {
        #[test]
        fn eight_at_a_time_are_parted_like_one(
            rows in proptest::collection::vec(proptest::num::u64::ANY, 0..70),
            byte in 0..6_u32,
            ask in (0..2_u8, 0..=254_u8),
            every in 2..9_usize,
        ) {
            let mut rows = rows;
            for row in rows.iter_mut().step_by(every) {
                *row = *row & (u64::MAX >> 16) | u64::from(NOT_DRAWN as u16) << 48;
            }
            let lanes = Lanes { shift: 8 * byte, add: ask.0, limit: ask.1 + ask.0, not_drawn: NOT_DRAWN };
            let mut to = vec![0; rows.len()];
            let (n, filled) = part(lanes, &rows, &mut to, Filled { left: 0, right: rows.len() });
            prop_assert!(n == 0 || n == rows.len() / 8 * 8);
            let sides = [true, false].map(|side| {
                let mut rows: Vec<u64> = rows[..n].iter().copied().filter(|row| {
                    let left = ((row >> lanes.shift) as u8).wrapping_add(lanes.add) <= lanes.limit;
                    left == side && (row >> 48) as i16 != NOT_DRAWN
                }).collect();
                rows.sort_unstable();
                rows
            });
            let (found_left, found_right) = (&mut to[..filled.left].to_vec(), &mut to[filled.right..].to_vec());
            found_left.sort_unstable();
            found_right.sort_unstable();
            prop_assert_eq!(&sides[0], found_left);
            prop_assert_eq!(&sides[1], found_right);
        }

        #[test]
        fn sixteen_numbers_at_a_time_are_parted_like_one(
            bins in proptest::collection::vec(proptest::num::u8::ANY, 1..300),
            numbers in proptest::collection::vec(0..1_000_u32, 0..150),
            ask in (0..2_u8, 0..=254_u8),
        ) {
            let numbers: Vec<u32> = numbers.iter().map(|number| number % bins.len() as u32).collect();
            let (add, limit) = (ask.0, ask.1 + ask.0);
            let mut to = vec![0; numbers.len()];
            let filled = Filled { left: 0, right: numbers.len() };
            let (n, filled) = part_numbers(&bins, [add, limit], &numbers, &mut to, filled);
            prop_assert!(n == 0 || n == numbers.len() / 16 * 16);
            let goes_left = |number: &u32| bins[*number as usize].wrapping_add(add) <= limit;
            let (mut left, mut right): (Vec<u32>, Vec<u32>) = numbers[..n].iter().partition(|number| goes_left(number));
            let (found_left, found_right) = (&mut to[..filled.left].to_vec(), &mut to[filled.right..].to_vec());
            for side in [&mut left, &mut right, &mut *found_left, &mut *found_right] {
                side.sort_unstable();
            }
            prop_assert_eq!(&left, found_left);
            prop_assert_eq!(&right, found_right);
        }
    }
}
