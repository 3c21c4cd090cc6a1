//! `pm25-fit`: from prepared rows to a fitted and chosen model.
//!
//! Not a program and not a learner: `pm25-learn` grows trees and solves lines; here is what is done with them, and
//! which rows may teach what. Whoever fits models comes through here, so that a model of a backtest is the model
//! that `pm25-train` would have made. It never sees a row that a model is judged on.
//!
//! ```text
//! rows ── sample ┬─ fit ── choose                      a kind by name: learns from train
//!                └─ folds ── oof ── decide ── refit    best, blend: learn from train and valid
//! ```

mod asked;
mod calibrate;
mod choose;
mod data;
mod decide;
mod fit;
mod folds;
mod lean;
mod learner;
mod make;
mod oof;
mod params;
mod roles;
mod sample;
mod scope;
mod spread;
mod together;
mod weights;

pub use asked::LearnArgs;
pub use choose::Wanted;
pub use data::{Dataset, Targets};
pub use fit::Facts;
pub use folds::{Fold, embargo_h, folds};
pub use learner::{Fit, Learner, Part, Share, Stop, learn};
pub use make::{Made, Order, learn_kind, make};
pub use params::Params;
pub use sample::{Parts, Sample};
pub use scope::{Scope, Stations};
pub use together::{MadeSeveral, OfHorizon, Several, Ways, make_several};

use pm25_file::Fault;

/// An unknown word among known ones, with the nearest as the hint.
fn unknown(what: &str, word: &str, known: &[&str]) -> Fault {
    let fault = Fault::usage(format!("there is no {what} `{word}`"));
    match pm25_file::nearest(word, known.iter().copied()) {
        Some(near) => fault.hint(format!(
            "did you mean `{near}`? Known: {}",
            known.join(", ")
        )),
        None => fault.hint(format!("known: {}", known.join(", "))),
    }
}

/// A console that says nothing, for tests.
#[cfg(test)]
fn quiet() -> pm25_tool::Console {
    #[derive(clap::Parser)]
    struct Asked {
        #[command(flatten)]
        common: pm25_tool::Common,
    }
    let asked: Asked = clap::Parser::parse_from(["test", "-q"]);
    pm25_tool::Console::new(&asked.common)
}
