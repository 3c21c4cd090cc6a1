//! LightGBM's text model, versions 3 and 4 of the format.
//!
//! Not linear trees, several classes, or objectives that transform the sum.
//!
//! - Thresholds are f64 there. For f32 inputs `x <= t` asks the same as `x <= s`, `s` being the greatest f32 that is
//!   not above `t`. An infinite threshold asks whether there is a value at all; here that is the largest f32, which
//!   decides all values alike that can be measured.
//! - `decision_type`: bit 0 asks for a category, bit 1 sends what is missing left, bits 2 and 3 say what is missing
//!   (0 nothing: a NaN counts as 0; 1 zero and NaN; 2 NaN). A missing category always goes right, so a node that sends
//!   it left is written with its children exchanged.
//! - There is no base: a first tree of one leaf carries it, and is the base again when it comes back.
//! - Counts are whole numbers there. Covers that are not are all multiplied by one power of two before they are
//!   rounded; only their ratios matter.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;

use pm25_learn::tree::{Ensemble, LEAF, Link, Tree};

use super::plant::{Node, Question, feature, members, others, plant, set_of};
use super::{Caused, Imported, Wood, means, objective, shown};
use crate::model::ModelKind;

const BY_CATEGORY: u8 = 1;
const MISSING_LEFT: u8 = 2;
/// Bits 2 and 3 of `decision_type`.
const MISSING: u8 = 12;
const NOTHING_IS_MISSING: u8 = 0;
const NAN_IS_MISSING: u8 = 8;
/// Counts are signed 32-bit numbers there; the root's stays below this.
const COUNT_MAX: f64 = (1_u64 << 30) as f64;
/// Bits in a word of `cat_threshold`.
const WORD_BITS: usize = 32;

/// The `key=value` lines of one part of the file.
struct Part<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Part<'a> {
    fn of(lines: &[&'a str]) -> Self {
        let pair = |line: &&'a str| match line.split_once('=') {
            Some((key, value)) => (key, value.trim()),
            None => (line.trim(), ""),
        };
        Self(lines.iter().map(pair).collect())
    }

    fn word(&self, key: &str) -> Caused<&'a str> {
        let word = self.0.get(key).copied();
        word.ok_or_else(|| format!("it has no `{key}`"))
    }

    fn number<T: FromStr>(&self, key: &str) -> Caused<T> {
        let word = self.word(key)?;
        word.parse()
            .map_err(|_| format!("its {key} `{}` is no such number", shown(word)))
    }

    fn numbers<T: FromStr>(&self, key: &str) -> Caused<Vec<T>> {
        let words = self.word(key)?.split_ascii_whitespace();
        let number = |word: &str| {
            word.parse()
                .map_err(|_| format!("`{}` in its {key} is no such number", shown(word)))
        };
        words.map(number).collect()
    }

    fn expect<T: FromStr>(&self, key: &str, n: usize) -> Caused<Vec<T>> {
        let numbers = self.numbers(key)?;
        if numbers.len() == n {
            Ok(numbers)
        } else {
            Err(format!("its {key} has {} items, not {n}", numbers.len()))
        }
    }
}

/// Reads a model.
pub(super) fn read(bytes: &[u8]) -> Caused<Imported> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let mut lines = text.lines().map(str::trim);
    if lines.next() != Some("tree") {
        return Err(
            "it does not begin with the line `tree`; `Booster.save_model(\"x.txt\")` writes one"
                .to_owned(),
        );
    }
    let lines: Vec<&str> = lines.collect();
    let end = lines.iter().position(|&line| line == "end of trees");
    let lines = &lines[..end.ok_or("it has no line `end of trees`: it was cut off")?];
    let mut parts = vec![];
    let mut from = 0;
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with("Tree=") {
            parts.push(&lines[from..at]);
            from = at + 1;
        }
    }
    parts.push(&lines[from..]);
    let head = Part::of(parts[0]);
    let link = check_head(&head)?;
    let n_features = head
        .number::<u16>("max_feature_idx")
        .map(|last| usize::from(last) + 1)?;
    let names: Vec<String> = head
        .word("feature_names")?
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect();
    if names.len() != n_features {
        return Err("it has not as many feature names as features".to_owned());
    }
    // What LightGBM calls columns that were given without names.
    let are_numbers = (0..n_features).all(|at| names[at] == format!("Column_{at}"));
    let (mut trees, kind) = ensemble(&head, &parts[1..], n_features)?;
    trees.link = link;
    Ok(Imported {
        trees,
        names: (!are_numbers).then_some(names),
        n_features,
        kind,
    })
}

