//! Trees on disk: arrays of all trees' nodes, packed as text.
//!
//! Not trusted: sizes are checked before anything is unpacked, and the trees before they are asked. How arrays are laid
//! out is told by the word under `packing`: [`level`] is what is written, [`first`] is read as well.

mod first;
mod level;
mod link;
mod pack;

use pm25_learn::tree::{CategorySet, Ensemble, Link, Tree};
use serde::{Deserialize, Serialize};

use level::Covers;
use link::LinkFile;
use pack::{Caused, unpack};

/// More nodes than any forest of ours has; a file that claims more is not read further.
const N_NODES_MAX: u64 = 1 << 31;

/// A property that a packing does not know is absent. With a link, base and leaves are scores and not in µg/m³.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreesFile {
    base_ug_m3: f64,
    scale: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<LinkFile>,
    packing: Packing,
    nodes: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asks: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    n_thresholds: Vec<(u16, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thresholds: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rank: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covers: Option<Covers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cover: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sets: Option<SetsFile>,
}

/// How arrays are packed; another way needs another word here.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
enum Packing {
    #[serde(rename = "deflate+base64")]
    First,
    #[serde(rename = "level-order")]
    Level,
}

/// The sets of nodes that ask for a category: how many of each tree, the nodes (u32), 4 x u64 with a bit for each
/// category that goes left.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SetsFile {
    per_tree: Vec<u32>,
    node: String,
    left: String,
}

