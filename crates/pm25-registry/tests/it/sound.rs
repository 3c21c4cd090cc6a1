//! `verify`, and a folder that cannot be trusted or written.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::papers::{GOOD, Story};
use super::shop::{Ran, Shop, checkout, register_words, walk};

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn verify_names_the_file_whose_bit_was_flipped() {
    let shop = Shop::busy();
    let said = shop.run("verify --read-data").ok().stdout;
    assert!(
        said.starts_with("pm25: versions 1, head 3:") && said.contains("objects: 3,"),
        "{said}"
    );
    for (path, good) in walk(&shop.path("registry")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let path = shop.path("registry").join(path);
        let bit = good.len() * 4 + 1;
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        overwrite(&path, &bad);
        if name == "times.jsonl" {
            shop.run("verify --read-data").ok();
            shop.run("list").ok();
        } else {
            shop.run("verify --read-data").fails(4, &name);
        }
        overwrite(&path, &good);
    }
    shop.run("verify --read-data").ok();
}

#[test]
fn a_head_that_was_noted_shows_a_cut_tail() {
    let shop = Shop::busy();
    let head = &shop.json("verify")["logs"][0]["head"];
    let noted = format!("{}:{}", head["number"], head["sha256"].as_str().unwrap());
    shop.run(&format!("verify --head {noted}")).ok();
    fs::remove_file(shop.entry(3)).unwrap();
    shop.run("verify --read-data").ok();
    shop.run(&format!("verify --head {noted}"))
        .fails(4, "does not hold the entry");
    shop.run(&format!("verify --name pm25 --head {noted}"))
        .fails(4, "does not hold the entry");
    shop.run("promote --version 1 --to production").ok();
    shop.run(&format!("verify --head {noted}")).ok();
    shop.run("verify --head 3").fails(2, "NUMBER:HASH");
}

#[test]
fn damage_stops_who_would_use_it() {
    let shop = Shop::busy();
    shop.register(Story { model: 2, ..GOOD }).ok();
    shop.raise(2);
    let object = shop.json("show --version 1")["objects"]["model"]["path"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut bytes = fs::read(shop.path(&object)).unwrap();
    bytes[100] ^= 1;
    overwrite(&shop.path(&object), &bytes);
    shop.run("show --version 1").fails(4, "damaged");
    shop.run("rollback").fails(4, "damaged");
    shop.run("promote --version 1 --to staging")
        .fails(4, "damaged");
    shop.run("show").ok();
    fs::remove_file(shop.path(&object)).unwrap();
    shop.run("verify").fails(4, "missing");
}

#[test]
fn links_inside_the_registry_are_not_followed() {
    for inside in [
        "registry/models/pm25/log",
        "registry/models/pm25",
        "registry/objects",
    ] {
        let shop = Shop::busy();
        let outside = shop.path("outside");
        fs::rename(shop.path(inside), &outside).unwrap();
        symlink(&outside, shop.path(inside)).unwrap();
        let before = walk(&outside);
        shop.register(Story { model: 2, ..GOOD })
            .fails(4, "symbolic link");
        shop.run("verify").fails(4, "symbolic link");
        assert_eq!(walk(&outside), before, "{inside}");
    }
}

#[test]
fn the_registry_itself_may_stand_behind_a_link() {
    let shop = Shop::busy();
    fs::rename(shop.path("registry"), shop.path("elsewhere")).unwrap();
    symlink(shop.path("elsewhere"), shop.path("registry")).unwrap();
    shop.run("verify --read-data").ok();
    shop.register(Story { model: 2, ..GOOD }).ok();
}

#[test]
fn a_folder_that_cannot_be_written_gives_one_clean_error() {
    let shop = Shop::busy();
    shop.papers(Story { model: 2, ..GOOD });
    let before = walk(&shop.path("registry"));
    for (folder, mode) in folders(&shop.path("registry")) {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode & 0o555)).unwrap();
    }
    fs::set_permissions(shop.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = shop.command(&register_words(2));
    if is_root(&shop) {
        // Modes do not stop root; nobody is stopped.
        command.uid(65534).gid(65534);
    }
    let ran = Ran::of(command.output().unwrap());
    for (folder, mode) in folders(&shop.path("registry")) {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode | 0o700)).unwrap();
    }
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("error:").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("Permission denied"), "{}", ran.stderr);
    assert_eq!(walk(&shop.path("registry")), before);
}

fn folders(root: &Path) -> Vec<(std::path::PathBuf, u32)> {
    let mut found = vec![root.to_owned()];
    for (path, _) in walk(root) {
        found.extend(path.ancestors().skip(1).map(|folder| root.join(folder)));
    }
    found.sort();
    found.dedup();
    found
        .into_iter()
        .map(|folder| {
            let mode = fs::metadata(&folder).unwrap().permissions().mode();
            (folder, mode)
        })
        .collect()
}

fn is_root(shop: &Shop) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(shop.dir.path()).unwrap().uid() == 0
}

#[test]
fn what_the_readme_says_to_do_by_hand_works() {
    let shop = Shop::busy();
    let sh = |folder: &str, script: &str| {
        let output = Command::new("sh")
            .arg("-c")
            .arg(script)
            .current_dir(shop.path(folder))
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let readme = fs::read_to_string(checkout().join("registry/README.md")).unwrap();
    let by_hand = "for f in */*; do echo \"${f#*/}  $f\"; done | sha256sum --check --quiet";
    assert!(readme.contains(by_hand));
    assert_eq!(
        sh("registry/objects/sha256", by_hand),
        (true, String::new())
    );
    let (_, hash) = sh("registry/models/pm25/log", "sha256sum 00000001.json");
    let (_, line) = sh(
        "registry/models/pm25/log",
        "grep '\"previous\"' 00000002.json",
    );
    assert!(readme.contains("sha256sum 00000001.json; grep '\"previous\"' 00000002.json"));
    assert!(line.contains(&hash[..64]));
}
