//! The registry's production version is served, and the next one as soon as it is sound.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use pm25_artifact::model::Model;
use pm25_artifact::registry::Stage;
use pm25_file::Output;
use pm25_serve::{Config, Limits, Service, Source, Style};

use super::http::{Client, get, post};
use super::kit::{CLASSIC, Site, classic};
use super::shelf::Writer;

const QUICK: Limits = Limits {
    poll: Duration::from_millis(20),
    poll_backoff_max: Duration::from_millis(50),
    ..Limits::USUAL
};

/// The classic model with another intercept.
fn another(intercept: f64) -> Model {
    let mut model = classic();
    model.linear.intercept = intercept;
    model
}

struct Shop {
    writer: Writer,
    site: Site,
    scratch: tempfile::TempDir,
}

impl Shop {
    fn open(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let mut writer = Writer::at(dir.path());
        writer.produce(another(1.0), scratch.path());
        let site = Site::start(dir, writer.source(Stage::Production), limits);
        Self {
            writer,
            site,
            scratch,
        }
    }

    fn produce(&mut self, intercept: f64) -> String {
        self.writer
            .produce(another(intercept), self.scratch.path())
            .1
            .to_string()
    }

    fn serves(&self) -> String {
        post(self.site.listen, "/predict", CLASSIC).json()["model_sha256"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn soon(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "{what} does not come"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_new_version_is_served_soon() {
    let mut shop = Shop::open(QUICK);
    assert_eq!(get(shop.site.listen, "/v1/model").json()["version"], 1);
    let hash = shop.produce(2.0);
    soon("version 2", || shop.serves() == hash);
    let model = get(shop.site.listen, "/v1/model").json();
    assert_eq!(
        (&model["version"], &model["sha256"]),
        (&2.into(), &hash.clone().into())
    );
    assert!(get(shop.site.listen, "/").text().contains(&hash));
    assert_eq!(shop.site.counted("pm25_model_reloads_total"), 1.0);
    let info =
        format!("pm25_model_info{{name=\"pm25\",version=\"2\",kind=\"linear\",sha256=\"{hash}\"}}");
    assert_eq!(shop.site.counted(&info), 1.0);
}

#[test]
fn a_look_can_be_had_at_once() {
    let mut shop = Shop::open(Limits {
        poll: Duration::from_secs(3600),
        ..QUICK
    });
    let hash = shop.produce(2.0);
    thread::sleep(Duration::from_millis(100));
    assert_ne!(shop.serves(), hash);
    shop.site.service().look_now();
    soon("version 2", || shop.serves() == hash);
}

/// Whatever is wrong with the next version, the old one answers, and it can be seen that it should not.
#[test]
fn a_bad_version_leaves_the_old_one_in_place() {
    let nan = |model: &mut Model| model.linear.intercept = 1e308;
    let mut overflowing = classic();
    nan(&mut overflowing);
    overflowing
        .linear
        .terms
        .iter_mut()
        .for_each(|term| (term.weight, term.missing) = (1e308, 1e308));
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("m");
    overflowing.write(&Output::Path(path.clone())).unwrap();
    let overflowing = std::fs::read(&path).unwrap();
    another(3.0).write(&Output::Path(path.clone())).unwrap();
    let mut flipped = std::fs::read(&path).unwrap();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (what, bytes) in [
        ("no model", b"{}".to_vec()),
        ("a flipped bit", flipped),
        ("no finite answer", overflowing),
    ] {
        let mut shop = Shop::open(QUICK);
        let before = shop.serves();
        shop.writer.produce_bytes(&bytes);
        soon(what, || {
            0.0 < shop.site.counted("pm25_model_reload_failures_total")
        });
        assert_eq!(shop.serves(), before, "{what}");
        let ready = get(shop.site.listen, "/readyz");
        assert_eq!(
            (ready.status, &ready.json()["reload"]),
            (200, &"failing".into())
        );
        assert_eq!(shop.site.counted("pm25_model_reloads_total"), 0.0);
        let good = shop.produce(4.0);
        soon("the next good one", || shop.serves() == good);
        assert_eq!(get(shop.site.listen, "/readyz").json()["reload"], "ok");
    }
}

/// A sound model in the place of the one that the log names.
#[test]
fn an_exchanged_object_is_refused() {
    let mut shop = Shop::open(Limits {
        poll: Duration::from_secs(3600),
        ..QUICK
    });
    let before = shop.serves();
    let (_, hash) = shop.writer.produce(another(5.0), shop.scratch.path());
    let object = shop.writer.registry.object_path(hash);
    std::fs::remove_file(&object).unwrap();
    another(9.0).write(&Output::Path(object)).unwrap();
    shop.site.service().look_now();
    soon("the refusal", || {
        0.0 < shop.site.counted("pm25_model_reload_failures_total")
    });
    assert_eq!(shop.serves(), before);
}

#[test]
fn a_log_that_was_cut_is_not_believed() {
    let mut shop = Shop::open(QUICK);
    let hash = shop.produce(2.0);
    soon("version 2", || shop.serves() == hash);
    shop.writer.cut(1);
    soon("the cut", || {
        0.0 < shop.site.counted("pm25_model_reload_failures_total")
    });
    assert_eq!(shop.serves(), hash);
}

/// Many ask while versions change: every answer is wholly of one version, and none fails.
#[test]
fn versions_change_under_load_without_a_seam() {
    const N_VERSIONS: u32 = 12;
    let mut shop = Shop::open(QUICK);
    let first = shop.serves();
    let address = shop.site.listen;
    let answers: Mutex<Vec<(String, u64)>> = Mutex::default();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut hashes = vec![first];
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Client::to(address);
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let answer = client.ask("POST", "/predict", CLASSIC.as_bytes());
                    assert_eq!(answer.status, 200);
                    let json = answer.json();
                    let value = json["PM25_prediction"].as_f64().unwrap().to_bits();
                    let hash = json["model_sha256"].as_str().unwrap().to_owned();
                    answers.lock().unwrap().push((hash, value));
                }
            });
        }
        for version in 2..=N_VERSIONS {
            let hash = shop.produce(f64::from(version));
            soon("the version", || shop.serves() == hash);
            hashes.push(hash);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let answers = answers.into_inner().unwrap();
    let mut values = std::collections::BTreeMap::new();
    for (hash, value) in &answers {
        assert_eq!(
            values.entry(hash).or_insert(value),
            &value,
            "two answers of one version"
        );
        assert!(hashes.contains(hash));
    }
    let distinct: std::collections::BTreeSet<_> = values.values().collect();
    assert_eq!(distinct.len(), values.len());
    assert_eq!(
        shop.site.counted("pm25_model_reloads_total"),
        f64::from(N_VERSIONS - 1)
    );
}

#[test]
fn there_is_no_service_without_a_sound_model() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::at(dir.path());
    let free = "127.0.0.1:0".parse().unwrap();
    let start = |source: Source| {
        let config = Config {
            listen: free,
            admin: free,
            allow_hosts: Vec::new(),
            source,
            state: None,
            n_threads: 1,
            limits: Limits::USUAL,
            style: Style::Quiet,
        };
        Service::start(config).map(|_| ()).unwrap_err().to_string()
    };
    assert!(start(writer.source(Stage::Production)).contains("registry"));
    let mut writer = writer;
    writer.produce(another(1.0), dir.path());
    assert!(start(writer.source(Stage::Staging)).contains("no version of `pm25` is in staging"));
}