fn ensemble(head: &Part, parts: &[&[&str]], n_features: usize) -> Caused<(Ensemble, ModelKind)> {
    let is_mean = head.0.contains_key("average_output");
    let mut base = 0.0;
    let mut trees = Vec::with_capacity(parts.len());
    for (idx, part) in parts.iter().enumerate() {
        let part = Part::of(part);
        let in_tree = |what: String| format!("tree {idx}: {what}");
        if idx == 0 && !is_mean && part.number::<usize>("num_leaves") == Ok(1) {
            base = part.number("leaf_value").map_err(in_tree)?;
            continue;
        }
        trees.push(planted(&part, n_features).map_err(in_tree)?);
    }
    let (scale, kind) = match is_mean {
        true => (1.0 / trees.len().max(1) as f64, ModelKind::Forest),
        false => (1.0, ModelKind::Boost),
    };
    Ok((
        Ensemble {
            base,
            scale,
            link: Link::Identity,
            trees: trees.into(),
        },
        kind,
    ))
}

fn check_head(head: &Part) -> Caused<Link> {
    let version = head.word("version")?;
    if !["v3", "v4"].contains(&version) {
        return Err(format!(
            "its format is `{}`; v3 and v4 are read",
            shown(version)
        ));
    }
    if head.word("num_class")? != "1" || head.word("num_tree_per_iteration")? != "1" {
        return Err(format!("it has {} classes", shown(head.word("num_class")?)));
    }
    let objective = head.word("objective").map_err(|_| {
        "it names no objective, so nobody can know what its sum means (a custom one?)".to_owned()
    })?;
    let mut words = objective.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    if words.any(|word| word == "sqrt") {
        return Err(format!(
            "its objective `{}` predicts a square and corrects no bias",
            shown(objective)
        ));
    }
    objective::of_lightgbm(name)
}

/// The arrays of a tree with at least one split.
struct Arrays {
    split_feature: Vec<i64>,
    threshold: Vec<f64>,
    decision_type: Vec<u8>,
    children: [Vec<i64>; 2],
    leaf_value: Vec<f64>,
    /// Of the splits, then of the leaves.
    counts: Vec<f64>,
    boundaries: Vec<usize>,
    bitsets: Vec<u32>,
}

fn planted(part: &Part, n_features: usize) -> Caused<Tree> {
    if part.word("is_linear").unwrap_or("0") != "0" {
        return Err("its leaves are linear models (`is_linear`)".to_owned());
    }
    let n_leaves: usize = part.number("num_leaves")?;
    if n_leaves < 2 {
        let value: f64 = part.number("leaf_value")?;
        return plant(1, |_| Ok(Node::Leaf(value as f32)), |_| 1.0);
    }
    let n_splits = n_leaves - 1;
    let has_sets = part.number::<usize>("num_cat")? != 0;
    let arrays = Arrays {
        split_feature: part.expect("split_feature", n_splits)?,
        threshold: part.expect("threshold", n_splits)?,
        decision_type: part.expect("decision_type", n_splits)?,
        children: [
            part.expect("left_child", n_splits)?,
            part.expect("right_child", n_splits)?,
        ],
        leaf_value: part.expect("leaf_value", n_leaves)?,
        counts: [
            part.expect("internal_count", n_splits)?,
            part.expect("leaf_count", n_leaves)?,
        ]
        .concat(),
        boundaries: match has_sets {
            true => part.numbers("cat_boundaries")?,
            false => vec![],
        },
        bitsets: match has_sets {
            true => part.numbers("cat_threshold")?,
            false => vec![],
        },
    };
    plant(
        n_splits + n_leaves,
        |node| arrays.node(node, n_features),
        |node| arrays.counts[node] as f32,
    )
}

impl Arrays {
    /// Splits come first, leaves after them.
    fn node(&self, node: usize, n_features: usize) -> Caused<Node> {
        let n_splits = self.threshold.len();
        if n_splits <= node {
            return Ok(Node::Leaf(self.leaf_value[node - n_splits] as f32));
        }
        // A leaf is a negative child: -1 is leaf 0.
        let child = |child: i64| match usize::try_from(child) {
            Ok(split) => split,
            Err(_) => {
                usize::try_from(!child).map_or(usize::MAX, |leaf| leaf.saturating_add(n_splits))
            }
        };
        let (question, missing_left) = self.question(node)?;
        Ok(Node::Split {
            feature: feature(self.split_feature[node], n_features)?,
            question,
            missing_left,
            children: [child(self.children[0][node]), child(self.children[1][node])],
        })
    }

