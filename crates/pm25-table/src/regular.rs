//! Columns that nothing but their length and first value tell: one value throughout, or one step from each to the next.
//!
//! Not an encoding. Such a column's bytes are made once and copied into later row groups; most columns of flags, of
//! what a network does not measure, and of instants are of this kind.
//!
//! ```text
//! flags   0 0 0 0 0 0      first 0, step 0, 6 rows       the same bytes wherever this stands again
//! time    1 2 3 4 5 6      first 1, step 1, 6 rows
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use crate::Column;
use crate::encode::Encoded;

/// All that a regular column's bytes depend on, besides its name and type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    n_rows: usize,
    /// The bits of the first value.
    first: u64,
    /// From each value to the next; of instants only.
    step: i64,
}

impl Shape {
    /// Of a column; nothing if it is not regular.
    pub(crate) fn of(column: &Column) -> Option<Self> {
        let n_rows = column.n_rows();
        let constant = |first: Option<u64>| Some(Self::constant(n_rows, first?));
        match column {
            Column::Text(_) => None,
            Column::Time(times) => of_times(times),
            // Missing is missing, whatever its bits.
            Column::F32(values) if values.iter().all(|value| value.is_nan()) => {
                Some(Self::constant(n_rows, f64::NAN.to_bits()))
            }
            Column::F64(values) if values.iter().all(|value| value.is_nan()) => {
                Some(Self::constant(n_rows, f64::NAN.to_bits()))
            }
            Column::F32(values) => constant(same(values, |value| u64::from(value.to_bits()))),
            Column::F64(values) => constant(same(values, f64::to_bits)),
            Column::I16(values) => constant(same(values, |value| value as u64)),
            Column::U16(values) => constant(same(values, u64::from)),
            Column::I32(values) => constant(same(values, |value| value as u64)),
        }
    }

    const fn constant(n_rows: usize, first: u64) -> Self {
        Self {
            n_rows,
            first,
            step: 0,
        }
    }
}

/// The bits that all values share.
fn same<T: Copy>(values: &[T], bits: impl Fn(T) -> u64) -> Option<u64> {
    let first = bits(*values.first()?);
    values
        .iter()
        .all(|&value| bits(value) == first)
        .then_some(first)
}

fn of_times(times: &[i64]) -> Option<Shape> {
    let &[first, second, ..] = times else {
        return None;
    };
    let step = second.checked_sub(first)?;
    let is_step = |pair: &[i64]| pair[1].checked_sub(pair[0]) == Some(step);
    times.windows(2).all(is_step).then_some(Shape {
        n_rows: times.len(),
        first: first as u64,
        step,
    })
}

/// A column as it stands in one row group, to be copied into others.
pub(crate) struct Copied {
    bytes: Bytes,
    close: ColumnCloseResult,
}

impl Copied {
    /// Of a column that was encoded; its bytes are taken from a file in memory that holds nothing else.
    fn of(chunk: ArrowColumnChunk) -> Encoded<Self> {
        let close = chunk.close().clone();
        let leaf = close.metadata.column_descr().self_type_ptr();
        let schema = Type::group_type_builder("schema")
            .with_fields(vec![leaf])
            .build()?;
        let properties = Arc::new(WriterProperties::default());
        let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
        let mut group = file.next_row_group()?;
        chunk.append_to_row_group(&mut group)?;
        let placed = group.close()?;
        let placed = placed.column(0);
        let (from, n_bytes) = placed.byte_range();
        let dictionary_bytes = match placed.dictionary_page_offset() {
            Some(at) => usize::try_from(placed.data_page_offset() - at)?,
            None => 0,
        };
        file.flush()?;
        let end = usize::try_from(from + n_bytes)?;
        let bytes = file.inner().get(usize::try_from(from)?..end);
        Ok(Self {
            bytes: Bytes::copy_from_slice(bytes.ok_or("a column that ends behind its file")?),
            close: close.update_dictionary_location(dictionary_bytes)?,
        })
    }

    /// Appends it to a row group as the next column.
    pub(crate) fn append_to<W: std::io::Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Encoded<()> {
        Ok(group.append_column(&self.bytes, self.close.clone())?)
    }
}

/// For each column of a table the last regular one that was encoded, for all threads.
pub(crate) struct Known(Vec<Mutex<Option<Last>>>);

/// A shape and the bytes that it became.
type Last = (Shape, Arc<Copied>);

impl Known {
    pub(crate) fn new(n_columns: usize) -> Self {
        Self((0..n_columns).map(|_| Mutex::default()).collect())
    }

    /// What was encoded of this shape for the column at this position; else what `encode` makes of it.
    pub(crate) fn or_encode(
        &self,
        column_idx: usize,
        shape: Shape,
        encode: impl FnOnce() -> Encoded<ArrowColumnChunk>,
    ) -> Encoded<Arc<Copied>> {
        let place = &self.0[column_idx];
        // What a panic elsewhere leaves here is whole.
        let known = place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, copied)) = known.filter(|(known, _)| *known == shape) {
            return Ok(copied);
        }
        let copied = Arc::new(Copied::of(encode()?)?);
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some((shape, Arc::clone(&copied)));
        Ok(copied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_regular_and_what_is_not() {
        let is_regular = |column: Column| Shape::of(&column).is_some();
        assert!(is_regular(Column::U16(vec![7; 5])));
        assert!(!is_regular(Column::U16(vec![7, 7, 8])));
        assert!(is_regular(Column::F32(vec![f32::NAN, -f32::NAN])));
        assert!(!is_regular(Column::F32(vec![f32::NAN, 1.0])));
        // They are equal, and their bytes are not.
        assert!(!is_regular(Column::F32(vec![0.0, -0.0])));
        assert!(is_regular(Column::Time(vec![5, 8, 11])));
        assert!(!is_regular(Column::Time(vec![5, 8, 12])));
        assert!(!is_regular(Column::Time(vec![i64::MIN, i64::MAX])));
        assert_ne!(
            Shape::of(&Column::Time(vec![5, 8])),
            Shape::of(&Column::Time(vec![5, 9]))
        );
        assert_ne!(
            Shape::of(&Column::I16(vec![1; 4])),
            Shape::of(&Column::I16(vec![1; 5]))
        );
    }
}
