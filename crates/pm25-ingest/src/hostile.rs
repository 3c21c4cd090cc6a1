//! Damaged files against every reader: no panic, and every line either kept or rejected.
//!
//! A few damages of each file in the ordinary run of the tests; `PM25_MUTATE_S=600 cargo test mutations` searches each
//! reader for ten minutes, which its files share.

use std::io::Write;
use std::time::{Duration, Instant};

use pm25_file::{Input, Kind, Output};

use crate::blocks::Sizes;
use crate::file::{Job, Outcome, read};
use crate::inputs::{Origin, RawInput};
use crate::shelf::tests::{TINY, told};
use crate::source::Wishes;
use crate::spill::Spill;
use crate::zone::Zone;

/// Damages of each file in the ordinary run.
const CASES: u64 = 40;
/// Bytes that mean something to a reader.
const TELLING: &[u8] = b"\",;|\t\n\r\0\x1e\xff-.0129e+:/ Z";

/// A file and its bytes.
macro_rules! fixture {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../tests/fixtures/", $name)).as_slice(),
        )
    };
}

/// xorshift64* (S. Vigna 2016): the same damages on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n.max(1)
    }
}

fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(8) {
        let at = dice.below(bytes.len());
        let to = (at + dice.below(200)).min(bytes.len());
        match dice.below(7) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = TELLING[dice.below(TELLING.len())],
            2 => bytes.insert(at, TELLING[dice.below(TELLING.len())]),
            3 => drop(bytes.drain(at..to)),
            4 => {
                let piece = bytes[at..to].to_vec();
                let into = dice.below(bytes.len());
                bytes.splice(into..into, piece);
            }
            5 => bytes.truncate(at.max(1)),
            _ => bytes[at] = dice.below(256) as u8,
        }
        if bytes.is_empty() {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// The bytes as a member of a gzip file.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn check(name: &str, bytes: &[u8], seed: u64, folder: &std::path::Path) {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    let input = RawInput {
        name: name.to_owned(),
        at: Input::Path(path),
        member: None,
        origin: Origin::Named,
    };
    let wishes = Wishes {
        zone: Some(Zone::Fixed(60)),
        ..Wishes::default()
    };
    let wishes = if seed.is_multiple_of(2) {
        wishes
    } else {
        Wishes::default()
    };
    let spill = Spill::beside(&Output::Stdout);
    let job = Job {
        input: &input,
        wishes: &wishes,
        spill: &spill,
        sizes: Sizes::USUAL,
    };
    let outcome = read(job);
    let on_shelves = read(Job {
        sizes: TINY[seed as usize % TINY.len()],
        ..job
    });
    assert_eq!(
        told(&on_shelves, &spill),
        told(&outcome, &spill),
        "{name} {seed}"
    );
    match outcome {
        Ok(Outcome::Read(file)) => {
            let rows = file.tally.rows();
            assert_eq!(rows.read, rows.kept + rows.n_rejected(), "{name} {seed}");
            assert!(
                rows.out_of_scope <= rows.kept && rows.averaged <= rows.kept,
                "{name} {seed}"
            );
            let parts = file.stored.iter().map(|part| part.get(&spill).unwrap());
            let in_hours: u64 = parts.map(|part| n_lines(&part)).sum();
            assert_eq!(in_hours, rows.kept - rows.out_of_scope, "{name} {seed}");
        }
        Ok(Outcome::Skipped(_) | Outcome::Failed(_)) => {
            panic!("{name} {seed}: a named file is read or refused")
        }
        Err(fault) => {
            let kind = fault.kind();
            assert!(
                matches!(kind, Kind::BadData | Kind::BadArtifact),
                "{name} {seed}: {fault}"
            );
        }
    }
}

/// The lines that made a part's hours.
fn n_lines(part: &crate::hourly::Part) -> u64 {
    let of_hour =
        |(hour_idx, _): (usize, &u32)| part.n_lines.get(hour_idx).map_or(1, |&n| u64::from(n));
    part.line
        .iter()
        .enumerate()
        .filter(|(_, line)| **line != 0)
        .map(of_hour)
        .sum()
}

#[test]
fn mutations_of_uci() {
    survives(&[fixture!("uci_station.csv"), fixture!("uci_embassy.csv")]);
}

#[test]
fn mutations_of_cpcb() {
    survives(&[
        fixture!("cpcb_station.csv"),
        fixture!("cpcb_portal.csv"),
        fixture!("Raw_data_1Hr_2023_site_0001_Sample_Town_CPCB_1Hr.csv"),
        fixture!("cpcb_sheets.csv"),
    ]);
}

#[test]
fn mutations_of_stateair() {
    survives(&[
        fixture!("stateair_old.csv"),
        fixture!("stateair_resaved.csv"),
        fixture!("stateair_airnow.csv"),
    ]);
}

#[test]
fn mutations_of_openaq() {
    survives(&[fixture!("openaq_v1.csv"), fixture!("openaq_archive.csv")]);
}

#[test]
fn mutations_of_airnow() {
    survives(&[fixture!("airnow.dat")]);
}

#[test]
fn mutations_of_purpleair() {
    survives(&[
        fixture!("purpleair.csv"),
        fixture!("purpleair_channels.csv"),
    ]);
}

#[test]
fn mutations_of_aqs() {
    survives(&[fixture!("aqs.csv")]);
}

#[test]
fn mutations_of_sensor_community() {
    survives(&[fixture!("sensor_community.csv")]);
}

#[test]
fn mutations_of_generic() {
    survives(&[
        fixture!("council.csv"),
        fixture!("minutes.csv"),
        fixture!("decimal_comma.tsv"),
    ]);
}

#[test]
fn mutations_of_eea() {
    survives(&[fixture!("eea.parquet")]);
}

/// Damages the files of one reader.
fn survives(files: &[(&str, &[u8])]) {
    let seconds = std::env::var("PM25_MUTATE_S").ok();
    let seconds = seconds.and_then(|text| text.parse().ok());
    let budget = seconds.map(|seconds| Duration::from_secs(seconds) / files.len() as u32);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let n_cases = search(name, bytes, budget, folder.path());
        eprintln!("{name}: {n_cases} damages");
    }
}

/// Damages a file until its time or the ordinary number is spent; how often.
fn search(name: &str, bytes: &[u8], budget: Option<Duration>, folder: &std::path::Path) -> u64 {
    check(name, bytes, 0, folder);
    let begun = Instant::now();
    let mut seed = 1;
    while budget.map_or(seed < CASES, |budget| begun.elapsed() < budget) {
        check(name, &damaged(bytes, seed), seed, folder);
        if seed.is_multiple_of(8) {
            let archive = damaged(&packed(bytes), seed);
            check(&format!("{name}.gz"), &archive, seed, folder);
        }
        seed += 1;
    }
    seed
}