    fn question(&self, node: usize) -> Caused<(Question, bool)> {
        let (kind, threshold) = (self.decision_type[node], self.threshold[node]);
        if kind & BY_CATEGORY != 0 {
            return Ok((Question::OneOf(self.set(threshold)?), false));
        }
        let missing_left = match kind & MISSING {
            NAN_IS_MISSING => kind & MISSING_LEFT != 0,
            NOTHING_IS_MISSING => 0.0 <= threshold,
            _ => {
                return Err(format!(
                    "it takes zero for missing (decision_type {kind}, zero_as_missing)"
                ));
            }
        };
        Ok((Question::UpTo(up_to(threshold)?), missing_left))
    }

    /// `number` is a place in `cat_boundaries`.
    fn set(&self, number: f64) -> Caused<[u64; 4]> {
        let outside = || "its categories lie outside their array".to_owned();
        let at = number as usize;
        if at as f64 != number {
            return Err(outside());
        }
        let bounds = self.boundaries.get(at..).and_then(|rest| rest.get(..2));
        let &[from, end] = bounds.ok_or_else(outside)? else {
            return Err(outside());
        };
        let words = self.bitsets.get(from..end).ok_or_else(outside)?;
        let bits = words.iter().enumerate().flat_map(|(at, word)| {
            let in_word = (0..WORD_BITS).filter(move |bit| word >> bit & 1 == 1);
            in_word.map(move |bit| u32::try_from(WORD_BITS * at + bit).unwrap_or(u32::MAX))
        });
        set_of(bits)
    }
}

/// The greatest f32 that is not above `t`.
fn up_to(t: f64) -> Caused<f32> {
    let near = t as f32;
    let below = if t < f64::from(near) {
        near.next_down()
    } else {
        near
    };
    if below.is_finite() {
        Ok(below)
    } else if t == f64::INFINITY {
        Ok(f32::MAX)
    } else {
        Err(format!("no f32 lies below its threshold {t}"))
    }
}

/// Writes a model.
pub(super) fn write(wood: &Wood, objective: &str) -> Caused<Vec<u8>> {
    for name in &wood.names {
        let is_plain = |c: char| c.is_alphanumeric() || "_-.+/()%".contains(c);
        if !name.chars().all(is_plain) || name.is_empty() {
            return Err(format!("no feature there can be called `{name}`"));
        }
    }
    let mut text = format!(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx={}\n\
         objective={objective}\nfeature_names={}\nfeature_infos={}\npm25_model_sha256={}\n\n",
        wood.names.len().max(1) - 1,
        wood.names.join(" "),
        joined((0..wood.names.len()).map(|feature| range(wood, feature))),
        wood.origin,
    );
    let base = wood.trees.base;
    push_constant(&mut text, 0, base);
    for (idx, tree) in wood.trees.trees.iter().enumerate() {
        match tree.n_nodes() {
            1 => push_constant(&mut text, idx + 1, wood.leaf(tree.value[0])),
            _ => push_tree(&mut text, idx + 1, wood, tree),
        }
    }
    text.push_str("end of trees\n");
    Ok(text.into_bytes())
}

/// What LightGBM notes of the values of a feature; of numbers only what our thresholds tell.
fn range(wood: &Wood, feature: usize) -> String {
    if wood.is_category(feature) {
        return (0..256)
            .map(|c: u32| c.to_string())
            .collect::<Vec<_>>()
            .join(":");
    }
    let trees = wood.trees.trees.iter();
    let thresholds = trees.flat_map(|tree| {
        let nodes = tree.feature.iter().zip(&tree.threshold);
        nodes.filter_map(|(&asked, &t)| (usize::from(asked) == feature).then_some(t))
    });
    let (low, high) = thresholds.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), t| {
        (low.min(t), high.max(t))
    });
    if low <= high {
        format!("[{low:e}:{high:e}]")
    } else {
        "none".to_owned()
    }
}

fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    words.join(" ")
}

fn push_constant(text: &mut String, idx: usize, value: f64) {
    let empty = "num_cat=0\nsplit_feature=\nsplit_gain=\nthreshold=\ndecision_type=\nleft_child=\nright_child=";
    let _ = write!(
        text,
        "Tree={idx}\nnum_leaves=1\n{empty}\nleaf_value={value:e}\nleaf_weight=\nleaf_count=\ninternal_value=\n\
         internal_weight=\ninternal_count=\nis_linear=0\nshrinkage=1\n\n\n"
    );
}

