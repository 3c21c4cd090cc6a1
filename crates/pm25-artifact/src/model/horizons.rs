//! Models for several horizons in one file: one complete model for each, over the same inputs and stations.
//!
//! ```text
//! pm25      header: what all share
//! inputs    once; every member has exactly these columns
//! stations  once
//! together  trees that several members ask, each with hours ahead as one more column; absent where there are none
//! members   horizon_h 1, 6, 24 ...   rising; each with all that its own file would hold beside the above
//! ```
//!
//! Not an ensemble: a member is asked by its horizon and knows nothing of the others. A file of one horizon is a plain
//! model file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pm25_file::{
    Document, Fault, Header, Input, InputRef, Output, Result, Sha256, claimed_format,
    decode_document, write_document,
};
use pm25_learn::tree::Ensemble;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file::{Body, ModelFile};
use super::own::{HORIZON_COLUMN, check_together};
use super::trees::TreesFile;
use super::{Blend, FeatureFact, Model, StationFact};
use crate::prep::TaskFact;

/// More horizons than 1 to 72 h have.
pub const N_HORIZONS_MAX: usize = 72;
/// More shared learners than any model of ours has.
const N_TOGETHER_MAX: usize = 100;
/// What members share is copied for each of them, so a hostile file must not make it large. Ten times what 3,000
/// stations and 300 inputs need.
const SHARED_BYTES_MAX: usize = 4 << 20;

/// One model, or one for each of several horizons.
#[derive(Clone, Debug)]
pub struct Horizons {
    /// Rising by horizon, at least one.
    members: Vec<Model>,
}

/// The file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HorizonsFile {
    pm25: Header,
    inputs: Vec<FeatureFact>,
    stations: Vec<StationFact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    together: Vec<TreesFile>,
    members: Vec<MemberFile>,
}

/// One horizon's model without what all share.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct MemberFile {
    horizon_h: u16,
    /// Parameters of this member alone; they stand over the header's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    params: BTreeMap<String, Value>,
    model: Body,
}

impl Document for HorizonsFile {
    const FORMAT: &'static str = "pm25-horizons";
    const VERSION: u32 = 1;
    const PRETTY: bool = false;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

impl Horizons {
    /// Models as the members of one file.
    ///
    /// # Errors
    /// When there is none or too many of them, when two have one horizon or are not in rising order, when one of several
    /// is no forecast, or when they differ in inputs, stations or what their headers say beside parameters.
    pub fn of(members: Vec<Model>) -> Result<Self> {
        let all = Self { members };
        all.faults().map_err(Fault::bad_artifact)?;
        Ok(all)
    }

    /// Reads a model file of one horizon or of several; whatever is wrong with it is a bad artifact.
    pub fn read(input: &Input) -> Result<(Self, InputRef)> {
        let bytes = input.bytes()?;
        let read = Self::decode(&input.to_string(), &bytes)?;
        Ok((read, input.reference(&bytes)))
    }

