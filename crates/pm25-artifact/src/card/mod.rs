//! Cards: what people must know of a model and its data, every number taken from the artifacts.
//!
//! ```text
//! prose, written by people                     kept to the byte
//! <!-- pm25:begin scores -->
//! table, written from eval.json                replaced
//! <!-- pm25:end -->
//! more prose
//! ```
//!
//! Not an opinion: what a model is for and what it must not be used for is said by people, outside the markers.

mod data;
mod fill;
mod model;
#[cfg(test)]
mod tests;

pub use data::{DataPapers, data_blocks};
pub use fill::{BadMarkers, Block, fill};
pub use model::{ModelPapers, model_blocks};

/// The model card that `pm25-registry card` begins with where there is none yet.
pub const MODEL_TEMPLATE: &str = include_str!("../../../../governance/MODEL_CARD.md");
/// The data card likewise.
pub const DATA_TEMPLATE: &str = include_str!("../../../../governance/DATA_CARD.md");

/// A figure with three decimals; `-` where there is none.
fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

/// A table of Markdown.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = line(head.iter().map(|&cell| cell.to_owned()).collect());
    text += &format!("|{}\n", "---|".repeat(head.len()));
    rows.into_iter().for_each(|row| text += &line(row));
    text
}
