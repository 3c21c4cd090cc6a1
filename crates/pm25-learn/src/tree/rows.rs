//! A row as a few 64-bit words: its bins, what it asks for and how often it counts travel together.
//!
//! Not columns: a row's bins are summed together. Rows of one word, and those of forests, move while a tree grows, so
//! that memory is read and written in order; longer ones stay, see `listed.rs`.
//!
//! ```text
//! Load::Single   word 0   | gradient i16 | bin 5 | bin 4 | bin 3 | bin 2 | bin 1 | bin 0 |
//! Load::Counted  word 0   | gradient i16 | count | bin 4 | bin 3 | bin 2 | bin 1 | bin 0 |
//! Load::Weighted word 0   | gradient i16 |  weight u16   | bin 3 | bin 2 | bin 1 | bin 0 |
//!                word 1 … | bin + 7 |                 …                 | bin + 1 | bin   |
//! named rows     last word| number u32 of the row | …
//!                63       48      40      32      24      16      8       0
//! ```

/// What a row carries beside its bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// A gradient; the row counts once.
    Single,
    /// A gradient and how often the row was drawn, at most 255 times.
    Counted,
    /// A gradient and a second derivative, both in steps of their own.
    Weighted,
}

/// The gradient of a row that the tree does not see.
pub(crate) const NOT_DRAWN: i16 = i16::MIN;

impl Load {
    /// Bins that fit into the first word.
    fn n_first_bins(self) -> usize {
        match self {
            Self::Single => 6,
            Self::Counted => 5,
            Self::Weighted => 4,
        }
    }

    /// The bits of the first word that hold bins.
    pub(crate) fn bins_mask(self) -> u64 {
        (1 << (8 * self.n_first_bins())) - 1
    }
}

/// The gradient in a row's first word.
pub(crate) fn gradient(first: u64) -> i16 {
    (first >> 48) as i16
}

/// Where a feature's bin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) word: usize,
    pub(crate) shift: u32,
}

impl Place {
    pub(crate) fn bin(self, row: &[u64]) -> u8 {
        (row[self.word] >> self.shift) as u8
    }
}

/// How rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) load: Load,
    n_features: usize,
    /// Words a row.
    pub(crate) n_words: usize,
}

impl Layout {
    /// The smallest rows that hold so many features.
    pub(crate) fn new(load: Load, n_features: usize) -> Self {
        Self::with_bytes(load, n_features, n_features)
    }

    /// Rows that also know their number.
    pub(crate) fn named(load: Load, n_features: usize) -> Self {
        // The upper half of the last word, which must not be the first.
        let n_bytes = n_features.max(load.n_first_bins()) + 4;
        Self::with_bytes(load, n_features, n_bytes)
    }

    fn with_bytes(load: Load, n_features: usize, n_bytes: usize) -> Self {
        Self {
            load,
            n_features,
            n_words: 1 + n_bytes.saturating_sub(load.n_first_bins()).div_ceil(8),
        }
    }

    pub(crate) fn n_features(&self) -> usize {
        self.n_features
    }

    pub(crate) fn place(&self, feature: usize) -> Place {
        let n_first = self.load.n_first_bins();
        if feature < n_first {
            let shift = 8 * feature as u32;
            return Place { word: 0, shift };
        }
        let byte = feature - n_first;
        Place {
            word: 1 + byte / 8,
            shift: 8 * (byte % 8) as u32,
        }
    }

    /// Puts a row's number where named rows have it.
    pub(crate) fn name(row: &mut [u64], number: u32) {
        if let Some(last) = row.last_mut() {
            *last = *last & u64::from(u32::MAX) | u64::from(number) << 32;
        }
    }

    /// The number of a named row.
    pub(crate) fn number(row: &[u64]) -> usize {
        row.last().map_or(0, |last| last >> 32) as usize
    }
}

/// The features that one tree may use, and where their bins are.
pub(crate) struct Chosen {
    pub(crate) layout: Layout,
    /// Columns of the table, rising.
    pub(crate) features: Vec<usize>,
    /// Words in which there is such a bin, rising.
    pub(crate) words: Vec<ChosenWord>,
}

