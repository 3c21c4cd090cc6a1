//! Many at once, and some of them killed.

use std::collections::BTreeSet;
use std::process::Child;
use std::thread;
use std::time::Duration;

use super::papers::{GOOD, Story};
use super::shop::{Ran, Shop, register_words};

fn spawn(shop: &Shop, words: &str) -> Child {
    shop.command(words).spawn().unwrap()
}

fn wait(children: Vec<Child>) -> Vec<Ran> {
    children
        .into_iter()
        .map(|child| Ran::of(child.wait_with_output().unwrap()))
        .collect()
}

#[test]
fn sixty_four_registrations_at_once_are_all_kept_under_their_own_numbers() {
    let shop = Shop::new();
    let children = (1..=64).map(|model| {
        shop.papers(Story { model, ..GOOD });
        spawn(&shop, &format!("{} --format json", register_words(model)))
    });
    let versions: BTreeSet<u64> = wait(children.collect())
        .into_iter()
        .map(|ran| {
            let said: serde_json::Value = serde_json::from_str(&ran.ok().stdout).unwrap();
            said["version"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(versions, (1..=64).collect());
    let verified = shop.json("verify --read-data");
    assert_eq!(
        (&verified["logs"][0]["versions"], &verified["leftovers"]),
        (&64.into(), &0.into())
    );
}

#[test]
fn of_two_promotions_with_the_same_expectation_exactly_one_wins() {
    let shop = Shop::busy();
    for round in 0..10 {
        let current = shop.json("show")["version"].as_u64().unwrap();
        let rivals = [10 + 2 * round, 11 + 2 * round].map(|model| {
            shop.papers(Story { model, ..GOOD });
            let version = shop.json(&register_words(model))["version"].clone();
            shop.run(&format!("promote --version {version} --to staging"))
                .ok();
            version
        });
        let children = rivals.map(|version| {
            spawn(
                &shop,
                &format!("promote --version {version} --to production --expect-current {current}"),
            )
        });
        let mut statuses: Vec<_> = wait(children.into()).iter().map(|ran| ran.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [0, 13], "round {round}");
    }
    shop.run("verify --read-data").ok();
}

#[test]
fn a_reader_never_errs_while_others_write() {
    let shop = Shop::busy();
    let mut most = 0;
    for model in 2..=12 {
        shop.papers(Story { model, ..GOOD });
    }
    let mut writers: Vec<_> = (2..=12)
        .map(|model| spawn(&shop, &register_words(model)))
        .collect();
    while !writers
        .iter_mut()
        .all(|writer| writer.try_wait().unwrap().is_some())
    {
        let n_versions = shop.json("list")["versions"].as_array().unwrap().len();
        assert!(most <= n_versions, "a version vanished");
        most = n_versions;
    }
    wait(writers).into_iter().for_each(|ran| drop(ran.ok()));
    assert_eq!(shop.json("list")["versions"].as_array().unwrap().len(), 12);
}

#[test]
fn writers_killed_at_any_moment_leave_a_sound_registry_and_no_work_for_people() {
    let shop = Shop::busy();
    for model in 2..=41_u32 {
        shop.papers(Story { model, ..GOOD });
        let mut writer = spawn(&shop, &register_words(model));
        // From before it has begun to after it is done.
        thread::sleep(Duration::from_micros(u64::from(model) * 300));
        writer.kill().unwrap();
        writer.wait().unwrap();
        shop.run("verify --read-data").ok();
    }
    for model in 2..=41 {
        shop.run(&format!("{} --if-new", register_words(model)))
            .ok();
    }
    let verified = shop.json("verify --read-data");
    assert_eq!(
        (&verified["logs"][0]["versions"], &verified["unnamed"]),
        (&41.into(), &0.into())
    );
}
