//! Tables and report out: train, valid, test, and `prep.json` last.

use std::collections::BTreeMap;

use pm25_air::civil::format_utc;
use pm25_air::feature::Scene;
use pm25_air::{Feature, FeatureSet, Part};
use pm25_artifact::prep::{PartFact, Parts, PrepReport, Prepared, Statistic};
use pm25_file::{Header, InputRef, Output, Result, program, write_document};
use pm25_rows::{Observations, Plan, facts, name, rows_before, statistic};
use pm25_table::Table;
use pm25_tool::Console;
use rayon::prelude::*;

use crate::report;
use crate::request::Request;

const FORMAT: &str = "pm25-features";

/// What every table of one call is made from.
pub(crate) struct Job<'a> {
    pub(crate) request: &'a Request,
    pub(crate) observations: &'a Observations,
    pub(crate) plan: &'a Plan,
}

/// Statistics of the feature columns, by column.
pub(crate) type Statistics = BTreeMap<String, Statistic>;

/// Writes everything and returns the report.
pub(crate) fn tables(
    request: &Request,
    observations: &Observations,
    plan: &Plan,
    console: &Console,
) -> Result<PrepReport> {
    let job = Job {
        request,
        observations,
        plan,
    };
    let scene = Scene::whole(&request.features, &observations.network);
    let train = job.table(&scene, Part::Train);
    let statistics = statistics(&train, &request.features);
    say_what_is_never_there(&statistics, console);
    let (train_file, train) = job.write(&train, Part::Train, &statistics)?;
    let (valid_file, valid) =
        job.write(&job.table(&scene, Part::Valid), Part::Valid, &statistics)?;
    let (test_file, test) = job.write(&job.table(&scene, Part::Test), Part::Test, &statistics)?;
    let mut report = report::report(&job, &statistics, Parts { train, valid, test });
    report.pm25.files = vec![train_file, valid_file, test_file];
    write_document(
        &Output::Path(request.out_dir.join("prep.json")),
        &mut report,
    )?;
    Ok(report)
}

impl Job<'_> {
    /// The parameters that decide the result of a part; the train table must not know T2.
    pub(crate) fn header(&self, part: Part) -> Header {
        let features = &self.request.features;
        let cut = self.plan.cut;
        let header = Header::new(&program!())
            .param("task", features.task().word())
            .param("horizon_h", features.task().horizon_h())
            .param("features", features.to_string())
            .param("train_until", format_utc(cut.train_until_s()));
        match part {
            Part::Train => header,
            _ => header.param("valid_until", format_utc(cut.valid_until_s())),
        }
    }

    fn table(&self, scene: &Scene, part: Part) -> Table {
        pm25_rows::table(&self.observations.network, self.plan, scene, part)
    }

    fn write(
        &self,
        table: &Table,
        part: Part,
        statistics: &Statistics,
    ) -> Result<(InputRef, PartFact)> {
        let file = format!("{}.parquet", name(part));
        let mut header = self.prepared(part, statistics).put(self.header(part));
        header = header
            .unit("target_ug_m3", "µg/m³")
            .unit("persistence_ug_m3", "µg/m³");
        for feature in self.request.features.features() {
            header = header.unit(&feature.column(), feature.unit());
        }
        let until_s = match part {
            Part::Train => Some(self.plan.cut.train_until_s()),
            Part::Valid => Some(self.plan.cut.valid_until_s()),
            Part::Test | Part::Purged => None,
        };
        for observed in &self.observations.files {
            header = header.input(rows_before(observed, &self.observations.network, until_s)?);
        }
        let sha256 = table.write(
            &Output::Path(self.request.out_dir.join(&file)),
            FORMAT,
            header,
        )?;
        Ok((InputRef { name: file, sha256 }, report::part(table)?))
    }

    fn prepared(&self, part: Part, statistics: &Statistics) -> Prepared {
        Prepared {
            task: self.plan.task.into(),
            features: facts(&self.request.features),
            stations: pm25_rows::stations(&self.observations.network, self.plan, part),
            vocabulary: self.plan.vocabulary.clone(),
            statistics: statistics.clone(),
        }
    }
}

fn statistics(train: &Table, features: &FeatureSet) -> Statistics {
    let of_column = |feature: &Feature| {
        let column = feature.column();
        let values = train
            .f32(&column)
            .expect("every feature is a column of f32 of the table made from it");
        let statistic = statistic(values);
        (column, statistic)
    };
    features.features().par_iter().map(of_column).collect()
}

fn say_what_is_never_there(statistics: &Statistics, console: &Console) {
    let empty = statistics
        .iter()
        .filter(|(_, statistic)| statistic.present == 0);
    let empty: Vec<&str> = empty.map(|(column, _)| column.as_str()).collect();
    if !empty.is_empty() {
        console.note(&format!(
            "no train row has a value of: {}",
            empty.join(", ")
        ));
    }
}
