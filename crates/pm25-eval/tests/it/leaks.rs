//! Planted leaks: each must be caught by its probe, and honest tables must pass all.
//!
//! Two stations over three months of air that wanders; targets are 6 h ahead. Honest features are PM2.5 at t, its change
//! over three hours, and a wind that goes with what comes.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use pm25_air::{Network, Quantity, Station};
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact, TaskFact, target_at};
use pm25_artifact::probe::{Probe, ProbeReport, ProbeVerdict};
use pm25_file::{Header, Input, program, read_document};
use pm25_table::{Column, Table, Text};

use crate::world::text;

const HOUR_S: i64 = 3600;
const START_S: i64 = 1_456_790_400; // 2016-03-01T00:00:00Z
const H: usize = 6;
const STATIONS: [&str; 4] = ["east", "north", "south", "west"];
const HOURS: usize = 60 * 24;
/// First hours of the valid and the test rows.
const CUTS: [usize; 2] = [30 * 24, 40 * 24];

/// A number in -1 to 1 that looks like chance.
fn noise(seed: usize, place: usize) -> f32 {
    let x = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (seed as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x >> 40) as f32 / (1u64 << 23) as f32) - 1.0
}

/// PM2.5 of a network: a common wander, and one of each station's own.
struct Air(Vec<Vec<f32>>);

impl Air {
    fn new() -> Self {
        let (mut common, mut own) = (0.0f32, [0.0f32; 4]);
        let mut series = vec![Vec::new(); STATIONS.len()];
        for hour in 0..HOURS {
            common = 0.97 * common + 9.0 * noise(1, hour);
            for (place, values) in series.iter_mut().enumerate() {
                own[place] = 0.9 * own[place] + 6.0 * noise(2 + place, hour);
                values.push((90.0 + common + own[place]).max(1.0).round());
            }
        }
        Self(series)
    }

    fn at(&self, station: usize, hour: usize) -> f32 {
        self.0[station].get(hour).copied().unwrap_or(f32::NAN)
    }

    fn network(&self) -> Network {
        let stations = STATIONS.iter().enumerate().map(|(place, name)| {
            let mut station = Station::new(name, START_S, 480);
            station.values = std::array::from_fn(|_| vec![f32::NAN; HOURS]);
            station.flags = std::array::from_fn(|_| vec![0; HOURS]);
            station.values[Quantity::Pm25.index()] = self.0[place].clone();
            station.values[Quantity::WindSpeed.index()] = (0..HOURS)
                .map(|hour| 3.0 + noise(20 + place, hour))
                .collect();
            station
        });
        Network::from_stations(stations.collect()).unwrap()
    }
}

/// A value at (air, station, hour).
type Value = fn(&Air, usize, usize) -> f32;

/// A table's rows and what may be done to them.
struct Plan<'a> {
    folder: tempfile::TempDir,
    air: Air,
    task: TaskFact,
    /// A further column: its name, and its value at (air, station, hour).
    extra: Option<(&'a str, Value)>,
    /// Whether a row (station, hour) stays.
    keeps: fn(&Air, usize, usize) -> bool,
    /// Rows of the train table.
    train_until: usize,
}

