use std::path::{Path, PathBuf};

use pm25_file::{Input, Output, Result};

use crate::blocks::Sizes;
use crate::correction::Correction;
use crate::file::{Job, Outcome, read};
use crate::inputs::{Origin, RawInput};
use crate::layout::Stamped;
use crate::source::Wishes;
use crate::spill::Spill;
use crate::zone::Zone;

/// Everything in memory.
const HELD: Sizes = Sizes {
    block_bytes: 8 << 20,
    held_bytes: usize::MAX,
    stretch_rows: usize::MAX,
};
/// Rows go on a shelf at once or few at a time, and come back in stretches of few.
pub(crate) const TINY: [Sizes; 4] = [
    Sizes {
        block_bytes: 400,
        held_bytes: 0,
        stretch_rows: 7,
    },
    Sizes {
        block_bytes: 3_000,
        held_bytes: 900,
        stretch_rows: 40,
    },
    Sizes {
        block_bytes: 1_000,
        held_bytes: 300,
        stretch_rows: 1,
    },
    Sizes {
        block_bytes: 700,
        held_bytes: 500,
        stretch_rows: usize::MAX,
    },
];

/// All that a file became.
pub(crate) fn told(outcome: &Result<Outcome>, spill: &Spill) -> String {
    let read = match outcome {
        Ok(Outcome::Read(read)) => read,
        Ok(Outcome::Skipped(skipped)) => return format!("skipped: {skipped:?}"),
        Ok(Outcome::Failed(failed)) => return format!("failed: {failed:?}"),
        Err(fault) => return format!("{:?} {fault}", fault.kind()),
    };
    let parts = read.stored.iter().map(|part| part.get(spill).unwrap());
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {} {}",
        parts.collect::<Vec<_>>(),
        read.columns,
        read.warnings,
        read.notes,
        read.stations,
        read.tally,
        read.step_s,
        read.sha256
    )
}

fn on_threads<R: Send>(n: usize, work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n);
    pool.build().unwrap().install(work)
}

/// What the file becomes with its rows in pieces of some sizes.
fn outcome(path: &Path, wishes: &Wishes, sizes: Sizes) -> String {
    let input = RawInput {
        name: "f.csv".to_owned(),
        at: Input::Path(path.to_owned()),
        member: None,
        origin: Origin::Named,
    };
    let spill = Spill::beside(&Output::Stdout);
    let job = Job {
        input: &input,
        wishes,
        spill: &spill,
        sizes,
    };
    told(&read(job), &spill)
}

/// That rows on shelves become what rows in memory become; what that is.
fn assert_alike(path: &Path, wishes: &Wishes) -> String {
    let whole = on_threads(1, || outcome(path, wishes, HELD));
    for sizes in TINY {
        for threads in [1, 2, 16] {
            let pieces = on_threads(threads, || outcome(path, wishes, sizes));
            assert!(
                pieces == whole,
                "{} {sizes:?} on {threads}:\n{pieces}\n{whole}",
                path.display()
            );
        }
    }
    whole
}

fn assert_text_alike(text: &str, wishes: &Wishes) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    assert_alike(file.path(), wishes)
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_format_on_a_shelf_becomes_what_it_becomes_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for path in fixtures() {
        let whole = assert_alike(&path, &Wishes::default());
        assert!(
            whole.contains("Part {") || whole.contains("BadData"),
            "{whole}"
        );
        let ends_in_london = Wishes {
            stamped: Some(Stamped::End),
            zone: Zone::parse("Europe/London").ok(),
            correction: path
                .to_string_lossy()
                .contains("purple")
                .then_some(Correction::Epa),
            ..Wishes::default()
        };
        assert_alike(&path, &ends_in_london);
        let packed = folder.path().join("f.csv");
        let bytes = std::fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        let members = [&bytes[..half], &bytes[half..]].map(crate::hostile::packed);
        std::fs::write(&packed, members.concat()).unwrap();
        assert_alike(&packed, &Wishes::default());
    }
}

