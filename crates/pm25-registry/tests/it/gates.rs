//! What may come in, and what may rise.

use std::fs;

use pm25_file::Sha256;

use super::papers::{self, GOOD, Story};
use super::shop::{Shop, register_words};

#[test]
fn each_rule_of_the_shipped_policy_closes_the_gate_by_name() {
    let cases = [
        (
            Story {
                skill: Some(0.0),
                ..GOOD
            },
            "[nowcast] is not met: skill_min = 0 asks for greater than 0, eval.json says 0",
        ),
        (
            Story {
                skill: Some(-0.25),
                ..GOOD
            },
            "eval.json says -0.25",
        ),
        (
            Story {
                skill: None,
                ..GOOD
            },
            "eval.json has no such figure",
        ),
        (
            Story {
                skill: Some(0.96),
                ..GOOD
            },
            "skill_max = 0.95 asks for at most 0.95, eval.json says 0.96",
        ),
        (
            Story { rows: 719, ..GOOD },
            "rows_min = 720 asks for at least 720, eval.json says 719",
        ),
        (
            Story {
                skill: Some(-0.25),
                horizon_h: 24,
                ..GOOD
            },
            "[forecast] is not met: skill_min",
        ),
    ];
    for (story, line) in cases {
        let shop = Shop::new();
        shop.register(story).ok();
        shop.run("promote --version 1 --to staging").fails(10, line);
        assert_eq!(shop.n_entries(), 1, "a refusal writes nothing");
    }
}

#[test]
fn the_policy_is_asked_again_on_the_way_to_production() {
    let shop = Shop::new();
    shop.register(GOOD).ok();
    shop.run("promote --version 1 --to staging").ok();
    let strict = fs::read_to_string(shop.path("governance/policy.toml"))
        .unwrap()
        .replace("skill_min = 0.0", "skill_min = 0.25");
    fs::write(shop.path("strict.toml"), &strict).unwrap();
    shop.run("promote --version 1 --to production --policy strict.toml")
        .fails(10, "skill_min = 0.25");
    shop.run("promote --version 1 --to production").ok();
    let gate = &shop.json("log")["entries"][2]["gate"];
    let shipped = fs::read(shop.path("governance/policy.toml")).unwrap();
    assert_eq!(gate["policy"], Sha256::of(&shipped).to_string());
    assert_eq!(gate["baseline"], "climatology");
}

#[test]
fn a_policy_that_is_missing_or_misspelt_lets_nobody_pass() {
    let shop = Shop::new();
    shop.register(GOOD).ok();
    shop.run("promote --version 1 --to staging --policy none.toml")
        .fails(4, "none.toml");
    fs::write(
        shop.path("slip.toml"),
        "[nowcast]\nbaseline = \"climatology\"\nskil_min = 0\nrows_min = 1\n",
    )
    .unwrap();
    shop.run("promote --version 1 --to staging --policy slip.toml")
        .fails(2, "did you mean `skill_min`?");
    fs::write(
        shop.path("other.toml"),
        "[forecast]\nbaseline = \"persistence\"\nskill_min = 0\nrows_min = 1\n",
    )
    .unwrap();
    shop.run("promote --version 1 --to staging --policy other.toml")
        .fails(10, "no section [nowcast]");
    assert_eq!(shop.n_entries(), 1);
}

#[test]
fn stages_are_climbed_one_by_one() {
    let shop = Shop::new();
    shop.register(GOOD).ok();
    shop.run("promote --version 1 --to production")
        .fails(10, "only a version in staging");
    shop.run("archive --version 1").ok();
    shop.run("promote --version 1 --to staging")
        .fails(10, "archived");
    shop.run("promote --version 1 --to production")
        .fails(10, "archived");
    shop.run("promote --version 2 --to staging")
        .fails(4, "no version 2");
    shop.run("rollback")
        .fails(10, "no version of `pm25` is in production");
    shop.run("rollback --name other")
        .fails(4, "knows no model `other`");
}

#[test]
fn a_superseded_version_may_rise_again_and_rollback_needs_no_policy() {
    let shop = Shop::busy();
    shop.register(Story { model: 2, ..GOOD }).ok();
    shop.raise(2);
    assert_eq!(shop.json("show --version 1")["stage"], "superseded");
    fs::remove_file(shop.path("governance/policy.toml")).unwrap();
    assert_eq!(shop.json("rollback")["version"], 1);
    assert_eq!(shop.json("show")["version"], 1);
    assert_eq!(shop.json("show --version 2")["stage"], "superseded");
    shop.run("rollback").fails(10, "before version 1");
    shop.run("archive --version 1").fails(10, "it is in use");
}

