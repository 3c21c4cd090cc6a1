//! There and back to the bit, and what is refused by name.

mod hostile;

use pm25_file::{Header, Kind, Program};
use pm25_learn::tree::{CategorySet, Ensemble, LEAF, Link, Tree};
use pm25_learn::{Linear, Term};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::Climatology;
use crate::prep::{FeatureFact, TaskFact};

const PROGRAM: Program = pm25_file::program!();
const COLUMNS: [&str; 3] = ["pm10_ug_m3", "station_code", "rain_mm"];

fn model(trees: Ensemble) -> Model {
    let fact = |column: &str| FeatureFact {
        column: column.to_owned(),
        expression: column.to_owned(),
        unit: "unknown".to_owned(),
    };
    let term = Term {
        mean: 0.0,
        weight: 0.0,
        present: 0.0,
        missing: 0.0,
    };
    Model {
        header: Header::new(&PROGRAM),
        kind: ModelKind::Boost,
        task: TaskFact::Nowcast,
        inputs: COLUMNS.map(fact).into(),
        stations: vec![],
        climatology: Climatology {
            overall: 1.0,
            station: vec![],
            month: vec![],
            hour: vec![],
        },
        linear: Linear {
            intercept: 0.0,
            terms: vec![term; COLUMNS.len()],
        },
        trees: Some(trees),
        blend: None,
        intervals: None,
        online: None,
        warning_lines: Vec::new(),
        spread: None,
        profile: None,
    }
}

fn written(trees: &Ensemble, to: Format) -> Vec<u8> {
    export(&model(trees.clone()), Sha256::ZERO, to).unwrap()
}

fn read(bytes: &[u8], from: Format) -> Result<Ensemble> {
    let like = model(Ensemble {
        base: 0.0,
        scale: 1.0,
        link: Link::Identity,
        trees: vec![].into(),
    });
    let model = import("m", bytes, from, like, Header::new(&PROGRAM))?;
    Ok(model.trees.unwrap())
}

fn refused(bytes: &[u8], from: Format) -> String {
    let fault = read(bytes, from).unwrap_err();
    assert_eq!(fault.kind(), Kind::BadArtifact);
    assert!(fault.hint_text().is_some());
    fault.to_string()
}

