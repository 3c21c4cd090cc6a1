//! Tables with several horizons, learned from together or in the better of both ways.
//!
//! `pm25-fit` learns and chooses; here is what is refused, and how it is written down. Each horizon by itself, which is the
//! default, is in `several`.

use pm25_artifact::model::ModelKind;
use pm25_artifact::train::HorizonsReport;
use pm25_file::{Fault, Header, Result};
use pm25_fit::{
    Facts, OfHorizon, Params, Sample, Scope, Several, Stations, Targets, Wanted, Ways, make_several,
};
use pm25_tool::{Console, Outcome};
use serde_json::Value;

use crate::args::FitArgs;
use crate::{Asked, checked, report, several};

/// Whether any learner is to learn from several horizons.
///
/// # Errors
/// Usage: of a kind that has no parts, or with another choice beside.
pub(crate) fn is_asked(args: &FitArgs) -> Result<bool> {
    let learn = &args.learn;
    let names_it = learn.parts.iter().any(|part| part.scope == Scope::Together);
    let word = match (args.horizons, names_it) {
        (Ways::Each, false) => return expect_no_rows(args).map(|()| false),
        (Ways::Each | Ways::Together, _) => "together",
        (Ways::Best, _) => "best",
    };
    if let Wanted::Kind(kind) = learn.model
        && kind != ModelKind::Blend
    {
        return Err(Fault::usage(format!(
            "`--horizons {word}` changes nothing in a {kind} model"
        ))
        .hint(format!("--model blend --horizons {word}")));
    }
    if !learn.parts.is_empty() && (!names_it || args.horizons == Ways::Best) {
        return Err(Fault::usage(format!(
            "`--horizons {word}` beside parts that say what they learn from"
        ))
        .hint(
            "leave --parts out, or name those of all horizons: --parts linear,patient-together",
        ));
    }
    if word == "together" && learn.stations != Stations::Pooled {
        return Err(Fault::usage(
            "--stations is for models of each horizon by itself, and --horizons together makes none",
        )
        .hint("--horizons best --stations best"));
    }
    Ok(true)
}

/// Rows at most where nobody says.
const ROWS_MAX: u32 = 1_000_000;

fn rows_max(args: &FitArgs) -> u32 {
    args.together_rows.unwrap_or(ROWS_MAX)
}

/// Refuses a number of rows for what nothing learns.
fn expect_no_rows(args: &FitArgs) -> Result<()> {
    match args.together_rows {
        None => Ok(()),
        Some(_) => Err(Fault::usage(
            "`--together-rows` changes nothing where each horizon learns by itself",
        )
        .hint("--horizons together or best, with tables of several horizons; or leave it out")),
    }
}

/// Refuses what only tables with several horizons can give.
pub(crate) fn expect_not_asked(args: &FitArgs) -> Result<()> {
    if args.horizons == Ways::Each {
        return expect_no_rows(args);
    }
    Err(
        Fault::usage("--horizons asks for several horizons, and there is one").hint(
            "pm25-prep --horizon-h 1,6,24 makes tables of several; leave --horizon-h out here",
        ),
    )
}

/// Fits and publishes all.
pub(crate) fn train(
    asked: &Asked,
    (train, valid): (&Targets, &Targets),
    console: &Console,
) -> anyhow::Result<Outcome> {
    several::expect_same(train, valid)?;
    let args = asked.args;
    let horizons_h = train.horizons_h();
    let mut params: Option<Params> = None;
    for &horizon_h in horizons_h {
        let (train, valid) = (train.at(horizon_h)?, valid.at(horizon_h)?);
        params = Some(checked(asked, (&train, &valid), console)?);
    }
    let params = params.unwrap_or_else(|| asked.params.clone());
    let read = |idx: usize| {
        let (train, valid) = (train.at(horizons_h[idx])?, valid.at(horizons_h[idx])?);
        let rows = Sample::of(&train, &train)?.and(&Sample::of(&valid, &train)?);
        Ok(OfHorizon {
            facts: Facts::of(&train),
            rows,
        })
    };
    let order = Several {
        ways: match args.horizons {
            Ways::Best => Ways::Best,
            _ => Ways::Together,
        },
        wanted: args.learn.model,
        n_folds: usize::from(args.learn.folds),
        parts: &args.learn.parts,
        stations: args.learn.stations,
        params: &params,
        rows_max: rows_max(args) as usize,
    };
    let made = args
        .threads
        .install(|| make_several(&order, horizons_h.len(), &read, console))??;
    let (mut members, mut reports, mut choices) = (Vec::new(), Vec::new(), Vec::new());
    for (&horizon_h, (of_horizon, choice)) in horizons_h.iter().zip(made.made) {
        let (train, valid) = (train.at(horizon_h)?, valid.at(horizon_h)?);
        let (mut model, mut of_horizon) = report(asked, (&train, &valid), &params, of_horizon);
        for header in [&mut model.header, &mut of_horizon.pm25] {
            put(args, made.because.as_deref(), header);
        }
        members.push(model);
        reports.push(of_horizon);
        choices.push((horizon_h, choice));
    }
    let mut all = HorizonsReport {
        because: made.because,
        together: made.together,
        ..several::sum_up(&reports)
    };
    for (horizon_h, choice) in choices {
        if let Some(of_horizon) = all.horizons.get_mut(&horizon_h) {
            of_horizon.horizons = choice;
        }
    }
    several::publish(asked, members, (all, &reports), console)
}

/// Writes what was asked and why the choice fell into a header.
fn put(args: &FitArgs, because: Option<&str>, header: &mut Header) {
    let word = match args.horizons {
        Ways::Best => "best",
        _ => "together",
    };
    let mut put = |name: &str, value: Value| header.params.insert(name.to_owned(), value);
    put("horizons", word.into());
    put("together_rows", rows_max(args).into());
    if let Some(because) = because {
        put("horizons_because", because.into());
    }
}
