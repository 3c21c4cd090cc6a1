//! Columns to Parquet and back, sealed.
//!
//! The only crate that names arrow and parquet. It does not know what the columns mean.

mod column;
mod decode;
mod encode;
mod table;

pub use column::{Column, Text};
pub use table::Table;