fn push_tree(text: &mut String, idx: usize, wood: &Wood, tree: &Tree) {
    let nodes = 0..tree.n_nodes();
    let (splits, leaves): (Vec<usize>, Vec<usize>) =
        nodes.partition(|&node| tree.feature[node] != LEAF);
    let numbers = numbers(&splits, &leaves);
    let says = splits.iter().map(|&node| Says::of(tree, node));
    let says: Vec<Says> = says.collect();
    let child = |which: usize| {
        let pairs = splits.iter().zip(&says);
        let numbers = &numbers;
        joined(pairs.map(move |(&node, says)| {
            numbers[tree.left[node] as usize + (which ^ usize::from(says.is_mirrored))]
        }))
    };
    let sets: Vec<[u64; 4]> = says.iter().filter_map(|says| says.set).collect();
    let mut places = 0..sets.len();
    // A set has its place in `cat_boundaries` where a number has its threshold.
    let threshold = |(&node, says): (&usize, &Says)| match says.set.and_then(|_| places.next()) {
        Some(place) => place.to_string(),
        None => format!("{:e}", f64::from(tree.threshold[node])),
    };
    let thresholds = joined(splits.iter().zip(&says).map(threshold));
    let means = means(wood, tree);
    let scale = count_scale(tree);
    let count = |&node: &usize| (f64::from(tree.cover[node]) * scale).round().max(1.0) as i64;
    let weight = |&node: &usize| format!("{:e}", tree.cover[node]);
    let mean = |&node: &usize| format!("{:e}", means[node]);
    let sets_text = match sets.is_empty() {
        true => String::new(),
        false => format!(
            "cat_boundaries={}\ncat_threshold={}\n",
            joined((0..=sets.len()).map(|at| at * 256 / WORD_BITS)),
            joined(sets.iter().flat_map(|set| words(*set)))
        ),
    };
    let lines = [
        ("num_leaves", leaves.len().to_string()),
        ("num_cat", sets.len().to_string()),
        (
            "split_feature",
            joined(splits.iter().map(|&n| tree.feature[n])),
        ),
        ("split_gain", joined(splits.iter().map(|_| 0))),
        ("threshold", thresholds),
        (
            "decision_type",
            joined(says.iter().map(|says| says.decision_type)),
        ),
        ("left_child", child(0)),
        ("right_child", child(1)),
        ("leaf_value", joined(leaves.iter().map(mean))),
        ("leaf_weight", joined(leaves.iter().map(weight))),
        ("leaf_count", joined(leaves.iter().map(count))),
        ("internal_value", joined(splits.iter().map(mean))),
        ("internal_weight", joined(splits.iter().map(weight))),
        ("internal_count", joined(splits.iter().map(count))),
    ];
    let _ = writeln!(text, "Tree={idx}");
    for (key, value) in lines {
        let _ = writeln!(text, "{key}={value}");
    }
    let _ = write!(text, "{sets_text}is_linear=0\nshrinkage=1\n\n\n");
}

/// The number of each node among the splits, or as a leaf: -1 for the first.
fn numbers(splits: &[usize], leaves: &[usize]) -> Vec<i64> {
    let mut numbers = vec![0; splits.len() + leaves.len()];
    for (number, &node) in splits.iter().enumerate() {
        numbers[node] = number as i64;
    }
    for (number, &node) in leaves.iter().enumerate() {
        numbers[node] = !(number as i64);
    }
    numbers
}

/// A question as LightGBM asks it.
struct Says {
    decision_type: u8,
    set: Option<[u64; 4]>,
    /// Whether our right child stands left.
    is_mirrored: bool,
}

impl Says {
    fn of(tree: &Tree, node: usize) -> Self {
        let missing_left = tree.missing_left[node];
        match tree.set(node) {
            None => Self {
                decision_type: NAN_IS_MISSING + MISSING_LEFT * u8::from(missing_left),
                set: None,
                is_mirrored: false,
            },
            Some(set) => Self {
                decision_type: NAN_IS_MISSING + BY_CATEGORY,
                set: Some(if missing_left {
                    others(set.left)
                } else {
                    set.left
                }),
                is_mirrored: missing_left,
            },
        }
    }
}

fn words(set: [u64; 4]) -> [u32; 256 / WORD_BITS] {
    let mut words = [0; 256 / WORD_BITS];
    for category in members(set) {
        words[category as usize / WORD_BITS] |= 1 << (category as usize % WORD_BITS);
    }
    words
}

/// What covers are multiplied by to be whole numbers.
fn count_scale(tree: &Tree) -> f64 {
    let whole = tree.cover.iter().all(|cover| cover.fract() == 0.0);
    let mut scale = 1.0;
    let root = f64::from(tree.cover[0]);
    if whole {
        while COUNT_MAX < root * scale {
            scale /= 2.0;
        }
        return scale;
    }
    while root * scale * 2.0 < COUNT_MAX {
        scale *= 2.0;
    }
    scale
}