impl From<&Ensemble> for TreesFile {
    fn from(ensemble: &Ensemble) -> Self {
        let mut file = Self {
            base_ug_m3: ensemble.base,
            scale: ensemble.scale,
            link: LinkFile::of(ensemble.link),
            packing: Packing::Level,
            nodes: Vec::new(),
            asks: None,
            n_thresholds: Vec::new(),
            thresholds: None,
            rank: None,
            covers: None,
            value: None,
            feature: None,
            number: None,
            missing: None,
            left: None,
            cover: None,
            sets: None,
        };
        level::fill(&mut file, &ensemble.trees);
        file
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
        let left = sets().flat_map(|set| set.left).flat_map(u64::to_le_bytes);
        Some(Self {
            per_tree: per_tree.collect(),
            node: pack::pack(
                &sets()
                    .flat_map(|set| set.node.to_le_bytes())
                    .collect::<Vec<u8>>(),
            ),
            left: pack::pack(&left.collect::<Vec<u8>>()),
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
        let trees = match self.packing {
            Packing::First => first::trees(self)?,
            Packing::Level => level::trees(self)?,
        };
        let ensemble = Ensemble {
            base: self.base_ug_m3,
            scale: self.scale,
            link: self.link.map_or(Link::Identity, Link::from),
            trees: trees.into(),
        };
        ensemble.check(n_features).map_err(|e| e.to_string())?;
        Ok(ensemble)
    }
}

#[cfg(test)]
mod tests {
    use pm25_learn::tree::LEAF;

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
            link: Link::Identity,
            trees: vec![stump(0.1), stump(7.25)].into(),
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_to_the_bit() {
        assert_eq!(TreesFile::from(&ensemble()).check(2), Ok(ensemble()));
    }

    #[test]
    fn links_come_back_and_cost_nothing_where_there_is_none() {
        let text = |link| {
            let trees = Ensemble { link, ..ensemble() };
            serde_json::to_string(&TreesFile::from(&trees)).unwrap()
        };
        assert!(!text(Link::Identity).contains("link"));
        for (link, said) in [
            (Link::Log, r#""link":"log""#),
            (
                Link::Log1p { factor: 1.5 },
                r#""link":{"log1p":{"factor":1.5}}"#,
            ),
            (
                Link::Sqrt { spread: 2.0 },
                r#""link":{"sqrt":{"spread_ug_m3":2.0}}"#,
            ),
        ] {
            let text = text(link);
            assert!(text.contains(said), "{text}");
            let read: TreesFile = serde_json::from_str(&text).unwrap();
            assert_eq!(read.check(2).unwrap().link, link);
        }
    }

    #[test]
    fn hostile_links_are_refused() {
        let text = serde_json::to_string(&TreesFile::from(&Ensemble {
            link: Link::Log1p { factor: 1.5 },
            ..ensemble()
        }))
        .unwrap();
        let read = |from: &str, to: &str| {
            serde_json::from_str::<TreesFile>(&text.replacen(from, to, 1))
                .map_err(|e| e.to_string())
                .and_then(|file| file.check(2))
                .unwrap_err()
        };
        for bad in ["0.0", "-1.0", "1e300"] {
            assert!(read("\"factor\":1.5", &format!("\"factor\":{bad}")).contains("bias"));
        }
        assert!(read("log1p", "cube").contains("unknown variant"));
        assert!(read("\"factor\":1.5", "\"factor\":1.5,\"x\":1").contains("unknown field"));
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
        let leaf = pack::pack(&1_u32.to_le_bytes());
        assert!(refused(&|s| s.node = leaf.clone()).contains("`rank` is too short"));
    }

    #[test]
    fn promises_that_the_arrays_do_not_keep_are_refused() {
        let good = TreesFile::from(&ensemble());
        let refused = |change: &dyn Fn(&mut TreesFile)| {
            let mut bad = good.clone();
            change(&mut bad);
            bad.check(2).unwrap_err()
        };
        assert!(refused(&|f| f.nodes[0] = 5).contains("promised"));
        assert!(refused(&|f| f.nodes = vec![5, 1]).contains("tree 0"));
        assert!(refused(&|f| f.nodes = vec![1, 5]).contains("tree 0"));
        assert!(refused(&|f| f.nodes = vec![u32::MAX; 9]).contains("at most"));
        assert!(refused(&|f| f.value = Some("?".into())).contains("base64"));
        assert!(refused(&|f| f.value = None).contains("not there"));
        assert!(refused(&|f| f.cover = f.missing.clone()).contains("cover"));
        assert!(refused(&|f| f.n_thresholds[0].1 = 9).contains("n_thresholds"));
        assert!(refused(&|f| f.n_thresholds[0] = (0, 2)).contains("not listed"));
        assert!(refused(&|f| f.packing = Packing::First).contains("not there"));
        assert!(good.check(1).is_err(), "a feature outside the row");
    }

    /// Numbers that pack a thousand to one.
    fn bomb() -> String {
        pack::pack(&vec![0; 1 << 26])
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        let refused = |change: &dyn Fn(&mut TreesFile)| {
            let mut bad = TreesFile::from(&ensemble());
            change(&mut bad);
            bad.check(2).unwrap_err()
        };
        for change in [
            (&|f: &mut TreesFile| f.cover = Some(bomb())) as &dyn Fn(&mut TreesFile),
            &|f| f.asks = Some(bomb()),
            &|f| f.rank = Some(bomb()),
            &|f| f.thresholds = Some(bomb()),
            &|f| f.missing = Some(bomb()),
        ] {
            assert!(refused(change).contains("promised"));
        }
        // Kept promises: so many nodes that their arrays are all there, and pack to nothing.
        let first = refused(&|f| {
            f.packing = Packing::First;
            f.nodes = vec![1 << 26];
            let arrays = [
                &mut f.feature,
                &mut f.number,
                &mut f.missing,
                &mut f.left,
                &mut f.cover,
            ];
            arrays.into_iter().for_each(|array| *array = Some(bomb()));
        });
        assert!(first.contains("that many are not there"));
        assert!(refused(&|f| f.nodes = vec![(1 << 26) + 1]).contains("`value` does not fit"));
    }

    #[test]
    fn odd_numbers_come_back_to_the_bit_and_nodes_are_put_in_order() {
        let mut odd = ensemble();
        odd.trees[0].threshold[0] = -0.0;
        odd.trees[0].cover = vec![1e30, 0.1, 16_777_217.0 * 2.0];
        odd.trees[1].value = vec![0.0, -0.0, f32::MIN_POSITIVE / 4.0];
        let back = TreesFile::from(&odd).check(2).unwrap();
        assert_eq!(back, odd);
        assert_eq!(back.trees[0].threshold[0].to_bits(), (-0.0_f32).to_bits());
        assert_eq!(back.trees[1].value[1].to_bits(), (-0.0_f32).to_bits());
        // The right child's children first.
        let deep = Tree {
            feature: vec![1, 0, 1, LEAF, LEAF, LEAF, LEAF],
            threshold: vec![1.0, -2.0, 3.0, 0.0, 0.0, 0.0, 0.0],
            missing_left: vec![true, false, true, false, false, false, false],
            left: vec![1, 5, 3, 0, 0, 0, 0],
            value: vec![0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0],
            cover: vec![10.0, 7.0, 3.0, 2.0, 1.0, 3.0, 4.0],
            sets: vec![],
        };
        let one = Ensemble {
            trees: vec![deep].into(),
            ..ensemble()
        };
        let back = TreesFile::from(&one).check(2).unwrap();
        assert_eq!(back.trees[0].left, [1, 3, 5, 0, 0, 0, 0]);
        assert_eq!(back.trees[0].cover, [10.0, 7.0, 3.0, 3.0, 4.0, 2.0, 1.0]);
        for row in [
            [0.0, 0.0],
            [-3.0, 0.0],
            [0.0, 2.0],
            [0.0, 4.0],
            [f32::NAN; 2],
        ] {
            assert_eq!(
                back.predict_row(&row).to_bits(),
                one.predict_row(&row).to_bits()
            );
        }
        assert_eq!(TreesFile::from(&back).check(2), Ok(back));
    }
}
