//! Columns to Parquet and back, sealed.
//!
//! The only crate that names arrow and parquet. It does not know what the columns mean.

mod batches;
mod claims;
mod column;
mod decode;
mod encode;
mod regular;
mod table;
mod writer;

pub use batches::Batches;
pub use column::{Column, Text};
pub use table::Table;
pub use writer::{Encoder, Group, TableWriter};