#[test]
fn an_expectation_that_does_not_hold_is_a_conflict() {
    let shop = Shop::busy();
    shop.register(Story { model: 2, ..GOOD }).ok();
    shop.run("promote --version 2 --to staging --expect-current 0")
        .fails(13, "version 1 is");
    shop.run("promote --version 2 --to staging --expect-current 1")
        .ok();
    shop.run("promote --version 2 --to production --expect-current 1")
        .ok();
    shop.run("promote --version 2 --to production --expect-current 1")
        .fails(13, "version 2 is");
    shop.run("rollback --expect-current 1")
        .fails(13, "version 2 is");
}

#[test]
fn a_model_that_sat_another_exam_is_refused() {
    for learned_from in [["test", "valid"], ["train", "test"], ["valid", "train"]] {
        let shop = Shop::new();
        let good = shop.papers(GOOD);
        let model = papers::model_of(GOOD, learned_from);
        let hash = Sha256::of(&model);
        fs::write(&good.model, model).unwrap();
        fs::write(&good.eval, papers::eval(GOOD, hash, "test")).unwrap();
        shop.run(&register_words(1)).fails(4, "for that use");
    }
}

/// After folds within train and valid have chosen, both may teach; nothing else may, whatever a header says.
#[test]
fn valid_may_teach_where_the_header_says_so_and_nothing_else_may() {
    for (said, status) in [
        ("train", 0),
        ("train+valid", 0),
        ("train+valid+test", 4),
        ("test", 4),
    ] {
        let shop = Shop::new();
        let good = shop.papers(GOOD);
        let mut model: serde_json::Value = serde_json::from_slice(&papers::model(GOOD)).unwrap();
        model["pm25"]["params"] = serde_json::json!({ "learned_from": said });
        model["pm25"]["seal"] = format!("pm25-seal:{}", "0".repeat(64)).into();
        let mut bytes = serde_json::to_vec_pretty(&model).unwrap();
        pm25_file::fill_seal(&mut bytes, pm25_file::Place::First).unwrap();
        let hash = Sha256::of(&bytes);
        fs::write(&good.model, bytes).unwrap();
        fs::write(&good.eval, papers::eval(GOOD, hash, "test")).unwrap();
        let ran = shop.run(&register_words(1));
        assert_eq!(ran.status, status, "{said}: {}", ran.stderr);
    }
}

#[test]
fn papers_that_do_not_belong_together_are_refused() {
    let shop = Shop::new();
    let good = shop.papers(GOOD);
    let other = Story { model: 2, ..GOOD };
    let hash = Sha256::of(&papers::model(GOOD));
    let stranger = || {
        papers::sealed(
            "pm25-prep-report",
            "pm25-prep",
            serde_json::json!([]),
            serde_json::json!([papers::table("elsewhere"), papers::table("test")]),
            body_of(&papers::prep(GOOD)),
        )
    };
    let cases = [
        (
            &good.eval,
            papers::eval(other, Sha256::of(&papers::model(other)), "test"),
            "is about the model",
        ),
        (
            &good.eval,
            papers::eval(GOOD, hash, "train"),
            "not made on the test table",
        ),
        (
            &good.eval,
            papers::eval(GOOD, hash, "elsewhere"),
            "not made on the test table",
        ),
        (
            &good.eval,
            papers::eval(
                Story {
                    horizon_h: 24,
                    ..GOOD
                },
                hash,
                "test",
            ),
            "another task",
        ),
        (
            &good.prep,
            papers::prep(Story {
                horizon_h: 24,
                ..GOOD
            }),
            "another task",
        ),
        (&good.prep, stranger(), "prepared/train.parquet"),
        (&good.eval, papers::prep(GOOD), "pm25-prep-report"),
        (&good.model, b"{}".to_vec(), "run1/model.json"),
    ];
    for (path, bytes, says) in cases {
        let kept = fs::read(path).unwrap();
        fs::write(path, bytes).unwrap();
        shop.run(&register_words(1)).fails(4, says);
        fs::write(path, kept).unwrap();
        assert!(!shop.path("registry").exists(), "{says}: nothing was kept");
    }
    shop.run(&register_words(1)).ok();
}

#[test]
fn a_flipped_bit_in_any_paper_is_refused() {
    let shop = Shop::new();
    let good = shop.papers(GOOD);
    for path in [&good.model, &good.eval, &good.prep] {
        let kept = fs::read(path).unwrap();
        for bit in (0..kept.len() * 8).step_by(kept.len()) {
            let mut bad = kept.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(path, bad).unwrap();
            shop.run(&register_words(1))
                .fails(4, path.file_name().unwrap().to_str().unwrap());
        }
        fs::write(path, kept).unwrap();
    }
}

#[test]
fn a_missing_paper_is_named() {
    let shop = Shop::new();
    shop.papers(GOOD);
    shop.run("register --model none.json --eval run1/eval.json --prep run1/prep.json")
        .fails(4, "none.json");
    shop.run("register --model - --eval run1/eval.json --prep run1/prep.json")
        .fails(2, "not standard input");
}

/// A document's fields without its header.
fn body_of(bytes: &[u8]) -> serde_json::Value {
    let mut document: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    document.as_object_mut().unwrap().remove("pm25");
    document
}
