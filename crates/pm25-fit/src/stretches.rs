//! Some of many rows, evenly spread and the same at every run.
//!
//! Not every nth row: a step of a day would take one hour of the day.

/// Numbers of `n_kept` of `n_rows` rows, rising, one from each of as many equal stretches. Where in its stretch is
/// drawn, the same for the same `seed`, so that no step falls in with the hours of the day.
pub(crate) fn spread_out(n_rows: usize, n_kept: usize, seed: usize) -> Vec<u32> {
    if n_rows <= n_kept {
        return (0..n_rows as u32).collect();
    }
    let edge = |stretch: usize| stretch * n_rows / n_kept;
    let row = |stretch: usize| {
        let n_there = edge(stretch + 1) - edge(stretch);
        edge(stretch) + (drawn(seed, stretch) * n_there as f64) as usize
    };
    (0..n_kept).map(|stretch| row(stretch) as u32).collect()
}

/// A number from 0 to below 1 (Steele, Lea and Flood 2014, SplitMix64).
fn drawn(seed: usize, at: usize) -> f64 {
    let mut z = (seed as u64) << 40 ^ at as u64;
    z = z.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_rows_are_spread_over_all_and_fall_in_with_no_hour() {
        let rows = spread_out(24_000, 1000, 3);
        assert!(rows.is_sorted_by(|a, b| a < b) && *rows.last().unwrap() < 24_000);
        assert_eq!(rows.len(), 1000);
        // The step is a day: every hour is still drawn about as often.
        for hour in 0..24 {
            let n = rows.iter().filter(|&&row| row % 24 == hour).count();
            assert!((20..65).contains(&n), "hour {hour}: {n}");
        }
        assert_ne!(rows, spread_out(24_000, 1000, 4));
        assert_eq!(spread_out(5, 5, 1), [0, 1, 2, 3, 4]);
        assert_eq!(spread_out(3, 2, 0).len(), 2);
    }
}
