//! XGBoost's JSON model, as versions 1.6 to 3.2 write it.
//!
//! Not its binary formats, and not what trees of ours cannot be: DART's weights, linear boosters, several classes or
//! targets, objectives that make something else of the sum than itself or e to it.
//!
//! - A row goes left if `x < s` there and if `x <= t` here, both in f32: `s` is the next number above `t`. For `t` = 0 of
//!   either sign that is 1e-45, and back again it is +0. Above the largest number is infinity (a question whether there
//!   is a value at all): it is written as 1e39, which XGBoost reads so, and is written back by it as `Infinity`.
//! - A node that asks for a category lists what goes **right**; a category that is listed nowhere goes left.
//! - The prediction is `base_score` plus the leaves, summed in f32. Version 3.1 and later write the base as a vector of
//!   one (`"[5E-1]"`), earlier ones, which do not understand that, as a number.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pm25_learn::tree::{Ensemble, LEAF, Link, Tree};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::plant::{Node, Question, feature, members, others, plant, set_of};
use super::{Caused, Imported, Wood, means, objective};
use crate::model::ModelKind;

/// What XGBoost writes as the parent of the root.
const NO_PARENT: i32 = i32::MAX;
/// `split_type` of a node that asks for a category.
const BY_CATEGORY: u8 = 1;

/// What decides whether the rest can be read at all.
#[derive(Deserialize)]
struct Head {
    learner: LearnerHead,
}

#[derive(Deserialize)]
struct LearnerHead {
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    gradient_booster: BoosterHead,
    learner_model_param: LearnerParam,
    objective: ObjectiveHead,
}

#[derive(Deserialize)]
struct BoosterHead {
    name: String,
}

#[derive(Deserialize)]
struct ObjectiveHead {
    name: String,
}

/// Numbers in quotes, as XGBoost has them.
#[derive(Deserialize, Serialize)]
struct LearnerParam {
    base_score: String,
    #[serde(default = "one")]
    boost_from_average: String,
    #[serde(default = "zero")]
    num_class: String,
    num_feature: String,
    #[serde(default = "one")]
    num_target: String,
}

fn zero() -> String {
    "0".to_owned()
}

fn one() -> String {
    "1".to_owned()
}

#[derive(Deserialize, Serialize)]
struct File {
    learner: Learner,
    #[serde(default)]
    version: Vec<u32>,
}

#[derive(Deserialize, Serialize)]
struct Learner {
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    feature_names: Vec<String>,
    #[serde(default)]
    feature_types: Vec<String>,
    gradient_booster: Booster,
    learner_model_param: LearnerParam,
    #[serde(skip_deserializing)]
    objective: Objective,
}

#[derive(Default, Serialize)]
struct Objective {
    name: &'static str,
    reg_loss_param: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    poisson_regression_param: BTreeMap<&'static str, &'static str>,
}

#[derive(Deserialize, Serialize)]
struct Booster {
    model: Forest,
    #[serde(skip_deserializing)]
    name: &'static str,
}

#[derive(Deserialize, Serialize)]
struct Forest {
    #[serde(default, skip_serializing)]
    cats: Option<Categories>,
    gbtree_model_param: ForestParam,
    #[serde(skip_deserializing)]
    iteration_indptr: Vec<usize>,
    #[serde(default)]
    tree_info: Vec<i32>,
    trees: Vec<TreeFile>,
}

/// The categories' own names or numbers, if the model knows them; then the numbers in its nodes are not the rows'.
#[derive(Deserialize)]
struct Categories {
    #[serde(default)]
    enc: Vec<IgnoredAny>,
}

#[derive(Deserialize, Serialize)]
struct ForestParam {
    #[serde(default = "one")]
    num_parallel_tree: String,
    num_trees: String,
}

#[derive(Deserialize, Serialize)]
struct TreeFile {
    #[serde(skip_deserializing)]
    base_weights: Vec<f32>,
    #[serde(default)]
    categories: Vec<i64>,
    #[serde(default)]
    categories_nodes: Vec<usize>,
    #[serde(default)]
    categories_segments: Vec<usize>,
    #[serde(default)]
    categories_sizes: Vec<usize>,
    default_left: Vec<Flag>,
    #[serde(skip_deserializing)]
    id: usize,
    left_children: Vec<i64>,
    #[serde(skip_deserializing)]
    loss_changes: Vec<f32>,
    #[serde(skip_deserializing)]
    parents: Vec<i32>,
    right_children: Vec<i64>,
    split_conditions: Vec<Condition>,
    split_indices: Vec<i64>,
    #[serde(default)]
    split_type: Vec<u8>,
    sum_hessian: Vec<f32>,
    tree_param: TreeParam,
}

