//! One part of the rows as a table.

use pm25_air::feature::{Scene, evaluate};
use pm25_air::{Feature, FeatureSet, Network, Part, Station};
use pm25_artifact::prep::{FeatureFact, StationFact};
use pm25_table::{Column, Table, Text};
use rayon::prelude::*;

use crate::plan::{Plan, StationPlan};

/// The table of a part: rows by station, then time.
pub fn table(network: &Network, plan: &Plan, scene: &Scene, part: Part) -> Table {
    let mut blocks: Vec<Vec<Vec<f32>>> = network
        .stations
        .par_iter()
        .zip(&plan.stations)
        .enumerate()
        .map(|(station_idx, (station, rows))| {
            let hours = rows.hours(part);
            let columns = evaluate(scene, station_idx, code(plan, station), hours);
            kept(columns, rows, part)
        })
        .collect();
    let mut table = Table::new();
    table.push("station", Column::Text(station_column(network, plan, part)));
    table.push("time", Column::Time(time_column(network, plan, part)));
    table.push(
        "target_ug_m3",
        Column::F32(gather(plan, part, |rows| &rows.target)),
    );
    table.push(
        "persistence_ug_m3",
        Column::F32(gather(plan, part, |rows| &rows.persistence)),
    );
    for (position, feature) in scene.set().features().iter().enumerate() {
        // Each station's column is given up as soon as it has been copied.
        let column = blocks
            .iter_mut()
            .flat_map(|block| std::mem::take(&mut block[position]))
            .collect();
        table.push(&feature.column(), Column::F32(column));
    }
    table
}

/// The stations that have rows in a part, in order.
pub fn stations(network: &Network, plan: &Plan, part: Part) -> Vec<StationFact> {
    let present = network.stations.iter().zip(&plan.stations);
    present
        .filter(|(_, rows)| rows.rows(part).next().is_some())
        .map(|(station, _)| StationFact {
            name: station.name.clone(),
            utc_offset_min: station.utc_offset_min,
        })
        .collect()
}

/// What the features of a set are, as tables and models write it.
pub fn facts(set: &FeatureSet) -> Vec<FeatureFact> {
    let fact = |feature: &Feature| FeatureFact {
        column: feature.column(),
        expression: feature.to_string(),
        unit: feature.unit().to_owned(),
    };
    set.features().iter().map(fact).collect()
}

/// Of columns over all hours of a part, those hours that are rows of its table.
fn kept(mut columns: Vec<Vec<f32>>, rows: &StationPlan, part: Part) -> Vec<Vec<f32>> {
    let first = rows.hours(part).start;
    for column in &mut columns {
        *column = rows
            .rows(part)
            .map(|hour_idx| column[hour_idx - first])
            .collect();
    }
    columns
}

/// The position of a station in the vocabulary; none for a station without train rows.
pub fn code(plan: &Plan, station: &Station) -> Option<u32> {
    plan.vocabulary
        .binary_search(&station.name)
        .ok()
        .map(|position| position as u32)
}

fn station_column(network: &Network, plan: &Plan, part: Part) -> Text {
    let mut text = Text::default();
    for (station, rows) in network.stations.iter().zip(&plan.stations) {
        let n_rows = rows.rows(part).count();
        if n_rows == 0 {
            continue;
        }
        let code = text.words.len() as u32;
        text.words.push(station.name.clone());
        text.codes.resize(text.codes.len() + n_rows, code);
    }
    text
}

fn time_column(network: &Network, plan: &Plan, part: Part) -> Vec<i64> {
    let stations = network.stations.iter().zip(&plan.stations);
    stations
        .flat_map(|(station, rows)| rows.rows(part).map(|hour_idx| station.time_s(hour_idx)))
        .collect()
}

fn gather<'p>(
    plan: &'p Plan,
    part: Part,
    of: impl Fn(&'p StationPlan) -> &'p Vec<f32>,
) -> Vec<f32> {
    let stations = plan.stations.iter();
    stations
        .flat_map(|rows| {
            rows.rows(part)
                .map(|hour_idx| of(rows)[hour_idx])
                .collect::<Vec<f32>>()
        })
        .collect()
}
