//! Predictions: a request's rows become columns, the model is asked once, its numbers become an answer.
//!
//! ```text
//! body --classic, rows or observations--> Batch --Model::predict--> f64 --answer--> JSON
//! ```
//!
//! Every number is [`Model::predict`](pm25_artifact::model::Model::predict) of the same rows, bit for bit, and is
//! printed so that it can be read back bit for bit.

mod answer;
mod batch;
mod classic;
mod exceed;
mod observations;
mod rows;
mod work;

pub(crate) use exceed::{
    FIELD as EXCEED_FIELD, MAX_UG_M3 as EXCEED_MAX_UG_M3, N_MAX as N_EXCEED_MAX,
};
pub(crate) use observations::Field as ObservationField;
pub(crate) use work::{classic as predict_classic, rows as predict_rows};

/// What every prediction is measured in.
pub(crate) const UNIT: &str = "µg/m³";
