//! Words that begin at a cache line.
//!
//! Not for rows of one word. A row of four words then lies in one line and not, every second time, in two.

use std::ops::{Deref, DerefMut};

/// Bytes that memory is fetched in.
const LINE: usize = 64;

/// Words, the first of which begins a line.
pub(crate) struct Lines {
    words: Vec<u64>,
    n_before: usize,
}

impl Lines {
    /// So many zeros.
    pub(crate) fn zeros(n: usize) -> Self {
        let words = vec![0; n + LINE / size_of::<u64>() - 1];
        let n_before = words.as_ptr().align_offset(LINE).min(words.len() - n);
        Self { words, n_before }
    }

    fn end(&self) -> usize {
        self.words.len() + 1 + self.n_before - LINE / size_of::<u64>()
    }
}

impl Deref for Lines {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.words[self.n_before..self.end()]
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [u64] {
        let end = self.end();
        &mut self.words[self.n_before..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_a_line_and_are_as_many_as_were_asked_for() {
        for n in [0, 1, 7, 8, 9, 1000] {
            let mut lines = Lines::zeros(n);
            lines.fill(3);
            assert_eq!(&*lines, vec![3; n]);
            assert_eq!(lines.as_ptr().align_offset(LINE), 0);
        }
    }
}
