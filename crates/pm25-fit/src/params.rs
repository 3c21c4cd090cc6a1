//! `--set name=value`: what was typed becomes what the learners accept, or is refused with the range.
//!
//! A name belongs to every learner that knows it (`n_estimators`), or to one (`boost.n_estimators`).

use std::collections::BTreeSet;

use pm25_artifact::model::ModelKind;
use pm25_file::{Fault, Header, Result};
use pm25_learn::RidgeParams;
use pm25_learn::tree::{BoostParams, ForestParams, Knob, Link, Number, Objective, Role, Transform};

use crate::choose::Wanted;
use crate::learner::Learner;
use crate::oof::REFIT_TREES;
use crate::{unknown, widths};

/// Shrinkage of the ridge: weak, for tables of many rows.
const ALPHA: f64 = 1.0;

/// What a trial of LightGBM on UCI Beijing found for forecasts of 1 to 24 h: a rate of 0.03, 31 leaves of at least 200
/// rows, 0.3 of the columns a tree, lambda 20. The number of trees is the folds' to choose.
const PATIENT: [(&str, &str); 8] = [
    ("n_estimators", "1500"),
    ("learning_rate", "0.03"),
    ("max_depth", "12"),
    ("max_leaves", "31"),
    ("min_child_weight", "200"),
    ("colsample_bytree", "0.3"),
    ("reg_lambda", "20"),
    ("early_stopping_rounds", "60"),
];

/// The setting of the booster that is not the learner's own.
const TRANSFORM: &str = "transform";
/// The setting that is of no learner: what intervals are made of.
const INTERVALS: &str = "intervals";

/// Checked parameters of all learners.
#[derive(Clone, Debug)]
pub struct Params {
    alpha: f64,
    pub(crate) ridge: RidgeParams,
    pub(crate) forest: ForestParams,
    pub(crate) boost: BoostParams,
    /// What the booster learns in place of the target.
    pub(crate) transform: Transform,
    /// What intervals are made of.
    pub(crate) intervals: widths::Wanted,
    /// What boosters know of the columns; empty if all are plain numbers.
    pub(crate) roles: Vec<Role>,
    /// The number of trees that was set for the booster, which no refit may exceed; none where nobody set one.
    n_trees_max: Option<u64>,
    /// Whether anything of the booster was set by name.
    pub(crate) boost_is_set: bool,
}

/// What `--set` takes, from the learners' own tables, so that help cannot disagree with them.
pub(crate) fn help() -> String {
    let line = |knob: &Knob| {
        let default = match knob.default {
            Number::Whole(n) => n.to_string(),
            Number::Real(x) => x.to_string(),
            Number::Word(word) => word.to_owned(),
        };
        format!("\n  {}={default}  {}", knob.name, knob.about)
    };
    let lines = |knobs: &[Knob]| knobs.iter().map(line).collect::<String>();
    format!(
        "A setting of the learners, for example n_estimators=500 or forest.max_depth=12; may be \
         repeated\n\nNames are those of XGBoost and scikit-learn. Without a learner before the dot \
         a name goes to every learner that knows it.\n\nlinear:\n  alpha={ALPHA}  How strongly \
         weights are shrunk\n\nboost:{}\n  transform=none  \
         What is learned in place of the target: none, log1p or sqrt; predictions are corrected for \
         the bias of the way back\n\nforest:{}\n\nbest and blend:\n  {INTERVALS}=best  What 90 % intervals are made \
         of: spread (the error that a booster expects), heads (quantiles that boosters expect), or the better of both",
        lines(BoostParams::KNOBS),
        lines(ForestParams::KNOBS)
    )
}

/// One `--set`, taken apart.
struct Setting<'a> {
    learner: Option<&'a str>,
    name: &'a str,
    value: &'a str,
}

impl Params {
    /// From the words after `--set`, which go before those of a file.
    ///
    /// # Errors
    /// Usage: a setting that nobody knows or that `wanted` would not obey, or a value out of range.
    pub fn parse(said: &[String], of_file: &[String], wanted: Wanted) -> Result<Self> {
        let said = read(said)?;
        let mut settings = read(of_file)?;
        settings.retain(|old| !said.iter().any(|new| new.covers(old)));
        settings.extend(said);
        for setting in &settings {
            setting.expect_known()?;
            setting.expect_used(wanted)?;
        }
        let alpha = match settings
            .iter()
            .rfind(|s| s.is_for("linear", |n| n == "alpha"))
        {
            Some(setting) => number(setting.name, setting.value)?,
            None => ALPHA,
        };
        let refused =
            |what: String| Fault::usage(what).hint("pm25-train --help lists the settings");
        let of_boost = pairs(&settings, "boost", in_boost);
        let transform = transform(&settings)?;
        let boost = BoostParams::from_pairs(&of_boost).map_err(|e| refused(e.to_string()))?;
        if transform != Transform::None && boost.objective() != Objective::Squared {
            return Err(refused(format!(
                "boost.transform={transform} goes with objective=reg:squarederror only"
            )));
        }
        Ok(Self {
            alpha,
            n_trees_max: of_boost
                .iter()
                .any(|(name, _)| is_n_estimators(name))
                .then(|| count_of(&boost.settings())),
            boost_is_set: !of_boost.is_empty() || transform != Transform::None,
            transform,
            intervals: intervals(&settings)?,
            roles: Vec::new(),
            ridge: RidgeParams::new(alpha).map_err(|e| refused(e.to_string()))?,
            forest: ForestParams::from_pairs(&pairs(&settings, "forest", in_forest))
                .map_err(|e| refused(e.to_string()))?,
            boost,
        })
    }

