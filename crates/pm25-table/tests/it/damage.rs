//! Damaged tables of others: they bear no seal that would tell, or a forged one, and are refused or read all the same.

use std::time::{Duration, Instant};

use super::*;

/// How long a file may take.
const WITHIN: Duration = Duration::from_secs(1);

/// Small numbers that look random, from a seed.
struct Chance(u64);

impl Chance {
    /// Knuth's MMIX constants; the upper half is random enough.
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// Some bytes changed, lost or repeated: anywhere, or in the footer, where sizes and places are.
fn damaged(good: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..1 + chance.below(4) {
        let n = bytes.len();
        let part = if chance.below(2) == 0 { n } else { n.min(700) };
        let at = n - 1 - chance.below(part);
        let end = n.min(at + 1 + chance.below(9));
        match chance.below(6) {
            0 | 1 => bytes[at] = chance.below(256) as u8,
            2 => bytes[at] ^= 1 << chance.below(8),
            3 => bytes[at..end].fill(0xff),
            4 => drop(bytes.drain(at..end)),
            _ => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
        }
        if bytes.is_empty() {
            return bytes;
        }
    }
    bytes
}

/// Puts a seal of ours on whatever this is: an attacker can.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mark = b"pm25-seal:";
    let at = bytes.windows(mark.len()).rposition(|window| window == mark);
    if let Some(digits) = at.and_then(|at| bytes.get_mut(at + mark.len()..at + mark.len() + 64)) {
        digits.fill(b'0');
        let _ = fill_seal(&mut bytes, Place::Last);
    }
    bytes
}

/// One of ours, and one that another writer made: in pages and dictionaries of its own.
fn good(folder: &Path) -> [Vec<u8>; 2] {
    let ours = folder.join("ours.parquet");
    write(&sample(300), &ours);
    let theirs = folder.join("theirs.parquet");
    let words: Vec<Option<&str>> = (0..900)
        .map(|i| [Some("a"), None, Some("Ünicode")][i % 3])
        .collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("station", Arc::new(StringArray::from(words))),
        (
            "x",
            Arc::new(Float64Array::from_iter(
                (0..900).map(|i| (i % 7 != 0).then_some(f64::from(i))),
            )),
        ),
        ("n", Arc::new(Int64Array::from_iter_values(0..900))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs::File::create(&theirs).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    [ours, theirs].map(|path| fs::read(path).unwrap())
}

/// Whether it was read, and how long it took.
fn try_out(path: &Path) -> (bool, Duration) {
    let begun = Instant::now();
    let found = read(path);
    if let Err(fault) = &found {
        assert!(
            matches!(fault.kind(), Kind::BadArtifact | Kind::BadData),
            "{fault}"
        );
    }
    if let Ok(table) = &found {
        for name in table.names() {
            let _ = table.numbers(name);
        }
    }
    (found.is_ok(), begun.elapsed())
}

/// For `PM25_FUZZ_SECONDS`; by default just enough to know that it runs.
#[test]
fn damaged_tables_are_refused_or_read_and_never_take_long() {
    let seconds = std::env::var("PM25_FUZZ_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let good = good(folder.path());
    let mut chance = Chance(1);
    let (mut n, mut n_read, mut longest) = (0_u64, 0_u64, Duration::ZERO);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) {
        let bytes = sealed(damaged(&good[n as usize % 2], &mut chance));
        fs::write(&path, &bytes).unwrap();
        let (is_read, needed) = try_out(&path);
        n += 1;
        n_read += u64::from(is_read);
        if longest < needed {
            longest = needed.min(try_out(&path).1).max(longest);
            assert!(longest < WITHIN, "file {n}");
        }
    }
    println!("{n} files, {n_read} of them read, the longest took {longest:?}");
    assert!(0 < n_read && n_read < n, "{n_read} of {n} were read");
}
