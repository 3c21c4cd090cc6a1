//! One record: cells of bytes.
//!
//! Not their meaning, and not where they come from. A view, so that no cell is ever copied.

/// The cells of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    text: &'a [u8],
    /// Where each begins and ends in the text.
    spans: &'a [(u32, u32)],
}

impl<'a> Cells<'a> {
    /// Of spans of a text.
    pub(crate) fn new(text: &'a [u8], spans: &'a [(u32, u32)]) -> Self {
        Self { text, spans }
    }

    /// How many.
    pub(crate) fn len(self) -> usize {
        self.spans.len()
    }

    /// Eight bytes from the beginning of a cell on, whatever follows it, and how many of them or more are the cell's;
    /// nothing near the end of the text.
    #[inline]
    pub(crate) fn word(self, at: usize) -> Option<(u64, usize)> {
        let (from, end) = self.spans[at];
        let bytes = self.text.get(from as usize..)?.first_chunk()?;
        Some((u64::from_le_bytes(*bytes), (end - from) as usize))
    }

    /// Each in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.spans.iter().map(move |span| slice(self.text, *span))
    }
}

impl std::ops::Index<usize> for Cells<'_> {
    type Output = [u8];

    fn index(&self, at: usize) -> &[u8] {
        slice(self.text, self.spans[at])
    }
}

fn slice(text: &[u8], (from, end): (u32, u32)) -> &[u8] {
    &text[from as usize..end as usize]
}

/// A record that is made cell by cell, where none stands in a file.
#[derive(Debug, Default)]
pub(crate) struct Made {
    text: Vec<u8>,
    spans: Vec<(u32, u32)>,
}

impl Made {
    /// Forgets all cells.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    /// Adds a cell.
    pub(crate) fn push(&mut self, cell: &[u8]) {
        let from = self.text.len() as u32;
        self.text.extend_from_slice(cell);
        self.spans.push((from, self.text.len() as u32));
    }

    /// The cells so far.
    pub(crate) fn cells(&self) -> Cells<'_> {
        Cells::new(&self.text, &self.spans)
    }
}
