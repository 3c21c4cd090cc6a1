//! JSON from strangers, read straight into numbers.
//!
//! ```text
//! bytes --check--> Reader --object, array, number, text--> columns of f32
//!        400: no UTF-8, no JSON,      422: a wrong type, NaN, 1e400, an unknown or missing field,
//!        too deep, a byte-order mark       with the field's name and its pointer
//! ```
//!
//! Not `serde_json`: it cannot tell `NaN` and `1e400` from a slip of the pen, takes duplicate keys of a map in
//! silence, and does not say which field of which row was wrong. A document is looked through once for its
//! syntax, so that what is no JSON is 400 whatever it means, and then read once. Nothing is allocated for
//! it but what the reader of the fields keeps. That both agree with `serde_json` on what is JSON is tested.

mod read;
mod scan;

pub(crate) use read::{Reader, fill};
