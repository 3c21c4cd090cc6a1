//! What is said, where, and with which exit status.

use std::fs;

use pm25_file::Sha256;
use serde_json::Value;

use super::papers::{GOOD, Story};
use super::shop::{Shop, walk};

#[test]
fn a_fresh_registry_gets_three_entries_that_never_change() {
    let shop = Shop::new();
    let said = shop.register(GOOD).ok().stdout;
    assert_eq!(said, "version 1 of pm25 is registered (entry 1)\n");
    let by_model = |stage: &str| {
        shop.run(&format!("promote --model run1/model.json --to {stage}"))
            .ok()
            .stdout
    };
    assert_eq!(
        by_model("staging"),
        "version 1 of pm25 is in stage staging (entry 2)\n"
    );
    assert_eq!(
        by_model("production"),
        "version 1 of pm25 is in stage production (entry 3)\n"
    );
    let entries = || {
        (1..=3)
            .map(|number| fs::read(shop.entry(number)).unwrap())
            .collect::<Vec<_>>()
    };
    let before = entries();
    let again = shop
        .run(&format!("{} --if-new", super::shop::register_words(1)))
        .ok()
        .stdout;
    assert_eq!(
        again,
        "version 1 of pm25 is in stage production already; nothing written\n"
    );
    assert!(by_model("staging").contains("nothing written"));
    assert!(by_model("production").contains("nothing written"));
    shop.register(Story { model: 2, ..GOOD }).ok();
    assert_eq!((entries(), shop.n_entries()), (before, 4));
}

#[test]
fn the_chain_is_the_same_in_any_folder_and_at_any_time() {
    let (one, two) = (Shop::busy(), Shop::busy());
    let chained = |shop: &Shop| {
        let mut files = walk(&shop.path("registry"));
        files.retain(|(path, _)| !path.ends_with("times.jsonl"));
        files
    };
    assert_eq!(chained(&one), chained(&two));
    for (_, bytes) in chained(&one) {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(one.dir.path().to_str().unwrap()));
    }
}

#[test]
fn show_gives_paths_of_files_whose_names_are_their_hashes() {
    let shop = Shop::busy();
    shop.register(Story { model: 2, ..GOOD }).ok();
    for words in [
        "show",
        "show --name pm25 --stage production",
        "show --version 1",
    ] {
        let shown = shop.json(words);
        assert_eq!(
            (&shown["version"], &shown["stage"]),
            (&1.into(), &"production".into())
        );
        assert_eq!(shown["metrics"]["rmse_ug_m3"], 21.5);
        for what in ["model", "eval", "prep"] {
            let path = shown["objects"][what]["path"].as_str().unwrap();
            let bytes = fs::read(shop.path(path)).unwrap();
            assert_eq!(
                shown["objects"][what]["sha256"],
                Sha256::of(&bytes).to_string()
            );
            assert_eq!(
                bytes,
                fs::read(shop.path(&format!("run1/{what}.json"))).unwrap()
            );
        }
    }
    assert_eq!(shop.json("show --stage none")["version"], 2);
    assert!(
        shop.run("show")
            .ok()
            .stdout
            .contains("rmse     21.500 µg/m³")
    );
    shop.run("show --stage staging")
        .fails(4, "no version of `pm25` is in stage staging");
    shop.run("show --version 9").fails(4, "no version 9");
    shop.run("show --name pm52")
        .fails(4, "did you mean --name pm25?");
    shop.run("show --stage staging --version 1").fails_usage();
}

#[test]
fn list_and_log_tell_the_story_in_order() {
    let shop = Shop::busy();
    shop.register(Story { model: 2, ..GOOD }).ok();
    let listed = shop.json("list");
    let stages: Vec<_> = listed["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["stage"].clone())
        .collect();
    assert_eq!(stages, ["production", "none"]);
    assert!(listed["versions"][0]["at"].is_string());
    assert!(shop.run("list").ok().stdout.contains("production"));
    let log = shop.json("log");
    let actions: Vec<_> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["action"].clone())
        .collect();
    assert_eq!(actions, ["register", "promote", "promote", "register"]);
    assert_eq!(log["entries"][1]["gate"]["checks"][1]["rule"], "skill_min");
    assert_eq!(
        log["head"]["sha256"],
        Sha256::of(&fs::read(shop.entry(4)).unwrap()).to_string()
    );
    assert!(shop.run("log").ok().stdout.contains("skill_min 0 (0.25)"));
}

