//! What moved most, as a person would say it.

use std::collections::BTreeMap;

use pm25_artifact::drift::{ColumnDrift, ColumnSide, Role, Verdict};

use crate::compare::strength;
use crate::limits::ROWS_MIN;

/// Columns that get a sentence of their own.
const N_NAMED: usize = 3;
/// A mean that grew or shrank by this factor is rarely weather and often a unit.
const UNIT_FACTOR: f64 = 50.0;
/// Share of rows by which missing values must grow or shrink to be mentioned.
const MISSING_STEP: f64 = 0.05;

/// Columns by name, with their drift.
pub(crate) type Drifts = BTreeMap<String, ColumnDrift>;
/// Units by column.
pub(crate) type Units = BTreeMap<String, String>;

/// Which rows of the reference were taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Taken {
    /// All.
    All,
    /// Those of the current rows' season.
    Season,
}

/// At least one sentence.
pub(crate) fn words(drifts: &Drifts, units: &Units, taken: Taken) -> Vec<String> {
    let counted = |drift: &ColumnDrift| drift.role != Role::Context;
    let mut moved: Vec<(&String, &ColumnDrift)> =
        drifts.iter().filter(|(_, drift)| counted(drift)).collect();
    // The sort is stable and the map sorted: of equals the first name comes first.
    moved.sort_by(|a, b| strength(b.1).total_cmp(&strength(a.1)));
    let n_moved = moved
        .iter()
        .filter(|(_, drift)| Verdict::Moderate <= drift.verdict)
        .count();
    let sentence =
        |(name, drift): &(&String, &ColumnDrift)| sentence(name, drift, units.get(*name));
    let mut words: Vec<String> = moved
        .iter()
        .take(n_moved.min(N_NAMED))
        .map(sentence)
        .collect();
    if N_NAMED < n_moved {
        words.push(format!("{} more columns moved", n_moved - N_NAMED));
    }
    if n_moved == 0 {
        words.push(nothing_moved(&moved, units));
    }
    words.extend(context(drifts, taken));
    words
}

fn nothing_moved(columns: &[(&String, &ColumnDrift)], units: &Units) -> String {
    match columns
        .iter()
        .find(|(_, drift)| drift.verdict != Verdict::TooFew)
    {
        Some((name, drift)) => {
            format!(
                "nothing moved enough to matter; most did {}",
                sentence(name, drift, units.get(*name))
            )
        }
        None => format!("too few rows to say anything: each side needs {ROWS_MIN}"),
    }
}

/// `temp_c` (significant): mean 27.1 °C, was 13.4; PSI 5.11, KS 0.68
fn sentence(name: &str, drift: &ColumnDrift, unit: Option<&String>) -> String {
    let mut parts = Vec::new();
    let unit = unit
        .filter(|unit| unit.as_str() != "1")
        .map(|unit| format!(" {unit}"))
        .unwrap_or_default();
    if let (Some(is), Some(was)) = (drift.current.mean, drift.reference.mean) {
        parts.push(format!("mean {}{unit}, was {}", short(is), short(was)));
        parts.extend(factor(is, was));
    }
    parts.extend(missing(&drift.reference, &drift.current));
    if let Some(psi) = drift.psi {
        let ks = drift
            .ks
            .map(|ks| format!(", KS {:.2}", ks.statistic))
            .unwrap_or_default();
        parts.push(format!("PSI {psi:.2}{ks}"));
    }
    format!("`{name}` ({}): {}", drift.verdict.word(), parts.join("; "))
}

fn factor(is: f64, was: f64) -> Option<String> {
    let ratio = is / was;
    let (times, how) = if 1.0 <= ratio {
        (ratio, "large")
    } else {
        (1.0 / ratio, "small")
    };
    let strange = 0.0 < ratio && times.is_finite() && UNIT_FACTOR <= times;
    strange.then(|| format!("{times:.0} times as {how}: has its unit changed?"))
}

fn missing(reference: &ColumnSide, current: &ColumnSide) -> Option<String> {
    let (was, is) = (reference.missing_share?, current.missing_share?);
    let percent = |share: f64| 100.0 * share;
    (MISSING_STEP <= (is - was).abs()).then(|| {
        format!(
            "missing in {:.1} % of rows, was {:.1} %",
            percent(is),
            percent(was)
        )
    })
}

/// Rows of another season or from other stations explain much; say so.
fn context(drifts: &Drifts, taken: Taken) -> Option<String> {
    let moved =
        |drift: &ColumnDrift| drift.role == Role::Context && Verdict::Moderate <= drift.verdict;
    let named: Vec<String> = drifts
        .iter()
        .filter(|(_, drift)| moved(drift))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let advice = match taken {
        Taken::All => "; --season compares like with like",
        Taken::Season => "",
    };
    (!named.is_empty()).then(|| {
        format!(
            "the rows are of another season, hour or station than the reference's ({} moved, which does not count){advice}",
            named.join(", ")
        )
    })
}

/// Enough digits to see a difference.
fn short(value: f64) -> String {
    match value.abs() {
        a if 100.0 <= a => format!("{value:.0}"),
        a if 1.0 <= a => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Before, compare};
    use pm25_stats::Sample;

    fn drifts(columns: &[(&str, Role, f64)]) -> Drifts {
        let even = |scale: f64| {
            Sample::of_f64(
                &(0..1000)
                    .map(|i| scale * f64::from(i + 1))
                    .collect::<Vec<_>>(),
            )
        };
        let drift = |&(name, role, scale): &(&str, Role, f64)| {
            (
                name.to_owned(),
                compare(role, &Before::Whole(even(1.0)), &even(scale)),
            )
        };
        columns.iter().map(drift).collect()
    }

    #[test]
    fn the_strongest_comes_first_and_a_unit_is_suspected() {
        let drifts = drifts(&[
            ("a", Role::Input, 1.3),
            ("co_mg_m3", Role::Input, 1000.0),
            ("c", Role::Input, 1.0),
        ]);
        let units = Units::from([("co_mg_m3".to_owned(), "mg/m³".to_owned())]);
        let words = words(&drifts, &units, Taken::All);
        assert_eq!(words.len(), 2, "{words:?}");
        let start = "`co_mg_m3` (significant): mean 500500 mg/m³, was 500; 1000 times as large: has its unit changed?; PSI ";
        assert!(words[0].starts_with(start), "{words:?}");
        assert!(
            words[1].starts_with("`a` (moderate)") || words[1].starts_with("`a` (significant)"),
            "{words:?}"
        );
    }

    #[test]
    fn quiet_is_said_too_and_context_is_explained() {
        let words = words(
            &drifts(&[("a", Role::Input, 1.01), ("month", Role::Context, 2.0)]),
            &Units::new(),
            Taken::All,
        );
        assert!(
            words[0].starts_with(
                "nothing moved enough to matter; most did `a` (none): mean 506, was 500"
            ),
            "{words:?}"
        );
        assert!(
            words[1].contains("(`month` moved, which does not count)"),
            "{words:?}"
        );
        assert!(words[1].ends_with("; --season compares like with like"));
        let drifts = drifts(&[("month", Role::Context, 2.0)]);
        let seasonal = super::words(&drifts, &Units::new(), Taken::Season);
        assert!(!seasonal.concat().contains("--season"), "{seasonal:?}");
        assert!(seasonal[0].starts_with("too few rows"), "{seasonal:?}");
    }
}
