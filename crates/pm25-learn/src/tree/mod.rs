//! Trees: gradient boosting, random forests and exact explanations of both.
//!
//! Not a framework: a few losses, u8 bins, and the same bits for any number of threads.
//!
//! ```text
//! ascending → tally → bins → rows ┬→ histogram → split ┬→ sprout ┐
//!                         │                    └─────────┤
//!                         └→ partition → in_place, carry,   │
//!                            listed ────────────────────┴→ grow ┬→ buffers ┐
//!                                                                │   assign ┴→ scores → boost ┬→ ensemble → predict …
//!                    objective → quantise ───────────────────────┴→ forest ───────────────────┘     │ │
//!                                                                                             check └──→ shap
//!                                                                               (what came from outside)
//! adding → histogram, cutting → split, pass → scores: their innermost loops
//!
//! predict ┬→ compiled ┬→ chapter → sweep
//!         │           └→ lockstep
//!         └→ grove → packed → ranks
//! ```

mod adding;
mod ascending;
mod assign;
mod binned;
mod bins;
mod boost;
mod buffers;
mod carry;
mod categories;
mod chance;
mod chapter;
mod check;
mod codes;
mod compiled;
mod counts;
mod cutting;
mod ensemble;
mod forest;
mod grove;
mod grow;
mod grown;
mod histogram;
mod in_place;
mod knobs;
mod leaf_sums;
mod lines;
mod link;
mod listed;
mod lockstep;
mod objective;
mod packed;
mod params;
mod partition;
mod pass;
mod predict;
mod quadrature;
mod quantiles;
mod quantise;
mod ranks;
mod role;
mod rows;
mod scores;
mod sets;
mod shap;
mod sparse;
mod split;
mod sprout;
mod sums;
mod sweep;
mod tally;
mod transform;
mod wide;

#[cfg(test)]
mod boost_tests;
#[cfg(test)]
mod leaves_tests;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod role_tests;
#[cfg(test)]
mod split_tests;

pub use binned::{Binned, Edges};
pub use boost::{BoostFit, History, Lesson, fit_binned, fit_boost, fit_lesson};
pub use check::{BadTree, DEPTH_MAX};
pub use ensemble::{Ensemble, LEAF, Tree};
pub use forest::{ForestFit, fit_binned_forest, fit_forest};
pub use grove::Grove;
pub use knobs::{BadParam, Knob, Number};
pub use link::Link;
pub use objective::Objective;
pub use params::{BoostParams, ForestParams};
pub use quantiles::{Quantiles, fit_quantiles, uncross};
pub use role::Role;
pub use sets::{CategorySet, category};
pub use shap::{Explainer, Shap, shap, shap_against};
pub use transform::Transform;
