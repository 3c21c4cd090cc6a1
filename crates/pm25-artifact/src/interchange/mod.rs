//! Trees as other programs write them: XGBoost's JSON, LightGBM's text, ONNX.
//!
//! Not a conversion at any price: what a format cannot say is refused by name, never approximated. Only trees go
//! across; units, tasks and baselines have no place in those formats, so an import takes them from a model of ours.
//!
//! ```text
//! Model ──export──> xgboost | lightgbm | onnx
//! Model <─import─── xgboost | lightgbm            + a model of ours with the same input columns
//! ```
//!
//! | | ours | XGBoost | LightGBM | ONNX |
//! |---|---|---|---|---|
//! | goes left | x <= t, f32 | x < next above t, f32 | x <= t, f64 | x <= t, f32 |
//! | a leaf | f32 | f32 | f64 | f32 |
//! | their sum | f64 | f32 | f64 | f32 |
//! | cover | yes | `sum_hessian` | counts | `nodes_hitrates` |
//! | e to the sum | link `log` | Poisson, gamma | Poisson, gamma | no |
//! | a transformed target | yes | no | no | no |
//! | categories | 0 to 255 | yes | yes | no |

mod lightgbm;
mod objective;
mod onnx;
mod plant;
mod xgboost;

#[cfg(test)]
mod tests;

use std::fmt;

use pm25_file::{Fault, Header, Result, Sha256, nearest};
use pm25_learn::tree::{Ensemble, LEAF};

use crate::model::{Model, ModelKind};
use objective::LogLoss;

/// What is wrong, in words that fit behind "it" or "the model".
type Caused<T> = std::result::Result<T, String>;

/// A format of another program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// XGBoost's JSON model (`Booster.save_model("x.json")`).
    Xgboost,
    /// LightGBM's text model (`Booster.save_model("x.txt")`).
    Lightgbm,
    /// ONNX with the operator `ai.onnx.ml.TreeEnsembleRegressor`; it can only be written.
    Onnx,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xgboost => "XGBoost",
            Self::Lightgbm => "LightGBM",
            Self::Onnx => "ONNX",
        })
    }
}

/// Trees with everything around them that some format asks for.
struct Wood<'a> {
    trees: &'a Ensemble,
    /// Input columns in order.
    names: Vec<&'a str>,
    /// The loss, where the trees have a log link.
    log_loss: LogLoss,
    /// SHA-256 of the model file, for whoever asks where the trees come from.
    origin: Sha256,
}

impl Wood<'_> {
    /// What the leaf adds to the prediction.
    fn leaf(&self, value: f32) -> f64 {
        self.trees.scale * f64::from(value)
    }

    /// Whether a feature is asked for its category somewhere.
    fn is_category(&self, feature: usize) -> bool {
        let trees = &self.trees.trees;
        trees.iter().any(|tree| {
            let asked = tree.sets.iter().map(|set| tree.feature[set.node as usize]);
            asked.into_iter().any(|asked| usize::from(asked) == feature)
        })
    }
}

/// Writes the trees of a model in another program's format. `origin` is the hash of the model's file.
///
/// XGBoost and ONNX keep base and leaves as f32 and sum them so; LightGBM has no base, its first tree carries it. A
/// model with a log link is written with the loss that it was fitted with. A forest is written as a sum, its leaves divided by the number of trees (rounded once to f32, or to f64 in LightGBM).
///
/// # Errors
/// A bad artifact if the model has no trees or has something that the format cannot say.
pub fn export(model: &Model, origin: Sha256, to: Format) -> Result<Vec<u8>> {
    let refuse = |what: String| {
        Fault::bad_artifact(format!("{to}'s format cannot say this model: {what}")).hint(
            "boosters and forests of `pm25-train` can be exported; other formats may say more",
        )
    };
    if model.blend.is_some() {
        return Err(refuse("it is a blend of several models".to_owned()));
    }
    let Some(trees) = &model.trees else {
        return Err(refuse(format!("a {} model has no trees", model.kind)));
    };
    let wood = Wood {
        trees,
        names: model.inputs.iter().map(|i| i.column.as_str()).collect(),
        log_loss: log_loss(model),
        origin,
    };
    let objective = objective::name(&wood, to).map_err(refuse)?;
    match to {
        Format::Xgboost => xgboost::write(&wood, objective),
        Format::Lightgbm => lightgbm::write(&wood, objective),
        Format::Onnx => onnx::write(&wood),
    }
    .map_err(refuse)
}

