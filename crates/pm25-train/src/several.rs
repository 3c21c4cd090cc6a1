//! A model for each horizon of tables that have several, in one file.
//!
//! Each is fitted as it would be from a table of its own: kind and settings are the same, what is chosen and when a
//! booster stops is found anew. Not a model of all horizons together.

use std::fmt;

use pm25_artifact::model::{Horizons, Model};
use pm25_artifact::train::{HorizonTrained, HorizonsReport, TrainReport};
use pm25_file::{Fault, Sha256, write_document};
use pm25_fit::Targets;
use pm25_tool::{Console, Outcome};
use serde::Serialize;

use crate::{Asked, fit, say, says};

/// Fits and publishes all.
pub(crate) fn train(
    asked: &Asked,
    (train, valid): (&Targets, &Targets),
    console: &Console,
) -> anyhow::Result<Outcome> {
    expect_same(train, valid)?;
    let mut members = Vec::new();
    let mut reports = Vec::new();
    for &horizon_h in train.horizons_h() {
        console.detail(&format!("{horizon_h} h ahead"));
        let mut tables = (train.at(horizon_h)?, valid.at(horizon_h)?);
        let (model, report) = fit(asked, (&mut tables.0, &tables.1), console)?;
        members.push(model);
        reports.push(report);
    }
    let report = sum_up(&reports);
    publish(asked, members, (report, &reports), console)
}

/// Both tables must have the same horizons.
pub(crate) fn expect_same(train: &Targets, valid: &Targets) -> pm25_file::Result<()> {
    if train.horizons_h() == valid.horizons_h() {
        return Ok(());
    }
    let (a, b) = (&train.source().name, &valid.source().name);
    Err(
        Fault::bad_data(format!("{a} and {b} have different horizons"))
            .hint("take both tables from one run of pm25-prep"),
    )
}

/// The report of all from those of each, of which there is one at least.
pub(crate) fn sum_up(reports: &[TrainReport]) -> HorizonsReport {
    let mut report = HorizonsReport {
        pm25: reports[0].pm25.clone(),
        model: Sha256::ZERO,
        n_features: reports[0].n_features,
        horizons: reports.iter().map(of_horizon).collect(),
        because: None,
        together: None,
    };
    // What differs from horizon to horizon stands there.
    report.pm25.params.remove("learned_from");
    report.pm25.params.remove("folds");
    report
}

/// Writes the file of all models and their report, and says it.
pub(crate) fn publish(
    asked: &Asked,
    members: Vec<Model>,
    (mut report, reports): (HorizonsReport, &[TrainReport]),
    console: &Console,
) -> anyhow::Result<Outcome> {
    report.model = Horizons::of(members)?.write(asked.args.out()?)?;
    if let Some(to) = &asked.args.report {
        write_document(to, &mut report)?;
    }
    if says(asked.args)? {
        console.say(&Said {
            report: &report,
            reports,
        })?;
    }
    Ok(Outcome::Done)
}

fn of_horizon(report: &TrainReport) -> (u16, HorizonTrained) {
    let trained = HorizonTrained {
        kind: report.kind,
        train_rows: report.train_rows,
        valid_rows: report.valid_rows,
        learned_from: report.learned_from,
        candidates: report.candidates.clone(),
        folds: report.folds.clone(),
        parts: report.parts.clone(),
        stations: report.stations.clone(),
        horizons: None,
        intervals: report.intervals.clone(),
    };
    (report.task.horizon_h(), trained)
}

/// The document for programs, each horizon's summary for people.
struct Said<'a> {
    report: &'a HorizonsReport,
    reports: &'a [TrainReport],
}

impl Serialize for Said<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.report.serialize(serializer)
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in self.reports {
            let horizon_h = report.task.horizon_h();
            write!(f, "{horizon_h} h  {}", say::Said(report))?;
            let of_horizon = self.report.horizons.get(&horizon_h);
            if let Some(choice) = of_horizon.and_then(|it| it.horizons.as_ref()) {
                say::choice(f, "horizons", choice)?;
            }
        }
        if let Some(because) = &self.report.because {
            writeln!(f, "horizons: {because}")?;
        }
        if let Some(fact) = &self.report.together {
            writeln!(
                f,
                "together: {} of {} rows of all horizons taught, {} MB of values",
                fact.rows,
                fact.rows_there,
                fact.bytes >> 20
            )?;
        }
        Ok(())
    }
}
