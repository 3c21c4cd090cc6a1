//! A column in memory. On disk a missing number is null; in memory it is NaN.

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Words with repetition, such as station names; dictionary-encoded on disk. Never missing.
    Text(Text),
    /// Instants: whole seconds since 1970-01-01T00:00:00Z. On disk `timestamp[us, UTC]`. Never missing.
    Time(Vec<i64>),
    /// Measurements and features; NaN = missing.
    F32(Vec<f32>),
    /// Computed numbers; NaN = missing.
    F64(Vec<f64>),
    /// Small counts and offsets. Never missing.
    I16(Vec<i16>),
    /// Bit masks. Never missing.
    U16(Vec<u16>),
    /// Counts. Never missing.
    I32(Vec<i32>),
}

impl Column {
    /// How many rows it has.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Text(text) => text.codes.len(),
            Self::Time(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::I32(values) => values.len(),
        }
    }

    /// Some of its rows, in the order of their numbers.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn take(&self, rows: &[usize]) -> Self {
        match self {
            Self::Text(text) => Self::Text(Text {
                words: text.words.clone(),
                codes: taken(&text.codes, rows),
            }),
            Self::Time(values) => Self::Time(taken(values, rows)),
            Self::F32(values) => Self::F32(taken(values, rows)),
            Self::F64(values) => Self::F64(taken(values, rows)),
            Self::I16(values) => Self::I16(taken(values, rows)),
            Self::U16(values) => Self::U16(taken(values, rows)),
            Self::I32(values) => Self::I32(taken(values, rows)),
        }
    }

    /// The rows of several columns one after the other; nothing where their types differ.
    pub fn chain(parts: &[&Self]) -> Option<Self> {
        match parts.first()? {
            Self::Text(_) => words(parts).map(Self::Text),
            Self::Time(_) => chained(parts, |it| match it {
                Self::Time(values) => Some(values),
                _ => None,
            })
            .map(Self::Time),
            Self::F32(_) => chained(parts, |it| match it {
                Self::F32(values) => Some(values),
                _ => None,
            })
            .map(Self::F32),
            Self::F64(_) => chained(parts, |it| match it {
                Self::F64(values) => Some(values),
                _ => None,
            })
            .map(Self::F64),
            Self::I16(_) => chained(parts, |it| match it {
                Self::I16(values) => Some(values),
                _ => None,
            })
            .map(Self::I16),
            Self::U16(_) => chained(parts, |it| match it {
                Self::U16(values) => Some(values),
                _ => None,
            })
            .map(Self::U16),
            Self::I32(_) => chained(parts, |it| match it {
                Self::I32(values) => Some(values),
                _ => None,
            })
            .map(Self::I32),
        }
    }

    /// Its type in words, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Time(_) => "time",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::I16(_) => "i16",
            Self::U16(_) => "u16",
            Self::I32(_) => "i32",
        }
    }
}

fn words(parts: &[&Column]) -> Option<Text> {
    let mut rows = Vec::new();
    for part in parts {
        let Column::Text(text) = part else {
            return None;
        };
        rows.extend((0..text.codes.len()).map(|row| text.get(row)));
    }
    Some(Text::from_rows(rows))
}

fn chained<T: Copy>(
    parts: &[&Column],
    values: impl Fn(&Column) -> Option<&Vec<T>>,
) -> Option<Vec<T>> {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(values(part)?);
    }
    Some(all)
}

fn taken<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| values[row]).collect()
}

/// Words with repetition: `words[codes[row]]` is the word of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// Each word once.
    pub words: Vec<String>,
    /// One per row, an index into `words`.
    pub codes: Vec<u32>,
}

impl Text {
    /// From one word per row, words in order of first appearance.
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = Self::default();
        let mut known = std::collections::BTreeMap::new();
        for row in rows {
            // Stations come in runs: the last word is mostly the right one.
            let same = text
                .codes
                .last()
                .copied()
                .filter(|&c| text.words[c as usize] == row);
            let code = same.unwrap_or_else(|| {
                *known.entry(row.to_owned()).or_insert_with(|| {
                    text.words.push(row.to_owned());
                    u32::try_from(text.words.len() - 1).expect("fewer than 2^32 distinct words")
                })
            });
            text.codes.push(code);
        }
        text
    }

    /// The word of a row.
    pub fn get(&self, row: usize) -> &str {
        &self.words[self.codes[row] as usize]
    }
}

impl From<Vec<f32>> for Column {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values)
    }
}

impl From<Vec<f64>> for Column {
    fn from(values: Vec<f64>) -> Self {
        Self::F64(values)
    }
}
