"""Hands models to their programs and takes models of theirs, and compares what both sides say of real rows.

Bars: predictions within 1e-5 relative on every test row, missing values included; a booster that went there and back
predicts the same bits; contributions and interactions within 1e-4 of the largest one (theirs are f32 sums; LightGBM
has no interactions).
Not run by hand: bench/peers/interchange makes the tables and our models first.
"""
import os
import subprocess
import sys

import lightgbm
import numpy as np
import onnxruntime
import xgboost

from tables import answers, columns, features

PREDICTION_MAX = 1e-5
CONTRIBUTION_MAX = 1e-4
SHAP_ROWS = 300
THREADS = 2
BIN, OUT = sys.argv[1:]
TEST, TARGET, NAMES = features(OUT, "test")
PAIRS = [(a, b) for at, a in enumerate(NAMES) for b in NAMES[at:]]
ENDING = {"xgboost": "xgb.json", "lightgbm": "txt", "onnx": "onnx"}
missed = 0


def run(program, *argv):
    ran = subprocess.run([os.path.join(BIN, program), "-q", *argv], capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(f"{program} ended with {ran.returncode}: {ran.stderr}")


def path(name):
    return os.path.join(OUT, name)


def ours(model):
    run("pm25-eval", "--model", path(f"{model}.json"), "--test", path("test.parquet"), "--out-dir", path(model))
    return answers(OUT, model)[2]


def our_contributions(model):
    folder = path(f"{model}-shap")
    run("pm25-shap", "--model", path(f"{model}.json"), "--data", path("test.parquet"), "--rows", str(SHAP_ROWS),
        "--interactions", "--no-plots", "--out-dir", folder)
    table = columns(os.path.join(folder, "shap.parquet"))
    return np.column_stack([table[name] for name in NAMES + ["base"]])


def our_interactions(model):
    """A column for each feature alone and each pair, of the folder that our_contributions has written."""
    table = columns(os.path.join(path(f"{model}-shap"), "shap_interactions.parquet"))
    return np.column_stack([table[name] for name in (a if a == b else f"{a}*{b}" for a, b in PAIRS)])


def asked(file, rows, **how):
    """What XGBoost's model in a file says of rows; which columns are categories stands in the file."""
    booster = xgboost.Booster({"nthread": THREADS}, model_file=file)
    data = xgboost.DMatrix(rows, feature_names=NAMES, feature_types=booster.feature_types, enable_categorical=True)
    return booster.predict(data, **how)


def theirs(kind, file, rows):
    if kind == "xgboost":
        return asked(file, rows)
    if kind == "lightgbm":
        return lightgbm.Booster(model_file=file).predict(rows, num_threads=THREADS)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(None, {"X": rows})[0][:, 0]


def their_contributions(kind, file):
    rows = TEST[:SHAP_ROWS]
    if kind == "xgboost":
        return asked(file, rows, pred_contribs=True)
    return lightgbm.Booster(model_file=file).predict(rows, pred_contrib=True, num_threads=THREADS)


def their_interactions(file):
    """As ours: what two add together stands in their matrices twice, half of it each time."""
    matrices = asked(file, TEST[:SHAP_ROWS], pred_interactions=True)
    place = {name: at for at, name in enumerate(NAMES)}
    pairs = [(place[a], place[b]) for a, b in PAIRS]
    return np.column_stack([matrices[:, a, b] + (matrices[:, b, a] if a != b else 0.0) for a, b in pairs])


def held(what, found, most):
    global missed
    met = found <= most
    missed += not met
    print(f"{what:<66} {found:9.2e} {'' if met else f'MISSED, at most {most:.0e}'}", flush=True)


def far(a, b):
    """The largest difference, relative to |b| or 1."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))))


def contributions_apart(a, b):
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b[:, :-1])))


def hold_interactions(what, model, kind, file):
    if kind == "xgboost":
        found, expected = our_interactions(model), their_interactions(file)
        apart = float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
        held(f"{what}: interactions", apart, CONTRIBUTION_MAX)


def there_and_back(model):
    said = ours(model)
    for kind, ending in ENDING.items():
        file = path(f"{model}.{ending}")
        run("pm25-registry", "export", "--model", path(f"{model}.json"), "--as", kind, "--out", file)
        held(f"our {model} in {kind}: predictions", far(theirs(kind, file, TEST), said), PREDICTION_MAX)
        if kind == "onnx":
            continue
        back = f"{model}-from-{kind}"
        run("pm25-registry", "import", "--as", kind, "--from", file, "--like", path(f"{model}.json"),
            "--out", path(f"{back}.json"))
        again = ours(back)
        if model == "boost":
            held(f"our {model} back from {kind}: rows whose bits differ", np.count_nonzero(again != said), 0)
            apart = contributions_apart(our_contributions(model), their_contributions(kind, file))
            held(f"our {model} in {kind}: contributions", apart, CONTRIBUTION_MAX)
            hold_interactions(f"our {model} in {kind}", model, kind, file)
        else:
            held(f"our {model} back from {kind}: predictions", far(again, said), PREDICTION_MAX)


def a_model_of_theirs(kind):
    """It asks for the station as a category, which is how their users would do it."""
    rows, target, _ = features(OUT, "train")
    station = NAMES.index("station_code")
    file = path(f"theirs.{ENDING[kind]}")
    if kind == "xgboost":
        settings = {"max_depth": 7, "learning_rate": 0.1, "tree_method": "hist", "nthread": THREADS, "seed": 1,
                    "max_cat_to_onehot": 1}
        types = ["c" if column == station else "float" for column in range(len(NAMES))]
        data = xgboost.DMatrix(rows, target, feature_names=NAMES, feature_types=types, enable_categorical=True)
        xgboost.train(settings, data, 100).save_model(file)
    else:
        settings = {"num_leaves": 63, "learning_rate": 0.1, "num_threads": THREADS, "verbose": -1, "seed": 1}
        data = lightgbm.Dataset(rows, target, feature_name=NAMES, categorical_feature=[station])
        lightgbm.train(settings, data, 100).save_model(file)
    return file


def take(kind):
    file, model = a_model_of_theirs(kind), f"taken-{kind}"
    run("pm25-registry", "import", "--as", kind, "--from", file, "--like", path("boost.json"),
        "--out", path(f"{model}.json"))
    held(f"a model of {kind} here: predictions", far(ours(model), theirs(kind, file, TEST)), PREDICTION_MAX)
    apart = contributions_apart(our_contributions(model), their_contributions(kind, file))
    held(f"a model of {kind} here: contributions", apart, CONTRIBUTION_MAX)
    hold_interactions(f"a model of {kind} here", model, kind, file)
    again = path(f"again.{ENDING[kind]}")
    run("pm25-registry", "export", "--model", path(f"{model}.json"), "--as", kind, "--out", again)
    held(f"a model of {kind} here and back: predictions", far(theirs(kind, again, TEST), theirs(kind, file, TEST)),
         PREDICTION_MAX)


def main():
    n_missing = int(np.isnan(TEST).any(axis=1).sum())
    print(f"{len(TEST)} test rows, {n_missing} of them with missing values; contributions of {SHAP_ROWS}")
    for model in ("boost", "forest"):
        there_and_back(model)
    for kind in ("xgboost", "lightgbm"):
        take(kind)
    print(f"{missed} bars missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
