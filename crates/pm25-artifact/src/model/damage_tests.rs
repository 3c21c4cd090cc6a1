//! A search for model files that do harm: good files of every form are damaged, and what is left of them is refused soon
//! or can be used.
//!
//! Not the faults that were thought of: those are refused by name in `hostile_tests`.
//!
//! Half of all changes are made in the text, half in the document: there a way is followed from the top, and each part
//! is as likely as the one beside it, however much it holds. A packed array is unpacked, changed and packed again.

use std::time::{Duration, Instant};

use pm25_file::{Kind, Place, encode_document, fill_seal};
use proptest::prelude::*;
use serde_json::Value;

use super::hostile_tests::{present_form, with_heads};
use super::online::{KnownHour, Stamp};
use super::*;
use crate::state::StateFile;

/// How long a file may take before it is refused.
pub(super) const REFUSED_WITHIN: Duration = Duration::from_secs(1);

const FIRST_FORM: &[u8] = include_bytes!("../../tests/models/first-form.json");
const ROWS: [[f32; 6]; 4] = [
    [80.5, 40.25, 1.5, 8.0, 2.0, 1.0],
    [f32::NAN; 6],
    [20.0, f32::NAN, 0.4, 23.0, 6.0, 7.0],
    [300.0, 10.0, 3.5, 0.0, 0.0, 12.0],
];

/// Decodes; what is accepted must also be usable. The time it took.
fn try_out(bytes: &[u8]) -> Duration {
    let start = Instant::now();
    match Horizons::decode("hostile.json", bytes) {
        Ok(models) => models.members().iter().for_each(use_it),
        Err(fault) => assert_eq!(fault.kind(), Kind::BadArtifact, "{fault}"),
    }
    start.elapsed()
}

/// All that a program may ask of a model, of rows of its first station and of a stranger.
fn use_it(model: &Model) {
    if ROWS[0].len() < model.inputs.len() {
        return;
    }
    let columns: Vec<[f32; 4]> = (0..model.inputs.len())
        .map(|at| ROWS.map(|row| row[at]))
        .collect();
    let known = model.stations.first().map(|station| station.name.clone());
    let words = ["nobody".to_owned(), known.unwrap_or_default()];
    let rows = Rows {
        station: Some((&words, &[0, 1, 1, 0])),
        time_s: Some(&[0, -3600, 1 << 40, i64::from(u32::MAX)]),
        persistence_ug_m3: Some(&[12.5, f32::NAN, 0.0, 900.0]),
        features: columns.iter().map(<[f32; 4]>::as_slice).collect(),
        n_rows: ROWS.len(),
    };
    let predictions = model.predict(&rows);
    assert_eq!(predictions.len(), ROWS.len());
    let said = model.said(&rows, &predictions);
    model.pack();
    let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&model.predict(&rows)), bits(&predictions));
    let _ = model.is_alone(&rows);
    if let Some(intervals) = &model.intervals {
        assert_eq!(intervals.around(&said).len(), ROWS.len());
        for said in said {
            let _ = intervals.exceedance(said, 75.0);
            let _ = intervals.shares(said, &[15.0, 150.0]);
        }
    }
    for line in &model.warning_lines {
        let lines = line.costs.iter().map(|costs| line_at(&costs.model, 0.5));
        assert!(lines.count() <= 1);
    }
    if let Some(trees) = &model.trees {
        let full = ROWS.iter().map(|row| &row[..model.inputs.len()]);
        let alone = full.map(|row| trees.predict_row(row).to_bits());
        assert!(alone.eq(predictions.iter().map(|said| said.to_bits())));
    }
    let again = encode_document(&mut ModelFile::from(model.clone())).unwrap();
    assert!(Horizons::decode("again.json", &again).is_ok());
}

/// The shortest of a few tries: on a busy machine any one may have had to wait.
pub(super) fn time_needed(bytes: &[u8]) -> Duration {
    let mut shortest = try_out(bytes);
    for _ in 0..4 {
        if REFUSED_WITHIN <= shortest {
            shortest = shortest.min(try_out(bytes));
        }
    }
    shortest
}

/// Puts a seal on whatever this is: an attacker can.
pub(super) fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mark = b"\"pm25-seal:";
    let at = bytes.windows(mark.len()).position(|window| window == mark);
    if let Some(digits) = at.and_then(|at| bytes.get_mut(at + mark.len()..at + mark.len() + 64)) {
        digits.fill(b'0');
        let _ = fill_seal(&mut bytes, Place::First);
    }
    bytes
}