/// The bins that are chosen from one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChosenWord {
    pub(crate) word: usize,
    /// Place of the first among all chosen features.
    pub(crate) first: usize,
    /// Number of bins, 1 to 8.
    pub(crate) n: usize,
    /// How far each is from the lowest bit.
    pub(crate) shifts: [u32; 8],
}

impl Chosen {
    /// These features, which must rise.
    pub(crate) fn new(layout: Layout, features: Vec<usize>) -> Self {
        let mut words: Vec<ChosenWord> = Vec::new();
        for (first, &feature) in features.iter().enumerate() {
            let Place { word, shift } = layout.place(feature);
            if words.last().is_none_or(|last| last.word != word) {
                let (n, shifts) = (0, [0; 8]);
                words.push(ChosenWord {
                    word,
                    first,
                    n,
                    shifts,
                });
            }
            if let Some(last) = words.last_mut() {
                last.shifts[last.n] = shift;
                last.n += 1;
            }
        }
        Self {
            layout,
            features,
            words,
        }
    }

    /// All features that rows have.
    #[cfg(test)]
    pub(crate) fn all(layout: Layout) -> Self {
        Self::new(layout, (0..layout.n_features()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_has_a_byte_of_its_own() {
        for load in [Load::Single, Load::Counted, Load::Weighted] {
            for n_features in [0, 1, 4, 5, 6, 7, 13, 14, 15, 26, 63, 200] {
                for (layout, is_named) in [
                    (Layout::new(load, n_features), false),
                    (Layout::named(load, n_features), true),
                ] {
                    let mut row = vec![0; layout.n_words];
                    row[0] = !load.bins_mask();
                    for feature in 0..n_features {
                        let Place { word, shift } = layout.place(feature);
                        assert_eq!(row[word] >> shift & 255, 0);
                        row[word] |= 255 << shift;
                    }
                    if is_named {
                        let mut last = [0];
                        Layout::name(&mut last, u32::MAX);
                        assert_eq!(row[layout.n_words - 1] & last[0], 0);
                    }
                }
            }
        }
    }

    #[test]
    fn a_name_disturbs_no_bin() {
        for n_features in [0, 3, 5, 6, 9, 10, 14, 40] {
            let layout = Layout::named(Load::Counted, n_features);
            let mut row = vec![0; layout.n_words];
            Layout::name(&mut row, u32::MAX - 1);
            Layout::name(&mut row, 77);
            assert_eq!(Layout::number(&row), 77);
            for feature in 0..n_features {
                assert_eq!(layout.place(feature).bin(&row), 0);
            }
            assert_eq!(gradient(row[0]), 0);
        }
    }

    #[test]
    fn chosen_bins_are_found_word_by_word() {
        for n_features in [1, 6, 7, 14, 15, 26, 40] {
            for every in [1, 2, 3, 9] {
                let layout = Layout::new(Load::Single, n_features);
                let features: Vec<usize> = (0..n_features).step_by(every).collect();
                let chosen = Chosen::new(layout, features.clone());
                let mut places = Vec::new();
                for word in &chosen.words {
                    assert_eq!(word.first, places.len());
                    let shifts = &word.shifts[..word.n];
                    places.extend(shifts.iter().map(|&shift| Place {
                        word: word.word,
                        shift,
                    }));
                }
                let expected: Vec<Place> = features.iter().map(|&f| layout.place(f)).collect();
                assert_eq!(places, expected);
                assert!(chosen.words.is_sorted_by(|a, b| a.word < b.word));
            }
        }
    }

    #[test]
    fn six_features_and_a_gradient_are_one_word() {
        assert_eq!(Layout::new(Load::Single, 6).n_words, 1);
        assert_eq!(Layout::new(Load::Single, 7).n_words, 2);
        assert_eq!(Layout::named(Load::Counted, 6).n_words, 2);
        assert_eq!(Layout::new(Load::Single, 26).n_words, 4);
        assert_eq!(Layout::new(Load::Single, 31).n_words, 5);
    }
}
