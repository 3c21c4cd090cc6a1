//! The rules of [`pm25_air::quality`] over all stations: flags are set, hours counted, first hours remembered.
//!
//! Not the rules. No value is changed here, and no flag is taken back.
//!
//! ```text
//! Network   each station's PM2.5, stored, its medians, neighbours    8 KiB for each station while they are looked for
//! check     one station for each thread                              two copies of one column, its runs and levels,
//!                                                                    PM2.5 of its neighbours, eight at most
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use pm25_air::Quantity;
use pm25_air::civil::{HOUR_S, format_at};
use pm25_air::quality::alike::{self, Sampled};
use pm25_air::quality::neighbour::{self, Record, Sampling};
use pm25_air::quality::slip::{self, Medians};
use pm25_air::quality::{self, Finding, POLLUTANTS, Profile, Rule, channels};
use pm25_artifact::ingest::{Example, Slip};
use pm25_file::{Output, Result};
use rayon::prelude::*;

use crate::layout::Source;
use crate::number::as_written;
use crate::spill::{Alone, Extent, Spill, Stored};
use crate::stations::{Grid, Lines};

/// Examples of a rule at one station.
const EXAMPLES_MAX: usize = 3;
/// A stretch that is looked at for a unit of its own: 30 days.
const STRETCH_H: usize = 720;

/// What the user says about quality and its report.
#[derive(Debug, clap::Args)]
pub(crate) struct QualityArgs {
    /// Whose thresholds tell the doubtful: cn, in, us, eu or none [default: those of the files' network, else none]
    #[arg(long, value_name = "NETWORK")]
    pub(crate) profile: Option<Profile>,
    /// Write the report as one page for people here
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<Output>,
}

/// The profile of a network by its sources, if they agree; where all are earlier tables, by theirs.
pub(crate) fn profile_of(files: impl Iterator<Item = (Source, Option<Profile>)>) -> Profile {
    let mut of_raw = Vec::new();
    let mut of_earlier = Vec::new();
    for (source, earlier) in files {
        match source {
            Source::Observations => of_earlier.extend(earlier),
            Source::UciBeijing => of_raw.push(Profile::Cn),
            Source::Cpcb => of_raw.push(Profile::In),
            Source::Aqs | Source::AirNow => of_raw.push(Profile::Us),
            Source::Eea => of_raw.push(Profile::Eu),
            _ => of_raw.push(Profile::None),
        }
    }
    let profiles = if of_raw.is_empty() {
        of_earlier
    } else {
        of_raw
    };
    match profiles.as_slice() {
        [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
        _ => Profile::None,
    }
}

/// A station's PM2.5, stored, and what its columns are like, for comparison with other stations.
pub(crate) struct Pm25Series {
    /// Start of the first hour, seconds since 1970 UTC.
    pub(crate) start_s: i64,
    pub(crate) n_hours: usize,
    /// µg/m³; NaN where it is missing or removed.
    stored: Extent,
    /// The median of each pollutant's positive readings, as they stand.
    medians: [Option<f32>; 13],
}

impl Pm25Series {
    /// Of a merged station.
    pub(crate) fn of(station: &Grid, spill: &Spill) -> Result<Self> {
        let mut medians = [None; 13];
        for quantity in POLLUTANTS {
            medians[quantity.index()] = slip::median_positive(station.values(quantity));
        }
        let pm25 = Quantity::Pm25;
        let values = quality::usable(station.values(pm25), station.flags(pm25));
        Ok(Self {
            start_s: station.start_s,
            n_hours: values.len(),
            stored: spill.put_f32(&values)?,
            medians,
        })
    }

    /// Of a station whose only part is stored; nothing if it must be looked at.
    pub(crate) fn of_stored(part: &Stored) -> Option<Self> {
        let Alone { pm25, medians } = part.alone();
        let stored = pm25?;
        Some(Self {
            start_s: part.span_s().0,
            n_hours: stored.n_values(),
            stored,
            medians,
        })
    }

    /// The values.
    pub(crate) fn values(&self, spill: &Spill) -> Result<Vec<f32>> {
        spill.get_f32(self.stored)
    }

    /// The values on the network's count of hours.
    pub(crate) fn record<'a>(&self, values: &'a [f32]) -> Record<'a> {
        Record {
            first_h: self.start_s.div_euclid(HOUR_S),
            values,
        }
    }
}

/// All stations side by side.
pub(crate) struct Network {
    pub(crate) stations: Vec<Pm25Series>,
    /// The stations most alike to each, the most alike first.
    pub(crate) alike: Vec<Vec<u32>>,
    /// By [`Quantity::index`].
    medians: [Medians; 13],
}

