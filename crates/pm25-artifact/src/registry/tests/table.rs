//! The state table: every transition, and what a log adds up to.

use pm25_file::Kind;

use super::*;

const MOVES: [Move; 4] = [
    Move::ToStaging,
    Move::ToProduction,
    Move::Rollback,
    Move::Archive,
];

/// A version 2 in this stage; version 1 is in production, or was.
fn shop_with_two_in(stage: Stage) -> Shop {
    let shop = Shop::busy();
    let steps: &[(Action, Stage)] = match stage {
        Stage::None => &[],
        Stage::Staging => &[(Action::Promote, Stage::Staging)],
        Stage::Production | Stage::Superseded => &[
            (Action::Promote, Stage::Staging),
            (Action::Promote, Stage::Production),
        ],
        Stage::Archived => &[(Action::Archive, Stage::Archived)],
    };
    for &(action, to) in steps {
        shop.go(action, 2, to).unwrap();
    }
    if stage == Stage::Superseded {
        shop.register(3);
        shop.go(Action::Promote, 3, Stage::Staging).unwrap();
        shop.go(Action::Promote, 3, Stage::Production).unwrap();
    }
    assert_eq!(shop.stages()[1], stage);
    shop
}

#[test]
fn the_table_is_what_the_picture_says() {
    use Stage::{Archived, Production, Staging};
    let row = |from: Stage| {
        MOVES.map(|wanted| match step(from, wanted) {
            Step::To(stage) => Some(stage),
            Step::Stays => Some(from),
            Step::Refused(why) => {
                assert!(!why.is_empty());
                None
            }
        })
    };
    assert_eq!(
        row(Stage::None),
        [Some(Staging), None, None, Some(Archived)]
    );
    assert_eq!(
        row(Staging),
        [
            Some(Staging),
            Some(Production),
            Some(Production),
            Some(Archived)
        ]
    );
    assert_eq!(
        row(Production),
        [Some(Production), Some(Production), None, None]
    );
    assert_eq!(
        row(Stage::Superseded),
        [Some(Staging), None, Some(Production), Some(Archived)]
    );
    assert_eq!(row(Archived), [None, None, None, Some(Archived)]);
}

#[test]
fn the_log_takes_exactly_the_transitions_of_the_table() {
    let asked = [
        (Move::ToStaging, Action::Promote, Stage::Staging),
        (Move::ToProduction, Action::Promote, Stage::Production),
        (Move::Rollback, Action::Rollback, Stage::Production),
        (Move::Archive, Action::Archive, Stage::Archived),
    ];
    for from in Stage::ALL {
        for (wanted, action, to) in asked {
            let shop = shop_with_two_in(from);
            let before = shop.registry.history(&shop.name).unwrap();
            let is_before = before
                .state
                .before_production()
                .is_some_and(|v| v.number == 2);
            let is_allowed =
                step(from, wanted) == Step::To(to) && (wanted != Move::Rollback || is_before);
            let result = shop.go(action, 2, to);
            assert_eq!(result.is_ok(), is_allowed, "{from} {wanted:?}");
            let after = shop.registry.history(&shop.name).unwrap();
            assert_eq!(
                after.entries.len(),
                before.entries.len() + usize::from(is_allowed)
            );
            assert_eq!(shop.stages()[1], if is_allowed { to } else { from });
        }
    }
}

#[test]
fn no_entry_can_say_what_no_command_means() {
    let shop = Shop::busy();
    for (action, stage) in [
        (Action::Register, Stage::None),
        (Action::Register, Stage::Production),
        (Action::Promote, Stage::None),
        (Action::Promote, Stage::Superseded),
        (Action::Promote, Stage::Archived),
        (Action::Rollback, Stage::Staging),
        (Action::Archive, Stage::None),
    ] {
        assert!(shop.go(action, 2, stage).is_err(), "{action} {stage}");
    }
    assert_eq!(shop.check().unwrap().logs[0].head.number, 4);
}

#[test]
fn a_promotion_supersedes_and_a_rollback_goes_back_one_by_one() {
    let shop = Shop::busy();
    for version in [2, 3] {
        if version == 3 {
            shop.register(3);
        }
        shop.go(Action::Promote, version, Stage::Staging).unwrap();
        shop.go(Action::Promote, version, Stage::Production)
            .unwrap();
    }
    assert_eq!(
        shop.stages(),
        [Stage::Superseded, Stage::Superseded, Stage::Production]
    );
    assert_eq!(rollback(&shop.author(), None).unwrap().version, 2);
    assert_eq!(rollback(&shop.author(), Some(2)).unwrap().version, 1);
    assert_eq!(
        shop.stages(),
        [Stage::Production, Stage::Superseded, Stage::Superseded]
    );
    let fault = rollback(&shop.author(), None).unwrap_err();
    assert_eq!(fault.kind(), Kind::GateClosed);
    assert!(fault.hint_text().is_some());
}

#[test]
fn a_rollback_passes_over_the_archived() {
    let shop = shop_with_two_in(Stage::Superseded);
    archive(&shop.author(), 2).unwrap();
    assert_eq!(rollback(&shop.author(), None).unwrap().version, 1);
    assert_eq!(
        shop.stages(),
        [Stage::Production, Stage::Archived, Stage::Superseded]
    );
}

#[test]
fn what_is_in_use_is_not_archived_and_what_is_archived_stays_so() {
    let shop = Shop::busy();
    assert_eq!(
        archive(&shop.author(), 1).unwrap_err().kind(),
        Kind::GateClosed
    );
    assert_eq!(
        archive(&shop.author(), 9).unwrap_err().kind(),
        Kind::BadArtifact
    );
    let first = archive(&shop.author(), 2).unwrap();
    let again = archive(&shop.author(), 2).unwrap();
    assert_eq!((first.written, again.written), (Some(5), None));
}

#[test]
fn the_same_model_is_one_object_and_a_new_version_only_if_asked() {
    let shop = Shop::new();
    shop.register(1);
    let kept = register(&shop.author(), &candidate(1), Repeat::Keep).unwrap();
    assert_eq!((kept.version, kept.written), (1, None));
    let second = shop.register(1);
    assert_eq!((second.version, second.written), (2, Some(2)));
    let verified = shop.check().unwrap();
    assert_eq!(
        (verified.objects, verified.unnamed, verified.leftovers),
        (3, 0, 0)
    );
}

#[test]
fn objects_and_entries_are_read_only_and_named_by_their_hash() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::busy();
    let object = shop.registry.object_path(candidate(1).objects().model);
    assert!(object.ends_with(format!("{}", Sha256::of(b"model 1"))));
    for path in [object, shop.entry(1)] {
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o222,
            0
        );
    }
}

#[test]
fn the_same_work_gives_the_same_chain() {
    let (one, two) = (Shop::busy(), Shop::busy());
    for number in 1..=4 {
        assert_eq!(
            std::fs::read(one.entry(number)).unwrap(),
            std::fs::read(two.entry(number)).unwrap()
        );
    }
}

#[test]
fn a_name_without_a_log_is_unknown_and_a_near_one_is_offered() {
    let shop = Shop::busy();
    let fault = shop.registry.history(&"pm52".parse().unwrap()).unwrap_err();
    assert_eq!(fault.kind(), Kind::BadArtifact);
    assert!(fault.hint_text().unwrap().contains("pm25"));
    let nowhere = Registry::at(shop.dir.path().join("nowhere"));
    assert_eq!(nowhere.names().unwrap_err().kind(), Kind::BadArtifact);
    assert!(
        nowhere
            .history(&shop.name)
            .unwrap_err()
            .to_string()
            .contains("no such registry")
    );
}
