//! Trees on disk: all trees' nodes one after the other, an array a property, compressed.
//!
//! ```text
//! nodes    [ 5, 3, … ]                    one count a tree
//! feature  [ 3 L 0 L L | 1 L L | … ]      u16, one a node; L = 65535 marks a leaf
//! number   [ t v t v v | t v v | … ]      f32: the threshold of an inner node, the value of a leaf
//! missing  [ 1 0 0 0 0 | … ]              u8: whether a missing value goes left
//! left     [ 1 0 3 0 0 | … ]              u32: the left child, counted within its tree
//! cover    [ … ]                          f32: training rows that came there
//! sets     { per_tree, node, left }       only where a node asks for a category: sets in each tree, u32 the node,
//!                                         4 x u64 a bit for each category that goes left
//! ```
//!
//! Little-endian bytes, raw deflate (RFC 1951), base64 (RFC 4648). Sizes are checked before anything is
//! unpacked: a packed array may hold exactly what the counts promise.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use pm25_learn::tree::{CategorySet, Ensemble, LEAF, Tree};
use serde::{Deserialize, Serialize};

/// More nodes than any forest of ours has; a file that claims more is not read further.
const N_NODES_MAX: u64 = 1 << 31;
/// deflate's own default level.
const LEVEL: Compression = Compression::new(6);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreesFile {
    base_ug_m3: f64,
    scale: f64,
    packing: Packing,
    nodes: Vec<u32>,
    feature: String,
    number: String,
    missing: String,
    left: String,
    cover: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sets: Option<SetsFile>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SetsFile {
    per_tree: Vec<u32>,
    node: String,
    left: String,
}

/// How arrays are packed; another way needs another word here.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
enum Packing {
    #[serde(rename = "deflate+base64")]
    DeflateBase64,
}

type Caused<T> = Result<T, String>;

impl From<&Ensemble> for TreesFile {
    fn from(ensemble: &Ensemble) -> Self {
        let trees = &ensemble.trees;
        let number = |tree: &Tree, node: usize| {
            if tree.feature[node] == LEAF {
                tree.value[node]
            } else {
                tree.threshold[node]
            }
        };
        Self {
            base_ug_m3: ensemble.base,
            scale: ensemble.scale,
            packing: Packing::DeflateBase64,
            nodes: trees
                .iter()
                .map(|tree| u32::try_from(tree.n_nodes()).expect("a tree counts nodes in 32 bits"))
                .collect(),
            feature: pack(trees, |tree, node| tree.feature[node].to_le_bytes()),
            number: pack(trees, |tree, node| number(tree, node).to_le_bytes()),
            missing: pack(trees, |tree, node| [u8::from(tree.missing_left[node])]),
            left: pack(trees, |tree, node| tree.left[node].to_le_bytes()),
            cover: pack(trees, |tree, node| tree.cover[node].to_le_bytes()),
            sets: SetsFile::of(trees),
        }
    }
}

impl SetsFile {
    /// None if every node of every tree asks for a number.
    fn of(trees: &[Tree]) -> Option<Self> {
        let sets = || trees.iter().flat_map(|tree| &tree.sets);
        sets().next()?;
        let per_tree = trees
            .iter()
            .map(|tree| u32::try_from(tree.sets.len()).expect("a tree has fewer sets than nodes"));
        Some(Self {
            per_tree: per_tree.collect(),
            node: pack_bytes(sets().flat_map(|set| set.node.to_le_bytes())),
            left: pack_bytes(sets().flat_map(|set| set.left).flat_map(u64::to_le_bytes)),
        })
    }

    /// The sets of each of the trees.
    fn check(&self, n_trees: usize, n_nodes: usize) -> Caused<Vec<Vec<CategorySet>>> {
        let n_sets: u64 = self.per_tree.iter().map(|&n| u64::from(n)).sum();
        if self.per_tree.len() != n_trees || n_nodes as u64 <= n_sets {
            return Err("`sets` does not fit the trees".into());
        }
        let n_sets = n_sets as usize;
        let node: Vec<u32> = unpack("sets.node", &self.node, n_sets, u32::from_le_bytes)?;
        let left: Vec<u64> = unpack("sets.left", &self.left, 4 * n_sets, u64::from_le_bytes)?;
        let mut sets = node.iter().zip(left.chunks_exact(4)).map(|(&node, left)| {
            let left = left.try_into().expect("chunks of 4 words");
            CategorySet { node, left }
        });
        let of_tree = |&n: &u32| sets.by_ref().take(n as usize).collect();
        Ok(self.per_tree.iter().map(of_tree).collect())
    }
}

impl TreesFile {
    /// The trees, checked for rows of `n_features` values.
    pub(super) fn check(&self, n_features: usize) -> Caused<Ensemble> {
        let n_nodes: u64 = self.nodes.iter().map(|&n| u64::from(n)).sum();
        if N_NODES_MAX < n_nodes {
            return Err(format!("{n_nodes} nodes; at most {N_NODES_MAX} are read"));
        }
        let n_nodes = n_nodes as usize;
        let feature: Vec<u16> = unpack("feature", &self.feature, n_nodes, u16::from_le_bytes)?;
        let number: Vec<f32> = unpack("number", &self.number, n_nodes, f32::from_le_bytes)?;
        let missing: Vec<u8> = unpack("missing", &self.missing, n_nodes, |[byte]| byte)?;
        let left: Vec<u32> = unpack("left", &self.left, n_nodes, u32::from_le_bytes)?;
        let cover: Vec<f32> = unpack("cover", &self.cover, n_nodes, f32::from_le_bytes)?;
        let mut sets = match &self.sets {
            Some(sets) => sets.check(self.nodes.len(), n_nodes)?.into_iter(),
            None => Vec::new().into_iter(),
        };
        let mut from = 0;
        let trees = self.nodes.iter().map(|&n| {
            let nodes = from..from + n as usize;
            from = nodes.end;
            let only = |leaf: bool| {
                let pairs = feature[nodes.clone()].iter().zip(&number[nodes.clone()]);
                pairs
                    .map(|(&f, &x)| if (f == LEAF) == leaf { x } else { 0.0 })
                    .collect()
            };
            Tree {
                threshold: only(false),
                value: only(true),
                missing_left: missing[nodes.clone()]
                    .iter()
                    .map(|&byte| byte != 0)
                    .collect(),
                left: left[nodes.clone()].to_vec(),
                cover: cover[nodes.clone()].to_vec(),
                feature: feature[nodes].to_vec(),
                sets: sets.next().unwrap_or_default(),
            }
        });
        let ensemble = Ensemble {
            base: self.base_ug_m3,
            scale: self.scale,
            trees: trees.collect(),
        };
        ensemble.check(n_features).map_err(|e| e.to_string())?;
        Ok(ensemble)
    }
}

fn pack<const N: usize>(trees: &[Tree], of: impl Fn(&Tree, usize) -> [u8; N]) -> String {
    pack_parts(trees.iter().map(|tree| {
        (0..tree.n_nodes())
            .flat_map(|node| of(tree, node))
            .collect()
    }))
}

fn pack_bytes(bytes: impl Iterator<Item = u8>) -> String {
    pack_parts(std::iter::once(bytes.collect()))
}

fn pack_parts(parts: impl Iterator<Item = Vec<u8>>) -> String {
    let mut deflate = DeflateEncoder::new(Vec::new(), LEVEL);
    for bytes in parts {
        deflate
            .write_all(&bytes)
            .expect("memory takes what it is given");
    }
    STANDARD.encode(deflate.finish().expect("memory takes what it is given"))
}

fn unpack<T, const N: usize>(
    name: &str,
    text: &str,
    n_nodes: usize,
    of: impl Fn([u8; N]) -> T,
) -> Caused<Vec<T>> {
    let packed = STANDARD
        .decode(text)
        .map_err(|e| format!("`{name}` is no base64: {e}"))?;
    // deflate cannot shrink more than about 1032 : 1, so a short array cannot promise much.
    let wanted = n_nodes * N;
    let mut bytes = Vec::with_capacity(wanted.min(packed.len().saturating_mul(1032)));
    DeflateDecoder::new(&packed[..])
        .take(wanted as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("`{name}` cannot be unpacked: {e}"))?;
    if bytes.len() != wanted {
        return Err(format!(
            "`{name}` does not hold the {n_nodes} nodes that are promised"
        ));
    }
    let each = bytes.chunks_exact(N);
    Ok(each
        .map(|chunk| of(chunk.try_into().expect("chunks of N bytes")))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ensemble() -> Ensemble {
        let stump = |threshold: f32| Tree {
            feature: vec![1, LEAF, LEAF],
            threshold: vec![threshold, 0.0, 0.0],
            missing_left: vec![true, false, false],
            left: vec![1, 0, 0],
            value: vec![0.0, -1.5, 2.5],
            cover: vec![10.0, 6.0, 4.0],
            sets: vec![],
        };
        Ensemble {
            base: 42.0,
            scale: 1.0,
            trees: vec![stump(0.1), stump(7.25)],
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_to_the_bit() {
        assert_eq!(TreesFile::from(&ensemble()).check(2), Ok(ensemble()));
    }

    fn with_sets() -> Ensemble {
        let mut ensemble = ensemble();
        ensemble.trees[1].threshold[0] = 0.0;
        ensemble.trees[1].sets = vec![CategorySet {
            node: 0,
            left: [1, u64::MAX, 0, 1 << 63],
        }];
        ensemble
    }

    #[test]
    fn sets_of_categories_come_back_and_cost_nothing_where_there_are_none() {
        assert_eq!(TreesFile::from(&with_sets()).check(2), Ok(with_sets()));
        let text = |ensemble| serde_json::to_string(&TreesFile::from(&ensemble)).unwrap();
        assert!(!text(ensemble()).contains("sets"));
        let read: TreesFile = serde_json::from_str(&text(with_sets())).unwrap();
        assert_eq!(read.check(2), Ok(with_sets()));
    }

    #[test]
    fn sets_that_do_not_fit_are_refused() {
        let refused = |change: &dyn Fn(&mut SetsFile)| {
            let mut bad = TreesFile::from(&with_sets());
            change(bad.sets.as_mut().unwrap());
            bad.check(2).unwrap_err()
        };
        assert!(refused(&|s| s.per_tree = vec![1]).contains("does not fit"));
        assert!(refused(&|s| s.per_tree = vec![u32::MAX; 2]).contains("does not fit"));
        assert!(refused(&|s| s.per_tree = vec![0, 2]).contains("sets.node"));
        assert!(refused(&|s| s.left.clear()).contains("sets.left"));
        // A tree whose node 0 has a threshold.
        assert!(refused(&|s| s.per_tree = vec![1, 0]).contains("tree 0, node 0"));
    }

    #[test]
    fn promises_that_the_arrays_do_not_keep_are_refused() {
        let good = TreesFile::from(&ensemble());
        let refused = |change: &dyn Fn(&mut TreesFile)| {
            let mut bad = good.clone();
            change(&mut bad);
            bad.check(2).unwrap_err()
        };
        assert!(refused(&|f| f.nodes[0] = 4).contains("promised"));
        assert!(refused(&|f| f.nodes = vec![u32::MAX; 9]).contains("at most"));
        assert!(refused(&|f| f.left.clear()).contains("left"));
        assert!(refused(&|f| f.cover = "?".into()).contains("base64"));
        assert!(refused(&|f| f.cover = f.left.clone()).contains("cover"));
        assert!(good.check(1).is_err(), "a feature outside the row");
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        let mut bomb = DeflateEncoder::new(Vec::new(), LEVEL);
        for _ in 0..1000 {
            bomb.write_all(&[0; 1 << 16]).unwrap();
        }
        let mut bad = TreesFile::from(&ensemble());
        bad.cover = STANDARD.encode(bomb.finish().unwrap());
        assert!(bad.check(2).unwrap_err().contains("promised"));
    }
}