/// x0 <= 1.5, then a category of x1, then rain or none; with a second tree of one leaf.
fn picture() -> Ensemble {
    let leaf = Tree {
        feature: vec![LEAF],
        threshold: vec![0.0],
        missing_left: vec![false],
        left: vec![0],
        value: vec![0.1],
        cover: vec![40.0],
        sets: vec![],
    };
    let tree = Tree {
        feature: vec![0, 1, LEAF, LEAF, 2, LEAF, LEAF],
        threshold: vec![1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        missing_left: vec![true, true, false, false, false, false, false],
        left: vec![1, 3, 0, 0, 5, 0, 0],
        value: vec![0.0, 0.0, 7.3, -1.1, 0.0, 2.2, 3.3],
        cover: vec![40.0, 30.0, 10.0, 12.0, 18.0, 9.0, 9.0],
        sets: vec![CategorySet {
            node: 1,
            left: [0b1001, 0, 0, 1 << 63],
        }],
    };
    Ensemble {
        base: 80.123_456_789_012_34,
        scale: 1.0,
        link: Link::Identity,
        trees: vec![tree, leaf].into(),
    }
}

/// Values around everything that a threshold or a category may be.
fn hard_values() -> Vec<f32> {
    let around = |x: f32| [x.next_down(), x, x.next_up()];
    let mut values: Vec<f32> = [0.0, -0.0, 1.5, -1.5, 1e-45, f32::MIN_POSITIVE, 3.0, 0.1]
        .into_iter()
        .flat_map(around)
        .collect();
    values.extend([
        f32::NAN,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ]);
    values
}

fn rows() -> Vec<[f32; 3]> {
    let mut rows = vec![];
    for x0 in [f32::NAN, 1.5, 1.5_f32.next_up(), -3.0] {
        for x1 in [f32::NAN, 0.0, 1.0, 3.0, 64.0, 255.0] {
            rows.extend(hard_values().into_iter().map(|x2| [x0, x1, x2]));
        }
    }
    let numbers = hard_values().into_iter().map(|x0| [x0, 1.0, x0]);
    rows.extend(numbers);
    rows
}

fn assert_same(a: &Ensemble, b: &Ensemble) {
    for row in rows() {
        let (a, b) = (a.predict_row(&row), b.predict_row(&row));
        assert_eq!(a.to_bits(), b.to_bits(), "{row:?}: {a} {b}");
    }
}

#[test]
fn what_is_exported_comes_back_to_the_bit() {
    for format in [Format::Xgboost, Format::Lightgbm] {
        let back = read(&written(&picture(), format), format).unwrap();
        assert_same(&picture(), &back);
        assert_eq!(back.base.to_bits(), picture().base.to_bits());
        // A mirrored question exchanges its children; what they saw stays theirs.
        let covers = |trees: &Ensemble| {
            let mut covers = trees.trees[0].cover.clone();
            covers.sort_by(f32::total_cmp);
            covers
        };
        assert_eq!(covers(&back), covers(&picture()));
        // Once more, and nothing moves any longer.
        assert_eq!(
            read(&written(&back, format), format).unwrap(),
            read(
                &written(&read(&written(&back, format), format).unwrap(), format),
                format
            )
            .unwrap()
        );
    }
}

/// `picture` with a log link, its sums small enough for an exponent.
fn of_logs() -> Ensemble {
    let mut trees = picture();
    trees.base = 4.25;
    trees.link = Link::Log;
    for value in trees.trees.iter_mut().flat_map(|tree| &mut tree.value) {
        *value = value.clamp(-2.0, 2.0);
    }
    trees
}

#[test]
fn a_log_link_goes_across_with_its_loss() {
    for (loss, xgboost, lightgbm) in [
        ("count:poisson", "count:poisson", "objective=poisson\n"),
        ("reg:gamma", "reg:gamma", "objective=gamma\n"),
    ] {
        let mut model = model(of_logs());
        model.header = model.header.param("boost.objective", loss);
        let export = |to| export(&model, Sha256::ZERO, to).unwrap();
        let theirs = export(Format::Xgboost);
        let file: Value = serde_json::from_slice(&theirs).unwrap();
        assert_eq!(file["learner"]["objective"]["name"], xgboost);
        let base = file["learner"]["learner_model_param"]["base_score"].as_str();
        let base: f64 = base.unwrap().parse().unwrap();
        assert!((base - 4.25_f64.exp()).abs() < 1e-12 * base, "{base}");
        let text = String::from_utf8(export(Format::Lightgbm)).unwrap();
        assert!(text.contains(lightgbm));
        for (bytes, from) in [
            (theirs, Format::Xgboost),
            (text.into_bytes(), Format::Lightgbm),
        ] {
            let back = read(&bytes, from).unwrap();
            assert_eq!(back.link, Link::Log);
            for row in rows() {
                let (a, b) = (of_logs().predict_row(&row), back.predict_row(&row));
                assert!((a - b).abs() <= 1e-12 * a, "{row:?}: {a} {b}");
            }
        }
    }
}

#[test]
fn links_that_a_format_cannot_say_are_refused_by_name() {
    let refused = |link, to| {
        let trees = Ensemble { link, ..of_logs() };
        let fault = export(&model(trees), Sha256::ZERO, to).unwrap_err();
        fault.to_string()
    };
    for to in [Format::Xgboost, Format::Lightgbm, Format::Onnx] {
        let said = refused(Link::Log1p { factor: 1.1 }, to);
        assert!(said.contains("boost.transform=log1p"), "{said}");
        let said = refused(Link::Sqrt { spread: 2.0 }, to);
        assert!(said.contains("boost.transform=sqrt"), "{said}");
    }
    let said = refused(Link::Log, Format::Onnx);
    assert!(said.contains("boost.objective=count:poisson"), "{said}");
    for base in ["0E0", "-1E0"] {
        let mut file: Value =
            serde_json::from_slice(&written(&of_logs(), Format::Xgboost)).unwrap();
        file["learner"]["learner_model_param"]["base_score"] = json!(base);
        let fault = read(&serde_json::to_vec(&file).unwrap(), Format::Xgboost).unwrap_err();
        assert!(fault.to_string().contains("no logarithm"), "{fault}");
    }
}

#[test]
fn a_forest_comes_back_as_the_sum_that_was_written() {
    let forest = Ensemble {
        base: 0.0,
        scale: 1.0 / 3.0,
        ..picture()
    };
    for format in [Format::Xgboost, Format::Lightgbm] {
        let back = read(&written(&forest, format), format).unwrap();
        assert_eq!(back.scale, 1.0);
        for row in rows() {
            let (a, b) = (forest.predict_row(&row), back.predict_row(&row));
            assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{a} {b}");
        }
    }
}

#[test]
fn a_mean_of_trees_is_a_forest() {
    let text = String::from_utf8(written(&picture(), Format::Lightgbm)).unwrap();
    let (head, rest) = text.split_once("Tree=0").unwrap();
    let (_, trees) = rest.split_once("Tree=1").unwrap();
    let mean = format!("{}\naverage_output\n\nTree=0{trees}", head.trim_end());
    let like = model(picture());
    let header = Header::new(&PROGRAM);
    let model = import("m", mean.as_bytes(), Format::Lightgbm, like, header).unwrap();
    assert_eq!(model.kind, ModelKind::Forest);
    let trees = model.trees.unwrap();
    assert_eq!((trees.scale, trees.base, trees.trees.len()), (0.5, 0.0, 2));
}

fn a_threshold() -> impl Strategy<Value = f32> {
    prop_oneof![
        any::<f32>().prop_filter("finite", |x| x.is_finite()),
        proptest::sample::select(vec![
            0.0_f32,
            -0.0,
            1e-45,
            -1e-45,
            f32::MIN_POSITIVE,
            f32::MIN,
            f32::MAX
        ]),
    ]
}

fn stump(threshold: f32, missing_left: bool, values: [f32; 2]) -> Tree {
    Tree {
        feature: vec![0, LEAF, LEAF],
        threshold: vec![threshold, 0.0, 0.0],
        missing_left: vec![missing_left, false, false],
        left: vec![1, 0, 0],
        value: vec![0.0, values[0], values[1]],
        cover: vec![3.0, 1.0, 2.0],
        sets: vec![],
    }
}

proptest! {
    /// Also at the threshold, one number to each side, and for both zeros.
    #[test]
    fn every_threshold_and_leaf_comes_back(
        threshold in a_threshold(),
        missing_left: bool,
        left in -1e30_f32..1e30,
        right: f32,
        base in -1e9..1e9_f64,
    ) {
        prop_assume!(right.is_finite());
        let trees = vec![stump(threshold, missing_left, [left, right])];
        let ensemble = Ensemble { base, scale: 1.0, link: Link::Identity, trees: trees.into() };
        for format in [Format::Xgboost, Format::Lightgbm] {
            let back = read(&written(&ensemble, format), format).unwrap();
            for x in [threshold, threshold.next_up(), threshold.next_down(), 0.0, -0.0, f32::NAN, f32::INFINITY] {
                let row = [x, 0.0, 0.0];
                prop_assert_eq!(ensemble.predict_row(&row).to_bits(), back.predict_row(&row).to_bits());
            }
        }
    }

    /// A LightGBM threshold between two f32 decides every f32 as LightGBM does.
    #[test]
    fn an_f64_threshold_decides_every_f32_alike(x: f32, nudge in -4_i64..=4) {
        prop_assume!(x.is_finite() && f32::MIN < x && x != 0.0);
        let t = f64::from_bits((f64::from(x).to_bits() as i64 + nudge) as u64);
        let text = String::from_utf8(written(
            &Ensemble { base: 0.0, scale: 1.0, link: Link::Identity, trees: vec![stump(7.25, true, [1.0, 2.0])].into() },
            Format::Lightgbm,
        )).unwrap();
        let trees = read(text.replace("threshold=7.25e0", &format!("threshold={t:e}")).as_bytes(), Format::Lightgbm)
            .unwrap();
        for x in [x, x.next_up(), x.next_down(), 0.0, -0.0] {
            let expected = if f64::from(x) <= t { 1.0 } else { 2.0 };
            prop_assert_eq!(trees.predict_row(&[x, 0.0, 0.0]), expected);
        }
    }
}

#[test]
fn columns_are_found_by_name() {
    let bytes = written(&picture(), Format::Xgboost);
    let mut like = model(picture());
    like.inputs.reverse();
    let header = Header::new(&PROGRAM);
    let back = import("m", &bytes, Format::Xgboost, like.clone(), header.clone()).unwrap();
    assert_eq!(
        back.trees.unwrap().trees[0].feature,
        [2, 1, LEAF, LEAF, 0, LEAF, LEAF]
    );
    like.inputs[2].column = "pm10".to_owned();
    let fault = import("m", &bytes, Format::Xgboost, like, header).unwrap_err();
    let said = fault.to_string();
    assert!(said.contains("`pm10_ug_m3` is no input column"), "{said}");
}

/// XGBoost's file with one thing changed.
fn xgboost_with(path: &str, value: Value) -> Vec<u8> {
    let mut file: Value = serde_json::from_slice(&written(&picture(), Format::Xgboost)).unwrap();
    *file.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
    serde_json::to_vec(&file).unwrap()
}

const FOREST: &str = "/learner/gradient_booster/model";

/// Where in XGBoost's file (`~` is the forest, `#` its first tree), what is put there, what is said of it.
const XGBOOST_CANNOT: [(&str, &str, &str); 24] = [
    (
        "/learner/objective/name",
        r#""binary:logistic""#,
        "binary:logistic",
    ),
    ("/learner/gradient_booster/name", r#""dart""#, "DART"),
    (
        "/learner/gradient_booster/name",
        r#""gblinear""#,
        "`gblinear`",
    ),
    (
        "/learner/learner_model_param/num_class",
        r#""3""#,
        "3 classes",
    ),
    (
        "/learner/learner_model_param/num_target",
        r#""2""#,
        "2 targets",
    ),
    (
        "/learner/learner_model_param/base_score",
        r#""[1E0,2E0]""#,
        "base_score",
    ),
    (
        "/learner/attributes",
        r#"{"best_iteration": "0"}"#,
        "stopped early",
    ),
    (
        "/learner/feature_names/0",
        r#""x""#,
        "`x` is no input column",
    ),
    ("/learner/feature_names/0", r#""rain_mm""#, "twice"),
    (
        "~/gbtree_model_param/num_parallel_tree",
        r#""4""#,
        "num_parallel_tree",
    ),
    ("~/gbtree_model_param/num_trees", r#""9""#, "promises 9"),
    ("~/tree_info", "[0, 1]", "classes"),
    ("#/tree_param/size_leaf_vector", r#""2""#, "vectors"),
    ("#/split_type/0", "2", "split_type"),
    ("#/categories/0", "256", "category 256"),
    ("#/categories_segments/0", "9999", "outside"),
    ("#/left_children/0", "0", "another's child"),
    ("#/left_children/0", "-7", "its child is -7"),
    ("#/right_children/0", "1", "another's child"),
    ("#/right_children/0", "99", "no node"),
    ("#/split_indices/0", "3", "feature 3 of 3"),
    ("#/split_conditions/0", "-3.4028235e38", "threshold"),
    ("#/sum_hessian/1", "0.0", "cover"),
    ("#/sum_hessian", "[1.0]", "differ in length"),
];

#[test]
fn what_xgboost_can_say_and_we_cannot_is_refused_by_name() {
    for (path, value, says) in XGBOOST_CANNOT {
        let path = path.replace('#', "~/trees/0").replace('~', FOREST);
        let value = serde_json::from_str(value).unwrap();
        let said = refused(&xgboost_with(&path, value), Format::Xgboost);
        assert!(said.contains(says), "{path}: {said}");
    }
    let named = |file: &mut Value| {
        file["learner"]["gradient_booster"]["model"]["cats"] = json!({"enc": [1]})
    };
    let mut file: Value = serde_json::from_slice(&written(&picture(), Format::Xgboost)).unwrap();
    named(&mut file);
    let said = refused(&serde_json::to_vec(&file).unwrap(), Format::Xgboost);
    assert!(said.contains("cats"), "{said}");
}

#[test]
fn a_question_whether_there_is_a_value_crosses_too() {
    let present = Ensemble {
        base: 0.0,
        scale: 1.0,
        link: Link::Identity,
        trees: vec![stump(f32::MAX, false, [1.0, 2.0])].into(),
    };
    let text = String::from_utf8(written(&present, Format::Xgboost)).unwrap();
    assert!(
        text.contains("[1e39,1.0,2.0]") || text.contains("[1e+39,1.0,2.0]"),
        "{text}"
    );
    let rewritten = text
        .replace("1e39", "Infinity")
        .replace("1e+39", "Infinity");
    for text in [text, rewritten] {
        assert_same(&read(text.as_bytes(), Format::Xgboost).unwrap(), &present);
    }
}

#[test]
fn what_xgboost_writes_otherwise_is_read() {
    let base = "/learner/learner_model_param/base_score";
    for (path, value) in [
        (base, json!("[8.0123456789E1]")),
        (base, json!("80.123456789")),
        ("/learner/feature_names", json!([])),
        ("/learner/gradient_booster/model/trees/0/default_left", {
            json!([true, true, false, false, false, false, false])
        }),
        ("/learner/attributes", json!({"best_iteration": "1"})),
    ] {
        let trees = read(&xgboost_with(path, value), Format::Xgboost).unwrap();
        assert!((trees.base - 80.123_456_789).abs() < 1e-6, "{path}");
        assert_eq!(trees.trees.len(), 2);
    }
}

#[test]
fn what_lightgbm_can_say_and_we_cannot_is_refused_by_name() {
    let text = String::from_utf8(written(&picture(), Format::Lightgbm)).unwrap();
    let cases = [
        ("objective=regression", "objective=binary", "`binary`"),
        ("objective=regression", "objective=regression sqrt", "sqrt"),
        ("objective=regression\n", "", "names no objective"),
        ("num_class=1", "num_class=3", "3 classes"),
        ("version=v4", "version=v2", "`v2`"),
        (
            "is_linear=0\nshrinkage=1\n\n\nTree=2",
            "is_linear=1\nshrinkage=1\n\n\nTree=2",
            "linear",
        ),
        ("decision_type=10", "decision_type=6", "zero"),
        ("cat_boundaries=0 8", "cat_boundaries=0 9", "outside"),
        ("left_child=1", "left_child=0", "another's child"),
        ("left_child=1", "left_child=-9", "no node"),
        ("left_child=1", "left_child=-9223372036854775808", "no node"),
        ("split_feature=0", "split_feature=3", "feature 3 of 3"),
        ("threshold=1.5e0", "threshold=nan", "threshold NaN"),
        ("threshold=1.5e0", "threshold=-1e300", "threshold"),
        ("num_leaves=4", "num_leaves=5", "not 4"),
        ("num_leaves=4", "num_leaves=99999999999", "items"),
        ("leaf_value=8.012345678901234e1", "leaf_value=nan", "finite"),
        ("leaf_value=", "leaf_value=x", "no such number"),
        ("end of trees", "", "cut off"),
        ("tree\n", "trees\n", "begin"),
        (
            "feature_names=pm10_ug_m3",
            "feature_names=x",
            "`x` is no input column",
        ),
    ];
    for (from, to, says) in cases {
        assert!(text.contains(from), "{from} in {text}");
        let said = refused(text.replacen(from, to, 1).as_bytes(), Format::Lightgbm);
        assert!(said.contains(says), "{from} {to}: {said}");
    }
}

#[test]
fn what_is_missing_to_lightgbm_is_taken_over() {
    let trees = |decision_type: u8, threshold: f64| {
        let ensemble = Ensemble {
            base: 0.0,
            scale: 1.0,
            link: Link::Identity,
            trees: vec![stump(7.25, true, [1.0, 2.0])].into(),
        };
        let text = String::from_utf8(written(&ensemble, Format::Lightgbm)).unwrap();
        let text = text
            .replace(
                "decision_type=10",
                &format!("decision_type={decision_type}"),
            )
            .replace("threshold=7.25e0", &format!("threshold={threshold:e}"));
        read(text.as_bytes(), Format::Lightgbm).unwrap()
    };
    let of_missing = |trees: Ensemble| trees.predict_row(&[f32::NAN, 0.0, 0.0]);
    // Missing has a side of its own.
    assert_eq!(of_missing(trees(10, 7.0)), 1.0);
    assert_eq!(of_missing(trees(8, 7.0)), 2.0);
    // Whether there is a value at all.
    let present = trees(8, f64::INFINITY);
    assert_eq!(present.predict_row(&[f32::MAX, 0.0, 0.0]), 1.0);
    assert_eq!(of_missing(present), 2.0);
    // Nothing is missing: it counts as 0.
    assert_eq!(of_missing(trees(0, 7.0)), 1.0);
    assert_eq!(of_missing(trees(2, -7.0)), 2.0);
}

#[test]
fn what_a_format_cannot_say_is_refused_by_name() {
    let says = |model: &Model, to, says: &str| {
        let fault = export(model, Sha256::ZERO, to).unwrap_err();
        assert_eq!(fault.kind(), Kind::BadArtifact);
        let said = fault.to_string();
        assert!(said.contains(says), "{said}");
    };
    let good = model(picture());
    says(&good, Format::Onnx, "category");
    for to in [Format::Xgboost, Format::Lightgbm, Format::Onnx] {
        let linear = Model {
            kind: ModelKind::Linear,
            trees: None,
            ..good.clone()
        };
        says(&linear, to, "a linear model has no trees");
        let blend = Model {
            kind: ModelKind::Blend,
            trees: None,
            blend: Some(crate::model::Blend {
                parts: vec![],
                reference_weight: 1.0,
                reference_mean_ug_m3: 80.0,
            }),
            ..good.clone()
        };
        says(&blend, to, "it is a blend of several models");
    }
    let mut strange = good.clone();
    strange.inputs[0].column = "a[b]".to_owned();
    says(&strange, Format::Xgboost, "`a[b]`");
    says(&strange, Format::Lightgbm, "`a[b]`");
    let fault = import("m", b"", Format::Onnx, good, Header::new(&PROGRAM)).unwrap_err();
    assert_eq!(fault.kind(), Kind::Usage);
}

#[test]
fn covers_that_are_no_counts_keep_their_ratios() {
    let mut ensemble = picture();
    ensemble.trees[0].cover = vec![1.0, 0.75, 0.25, 0.3, 0.45, 0.25, 0.2];
    let back = read(&written(&ensemble, Format::Lightgbm), Format::Lightgbm).unwrap();
    let cover = &back.trees[0].cover;
    assert!((cover[1] / cover[0] - 0.75).abs() < 1e-6, "{cover:?}");
}
