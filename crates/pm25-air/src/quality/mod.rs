//! The rules that say which values are doubtful, each a pure function from an hourly series to hours.
//!
//! Not a cleaning: no value is changed or removed, and no rule here may take a target away
//! ([`flag::REMOVES_TARGET`] is set while files are read). Each rule states its source where its thresholds stand;
//! "ours" means that no source was found and that the number was chosen on real station files.
//!
//! ```text
//! values, flags ── without what is removed ── runs ── levels ─┬─ range, ceiling, limit, flat, slip    each pollutant
//!                                                            ├─ spike, cluster, gap                  particles
//!                                                            ├─ ratio                                PM2.5 with PM10
//!                                                            └─ neighbour                            PM2.5, all stations
//! ```

pub mod alike;
pub mod ceiling;
pub mod channels;
pub mod flat;
pub mod gap;
pub mod hundredths;
pub mod limit;
pub mod neighbour;
pub mod profile;
pub mod range;
pub mod ratio;
pub mod runs;
pub mod slip;
pub mod spike;

pub use profile::Profile;

use std::borrow::Cow;

use runs::Stretches;

use crate::{Quantity, flag};

/// Changes whenever the same values would get other flags; stands in the table's header.
pub const VERSION: u32 = 4;

/// A rule.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Rule {
    /// Outside the profile's range.
    Range,
    /// A pile at an instrument's full scale.
    Ceiling,
    /// A single hour far above both neighbours.
    Spike,
    /// Three hours far above what surrounds them.
    Cluster,
    /// Above a wide empty gap in the distribution.
    HistogramGap,
    /// The same value for too long.
    FlatLine,
    /// At the detection limit.
    DetectionLimit,
    /// PM2.5 above 1.1 times PM10.
    PmRatio,
    /// Far from what the neighbouring stations measured.
    Neighbour,
    /// The two channels of one instrument disagree.
    Channels,
    /// A thousand times too large or too small.
    UnitSlip,
}

impl Rule {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 11] = [
        Self::Range,
        Self::Ceiling,
        Self::Spike,
        Self::Cluster,
        Self::HistogramGap,
        Self::FlatLine,
        Self::DetectionLimit,
        Self::PmRatio,
        Self::Neighbour,
        Self::Channels,
        Self::UnitSlip,
    ];

    /// As reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Ceiling => "ceiling",
            Self::Spike => "spike",
            Self::Cluster => "cluster",
            Self::HistogramGap => "histogram_gap",
            Self::FlatLine => "flatline",
            Self::DetectionLimit => "detection_limit",
            Self::PmRatio => "pm_ratio",
            Self::Neighbour => "neighbour",
            Self::Channels => "channels",
            Self::UnitSlip => "unit_slip",
        }
    }

    /// The flag that it sets.
    pub const fn flag(self) -> u16 {
        match self {
            Self::Range => flag::RANGE,
            Self::Ceiling => flag::CEILING,
            Self::Spike => flag::SPIKE,
            Self::Cluster => flag::CLUSTER,
            Self::HistogramGap => flag::HISTOGRAM_GAP,
            Self::FlatLine => flag::FLATLINE,
            Self::DetectionLimit => flag::BELOW_DL,
            Self::PmRatio => flag::PM_RATIO,
            Self::Neighbour => flag::NEIGHBOUR,
            Self::Channels => flag::CHANNELS,
            Self::UnitSlip => flag::UNIT,
        }
    }

    /// What it looks for, in a sentence for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Range => "outside what the network's instruments report",
            Self::Ceiling => "a pile of readings at an instrument's full scale",
            Self::Spike => "one hour far above both neighbours",
            Self::Cluster => "three hours far above what surrounds them",
            Self::HistogramGap => {
                "above a wide empty gap in the distribution, reached and left in one leap"
            }
            Self::FlatLine => "the same value for longer than chance allows at this station",
            Self::DetectionLimit => "at the detection limit: censored, not doubtful",
            Self::PmRatio => "PM2.5 above 1.1 times PM10; nobody knows which is wrong",
            Self::Neighbour => "three times outside the range of all neighbouring stations",
            Self::Channels => "the two channels of one instrument disagree",
            Self::UnitSlip => "a thousand times too large or too small for the declared unit",
        }
    }

    /// Where its thresholds come from.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Range => "40 CFR 53 Table B-1 (gases); ours (particles)",
            Self::Ceiling => "full scales seen in station files of CPCB; ours",
            Self::Spike | Self::Cluster => "NOAA qc_site_pm25.f90; the factor of two is ours",
            Self::HistogramGap => "NOAA qc_site_pm25.f90; the leap is ours",
            Self::FlatLine => "NOAA qc_site_pm25.f90 (more than six hours); the chance is ours",
            Self::DetectionLimit => "ours, on UCI Beijing",
            Self::PmRatio | Self::Neighbour => "Wu et al. 2018, doi 10.1007/s00376-018-8067-9",
            Self::Channels => "Barkjohn et al. 2021, doi 10.5194/amt-14-4617-2021",
            Self::UnitSlip => "ours",
        }
    }
}

/// What a rule found in one quantity of one station.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Whose values.
    pub quantity: Quantity,
    /// Positions on the station's grid, ascending.
    pub hours: Vec<u32>,
}