    /// Settings of a booster that takes many small, strongly shrunk steps: what forecasts need, whose targets are noisy
    /// and whose columns are many and alike.
    pub(crate) fn patient(&self) -> Result<BoostParams> {
        let said = PATIENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
        BoostParams::from_pairs(&said)
            .map_err(|e| Fault::unforeseen("the patient booster's settings are refused").because(e))
    }

    /// What a learner learns in place of the target.
    pub(crate) fn transform_of(&self, learner: Learner) -> Transform {
        match learner {
            Learner::Boost => self.transform,
            _ => Transform::None,
        }
    }

    /// Trees of a booster's refit on all rows where the folds wanted `n_trees`: more rows bear more trees,
    /// 1.15 times as many, but never more than were set.
    pub fn refit_n_trees(&self, learner: Learner, n_trees: f64) -> u64 {
        let grown = ((n_trees * REFIT_TREES).round() as u64).max(1);
        match (learner, self.n_trees_max) {
            (Learner::Boost, Some(most)) => grown.min(most),
            _ => grown,
        }
    }

    /// Whether the booster stops before its last tree where other rows say so.
    pub(crate) fn stops_early(&self) -> bool {
        let rounds = |(name, number): &(&str, Number)| {
            *name == "early_stopping_rounds" && *number != Number::Whole(0)
        };
        self.boost.settings().iter().any(rounds)
    }

    /// Whether the booster learns only from targets that are not below zero: then it can learn no change.
    pub(crate) fn boost_needs_sign(&self) -> bool {
        self.transform != Transform::None || self.boost.objective().link() == Link::Log
    }

    /// Whether the booster can learn from every target of a table.
    ///
    /// # Errors
    /// Bad data: the first target that its objective or transform does not allow; `name` says where it stands.
    pub fn expect_targets(&self, name: &str, targets: &[f32]) -> Result<()> {
        let objective = self.boost.objective();
        let [least, bound] = match (self.boost_needs_sign(), objective) {
            (false, _) => return Ok(()),
            (true, Objective::Gamma) => ["above 0", "reg:squarederror or count:poisson"],
            (true, _) => ["not below 0", "reg:squarederror with boost.transform=none"],
        };
        let is_good = |&y: &f32| match objective {
            Objective::Gamma => 0.0 < y,
            _ => 0.0 <= y,
        };
        let Some(row_idx) = targets.iter().position(|y| !is_good(y)) else {
            return Ok(());
        };
        Err(Fault::bad_data(format!(
            "row {} of {} has the target {}; the booster's settings want targets {least}",
            row_idx + 1,
            name,
            targets[row_idx]
        ))
        .hint(format!("--set boost.objective={bound}")))
    }

    /// Writes the parameters of the wanted learners into a header.
    pub(crate) fn put(&self, mut header: Header, wanted: Wanted) -> Header {
        header = header.param("linear.alpha", self.alpha);
        if self.intervals != widths::Wanted::default() {
            header = header.param(INTERVALS, self.intervals.word());
        }
        if wanted.wants(ModelKind::Forest) {
            header = put(header, "forest", self.forest.settings());
        }
        if wanted.wants(ModelKind::Boost) {
            header = put(header, "boost", self.boost.settings());
            if self.transform != Transform::None {
                header = header.param("boost.transform", self.transform.word());
            }
        }
        header
    }
}

fn read(texts: &[String]) -> Result<Vec<Setting<'_>>> {
    texts.iter().map(|text| Setting::parse(text)).collect()
}

impl<'a> Setting<'a> {
    /// Whether what this one says goes before what another says.
    fn covers(&self, other: &Self) -> bool {
        self.name == other.name && (self.learner.is_none() || self.learner == other.learner)
    }

    fn parse(text: &'a str) -> Result<Self> {
        let (full, value) = text.split_once('=').ok_or_else(|| {
            Fault::usage(format!("`--set {text}` has no `=`")).hint("--set alpha=10")
        })?;
        let (learner, name) = match full.trim().split_once('.') {
            Some((learner, name)) => (Some(learner), name),
            None => (None, full.trim()),
        };
        Ok(Self {
            learner,
            name,
            value: value.trim(),
        })
    }

    fn is_for(&self, learner: &str, knows: impl Fn(&str) -> bool) -> bool {
        self.learner.is_none_or(|wanted| wanted == learner) && knows(self.name)
    }

    fn is_of_intervals(&self) -> bool {
        self.learner.is_none() && self.name == INTERVALS
    }