/// One change to a file. A way says which item to take at each step down.
#[derive(Clone, Debug)]
enum Change {
    /// A byte is replaced.
    Byte(usize, u8),
    /// Bytes are taken out.
    Cut(usize, usize),
    /// Bytes are there twice.
    Repeat(usize, usize),
    /// A value of the document is replaced.
    Value(Vec<usize>, usize),
    /// A field or an item of the document is taken out.
    Drop(Vec<usize>),
    /// A part of the document is put in place of another.
    Copy(Vec<usize>, Vec<usize>),
    /// A byte of a packed array, counted through, is replaced before it is packed again.
    Packed(usize, usize, u8),
}

fn a_change() -> impl Strategy<Value = Change> {
    let n = any::<usize>();
    let way = || proptest::collection::vec(any::<usize>(), 1..9);
    prop_oneof![
        (n, any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (n, 0..200_usize).prop_map(|(at, n)| Change::Cut(at, n)),
        (n, 0..200_usize).prop_map(|(at, n)| Change::Repeat(at, n)),
        (way(), n).prop_map(|(way, with)| Change::Value(way, with)),
        way().prop_map(Change::Drop),
        (way(), way()).prop_map(|(from, to)| Change::Copy(from, to)),
        (n, n, any::<u8>()).prop_map(|(array, at, byte)| Change::Packed(array, at, byte)),
    ]
}

fn changed(mut bytes: Vec<u8>, change: &Change) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let n_bytes = bytes.len();
    let place = |at: &usize| at % n_bytes;
    match change {
        Change::Byte(at, byte) => bytes[place(at)] = *byte,
        Change::Cut(at, n) => drop(bytes.drain(place(at)..n_bytes.min(place(at) + n))),
        Change::Repeat(at, n) => {
            let again = bytes[place(at)..n_bytes.min(place(at) + n)].to_vec();
            bytes.splice(place(at)..place(at), again);
        }
        Change::Value(way, with) => change_document(&mut bytes, |document| {
            *part(document, way) = odd(*with);
        }),
        Change::Drop(way) => change_document(&mut bytes, |document| lose(document, way)),
        Change::Copy(from, to) => change_document(&mut bytes, |document| {
            let piece = part(document, from).clone();
            *part(document, to) = piece;
        }),
        Change::Packed(array, at, byte) => change_document(&mut bytes, |document| {
            change_packed(document, *array, *at, *byte);
        }),
    }
    bytes
}

pub(super) fn change_document(bytes: &mut Vec<u8>, change: impl FnOnce(&mut Value)) {
    if let Ok(mut document) = serde_json::from_slice(bytes) {
        change(&mut document);
        *bytes = serde_json::to_vec(&document).unwrap();
    }
}

/// The items of an array or the fields of an object, in order; none of what holds no other.
fn items(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    }
}

/// Where a way ends: after its last step, or at what holds no other.
fn part<'a>(document: &'a mut Value, way: &[usize]) -> &'a mut Value {
    match way {
        [step, rest @ ..] if !items(document).is_empty() => {
            let mut all = items(document);
            let at = step % all.len();
            part(all.swap_remove(at), rest)
        }
        _ => document,
    }
}

fn lose(document: &mut Value, way: &[usize]) {
    let (last, before) = way.split_last().expect("a way has a step");
    match part(document, before) {
        Value::Array(items) if !items.is_empty() => drop(items.remove(last % items.len())),
        Value::Object(fields) if !fields.is_empty() => {
            let key = fields.keys().nth(last % fields.len()).cloned();
            fields.remove(&key.unwrap_or_default());
        }
        _ => (),
    }
}

fn odd(which: usize) -> Value {
    let odd = [
        Value::Null,
        (-1).into(),
        0.into(),
        1.into(),
        u64::MAX.into(),
        u32::MAX.into(),
        1e308.into(),
        (-1e308).into(),
        1e-308.into(),
        "".into(),
        "\u{0}".into(),
        "boost".into(),
        Value::Array(vec![1.into(); 3]),
        Value::Array(vec![]),
        Value::Object(serde_json::Map::new()),
    ];
    odd[which % odd.len()].clone()
}

/// The packed arrays of all trees, wherever they are.
fn packed_arrays(value: &mut Value) -> Vec<&mut Value> {
    let is_trees = value.get("packing").is_some();
    let is_array = move |value: &&mut Value| {
        let text = value.as_str();
        is_trees && text.is_some_and(|text| 4 < text.len())
    };
    let holds_more = |value: &Value| value.is_object() || value.is_array();
    let (more, texts): (Vec<_>, Vec<_>) = items(value)
        .into_iter()
        .partition(|value| holds_more(value));
    let mut found: Vec<&mut Value> = texts.into_iter().filter(is_array).collect();
    found.extend(more.into_iter().flat_map(packed_arrays));
    found
}