impl Plan<'_> {
    fn honest() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            air: Air::new(),
            task: TaskFact::Forecast {
                horizon_h: H as u16,
            },
            extra: None,
            keeps: |_, _, _| true,
            train_until: CUTS[0] - H,
        }
    }

    fn horizon(&self) -> usize {
        usize::from(pm25_air::Task::from(self.task).horizon_h())
    }

    fn write(&self, target: fn(&Air, usize, usize) -> f32) {
        let parts = [
            ("train", 24..self.train_until),
            ("valid", CUTS[0]..CUTS[1] - H),
            ("test", CUTS[1]..HOURS - self.horizon()),
        ];
        for (name, hours) in parts {
            self.table(name, hours, target);
        }
        let columns = self.air.network().to_columns();
        let mut table = Table::new();
        let names = columns.borrow();
        table.push(
            "station",
            Column::Text(Text {
                words: names.words.to_vec(),
                codes: names.codes.to_vec(),
            }),
        );
        table.push("time", Column::Time(names.time_s.to_vec()));
        table.push("utc_offset_min", Column::I16(names.utc_offset_min.to_vec()));
        for quantity in Quantity::ALL {
            table.push(
                quantity.column(),
                Column::F32(names.values[quantity.index()].to_vec()),
            );
            table.push(
                quantity.flags_column(),
                Column::U16(names.flags[quantity.index()].to_vec()),
            );
        }
        let output = pm25_file::Output::Path(self.path("observations.parquet"));
        table
            .write(&output, "pm25-observations", Header::new(&program!()))
            .unwrap();
    }

    fn table(&self, name: &str, hours: std::ops::Range<usize>, target: Value) {
        let (air, h) = (&self.air, self.horizon());
        let rows: Vec<(usize, usize)> = (0..STATIONS.len())
            .flat_map(|station| hours.clone().map(move |hour| (station, hour)))
            .filter(|(station, hour)| (self.keeps)(air, *station, *hour))
            .collect();
        let column = |value: &dyn Fn(usize, usize) -> f32| {
            rows.iter()
                .map(|(station, hour)| value(*station, *hour))
                .collect::<Vec<f32>>()
        };
        let network = air.network();
        let wind = |station: usize, hour: usize| {
            network.stations[station].values(Quantity::WindSpeed)[hour]
        };
        let newest = usize::from(h == 0);
        let mut table = Table::new();
        table.push(
            "station",
            Column::Text(Text::from_rows(rows.iter().map(|row| STATIONS[row.0]))),
        );
        table.push(
            "time",
            Column::Time(
                rows.iter()
                    .map(|row| START_S + row.1 as i64 * HOUR_S)
                    .collect(),
            ),
        );
        table.push("target_ug_m3", column(&|s, hour| target(air, s, hour + h)));
        table.push(
            "persistence_ug_m3",
            column(&|s, hour| air.at(s, hour - newest)),
        );
        table.push("wind_m_s", column(&wind));
        if h != 0 {
            table.push("pm25_ug_m3", column(&|s, hour| air.at(s, hour)));
            table.push(
                "pm25_ug_m3__change_3h",
                column(&|s, hour| air.at(s, hour) - air.at(s, hour - 3)),
            );
        }
        if let Some((name, value)) = &self.extra {
            table.push(name, column(&|s, hour| value(air, s, hour)));
        }
        let output = pm25_file::Output::Path(self.path(&format!("{name}.parquet")));
        table
            .write(
                &output,
                "pm25-features",
                self.prepared().put(Header::new(&program!())),
            )
            .unwrap();
    }

    fn prepared(&self) -> Prepared {
        let mut features = vec![("wind_m_s", "wind")];
        if self.horizon() != 0 {
            features.extend([
                ("pm25_ug_m3", "pm25"),
                ("pm25_ug_m3__change_3h", "change(pm25,3)"),
            ]);
        }
        let feature = |(column, expression): &(&str, &str)| FeatureFact {
            column: (*column).into(),
            expression: (*expression).into(),
            unit: "1".into(),
        };
        Prepared {
            horizons_h: Vec::new(),
            task: self.task,
            features: features.iter().map(feature).collect(),
            stations: STATIONS
                .map(|name| StationFact {
                    name: name.into(),
                    utc_offset_min: 480,
                })
                .into(),
            vocabulary: STATIONS.map(String::from).into(),
            statistics: Default::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pm25-eval"))
            .current_dir(self.folder.path())
            .args([&["probe", ".", "--out", "probe.json"], more].concat())
            .output()
            .unwrap()
    }

    /// The report of all probes, and the exit status.
    fn probed(&self) -> (ProbeReport, i32) {
        let output = self.run(&["--observations", "observations.parquet"]);
        let status = output.status.code().unwrap();
        assert!([0, 14].contains(&status), "{}", text(&output.stderr));
        (
            read_document(&Input::Path(self.path("probe.json")))
                .unwrap()
                .0,
            status,
        )
    }
}

fn truth(air: &Air, station: usize, hour: usize) -> f32 {
    air.at(station, hour)
}

fn find<'a>(report: &'a ProbeReport, name: &str) -> &'a Probe {
    report
        .probes
        .iter()
        .find(|probe| probe.name == name)
        .unwrap()
}

/// Expects a leak of this probe, and gives what it blames.
fn caught(plan: &Plan<'_>, name: &str) -> Vec<String> {
    let (report, status) = plan.probed();
    let probe = find(&report, name);
    assert_eq!(
        (probe.verdict, status),
        (ProbeVerdict::Leak, 14),
        "{report:#?}"
    );
    probe.blamed.clone()
}

#[test]
fn honest_tables_pass_every_probe() {
    let plan = Plan::honest();
    plan.write(truth);
    let (report, status) = plan.probed();
    assert_eq!((report.leaks, status), (0, 0), "{report:#?}");
    let verdicts: Vec<ProbeVerdict> = report.probes.iter().map(|probe| probe.verdict).collect();
    let (last, others) = verdicts.split_last().unwrap();
    assert!(
        others.iter().all(|verdict| *verdict == ProbeVerdict::Clean),
        "{report:#?}"
    );
    assert_eq!((*last, others.len()), (ProbeVerdict::Reported, 7));
    let gap = &find(&report, "random_split").numbers;
    assert!(gap["r2_by_time"] < gap["r2_at_random"], "{gap:?}");
    // The same bytes again, with another number of threads.
    let first = fs::read(plan.path("probe.json")).unwrap();
    plan.run(&["--observations", "observations.parquet", "--threads", "1"]);
    assert!(first == fs::read(plan.path("probe.json")).unwrap());
}

