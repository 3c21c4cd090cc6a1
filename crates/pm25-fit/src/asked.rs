//! How a model is asked for on a command line: kind, folds, parts, settings, roles of columns.
//!
//! Not where its rows come from: each program has its own way to them.

use pm25_artifact::model::ModelKind;
use pm25_file::{Fault, Header, Result};

use crate::choose::Wanted;
use crate::learner::{Learner, Part, Share};
use crate::params::{self, Params};
use crate::roles::RoleArgs;
use crate::scope::{Scope, Stations};
use crate::weights::N_PARTS_MAX;

/// Flattened into the arguments of programs that fit models; every field is still a claim.
#[derive(Clone, Debug, clap::Args)]
pub struct LearnArgs {
    /// persistence, climatology, linear, forest, boost, blend of several, or best of them all
    #[arg(long, value_name = "KIND", default_value = "best")]
    pub model: Wanted,
    /// Folds in the order of time that best and blend are chosen on
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=50))]
    pub folds: u8,
    /// What a blend is made of: linear, forest, boost, patient, each perhaps with -half or -change [default: what
    /// suits the task]
    #[arg(long, value_name = "PART,...", value_delimiter = ',')]
    pub parts: Vec<Part>,
    /// Whether the parts of a blend learn from all stations alike, are told the station, learn each station for itself,
    /// or whichever is best on the folds
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub stations: Stations,
    /// A setting of the learners, for example n_estimators=500 or forest.max_depth=12; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", long_help = params::help())]
    settings: Vec<String>,
    #[command(flatten)]
    roles: RoleArgs,
}

impl LearnArgs {
    /// The settings, those that were typed before those `of_file`.
    ///
    /// # Errors
    /// Usage: an unknown or unused setting, a value out of range, parts without a blend, roles that nobody would obey.
    pub fn params(&self, of_file: &[String]) -> Result<Params> {
        self.expect_parts()?;
        self.expect_stations()?;
        let params = Params::parse(&self.settings, of_file, self.model)?;
        self.roles
            .expect_used(self.model, params.boost.objective())?;
        self.expect_sign(&params)?;
        Ok(params)
    }

    /// The settings with the roles of these columns.
    ///
    /// # Errors
    /// Usage: a role for a column that is not there.
    pub fn fitted_to(&self, mut params: Params, columns: &[&str]) -> Result<Params> {
        params.roles = self.roles.of(columns)?;
        Ok(params)
    }

    /// Refuses targets, µg/m³, that a booster which is asked for cannot learn; `name` says where they stand.
    ///
    /// # Errors
    /// Bad data: a target that the objective or the transform does not allow.
    pub fn expect_targets(&self, params: &Params, name: &str, targets: &[f32]) -> Result<()> {
        if !self.model.wants(ModelKind::Boost) {
            return Ok(());
        }
        params.expect_targets(name, targets)
    }

    /// Whether rows beside the train rows are needed: to stop a booster, or to choose where folds cannot.
    pub fn needs_valid(&self, params: &Params) -> bool {
        match self.model {
            Wanted::Best => true,
            Wanted::Kind(kind) => kind == ModelKind::Boost && params.stops_early(),
        }
    }

    /// Writes what decides a model's bytes into a header.
    pub fn put(&self, params: &Params, header: Header) -> Header {
        let header = header.param("model", self.model.word());
        let parts: Vec<String> = self.parts.iter().map(ToString::to_string).collect();
        let header = match parts.is_empty() {
            true => header,
            false => header.param("parts", parts),
        };
        let header = match self.stations.word() {
            Some(word) => header.param("stations", word),
            None => header,
        };
        self.roles.put(params.put(header, self.model))
    }

    /// A booster of positive targets cannot learn a change, which is as often negative.
    fn expect_sign(&self, params: &Params) -> Result<()> {
        let is_change = |part: &&Part| part.learner == Learner::Boost && part.share != Share::Value;
        match self.parts.iter().find(is_change) {
            Some(part) if params.boost_needs_sign() => Err(Fault::usage(format!(
                "the part `{part}` learns differences, some below zero, where the booster's objective or transform \
                 allows none"
            ))
            .hint("--parts linear,boost, or patient-half and patient-change")),
            _ => Ok(()),
        }
    }

    /// Only a blend has parts that can learn from stations in several ways.
    fn expect_stations(&self) -> Result<()> {
        let Some(word) = self.stations.word() else {
            return Ok(());
        };
        if let Wanted::Kind(kind) = self.model
            && kind != ModelKind::Blend
        {
            return Err(Fault::usage(format!(
                "`--stations {word}` changes nothing in a {kind} model"
            ))
            .hint(format!(
                "--model blend --parts linear,boost --stations {word}"
            )));
        }
        if self.parts.iter().any(|part| part.scope != Scope::Pooled) {
            return Err(Fault::usage(format!(
                "`--stations {word}` beside parts that say what they learn from"
            ))
            .hint("leave -effects, -own and -together off, or --stations out"));
        }
        Ok(())
    }

    /// Parts are those of a blend, at most as many as sets of them can be tried.
    fn expect_parts(&self) -> Result<()> {
        if !self.parts.is_empty() && self.model != Wanted::Kind(ModelKind::Blend) {
            return Err(
                Fault::usage("--parts changes nothing without --model blend")
                    .hint("pm25-train --model blend --parts linear,boost,boost-change ..."),
            );
        }
        if N_PARTS_MAX <= self.parts.len() {
            let most = N_PARTS_MAX - 1;
            return Err(
                Fault::usage(format!("{} parts are too many", self.parts.len()))
                    .hint(format!("a blend has at most {most}")),
            );
        }
        let mut sorted = self.parts.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(
                Fault::usage(format!("the part `{}` is there twice", pair[0]))
                    .hint("name every part once"),
            );
        }
        Ok(())
    }
}
