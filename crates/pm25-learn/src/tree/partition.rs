//! Parts the rows of a node in two: whole rows are copied from one buffer to the other, from the front those that go
//! left, from the back those that go right.
//!
//! Not stable: the right side ends up in reverse, which no sum notices. There is no branch to be guessed wrong, since
//! both places are written every time and only the counters differ.
//!
//! ```text
//! from  [ a b c d e f g ]
//! to    [ a c f · · · · g e d b ]         a gap is left where rows were not drawn
//!        └left┘         └─right─┘
//! ```

use super::rows::{NOT_DRAWN, Place, gradient};
use super::split::Split;
use super::wide::{Lanes, Work, run};

/// How far both sides have been filled: `left` rows from the front, and from row `right` on to the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) left: usize,
    pub(crate) right: usize,
}

/// What rows are asked, and where the answer is.
pub(crate) struct Question<'a> {
    pub(crate) split: &'a Split,
    pub(crate) place: Place,
    pub(crate) n_words: usize,
    /// Whether rows that were not drawn are among them.
    pub(crate) among: super::adding::Among,
}

/// Goes on parting: `from` holds the next rows.
///
/// # Panics
/// If `to` has less room than all rows that are handed over.
pub(crate) fn part(question: &Question, from: &[u64], to: &mut [u64], filled: Filled) -> Filled {
    if question.n_words != 1 {
        return run(Parting {
            question,
            from,
            to,
            filled,
        });
    }
    let (n_done, filled) = part_wide(question, from, to, filled);
    run(Parting {
        question,
        from: &from[n_done..],
        to,
        filled,
    })
}

struct Parting<'a> {
    question: &'a Question<'a>,
    from: &'a [u64],
    to: &'a mut [u64],
    filled: Filled,
}

impl Work for Parting<'_> {
    type Done = Filled;

    #[inline(always)]
    fn work(self) -> Filled {
        let Self {
            question,
            from,
            to,
            filled,
        } = self;
        match question.n_words {
            1 => part_sized::<1>(question, from, to, filled),
            2 => part_sized::<2>(question, from, to, filled),
            3 => part_sized::<3>(question, from, to, filled),
            4 => part_sized::<4>(question, from, to, filled),
            5 => part_sized::<5>(question, from, to, filled),
            6 => part_sized::<6>(question, from, to, filled),
            7 => part_sized::<7>(question, from, to, filled),
            8 => part_sized::<8>(question, from, to, filled),
            _ => part_long(question, from, to, filled),
        }
    }
}

/// Parts as many rows of one word as the processor takes at once, and tells how many.
fn part_wide(question: &Question, from: &[u64], to: &mut [u64], filled: Filled) -> (usize, Filled) {
    match question.split.interval() {
        Some([add, limit]) => {
            let shift = question.place.shift;
            let not_drawn = NOT_DRAWN;
            let lanes = Lanes {
                shift,
                add,
                limit,
                not_drawn,
            };
            super::wide::part(lanes, from, to, filled)
        }
        None => (0, filled),
    }
}

#[inline(always)]
fn part_sized<const W: usize>(
    question: &Question,
    from: &[u64],
    to: &mut [u64],
    filled: Filled,
) -> Filled {
    use super::adding::Among::{All, Drawn};
    let (from, to) = (from.as_chunks::<W>().0, to.as_chunks_mut::<W>().0);
    let Place { word, shift } = question.place;
    let bin = |row: &[u64; W]| (row[word] >> shift) as u8;
    match (question.split.interval(), question.among) {
        (Some([add, limit]), Drawn) => {
            part_all(from, to, filled, |row| bin(row).wrapping_add(add) <= limit)
        }
        (None, Drawn) => part_all(from, to, filled, |row| question.split.goes_left(bin(row))),
        (_, All) => part_some(from, to, filled, |row| {
            let left = question.split.goes_left(bin(row));
            let drawn = gradient(row[0]) != NOT_DRAWN;
            [left & drawn, !left & drawn]
        }),
    }
}

/// Every row goes to one side or the other, so that one counter tells both places.
#[inline(always)]
pub(crate) fn part_all<R: Copy>(
    from: &[R],
    to: &mut [R],
    filled: Filled,
    goes_left: impl Fn(&R) -> bool,
) -> Filled {
    let mut left = filled.left;
    // Room between both sides, which every row makes smaller by one, wherever it goes.
    let mut room = filled.right - filled.left;
    for row in from {
        room -= 1;
        to[left] = *row;
        to[left + room] = *row;
        left += usize::from(goes_left(row));
    }
    Filled {
        left,
        right: left + room,
    }
}

/// `sides` tells whether a row goes left, and whether it goes right; it may do neither.
#[inline(always)]
fn part_some<const W: usize>(
    from: &[[u64; W]],
    to: &mut [[u64; W]],
    filled: Filled,
    sides: impl Fn(&[u64; W]) -> [bool; 2],
) -> Filled {
    let Filled {
        mut left,
        mut right,
    } = filled;
    for row in from {
        let [goes_left, goes_right] = sides(row);
        to[left].copy_from_slice(row);
        to[right - 1].copy_from_slice(row);
        left += usize::from(goes_left);
        right -= usize::from(goes_right);
    }
    Filled { left, right }
}

/// Rows so long that a branch does not matter.
#[inline(always)]
fn part_long(question: &Question, from: &[u64], to: &mut [u64], mut filled: Filled) -> Filled {
    let n_words = question.n_words;
    for row in from.chunks_exact(n_words) {
        if gradient(row[0]) == NOT_DRAWN {
            continue;
        }
        let at = if question.split.goes_left(question.place.bin(row)) {
            filled.left += 1;
            filled.left - 1
        } else {
            filled.right -= 1;
            filled.right
        };
        to[at * n_words..][..n_words].copy_from_slice(row);
    }
    filled
}
