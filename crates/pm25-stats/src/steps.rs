//! Where a series stepped from one level to another and stayed there.
//!
//! Levels between steps and a season that goes round are fitted together; a step counts if it takes more from the squared
//! errors than noise with the memory of this series would. It is not a slope: a slow change comes out as a staircase.
//!
//! ```text
//! value = level of its stretch + effect of its season + noise
//!
//!   ──────┐        season from month to month, the same every year
//!         └────────────┐
//!                      └──────   stretches of at least `length_min` values
//! ```
//!
//! The best stretches for a given season are found exactly: optimal partitioning (Jackson et al. 2005), of which PELT
//! (Killick, Fearnhead and Eckley 2012) is the form that leaves out work, of which there is none at some hundred weeks.
//! Season and stretches take turns, as in BFAST (Verbesselt et al. 2010), and a step that the two together can do without
//! is taken back once the others have moved to where they are best without it. A step costs 3 log n of the noise's long-run variance: the main term of the modified BIC (Zhang and
//! Siegmund 2007), in the unit that errors with memory have (Lavielle and Moulines 2000).

/// What may be a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepPlan<'a> {
    /// Which season each value belongs to, from 0; all 0 where none is to be fitted.
    pub season: &'a [usize],
    /// Fewest values of a stretch, at least 1.
    pub length_min: usize,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The first value on the new level.
    pub at: usize,
    /// Level of the stretch before it, season taken out, in the unit of the values.
    pub before: f64,
    /// Level of the stretch that it starts.
    pub after: f64,
    /// Standard error of the difference, from the noise's long-run variance.
    pub std_error: f64,
}

/// Rounds of season and stretches; they settle after two or three.
const ROUNDS_MAX: usize = 12;
/// Rounds of levels and season under given steps, and what change is none.
const SWEEPS_MAX: usize = 2_000;
const SETTLED: f64 = 1e-9;
/// Price of a step in units of log n times the long-run variance.
const PRICE: f64 = 3.0;
/// Correlation of neighbours above which noise cannot be told from steps.
const MEMORY_MAX: f64 = 0.9;

/// The steps in `values`, in their order.
///
/// # Panics
/// If a value is not finite, a season is missing, or stretches may be empty.
#[must_use]
pub fn steps(values: &[f64], plan: &StepPlan<'_>) -> Vec<Step> {
    assert_eq!(values.len(), plan.season.len(), "a season for each value");
    assert!(0 < plan.length_min, "stretches are not empty");
    assert!(values.iter().all(|value| value.is_finite()), "no gaps");
    if values.len() < 2 * plan.length_min {
        return Vec::new();
    }
    let mut fit = Fit::of(values, plan, Vec::new());
    let mut variance = 0.0;
    for _ in 0..ROUNDS_MAX {
        let flat = fit.without_season(values, plan);
        variance = long_run_variance(&flat);
        let price = PRICE * libm::log(values.len() as f64) * variance;
        let found = partition(&flat, plan.length_min, price);
        let next = thinned(values, plan, found, price);
        let is_settled = next.starts == fit.starts;
        fit = next;
        if is_settled {
            break;
        }
    }
    fit.steps(values.len(), variance)
}

/// Levels and season under given steps.
struct Fit {
    /// First value of each stretch but the first.
    starts: Vec<usize>,
    /// Of each stretch.
    levels: Vec<f64>,
    /// Of each season; 0 on average over the values.
    effects: Vec<f64>,
    /// Sum of squared errors.
    error: f64,
}

impl Fit {
    /// Least squares by taking turns: season first, so that what both could say is the season's.
    fn of(values: &[f64], plan: &StepPlan<'_>, starts: Vec<usize>) -> Self {
        let stretch = stretches(values.len(), &starts);
        let n_seasons = plan.season.iter().max().map_or(1, |last| last + 1);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let mut fit = Self {
            levels: vec![mean; starts.len() + 1],
            effects: vec![0.0; n_seasons],
            error: f64::INFINITY,
            starts,
        };
        let n_levels = fit.levels.len();
        for _ in 0..SWEEPS_MAX {
            let errors = |of: &[f64], group: &[usize]| -> Vec<f64> {
                let pairs = values.iter().zip(group);
                pairs.map(|(value, group)| value - of[*group]).collect()
            };
            fit.effects = means(&errors(&fit.levels, &stretch), plan.season, n_seasons);
            let usual = plan.season.iter().map(|season| fit.effects[*season]);
            let shift = usual.sum::<f64>() / values.len() as f64;
            fit.effects.iter_mut().for_each(|effect| *effect -= shift);
            fit.levels = means(&errors(&fit.effects, plan.season), &stretch, n_levels);
            let squares = (0..values.len()).map(|place| {
                let said = fit.levels[stretch[place]] + fit.effects[plan.season[place]];
                (values[place] - said) * (values[place] - said)
            });
            let error: f64 = squares.sum();
            let is_settled = fit.error - error <= SETTLED * error;
            fit.error = error;
            if is_settled {
                break;
            }
        }
        fit
    }