fn change_packed(document: &mut Value, array: usize, at: usize, byte: u8) {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use std::io::{Read, Write};

    let mut arrays = packed_arrays(document);
    let n = arrays.len().max(1);
    let Some(text) = arrays.get_mut(array % n) else {
        return;
    };
    let Ok(packed) = STANDARD.decode(text.as_str().unwrap_or_default()) else {
        return;
    };
    let mut plain = Vec::new();
    let inflated = flate2::read::DeflateDecoder::new(&packed[..])
        .take(1 << 20)
        .read_to_end(&mut plain);
    let is_deflated = inflated.is_ok() && !plain.is_empty();
    let mut bytes = if is_deflated { plain } else { packed };
    if bytes.is_empty() {
        return;
    }
    let at = at % bytes.len();
    bytes[at] = byte;
    if is_deflated {
        let mut deflate =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        deflate.write_all(&bytes).unwrap();
        bytes = deflate.finish().unwrap();
    }
    **text = STANDARD.encode(bytes).into();
}

/// How many good files there are.
const N_GOOD: usize = 8;

/// Which good file, and what happens to it.
fn changes() -> impl Strategy<Value = (usize, Vec<Change>)> {
    (0..N_GOOD, proptest::collection::vec(a_change(), 1..4))
}

/// Files that are read. Together they have every part that a file may have.
fn good() -> [Vec<u8>; N_GOOD] {
    let shared = super::horizons_tests::together();
    [
        FIRST_FORM.to_vec(),
        present_form(),
        several(),
        written(shared),
        with_heads(),
        forest(),
        with_spread(),
        with_everything(),
    ]
}

fn first_form() -> Model {
    Model::decode("first-form.json", FIRST_FORM).unwrap()
}

fn several() -> Vec<u8> {
    let member = |horizon_h: u16| {
        let mut model = first_form();
        model.task = TaskFact::Forecast { horizon_h };
        model
    };
    written(Horizons::of(vec![member(1), member(6)]).unwrap())
}

/// Mean of its trees, with a link.
fn forest() -> Vec<u8> {
    let mut model = first_form();
    model.kind = ModelKind::Forest;
    let trees = model.trees.as_mut().unwrap();
    trees.link = pm25_learn::tree::Link::Sqrt { spread: 2.0 };
    (trees.base, trees.scale) = (0.0, 1.0 / trees.trees.len() as f64);
    encode_document(&mut ModelFile::from(model)).unwrap()
}

fn intervals(measure: Measure) -> Intervals {
    let level = |below_ug_m3, upper| IntervalLevel {
        below_ug_m3,
        lower: -1.1,
        upper,
        errors: vec![-1.0, 0.5],
    };
    Intervals {
        coverage: 0.9,
        rows: 100,
        measure,
        levels: vec![level(Some(5.0), 1.2), level(None, 2.2)],
    }
}

/// How intervals went for two hours.
fn remembered() -> OnlineState {
    let hour = |issued_h: i64| KnownHour {
        issued: Stamp(3600 * issued_h),
        scores: vec![-20, 7, 500],
    };
    OnlineState {
        known_until: Stamp(3600 * 20),
        issued_until: Stamp(3600 * 12),
        window_h: 720,
        prior_h: 240,
        prior: vec![-40, 300, 990],
        hours: vec![hour(11), hour(12)],
    }
}

fn warning_line() -> WarningLine {
    let pairs = [(200.0, 160.0), (10.0, 120.0), (180.0, 90.0), (20.0, 30.0)];
    WarningLine {
        threshold_ug_m3: 150.0,
        line_ug_m3: 120.0,
        linear_line_ug_m3: 130.0,
        persistence_line_ug_m3: 150.0,
        csi: 0.3,
        events: 2,
        rows: 4,
        costs: WarningCosts::of([&pairs, &pairs, &pairs], 150.0),
    }
}

/// A booster that expects its own error: trees of one column more than the model has.
fn with_spread() -> Vec<u8> {
    let mut model = first_form();
    let mut trees = model.trees.clone().unwrap();
    trees.trees[0].feature[0] = ROWS[0].len() as u16;
    model.spread = Some(Expected::Error(trees));
    model.intervals = Some(intervals(Measure::Spread));
    model.online = Some(remembered());
    encode_document(&mut ModelFile::from(model)).unwrap()
}

/// Several horizons of blends with heads, a memory, and lines for each cost.
fn with_everything() -> Vec<u8> {
    let trees = first_form().trees.unwrap();
    let member = |model: &Model| {
        let mut model = model.clone();
        let blend = model.blend.as_mut().unwrap();
        blend.parts[0].weight = 0.125;
        blend.parts.push(Part {
            name: "boost".to_owned(),
            weight: 0.125,
            reference_share: 0.5,
            model: PartModel::Trees(trees.clone()),
        });
        model.spread = Some(Expected::Heads(Heads {
            base: HeadsBase::Linear,
            ends: [trees.clone(), trees.clone()],
        }));
        model.intervals = Some(intervals(Measure::Heads));
        model.online = Some(remembered());
        model.warning_lines = vec![warning_line()];
        model
    };
    let members = super::horizons_tests::together();
    let members = members.members().iter().map(member);
    written(Horizons::of(members.collect()).unwrap())
}