#[derive(Deserialize, Serialize)]
struct TreeParam {
    #[serde(skip_deserializing, default = "zero")]
    num_deleted: String,
    #[serde(skip_deserializing)]
    num_feature: String,
    num_nodes: String,
    #[serde(default = "one")]
    size_leaf_vector: String,
}

/// A 0 or 1; older versions wrote `true` and `false`.
#[derive(Clone, Copy, Serialize)]
struct Flag(u8);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Word(bool),
            Number(u8),
        }
        Ok(Self(match Either::deserialize(from)? {
            Either::Word(is_left) => u8::from(is_left),
            Either::Number(number) => number,
        }))
    }
}

/// A threshold, which may be infinite, or a leaf.
struct Condition(f32);

/// More than any f32 is.
const INFINITE: f64 = 1e39;

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_infinite() {
            to.serialize_f64(INFINITE)
        } else {
            to.serialize_f32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(f64::deserialize(from)? as f32))
    }
}

/// The file with `Infinity`, which is no JSON, as a number that is.
fn with_numbers(bytes: &[u8]) -> Cow<'_, [u8]> {
    const WORD: &[u8] = b"Infinity";
    const NUMBER: &[u8] = b"1e39    ";
    let mut copy = Cow::Borrowed(bytes);
    let (mut in_text, mut at) = (false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'I' if !in_text && bytes[at..].starts_with(WORD) => {
                copy.to_mut()[at..at + WORD.len()].copy_from_slice(NUMBER);
            }
            _ => {}
        }
        at += 1;
    }
    copy
}

/// Reads a model.
pub(super) fn read(bytes: &[u8]) -> Caused<Imported> {
    let no_json = |e: serde_json::Error| {
        format!("it is no XGBoost model in JSON ({e}); `Booster.save_model(\"x.json\")` writes one")
    };
    let bytes = &with_numbers(bytes);
    let head: Head = serde_json::from_slice(bytes).map_err(no_json)?;
    let (base, link) = check_head(&head.learner)?;
    let learner = serde_json::from_slice::<File>(bytes)
        .map_err(no_json)?
        .learner;
    let param = &learner.learner_model_param;
    let n_features = count("num_feature", &param.num_feature)?;
    let names = (!learner.feature_names.is_empty()).then_some(learner.feature_names);
    if names
        .as_ref()
        .is_some_and(|names| names.len() != n_features)
    {
        return Err("it has not as many feature names as features".to_owned());
    }
    let forest = learner.gradient_booster.model;
    check_forest(&forest)?;
    if let Some(best) = head.learner.attributes.get("best_iteration")
        && count("best_iteration", best)?.saturating_add(1) != forest.trees.len()
    {
        return Err(format!(
            "it was stopped early at iteration {best} of {}, and programs disagree on what it says then: save \
             `booster[: booster.best_iteration + 1]`",
            forest.trees.len()
        ));
    }
    let trees = forest.trees.iter().enumerate();
    let trees = trees.map(|(idx, tree)| {
        tree.plant(n_features)
            .map_err(|what| format!("tree {idx}: {what}"))
    });
    Ok(Imported {
        trees: Ensemble {
            base,
            scale: 1.0,
            link,
            trees: trees.collect::<Caused<_>>()?,
        },
        names,
        n_features,
        kind: ModelKind::Boost,
    })
}

/// Refuses what is not a sum of trees; the base of the sum, and what a prediction is made of it with.
fn check_head(head: &LearnerHead) -> Caused<(f64, Link)> {
    match head.gradient_booster.name.as_str() {
        "gbtree" => {}
        "dart" => return Err("DART weighs its trees (booster `dart`)".to_owned()),
        other => {
            return Err(format!(
                "its booster is `{}`, not `gbtree`",
                super::shown(other)
            ));
        }
    }
    let link = objective::of_xgboost(&head.objective.name)?;
    let param = &head.learner_model_param;
    if 1 < count("num_class", &param.num_class)? {
        return Err(format!("it has {} classes", param.num_class));
    }
    if 1 < count("num_target", &param.num_target)? {
        return Err(format!("it has {} targets", param.num_target));
    }
    let base = base_score(&param.base_score)?;
    match link {
        Link::Log if base <= 0.0 => Err(format!("its base_score {base} has no logarithm")),
        Link::Log => Ok((libm::log(base), link)),
        _ => Ok((base, link)),
    }
}

