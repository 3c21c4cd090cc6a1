//! What depends on what: a stage comes after those whose outputs it reads.
//!
//! It knows numbers of stages only; nothing of files, states or programs.

use std::collections::BTreeSet;

use crate::pipeline::Stage;

/// Dependencies without a circle. Stages are numbered in the order of the pipeline file.
pub(crate) struct Graph {
    /// For each stage those that it directly needs, ascending.
    after: Vec<Vec<usize>>,
    order: Vec<usize>,
}

impl Graph {
    /// Finds the dependencies. The error is a circle: its stages in order, the first one again at the end.
    pub(crate) fn of(stages: &[Stage]) -> Result<Self, Vec<usize>> {
        let needs = |reader: &Stage, writer: &Stage| {
            let reads = |output| reader.inputs.iter().any(|input| input.overlaps(output));
            writer.outputs.iter().any(reads)
        };
        let after = stages
            .iter()
            .map(|reader| {
                (0..stages.len())
                    .filter(|&idx| needs(reader, &stages[idx]))
                    .collect()
            })
            .collect();
        Self::from_edges(after)
    }

    fn from_edges(after: Vec<Vec<usize>>) -> Result<Self, Vec<usize>> {
        let mut order: Vec<usize> = Vec::new();
        let mut is_placed = vec![false; after.len()];
        while order.len() < after.len() {
            let is_next =
                |&idx: &usize| !is_placed[idx] && after[idx].iter().all(|&need| is_placed[need]);
            match (0..after.len()).find(is_next) {
                Some(idx) => {
                    is_placed[idx] = true;
                    order.push(idx);
                }
                None => return Err(circle(&after, &is_placed)),
            }
        }
        Ok(Self { after, order })
    }

    /// The stages that `stage` directly needs.
    pub(crate) fn after(&self, stage: usize) -> &[usize] {
        &self.after[stage]
    }

    /// All stages, each after those that it needs; otherwise in the order of the file.
    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    /// `stages` and everything that they need.
    pub(crate) fn with_needs(&self, stages: &[usize]) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = stages.iter().copied().collect();
        for &stage in self.order.iter().rev() {
            if found.contains(&stage) {
                found.extend(&self.after[stage]);
            }
        }
        found
    }

    /// `stage` and everything that needs it.
    pub(crate) fn with_dependents(&self, stage: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([stage]);
        for &later in &self.order {
            if self.after[later].iter().any(|need| found.contains(need)) {
                found.insert(later);
            }
        }
        found
    }

    /// The needs of `stage` that no other need of it already implies.
    pub(crate) fn after_reduced(&self, stage: usize) -> Vec<usize> {
        let is_implied = |&need: &usize| {
            self.after[stage]
                .iter()
                .any(|&other| other != need && self.with_needs(&[other]).contains(&need))
        };
        self.after[stage]
            .iter()
            .copied()
            .filter(|need| !is_implied(need))
            .collect()
    }
}

/// Walks from need to need among the stages that could not be placed, until one comes again.
fn circle(after: &[Vec<usize>], is_placed: &[bool]) -> Vec<usize> {
    let mut path: Vec<usize> = (0..after.len())
        .filter(|&idx| !is_placed[idx])
        .take(1)
        .collect();
    while let Some(&last) = path.last() {
        let Some(&need) = after[last].iter().find(|&&need| !is_placed[need]) else {
            break;
        };
        let seen = path.iter().position(|&idx| idx == need);
        path.push(need);
        if let Some(start) = seen {
            path.drain(..start);
            break;
        }
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 → 1 → 3, 0 → 2 → 3, 0 → 3, and 4 alone.
    fn diamond() -> Graph {
        Graph::from_edges(vec![vec![], vec![0], vec![0], vec![0, 1, 2], vec![]])
            .unwrap_or_else(|_| unreachable!())
    }

    #[test]
    fn needs_and_dependents_are_transitive() {
        let graph = diamond();
        assert_eq!(graph.with_needs(&[3]), BTreeSet::from([0, 1, 2, 3]));
        assert_eq!(graph.with_dependents(1), BTreeSet::from([1, 3]));
        assert_eq!(graph.with_dependents(4), BTreeSet::from([4]));
        assert_eq!(graph.after_reduced(3), [1, 2]);
        assert_eq!(graph.order(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn later_stages_may_stand_first_in_the_file() {
        let graph =
            Graph::from_edges(vec![vec![2], vec![0], vec![]]).unwrap_or_else(|_| unreachable!());
        assert_eq!(graph.order(), [2, 0, 1]);
    }

    #[test]
    fn a_circle_is_given_without_the_way_to_it() {
        // 0 waits for the circle 1 → 2 → 3 → 1 without being in it.
        let circle = Graph::from_edges(vec![vec![1], vec![3], vec![1], vec![2]]).err();
        assert_eq!(circle, Some(vec![1, 2, 3, 1]));
    }
}
