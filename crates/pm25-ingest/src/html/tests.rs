//! The page from reports known in advance.

use super::*;
use crate::coverage::Days;
use crate::judge::{gathered, judge};
use crate::quality::{Court, Network, Pm25Series};
use crate::spill::Spill;
use crate::stations::{Grid, Lines, Merged};
use pm25_air::quality::Profile;
use pm25_artifact::ingest::{RawFile, Rows, Skipped};
use pm25_file::{Header, Output, Sha256, program};
use std::collections::BTreeMap;

/// A station with a missing day now and then, the same on every machine.
fn merged(name: &str, n_hours: usize, seed: usize) -> Merged {
    let value = |hour: usize| {
        let day = hour / 24;
        let is_missing =
            (day * 7 + seed).is_multiple_of(11) || (hour * 13 + seed).is_multiple_of(29);
        if is_missing {
            f32::NAN
        } else {
            20.0 + ((hour * 37 + seed) % 61) as f32
        }
    };
    let mut values: [Vec<f32>; 13] = Default::default();
    values[0] = (0..n_hours).map(value).collect();
    Merged {
        station: Grid {
            name: name.to_owned(),
            start_s: 1_356_998_400,
            utc_offset_min: 330,
            n_hours,
            values,
            flags: Default::default(),
            channels: Default::default(),
        },
        files: vec![format!("raw/{name}.csv")],
        pm25_incomplete: 0,
        lines: vec![Lines {
            file: format!("raw/{name}.csv"),
            start_s: 1_356_998_400,
            line: (2..).take(n_hours).collect(),
        }],
    }
}

fn report(names: &[&str], n_hours: usize) -> (IngestReport, Vec<Days>) {
    let mut stations: Vec<Merged> = names
        .iter()
        .enumerate()
        .map(|(seed, name)| merged(name, n_hours, seed))
        .collect();
    stations[0].station.values[0][30] = 700.0;
    let spill = Spill::beside(&Output::Stdout);
    let series = stations
        .iter()
        .map(|merged| Pm25Series::of(&merged.station, &spill).unwrap());
    let court = Court {
        network: &Network::new(series.collect(), &spill).unwrap(),
        spill: &spill,
        profile: Profile::In,
    };
    let judged = stations
        .iter_mut()
        .enumerate()
        .map(|(idx, merged)| judge(merged, idx, court).unwrap());
    let judged = gathered(judged.collect(), Profile::In);
    let example = |at: &str, text: &str| Example {
        at: at.to_owned(),
        text: text.to_owned(),
    };
    let file = |name: &&str| RawFile {
        name: format!("raw/{name}.csv"),
        sha256: Sha256::of(name.as_bytes()),
        source: "generic".to_owned(),
        why: "it was asked for".to_owned(),
        clock: "UTC+05:30, begin of the interval".to_owned(),
        step_s: 3_600,
        rows: Rows::default(),
        stations: vec![(*name).to_owned()],
        columns: Vec::new(),
        unused: Vec::new(),
        notes: Vec::new(),
    };
    let report = IngestReport {
        pm25: Header::new(&program!()),
        rows: Rows {
            read: 12_345,
            kept: 12_344,
            rejected: BTreeMap::from([("ragged row".to_owned(), 1)]),
            ..Rows::default()
        },
        cells: BTreeMap::new(),
        examples: BTreeMap::from([(
            "ragged row".to_owned(),
            vec![example("a.csv:3", "<script>alert(1)</script>")],
        )]),
        notes: vec!["a note & more".to_owned()],
        files: names.iter().map(file).collect(),
        skipped: vec![Skipped {
            name: "<b>.csv".to_owned(),
            why: "no table".to_owned(),
        }],
        quality: judged.quality,
        stations: judged.summaries,
    };
    (report, judged.days)
}

#[test]
fn hostile_names_stay_text() {
    let names = [
        "</style><script>x</script>",
        "A&B \"quoted\" 'too'",
        "\u{202e}evil",
    ];
    let (report, days) = report(&names, 400);
    let page = page(&report, &days);
    assert!(!page.contains("<script"), "a name became markup");
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(page.contains("&lt;/style&gt;&lt;script&gt;"));
    assert!(page.contains("A&amp;B &quot;quoted&quot; &#39;too&#39;"));
    assert!(!page.contains('\u{202e}'));
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let (report, days) = report(&["A", "B"], 400);
    let page = page(&report, &days);
    for word in [
        "http://", "https://", "src=", "url(", "@import", "<script", "onload", "href",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[test]
fn the_page_shows_what_the_report_holds() {
    let (report, days) = report(&["A", "B"], 24 * 400);
    let page = page(&report, &days);
    for text in [
        "2 stations, 2 files",
        "12\u{202f}345",
        "raw/A.csv:32",
        "A, 2013-01-02T11:30:00+05:30: pm25_ug_m3 700",
        "Days with PM2.5 at A",
        ">2014</text>",
        "a note &amp; more",
        "Skipped <code>&lt;b&gt;.csv</code>",
    ] {
        assert!(page.contains(text), "`{text}` is not on the page");
    }
    assert_eq!(page.matches("<article").count(), 2);
}

#[test]
fn a_country_has_a_small_page() {
    let names: Vec<String> = (0..453)
        .map(|station| format!("Station {station}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (report, days) = report(&names, 24 * 60);
    let page = page(&report, &days);
    assert!(page.len() < 500_000, "{} bytes", page.len());
    assert_eq!(page.matches("svg class=\"strip\"").count(), 453);
    assert_eq!(page.matches("<article").count(), 0);
}

#[test]
fn one_hour_of_a_million_is_not_none() {
    for (part, of, text) in [
        (0.0, 1e6, "0.0 %"),
        (1.0, 1e6, "under 0.001 %"),
        (9.0, 1e6, "0.001 %"),
        (9.0, 10.0, "90.0 %"),
    ] {
        assert_eq!(percent(part, of), text);
    }
}
