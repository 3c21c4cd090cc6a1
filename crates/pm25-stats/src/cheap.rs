//! Lines for warnings by what a warning costs: for every cost at once.
//!
//! With W warnings, H of them of events, a line loses cost x W + events - H, so it is best for the costs between the slopes
//! to its two sides of the upper hull of (W, H) over all lines. Few lines lie on that hull; the others are best for no
//! cost. Not for the critical success index, which weighs hits and false alarms in another way.

/// The line that is best for costs below `below_cost` and not below that of the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostLine {
    /// A warning's cost as a share of what a missed event costs: above 0, at most 1.
    pub below_cost: f64,
    /// Warn above it.
    pub line: f64,
}

/// A line with its warnings and hits.
#[derive(Clone, Copy)]
struct Point {
    warnings: f64,
    hits: f64,
    line: f64,
}

impl Point {
    /// Hits for each warning more than `from` has.
    fn slope(&self, from: &Self) -> f64 {
        (self.hits - from.hits) / (self.warnings - from.warnings)
    }
}

/// The lines above which to warn for `(target, prediction)` pairs of finite numbers and any cost from 0 to below 1, by
/// falling cost: what [`best_line`] finds for each. Empty without events.
///
/// [`best_line`]: crate::alarms::best_line
#[must_use]
pub fn cost_lines(pairs: &[(f64, f64)], threshold: f64) -> Vec<CostLine> {
    let mut hull: Vec<Point> = Vec::new();
    for point in points(pairs, threshold) {
        while let [.., before, last] = &hull[..]
            && last.slope(before) <= point.slope(last)
        {
            hull.pop();
        }
        hull.push(point);
    }
    let Some(first) = hull.first().filter(|_| 1 < hull.len()) else {
        return Vec::new();
    };
    let mut lines = vec![CostLine {
        below_cost: 1.0,
        line: first.line,
    }];
    for pair in hull.windows(2) {
        let below_cost = pair[1].slope(&pair[0]);
        if below_cost <= 0.0 {
            break;
        }
        // Costs are below 1, so a line that is best from 1 on is best for none.
        if 1.0 <= below_cost {
            lines.clear();
        }
        lines.push(CostLine {
            below_cost,
            line: pair[1].line,
        });
    }
    lines
}

/// All lines that tell rows apart, from the highest, which warns of nothing; none without events.
fn points(pairs: &[(f64, f64)], threshold: f64) -> Vec<Point> {
    let mut order: Vec<(f64, bool)> = pairs
        .iter()
        .map(|(target, said)| (*said, threshold < *target))
        .collect();
    order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    if !order.iter().any(|row| row.1) {
        return Vec::new();
    }
    let mut points = vec![Point {
        warnings: 0.0,
        hits: 0.0,
        line: order[0].0,
    }];
    let mut hits = 0.0;
    for (place, (said, is_event)) in order.iter().enumerate() {
        hits += f64::from(u8::from(*is_event));
        let next = order.get(place + 1).map(|row| row.0);
        if next == Some(*said) {
            continue;
        }
        points.push(Point {
            warnings: (place + 1) as f64,
            hits,
            line: next.map_or_else(|| said.next_down(), |next| said / 2.0 + next / 2.0),
        });
    }
    points
}

/// The line for a cost; none where there are no lines, or the cost is not from 0 to below 1.
#[must_use]
pub fn line_at(lines: impl DoubleEndedIterator<Item = CostLine>, cost: f64) -> Option<f64> {
    let mut lines = lines.rev();
    let best = lines.find(|line| cost < line.below_cost);
    best.filter(|_| 0.0 <= cost).map(|best| best.line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Alarms;
    use crate::alarms::{Aim, best_line};
    use proptest::prelude::*;

    #[test]
    fn what_is_best_for_no_cost_is_not_kept() {
        assert_eq!(cost_lines(&[(10.0, 1.0)], 20.0), []);
        // A clean hit, then two false alarms before the next hit.
        let pairs = [
            (30.0, 9.0),
            (10.0, 8.0),
            (10.0, 7.0),
            (30.0, 6.0),
            (10.0, 5.0),
        ];
        let lines = cost_lines(&pairs, 20.0);
        let kept: Vec<(f64, f64)> = lines.iter().map(|it| (it.below_cost, it.line)).collect();
        assert_eq!(kept, [(1.0, 8.5), (1.0 / 3.0, 5.5)]);
        let at = |cost| line_at(lines.iter().copied(), cost);
        assert_eq!(
            [at(0.9), at(0.4), at(0.3)],
            [Some(8.5), Some(8.5), Some(5.5)]
        );
        assert_eq!([at(1.0), at(-0.1)], [None, None]);
    }

    proptest! {
        #[test]
        fn no_cost_has_a_better_line(
            pairs in proptest::collection::vec((0..30i32, 0..30i32), 1..80), cost in 0.001..0.999f64
        ) {
            let pairs: Vec<(f64, f64)> = pairs.into_iter().map(|(t, p)| (f64::from(t), f64::from(p))).collect();
            let lines = cost_lines(&pairs, 20.0);
            prop_assert!(lines.is_sorted_by(|a, b| a.below_cost > b.below_cost));
            let found = line_at(lines.iter().copied(), cost);
            let best = best_line(&pairs, 20.0, Aim::Cost(cost));
            prop_assert_eq!(found.is_some(), best.is_some());
            if let (Some(found), Some(best)) = (found, best) {
                let loss = |line| Alarms::count(&pairs, 20.0, line).loss(cost);
                prop_assert!((loss(found) - loss(best)).abs() < 1e-9);
            }
        }
    }
}