#[test]
fn two_models_live_side_by_side() {
    let shop = Shop::busy();
    shop.papers(Story {
        model: 5,
        horizon_h: 24,
        ..GOOD
    });
    shop.run(&format!(
        "{} --name pm25-24h",
        super::shop::register_words(5)
    ))
    .ok();
    let listed = shop.json("list");
    assert_eq!(listed["versions"].as_array().unwrap().len(), 2);
    assert_eq!(listed["versions"][1]["task"]["horizon_h"], 24);
    assert_eq!(
        shop.json("list --name pm25")["versions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(shop.json("verify")["logs"].as_array().unwrap().len(), 2);
}

#[test]
fn an_empty_folder_is_an_empty_registry_and_a_missing_one_is_none() {
    let shop = Shop::new();
    shop.run("list").fails(4, "there is no such registry");
    shop.run("verify").fails(4, "there is no such registry");
    fs::create_dir(shop.path("registry")).unwrap();
    fs::write(shop.path("registry/README.md"), "what this is").unwrap();
    assert_eq!(shop.run("list").ok().stdout, "no versions yet\n");
    assert_eq!(shop.json("verify")["objects"], 0);
    shop.run("show").fails(4, "knows no model `pm25`");
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let shop = Shop::new();
    let ran = shop.run("show --format json");
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(
        (ran.status, &error["status"], ran.stdout.as_str()),
        (4, &4.into(), "")
    );
    assert!(error["hint"].is_string());
}

#[test]
fn hostile_names_and_reasons_are_refused_before_anything_is_made() {
    let shop = Shop::new();
    shop.papers(GOOD);
    let before = walk(shop.dir.path());
    let hostile = [
        "../x",
        "/abs",
        "a/b",
        "..",
        ".",
        "",
        "-rf",
        ".x",
        "A",
        "a\nb",
        "%2e%2e%2f",
        "a\u{1b}[2J",
        "pm25 ",
    ];
    for name in hostile {
        for words in [
            super::shop::register_words(1).as_str(),
            "list",
            "show",
            "verify",
            "log",
            "rollback",
            "archive --version 1",
        ] {
            let mut command = shop.command(words);
            let ran = super::shop::Ran::of(command.arg(format!("--name={name}")).output().unwrap());
            assert_eq!(ran.status, 2, "{name:?} {words}: {}", ran.stderr);
            assert!(
                !ran.stderr.contains('\u{1b}') && ran.stderr.contains("hint:"),
                "{}",
                ran.stderr
            );
        }
    }
    for reason in ["a\nb", "\u{1b}[2J", &"x".repeat(501)] {
        let mut command = shop.command(&super::shop::register_words(1));
        let ran = super::shop::Ran::of(command.arg(format!("--reason={reason}")).output().unwrap());
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert!(!ran.stderr.contains('\u{1b}'));
    }
    assert_eq!(walk(shop.dir.path()), before);
}

#[test]
fn a_reason_is_kept_in_the_chain() {
    let shop = Shop::busy();
    shop.register(Story { model: 2, ..GOOD }).ok();
    let mut command = shop.command("archive --version 2 --reason");
    super::shop::Ran::of(command.arg("bias after 冬季").output().unwrap()).ok();
    assert!(shop.run("log").ok().stdout.contains("“bias after 冬季”"));
    assert_eq!(shop.json("log")["entries"][4]["reason"], "bias after 冬季");
    shop.run("verify --read-data").ok();
}

#[test]
fn every_command_has_help_that_says_its_job() {
    let shop = Shop::new();
    for words in [
        "", "register", "promote", "rollback", "archive", "list", "show", "log", "verify",
    ] {
        let help = shop.run(&format!("{words} --help")).ok().stdout;
        assert!(
            help.lines().next().is_some_and(|line| 20 < line.len()),
            "{words}: {help}"
        );
    }
}

impl super::shop::Ran {
    /// Must have been refused by the reader of command lines.
    fn fails_usage(self) {
        assert_eq!(self.status, 2, "{}", self.stderr);
        assert_eq!(self.stdout, "");
    }
}
