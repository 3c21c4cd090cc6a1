//! Quality rules through the front door: faults planted in plausible air, their lookalikes, and real files.

use std::fmt::Write;
use std::io::Read;

use flate2::read::GzDecoder;
use pm25_air::{Quantity, flag};
use pm25_artifact::ingest::RuleSummary;

use crate::bench::{Bench, Ingested};
use crate::real::data;

/// Hours of a generated record.
const N_HOURS: usize = 6_000;
/// 2020-01-01T00:00:00Z.
const START_S: i64 = 1_577_836_800;

/// Plausible air of one station in µg/m³ (CO: mg/m³) with two decimals, the same on every machine: a level that
/// wanders and a weather that all stations share.
fn air(seed: u32) -> Vec<f64> {
    let mut weather = Walk(7);
    let mut own = Walk(seed);
    let (mut common, mut local) = (60.0_f64, 0.0_f64);
    (0..N_HOURS)
        .map(|_| {
            common = (common + 8.0 * weather.step()).clamp(8.0, 280.0);
            local = (local + 0.04 * own.step()).clamp(-0.3, 0.3);
            (100.0 * common * (1.0 + local)).round() / 100.0
        })
        .collect()
}

struct Walk(u32);

impl Walk {
    fn step(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 16) / 65_536.0 - 0.5
    }
}

/// A generic table of one station; PM10 is 1.6 times PM2.5 and CO follows it.
fn table(name: &str, pm25: &[f64], co_times: f64) -> String {
    let mut text = "time,station,pm25 (ug/m3),pm10 (ug/m3),co (mg/m3)\n".to_owned();
    for (hour, value) in pm25.iter().enumerate() {
        let time = pm25_air::civil::format_utc(START_S + 3_600 * hour as i64);
        let pm10 = (160.0 * value).round() / 100.0;
        let co = co_times * (value / 60.0);
        writeln!(text, "{time},{name},{value},{pm10},{co:.3}").unwrap();
    }
    text
}

fn rule<'a>(ingested: &'a Ingested, name: &str) -> &'a RuleSummary {
    let rules = &ingested.report.quality.rules;
    rules.iter().find(|rule| rule.rule == name).unwrap()
}

fn hours(ingested: &Ingested, name: &str) -> u64 {
    rule(ingested, name)
        .hours
        .get("pm25_ug_m3")
        .copied()
        .unwrap_or(0)
}

fn count(ingested: &Ingested, quantity: Quantity, bit: u16) -> usize {
    ingested
        .flags(quantity)
        .iter()
        .filter(|mask| **mask & bit != 0)
        .count()
}

/// Four stations of one city, the first with faults.
fn city(plant: impl FnOnce(&mut Vec<f64>), co_times: f64, args: &str) -> Ingested {
    let bench = Bench::new();
    let mut first = air(11);
    plant(&mut first);
    bench.write("raw/a.csv", table("A", &first, co_times));
    for (name, seed) in [("B", 12), ("C", 13), ("D", 14)] {
        bench.write(&format!("raw/{name}.csv"), table(name, &air(seed), 1.0));
    }
    bench.ingested(&format!("raw {args}"))
}

#[test]
fn sound_air_is_left() {
    let ingested = city(|_| {}, 1.0, "--profile in");
    for rule in &ingested.report.quality.rules {
        assert!(rule.hours.is_empty(), "{}: {:?}", rule.rule, rule.hours);
    }
    assert_eq!(ingested.report.quality.profile, "in");
    assert_eq!(ingested.report.quality.slips, []);
}

#[test]
fn planted_faults_are_found_and_no_value_is_touched() {
    let plant = |pm25: &mut Vec<f64>| {
        pm25[1_000..2_180].fill(43.23);
        for hour in [300, 301, 302, 303, 900, 2_500, 2_501] {
            pm25[hour] = 985.0;
        }
    };
    let ingested = city(plant, 1.0, "--profile in");
    assert_eq!(hours(&ingested, "flatline"), 1_180);
    assert_eq!(hours(&ingested, "ceiling"), 7);
    let values = ingested.values(Quantity::Pm25);
    assert_eq!((values[300], values[1_500]), (985.0, 43.23));
    assert_eq!(count(&ingested, Quantity::Pm25, flag::REMOVES_TARGET), 0);
    let stuck = rule(&ingested, "flatline");
    assert_eq!(stuck.examples[0].at, "a.csv:1002");
    assert!(stuck.examples[0].text.ends_with("pm25_ug_m3 43.23"));
    let effect = rule(&ingested, "ceiling").pm25_ug_m3.clone().unwrap();
    assert!(
        effect.mean_change < 0.0 && effect.station == "A",
        "{effect:?}"
    );
}

