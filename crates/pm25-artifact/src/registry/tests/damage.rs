//! What nature or a hand may do to the files, and that it is found by name.

use std::fs;

use pm25_file::{Kind, fill_seal};
use proptest::prelude::*;

use super::*;

/// The files whose damage must be found: every entry and every object.
fn sealed_files(shop: &Shop) -> Vec<PathBuf> {
    let mut files: Vec<_> = (1..=4).map(|number| shop.entry(number)).collect();
    for model in [1, 2] {
        files.extend(
            candidate(model)
                .objects()
                .each()
                .map(|(_, sha256)| shop.registry.object_path(sha256)),
        );
    }
    files
}

fn assert_found(shop: &Shop, path: &std::path::Path, what: &str) {
    let fault = shop.check().expect_err(what);
    assert_eq!(fault.kind(), Kind::BadArtifact, "{what}");
    assert!(
        fault
            .to_string()
            .contains(path.file_name().unwrap().to_str().unwrap()),
        "{what}: {fault}"
    );
    assert!(fault.hint_text().is_some());
}

#[test]
fn every_flipped_bit_of_every_file_is_found() {
    let shop = Shop::busy();
    for path in sealed_files(&shop) {
        let good = fs::read(&path).unwrap();
        for bit in (0..good.len() * 8).step_by(if good.len() < 100 { 1 } else { 7 }) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            overwrite(&path, &bad);
            assert_found(&shop, &path, &format!("bit {bit} of {}", path.display()));
        }
        overwrite(&path, &good);
        shop.check().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cut_grown_or_scribbled_files_are_found(which in 0..10_usize, at in 0.0..1.0_f64, how in 0..3_u8, noise: u8) {
        let shop = Shop::busy();
        let path = &sealed_files(&shop)[which];
        let good = fs::read(path).unwrap();
        let at = (at * good.len() as f64) as usize;
        let mut bad = good.clone();
        match how {
            0 => bad.truncate(at),
            1 => bad.insert(at, noise),
            _ => bad[at] = noise,
        }
        prop_assume!(bad != good);
        overwrite(path, &bad);
        assert_found(&shop, path, "scribbled");
    }
}

#[test]
fn a_missing_file_is_found_by_name() {
    for path in sealed_files(&Shop::busy()) {
        let shop = Shop::busy();
        let path = shop.registry.root().join(
            path.iter()
                .skip_while(|part| *part != "registry")
                .skip(1)
                .collect::<PathBuf>(),
        );
        fs::remove_file(&path).unwrap();
        if path == shop.entry(4) {
            continue; // The newest entry: only a head that was kept shows it, as the next test says.
        }
        assert_found(&shop, &path, "removed");
    }
}

#[test]
fn a_cut_tail_is_shown_by_a_head_that_was_kept() {
    let shop = Shop::busy();
    let head = shop.check().unwrap().logs[0].head;
    assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    fs::remove_file(shop.entry(4)).unwrap();
    shop.check().expect("a shorter log is a sound log");
    let fault = shop
        .registry
        .verify_model(&shop.name, Depth::Logs, Some(head))
        .unwrap_err();
    assert_eq!(fault.kind(), Kind::BadArtifact);
    shop.register(7);
    let fault = shop
        .registry
        .verify_model(&shop.name, Depth::Logs, Some(head))
        .unwrap_err();
    assert!(
        fault.to_string().contains("does not hold"),
        "another entry in its place: {fault}"
    );
}

#[test]
fn an_older_head_still_holds_when_the_log_has_grown() {
    let shop = Shop::busy();
    let head = shop.check().unwrap().logs[0].head;
    shop.register(3);
    shop.registry
        .verify_model(&shop.name, Depth::Bytes, Some(head))
        .unwrap();
    shop.registry
        .verify_model(&shop.name, Depth::Bytes, Some(Head::NONE))
        .unwrap();
}