    fn without_season(&self, values: &[f64], plan: &StepPlan<'_>) -> Vec<f64> {
        let pairs = values.iter().zip(plan.season);
        pairs
            .map(|(value, season)| value - self.effects[*season])
            .collect()
    }

    fn steps(&self, n_values: usize, variance: f64) -> Vec<Step> {
        let mut edges = vec![0];
        edges.extend(&self.starts);
        edges.push(n_values);
        let length = |stretch: usize| (edges[stretch + 1] - edges[stretch]) as f64;
        let step = |(idx, at): (usize, &usize)| Step {
            at: *at,
            before: self.levels[idx],
            after: self.levels[idx + 1],
            std_error: (variance * (1.0 / length(idx) + 1.0 / length(idx + 1))).sqrt(),
        };
        self.starts.iter().enumerate().map(step).collect()
    }
}

/// Takes back, the least first, each step whose loss costs less than its price once season and levels have moved.
fn thinned(values: &[f64], plan: &StepPlan<'_>, starts: Vec<usize>, price: f64) -> Fit {
    let mut fit = Fit::of(values, plan, starts);
    loop {
        let without = (0..fit.starts.len()).map(|idx| {
            let mut starts = fit.starts.clone();
            starts.remove(idx);
            moved(values, plan, Fit::of(values, plan, starts))
        });
        match without.min_by(|a, b| a.error.total_cmp(&b.error)) {
            Some(less) if less.error - fit.error < price => fit = less,
            _ => return fit,
        }
    }
}

/// Moves each step to its best place between its neighbours until all stand still.
fn moved(values: &[f64], plan: &StepPlan<'_>, mut fit: Fit) -> Fit {
    for _ in 0..ROUNDS_MAX {
        let error = squared_errors(&fit.without_season(values, plan));
        let mut starts = fit.starts.clone();
        for idx in 0..starts.len() {
            let from = idx.checked_sub(1).map_or(0, |before| starts[before]);
            let to = starts.get(idx + 1).copied().unwrap_or(values.len());
            let places = from + plan.length_min..=to - plan.length_min;
            let cost = |at: &usize| error(from, *at) + error(*at, to);
            let best = places.min_by(|a, b| cost(a).total_cmp(&cost(b)));
            starts[idx] = best.unwrap_or(starts[idx]);
        }
        if starts == fit.starts {
            break;
        }
        fit = Fit::of(values, plan, starts);
    }
    fit
}

/// Squared errors of a stretch around its own mean, from its first value to the one before its end.
fn squared_errors(values: &[f64]) -> impl Fn(usize, usize) -> f64 + use<> {
    let (mut sums, mut squares) = (vec![0.0], vec![0.0]);
    for (place, value) in values.iter().enumerate() {
        sums.push(sums[place] + value);
        squares.push(squares[place] + value * value);
    }
    move |from, to| {
        let sum: f64 = sums[to] - sums[from];
        squares[to] - squares[from] - sum * sum / (to - from) as f64
    }
}

/// First values of the stretches but the first that make squared errors plus prices least.
fn partition(values: &[f64], length_min: usize, price: f64) -> Vec<usize> {
    let n = values.len();
    let error = squared_errors(values);
    let mut best = vec![f64::INFINITY; n + 1];
    let mut last_start = vec![0; n + 1];
    best[0] = -price;
    for end in length_min..=n {
        for start in 0..=end - length_min {
            let cost = best[start] + price + error(start, end);
            if cost < best[end] {
                (best[end], last_start[end]) = (cost, start);
            }
        }
    }
    let mut starts = Vec::new();
    let mut end = n;
    while 0 < last_start[end] {
        end = last_start[end];
        starts.push(end);
    }
    starts.reverse();
    starts
}

/// Variance of √n times the mean of noise with a memory of the first order, from differences of neighbours and of
/// next but one, which few steps hardly touch: with d1 = 2 s² (1 - r) and d2 = 2 s² (1 - r²), r = d2 / d1 - 1 (Chakar et al.
/// 2017) and the long-run variance is s² (1 + r) / (1 - r).
fn long_run_variance(values: &[f64]) -> f64 {
    let mean_square = |lag: usize| {
        let differences = values.iter().zip(values.iter().skip(lag));
        let sum: f64 = differences.map(|(a, b)| (b - a) * (b - a)).sum();
        sum / values.len().saturating_sub(lag).max(1) as f64
    };
    let (one, two) = (mean_square(1), mean_square(2));
    if one <= 0.0 {
        return 0.0;
    }
    let memory = (two / one - 1.0).clamp(0.0, MEMORY_MAX);
    let variance = one / (2.0 * (1.0 - memory));
    variance * (1.0 + memory) / (1.0 - memory)
}

/// Which stretch each value is in.
fn stretches(n_values: usize, starts: &[usize]) -> Vec<usize> {
    (0..n_values)
        .map(|place| starts.iter().filter(|start| **start <= place).count())
        .collect()
}

