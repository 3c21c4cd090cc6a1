//! Warnings of an event that either comes or not: POD, FAR, CSI, Brier score, reliability, and where to draw the line.
//!
//! An event is a target above a threshold; a warning is a prediction above a line, which need not be the threshold: a
//! model that is right on average says the extremes too rarely. The line must come from rows that are not being judged,
//! and this file cannot see to that.

/// Warnings and events, counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Alarms {
    /// Warned, and it came.
    pub hits: u64,
    /// Not warned, and it came.
    pub misses: u64,
    /// Warned, and it did not come.
    pub false_alarms: u64,
    /// Neither.
    pub quiet: u64,
}

impl Alarms {
    /// Counts `(target, prediction)` pairs of finite numbers: an event is a target > `threshold`, a warning a
    /// prediction > `line`.
    #[must_use]
    pub fn count(pairs: &[(f64, f64)], threshold: f64, line: f64) -> Self {
        let mut alarms = Self::default();
        for (target, said) in pairs {
            alarms.add(threshold < *target, line < *said);
        }
        alarms
    }

    fn add(&mut self, is_event: bool, is_warned: bool) {
        *match (is_event, is_warned) {
            (true, true) => &mut self.hits,
            (true, false) => &mut self.misses,
            (false, true) => &mut self.false_alarms,
            (false, false) => &mut self.quiet,
        } += 1;
    }

    /// Probability of detection: hits / events, 0 to 1. `None` without events.
    #[must_use]
    pub fn pod(&self) -> Option<f64> {
        share(self.hits, self.hits + self.misses)
    }

    /// False alarm ratio: false alarms / warnings, 0 to 1. `None` without warnings.
    #[must_use]
    pub fn far(&self) -> Option<f64> {
        share(self.false_alarms, self.hits + self.false_alarms)
    }

    /// Critical success index: hits / (hits + misses + false alarms), 0 to 1. `None` where nothing came and nothing
    /// was warned of.
    #[must_use]
    pub fn csi(&self) -> Option<f64> {
        share(self.hits, self.hits + self.misses + self.false_alarms)
    }

    /// Loss in units of one missed event, if a warning costs `warning_cost` of it and helps fully.
    #[must_use]
    pub fn loss(&self, warning_cost: f64) -> f64 {
        warning_cost * (self.hits + self.false_alarms) as f64 + self.misses as f64
    }
}

/// What the best line is best at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// The largest CSI.
    Csi,
    /// The smallest [`Alarms::loss`] at this cost of a warning, 0 to 1 of what a missed event costs.
    Cost(f64),
}

/// The line above which to warn, best for these `(target, prediction)` pairs of finite numbers. It lies half way
/// between two predictions, or on the last below all or above all; of equally good lines the highest is taken, which
/// warns least. `None` without events.
#[must_use]
pub fn best_line(pairs: &[(f64, f64)], threshold: f64, aim: Aim) -> Option<f64> {
    let mut order: Vec<(f64, bool)> = pairs
        .iter()
        .map(|(target, said)| (*said, threshold < *target))
        .collect();
    order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    let events = order.iter().filter(|row| row.1).count() as u64;
    if events == 0 {
        return None;
    }
    let worth = |alarms: &Alarms| match aim {
        Aim::Csi => alarms.csi().unwrap_or(0.0),
        Aim::Cost(cost) => -alarms.loss(cost),
    };
    let mut alarms = Alarms {
        misses: events,
        quiet: order.len() as u64 - events,
        ..Alarms::default()
    };
    let (mut best, mut line) = (worth(&alarms), order[0].0);
    for (place, (said, is_event)) in order.iter().enumerate() {
        alarms = lowered(alarms, *is_event);
        let next = order.get(place + 1).map(|row| row.0);
        // Equal predictions are on the same side of any line.
        if next == Some(*said) || worth(&alarms) <= best {
            continue;
        }
        best = worth(&alarms);
        line = next.map_or_else(|| said.next_down(), |next| said / 2.0 + next / 2.0);
    }
    Some(line)
}

