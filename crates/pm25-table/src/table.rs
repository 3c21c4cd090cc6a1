//! A table: named columns of one length, with a header and the hash of the file it came from.

use std::borrow::Cow;

use pm25_file::{
    Fault, Header, Input, InputRef, Output, Place, Result, Sha256, bears_our_mark, check_seal,
    nearest,
};

use crate::{Column, Text, decode, encode};

/// Named columns of one length.
#[derive(Clone, Debug, Default)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    header: Option<Header>,
    source: Option<InputRef>,
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column.
    ///
    /// # Panics
    /// If its length differs from the other columns', or the name is taken: both are bugs of the caller.
    pub fn push(&mut self, name: &str, column: impl Into<Column>) {
        let column = column.into();
        assert!(
            self.column(name).is_none(),
            "column `{name}` is there already"
        );
        assert!(
            self.columns.is_empty() || column.n_rows() == self.n_rows(),
            "column `{name}` has {} rows, the table {}",
            column.n_rows(),
            self.n_rows()
        );
        self.names.push(name.to_owned());
        self.columns.push(column);
    }

    /// How many rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, Column::n_rows)
    }

    /// Column names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// A column, if it is there.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let at = self.names.iter().position(|n| n == name)?;
        Some(&self.columns[at])
    }

    /// The header; none in a table that another program made.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Name and hash of the file it was read from.
    ///
    /// # Panics
    /// If the table was not read from a file.
    pub fn source(&self) -> &InputRef {
        self.source
            .as_ref()
            .expect("the table was read from a file")
    }

    /// The rows that have a number in a column, which is called `name` there: of a table with several targets the table
    /// of one. Header and source stay those of the file.
    ///
    /// # Errors
    /// Bad data: no such column, or one that holds no numbers.
    pub fn known_as(&self, column: &str, name: &str) -> Result<Self> {
        let numbers = self.numbers(column)?;
        let known: Vec<usize> = (0..numbers.len())
            .filter(|&row| !numbers[row].is_nan())
            .collect();
        let rename = |old: &String| match old == column {
            true => name.to_owned(),
            false => old.clone(),
        };
        Ok(Self {
            names: self.names.iter().map(rename).collect(),
            columns: self.columns.iter().map(|it| it.take(&known)).collect(),
            header: self.header.clone(),
            source: self.source.clone(),
        })
    }

    /// Reads a table. The seal is checked first, over the bytes that are then decoded.
    ///
    /// A table of ours must be a `format`; a table of another program has no header, and the caller says
    /// so once. Damage is a bad artifact.
    pub fn read(input: &Input, format: &str) -> Result<Self> {
        let bytes = input.bytes()?;
        let source = input.reference(&bytes);
        let name = input.to_string();
        let ours = bears_our_mark(&bytes);
        if ours {
            check_seal(&bytes, Place::Last).map_err(|e| {
                Fault::bad_artifact(format!("{name} is damaged"))
                    .because(e)
                    .hint(format!(
                        "make it again with the program that writes a `{format}`"
                    ))
            })?;
        }
        let mut table = decode::table(&name, bytes, ours)?;
        if let Some(header) = &table.header {
            header.expect(&name, format, encode::VERSION)?;
        }
        table.source = Some(source);
        Ok(table)
    }

    /// Publishes the table as Parquet with this header, sealed; returns the hash of the file.
    pub fn write(&self, output: &Output, format: &str, mut header: Header) -> Result<Sha256> {
        output.refuse_terminal()?;
        encode::stamp(&mut header, format);
        let bytes = encode::table(self, &header)?;
        output.write(&bytes)?;
        Ok(Sha256::of(&bytes))
    }

    /// A column of f32.
    pub fn f32(&self, name: &str) -> Result<&[f32]> {
        match self.need(name)? {
            Column::F32(values) => Ok(values),
            other => Err(self.wrong(name, "f32", other)),
        }
    }

    /// A column of any numeric type as f32, NaN = missing; borrowed where it is f32 already.
    pub fn numbers(&self, name: &str) -> Result<Cow<'_, [f32]>> {
        Ok(match self.need(name)? {
            Column::F32(values) => Cow::Borrowed(values),
            Column::F64(values) => values.iter().map(|&v| v as f32).collect(),
            Column::I16(values) => values.iter().map(|&v| f32::from(v)).collect(),
            Column::U16(values) => values.iter().map(|&v| f32::from(v)).collect(),
            Column::I32(values) => values.iter().map(|&v| v as f32).collect(),
            other @ (Column::Text(_) | Column::Time(_)) => {
                return Err(self.wrong(name, "a number", other));
            }
        })
    }

    /// As [`Table::numbers`], and the table does not have the column afterwards.
    pub fn take_numbers(&mut self, name: &str) -> Result<Vec<f32>> {
        let numbers = match self.need(name)? {
            Column::F32(_) => Vec::new(),
            _ => self.numbers(name)?.into_owned(),
        };
        let at = self.names.iter().position(|known| known == name);
        let at = at.expect("the column was found above");
        self.names.remove(at);
        Ok(match self.columns.remove(at) {
            Column::F32(numbers) => numbers,
            _ => numbers,
        })
    }

    /// A column of f64.
    pub fn f64(&self, name: &str) -> Result<&[f64]> {
        match self.need(name)? {
            Column::F64(values) => Ok(values),
            other => Err(self.wrong(name, "f64", other)),
        }
    }

    /// A column of words.
    pub fn text(&self, name: &str) -> Result<&Text> {
        match self.need(name)? {
            Column::Text(text) => Ok(text),
            other => Err(self.wrong(name, "text", other)),
        }
    }

    /// A column of instants, in seconds since 1970 UTC.
    pub fn time(&self, name: &str) -> Result<&[i64]> {
        match self.need(name)? {
            Column::Time(values) => Ok(values),
            other => Err(self.wrong(name, "time", other)),
        }
    }

    /// A column of i16.
    pub fn i16(&self, name: &str) -> Result<&[i16]> {
        match self.need(name)? {
            Column::I16(values) => Ok(values),
            other => Err(self.wrong(name, "i16", other)),
        }
    }

    /// A column of u16.
    pub fn u16(&self, name: &str) -> Result<&[u16]> {
        match self.need(name)? {
            Column::U16(values) => Ok(values),
            other => Err(self.wrong(name, "u16", other)),
        }
    }

    /// A column of i32.
    pub fn i32(&self, name: &str) -> Result<&[i32]> {
        match self.need(name)? {
            Column::I32(values) => Ok(values),
            other => Err(self.wrong(name, "i32", other)),
        }
    }

    /// Its columns in order, with their names.
    pub(crate) fn into_columns(self) -> impl Iterator<Item = (String, Column)> {
        self.names.into_iter().zip(self.columns)
    }

    pub(crate) fn set_header(&mut self, header: Header) {
        self.header = Some(header);
    }

    fn file_name(&self) -> &str {
        self.source
            .as_ref()
            .map_or("the table", |source| &source.name)
    }

    fn need(&self, name: &str) -> Result<&Column> {
        self.column(name).ok_or_else(|| {
            let fault = Fault::bad_data(format!("{} has no column `{name}`", self.file_name()));
            match nearest(name, self.names()) {
                Some(near) => fault.hint(format!("the nearest it has is `{near}`")),
                None => fault.hint(format!("it has: {}", self.names.join(", "))),
            }
        })
    }

    fn wrong(&self, name: &str, wanted: &str, found: &Column) -> Fault {
        Fault::bad_data(format!(
            "{}: column `{name}` is {}, not {wanted}",
            self.file_name(),
            found.type_name()
        ))
    }
}
