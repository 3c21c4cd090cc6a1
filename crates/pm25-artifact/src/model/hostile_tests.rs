//! Model files that somebody else wrote: old ones are read, damaged and hostile ones refused, and quickly.

use std::time::{Duration, Instant};

use pm25_file::{Kind, Place, Seal, encode_document, fill_seal};
use pm25_learn::tree::{CategorySet, LEAF, Tree};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Written by the first build that wrote models.
const FIRST_FORM: &[u8] = include_bytes!("../../tests/models/first-form.json");
/// How long a file may take before it is refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

const ROWS: [[f32; 6]; 4] = [
    [80.5, 40.25, 1.5, 8.0, 2.0, 1.0],
    [f32::NAN; 6],
    [20.0, f32::NAN, 0.4, 23.0, 6.0, 7.0],
    [300.0, 10.0, 3.5, 0.0, 0.0, 12.0],
];

fn predictions(model: &Model) -> Vec<f64> {
    let trees = model.trees.as_ref().unwrap();
    ROWS.iter().map(|row| trees.predict_row(row)).collect()
}

fn present_form() -> Vec<u8> {
    let mut model = Model::decode("first-form.json", FIRST_FORM).unwrap();
    let tree = Tree {
        feature: vec![5, LEAF, LEAF],
        threshold: vec![0.0; 3],
        missing_left: vec![true, false, false],
        left: vec![1, 0, 0],
        value: vec![0.0, 1.0, -1.0],
        cover: vec![3.0, 2.0, 1.0],
        sets: vec![CategorySet {
            node: 0,
            left: [6, 0, 0, 0],
        }],
    };
    model.trees.as_mut().unwrap().trees.push(tree);
    encode_document(&mut ModelFile::from(model)).unwrap()
}

#[test]
fn a_model_of_the_first_form_still_predicts_the_same() {
    let model = Model::decode("first-form.json", FIRST_FORM).unwrap();
    // Computed from the file by other means (numpy).
    let expected = [
        73.91877149581983,
        71.84286084562613,
        62.44039407163932,
        104.89849987417533,
    ];
    assert_eq!(predictions(&model), expected);
    let rewritten = encode_document(&mut ModelFile::from(model)).unwrap();
    assert!(String::from_utf8_lossy(&rewritten).contains("level-order"));
    let again = Model::decode("again.json", &rewritten).unwrap();
    assert_eq!(predictions(&again), expected);
    assert_eq!(
        encode_document(&mut ModelFile::from(again)).unwrap(),
        rewritten
    );
}

/// Decodes; what is accepted must also be usable. The time it took.
fn try_out(bytes: &[u8]) -> Duration {
    let start = Instant::now();
    match Horizons::decode("hostile.json", bytes) {
        Ok(models) => models.members().iter().for_each(use_it),
        Err(fault) => assert_eq!(fault.kind(), Kind::BadArtifact, "{fault}"),
    }
    start.elapsed()
}

fn use_it(model: &Model) {
    if model.blend.is_some() && model.inputs.len() <= ROWS[0].len() {
        let _ = model.predict(&Rows {
            station: None,
            time_s: None,
            persistence_ug_m3: None,
            features: ROWS[0][..model.inputs.len()]
                .iter()
                .map(std::slice::from_ref)
                .collect(),
            n_rows: 1,
        });
    }
    if let Some(trees) = model
        .trees
        .as_ref()
        .filter(|_| model.inputs.len() <= ROWS[0].len())
    {
        for row in ROWS {
            let _ = trees.predict_row(&row);
        }
    }
}

/// The shortest of a few tries: on a busy machine any one may have had to wait.
fn time_needed(bytes: &[u8]) -> Duration {
    let mut shortest = try_out(bytes);
    for _ in 0..4 {
        if REFUSED_WITHIN <= shortest {
            shortest = shortest.min(try_out(bytes));
        }
    }
    shortest
}

/// Puts a seal on whatever this is: an attacker can.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mark = b"\"pm25-seal:";
    let at = bytes.windows(mark.len()).position(|window| window == mark);
    if let Some(digits) = at.and_then(|at| bytes.get_mut(at + mark.len()..at + mark.len() + 64)) {
        digits.fill(b'0');
        let _ = fill_seal(&mut bytes, Place::First);
    }
    bytes
}

/// One change to a file.
#[derive(Clone, Debug)]
enum Change {
    /// A byte is replaced.
    Byte(usize, u8),
    /// Bytes are taken out.
    Cut(usize, usize),
    /// Bytes are there twice.
    Repeat(usize, usize),
    /// A value of the document, counted through, is replaced.
    Value(usize, usize),
    /// A byte of a packed array, counted through, is replaced before it is packed again.
    Packed(usize, usize, u8),
}

fn a_change() -> impl Strategy<Value = Change> {
    let n = any::<usize>();
    prop_oneof![
        (n, any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (n, 0..200_usize).prop_map(|(at, n)| Change::Cut(at, n)),
        (n, 0..200_usize).prop_map(|(at, n)| Change::Repeat(at, n)),
        (n, n).prop_map(|(at, with)| Change::Value(at, with)),
        (n, n, any::<u8>()).prop_map(|(array, at, byte)| Change::Packed(array, at, byte)),
    ]
}

fn changed(mut bytes: Vec<u8>, change: &Change) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let place = |at: usize| at % bytes.len();
    match *change {
        Change::Byte(at, byte) => {
            let at = place(at);
            bytes[at] = byte;
        }
        Change::Cut(at, n) => {
            let at = place(at);
            bytes.drain(at..bytes.len().min(at + n));
        }
        Change::Repeat(at, n) => {
            let at = place(at);
            let again = bytes[at..bytes.len().min(at + n)].to_vec();
            bytes.splice(at..at, again);
        }
        Change::Value(at, with) => {
            change_document(&mut bytes, |document| replace_value(document, at, with))
        }
        Change::Packed(array, at, byte) => {
            change_document(&mut bytes, |document| {
                change_packed(document, array, at, byte)
            });
        }
    }
    bytes
}

