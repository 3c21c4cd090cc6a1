//! Trees: gradient boosting, random forests and exact explanations of both.
//!
//! Not a framework: squared error only, numbers only, and the same bits for any number of threads.
//!
//! ```text
//! bins → histogram → split → grow ┬→ boost  ┬→ ensemble → predict → compiled ┬→ codes → leaf_bits
//!            quantise ────────────┘  forest ┘     │ │                        └→ lockstep
//!                                             check └──→ shap
//!                       (what came from outside)
//! ```

mod bins;
mod boost;
mod chance;
mod check;
mod codes;
mod compiled;
mod ensemble;
mod forest;
mod grow;
mod histogram;
mod leaf_bits;
mod lockstep;
mod params;
mod predict;
mod quadrature;
mod quantise;
mod sets;
mod shap;
mod split;
mod sums;

#[cfg(test)]
mod oracle;

pub use boost::{BoostFit, History, fit_boost};
pub use check::{BadTree, DEPTH_MAX};
pub use ensemble::{Ensemble, LEAF, Tree};
pub use forest::{ForestFit, fit_forest};
pub use params::{BadParam, BoostParams, ForestParams, Knob, Number};
pub use sets::{CategorySet, category};
pub use shap::{Explainer, Shap, shap, shap_against};
