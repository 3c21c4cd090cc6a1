//! `pm25-predict`: asks a model for the PM2.5 that follows from the newest observations of each station.
//!
//! It does not judge (there is no target yet) and does not fetch: it reads observation tables. A row's features come
//! from the one evaluator of `pm25-air`, so its prediction is the one that the prepared table's row would get, to the
//! last bit.

mod braid;
mod forecast;
mod past;
mod pick;
mod remember;
mod say;

use std::path::PathBuf;

use clap::Parser;
use pm25_air::Network;
use pm25_air::civil::{format_utc, parse_rfc3339};
use pm25_artifact::model::{Horizons, Model};
use pm25_file::{Fault, Header, Input, InputRef, Output, Program, expect_distinct, program};
use pm25_tool::{Common, Console, Outcome, Threads, Tool, expect_each_once, threshold};

use forecast::{Answer, Asked};
use pick::{Pick, When};
use say::Summary;

const PROGRAM: Program = program!();
const FORMAT: &str = "pm25-forecast";

/// Predict PM2.5 from the newest observations
///
/// One row per station, and one per horizon where the model has several: a forecast starts from the station's newest hour with a PM2.5, a nowcast from its newest hour
/// with any input of the model. A station whose newest hour is more than 3 h before the network's is not served, nor one
/// of which the model wants to know the neighbours while none is known; which ones, and why, is said. With --at every
/// station is asked for that hour.
#[derive(Clone, Debug, Parser)]
#[command(name = "pm25-predict", version)]
pub struct Args {
    /// The model
    #[arg(long, value_name = "FILE")]
    model: Input,
    /// Observation tables; a station may be spread over several
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    observations: Vec<Input>,
    /// The hour stamped T (its start, with offset: 2017-02-01T07:00:00+08:00) instead of the newest
    #[arg(long, value_name = "T", value_parser = instant)]
    at: Option<i64>,
    /// Of a model of several horizons only this one [default: all of them, a row for each]
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// What the model's intervals remember: read if it is there, and written with what the observations add. Without it
    /// they begin with what the model remembers, and take from the observations what is not older than thirty days
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Probability of an hour above these, µg/m³, and whether to warn where the model has a line for it
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = threshold)]
    exceed: Vec<f64>,
    /// Where the predictions go
    #[arg(long, value_name = "FILE")]
    out: Output,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    common: Common,
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        expect_each_once("--exceed", &self.exceed)?;
        let state = self.state.clone().map(Output::Path);
        expect_distinct(&[&self.out].into_iter().chain(&state).collect::<Vec<_>>())?;
        let (horizons, source) = Horizons::read(&self.model)?;
        let horizons = match self.horizon_h {
            Some(_) => Horizons::from(horizons.at(&source.name, self.horizon_h)?),
            None => horizons,
        };
        if self.state.is_some() && 1 < horizons.members().len() {
            return Err(Fault::usage(
                "--state: a state is of one horizon, and the model has several",
            )
            .hint("say which with --horizon-h, each with a state of its own")
            .into());
        }
        let model = horizons.shortest();
        let features = pm25_rows::of_model(model, &source.name)?;
        for input in &self.observations {
            console.detail(&format!("reading {input}"));
        }
        let observations = pm25_rows::read(&self.observations, &|text| console.warn(text))?;
        let when = self.at.map_or(When::Newest, When::At);
        let network = &observations.network;
        let picks = self.threads.install(|| {
            let picks = pick::hours(network, &features, when);
            forecast::without_the_alone(model, &features, network, picks)
        })?;
        let summary = Summary::of(&horizons, network, &picks);
        if summary.rows == 0 {
            return Err(
                Fault::bad_data(format!("no station could be served: {}", summary.why()))
                    .hint("look at the newest hours with `pm25-ingest`, give another --at, or the observations of the whole network")
                    .into(),
            );
        }
        let one_of = |model: &Model| self.answer(model, &source, network, &picks);
        let members = horizons.members().iter();
        let answers = members.map(one_of).collect::<anyhow::Result<Vec<_>>>()?;
        let table = braid::braid(&answers.iter().map(|it| &it.table).collect::<Vec<_>>())?;
        let states = answers.iter().filter_map(|it| it.begun_from.clone());
        let header = self.header(&summary).input(source.clone());
        let header = states.fold(header, Header::input);
        table.write(
            &self.out,
            FORMAT,
            observations
                .files
                .into_iter()
                .map(|file| file.source)
                .fold(header, Header::input),
        )?;
        let state = answers.into_iter().find_map(|answer| answer.state);
        if let Some((path, state)) = self.state.as_ref().zip(state) {
            remember::write(path, (model, &source), state)?;
        }
        if !self.out.is_stdout() {
            console.say(&summary)?;
        }
        Ok(Outcome::Done)
    }
}

impl Args {
    /// What one horizon's model says.
    fn answer(
        &self,
        model: &Model,
        source: &InputRef,
        network: &Network,
        picks: &[Pick],
    ) -> anyhow::Result<Answer> {
        let features = pm25_rows::of_model(model, &source.name)?;
        let begin = remember::begin(self.state.as_deref(), (model, source))?;
        let asked = Asked {
            model,
            features: &features,
            exceed: &self.exceed,
        };
        let answer = self
            .threads
            .install(|| forecast::answer(&asked, network, picks, begin.as_ref()))??;
        Ok(answer)
    }

    fn header(&self, summary: &Summary) -> Header {
        let header = Header::new(&PROGRAM)
            .param("at", self.at.map(format_utc))
            .unit("horizon_h", "h")
            .unit("persistence_ug_m3", "µg/m³")
            .unit("prediction_ug_m3", "µg/m³")
            .unit("lower_90_ug_m3", "µg/m³")
            .unit("upper_90_ug_m3", "µg/m³")
            .fact("not_served", &summary.not_served)
            .fact("unknown_to_the_model", &summary.unknown_to_the_model);
        match summary.horizons.as_slice() {
            [] => header.fact("task", summary.task),
            horizons => header.fact("horizons", horizons),
        }
    }
}

fn instant(text: &str) -> Result<i64, String> {
    parse_rfc3339(text).map_err(|e| format!("{e}; {}", e.hint()))
}