/// `5E-1` or `[5E-1]`.
fn base_score(text: &str) -> Caused<f64> {
    let number = match text.strip_prefix('[') {
        Some(vector) => vector.strip_suffix(']').unwrap_or_default(),
        None => text,
    };
    match number.trim().parse::<f64>() {
        Ok(base) if base.is_finite() => Ok(base),
        _ => Err(format!(
            "its base_score `{}` is not one number",
            super::shown(text)
        )),
    }
}

fn count(name: &str, text: &str) -> Caused<usize> {
    text.parse()
        .map_err(|_| format!("its {name} `{}` is no count", super::shown(text)))
}

fn check_forest(forest: &Forest) -> Caused<()> {
    let n_parallel = count(
        "num_parallel_tree",
        &forest.gbtree_model_param.num_parallel_tree,
    )?;
    if 1 < n_parallel {
        return Err(format!(
            "it grew {n_parallel} trees a round (num_parallel_tree), a boosted random forest"
        ));
    }
    if forest
        .cats
        .as_ref()
        .is_some_and(|cats| !cats.enc.is_empty())
    {
        return Err(
            "it knows categories by name, and its nodes count them in its own order (`cats`)"
                .to_owned(),
        );
    }
    if forest.tree_info.iter().any(|&class| class != 0) {
        return Err("its trees answer for several classes (`tree_info`)".to_owned());
    }
    let n_trees = count("num_trees", &forest.gbtree_model_param.num_trees)?;
    if n_trees != forest.trees.len() {
        return Err(format!(
            "it promises {n_trees} trees and has {}",
            forest.trees.len()
        ));
    }
    Ok(())
}

impl TreeFile {
    fn plant(&self, n_features: usize) -> Caused<Tree> {
        if self.tree_param.size_leaf_vector.parse() != Ok(1)
            && self.tree_param.size_leaf_vector != "0"
        {
            return Err("its leaves are vectors (`size_leaf_vector`)".to_owned());
        }
        let n_nodes = self.left_children.len();
        let lengths = [
            self.right_children.len(),
            self.split_conditions.len(),
            self.split_indices.len(),
            self.default_left.len(),
            self.sum_hessian.len(),
        ];
        if lengths.iter().any(|&length| length != n_nodes)
            || count("num_nodes", &self.tree_param.num_nodes)? != n_nodes
            || !(self.split_type.is_empty() || self.split_type.len() == n_nodes)
        {
            return Err("its arrays differ in length".to_owned());
        }
        let sets = self.sets()?;
        plant(
            n_nodes,
            |node| self.node(node, n_features, &sets),
            |node| self.sum_hessian[node],
        )
    }

    fn node(
        &self,
        node: usize,
        n_features: usize,
        sets: &BTreeMap<usize, [u64; 4]>,
    ) -> Caused<Node> {
        let (left, right) = (self.left_children[node], self.right_children[node]);
        if left == -1 && right == -1 {
            return Ok(Node::Leaf(self.split_conditions[node].0));
        }
        let child =
            |child: i64| usize::try_from(child).map_err(|_| format!("its child is {child}"));
        let question = match self.split_type.get(node) {
            None | Some(0) => Question::UpTo(up_to(self.split_conditions[node].0)?),
            Some(&BY_CATEGORY) => {
                let right = sets.get(&node);
                let right = right.ok_or("it asks for a category and lists none")?;
                Question::OneOf(others(*right))
            }
            Some(kind) => return Err(format!("its split_type is {kind}")),
        };
        Ok(Node::Split {
            feature: feature(self.split_indices[node], n_features)?,
            question,
            missing_left: self.default_left[node].0 != 0,
            children: [child(left)?, child(right)?],
        })
    }

    /// What each node that asks for a category sends right.
    fn sets(&self) -> Caused<BTreeMap<usize, [u64; 4]>> {
        let n = self.categories_nodes.len();
        if self.categories_segments.len() != n || self.categories_sizes.len() != n {
            return Err("its arrays of categories differ in length".to_owned());
        }
        let mut sets = BTreeMap::new();
        for (at, &node) in self.categories_nodes.iter().enumerate() {
            let (from, size) = (self.categories_segments[at], self.categories_sizes[at]);
            let members = from
                .checked_add(size)
                .and_then(|end| self.categories.get(from..end))
                .ok_or("its categories lie outside their array")?;
            let members = members
                .iter()
                .map(|&category| u32::try_from(category).unwrap_or(u32::MAX));
            sets.insert(node, set_of(members)?);
        }
        Ok(sets)
    }
}

/// `x < s` as `x <= t`.
fn up_to(s: f32) -> Caused<f32> {
    let t = s.next_down();
    if t.is_finite() {
        Ok(t)
    } else {
        Err(format!("no number lies below its threshold {s}"))
    }
}

