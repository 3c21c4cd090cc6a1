//! Where an axis is marked and how numbers on it are written. Nothing here draws.

/// A stretch of numbers, `from < to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Range {
    /// Covers all finite values; never empty, so that a single value or none can be drawn.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let (from, to) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| {
            (lo.min(v), hi.max(v))
        });
        if from < to {
            Self { from, to }
        } else if from == to {
            let half = if from == 0.0 { 0.5 } else { from.abs() * 0.05 };
            Self {
                from: from - half,
                to: to + half,
            }
        } else {
            Self { from: 0.0, to: 1.0 }
        }
    }

    /// Also covers `value`.
    pub(crate) fn with(self, value: f64) -> Self {
        Self {
            from: self.from.min(value),
            to: self.to.max(value),
        }
    }

    /// A little air at both ends, but not beyond an end that is exactly 0.
    pub(crate) fn padded(self, share: f64) -> Self {
        let air = (self.to - self.from) * share;
        let from = if self.from == 0.0 {
            0.0
        } else {
            self.from - air
        };
        let to = if self.to == 0.0 { 0.0 } else { self.to + air };
        Self { from, to }
    }

    pub(crate) fn share(self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    pub(crate) fn contains(self, value: f64) -> bool {
        self.from <= value && value <= self.to
    }
}

/// A marked place on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) text: String,
}

/// Marks at multiples of 1, 2 or 5 times a power of ten inside the range, at most `most` (at least 2) of them.
pub(crate) fn ticks(range: Range, most: usize) -> Vec<Tick> {
    multiples(
        range,
        most,
        nice_step((range.to - range.from) / most.max(2) as f64),
    )
}

/// The same at whole numbers alone.
pub(crate) fn whole_ticks(range: Range, most: usize) -> Vec<Tick> {
    let step = nice_step((range.to - range.from) / most.max(2) as f64);
    multiples(range, most, step.max(1.0))
}

fn multiples(range: Range, most: usize, step: f64) -> Vec<Tick> {
    let decimals = decimals_for(step);
    let first = (range.from / step).ceil();
    (0..=most)
        .map(|i| (first + i as f64) * step)
        .take_while(|at| *at <= range.to + step * 1e-9)
        .map(|at| Tick {
            at,
            text: number(at, decimals),
        })
        .collect()
}

/// Powers of ten from 1 up to `top`, for a logarithmic scale of counts; every second one where there are many.
pub(crate) fn decades(top: f64) -> Vec<Tick> {
    let powers: Vec<f64> = std::iter::successors(Some(1.0), |p| Some(p * 10.0))
        .take_while(|p| *p <= top)
        .collect();
    powers
        .into_iter()
        .map(|at| Tick {
            at,
            text: number(at, 0),
        })
        .collect()
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `rough` (which is above 0).
pub(crate) fn nice_step(rough: f64) -> f64 {
    let mut power = 1.0;
    while rough < power {
        power /= 10.0;
    }
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    let nice = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|nice| rough <= nice * power * (1.0 + 1e-9));
    nice.unwrap_or(10.0) * power
}

/// Decimals needed to tell multiples of `step` apart.
pub(crate) fn decimals_for(step: f64) -> usize {
    let mut decimals = 0;
    let mut scaled = step.abs();
    while decimals < 12 && 1e-6 < (scaled - scaled.round()).abs() {
        scaled *= 10.0;
        decimals += 1;
    }
    decimals
}

/// A number as charts write it: true minus sign, thousands apart from 10,000 on, powers of ten where it would be too
/// long.
#[must_use]
pub fn number(value: f64, decimals: usize) -> String {
    const LONG: f64 = 1e8;
    const DECIMALS_MAX: usize = 7;
    if LONG <= value.abs() || (DECIMALS_MAX < decimals && value != 0.0) {
        return format!("{value:.2e}")
            .replace(".00e", "e")
            .replace('-', "−");
    }
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let negative = value < 0.0 && plain.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let sign = if negative { "−" } else { "" };
    format!("{sign}{}{rest}", grouped(whole))
}

/// A number for people with about three digits, for values whose step is not known.
pub(crate) fn brief(value: f64) -> String {
    let size = value.abs();
    let decimals = [100.0, 10.0, 1.0, 0.1]
        .iter()
        .position(|limit| *limit <= size)
        .unwrap_or(4);
    number(value, decimals)
}

fn grouped(digits: &str) -> String {
    if digits.len() < 5 {
        return digits.to_owned();
    }
    let mut out = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if 0 < idx && (digits.len() - idx).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(from: f64, to: f64, most: usize) -> Vec<String> {
        ticks(Range { from, to }, most)
            .into_iter()
            .map(|t| t.text)
            .collect()
    }

    #[test]
    fn marks_are_round_numbers() {
        assert_eq!(texts(0.0, 100.0, 5), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(texts(-0.13, 0.27, 5), ["−0.1", "0.0", "0.1", "0.2"]);
        assert_eq!(texts(0.0, 45_000.0, 4), ["0", "20,000", "40,000"]);
    }

    #[test]
    fn between_two_months_there_is_none() {
        let at = |from, to| -> Vec<f64> {
            let marks = whole_ticks(Range { from, to }, 5);
            marks.iter().map(|mark| mark.at).collect()
        };
        assert_eq!(at(3.0, 4.0), [3.0, 4.0]);
        assert_eq!(at(0.9, 12.1), [5.0, 10.0]);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(-1234.5, 1), "−1234.5");
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(-0.001, 1), "0.0", "no minus before nothing");
        assert_eq!(
            (number(-1e15, 0), number(1.25e-9, 10)),
            ("−1e15".into(), "1.25e−9".into())
        );
        assert_eq!(
            (brief(123.4), brief(-1.234), brief(0.0)),
            ("123".into(), "−1.23".into(), "0.0000".into())
        );
    }

    #[test]
    fn one_value_or_none_still_make_a_range() {
        assert_eq!(Range::of([f64::NAN]), Range { from: 0.0, to: 1.0 });
        assert!(Range::of([7.0]).contains(7.0) && Range::of([0.0]).contains(0.0));
    }

    proptest! {
        #[test]
        fn marks_are_inside_and_not_too_many(from in -1e6..1e6f64, width in 1e-6..1e6f64, most in 2..12usize) {
            let range = Range { from, to: from + width };
            let marks = ticks(range, most);
            prop_assert!(marks.len() <= most + 1);
            prop_assert!(marks.iter().all(|m| range.from - width * 1e-6 <= m.at && m.at <= range.to + width * 1e-6));
        }
    }
}