#[test]
fn co_a_thousandfold_is_named_with_the_factor() {
    let ingested = city(|_| {}, 1_000.0, "");
    let slips = &ingested.report.quality.slips;
    // The header's mg/m³ fits nothing, µg/m³ does: the reader already believes the numbers more than the header.
    let overruled = ingested.report.files.iter().any(|file| {
        file.columns
            .iter()
            .any(|column| column.because.contains("but the numbers fit"))
    });
    assert!(overruled && slips.is_empty(), "{slips:?}");
    let bench = Bench::new();
    bench.write(
        "map.toml",
        "time = 'time'\nstation = 'station'\n[columns]\npm25 = { column = 'pm25 (ug/m3)', unit = 'ug/m3' }\n\
         co = { column = 'co (mg/m3)', unit = 'mg/m3' }\n",
    );
    bench.write("raw/a.csv", table("A", &air(11), 1_000.0));
    for (name, seed) in [("B", 12), ("C", 13), ("D", 14)] {
        bench.write(&format!("raw/{name}.csv"), table(name, &air(seed), 1.0));
    }
    let ingested = bench.ingested("raw --columns map.toml");
    let slips = &ingested.report.quality.slips;
    assert_eq!(slips.len(), 1, "{slips:?}");
    assert_eq!(
        (slips[0].station.as_str(), slips[0].column.as_str()),
        ("A", "co_mg_m3")
    );
    assert_eq!((slips[0].factor, slips[0].hours), (1_000.0, N_HOURS as u64));
    assert_eq!(count(&ingested, Quantity::Co, flag::UNIT), N_HOURS);
}

/// Two days of ten minutes; `b` says what the second channel shows for the hour and the first channel's reading.
fn two_channels(b: impl Fn(usize, f64) -> String) -> String {
    let mut text = "time_stamp,sensor_index,pm2.5_cf_1_a,pm2.5_cf_1_b\n".to_owned();
    for step in 0..48 * 6 {
        let (hour, a) = (step / 6, 20.0 + (step * 37 % 23) as f64);
        let time_s = 1_686_970_800 + 600 * step;
        text.push_str(&format!("{time_s},7,{a},{}\n", b(hour, a)));
    }
    text
}

fn channel_hours(ingested: &Ingested) -> Vec<usize> {
    let flags = ingested.flags(Quantity::Pm25).iter().enumerate();
    flags
        .filter(|(_, mask)| **mask & flag::CHANNELS != 0)
        .map(|(hour, _)| hour)
        .collect()
}

#[test]
fn channels_that_disagree_or_fall_silent_are_flagged_and_their_mean_stays() {
    let bench = Bench::new();
    let b = |hour: usize, a: f64| match hour {
        10..13 => (3.0 * a).to_string(),
        20 => String::new(),
        _ => (a + 2.0).to_string(),
    };
    bench.write("raw/pa.csv", two_channels(b));
    let ingested = bench.ingested("raw");
    assert_eq!(channel_hours(&ingested), [10, 11, 12, 20]);
    assert_eq!(rule(&ingested, "channels").hours["pm25_ug_m3"], 4);
    bench.write("raw/pa.csv", two_channels(|_, a| (a + 2.0).to_string()));
    let agreeing = bench.ingested("raw");
    assert_eq!(channel_hours(&agreeing), [0_usize; 0]);
    let [flagged, plain] = [&ingested, &agreeing].map(|one| one.values(Quantity::Pm25));
    assert_eq!(flagged[..10], plain[..10]);
    // Twice a, or a alone, instead of a + 1.
    assert!((flagged[10] - 2.0 * (plain[10] - 1.0)).abs() < 1e-4);
    assert!((flagged[20] - (plain[20] - 1.0)).abs() < 1e-4);
}

#[test]
fn an_earlier_table_keeps_what_its_channels_showed() {
    let bench = Bench::new();
    bench.write("old/pa.csv", two_channels(|_, a| (3.0 * a).to_string()));
    bench.ingested("old");
    std::fs::rename(bench.path("out/o.parquet"), bench.path("earlier.parquet")).unwrap();
    bench.write(
        "new/pb.csv",
        two_channels(|_, a| a.to_string()).replace(",7,", ",8,"),
    );
    let added = bench.ingested("earlier.parquet new");
    assert_eq!(channel_hours(&added), Vec::from_iter(0..48));
    let rules = &added.report.quality.rules;
    let channels = rules.iter().find(|rule| rule.rule == "channels").unwrap();
    assert_eq!(channels.hours["pm25_ug_m3"], 48);
}

#[test]
fn smoke_above_1000_survives_in_america_and_its_rise_is_no_fault() {
    let smoke = |pm25: &mut Vec<f64>| {
        let plume = [
            120.5, 290.2, 520.4, 790.9, 1_120.3, 1_510.8, 1_846.7, 1_602.1, 1_204.4, 801.5, 420.3,
            210.8,
        ];
        pm25[3_000..3_012].copy_from_slice(&plume);
    };
    for (profile, in_range) in [("us", true), ("eu", false)] {
        let ingested = city(smoke, 1.0, &format!("--profile {profile}"));
        let row = 3_006;
        assert_eq!(ingested.values(Quantity::Pm25)[row], 1_846.7);
        let mask = ingested.flags(Quantity::Pm25)[row];
        assert_eq!(mask & flag::RANGE == 0, in_range);
        assert_eq!(
            mask & (flag::SPIKE | flag::CLUSTER | flag::HISTOGRAM_GAP | flag::REMOVES_TARGET),
            0
        );
    }
}

