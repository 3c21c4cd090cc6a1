//! What a column is to a model, told from its name alone: so a table, a profile and a request agree.

use pm25_air::feature::{Calendar, Feature, Wave};
use pm25_artifact::drift::Role;

/// The column of a model's predictions.
pub(crate) const PREDICTION: &str = "prediction_ug_m3";
/// Stamp t of a row.
pub(crate) const TIME: &str = "time";
/// Minutes that a row's standard time is ahead of UTC.
pub(crate) const OFFSET: &str = "utc_offset_min";

/// Columns that say how to read a row. The persistence is the target of an earlier row.
const NOT_COMPARED: [&str; 5] = ["station", TIME, OFFSET, "horizon_h", "persistence_ug_m3"];

/// The role of a column; none for what is not compared.
pub(crate) fn role(column: &str) -> Option<Role> {
    if NOT_COMPARED.contains(&column) || column.ends_with("_flags") {
        return None;
    }
    Some(match column {
        PREDICTION => Role::Prediction,
        _ if column.starts_with("target_") => Role::Target,
        _ if is_context(column) => Role::Context,
        _ => Role::Input,
    })
}

fn is_context(column: &str) -> bool {
    let hands = Calendar::ALL.into_iter().flat_map(|of| {
        let wave = |wave| Feature::Cycle { wave, of };
        [Feature::Calendar(of), wave(Wave::Sin), wave(Wave::Cos)]
    });
    hands
        .chain([Feature::Trend, Feature::Station])
        .any(|feature| feature.column() == column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_role() {
        for (column, expected) in [
            ("pm10_ug_m3", Some(Role::Input)),
            ("pm25_ug_m3__mean_24h", Some(Role::Input)),
            ("anything", Some(Role::Input)),
            ("month", Some(Role::Context)),
            ("hour__sin", Some(Role::Context)),
            ("dayofyear__cos", Some(Role::Context)),
            ("trend_d", Some(Role::Context)),
            ("station_code", Some(Role::Context)),
            ("target_ug_m3", Some(Role::Target)),
            ("target_h6_ug_m3", Some(Role::Target)),
            ("prediction_ug_m3", Some(Role::Prediction)),
            ("time", None),
            ("pm10_flags", None),
            ("persistence_ug_m3", None),
        ] {
            assert_eq!(role(column), expected, "{column}");
        }
    }
}
