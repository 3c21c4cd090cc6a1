//! What other programs call a model's loss: it tells what they make of the sum of its trees.
//!
//! Not the loss itself, which matters to nobody once the trees are grown.

use pm25_learn::tree::Link;

use super::{Caused, Format, Wood, shown};

/// XGBoost's objectives whose prediction is the sum.
const XGBOOST: [&str; 5] = [
    "reg:squarederror",
    "reg:linear",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
];
/// XGBoost's objectives whose prediction is e to the sum; `base_score` is such a prediction, not a sum.
const XGBOOST_LOG: [&str; 3] = ["count:poisson", "reg:gamma", "reg:tweedie"];
/// LightGBM's objectives whose prediction is the sum.
const LIGHTGBM: [&str; 6] = [
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
];
/// LightGBM's objectives whose prediction is e to the sum.
const LIGHTGBM_LOG: [&str; 3] = ["poisson", "gamma", "tweedie"];

/// The losses of ours that have a log link. Which of them it was matters only to whoever trains on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LogLoss {
    Poisson,
    Gamma,
}

/// The link that goes with XGBoost's name.
pub(super) fn of_xgboost(name: &str) -> Caused<Link> {
    link_of(name, &XGBOOST, &XGBOOST_LOG)
}

/// The link that goes with LightGBM's name.
pub(super) fn of_lightgbm(name: &str) -> Caused<Link> {
    link_of(name, &LIGHTGBM, &LIGHTGBM_LOG)
}

fn link_of(name: &str, plain: &[&str], log: &[&str]) -> Caused<Link> {
    if plain.contains(&name) {
        return Ok(Link::Identity);
    }
    if log.contains(&name) {
        return Ok(Link::Log);
    }
    Err(format!(
        "its objective `{}` is none whose prediction is the plain sum or e to it: {}",
        shown(name),
        [plain, log].concat().join(", ")
    ))
}

/// The name under which a format can say these trees, or why it cannot.
pub(super) fn name(wood: &Wood, to: Format) -> Caused<&'static str> {
    let log = match wood.log_loss {
        LogLoss::Poisson => 0,
        LogLoss::Gamma => 1,
    };
    let transformed = |name| {
        format!(
            "its target was transformed (boost.transform={name}) and its way back corrects a bias"
        )
    };
    match (wood.trees.link, to) {
        (Link::Identity, Format::Lightgbm) => Ok(LIGHTGBM[0]),
        (Link::Identity, Format::Xgboost | Format::Onnx) => Ok(XGBOOST[0]),
        (Link::Log, Format::Xgboost) => Ok(XGBOOST_LOG[log]),
        (Link::Log, Format::Lightgbm) => Ok(LIGHTGBM_LOG[log]),
        (Link::Log, Format::Onnx) => Err(format!(
            "its prediction is e to the sum of its trees (boost.objective={})",
            XGBOOST_LOG[log]
        )),
        (Link::Log1p { .. }, _) => Err(transformed("log1p")),
        (Link::Sqrt { .. }, _) => Err(transformed("sqrt")),
    }
}