/// The counts after the line has passed one more row.
fn lowered(alarms: Alarms, is_event: bool) -> Alarms {
    if is_event {
        Alarms {
            hits: alarms.hits + 1,
            misses: alarms.misses - 1,
            ..alarms
        }
    } else {
        Alarms {
            false_alarms: alarms.false_alarms + 1,
            quiet: alarms.quiet - 1,
            ..alarms
        }
    }
}

/// Brier score: mean of (probability - 1 or 0)², 0 to 1, 0 is perfect. `None` without rows.
#[must_use]
pub fn brier(rows: &[(f64, bool)]) -> Option<f64> {
    let square = |(p, came): &(f64, bool)| (p - f64::from(u8::from(*came))).powi(2);
    (!rows.is_empty()).then(|| rows.iter().map(square).sum::<f64>() / rows.len() as f64)
}

/// A Brier score taken apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrierParts {
    /// Mean square of promised less kept, by bins; 0 is best.
    pub reliability: f64,
    /// Mean square of kept less the share of events, by bins; the larger the better.
    pub resolution: f64,
    /// Share of events x share of the rest.
    pub uncertainty: f64,
}

/// Murphy's (1973) decomposition by the bins of [`reliability`]: score = reliability - resolution + uncertainty, exactly so
/// where all probabilities of a bin are equal. `None` without rows.
#[must_use]
pub fn brier_parts(rows: &[(f64, bool)], n_bins: usize) -> Option<BrierParts> {
    if rows.is_empty() {
        return None;
    }
    let usual = rows.iter().filter(|row| row.1).count() as f64 / rows.len() as f64;
    let bins = reliability(rows, n_bins);
    let mean = |square: &dyn Fn(&ReliabilityBin) -> f64| {
        let sum: f64 = bins.iter().map(|bin| bin.rows as f64 * square(bin)).sum();
        sum / rows.len() as f64
    };
    Some(BrierParts {
        reliability: mean(&|bin| (bin.promised - bin.kept).powi(2)),
        resolution: mean(&|bin| (bin.kept - usual).powi(2)),
        uncertainty: usual * (1.0 - usual),
    })
}

/// Probabilities that were alike, and how often the event came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityBin {
    /// Mean of the probabilities.
    pub promised: f64,
    /// Share of rows where the event came.
    pub kept: f64,
    /// How many.
    pub rows: u64,
}

