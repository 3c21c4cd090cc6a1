//! Damaged files against every reader: no panic, and every line either kept or rejected.
//!
//! A few damages of each file in the ordinary run of the tests; `PM25_MUTATE_S=600 cargo test mutations` damages each
//! for ten minutes.

use std::io::Write;
use std::time::{Duration, Instant};

use pm25_file::{Input, Kind};

use crate::file::{Outcome, read};
use crate::inputs::{Origin, RawInput};
use crate::source::Wishes;
use crate::zone::Zone;

/// Damages of each file in the ordinary run.
const CASES: u64 = 40;
/// Bytes that mean something to a reader.
const TELLING: &[u8] = b"\",;|\t\n\r\0\x1e\xff-.0129e+:/ Z";

const FILES: [(&str, &[u8]); 15] = [
    (
        "stateair_old.csv",
        include_bytes!("../tests/fixtures/stateair_old.csv"),
    ),
    (
        "stateair_resaved.csv",
        include_bytes!("../tests/fixtures/stateair_resaved.csv"),
    ),
    (
        "stateair_airnow.csv",
        include_bytes!("../tests/fixtures/stateair_airnow.csv"),
    ),
    (
        "openaq_v1.csv",
        include_bytes!("../tests/fixtures/openaq_v1.csv"),
    ),
    (
        "openaq_archive.csv",
        include_bytes!("../tests/fixtures/openaq_archive.csv"),
    ),
    ("airnow.dat", include_bytes!("../tests/fixtures/airnow.dat")),
    (
        "purpleair.csv",
        include_bytes!("../tests/fixtures/purpleair.csv"),
    ),
    (
        "purpleair_channels.csv",
        include_bytes!("../tests/fixtures/purpleair_channels.csv"),
    ),
    ("aqs.csv", include_bytes!("../tests/fixtures/aqs.csv")),
    (
        "sensor_community.csv",
        include_bytes!("../tests/fixtures/sensor_community.csv"),
    ),
    (
        "cpcb_sheets.csv",
        include_bytes!("../tests/fixtures/cpcb_sheets.csv"),
    ),
    (
        "council.csv",
        include_bytes!("../tests/fixtures/council.csv"),
    ),
    (
        "minutes.csv",
        include_bytes!("../tests/fixtures/minutes.csv"),
    ),
    (
        "decimal_comma.tsv",
        include_bytes!("../tests/fixtures/decimal_comma.tsv"),
    ),
    (
        "eea.parquet",
        include_bytes!("../tests/fixtures/eea.parquet"),
    ),
];

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

fn packed(bytes: &[u8]) -> Vec<u8> {
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
    match read(&input, &wishes) {
        Ok(Outcome::Read(file)) => {
            let rows = file.tally.rows();
            assert_eq!(rows.read, rows.kept + rows.n_rejected(), "{name} {seed}");
            assert!(
                rows.out_of_scope <= rows.kept && rows.averaged <= rows.kept,
                "{name} {seed}"
            );
            let in_hours: u64 = file.parts.iter().map(n_lines).sum();
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
fn mutations_of_every_format_are_read_or_refused() {
    let budget = std::env::var("PM25_MUTATE_S")
        .ok()
        .and_then(|text| text.parse().ok())
        .map(Duration::from_secs);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in FILES {
        check(name, bytes, 0, folder.path());
        let begun = Instant::now();
        let mut seed = 1;
        while budget.map_or(seed < CASES, |budget| begun.elapsed() < budget) {
            let mutated = damaged(bytes, seed);
            check(name, &mutated, seed, folder.path());
            if seed.is_multiple_of(8) {
                check(
                    &format!("{name}.gz"),
                    &damaged(&packed(bytes), seed),
                    seed,
                    folder.path(),
                );
            }
            seed += 1;
        }
    }
}