impl Network {
    /// Of the stations in the order of the table.
    pub(crate) fn new(stations: Vec<Pm25Series>, spill: &Spill) -> Result<Self> {
        let sampling = sampling(&stations);
        let sample = |station: &Pm25Series| {
            let values = station.values(spill)?;
            Ok(sampling.sample(&station.record(&values)))
        };
        let samples: Result<Vec<Sampled>> = stations.par_iter().map(sample).collect();
        Ok(Self {
            alike: alike::most_alike(&samples?),
            medians: medians(&stations),
            stations,
        })
    }

    /// `own` are the station's usable values.
    fn far_from_neighbours(
        &self,
        station_idx: usize,
        own: &[f32],
        spill: &Spill,
    ) -> Result<Vec<u32>> {
        let alike = self.alike[station_idx].iter();
        let stations: Vec<&Pm25Series> = alike.map(|&at| &self.stations[at as usize]).collect();
        let values: Result<Vec<Vec<f32>>> = stations
            .iter()
            .map(|station| station.values(spill))
            .collect();
        let values = values?;
        let neighbours: Vec<Record> = stations
            .iter()
            .zip(&values)
            .map(|(station, values)| station.record(values))
            .collect();
        let own = self.stations[station_idx].record(own);
        Ok(neighbour::hours(&own, &neighbours))
    }

    /// The median of a station's readings, and of the other stations' medians.
    fn medians(&self, station_idx: usize, quantity: Quantity) -> (Option<f32>, Option<f64>) {
        let own = self.stations[station_idx].medians[quantity.index()];
        (own, self.medians[quantity.index()].of_others(own))
    }
}

fn medians(stations: &[Pm25Series]) -> [Medians; 13] {
    std::array::from_fn(|at| Medians::of(stations.iter().filter_map(|station| station.medians[at])))
}

/// The hours at which the stations are compared.
pub(crate) fn sampling(stations: &[Pm25Series]) -> Sampling {
    let span = |station: &Pm25Series| (station.start_s.div_euclid(HOUR_S), station.n_hours);
    Sampling::over(stations.iter().map(span))
}

/// What the rules found at one station.
#[derive(Debug, Default)]
pub(crate) struct StationQuality {
    /// Hours by observation column and rule.
    pub(crate) rules: BTreeMap<String, BTreeMap<String, u64>>,
    /// The first hours of each rule.
    pub(crate) examples: BTreeMap<Rule, Vec<Example>>,
    pub(crate) slips: Vec<Slip>,
}

/// What a station is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Court<'a> {
    pub(crate) network: &'a Network,
    pub(crate) spill: &'a Spill,
    pub(crate) profile: Profile,
}

/// Sets the flags of one station, the `station_idx`-th of the network; values stay.
pub(crate) fn check(
    station: &mut Grid,
    station_idx: usize,
    court: Court,
    lines: &[Lines],
) -> Result<StationQuality> {
    let network = court.network;
    let mut found = Vec::new();
    let mut checked = StationQuality::default();
    for quantity in POLLUTANTS {
        let usable = quality::usable(station.values(quantity), station.flags(quantity));
        found.extend(quality::series(&usable, quantity, court.profile));
        if quantity == Quantity::Pm25 {
            found.push(Finding {
                rule: Rule::Neighbour,
                quantity,
                hours: network.far_from_neighbours(station_idx, &usable, court.spill)?,
            });
        }
        let medians = network.medians(station_idx, quantity);
        if let Some((factor, hours)) = slipped(station.values(quantity), quantity, medians) {
            checked
                .slips
                .push(slip_of(station, quantity, factor, &hours));
            found.push(Finding {
                rule: Rule::UnitSlip,
                quantity,
                hours,
            });
        }
    }
    found.extend(between_columns(station));
    found.push(between_channels(station));
    for finding in found.iter().filter(|finding| !finding.hours.is_empty()) {
        checked.count(finding);
        checked.show(finding, station, lines);
        set(station, finding);
    }
    Ok(checked)
}

/// PM2.5 above PM10 marks both: nobody knows which of them is wrong.
fn between_columns(station: &Grid) -> Vec<Finding> {
    let [pm25, pm10] = [Quantity::Pm25, Quantity::Pm10]
        .map(|quantity| quality::usable(station.values(quantity), station.flags(quantity)));
    let hours = quality::ratio::hours(&pm25, &pm10);
    [Quantity::Pm25, Quantity::Pm10]
        .map(|quantity| Finding {
            rule: Rule::PmRatio,
            quantity,
            hours: hours.clone(),
        })
        .into()
}