    /// Decodes and validates the bytes of a model file; `name` is for messages.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        if !is_of_several(bytes) {
            let members = vec![decode_document::<ModelFile>(name, bytes)?.check(name)?];
            return Ok(Self { members });
        }
        decode_document::<HorizonsFile>(name, bytes)?.check(name)
    }

    /// Publishes them; returns the hash of the file. One model alone becomes a plain model file.
    pub fn write(mut self, output: &Output) -> Result<Sha256> {
        match self.members.len() {
            1 => self.members.remove(0).write(output),
            _ => write_document(output, &mut HorizonsFile::from(self)),
        }
    }

    /// The models, rising by horizon; at least one.
    pub fn members(&self) -> &[Model] {
        &self.members
    }

    /// The first model: what all have in common can be asked of it.
    pub fn shortest(&self) -> &Model {
        &self.members[0]
    }

    /// The model for a horizon, or the only one. `name` is for messages.
    ///
    /// # Errors
    /// When it is not said which of several is meant, or one is asked for that is not there: a usage fault that names
    /// those that are.
    pub fn at(mut self, name: &str, horizon_h: Option<u16>) -> Result<Model> {
        let there = self.horizons_h();
        let Some(wanted) = horizon_h else {
            return match there.len() {
                1 => Ok(self.members.remove(0)),
                _ => Err(self
                    .are_several(name)
                    .hint(format!("say which one is meant: --horizon-h {}", there[0]))),
            };
        };
        if let Some(at) = there.iter().position(|&known| known == wanted) {
            return Ok(self.members.remove(at));
        }
        let fault = Fault::usage(match self.shortest().task() {
            TaskFact::Nowcast => {
                format!("{name} is a model of the hour itself, not {wanted} h ahead")
            }
            _ => format!("{name} has no model for {wanted} h ahead"),
        });
        Err(match there.len() {
            1 => fault.hint("leave --horizon-h out: the file holds one model"),
            _ => fault.hint(format!("it has {} h ahead", list(&there))),
        })
    }

    /// The only model, for whoever has no way to say which.
    ///
    /// # Errors
    /// When there are several: a usage fault that says how to get one of them.
    pub fn only(mut self, name: &str) -> Result<Model> {
        match self.members.len() {
            1 => Ok(self.members.remove(0)),
            _ => Err(self.are_several(name).hint(format!(
                "one is taken here: `pm25-train --horizon-h {}` on the same tables makes a file of it",
                self.horizons_h()[0]
            ))),
        }
    }

    /// Hours ahead, rising; 0 for a nowcast.
    pub fn horizons_h(&self) -> Vec<u16> {
        let members = self.members.iter();
        members.map(|model| model.task().horizon_h()).collect()
    }

    fn are_several(&self, name: &str) -> Fault {
        Fault::usage(format!(
            "{name} holds one model for each of {} h ahead",
            list(&self.horizons_h())
        ))
    }

    fn faults(&self) -> std::result::Result<(), String> {
        let tasks: Vec<TaskFact> = self.members.iter().map(Model::task).collect();
        check_horizons(&tasks)?;
        let Some((first, others)) = self.members.split_first() else {
            return Err("it holds no model".to_owned());
        };
        for other in others {
            if other.inputs != first.inputs || other.stations != first.stations {
                return Err("its models differ in inputs or stations".to_owned());
            }
        }
        Ok(())
    }
}

impl From<Model> for Horizons {
    fn from(model: Model) -> Self {
        Self {
            members: vec![model],
        }
    }
}

/// Whether these bytes claim to be models for several horizons.
pub(super) fn is_of_several(bytes: &[u8]) -> bool {
    claimed_format(bytes).as_deref() == Some(HorizonsFile::FORMAT)
}

