//! From what was typed to what is meant.

use std::path::PathBuf;

use pm25_air::civil::parse_rfc3339;
use pm25_air::split::{Shares, SplitError};
use pm25_air::task::target;
use pm25_air::{Cut, FeatureSet, Network, Station, Task};
use pm25_file::{Fault, Input, Result};
use pm25_rows::features_among;
use rayon::prelude::*;

use crate::Args;

/// What is to be done, every claim checked that needs no data.
pub(crate) struct Request {
    pub(crate) inputs: Vec<Input>,
    pub(crate) out_dir: PathBuf,
    /// What was asked for; a named set may get more once the stations are known.
    pub(crate) features: FeatureSet,
    features_text: Option<String>,
    pub(crate) split: Split,
}

/// How the cut is chosen.
#[derive(Clone, Copy)]
pub(crate) enum Split {
    At(Cut),
    Shares(Shares),
}

impl Request {
    pub(crate) fn of(args: Args, features: FeatureSet) -> Result<Self> {
        let split = split(&args)?;
        let n_stdin = args
            .observations
            .iter()
            .filter(|input| matches!(input, Input::Stdin))
            .count();
        if 1 < n_stdin {
            return Err(Fault::usage("standard input can be read once").hint("name `-` once"));
        }
        let out_dir = args
            .out_dir
            .ok_or_else(|| Fault::usage("--out-dir is missing"))?;
        Ok(Self {
            inputs: args.observations,
            out_dir,
            features,
            features_text: args.asked.features,
            split,
        })
    }

    /// Completes the features by what a named set has for each of the stations with train rows.
    ///
    /// # Errors
    /// When two of their names make one column.
    pub(crate) fn complete(&mut self, stations: &[String]) -> Result<()> {
        let text = self.features_text.as_deref();
        self.features = features_among(self.features.task(), text, stations)?;
        Ok(())
    }

    /// The cut, which shares take from the hours of the rows with a target.
    pub(crate) fn cut(&self, network: &Network) -> Result<Cut> {
        match self.split {
            Split::At(cut) => Ok(cut),
            Split::Shares(shares) => {
                let times_s = target_times_s(network, self.features.task());
                Cut::at_shares(times_s, shares)
                    .map_err(|e| Fault::bad_data(e.to_string()).hint(e.hint()))
            }
        }
    }
}

fn split(args: &Args) -> Result<Split> {
    if let Some(text) = &args.split {
        return text
            .parse()
            .map(Split::Shares)
            .map_err(|e| split_fault("--split", &e));
    }
    let (Some(train_until), Some(valid_until)) = (&args.train_until, &args.valid_until) else {
        return Err(
            Fault::usage("where to cut time into train, valid and test is not said")
                .hint("add --train-until T1 --valid-until T2, or --split 0.7,0.1,0.2"),
        );
    };
    let train_until_s = instant("--train-until", train_until)?;
    let valid_until_s = instant("--valid-until", valid_until)?;
    Cut::new(train_until_s, valid_until_s)
        .map(Split::At)
        .map_err(|e| split_fault("--valid-until", &e))
}

fn split_fault(flag: &str, err: &SplitError) -> Fault {
    Fault::usage(format!("{flag}: {err}")).hint(err.hint())
}

fn instant(flag: &str, text: &str) -> Result<i64> {
    parse_rfc3339(text).map_err(|e| Fault::usage(format!("{flag}: {e}")).hint(e.hint()))
}

/// The hours of all rows that have a target, station by station.
fn target_times_s(network: &Network, task: Task) -> Vec<i64> {
    let of_station = |station: &Station| -> Vec<i64> {
        let targets = target(station, task, 0..station.n_hours());
        let with_target = targets
            .iter()
            .enumerate()
            .filter(|(_, target)| !target.is_nan());
        with_target
            .map(|(hour_idx, _)| station.time_s(hour_idx))
            .collect()
    };
    network
        .stations
        .par_iter()
        .flat_map_iter(of_station)
        .collect()
}
