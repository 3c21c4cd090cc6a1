//! Parting rows within the buffer in which they are, by means of a little room beside it.
//!
//! Not how a row is asked: whole chunks are parted into the room, as `partition.rs` does, and copied back. What has been
//! read is free to be written to; two chunks that are held back make the first free places.
//!
//! ```text
//! held   [ a ][ b ]        the first and the last chunk, parted when all others are
//! rows   [ left ·· | unread … | ···· right ]     the next chunk comes from the side with less that is free, so that
//!         └──→ free      ↓           free ←──┘   the other has a chunk's length at least
//! room              [ l l l l r r ]
//! ```
//!
//! A second buffer would take as much memory as the rows, and twice the room in the caches.

use super::partition::Filled;

/// Items of a chunk. Three of them, in 64 bits, are three quarters of the first cache.
const CHUNK_ITEMS: usize = 1024;

/// Parts rows of so many items each. `part` parts some into an empty slice of the same length, of which both sides fill
/// all; `see` is shown each two sides. Tells how many rows went left.
pub(crate) fn part_in_place<I: Copy + Default>(
    rows: &mut [I],
    n_items: usize,
    part: impl Fn(&[I], &mut [I], Filled) -> Filled,
    mut see: impl FnMut([&[I]; 2]),
) -> usize {
    let mut sieve = |from: &[I], room: &mut [I]| {
        let (left, right) = (0, from.len() / n_items);
        let cut = part(from, room, Filled { left, right }).left * n_items;
        let (left, right) = room.split_at(cut);
        see([left, right]);
        cut
    };
    let chunk = n_items * (CHUNK_ITEMS / n_items).max(1);
    let n = rows.len();
    let mut room = vec![I::default(); n.min(3 * chunk)];
    if n <= 3 * chunk {
        let cut = sieve(rows, &mut room);
        rows.copy_from_slice(&room);
        return cut / n_items;
    }
    let (held, room) = room.split_at_mut(2 * chunk);
    held[..chunk].copy_from_slice(&rows[..chunk]);
    held[chunk..].copy_from_slice(&rows[n - chunk..]);
    let (mut left, mut right) = (0, n);
    let mut put = |rows: &mut [I], room: &[I], cut: usize| {
        rows[left..left + cut].copy_from_slice(&room[..cut]);
        left += cut;
        let start = right - (room.len() - cut);
        rows[start..right].copy_from_slice(&room[cut..]);
        right = start;
        [left, right]
    };
    let mut unread = chunk..n - chunk;
    let mut filled = [0, n];
    while !unread.is_empty() {
        let size = chunk.min(unread.len());
        let next = if unread.start - filled[0] <= filled[1] - unread.end {
            unread.start += size;
            unread.start - size..unread.start
        } else {
            unread.end -= size;
            unread.end..unread.end + size
        };
        let room = &mut room[..size];
        let cut = sieve(&rows[next], room);
        filled = put(rows, room, cut);
    }
    for held in held.chunks(chunk) {
        let cut = sieve(held, room);
        filled = put(rows, room, cut);
    }
    filled[0] / n_items
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_parted_and_none_is_lost(
            n_rows in prop_oneof![0..40_usize, 0..9_000_usize],
            n_items in 1..4_usize,
            asked in (1..40_u32, 0..41_u32),
        ) {
            // A row is its number several times.
            let mut rows: Vec<u32> = (0..n_rows as u32).flat_map(|row| vec![row; n_items]).collect();
            let goes_left = |row: u32| row.wrapping_mul(2_654_435_761) >> 8 & 0xffff < 1_700 * asked.1 || row % 64 < asked.0;
            let part = |from: &[u32], to: &mut [u32], mut filled: Filled| {
                for row in from.chunks_exact(n_items) {
                    let at = if goes_left(row[0]) {
                        filled.left += 1;
                        filled.left - 1
                    } else {
                        filled.right -= 1;
                        filled.right
                    };
                    to[at * n_items..][..n_items].copy_from_slice(row);
                }
                filled
            };
            let mut seen = [0, 0];
            let n_left = part_in_place(&mut rows, n_items, part, |sides| {
                for (seen, side) in seen.iter_mut().zip(sides) {
                    *seen += side.len() / n_items;
                }
            });
            prop_assert_eq!(seen, [n_left, n_rows - n_left]);
            for (at, row) in rows.chunks_exact(n_items).enumerate() {
                prop_assert_eq!(goes_left(row[0]), at < n_left);
                prop_assert!(row.iter().all(|item| *item == row[0]));
            }
            rows.sort_unstable();
            prop_assert!(rows.iter().step_by(n_items).copied().eq(0..n_rows as u32));
        }
    }
}