    /// A setting that nothing would obey is a slip.
    fn expect_used(&self, wanted: Wanted) -> Result<()> {
        let used = self.is_for("linear", |name| name == "alpha")
            || wanted.wants(ModelKind::Forest) && self.is_for("forest", in_forest)
            || wanted.wants(ModelKind::Boost) && self.is_for("boost", in_boost_or_transform)
            || wanted.is_folded() && self.is_of_intervals();
        if used {
            return Ok(());
        }
        Err(Fault::usage(format!(
            "`{}` changes nothing in a {} model",
            self.name,
            wanted.word()
        ))
        .hint("leave it out, or train a model that knows it: --model forest or boost"))
    }

    fn expect_known(&self) -> Result<()> {
        let learners = ["linear", "forest", "boost"];
        if let Some(learner) = self.learner
            && !learners.contains(&learner)
        {
            return Err(unknown("learner", learner, &learners));
        }
        let known = self.is_for("linear", |name| name == "alpha")
            || self.is_for("forest", in_forest)
            || self.is_for("boost", in_boost_or_transform)
            || self.is_of_intervals();
        if known {
            return Ok(());
        }
        let names: BTreeSet<&str> = ["alpha"]
            .into_iter()
            .chain(ForestParams::KNOBS.iter().map(|knob| knob.name))
            .chain(BoostParams::KNOBS.iter().map(|knob| knob.name))
            .chain([TRANSFORM, INTERVALS])
            .collect();
        if let Some(learner) = self.learner
            && names.contains(self.name)
        {
            return Err(
                Fault::usage(format!("`{}` is no setting of `{learner}`", self.name))
                    .hint("pm25-train --help lists the settings of each"),
            );
        }
        Err(unknown(
            "setting",
            self.name,
            &names.into_iter().collect::<Vec<_>>(),
        ))
    }
}

fn in_forest(name: &str) -> bool {
    ForestParams::KNOBS
        .iter()
        .any(|knob| knob.name == name || knob.also.contains(&name))
}

fn in_boost(name: &str) -> bool {
    BoostParams::KNOBS
        .iter()
        .any(|knob| knob.name == name || knob.also.contains(&name))
}

/// The setting `n_estimators` by any of its names.
fn is_n_estimators(name: &str) -> bool {
    BoostParams::KNOBS
        .iter()
        .any(|knob| knob.name == "n_estimators" && (knob.name == name || knob.also.contains(&name)))
}

fn in_boost_or_transform(name: &str) -> bool {
    name == TRANSFORM || in_boost(name)
}

fn transform(settings: &[Setting]) -> Result<Transform> {
    let said = settings
        .iter()
        .rfind(|s| s.is_for("boost", |name| name == TRANSFORM));
    said.map_or(Ok(Transform::None), |setting| {
        setting
            .value
            .parse()
            .map_err(|what: String| Fault::usage(what).hint("--set boost.transform=log1p"))
    })
}

fn intervals(settings: &[Setting]) -> Result<widths::Wanted> {
    let said = settings.iter().rfind(|s| s.is_of_intervals());
    said.map_or(Ok(widths::Wanted::default()), |setting| {
        setting
            .value
            .parse()
            .map_err(|what: String| Fault::usage(what).hint(format!("--set {INTERVALS}=heads")))
    })
}

fn pairs(settings: &[Setting], learner: &str, knows: fn(&str) -> bool) -> Vec<(String, String)> {
    settings
        .iter()
        .filter(|setting| setting.is_for(learner, knows))
        .map(|setting| (setting.name.to_owned(), setting.value.to_owned()))
        .collect()
}

/// The same settings for exactly as many trees, without a look at other rows.
pub(crate) fn at_n_trees(params: &BoostParams, n_trees: u64) -> Result<BoostParams> {
    let mut said: Vec<(String, String)> = params
        .settings()
        .into_iter()
        .map(|(name, number)| (name.to_owned(), number.to_string()))
        .collect();
    for (name, value) in &mut said {
        match name.as_str() {
            "n_estimators" => *value = n_trees.to_string(),
            "early_stopping_rounds" => *value = "0".to_owned(),
            _ => {}
        }
    }
    BoostParams::from_pairs(&said)
        .map_err(|e| Fault::unforeseen("a booster's own settings are refused").because(e))
}

/// The setting `n_estimators`.
pub(crate) fn count_of(settings: &[(&'static str, Number)]) -> u64 {
    settings
        .iter()
        .find_map(|(name, number)| match number {
            Number::Whole(n) if *name == "n_estimators" => Some(*n),
            _ => None,
        })
        .unwrap_or_default()
}

fn put(header: Header, learner: &str, settings: Vec<(&'static str, Number)>) -> Header {
    settings.into_iter().fold(header, |header, (name, number)| {
        let name = format!("{learner}.{name}");
        match number {
            Number::Whole(n) => header.param(&name, n),
            Number::Real(x) => header.param(&name, x),
            Number::Word(word) => header.param(&name, word),
        }
    })
}

fn number(name: &str, value: &str) -> Result<f64> {
    value.parse().map_err(|_| {
        Fault::usage(format!("`{value}` is no number for `{name}`")).hint(format!("--set {name}=1"))
    })
}