/// The pollutants, which the rules are about.
pub const POLLUTANTS: [Quantity; 6] = [
    Quantity::Pm25,
    Quantity::Pm10,
    Quantity::No2,
    Quantity::So2,
    Quantity::O3,
    Quantity::Co,
];

/// The values that no flag removes; the others as NaN. `flags` may be empty. Borrowed where nothing is removed.
pub fn usable<'a>(values: &'a [f32], flags: &[u16]) -> Cow<'a, [f32]> {
    if flags.iter().all(|mask| mask & flag::REMOVES_TARGET == 0) {
        return Cow::Borrowed(values);
    }
    let mut usable = values.to_vec();
    for (value, mask) in usable.iter_mut().zip(flags) {
        if mask & flag::REMOVES_TARGET != 0 {
            *value = f32::NAN;
        }
    }
    Cow::Owned(usable)
}

/// What the rules about one series find; `values` are [`usable`].
pub fn series(values: &[f32], quantity: Quantity, profile: Profile) -> Vec<Finding> {
    let stretches = Stretches::of(values);
    let levels = &stretches.levels;
    let limit = limit::detection_limit(levels);
    let is_particle = matches!(quantity, Quantity::Pm25 | Quantity::Pm10);
    let mut found = vec![
        (Rule::Range, range::hours(values, quantity, profile)),
        (Rule::FlatLine, flat::hours(values, &stretches, limit)),
        (
            Rule::DetectionLimit,
            limit.map_or_else(Vec::new, |limit| limit::hours(values, limit)),
        ),
    ];
    if is_particle {
        found.push((Rule::Ceiling, ceiling::hours(values, levels)));
        found.push((Rule::Spike, spike::isolated(values, quantity)));
        found.push((Rule::Cluster, spike::cluster(values, quantity)));
        found.push((Rule::HistogramGap, gap::hours(values, levels)));
    }
    let finding = |(rule, hours)| Finding {
        rule,
        quantity,
        hours,
    };
    found
        .into_iter()
        .filter(|(_, hours)| !hours.is_empty())
        .map(finding)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_rule_can_take_a_target_away() {
        for rule in Rule::ALL {
            assert_eq!(rule.flag() & flag::REMOVES_TARGET, 0, "{}", rule.name());
            assert_eq!(rule.flag().count_ones(), 1);
        }
        let names: BTreeSet<&str> = Rule::ALL.map(Rule::name).into();
        assert_eq!(names.len(), Rule::ALL.len());
    }

    /// A record with everything that rules look for: the flags that hide an hour from features are those of the record up to
    /// that hour, whatever comes after.
    #[test]
    fn no_flag_that_hides_an_hour_is_earned_later() {
        let mut state = 5_u32;
        let mut air: Vec<f32> = (0..600)
            .map(|hour| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 16) as f32 / 65_536.0;
                (60.0 + 40.0 * (hour as f32 / 9.0).sin() + 10.0 * noise).round()
            })
            .collect();
        air[200..260].fill(43.0);
        air[300..340].fill(985.0);
        air[420] = 1_400.0;
        air[500] = f32::NAN;
        let hiding = |values: &[f32]| -> Vec<(Rule, u32)> {
            let found = series(values, Quantity::Pm25, Profile::Cn);
            let hiding = |finding: &Finding| finding.rule.flag() & flag::HIDES_FEATURE != 0;
            let found = found.into_iter().filter(hiding);
            found
                .flat_map(|finding| {
                    finding
                        .hours
                        .into_iter()
                        .map(move |hour| (finding.rule, hour))
                })
                .collect()
        };
        let whole = hiding(&air);
        assert!(whole.contains(&(Rule::Range, 420)));
        let suspected = series(&air, Quantity::Pm25, Profile::Cn);
        for rule in [Rule::FlatLine, Rule::Ceiling] {
            assert!(
                suspected.iter().any(|finding| finding.rule == rule),
                "{rule:?}"
            );
        }
        for end in (1..=air.len()).step_by(7) {
            let known = whole.iter().filter(|(_, hour)| (*hour as usize) < end);
            assert_eq!(
                hiding(&air[..end]),
                known.copied().collect::<Vec<_>>(),
                "{end}"
            );
        }
    }

    #[test]
    fn what_is_removed_makes_no_neighbour() {
        let values = usable(&[10.0, 9_999.0, 10.0], &[0, flag::IMPOSSIBLE, flag::SPIKE]);
        assert!(values[1].is_nan() && values[2] == 10.0);
        assert_eq!(*usable(&[1.0], &[]), [1.0]);
    }

    #[test]
    fn smoke_of_a_camp_fire_survives_in_america() {
        // Rises, 1847 µg/m³ at the top, falls.
        let mut values: Vec<f32> = (0..900)
            .map(|hour| 8.0 + ((hour * 37) % 23) as f32)
            .collect();
        for (hour, smoke) in [
            60.0, 190.0, 430.0, 800.0, 1_240.0, 1_847.0, 1_560.0, 1_010.0, 640.0, 300.0, 120.0,
        ]
        .into_iter()
        .enumerate()
        {
            values[400 + hour] = smoke;
        }
        assert_eq!(series(&values, Quantity::Pm25, Profile::Us), []);
    }
}
