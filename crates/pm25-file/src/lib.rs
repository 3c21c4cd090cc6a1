//! How bytes get in and out safely: `-`, headers, seals and the publish protocol.
//!
//! This crate knows nothing of what the bytes mean. Every program reads and writes through it, so that
//! no file is ever half-written and no damaged file is ever believed.

mod document;
mod draft;
mod fault;
mod header;
mod input;
mod lines;
mod nearest;
mod output;
mod publish;
mod seal;
mod sha256;
mod surprise;
mod touched;

pub use document::{
    Document, claimed_format, decode_document, encode_document, read_document, write_document,
};
pub use draft::Draft;
pub use fault::{Fault, Kind, Result};
pub use header::{Header, InputRef, Program};
pub use input::{Input, relative_name};
pub use lines::append_line;
pub use nearest::nearest;
pub use output::Output;
pub use publish::{publish, publish_from, publish_new};
pub use seal::{Place, Seal, bears_our_mark, check_seal, fill_last_seal, fill_seal};
pub use sha256::{Hasher, Sha256};
pub use surprise::{is_panic_awaited, unless_it_panics};
pub use touched::{expect_distinct, guard, note_read};
