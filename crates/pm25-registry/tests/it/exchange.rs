//! Models to and from other programs' formats, through the front door.

use std::fs;

use serde_json::{Value, json};

use super::papers::{GOOD, sealed, table};
use super::shop::Shop;

/// `a <= 1.5` says 1, above says 2, missing goes right; and a base of 10.
const LIGHTGBM: &str = "tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=regression
feature_names=b a
feature_infos=none [0:3]

Tree=0
num_leaves=1
num_cat=0
leaf_value=10

Tree=1
num_leaves=2
num_cat=0
split_feature=1
split_gain=1
threshold=1.5
decision_type=8
left_child=-1
right_child=-2
leaf_value=1 2
leaf_weight=30 10
leaf_count=30 10
internal_value=0
internal_weight=40
internal_count=40
is_linear=0
shrinkage=1


end of trees
";

/// A model that knows the columns `a` and `b`, and a file of LightGBM's.
fn shop() -> Shop {
    let shop = Shop::new();
    let input = |column: &str| json!({ "column": column, "expression": column, "unit": "unknown" });
    let term = json!({ "mean": 0.0, "weight": 0.0, "present_ug_m3": 0.0, "missing_ug_m3": 0.0 });
    let body = json!({
        "kind": "linear",
        "task": { "kind": "nowcast" },
        "inputs": [input("a"), input("b")],
        "stations": [],
        "climatology": {
            "overall_ug_m3": 1.0, "station_ug_m3": [],
            "station_month_ug_m3": [], "station_month_hour_ug_m3": [],
        },
        "linear": { "intercept_ug_m3": 3.0, "terms": [term, term] },
    });
    let inputs = json!([table("train"), table("valid")]);
    let like = sealed("pm25-model", "pm25-train", inputs, json!([]), body);
    fs::write(shop.path("like.json"), like).unwrap();
    fs::write(shop.path("theirs.txt"), LIGHTGBM).unwrap();
    shop
}

const IMPORT: &str = "import --as lightgbm --from theirs.txt --like like.json --out model.json";

#[test]
fn a_model_of_theirs_becomes_one_of_ours_and_theirs_again() {
    let shop = shop();
    let said = shop.json(IMPORT);
    assert_eq!(
        (&said["trees"], &said["nodes"], &said["features"]),
        (&json!(1), &json!(3), &json!(2))
    );
    let model: Value = serde_json::from_slice(&fs::read(shop.path("model.json")).unwrap()).unwrap();
    assert_eq!(
        (&model["kind"], &model["trees"]["base_ug_m3"]),
        (&json!("boost"), &json!(10.0))
    );
    assert_eq!(model["linear"]["intercept_ug_m3"], 3.0);
    let names = model["pm25"]["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| &input["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["theirs.txt", "like.json"]);

    shop.run("export --model model.json --as xgboost --out x.json")
        .ok();
    let x: Value = serde_json::from_slice(&fs::read(shop.path("x.json")).unwrap()).unwrap();
    let learner = &x["learner"];
    assert_eq!(learner["learner_model_param"]["base_score"], "1E1");
    assert_eq!(learner["feature_names"], json!(["a", "b"]));
    let tree = &learner["gradient_booster"]["model"]["trees"][0];
    let conditions = tree["split_conditions"].as_array().unwrap().iter();
    let conditions: Vec<f32> = conditions.map(|c| c.as_f64().unwrap() as f32).collect();
    assert_eq!(conditions, [1.5_f32.next_up(), 1.0, 2.0]);
    assert_eq!(
        (&tree["split_indices"], &tree["default_left"]),
        (&json!([0, 0, 0]), &json!([0, 0, 0]))
    );
    assert_eq!(tree["sum_hessian"], json!([40.0, 30.0, 10.0]));

    let back = "import --as xgboost --from x.json --like like.json --out back.json";
    shop.run(back).ok();
    let back: Value = serde_json::from_slice(&fs::read(shop.path("back.json")).unwrap()).unwrap();
    assert_eq!(back["trees"], model["trees"]);

    shop.run("export --model model.json --as onnx --out x.onnx")
        .ok();
    let onnx = fs::read(shop.path("x.onnx")).unwrap();
    let holds = |word: &str| onnx.windows(word.len()).any(|part| part == word.as_bytes());
    assert!(holds("TreeEnsembleRegressor") && holds("BRANCH_LEQ") && holds("a,b"));
}

#[test]
fn standard_output_holds_the_model_alone() {
    let shop = shop();
    shop.run(IMPORT).ok();
    let out = shop
        .run("export --model model.json --as xgboost --out -")
        .ok()
        .stdout;
    assert!(serde_json::from_str::<Value>(&out).unwrap()["learner"].is_object());
    let out = shop.run(&IMPORT.replace("model.json", "-")).ok().stdout;
    assert_eq!(out.as_bytes(), fs::read(shop.path("model.json")).unwrap());
}

#[test]
fn what_cannot_go_across_is_refused_with_its_status() {
    let shop = shop();
    shop.run(IMPORT).ok();
    shop.run("export --model like.json --as onnx --out x")
        .fails(4, "a linear model has no trees");
    fs::write(
        shop.path("theirs.txt"),
        LIGHTGBM.replace("=regression", "=binary"),
    )
    .unwrap();
    shop.run(&IMPORT.replace("model.json", "new.json"))
        .fails(4, "`binary`");
    assert!(!shop.path("new.json").exists() && !shop.path("x").exists());
    shop.run("import --as xgboost --from theirs.txt --like like.json --out x")
        .fails(4, "no XGBoost model");
    let ran = shop.run("export --model model.json --stage staging --as onnx --out x");
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    let ran = shop.run("import --as onnx --from theirs.txt --like like.json --out x");
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    shop.run("export --model model.json --as xgboost --out model.json")
        .fails(2, "model.json");
}

#[test]
fn a_version_of_the_registry_can_be_asked_for() {
    let shop = Shop::busy();
    // Its model is a climatology, found and refused.
    shop.run("export --as xgboost --out x")
        .fails(4, "a climatology model has no trees");
    shop.run("export --stage staging --as xgboost --out x")
        .fails(4, "no version of `pm25` is in stage staging");
}

#[test]
fn the_registry_takes_no_model_whose_rows_nobody_knows() {
    let shop = shop();
    shop.run(IMPORT).ok();
    shop.papers(GOOD);
    fs::copy(shop.path("model.json"), shop.path("run1/model.json")).unwrap();
    let ran = shop.run(&super::shop::register_words(1));
    assert_eq!((ran.status, shop.n_entries()), (4, 0), "{}", ran.stderr);
}