/// Mean of each group; 0 of one without values.
fn means(values: &[f64], group: &[usize], n_groups: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); n_groups];
    for (value, group) in values.iter().zip(group) {
        sums[*group].0 += value;
        sums[*group].1 += 1.0;
    }
    sums.iter()
        .map(|(sum, n)| if 0.0 < *n { sum / n } else { 0.0 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;
    use proptest::prelude::*;

    const WEEKS: usize = 208;

    /// Noise of standard deviation `1 / sqrt(1 - memory²)`.
    fn noise(n: usize, memory: f64, seed: u64) -> Vec<f64> {
        let chance = Chance::new(seed);
        let mut before = 0.0;
        (0..n)
            .map(|place| {
                let even = |n: usize| chance.below(n, 1_000_001) as f64 / 1e6 - 0.5;
                before = memory * before + (0..12).map(|n| even(12 * place + n)).sum::<f64>();
                before
            })
            .collect()
    }

    fn month(week: usize) -> usize {
        week * 12 / 52 % 12
    }

    /// Weeks with a winter, steps and noise.
    fn weeks(steps: &[(usize, f64)], winter: f64, noise: &[f64]) -> Vec<f64> {
        (0..noise.len())
            .map(|week| {
                let past = steps.iter().filter(|(at, _)| *at <= week);
                let turn = month(week) as f64 / 12.0 * std::f64::consts::TAU;
                80.0 + past.map(|(_, size)| size).sum::<f64>()
                    + winter * libm::cos(turn)
                    + noise[week]
            })
            .collect()
    }

    fn found(values: &[f64]) -> Vec<Step> {
        let season: Vec<usize> = (0..values.len()).map(month).collect();
        let plan = StepPlan {
            season: &season,
            length_min: 13,
        };
        steps(values, &plan)
    }

    #[test]
    fn planted_steps_are_found_where_they_are_and_as_large_as_they_are() {
        let planted = [(70, -3.0), (150, 2.5)];
        for seed in 0..20 {
            let found = found(&weeks(&planted, 20.0, &noise(WEEKS, 0.0, seed)));
            assert_eq!(found.len(), 2, "{found:?}");
            for (step, (at, size)) in found.iter().zip(planted) {
                assert!(step.at.abs_diff(at) <= 3, "{step:?}");
                let miss = (step.after - step.before - size).abs();
                assert!(miss < 4.0 * step.std_error, "{step:?}");
            }
        }
    }

    #[test]
    fn a_step_half_way_through_a_year_is_no_season() {
        for at in [60, 78, 104, 117, 130] {
            let found = found(&weeks(&[(at, -4.0)], 15.0, &noise(WEEKS, 0.0, 5)));
            let places: Vec<usize> = found.iter().map(|step| step.at).collect();
            assert!(
                matches!(places[..], [one] if one.abs_diff(at) <= 2),
                "{at}: {places:?}"
            );
        }
    }

    #[test]
    fn there_are_none_in_noise_and_none_in_a_season() {
        for (memory, most) in [(0.0, 3), (0.5, 8)] {
            let alarms = (0..200)
                .filter(|seed| {
                    !found(&weeks(&[], 25.0, &noise(WEEKS, memory, 77 + seed))).is_empty()
                })
                .count();
            assert!(alarms <= most, "memory {memory}: {alarms} of 200");
        }
        assert_eq!(found(&weeks(&[], 25.0, &vec![0.0; WEEKS])), []);
        assert_eq!(found(&[5.0; 60]), []);
        assert_eq!(found(&[]), []);
    }

    #[test]
    fn stretches_have_their_length() {
        let values: Vec<f64> = (0..40).map(|i| if i < 6 { 0.0 } else { 9.0 }).collect();
        assert!(partition(&values, 5, 1.0) == [6] && partition(&values, 7, 1.0) == [7]);
        assert_eq!(partition(&values, 20, 1e9), []);
    }

    proptest! {
        #[test]
        fn no_other_stretches_cost_less(
            values in proptest::collection::vec(-9.0..9.0_f64, 3..13),
            length_min in 1..4_usize,
            price in 0.1..60.0_f64,
        ) {
            prop_assume!(length_min <= values.len());
            let cost = |starts: &[usize]| -> Option<f64> {
                let mut edges = vec![0];
                edges.extend(starts);
                edges.push(values.len());
                let mut sum = price * starts.len() as f64;
                for pair in edges.windows(2) {
                    let piece = &values[pair[0]..pair[1]];
                    let mean = piece.iter().sum::<f64>() / piece.len() as f64;
                    sum += piece.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
                    if piece.len() < length_min { return None; }
                }
                Some(sum)
            };
            let all = 0..1_usize << (values.len() - 1);
            let best = all.filter_map(|mask| {
                let starts: Vec<usize> = (1..values.len()).filter(|at| mask >> (at - 1) & 1 == 1).collect();
                cost(&starts)
            }).fold(f64::INFINITY, f64::min);
            let found = cost(&partition(&values, length_min, price)).expect("long enough");
            prop_assert!((found - best).abs() < 1e-9, "{found} {best}");
        }
    }
}