/// Edits an entry and seals it again, as somebody with intent would.
fn edit(shop: &Shop, number: u32, from: &str, to: &str) {
    let text = fs::read_to_string(shop.entry(number)).unwrap();
    assert!(text.contains(from), "{text}");
    let mut text = text.replacen(from, to, 1);
    let seal = text.find("pm25-seal:").unwrap() + 10;
    text.replace_range(seal..seal + 64, &"0".repeat(64));
    let mut bytes = text.into_bytes();
    fill_seal(&mut bytes, pm25_file::Place::First).unwrap();
    overwrite(&shop.entry(number), &bytes);
}

#[test]
fn an_edited_and_resealed_entry_breaks_the_chain() {
    let shop = Shop::busy();
    edit(&shop, 2, "\"reason\": null", "\"reason\": \"all is well\"");
    let fault = shop.check().unwrap_err();
    assert!(
        fault.to_string().contains("00000003.json") && fault.to_string().contains("chain"),
        "{fault}"
    );
}

#[test]
fn a_resealed_newest_entry_is_shown_by_the_head_and_by_the_table() {
    let shop = Shop::busy();
    let head = shop.check().unwrap().logs[0].head;
    edit(&shop, 4, "\"reason\": null", "\"reason\": \"all is well\"");
    assert!(
        shop.registry
            .verify_model(&shop.name, Depth::Logs, Some(head))
            .is_err()
    );
    for (from, to) in [
        ("\"version\": 2,", "\"version\": 3,"),
        ("\"stage\": \"none\"", "\"stage\": \"production\""),
        ("\"name\": \"pm25\"", "\"name\": \"pm26\""),
        ("\"number\": 4", "\"number\": 5"),
        ("\"production\": 1", "\"production\": null"),
        ("\"head\": 3", "\"head\": 2"),
        ("\"action\": \"register\"", "\"action\": \"rollback\""),
        ("\"reason\": null", "\"reason\": \"\\u001b[2J\""),
        ("\"reason\": null", "\"reason\": null, \"extra\": 1"),
    ] {
        let shop = Shop::busy();
        edit(&shop, 4, from, to);
        assert_found(&shop, &shop.entry(4), to);
    }
}

#[test]
fn a_valid_object_in_the_place_of_another_is_found() {
    let shop = Shop::busy();
    let (one, two) = (candidate(1).objects().model, candidate(2).objects().model);
    let path = shop.registry.object_path(one);
    overwrite(&path, &shop.registry.object(two).unwrap());
    assert_found(&shop, &path, "swapped");
    assert_eq!(
        shop.registry.object(one).unwrap_err().kind(),
        Kind::BadArtifact
    );
    let fault = register(&shop.author(), &candidate(1), Repeat::Keep).unwrap_err();
    assert_eq!(
        fault.kind(),
        Kind::BadArtifact,
        "a damaged object is not passed off as kept"
    );
}

#[test]
fn a_rollback_to_a_damaged_object_is_refused() {
    let shop = Shop::busy();
    shop.go(Action::Promote, 2, Stage::Staging).unwrap();
    shop.go(Action::Promote, 2, Stage::Production).unwrap();
    overwrite(
        &shop.registry.object_path(candidate(1).objects().prep),
        b"prep 0",
    );
    assert_eq!(
        rollback(&shop.author(), None).unwrap_err().kind(),
        Kind::BadArtifact
    );
    assert_eq!(shop.stages(), [Stage::Superseded, Stage::Production]);
}

#[test]
fn times_may_be_torn_garbled_or_gone() {
    let shop = Shop::busy();
    let path = shop.registry.root().join("models/pm25/times.jsonl");
    assert_eq!(shop.registry.times(&shop.name).len(), 4);
    let whole = fs::read(&path).unwrap();
    for len in 0..=whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert!(shop.registry.times(&shop.name).len() <= 4);
        shop.check().unwrap();
    }
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    shop.register(5);
    let times = shop.registry.times(&shop.name);
    assert_eq!(
        times.keys().copied().collect::<Vec<_>>(),
        [1, 2, 3, 5],
        "a torn line spoils only itself"
    );
    fs::write(&path, b"{\"number\":1,\"at\":\"\\u001b[2J\"}\n\xff\xfe\n").unwrap();
    assert!(shop.registry.times(&shop.name).is_empty());
    fs::remove_file(&path).unwrap();
    assert!(shop.registry.times(&shop.name).is_empty());
    shop.check().unwrap();
}