/// `1, 6 and 24`.
fn list(horizons_h: &[u16]) -> String {
    let words: Vec<String> = horizons_h.iter().map(u16::to_string).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Several models are forecasts whose horizons rise.
fn check_horizons(tasks: &[TaskFact]) -> std::result::Result<(), String> {
    if tasks.is_empty() || N_HORIZONS_MAX < tasks.len() {
        return Err(format!(
            "it holds {} models; 1 to {N_HORIZONS_MAX} are read",
            tasks.len()
        ));
    }
    let is_forecast = |task: &TaskFact| matches!(task, TaskFact::Forecast { .. });
    if 1 < tasks.len() && !tasks.iter().all(is_forecast) {
        return Err("of several models each is a forecast of one hour".to_owned());
    }
    let rises = tasks.is_sorted_by(|a, b| a.horizon_h() < b.horizon_h());
    if rises {
        Ok(())
    } else {
        Err("its horizons do not rise, each once".to_owned())
    }
}

impl From<Horizons> for HorizonsFile {
    fn from(horizons: Horizons) -> Self {
        let first = horizons.shortest();
        let header = shared_header(&horizons.members);
        let (inputs, stations) = (first.inputs.clone(), first.stations.clone());
        let shared = shared_trees(&horizons.members);
        let together = shared
            .iter()
            .map(|trees| TreesFile::from(&**trees))
            .collect();
        let member = |model: Model| {
            let own = model.header.params.iter();
            let own = own.filter(|(name, value)| header.params.get(*name) != Some(value));
            MemberFile {
                horizon_h: model.task.horizon_h(),
                params: own
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                model: ModelFile::of(model, &shared).into_body(),
            }
        };
        let members = horizons.members.into_iter().map(member).collect();
        Self {
            pm25: header,
            inputs,
            stations,
            together,
            members,
        }
    }
}

/// The learners of all horizons, each once, in the order in which members ask them.
fn shared_trees(members: &[Model]) -> Vec<Arc<Ensemble>> {
    let mut shared: Vec<Arc<Ensemble>> = Vec::new();
    let blends = members.iter().filter_map(|model| model.blend.as_ref());
    for trees in blends.flat_map(Blend::together) {
        if !shared.iter().any(|known| Arc::ptr_eq(known, trees)) {
            shared.push(Arc::clone(trees));
        }
    }
    shared
}

/// The first header with the parameters that all have alike.
fn shared_header(members: &[Model]) -> Header {
    let mut header = members[0].header.clone();
    header.params.retain(|name, value| {
        let has_it = |model: &Model| model.header.params.get(name) == Some(&*value);
        members.iter().all(has_it)
    });
    header
}

impl HorizonsFile {
    /// Validates what all share, then each member as a model file of its own.
    fn check(self, name: &str) -> Result<Horizons> {
        let unusable = |what: String| {
            Fault::bad_artifact(format!("{name} is no usable model: {what}"))
                .hint("train it again with `pm25-train`")
        };
        self.faults().map_err(unusable)?;
        let n_features = self.inputs.len();
        let together = self.together.iter();
        let shared = together
            .map(|trees| check_together(trees, n_features))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(unusable)?;
        let model = |member: MemberFile| {
            let name = format!("{name} ({} h ahead)", member.horizon_h);
            let mut header = self.pm25.clone();
            header.params.extend(member.params);
            let (inputs, stations) = (self.inputs.clone(), self.stations.clone());
            ModelFile::of_body(header, inputs, stations, member.model).check_with(&name, &shared)
        };
        let members = self.members.into_iter().map(model);
        Ok(Horizons {
            members: members.collect::<Result<_>>()?,
        })
    }

    fn faults(&self) -> std::result::Result<(), String> {
        if self.members.len() < 2 {
            return Err("it holds less than two models".to_owned());
        }
        let tasks: Vec<TaskFact> = self.members.iter().map(|m| m.model.task()).collect();
        check_horizons(&tasks)?;
        self.together_faults()?;
        let agree = |member: &MemberFile| member.horizon_h == member.model.task().horizon_h();
        if !self.members.iter().all(agree) {
            return Err("a model's task is not that of its horizon".to_owned());
        }
        let shared = serde_json::to_vec(&(&self.pm25, &self.inputs, &self.stations));
        match shared {
            Ok(bytes) if bytes.len() <= SHARED_BYTES_MAX => Ok(()),
            _ => Err(format!(
                "what its models share has more than {SHARED_BYTES_MAX} bytes"
            )),
        }
    }
    /// Shared learners are few, each is asked by somebody, and hours ahead are no input beside.
    fn together_faults(&self) -> std::result::Result<(), String> {
        let n_shared = self.together.len();
        if N_TOGETHER_MAX < n_shared {
            return Err(format!(
                "its models share {n_shared} learners; at most {N_TOGETHER_MAX} are read"
            ));
        }
        let members = self.members.iter();
        let asked: BTreeSet<u16> = members.flat_map(|member| member.model.shared()).collect();
        if !asked.into_iter().map(usize::from).eq(0..n_shared) {
            return Err("what its models share is not what they ask for".to_owned());
        }
        let has_column = self.inputs.iter().any(|it| it.column == HORIZON_COLUMN);
        match has_column && 0 < n_shared {
            true => Err(format!(
                "`{HORIZON_COLUMN}` is an input and the column of its horizons"
            )),
            false => Ok(()),
        }
    }
}