#[test]
fn the_profile_and_the_version_of_the_rules_stand_in_the_table() {
    let ingested = city(|_| {}, 1.0, "");
    let header = ingested.table.header().unwrap();
    assert_eq!(header.params["profile"], "none");
    assert_eq!(header.params["quality_rules"], pm25_air::quality::VERSION);
    assert_eq!(
        ingested.report.quality.rules_version,
        pm25_air::quality::VERSION
    );
    let coverage = &ingested.report.stations[0].pm25_coverage;
    assert_eq!(coverage.from, "2020-01");
    assert_eq!(coverage.present_share[..8], [1.0; 8]);
}

#[test]
fn beijing_is_judged_as_it_deserves() {
    let Some(folder) = data("beijing") else {
        return;
    };
    let ingested = Bench::new().ingested(&folder.display().to_string());
    assert_eq!(ingested.report.quality.profile, "cn");
    let present = ingested
        .report
        .stations
        .iter()
        .map(|station| station.pm25_present)
        .sum::<u64>();
    assert_eq!(present, 308_800);
    let pm25 = ingested.values(Quantity::Pm25);
    let masks = ingested.flags(Quantity::Pm25);
    // Of the hours at exactly 3.0, all are censored and none is stuck.
    let at_limit: Vec<u16> = pm25
        .iter()
        .zip(masks)
        .filter(|(v, _)| **v == 3.0)
        .map(|(_, m)| *m)
        .collect();
    assert_eq!(at_limit.len(), 6_334);
    assert!(
        at_limit
            .iter()
            .all(|mask| mask & flag::BELOW_DL != 0 && mask & flag::FLATLINE == 0)
    );
    assert!(hours(&ingested, "flatline") < 5 * present / 10_000);
    // 12,796 hours of 308,048 that have both.
    assert_eq!(hours(&ingested, "pm_ratio"), 12_796);
    let both = pm25
        .iter()
        .zip(ingested.values(Quantity::Pm10))
        .filter(|(a, b)| !a.is_nan() && !b.is_nan())
        .count();
    assert_eq!(format!("{:.2}", 100.0 * 12_796.0 / both as f64), "4.15");
    assert_eq!(rule(&ingested, "pm_ratio").hours["pm10_ug_m3"], 12_796);
    assert_eq!(count(&ingested, Quantity::Pm25, flag::REMOVES_TARGET), 0);
    assert_eq!(count(&ingested, Quantity::Pm10, flag::REMOVES_TARGET), 0);
    // Doubts that hide a feature are rare: what is merely unusual stays.
    assert!(count(&ingested, Quantity::Pm25, flag::HIDES_FEATURE) < 600);
}

#[test]
fn faults_planted_in_real_air_are_found() {
    let Some(folder) = data("beijing") else {
        return;
    };
    let bench = Bench::new();
    for (position, name) in ["Dongsi", "Guanyuan", "Tiantan", "Gucheng"]
        .into_iter()
        .enumerate()
    {
        let file = format!("PRSA_Data_{name}_20130301-20170228.csv");
        let bytes = std::fs::read(folder.join(format!("{file}.gz"))).unwrap();
        let mut text = String::new();
        GzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .unwrap();
        let text = if position == 0 { planted(&text) } else { text };
        bench.write(&format!("raw/{file}"), text);
    }
    let ingested = bench.ingested("raw");
    assert_eq!(hours(&ingested, "flatline"), 1_180);
    // Every 800th of 32,000 hours, but one of the 40 lies in the stuck ones.
    assert_eq!(hours(&ingested, "ceiling"), 39);
    let slips = &ingested.report.quality.slips;
    assert_eq!(slips.len(), 1, "{slips:?}");
    assert_eq!(
        (slips[0].station.as_str(), slips[0].factor),
        ("Dongsi", 1_000.0)
    );
    assert_eq!(slips[0].column, "co_mg_m3");
}

/// A file of the UCI set with a stuck stretch, forty ceilings and CO times a thousand.
fn planted(text: &str) -> String {
    let mut planted = String::new();
    for (line, row) in text.lines().enumerate() {
        let mut cells: Vec<String> = row.split(',').map(str::to_owned).collect();
        match line {
            5_001..6_181 => cells[5] = "43.23".to_owned(),
            line if line % 800 == 7 && line < 32_001 => cells[5] = "985".to_owned(),
            _ => {}
        }
        if let Ok(co) = cells[9].parse::<f64>() {
            cells[9] = (1_000.0 * co).to_string();
        }
        planted.push_str(&cells.join(","));
        planted.push('\n');
    }
    planted
}
