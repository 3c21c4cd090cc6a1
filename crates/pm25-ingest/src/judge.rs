//! A station judged and summed up, and what the rules did to the whole.
//!
//! Not the judging of one station; see [`crate::quality`].

use pm25_air::flag;
use pm25_air::quality::{self, Profile, Rule};
use pm25_artifact::ingest::{Quality, RuleEffect, RuleSummary, StationSummary};
use pm25_file::Result;

use crate::coverage::Days;
use crate::level;
use crate::quality::{Court, StationQuality, check};
use crate::stations::Merged;

/// Examples of a rule over all stations.
const EXAMPLES_MAX: usize = 5;

/// What the report says of quality.
pub(crate) struct Judged {
    pub(crate) quality: Quality,
    pub(crate) summaries: Vec<StationSummary>,
    /// The days of each station.
    pub(crate) days: Vec<Days>,
}

/// One station judged: what was found, its summary, its days.
pub(crate) type JudgedStation = (StationQuality, StationSummary, Days);

/// Sets the flags of a station, the `station_idx`-th of the network, and sums it up.
pub(crate) fn judge(
    merged: &mut Merged,
    station_idx: usize,
    court: Court,
) -> Result<JudgedStation> {
    let lines = std::mem::take(&mut merged.lines);
    let found = check(&mut merged.station, station_idx, court, &lines)?;
    let days = Days::of(&merged.station);
    let summary = level::summary(merged, &found, &days);
    Ok((found, summary, days))
}

/// Sums up all stations, in the order of the table.
pub(crate) fn gathered(judged: Vec<JudgedStation>, profile: Profile) -> Judged {
    let mut found = Vec::with_capacity(judged.len());
    let mut summaries = Vec::with_capacity(judged.len());
    let mut days = Vec::with_capacity(judged.len());
    for (of_station, summary, of_days) in judged {
        found.push(of_station);
        summaries.push(summary);
        days.push(of_days);
    }
    let rules = Rule::ALL
        .map(|rule| rule_summary(rule, &found, &summaries))
        .into();
    let quality = Quality {
        rules_version: quality::VERSION,
        profile: profile.name().to_owned(),
        rules,
        slips: found.into_iter().flat_map(|found| found.slips).collect(),
    };
    Judged {
        quality,
        summaries,
        days,
    }
}

fn rule_summary(rule: Rule, found: &[StationQuality], stations: &[StationSummary]) -> RuleSummary {
    let flag = flag::ALL.iter().find(|(bit, _)| *bit == rule.flag());
    let flag = flag.map_or("", |(_, name)| name);
    let mut summary = RuleSummary {
        rule: rule.name().to_owned(),
        meaning: rule.meaning().to_owned(),
        source: rule.source().to_owned(),
        flag: flag.to_owned(),
        pm25_ug_m3: effect(flag, stations),
        ..RuleSummary::default()
    };
    for station in found {
        let of_rule = station.rules.iter();
        let mut hours = of_rule
            .filter_map(|(column, rules)| Some((column, *rules.get(rule.name())?)))
            .peekable();
        summary.stations += u64::from(hours.peek().is_some());
        for (column, n) in hours {
            *summary.hours.entry(column.clone()).or_default() += n;
        }
        let left = EXAMPLES_MAX - summary.examples.len();
        let examples = station.examples.get(&rule).into_iter().flatten();
        summary.examples.extend(examples.take(left).cloned());
    }
    if !summary.hours.contains_key("pm25_ug_m3") {
        summary.pm25_ug_m3 = None;
    }
    summary
}

/// What leaving out a flag's hours does to PM2.5 over all stations; none if no station has it.
fn effect(flag: &str, stations: &[StationSummary]) -> Option<RuleEffect> {
    let (mut n_all, mut sum_all, mut n_kept, mut sum_kept) = (0.0, 0.0, 0.0, 0.0);
    let mut largest: Option<RuleEffect> = None;
    let mut largest_mean = 0.0_f64;
    for station in stations {
        let all = station.pm25_ug_m3.all;
        let Some(mean) = all.mean else { continue };
        let without = station.pm25_ug_m3.without.get(flag);
        let kept = without.copied().unwrap_or(all);
        n_all += all.hours as f64;
        sum_all += all.hours as f64 * mean;
        n_kept += kept.hours as f64;
        sum_kept += kept.hours as f64 * kept.mean.unwrap_or(0.0);
        if without.is_none() {
            continue;
        }
        let change =
            |kept: Option<f64>, all: Option<f64>| kept.zip(all).map_or(0.0, |(k, a)| k - a);
        let (mean_change, p98_change) = (change(kept.mean, all.mean), change(kept.p98, all.p98));
        if largest_mean.abs() < mean_change.abs() {
            largest_mean = mean_change;
        }
        if largest
            .as_ref()
            .is_none_or(|l| l.largest_p98_change.abs() < p98_change.abs())
        {
            largest = Some(RuleEffect {
                mean_change: 0.0,
                largest_mean_change: 0.0,
                largest_p98_change: p98_change,
                station: station.name.clone(),
            });
        }
    }
    let mean = |sum: f64, n: f64| if 0.0 < n { sum / n } else { 0.0 };
    largest.map(|largest| RuleEffect {
        mean_change: mean(sum_kept, n_kept) - mean(sum_all, n_all),
        largest_mean_change: largest_mean,
        ..largest
    })
}
