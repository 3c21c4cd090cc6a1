//! Writers at once, readers among them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pm25_file::Kind;

use super::*;

#[test]
fn sixty_four_writers_make_versions_that_are_unique_and_dense() {
    let shop = Shop::new();
    let versions: BTreeSet<u32> = thread::scope(|scope| {
        let writers: Vec<_> = (0..64)
            .map(|model| {
                scope.spawn({
                    let shop = &shop;
                    move || shop.register(model).version
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    assert_eq!(versions, (1..=64).collect());
    let verified = shop.check().unwrap();
    assert_eq!(
        (
            verified.logs[0].versions,
            verified.objects,
            verified.leftovers
        ),
        (64, 192, 0)
    );
}

#[test]
fn of_many_who_register_the_same_model_only_if_new_one_does() {
    let shop = Shop::new();
    let written: usize = thread::scope(|scope| {
        let writers: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    register(&shop.author(), &candidate(1), Repeat::Keep)
                        .unwrap()
                        .written
                        .iter()
                        .count()
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .sum()
    });
    assert_eq!(written, 1);
    assert_eq!(shop.stages().len(), 1);
}

#[test]
fn of_rollbacks_with_the_same_expectation_one_wins() {
    for _ in 0..10 {
        let shop = Shop::busy();
        shop.go(Action::Promote, 2, Stage::Staging).unwrap();
        shop.go(Action::Promote, 2, Stage::Production).unwrap();
        let results: Vec<_> = thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| rollback(&shop.author(), Some(2))))
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .collect()
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        let losers = results.iter().filter_map(|result| result.as_ref().err());
        assert!(
            losers
                .map(|fault| fault.kind())
                .all(|kind| kind == Kind::Conflict)
        );
        assert_eq!(shop.stages(), [Stage::Production, Stage::Superseded]);
    }
}

#[test]
fn a_reader_never_errs_and_no_version_ever_vanishes() {
    let shop = Shop::new();
    shop.register(0);
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut most, mut n_reads) = (0, 0_u32);
            while !is_done.load(Ordering::Relaxed) {
                let n_versions = shop
                    .registry
                    .history(&shop.name)
                    .unwrap()
                    .state
                    .versions()
                    .len();
                assert!(most <= n_versions);
                most = n_versions;
                shop.check().unwrap();
                n_reads += 1;
            }
            n_reads
        });
        let writers: Vec<_> = (0..4_u32)
            .map(|writer| {
                scope.spawn({
                    let shop = &shop;
                    move || (0..16).for_each(|i| drop(shop.register(1 + writer * 16 + i)))
                })
            })
            .collect();
        let ends: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        is_done.store(true, Ordering::Relaxed);
        assert!(ends.iter().all(|end| end.is_ok()), "a writer failed");
        assert!(0 < reader.join().unwrap());
    });
    assert_eq!(shop.stages().len(), 65);
}

#[test]
fn who_is_overtaken_decides_again_and_learns_of_it() {
    let shop = Shop::busy();
    let mut n_looks = 0;
    let result = shop.registry.commit(&shop.author(), |history| {
        n_looks += 1;
        let version = history.state.version(2).unwrap();
        if version.stage == Stage::Archived {
            return Err(Fault::gate_closed(
                "an archived version is never used again",
            ));
        }
        let objects = version.objects;
        archive(&shop.author(), 2).unwrap();
        Ok(Decision::Write(Box::new(Change {
            action: Action::Promote,
            version: 2,
            stage: Stage::Staging,
            objects,
            gate: None,
            inputs: Vec::new(),
        })))
    });
    assert_eq!(result.unwrap_err().kind(), Kind::Conflict);
    assert_eq!((n_looks, shop.stages()[1]), (2, Stage::Archived));
}

#[test]
fn an_overtaken_rollback_does_not_go_back_twice() {
    let shop = Shop::busy();
    for (version, model) in [(2, 0), (3, 3)] {
        if model != 0 {
            shop.register(model);
        }
        shop.go(Action::Promote, version, Stage::Staging).unwrap();
        shop.go(Action::Promote, version, Stage::Production)
            .unwrap();
    }
    let mut fled_from = None;
    let look = |fled_from: &mut Option<u32>| {
        let history = shop.registry.history(&shop.name).unwrap();
        change::before(&history, fled_from).map(|version| version.number)
    };
    assert_eq!(look(&mut fled_from).unwrap(), 2);
    rollback(&shop.author(), None).unwrap();
    assert_eq!(look(&mut fled_from).unwrap_err().kind(), Kind::Conflict);
}