/// Rows `step_min` minutes apart, of stations that take turns.
fn table(n_rows: usize, n_stations: usize, step_min: usize) -> String {
    let mut text = "time,station,pm25 (ug/m3),pm10,co (ug/m3)\n".to_owned();
    for row in 0..n_rows {
        let minute = row / n_stations * step_min;
        let (day, hour, minute) = (1 + minute / 1_440 % 28, minute / 60 % 24, minute % 60);
        let pm10 = match row % 19 {
            1..=3 => "985".to_owned(),
            5 => "-999".to_owned(),
            6 => String::new(),
            _ => (row % 200).to_string(),
        };
        let co = if row % 23 == 4 { "much" } else { "0.8" };
        let station = row % n_stations;
        text.push_str(&format!(
            "2020-03-{day:02} {hour:02}:{minute:02},S{station},{}.5,{pm10},{co}\n",
            row % 97
        ));
        if row % 41 == 7 {
            // Half a row, and a row for an hour that is there already.
            text.push_str("2020-03-01 00:00,S0\n");
            text.push_str(&format!(
                "2020-03-{day:02} {hour:02}:{minute:02},S{station},1,,\n"
            ));
        }
    }
    text
}

/// The same with a reading in each row, of three parameters that stand at two minutes of the hour.
fn long_table(n_rows: usize) -> String {
    let mut text = "location,parameter,value,unit,utc\n".to_owned();
    for row in 0..n_rows {
        let (day, hour) = (1 + row / 12 / 24 % 28, row / 12 % 24);
        let (parameter, unit, minute) =
            [("pm25", "µg/m³", 0), ("co", "ppm", 30), ("pm25", "", 0)][row % 3];
        let station = row / 3 % 4;
        text.push_str(&format!(
            "S{station},{parameter},{}.5,{unit},2020-03-{day:02}T{hour:02}:{minute:02}:00Z\n",
            row % 89
        ));
    }
    text
}

/// Readings of two channels, some of them silent, `step_s` seconds apart.
fn channels(n_rows: usize, step_s: usize) -> String {
    let mut text = "time_stamp,sensor_index,humidity,pm2.5_cf_1_a,pm2.5_cf_1_b\n".to_owned();
    for row in 0..n_rows {
        let stamp_s = 1_686_970_800 + row / 2 * step_s;
        let a = if row % 31 == 3 {
            String::new()
        } else {
            (row % 70).to_string()
        };
        let humidity = if row % 300 < 40 { "" } else { "55" };
        text.push_str(&format!(
            "{stamp_s},{},{humidity},{a},{}.25\n",
            row % 2,
            row % 67
        ));
    }
    text
}

/// An embassy's springs, as American rules wrote them.
fn springs(n_stations: usize) -> String {
    let header = "Site,Parameter,Date (LT),Year,Month,Day,Hour,NowCast Conc.,AQI,AQI Category,Raw Conc.,Conc. Unit,Duration,QC Name\n";
    let mut text = header.to_owned();
    for row in 0..300 {
        let (day, hour) = (1 + row / n_stations / 24, row / n_stations % 24);
        // The second hour of some days is written as another third.
        let hour = if hour == 2 && day % 3 != 0 { 3 } else { hour };
        let (clock, half) = ((hour + 11) % 12 + 1, if hour < 12 { "AM" } else { "PM" });
        let site = ["Chennai", "Mumbai"][row % n_stations];
        text.push_str(&format!(
            "{site},PM2.5 - Principal,2020-03-{day:02} {clock:02}:00 {half},2020,03,{day:02},{hour:02},20.5,69,Moderate,{row}.0,UG/M3,1 Hr,Valid\n"
        ));
    }
    text
}