fn written(several: Horizons) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    several.write(&Output::Path(path.clone())).unwrap();
    std::fs::read(path).unwrap()
}

fn hostile((which, changes): &(usize, Vec<Change>), good: &[Vec<u8>]) -> Vec<u8> {
    let good = &good[*which];
    sealed(changes.iter().fold(good.clone(), changed))
}

#[test]
fn the_files_that_are_damaged_are_good_and_have_every_part() {
    let mut text = String::new();
    for bytes in good() {
        for model in Horizons::decode("good.json", &bytes).unwrap().members() {
            use_it(model);
        }
        text += std::str::from_utf8(&bytes).unwrap();
    }
    let parts = [
        "heads",
        "spread",
        "online",
        "together",
        "own",
        "shared",
        "blend",
        "members",
        "costs",
        "link",
        "sets",
        "profile",
        "intervals",
        "level-order",
        "deflate+base64",
    ];
    for part in parts {
        assert!(text.contains(&format!("\"{part}\"")), "{part}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn changed_files_are_refused_or_usable_and_never_take_long(case in changes()) {
        static GOOD: std::sync::OnceLock<[Vec<u8>; N_GOOD]> = std::sync::OnceLock::new();
        let bytes = hostile(&case, GOOD.get_or_init(good));
        prop_assert!(time_needed(&bytes) < REFUSED_WITHIN);
    }
}

/// As above for `PM25_FUZZ_SECONDS` (60 if that is not said), with new cases every time.
#[test]
#[ignore = "runs as long as it is told to"]
fn changed_files_for_long() {
    let is_read = |bytes: &[u8]| Horizons::decode("hostile.json", bytes).is_ok();
    for_long(&good(), |bytes| (time_needed(bytes), is_read(bytes)));
}

/// The same with state files.
#[test]
#[ignore = "runs as long as it is told to"]
fn changed_states_for_long() {
    for_long(&[state()], try_state);
}

#[test]
fn changed_states_are_refused_or_usable() {
    assert!(try_state(&state()).1);
    let runner = &mut proptest::test_runner::TestRunner::deterministic();
    for _ in 0..400 {
        let (_, changes) = a_case(runner);
        try_state(&hostile(&(0, changes), &[state()]));
    }
}

const OF_MODEL: (Sha256, TaskFact) = (Sha256::ZERO, TaskFact::Forecast { horizon_h: 6 });

fn state() -> Vec<u8> {
    let mut file = StateFile {
        pm25: Header::new(&pm25_file::program!()),
        model: OF_MODEL.0,
        task: OF_MODEL.1,
        state: remembered(),
    };
    encode_document(&mut file).unwrap()
}

/// How long it took, and whether the state was accepted.
fn try_state(bytes: &[u8]) -> (Duration, bool) {
    let start = Instant::now();
    let found = StateFile::decode("hostile.json", bytes, OF_MODEL);
    match &found {
        Ok(file) => {
            let intervals = intervals(Measure::UgM3);
            let walk = online::Walk::from(&file.state, (&intervals, OF_MODEL.1.into()), vec![]);
            let _ = walk.state();
            let _ = online::Ageing::of(&file.state, &intervals, OF_MODEL.1.into());
        }
        Err(fault) => assert_eq!(fault.kind(), Kind::BadArtifact, "{fault}"),
    }
    (start.elapsed(), found.is_ok())
}

fn a_case(runner: &mut proptest::test_runner::TestRunner) -> (usize, Vec<Change>) {
    use proptest::strategy::ValueTree;
    changes().new_tree(runner).unwrap().current()
}

fn for_long(good: &[Vec<u8>], try_out: impl Fn(&[u8]) -> (Duration, bool)) {
    let seconds = std::env::var("PM25_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(60));
    let mut runner = proptest::test_runner::TestRunner::default();
    let (mut n_cases, mut n_accepted, mut longest) = (0_u64, 0_u64, Duration::ZERO);
    while Instant::now() < until {
        let (which, changes) = a_case(&mut runner);
        let case = (which % good.len(), changes);
        let (needed, is_read) = try_out(&hostile(&case, good));
        longest = longest.max(needed);
        assert!(longest < REFUSED_WITHIN, "{case:?}");
        n_accepted += u64::from(is_read);
        n_cases += 1;
    }
    println!("{n_cases} files, {n_accepted} of them accepted, the longest took {longest:?}");
}
