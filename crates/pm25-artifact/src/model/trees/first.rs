//! The first form, `deflate+base64`: an array a property, an item a node. It is read for ever and no longer written.
//!
//! ```text
//! feature  [ 3 L 0 L L | 1 L L | … ]      u16; L = 65535 marks a leaf
//! number   [ t v t v v | t v v | … ]      f32: the threshold of an inner node, the value of a leaf
//! missing  [ 1 0 0 0 0 | … ]              u8: whether a missing value goes left
//! left     [ 1 0 3 0 0 | … ]              u32: the left child, counted within its tree
//! cover    [ … ]                          f32: training rows that came there
//! ```

use pm25_learn::tree::{LEAF, Tree};

use super::TreesFile;
use super::pack::{Caused, unpack};

/// Nodes that any file may have, and more for each character of its arrays: no forest has packed tighter, and a file
/// that promises more would cost memory before it proves wrong.
const N_NODES_FREE: usize = 4096;
const N_NODES_PER_CHARACTER: usize = 2;

/// The trees, not yet checked.
pub(super) fn trees(file: &TreesFile) -> Caused<Vec<Tree>> {
    let n_nodes = file.nodes.iter().map(|&n| n as usize).sum::<usize>();
    check_promise(file, n_nodes)?;
    let feature = array("feature", &file.feature, n_nodes, u16::from_le_bytes)?;
    let number = array("number", &file.number, n_nodes, f32::from_le_bytes)?;
    let missing = array("missing", &file.missing, n_nodes, |[byte]| byte != 0)?;
    let left = array("left", &file.left, n_nodes, u32::from_le_bytes)?;
    let cover = array("cover", &file.cover, n_nodes, f32::from_le_bytes)?;
    let mut sets = match &file.sets {
        Some(sets) => sets.check(file.nodes.len(), n_nodes)?.into_iter(),
        None => Vec::new().into_iter(),
    };
    let mut from = 0;
    let trees = file.nodes.iter().map(|&n| {
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
            missing_left: missing[nodes.clone()].to_vec(),
            left: left[nodes.clone()].to_vec(),
            cover: cover[nodes.clone()].to_vec(),
            feature: feature[nodes].to_vec(),
            sets: sets.next().unwrap_or_default(),
        }
    });
    Ok(trees.collect())
}

fn check_promise(file: &TreesFile, n_nodes: usize) -> Caused<()> {
    let arrays = [
        &file.feature,
        &file.number,
        &file.missing,
        &file.left,
        &file.cover,
    ];
    let lengths = arrays.map(|text| text.as_deref().map_or(0, str::len));
    let n_characters = lengths.iter().sum::<usize>();
    if N_NODES_FREE + N_NODES_PER_CHARACTER * n_characters < n_nodes {
        return Err(format!(
            "{n_nodes} nodes are promised; that many are not there"
        ));
    }
    Ok(())
}

fn array<T, const N: usize>(
    name: &str,
    text: &Option<String>,
    n: usize,
    of: impl Fn([u8; N]) -> T,
) -> Caused<Vec<T>> {
    let text = text
        .as_deref()
        .ok_or_else(|| format!("`{name}` is not there"))?;
    unpack(name, text, n, of)
}