#[test]
fn rows_on_a_shelf_become_what_rows_in_memory_become() {
    let wishes = Wishes::default();
    for (n_stations, step_min) in [(1, 60), (3, 60), (4, 15), (2, 180), (1, 7)] {
        assert_text_alike(&table(600, n_stations, step_min), &wishes);
    }
    let ends = Wishes {
        stamped: Some(Stamped::End),
        ..Wishes::default()
    };
    assert_text_alike(&table(500, 2, 60), &ends);
    assert_text_alike(&table(500, 2, 10), &ends);
    // Each station without a gap.
    let by_station = |name: &str| -> String {
        let rows = (0..300).map(|row| {
            let (day, hour) = (1 + row / 24, row % 24);
            format!("2020-03-{day:02} {hour:02}:00,{name},{row}\n")
        });
        rows.collect()
    };
    let sorted = format!("time,station,pm25\n{}{}", by_station("B"), by_station("A"));
    assert_text_alike(&sorted, &wishes);
    // A spring whose clocks change.
    let skips = sorted.replace("2020-03-08 02:00", "2020-03-08 xx:00");
    assert!(assert_text_alike(&skips, &wishes).contains("skips the hour"));
}

#[test]
fn one_reading_in_a_row_two_channels_and_mended_clocks_go_on_shelves_too() {
    let wishes = Wishes::default();
    let long = assert_text_alike(&long_table(900), &wishes);
    assert!(long.contains("OffGrid"), "{long}");
    for step_s in [120, 600, 3_600] {
        assert_text_alike(&channels(700, step_s), &wishes);
        let corrected = Wishes {
            correction: Some(Correction::Epa),
            ..Wishes::default()
        };
        let whole = assert_text_alike(&channels(700, step_s), &corrected);
        assert!(whole.contains("CellUncorrected"), "{whole}");
    }
    for n_stations in [1, 2] {
        let whole = assert_text_alike(&springs(n_stations), &wishes);
        assert_eq!(whole.contains("FalseSummer"), n_stations == 1, "{whole}");
    }
}

#[test]
fn rows_in_any_order_and_off_the_grid_are_laid_alike() {
    let wishes = Wishes::default();
    for step_min in [10, 60] {
        let text = table(800, 2, step_min);
        let (header, rows) = text.split_once('\n').unwrap();
        let mut rows: Vec<&str> = rows.lines().collect();
        let n = rows.len();
        for at in 0..n {
            rows.swap(at, at * 7_919 % n);
        }
        let shuffled = format!("{header}\n{}\n", rows.join("\n"));
        assert_text_alike(&shuffled, &wishes);
        let off_grid = shuffled
            .replace("7:00,S1", "7:07,S1")
            .replace("4:00,S0", "4:31,S0");
        assert_text_alike(&off_grid, &wishes);
    }
    // An autumn whose clock shows an hour twice, newest first and oldest first.
    let hours = (0..96).map(|half_hour| {
        let clock = half_hour / 2 - usize::from(half_hour >= 52);
        let (day, hour, minute) = (24 + clock / 24, clock % 24, half_hour % 2 * 30);
        format!("2020-10-{day:02} {hour:02}:{minute:02},{half_hour}\n")
    });
    let hours: Vec<String> = hours.collect();
    let london = Wishes {
        zone: Zone::parse("Europe/London").ok(),
        ..Wishes::default()
    };
    assert_text_alike(&format!("time,pm25\n{}", hours.concat()), &london);
    let newest_first: String = hours.iter().rev().map(String::as_str).collect();
    assert_text_alike(&format!("time,pm25\n{newest_first}"), &london);
}

#[test]
fn what_is_refused_is_refused_from_a_shelf_too() {
    let wishes = Wishes::default();
    let far = table(300, 2, 60) + "2060-03-01 00:00,S1,1,1,1\n";
    let daily = table(300, 2, 1_440);
    for (text, why) in [(far, "20 years"), (daily, "24 hours apart")] {
        assert!(assert_text_alike(&text, &wishes).contains(why));
    }
}