/// Tables with targets of 1 h, none of them in the first rows, beside those of the plan: one is looked at.
fn several(plan: &Plan<'_>) {
    for name in ["train", "valid", "test"] {
        let path = plan.path(&format!("{name}.parquet"));
        let one = Table::read(&Input::Path(path.clone()), "pm25-features").unwrap();
        let next_hour = one.f32("persistence_ug_m3").unwrap().iter().enumerate();
        let next_hour: Vec<f32> = next_hour
            .map(|(row, y)| if row < 3 { f32::NAN } else { y + 1.0 })
            .collect();
        let mut both = Table::new();
        for name in one.names() {
            match name {
                "target_ug_m3" => {
                    both.push("target_h1_ug_m3", next_hour.clone());
                    both.push(&target_at(H as u16), one.f32(name).unwrap().to_vec());
                }
                _ => both.push(name, one.column(name).unwrap().clone()),
            }
        }
        let prepared = Prepared {
            horizons_h: vec![1, H as u16],
            task: TaskFact::Forecast { horizon_h: 1 },
            ..plan.prepared()
        };
        let header = prepared.put(Header::new(&program!()));
        both.write(&pm25_file::Output::Path(path), "pm25-features", header)
            .unwrap();
    }
}

#[test]
fn one_of_several_horizons_is_probed_as_if_it_were_alone() {
    let plan = Plan::honest();
    plan.write(truth);
    let h = plan.horizon().to_string();
    let (alone, status) = plan.probed();
    several(&plan);
    let refused = plan.run(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("--horizon-h 1"),
        "{}",
        text(&refused.stderr)
    );
    let output = plan.run(&["--observations", "observations.parquet", "--horizon-h", &h]);
    assert_eq!(output.status.code(), Some(status));
    let path = Input::Path(plan.path("probe.json"));
    let of_several = read_document::<ProbeReport>(&path).unwrap().0;
    assert_eq!((of_several.task, of_several.leaks), (alone.task, 0));
    for (ours, theirs) in of_several.probes.iter().zip(&alone.probes) {
        assert_eq!(
            (ours.verdict, &ours.numbers),
            (theirs.verdict, &theirs.numbers),
            "{}",
            ours.name
        );
    }
    // Targets that were made up at 1 h are found there.
    plan.run(&["--observations", "observations.parquet", "--horizon-h", "1"]);
    let invented = read_document::<ProbeReport>(&path).unwrap().0;
    assert_eq!(
        find(&invented, "target_imputed").verdict,
        ProbeVerdict::Leak
    );
}

#[test]
fn without_observations_three_probes_say_so() {
    let plan = Plan::honest();
    plan.write(truth);
    assert_eq!(plan.run(&[]).status.code(), Some(0));
    let report: ProbeReport = read_document(&Input::Path(plan.path("probe.json")))
        .unwrap()
        .0;
    for name in ["rebuilt_features", "target_imputed", "test_trimmed"] {
        assert_eq!(find(&report, name).verdict, ProbeVerdict::NotRun);
    }
}

#[test]
fn a_planted_future_is_caught() {
    let later: fn(&Air, usize, usize) -> f32 =
        |air, s, hour| air.at(s, hour + 5) + 3.0 * noise(9, hour);
    let plan = Plan {
        extra: Some(("looks_harmless", later)),
        ..Plan::honest()
    };
    plan.write(truth);
    assert_eq!(caught(&plan, "future_feature"), ["looks_harmless"]);
}

#[test]
fn a_window_around_the_hour_is_caught() {
    let centred: fn(&Air, usize, usize) -> f32 =
        |air, s, hour| (hour - 8..=hour + 8).map(|at| air.at(s, at)).sum::<f32>() / 17.0;
    let plan = Plan {
        extra: Some(("smoothed", centred)),
        ..Plan::honest()
    };
    plan.write(truth);
    assert_eq!(caught(&plan, "future_feature"), ["smoothed"]);
}