/// Writes a model.
pub(super) fn write(wood: &Wood, objective: &'static str) -> Caused<Vec<u8>> {
    for name in &wood.names {
        if name.contains(['[', ']', '<', '"']) || name.is_empty() {
            return Err(format!("no feature there can be called `{name}`"));
        }
    }
    // The prediction of no tree, whatever is made of the sum.
    let base = wood.trees.link.prediction(wood.trees.base);
    let trees = &wood.trees.trees;
    let files = trees.iter().enumerate();
    let files = files.map(|(id, tree)| file_of(wood, id, tree)).collect();
    let n_features = wood.names.len();
    let kind = |feature: usize| {
        if wood.is_category(feature) {
            "c"
        } else {
            "float"
        }
    };
    let file = File {
        learner: Learner {
            attributes: [("pm25_model_sha256".to_owned(), wood.origin.to_string())].into(),
            feature_names: wood.names.iter().map(|&name| name.to_owned()).collect(),
            feature_types: (0..n_features).map(|f| kind(f).to_owned()).collect(),
            gradient_booster: Booster {
                model: Forest {
                    cats: None,
                    gbtree_model_param: ForestParam {
                        num_parallel_tree: one(),
                        num_trees: trees.len().to_string(),
                    },
                    iteration_indptr: (0..=trees.len()).collect(),
                    tree_info: vec![0; trees.len()],
                    trees: files,
                },
                name: "gbtree",
            },
            learner_model_param: LearnerParam {
                base_score: format!("{base:E}"),
                boost_from_average: one(),
                num_class: zero(),
                num_feature: n_features.to_string(),
                num_target: one(),
            },
            objective: Objective {
                name: objective,
                reg_loss_param: [("scale_pos_weight", "1")].into(),
                poisson_regression_param: match objective {
                    "count:poisson" => [("max_delta_step", "0.7")].into(),
                    _ => BTreeMap::new(),
                },
            },
        },
        // The oldest that is known to read it.
        version: vec![3, 0, 0],
    };
    serde_json::to_vec(&file).map_err(|e| e.to_string())
}

fn file_of(wood: &Wood, id: usize, tree: &Tree) -> TreeFile {
    let n_nodes = tree.n_nodes();
    let is_leaf = |node: usize| tree.feature[node] == LEAF;
    let child = |node: usize, right: i64| match is_leaf(node) {
        true => -1,
        false => i64::from(tree.left[node]) + right,
    };
    let condition = |node: usize| {
        Condition(match is_leaf(node) {
            true => wood.leaf(tree.value[node]) as f32,
            false => tree.threshold[node].next_up(),
        })
    };
    let mut parents = vec![NO_PARENT; n_nodes];
    for node in (0..n_nodes).filter(|&node| !is_leaf(node)) {
        let left = tree.left[node] as usize;
        parents[left..=left + 1].fill(node as i32);
    }
    let right: Vec<(usize, Vec<i64>)> = tree
        .sets
        .iter()
        .map(|set| {
            let right = members(others(set.left)).map(i64::from);
            (set.node as usize, right.collect())
        })
        .collect();
    let mut split_type = vec![0; n_nodes];
    let mut segments = vec![];
    let mut categories: Vec<i64> = vec![];
    for (node, right) in &right {
        split_type[*node] = BY_CATEGORY;
        segments.push(categories.len());
        categories.extend(right);
    }
    TreeFile {
        base_weights: means(wood, tree)
            .into_iter()
            .map(|mean| mean as f32)
            .collect(),
        categories,
        categories_nodes: right.iter().map(|(node, _)| *node).collect(),
        categories_segments: segments,
        categories_sizes: right.iter().map(|(_, right)| right.len()).collect(),
        default_left: tree
            .missing_left
            .iter()
            .map(|&is_left| Flag(u8::from(is_left)))
            .collect(),
        id,
        left_children: (0..n_nodes).map(|node| child(node, 0)).collect(),
        loss_changes: vec![0.0; n_nodes],
        parents,
        right_children: (0..n_nodes).map(|node| child(node, 1)).collect(),
        split_conditions: (0..n_nodes).map(condition).collect(),
        split_indices: tree
            .feature
            .iter()
            .map(|&f| if f == LEAF { 0 } else { i64::from(f) })
            .collect(),
        split_type,
        sum_hessian: tree.cover.clone(),
        tree_param: TreeParam {
            num_deleted: zero(),
            num_feature: wood.names.len().to_string(),
            num_nodes: n_nodes.to_string(),
            size_leaf_vector: one(),
        },
    }
}