/// Rows `(probability, came)` in `n_bins` bins of equal width over 0 to 1; 1 belongs to the last; empty bins are left
/// out.
#[must_use]
pub fn reliability(rows: &[(f64, bool)], n_bins: usize) -> Vec<ReliabilityBin> {
    let mut sums = vec![(0.0, 0u64, 0u64); n_bins];
    for (p, came) in rows {
        let bin = ((p * n_bins as f64) as usize).min(n_bins.saturating_sub(1));
        sums[bin].0 += p;
        sums[bin].1 += u64::from(*came);
        sums[bin].2 += 1;
    }
    sums.into_iter()
        .filter(|(_, _, rows)| 0 < *rows)
        .map(|(promised, came, rows)| ReliabilityBin {
            promised: promised / rows as f64,
            kept: came as f64 / rows as f64,
            rows,
        })
        .collect()
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (0 < whole).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_table_by_hand() {
        let pairs = [
            (200.0, 160.0),
            (200.0, 100.0),
            (100.0, 160.0),
            (150.0, 150.0),
            (90.0, 80.0),
        ];
        let alarms = Alarms::count(&pairs, 150.0, 150.0);
        assert_eq!(
            (
                alarms.hits,
                alarms.misses,
                alarms.false_alarms,
                alarms.quiet
            ),
            (1, 1, 1, 2),
            "150 is not above 150"
        );
        assert_eq!((alarms.pod(), alarms.far()), (Some(0.5), Some(0.5)));
        assert_eq!(alarms.csi(), Some(1.0 / 3.0));
        assert!((alarms.loss(0.2) - 1.4).abs() < 1e-15);
        let nothing = Alarms::count(&[(1.0, 1.0)], 150.0, 150.0);
        assert_eq!(
            (nothing.pod(), nothing.far(), nothing.csi()),
            (None, None, None)
        );
    }

    #[test]
    fn a_model_that_says_too_little_gets_a_lower_line() {
        // Events are told from the rest by predictions above 90, far below the threshold of 150.
        let pairs: Vec<(f64, f64)> = (0..100)
            .map(|i| {
                (
                    if i < 20 { 180.0 } else { 50.0 },
                    if i < 20 { 100.0 } else { 80.0 },
                )
            })
            .collect();
        assert_eq!(best_line(&pairs, 150.0, Aim::Csi), Some(90.0));
        assert_eq!(best_line(&pairs, 150.0, Aim::Cost(0.2)), Some(90.0));
        assert_eq!(best_line(&pairs, 500.0, Aim::Csi), None);
    }

    #[test]
    fn where_a_warning_costs_as_much_as_the_event_nobody_is_warned_twice() {
        let pairs = [(200.0, 10.0), (200.0, 20.0), (50.0, 30.0)];
        let line = best_line(&pairs, 150.0, Aim::Cost(1.0)).unwrap();
        assert_eq!(Alarms::count(&pairs, 150.0, line).false_alarms, 0);
    }

    #[test]
    fn reliability_of_an_honest_forecast_lies_on_the_diagonal() {
        let rows: Vec<(f64, bool)> = (0..1000)
            .map(|i| (if i < 500 { 0.2 } else { 1.0 }, i % 5 == 0 || 500 <= i))
            .collect();
        let bins = reliability(&rows, 10);
        assert_eq!(bins.len(), 2);
        assert!((bins[0].promised - 0.2).abs() < 1e-12 && (bins[0].kept - 0.2).abs() < 1e-12);
        assert_eq!(
            (bins[1].promised, bins[1].kept, bins[1].rows),
            (1.0, 1.0, 500)
        );
        assert!((brier(&rows).unwrap() - 0.08).abs() < 1e-12);
        assert_eq!(brier(&[]), None);
    }

    proptest! {
        #[test]
        fn no_line_is_better_than_the_best(
            pairs in proptest::collection::vec((0..30i32, 0..30i32), 1..60), cost in 0.0..1.0f64
        ) {
            let pairs: Vec<(f64, f64)> = pairs.into_iter().map(|(t, p)| (f64::from(t), f64::from(p))).collect();
            let lines = (-1..31).map(|line| f64::from(line) + 0.5);
            if let Some(line) = best_line(&pairs, 20.0, Aim::Csi) {
                let got = Alarms::count(&pairs, 20.0, line).csi().unwrap_or(0.0);
                let best = lines.clone().map(|line| Alarms::count(&pairs, 20.0, line).csi().unwrap_or(0.0));
                prop_assert_eq!(got, best.fold(0.0, f64::max));
            }
            if let Some(line) = best_line(&pairs, 20.0, Aim::Cost(cost)) {
                let got = Alarms::count(&pairs, 20.0, line).loss(cost);
                let best = lines.map(|line| Alarms::count(&pairs, 20.0, line).loss(cost));
                prop_assert_eq!(got, best.fold(f64::INFINITY, f64::min));
            }
        }
    }

    #[test]
    fn a_brier_score_is_its_parts_where_bins_are_pure() {
        let rows: Vec<(f64, bool)> = (0..40)
            .map(|i| (if i % 4 == 0 { 0.75 } else { 0.15 }, i % 3 == 0))
            .collect();
        let parts = brier_parts(&rows, 10).unwrap();
        let score = brier(&rows).unwrap();
        let sum = parts.reliability - parts.resolution + parts.uncertainty;
        assert!((score - sum).abs() < 1e-12, "{score} {parts:?}");
        assert!((parts.uncertainty - 14.0 / 40.0 * 26.0 / 40.0).abs() < 1e-12);
        assert_eq!(brier_parts(&[], 10), None);
    }
}