/// Hours in which the two channels of a low-cost instrument disagree, as far as there is a value; those of an earlier
/// table, whose channels are gone, by their flag.
fn between_channels(station: &Grid) -> Finding {
    let [a, b] = &station.channels;
    let pm25 = station.values(Quantity::Pm25);
    let flagged = (0_u32..).zip(station.flags(Quantity::Pm25));
    let earlier = flagged.filter(|(_, mask)| *mask & Rule::Channels.flag() != 0);
    let mut hours = channels::hours(a, b);
    hours.extend(earlier.map(|(hour_idx, _)| hour_idx));
    hours.sort_unstable();
    hours.dedup();
    hours.retain(|&hour_idx| pm25.get(hour_idx as usize).is_some_and(|v| !v.is_nan()));
    Finding {
        rule: Rule::Channels,
        quantity: Quantity::Pm25,
        hours,
    }
}

/// The suspected factor and the hours of a column that is in another unit, as a whole or for some 30 days, from the first
/// hour of the slip to its last.
fn slipped(
    values: &[f32],
    quantity: Quantity,
    (own, others): (Option<f32>, Option<f64>),
) -> Option<(f32, Vec<u32>)> {
    let own = own?;
    if let Some(factor) = slip::factor(quantity, own, others) {
        let usual = others.unwrap_or(f64::from(own) / f64::from(factor));
        return Some((factor, slip_hours(values, 0..values.len(), usual, factor)));
    }
    let usual = others.unwrap_or(f64::from(own));
    let stretches = slip::Usual::of(quantity, usual);
    let mut found: Option<(f32, Vec<Range<usize>>)> = None;
    for (stretch_idx, stretch) in values.chunks(STRETCH_H).enumerate() {
        let Some(factor) = stretches.factor(stretch) else {
            continue;
        };
        let from = stretch_idx * STRETCH_H;
        let (known, ranges) = found.get_or_insert((factor, Vec::new()));
        match ranges.last_mut() {
            _ if *known != factor => {}
            Some(last) if last.end == from => last.end += stretch.len(),
            _ => ranges.push(from..from + stretch.len()),
        }
    }
    let (factor, ranges) = found?;
    let mut hours: Vec<u32> = Vec::new();
    for range in ranges {
        // It may begin in the stretch before and end in the one after.
        let known = hours.last().map_or(0, |&last| last as usize + 1);
        let from = range.start.saturating_sub(STRETCH_H).max(known);
        let until = (range.end + STRETCH_H).min(values.len());
        hours.extend(slip_hours(values, from..until, usual, factor));
    }
    Some((factor, hours))
}

/// The hours with a value from the first to the last of a slip that lies in a range.
fn slip_hours(values: &[f32], range: Range<usize>, usual: f64, factor: f32) -> Vec<u32> {
    let from = range.start;
    let extent = slip::extent(&values[range], usual, factor).unwrap_or(0..0);
    let hours = from + extent.start..from + extent.end;
    let present = hours.filter(|&hour_idx| !values[hour_idx].is_nan());
    present.map(|hour_idx| hour_idx as u32).collect()
}

fn slip_of(station: &Grid, quantity: Quantity, factor: f32, hours: &[u32]) -> Slip {
    let local = |hour_idx: Option<&u32>| {
        let time_s = station.time_s(hour_idx.map_or(0, |&hour_idx| hour_idx as usize));
        format_at(time_s, station.utc_offset_min)
    };
    Slip {
        station: station.name.clone(),
        column: quantity.column().to_owned(),
        factor: as_written(factor),
        hours: hours.len() as u64,
        first: local(hours.first()),
        last: local(hours.last()),
    }
}

fn set(station: &mut Grid, finding: &Finding) {
    let n_hours = station.n_hours;
    let flags = &mut station.flags[finding.quantity.index()];
    flags.resize(n_hours, 0);
    for &hour_idx in &finding.hours {
        flags[hour_idx as usize] |= finding.rule.flag();
    }
}

impl StationQuality {
    fn count(&mut self, finding: &Finding) {
        let column = finding.quantity.column().to_owned();
        let rules = self.rules.entry(column).or_default();
        *rules.entry(finding.rule.name().to_owned()).or_default() += finding.hours.len() as u64;
    }

    fn show(&mut self, finding: &Finding, station: &Grid, lines: &[Lines]) {
        let examples = self.examples.entry(finding.rule).or_default();
        let values = station.values(finding.quantity);
        for &hour_idx in finding.hours.iter().take(EXAMPLES_MAX) {
            if examples.len() < EXAMPLES_MAX {
                let time_s = station.time_s(hour_idx as usize);
                let time = format_at(time_s, station.utc_offset_min);
                let value = as_written(values[hour_idx as usize]);
                let column = finding.quantity.column();
                examples.push(Example {
                    at: place(lines, time_s),
                    text: format!("{}, {time}: {column} {value}", station.name),
                });
            }
        }
    }
}

