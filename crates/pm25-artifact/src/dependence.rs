//! `dependence.json`: what a model says on average when one column, or two, are given other values.
//!
//! It tells of the model, not of the air: columns that go together are set apart, to combinations that never were.

use pm25_file::{Document, Header};
use serde::{Deserialize, Serialize};

use crate::eval::ModelRef;

/// `dependence.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DependenceReport {
    /// Provenance and seal; the pictures and the table are in its files.
    pub pm25: Header,
    /// The model.
    pub model: ModelRef,
    /// How many rows the means are over, evenly spaced through the tables.
    pub rows: u64,
    /// One column each, in the order asked for.
    pub curves: Vec<Curve>,
    /// Two columns each.
    pub surfaces: Vec<Surface>,
}

/// Partial dependence on one column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The column.
    pub column: String,
    /// Its unit.
    pub unit: String,
    /// By rising value.
    pub points: Vec<CurvePoint>,
}

/// What the model says at one value.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// Of the column, in its unit.
    pub value: f64,
    /// Mean prediction over the rows, µg/m³.
    pub mean_ug_m3: f64,
    /// 10th and 90th percentile of single rows' curves, each moved up or down so that its mean over the values is that
    /// of the mean curve: wide where the column does one thing to some rows and another to others.
    pub ice_10_90_ug_m3: [f64; 2],
}

/// Partial dependence on two columns.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// The columns.
    pub columns: [String; 2],
    /// Their units.
    pub units: [String; 2],
    /// Rising values of each.
    pub values: [Vec<f64>; 2],
    /// Mean prediction, µg/m³: a row for each value of the first column, in it one number for each of the second.
    pub mean_ug_m3: Vec<Vec<f64>>,
}

impl Document for DependenceReport {
    const FORMAT: &'static str = "pm25-dependence-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
