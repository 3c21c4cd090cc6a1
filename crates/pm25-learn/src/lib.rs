//! Lines and trees learned from columns of numbers.
//!
//! Knows no files, names or clocks. Everything here gives the same bits on every machine and for any
//! number of threads.

mod columns;
mod gram;
mod linear;
pub mod tree;

pub use columns::Columns;
pub use linear::{Linear, RidgeParams, Term, fit_ridge};
