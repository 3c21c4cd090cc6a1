//! Files that want to do harm: refused soon, in little memory, and without a panic.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

#[test]
fn endless_and_huge_files_are_refused_at_once() {
    let begun = Instant::now();
    let deep = "[".repeat(1 << 20);
    assert!(refused(deep.as_bytes(), Format::Xgboost).contains("no XGBoost model"));
    // A spine of a hundred thousand splits, each the left child of the one before.
    let n = 100_000;
    let list =
        |item: &dyn Fn(usize) -> String| (0..2 * n + 1).map(item).collect::<Vec<_>>().join(",");
    let is_split = |node: usize| node < n;
    let tree = format!(
        r#"{{"left_children":[{}],"right_children":[{}],"split_conditions":[{}],"split_indices":[{}],"default_left":[{}],"sum_hessian":[{}],"tree_param":{{"num_nodes":"{}"}}}}"#,
        list(&|i| if is_split(i) {
            (i + 1).to_string()
        } else {
            "-1".into()
        }),
        list(&|i| if is_split(i) {
            (2 * n - i).to_string()
        } else {
            "-1".into()
        }),
        list(&|_| "1.0".into()),
        list(&|_| "0".into()),
        list(&|_| "0".into()),
        list(&|_| "1.0".into()),
        2 * n + 1
    );
    let file =
        String::from_utf8(xgboost_with(&format!("{FOREST}/trees/0"), json!("TREE"))).unwrap();
    let said = refused(file.replace("\"TREE\"", &tree).as_bytes(), Format::Xgboost);
    assert!(said.contains("deeper"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

/// Seconds of each search for a file that does harm; by default just enough to know that it runs.
fn search_s() -> u64 {
    let said = std::env::var("PM25_FUZZ_SECONDS").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A good file with a few bytes, words or lines changed, exchanged or lost.
fn damaged(good: &[u8], chance: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    const WORDS: [&str; 14] = [
        "-1",
        "0",
        "1e400",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "nan",
        "inf",
        "null",
        "[]",
        "\"\"",
        "{}",
        "1.5",
        "65535",
    ];
    let mut bytes = good.to_vec();
    for _ in 0..1 + chance(4) {
        let at = chance(bytes.len().max(1));
        let end = (at + 1 + chance(12)).min(bytes.len());
        match chance(5) {
            0 if at < bytes.len() => bytes[at] = chance(256) as u8,
            1 => drop(bytes.drain(at.min(end)..end)),
            2 => drop(bytes.splice(at.min(end)..end, WORDS[chance(WORDS.len())].bytes())),
            3 => {
                let from = chance(bytes.len().max(1));
                let to = (from + chance(200)).min(bytes.len());
                let piece = bytes[from.min(to)..to].to_vec();
                drop(bytes.splice(at.min(end)..at.min(end), piece));
            }
            _ => {
                // A number in its place becomes another one, so that the file stays readable.
                let is_digit = |byte: &u8| byte.is_ascii_digit();
                if let Some(place) = bytes[at.min(end)..].iter().position(is_digit) {
                    bytes[at.min(end) + place] = b'0' + chance(10) as u8;
                }
            }
        }
    }
    bytes
}

/// Files with all that a format may say: categories, a link and its loss, a mean of trees, a base in brackets.
fn good(format: Format) -> Vec<Vec<u8>> {
    let forest = Ensemble {
        scale: 0.5,
        ..picture()
    };
    let mut of_logs = model(of_logs());
    of_logs.header = of_logs.header.param("boost.objective", "count:poisson");
    let mut all = vec![
        written(&picture(), format),
        written(&forest, format),
        export(&of_logs, Sha256::ZERO, format).unwrap(),
    ];
    match format {
        Format::Xgboost => {
            let base = "/learner/learner_model_param/base_score";
            all.push(xgboost_with(base, json!("[1.5E0]")));
        }
        _ => {
            let text = String::from_utf8(all[0].clone()).unwrap();
            all.push(
                text.replacen("\n\nTree=0", "\naverage_output\n\nTree=0", 1)
                    .into(),
            );
        }
    }
    all
}

fn search(format: Format, seed: u64) {
    let good = good(format);
    let mut longest = Duration::ZERO;
    let mut state = seed;
    // Knuth's MMIX constants; the upper half is random enough.
    let mut chance = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let begun = Instant::now();
    let (mut n, mut n_read) = (0_u64, 0_u64);
    while begun.elapsed() < Duration::from_secs(search_s()) {
        for _ in 0..100 {
            let bytes = damaged(&good[n as usize % good.len()], &mut chance);
            n += 1;
            let reading = Instant::now();
            let found = read(&bytes, format);
            longest = longest.max(reading.elapsed());
            if let Ok(trees) = found {
                n_read += 1;
                assert_eq!(trees.check(COLUMNS.len()), Ok(()));
                let row = [1.0, 3.0, f32::NAN];
                let _ = trees.predict_row(&row);
                let like = model(trees);
                let _ = export(&like, Sha256::ZERO, Format::Xgboost);
                let _ = export(&like, Sha256::ZERO, Format::Lightgbm);
            }
        }
    }
    println!("{n} files, {n_read} of them read, the longest took {longest:?}");
    assert!(0 < n_read && n_read < n, "{n_read} of {n} were read");
}

#[test]
fn no_damaged_xgboost_file_does_harm() {
    search(Format::Xgboost, 1);
}

#[test]
fn no_damaged_lightgbm_file_does_harm() {
    search(Format::Lightgbm, 2);
}