/// `file:line` of an hour: where the first file has it.
fn place(lines: &[Lines], time_s: i64) -> String {
    let line = |lines: &Lines| {
        let hour_idx = usize::try_from((time_s - lines.start_s).div_euclid(HOUR_S)).ok()?;
        lines.line.get(hour_idx).copied().filter(|line| *line != 0)
    };
    lines
        .iter()
        .find_map(|of_file| Some(format!("{}:{}", of_file.file, line(of_file)?)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_air::flag;

    fn grid(name: &str, pm25: Vec<f32>) -> Grid {
        let mut values: [Vec<f32>; 13] = Default::default();
        let n_hours = pm25.len();
        values[0] = pm25;
        Grid {
            name: name.to_owned(),
            start_s: 0,
            utc_offset_min: 480,
            n_hours,
            values,
            flags: Default::default(),
            channels: Default::default(),
        }
    }

    fn wave(n: usize, times: f32) -> Vec<f32> {
        (0..n)
            .map(|hour| times * (60.0 + ((hour * 37) % 41) as f32))
            .collect()
    }

    fn alone(station: &mut Grid) -> StationQuality {
        let spill = Spill::beside(&Output::Stdout);
        let series = vec![Pm25Series::of(station, &spill).unwrap()];
        let network = Network::new(series, &spill).unwrap();
        let lines = [Lines {
            file: "a.csv".to_owned(),
            start_s: 0,
            line: (2..2 + station.n_hours as u32).collect(),
        }];
        let court = Court {
            network: &network,
            spill: &spill,
            profile: Profile::Cn,
        };
        check(station, 0, court, &lines).unwrap()
    }

    #[test]
    fn a_spike_is_flagged_counted_and_shown_and_stays() {
        let mut station = grid("A", wave(500, 0.5));
        station.values[0][100] = 300.0;
        let quality = alone(&mut station);
        assert_eq!(station.values[0][100], 300.0);
        assert_ne!(station.flags[0][100] & flag::SPIKE, 0);
        assert_eq!(quality.rules["pm25_ug_m3"]["spike"], 1);
        let example = &quality.examples[&Rule::Spike][0];
        assert_eq!(example.at, "a.csv:102");
        assert_eq!(example.text, "A, 1970-01-05T12:00:00+08:00: pm25_ug_m3 300");
    }

    #[test]
    fn a_month_in_another_unit_is_named_with_its_factor() {
        let mut station = grid("A", wave(3_600, 1.0));
        for value in &mut station.values[0][1_440..2_160] {
            *value /= 1_000.0;
        }
        let slips = alone(&mut station).slips;
        assert_eq!((slips[0].factor, slips[0].hours), (0.001, 720));
        assert_eq!(slips[0].column, "pm25_ug_m3");
        assert_eq!(station.flags[0][1_439] & flag::UNIT, 0);
        assert_ne!(station.flags[0][1_440] & flag::UNIT, 0);
    }

    #[test]
    fn a_slip_begins_at_its_first_hour_wherever_that_is() {
        for start in [0, 3, 719, 720, 1_000, 1_300, 2_100] {
            let mut station = grid("A", wave(3_600, 1.0));
            for value in &mut station.values[0][start..start + 1_200] {
                *value *= 1_000.0;
            }
            let slips = alone(&mut station).slips;
            assert_eq!(
                (slips[0].factor, slips[0].hours),
                (1_000.0, 1_200),
                "{start}"
            );
            let flagged = station.flags[0]
                .iter()
                .position(|mask| mask & flag::UNIT != 0);
            assert_eq!(flagged, Some(start));
            assert_eq!(slips[0].first, format_at(start as i64 * HOUR_S, 480));
        }
    }

    #[test]
    fn the_networks_files_choose_the_profile() {
        let of = |sources: &[Source]| profile_of(sources.iter().map(|source| (*source, None)));
        assert_eq!(of(&[Source::UciBeijing; 2]), Profile::Cn);
        assert_eq!(of(&[Source::Cpcb, Source::Aqs]), Profile::None);
        assert_eq!(of(&[Source::Observations, Source::Eea]), Profile::Eu);
        assert_eq!(of(&[Source::Generic]), Profile::None);
        assert_eq!(of(&[]), Profile::None);
        // Shares of one network that are laid together.
        let earlier = |profile| (Source::Observations, Some(profile));
        let shares = [earlier(Profile::Cn), earlier(Profile::Cn)];
        assert_eq!(profile_of(shares.into_iter()), Profile::Cn);
        let mixed = [earlier(Profile::Cn), earlier(Profile::In)];
        assert_eq!(profile_of(mixed.into_iter()), Profile::None);
        let added = [earlier(Profile::Cn), (Source::Eea, None)];
        assert_eq!(profile_of(added.into_iter()), Profile::Eu);
    }
}