/// What the model's header says of its loss; Poisson's where it says nothing.
fn log_loss(model: &Model) -> LogLoss {
    match model.header.params.get("boost.objective") {
        Some(name) if name == "reg:gamma" => LogLoss::Gamma,
        _ => LogLoss::Poisson,
    }
}

/// Trees that came from another program, checked.
struct Imported {
    /// For features in their own order.
    trees: Ensemble,
    /// Their names, if they have any.
    names: Option<Vec<String>>,
    /// How many there are.
    n_features: usize,
    kind: ModelKind,
}

/// Reads trees of another program into a model that is otherwise `like`: its task, input columns, stations and
/// baselines are taken over; its trees, blend, intervals and training profile are not. Columns are matched by name, and by position
/// where the file names none.
///
/// Predictions are summed in f64 here, so they agree with XGBoost's f32 sums to about 1e-6 relative; LightGBM's f64
/// leaves are rounded to f32. What was exported comes back with the same bits, but for a forest: it comes back as the
/// sum that was written.
///
/// # Errors
/// A bad artifact, with the first thing that is wrong or cannot be said here; a usage fault for ONNX, which cannot be
/// imported.
pub fn import(
    name: &str,
    bytes: &[u8],
    from: Format,
    like: Model,
    header: Header,
) -> Result<Model> {
    let refuse = |what: String| {
        Fault::bad_artifact(format!("{name} cannot be imported from {from}: {what}"))
            .hint("nothing is approximated: train the model without it, or save it again")
    };
    let imported = match from {
        Format::Xgboost => xgboost::read(bytes),
        Format::Lightgbm => lightgbm::read(bytes),
        Format::Onnx => {
            return Err(Fault::usage("models are written as ONNX, not read")
                .hint("import XGBoost's JSON or LightGBM's text"));
        }
    }
    .map_err(refuse)?;
    let columns: Vec<&str> = like.inputs.iter().map(|i| i.column.as_str()).collect();
    let places = places(&imported, &columns).map_err(refuse)?;
    let mut trees = imported.trees;
    for feature in trees.trees.iter_mut().flat_map(|tree| &mut tree.feature) {
        if *feature != LEAF {
            *feature = places[usize::from(*feature)];
        }
    }
    trees
        .check(columns.len())
        .map_err(|fault| refuse(fault.to_string()))?;
    Ok(Model {
        header,
        kind: imported.kind,
        trees: Some(trees),
        blend: None,
        intervals: None,
        online: None,
        warning_lines: Vec::new(),
        spread: None,
        profile: None,
        ..like
    })
}

/// For each of their features its place among our columns.
fn places(imported: &Imported, columns: &[&str]) -> Caused<Vec<u16>> {
    let Some(names) = &imported.names else {
        if imported.n_features != columns.len() {
            return Err(format!(
                "it has {} features without names, and the model that it is to be like has {}",
                imported.n_features,
                columns.len()
            ));
        }
        return Ok((0..columns.len() as u16).collect());
    };
    let place = |name: &String| {
        let place = columns.iter().position(|column| column == name);
        place.map(|place| place as u16).ok_or_else(|| {
            let near = nearest(name, columns.iter().copied());
            let near = near.map_or(String::new(), |near| format!(" (did it mean `{near}`?)"));
            format!("its feature `{}` is no input column{near}", shown(name))
        })
    };
    let places: Vec<u16> = names.iter().map(place).collect::<Caused<_>>()?;
    let mut sorted = places.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("it names a feature twice".to_owned());
    }
    Ok(places)
}

/// A word of a file as it may be repeated in a message.
fn shown(word: &str) -> String {
    const N_CHARS_MAX: usize = 60;
    let is_plain = |c: &char| !c.is_control();
    word.chars().filter(is_plain).take(N_CHARS_MAX).collect()
}

/// The mean leaf below each node, weighted by cover: what a node would say if it were a leaf.
fn means(wood: &Wood, tree: &pm25_learn::tree::Tree) -> Vec<f64> {
    let mut means: Vec<f64> = tree.value.iter().map(|&value| wood.leaf(value)).collect();
    // Children come after their parent.
    for node in (0..tree.n_nodes()).rev() {
        if tree.feature[node] == LEAF {
            continue;
        }
        let [left, right] = [tree.left[node] as usize, tree.left[node] as usize + 1];
        let [a, b] = [left, right].map(|child| f64::from(tree.cover[child]));
        means[node] = (a * means[left] + b * means[right]) / (a + b);
    }
    means
}