#[test]
fn a_neighbour_mean_with_the_station_itself_is_caught_and_without_it_is_not() {
    let with: fn(&Air, usize, usize) -> f32 =
        |air, _, hour| (0..4).map(|s| air.at(s, hour)).sum::<f32>() / 4.0;
    let without: fn(&Air, usize, usize) -> f32 = |air, me, hour| {
        (0..4)
            .filter(|s| *s != me)
            .map(|s| air.at(s, hour))
            .sum::<f32>()
            / 3.0
    };
    let plan = Plan {
        extra: Some(("city", with)),
        task: TaskFact::Nowcast,
        ..Plan::honest()
    };
    plan.write(truth);
    assert_eq!(caught(&plan, "neighbour_mean"), ["city"]);
    let plan = Plan {
        extra: Some(("city", without)),
        task: TaskFact::Nowcast,
        ..Plan::honest()
    };
    plan.write(truth);
    let (report, _) = plan.probed();
    assert_eq!(find(&report, "neighbour_mean").verdict, ProbeVerdict::Clean);
}

#[test]
fn rows_in_two_tables_are_caught_by_dealt_out_targets_and_by_the_embargo() {
    // The train table reaches ten days into the test.
    let plan = Plan {
        train_until: CUTS[1] + 240,
        ..Plan::honest()
    };
    plan.write(truth);
    assert_eq!(
        caught(&plan, "shuffled_target"),
        ["valid.parquet", "test.parquet"]
    );
    assert_eq!(caught(&plan, "embargo"), ["train and valid"]);
}

#[test]
fn one_hour_without_embargo_is_caught() {
    let plan = Plan {
        train_until: CUTS[0] - H + 1,
        ..Plan::honest()
    };
    plan.write(truth);
    assert_eq!(caught(&plan, "embargo"), ["train and valid"]);
}

#[test]
fn a_feature_that_is_not_what_it_says_is_caught() {
    let plan = Plan::honest();
    plan.write(truth);
    // The table says `wind`, and holds the wind of the next hour.
    let shifted = Plan {
        air: Air::new(),
        ..Plan::honest()
    };
    let mut network = shifted.air.network();
    for station in &mut network.stations {
        station.values[Quantity::WindSpeed.index()].rotate_left(1);
    }
    let columns = network.to_columns();
    let borrowed = columns.borrow();
    let table = Table::read(
        &Input::Path(plan.path("observations.parquet")),
        "pm25-observations",
    )
    .unwrap();
    let mut moved = Table::new();
    for name in table.names() {
        let column = match name {
            "wind_m_s" => Column::F32(borrowed.values[Quantity::WindSpeed.index()].to_vec()),
            other => table.column(other).unwrap().clone(),
        };
        moved.push(name, column);
    }
    let output = pm25_file::Output::Path(plan.path("observations.parquet"));
    moved
        .write(&output, "pm25-observations", Header::new(&program!()))
        .unwrap();
    assert_eq!(caught(&plan, "rebuilt_features"), ["wind_m_s"]);
}

#[test]
fn imputed_targets_are_caught() {
    let mut plan = Plan::honest();
    // A hole of five hours, filled in the tables with the value before it.
    let at = CUTS[1] + 100;
    let before = plan.air.0[2][at - 1];
    let whole = Air::new();
    plan.air.0[2][at..at + 5].fill(before);
    plan.write(truth);
    plan.air = whole;
    plan.air.0[2][at..at + 5].fill(f32::NAN);
    let keep = [
        plan.path("train.parquet"),
        plan.path("valid.parquet"),
        plan.path("test.parquet"),
    ];
    let tables: Vec<Vec<u8>> = keep.iter().map(|path| fs::read(path).unwrap()).collect();
    plan.write(truth_or_zero);
    keep.iter()
        .zip(tables)
        .for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    let (report, status) = plan.probed();
    let probe = find(&report, "target_imputed");
    assert_eq!((probe.verdict, status), (ProbeVerdict::Leak, 14));
    assert_eq!(
        (probe.numbers["invented"], &probe.blamed[..]),
        (5.0, &["test.parquet".to_owned()][..])
    );
}

fn truth_or_zero(air: &Air, station: usize, hour: usize) -> f32 {
    Some(air.at(station, hour))
        .filter(|value| value.is_finite())
        .unwrap_or(0.0)
}

#[test]
fn a_trimmed_test_is_caught() {
    let plan = Plan {
        keeps: |air, station, hour| hour < CUTS[1] || air.at(station, hour + H) < 110.0,
        ..Plan::honest()
    };
    plan.write(truth);
    assert_eq!(caught(&plan, "test_trimmed"), ["test.parquet"]);
    let (report, _) = plan.probed();
    assert!(110.0 <= find(&report, "test_trimmed").numbers["mean_of_missing_ug_m3"]);
}

#[test]
fn what_is_no_prep_folder_is_refused() {
    let plan = Plan::honest();
    let output = plan.run(&[]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
}