fn change_document(bytes: &mut Vec<u8>, change: impl FnOnce(&mut Value)) {
    if let Ok(mut document) = serde_json::from_slice(bytes) {
        change(&mut document);
        *bytes = serde_json::to_vec(&document).unwrap();
    }
}

/// All values of a document that hold no other.
fn values(document: &mut Value) -> Vec<&mut Value> {
    match document {
        Value::Array(items) => items.iter_mut().flat_map(values).collect(),
        Value::Object(fields) => fields.values_mut().flat_map(values).collect(),
        value => vec![value],
    }
}

/// Where the trees of a file are, of several horizons those of the first; the whole document where there are none.
fn trees(document: &Value) -> &'static str {
    let places = ["/trees", "/members/0/model/trees"];
    let is_there = |place: &&str| document.pointer(place).is_some_and(Value::is_object);
    places.into_iter().find(is_there).unwrap_or("")
}

fn replace_value(document: &mut Value, at: usize, with: usize) {
    let odd = [
        Value::Null,
        (-1).into(),
        0.into(),
        u64::MAX.into(),
        u32::MAX.into(),
        1e308.into(),
        "".into(),
        "\u{0}".into(),
        Value::Array(vec![1.into(); 3]),
    ];
    // Trees are few among the values, and where most can go wrong.
    let pointer = if at.is_multiple_of(2) {
        trees(document)
    } else {
        ""
    };
    let Some(part) = document.pointer_mut(pointer) else {
        return;
    };
    let mut values = values(part);
    let n = values.len().max(1);
    if let Some(value) = values.get_mut(at / 2 % n) {
        **value = odd[with % odd.len()].clone();
    }
}

fn change_packed(document: &mut Value, array: usize, at: usize, byte: u8) {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use std::io::{Read, Write};

    let is_array = |value: &&mut Value| value.as_str().is_some_and(|text| 4 < text.len());
    let Some(trees) = document.pointer_mut(trees(document)) else {
        return;
    };
    let mut arrays: Vec<&mut Value> = values(trees).into_iter().filter(is_array).collect();
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

/// Which good file, and what happens to it.
fn changes() -> impl Strategy<Value = (usize, Vec<Change>)> {
    (0..4_usize, proptest::collection::vec(a_change(), 1..4))
}

/// Files that are read: of the first form, of the present, of several horizons, and of such that share trees.
fn good() -> [Vec<u8>; 4] {
    let shared = super::horizons_tests::together();
    [
        FIRST_FORM.to_vec(),
        present_form(),
        several(),
        written(shared),
    ]
}

fn several() -> Vec<u8> {
    let member = |horizon_h: u16| {
        let mut model = Model::decode("first-form.json", FIRST_FORM).unwrap();
        model.task = TaskFact::Forecast { horizon_h };
        model
    };
    written(Horizons::of(vec![member(1), member(6)]).unwrap())
}

fn written(several: Horizons) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    several.write(&Output::Path(path.clone())).unwrap();
    std::fs::read(path).unwrap()
}

fn hostile((which, changes): &(usize, Vec<Change>), good: &[Vec<u8>; 4]) -> Vec<u8> {
    let good = &good[*which];
    sealed(changes.iter().fold(good.clone(), changed))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn changed_files_are_refused_or_usable_and_never_take_long(case in changes()) {
        let bytes = hostile(&case, &good());
        prop_assert!(time_needed(&bytes) < REFUSED_WITHIN);
    }
}

/// As above for `PM25_FUZZ_SECONDS` (60 if that is not said), with new cases every time.
#[test]
#[ignore = "runs as long as it is told to"]
fn changed_files_for_long() {
    use proptest::strategy::ValueTree;
    let seconds = std::env::var("PM25_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(60));
    let mut runner = proptest::test_runner::TestRunner::default();
    let good = good();
    let (mut n_cases, mut n_accepted, mut longest) = (0_u64, 0_u64, Duration::ZERO);
    while Instant::now() < until {
        let case = changes().new_tree(&mut runner).unwrap().current();
        let bytes = hostile(&case, &good);
        longest = longest.max(time_needed(&bytes));
        n_accepted += u64::from(Horizons::decode("hostile.json", &bytes).is_ok());
        n_cases += 1;
    }
    println!("{n_cases} files, {n_accepted} of them accepted, the longest took {longest:?}");
}

#[test]
fn a_file_that_is_only_deep_or_long_is_refused_at_once() {
    let seal = Seal::OPEN;
    let start = format!(
        "{{\"pm25\":{{\"seal\":{},\"x\":",
        serde_json::to_string(&seal).unwrap()
    );
    for body in [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(500_000),
        format!("{}{}", "[".repeat(200_000), "]".repeat(200_000)),
        "1".repeat(1_000_000),
        format!("\"{}\"", "\\u0000".repeat(300_000)),
    ] {
        let bytes = sealed(format!("{start}{body}").into_bytes());
        assert!(Model::decode("deep.json", &bytes).is_err());
        assert!(time_needed(&bytes) < REFUSED_WITHIN);
    }
}
