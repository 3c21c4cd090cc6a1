//! Whoever can write to the folder, and what others leave there.

use std::fs;
use std::os::unix::fs::symlink;

use pm25_file::Kind;

use super::*;

/// Every command's fault on a registry that was prepared to hurt.
fn faults(shop: &Shop) -> Vec<(&'static str, Option<Fault>)> {
    let author = shop.author();
    vec![
        ("verify", shop.check().err()),
        (
            "register",
            register(&author, &candidate(9), Repeat::Keep).err(),
        ),
        ("archive", archive(&author, 2).err()),
    ]
}

#[test]
fn a_link_in_the_place_of_a_folder_is_not_followed() {
    for folder in [
        "objects",
        "objects/sha256",
        "models",
        "models/pm25",
        "models/pm25/log",
    ] {
        let shop = Shop::busy();
        let (inside, outside) = (
            shop.registry.root().join(folder),
            shop.dir.path().join("outside"),
        );
        fs::rename(&inside, &outside).unwrap();
        symlink(&outside, &inside).unwrap();
        let before = walk(&outside);
        for (what, fault) in faults(&shop) {
            // Archiving touches no object.
            if let Some(fault) = fault {
                assert_eq!(fault.kind(), Kind::BadArtifact, "{folder} {what}: {fault}");
                assert!(
                    fault.to_string().contains("symbolic link"),
                    "{folder} {what}: {fault}"
                );
            } else {
                assert!(
                    what == "archive" && folder.starts_with("objects"),
                    "{folder} {what}"
                );
            }
        }
        assert_eq!(
            walk(&outside),
            before,
            "nothing was written through the link at {folder}"
        );
    }
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    let object = |shop: &Shop| shop.registry.object_path(candidate(1).objects().model);
    let pick: [fn(&Shop) -> PathBuf; 3] = [
        |shop| shop.entry(2),
        |shop| shop.entry(5),
        |shop| shop.registry.object_path(candidate(9).objects().model),
    ];
    for path in pick
        .iter()
        .map(|pick| pick as &dyn Fn(&Shop) -> PathBuf)
        .chain([&object as _])
    {
        let shop = Shop::busy();
        let (inside, outside) = (path(&shop), shop.dir.path().join("outside"));
        fs::write(&outside, "outside").unwrap();
        fs::create_dir_all(inside.parent().unwrap()).unwrap();
        if inside.exists() {
            fs::remove_file(&inside).unwrap();
        }
        symlink(&outside, &inside).unwrap();
        let fault = shop.check().unwrap_err();
        assert_eq!(fault.kind(), Kind::BadArtifact, "{fault}");
        assert!(fault.to_string().contains("symbolic link"), "{fault}");
        let _ = register(&shop.author(), &candidate(9), Repeat::Register);
        assert_eq!(fs::read(&outside).unwrap(), b"outside");
        assert!(inside.is_symlink());
    }
}

#[test]
fn the_times_are_not_written_through_a_link() {
    let shop = Shop::busy();
    let (inside, outside) = (
        shop.registry.root().join("models/pm25/times.jsonl"),
        shop.dir.path().join("outside"),
    );
    fs::write(&outside, "outside").unwrap();
    fs::remove_file(&inside).unwrap();
    symlink(&outside, &inside).unwrap();
    let outcome = shop.register(3);
    assert!(
        outcome.untimed.is_some(),
        "it is told, and the change took place"
    );
    assert_eq!(
        (outcome.version, fs::read(&outside).unwrap()),
        (3, b"outside".to_vec())
    );
    assert!(shop.registry.times(&shop.name).is_empty());
}

#[test]
fn a_pipe_or_a_folder_in_the_place_of_a_file_does_not_hang() {
    let shop = Shop::busy();
    let path = shop.entry(2);
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(shop.check().unwrap_err().kind(), Kind::BadArtifact);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(shop.check().unwrap_err().kind(), Kind::BadArtifact);
}

#[test]
fn what_a_killed_writer_leaves_is_counted_and_harms_nobody() {
    let shop = Shop::busy();
    fs::write(
        shop.registry
            .root()
            .join("models/pm25/log/.pm25-abc123.tmp"),
        "half an ent",
    )
    .unwrap();
    shop.registry
        .put_object(b"an object whose entry was never written")
        .unwrap();
    let shelf = shop.registry.object_path(candidate(1).objects().model);
    fs::write(shelf.with_file_name(".pm25-abc123.tmp"), "half an obj").unwrap();
    let verified = shop.check().unwrap();
    assert_eq!((verified.unnamed, verified.leftovers), (1, 2));
    assert_eq!(shop.register(3).version, 3);
}

#[test]
fn an_object_that_a_killed_writer_left_is_taken_over() {
    let shop = Shop::new();
    shop.registry.put_object(b"model 1").unwrap();
    assert_eq!(shop.register(1).version, 1);
    assert_eq!(shop.check().unwrap().unnamed, 0);
}

#[test]
fn strangers_in_the_folder_are_named_by_verify_and_ignored_by_list() {
    for stranger in [
        "models/../models/Evil",
        "models/pm25/notes.txt",
        "models/pm25/log/1.json",
        "objects/sha256/ab/cd",
    ] {
        let shop = Shop::busy();
        let path = shop.registry.root().join(stranger);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "hello").unwrap();
        assert_eq!(
            shop.check().unwrap_err().kind(),
            Kind::BadArtifact,
            "{stranger}"
        );
        assert_eq!(
            shop.registry.names().unwrap(),
            std::slice::from_ref(&shop.name)
        );
        shop.register(3);
    }
}

#[test]
fn a_file_in_the_place_of_the_registry_is_one_clean_fault() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("registry"), "a file").unwrap();
    let shop = Shop {
        registry: Registry::at(dir.path().join("registry")),
        name: "pm25".parse().unwrap(),
        dir,
    };
    for (what, fault) in faults(&shop) {
        assert_eq!(fault.expect(what).kind(), Kind::BadArtifact);
    }
    assert_eq!(fs::read(shop.registry.root()).unwrap(), b"a file");
}

/// Every file below a folder with its contents.
fn walk(folder: &std::path::Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}
