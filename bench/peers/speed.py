"""Fits, predicts and explains on generated rows, ours and theirs in turn, and prints medians and ratios.

Like with like: from the f32 matrix in memory to the model (binning included), 300 trees, 127 leaves, depth 7, learning
rate 0.05, nine tenths of the features a tree, 2 threads. Each run is a process of its own, so that its largest
resident memory is its own; runs are interleaved (ours, theirs, ours, theirs, ...), so that a busy machine slows all.

Single rows are asked one after the other, each another row, by the fastest way that a library has: LightGBM and XGBoost
by their C functions without the Python around them, on one thread (`row_us` is the median, `row_p95_us` what one in
twenty exceeds).

LightGBM with quantised gradients and row sampling is broken in 4.7.0 unless leaves are renewed, so that is how it runs
here; both of its ways are run, and the faster is what ratios are taken against.
"""
import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import generate

TREES, LEAVES, DEPTH, RATE, COLUMNS_SHARE, BINS = 300, 127, 7, 0.05, 0.9, 255
THREADS = 2
WIDE = (0.3, 26)
FOREST = {"n_estimators": 100, "max_depth": 20}
FIGURES = ["fit_s", "predict_s", "row_us", "row_p95_us", "shap_s", "peak_mib", "rmse"]
ROWS_ALONE = 500


def cores_busy(seconds=2):
    """How many cores others use now (Linux; elsewhere 0). The load average would still count whoever ended a minute ago."""
    def ticks():
        with open("/proc/stat") as stat:
            return [int(word) for word in stat.readline().split()[1:]]

    if not os.path.exists("/proc/stat"):
        return 0.0
    before = ticks()
    time.sleep(seconds)
    spent = [after - earlier for after, earlier in zip(ticks(), before)]
    idle = spent[3] + spent[4]
    return os.cpu_count() * (1 - idle / max(sum(spent), 1))


def peak_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def timed(work):
    begun = time.perf_counter()
    done = work()
    return done, time.perf_counter() - begun


def peer(name, folder, n_columns, shap_rows, subsample):
    """One run of one library, in this process; prints its figures."""
    import numpy as np

    def read(part):
        values = np.fromfile(os.path.join(folder, part), dtype=np.float32).reshape(n_columns + 1, -1)
        # Rows side by side, the layout that all of them like best.
        return np.ascontiguousarray(values[:-1].T), values[-1].copy()

    (x, y), (test, target) = read("train.f32"), read("test.f32")
    fit, predict, explain, alone = PEERS[name](x, y, subsample)
    model, fit_s = timed(fit)
    found = {"fit_s": fit_s, "peak_mib": peak_mib()}
    said, found["predict_s"] = timed(lambda: predict(model, test))
    if explain and shap_rows:
        _, found["shap_s"] = timed(lambda: explain(model, test[:shap_rows]))
    # Last: it leaves the model with one thread.
    rows = test[:ROWS_ALONE]
    found["row_us"], found["row_p95_us"] = one_by_one(alone(model, rows), said[:ROWS_ALONE])
    error = np.asarray(said, dtype=np.float64) - target
    found["rmse"] = float(np.sqrt(np.mean(error * error)))
    print(json.dumps(found))


def one_by_one(ask, batch):
    """Median and 95th percentile of the time that one row takes, microseconds. They must say what the batch says."""
    import numpy as np

    said = np.array([ask(at) for at in range(len(batch))])
    np.testing.assert_allclose(said, batch, rtol=1e-5, atol=1e-4)
    us = sorted(1e6 * timed(lambda at=at: ask(at))[1] for at in range(len(batch)))
    return us[len(us) // 2], us[len(us) * 95 // 100]


def must(code):
    if code:
        raise RuntimeError("a library refused to predict a row")


def xgboost_alone(booster, rows):
    from xgboost.core import _LIB

    booster.set_param({"nthread": 1})
    settings = json.dumps({"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0, "missing": float("nan"),
                           "strict_shape": False, "cache_id": 0}).encode()
    arrays = [json.dumps({"data": [rows[at].ctypes.data, True], "shape": [1, rows.shape[1]], "typestr": "<f4",
                          "version": 3}).encode() for at in range(len(rows))]
    shape, dims = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
    said = ctypes.POINTER(ctypes.c_float)()
    out = [ctypes.byref(out) for out in (shape, dims, said)]

    def ask(at):
        must(_LIB.XGBoosterPredictFromDense(booster.handle, arrays[at], settings, None, *out))
        return said[0]
    return ask


def lightgbm_alone(booster, rows):
    from lightgbm.basic import _LIB

    said, length, fast = ctypes.c_double(), ctypes.c_int64(), ctypes.c_void_p()
    # The score as it is, of all trees; f32.
    must(_LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle, ctypes.c_int(0), ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_int(0), ctypes.c_int32(rows.shape[1]),
        b"num_threads=1", ctypes.byref(fast)))
    places = [ctypes.c_void_p(rows[at].ctypes.data) for at in range(len(rows))]
    out = [ctypes.byref(length), ctypes.byref(said)]

    def ask(at):
        must(_LIB.LGBM_BoosterPredictForMatSingleRowFast(fast, places[at], *out))
        return said.value
    return ask


def sklearn_alone(forest, rows):
    # On one thread: handing one row to others takes longer than it does.
    forest.n_jobs = 1
    return lambda at: forest.predict(rows[at:at + 1])[0]


def xgboost_hist(x, y, subsample):
    import xgboost

    settings = {"learning_rate": RATE, "max_depth": DEPTH, "max_leaves": LEAVES, "subsample": subsample,
                "colsample_bytree": COLUMNS_SHARE, "tree_method": "hist", "nthread": THREADS, "seed": 42}

    def fit():
        return xgboost.train(settings, xgboost.QuantileDMatrix(x, y, max_bin=BINS + 1, nthread=THREADS), TREES)
    return (fit, lambda m, x: m.inplace_predict(x), lambda m, x: m.predict(xgboost.DMatrix(x), pred_contribs=True),
            xgboost_alone)


def lightgbm_with(quantised):
    def peer(x, y, subsample):
        import lightgbm

        settings = {"objective": "regression", "learning_rate": RATE, "num_leaves": LEAVES, "max_depth": DEPTH,
                    "bagging_fraction": subsample, "bagging_freq": int(subsample < 1), "max_bin": BINS,
                    "feature_fraction": COLUMNS_SHARE, "num_threads": THREADS, "seed": 42, "verbose": -1,
                    "use_quantized_grad": quantised, "quant_train_renew_leaf": quantised and subsample < 1}

        def fit():
            return lightgbm.train(settings, lightgbm.Dataset(x, y, params=settings), TREES)
        return fit, lambda m, x: m.predict(x), lambda m, x: m.predict(x, pred_contrib=True), lightgbm_alone
    return peer


def sklearn_forest(x, y, _):
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(**FOREST, n_jobs=THREADS, random_state=42)
    return lambda: forest.fit(x, y), lambda m, x: m.predict(x), None, sklearn_alone


PEERS = {"XGBoost": xgboost_hist, "LightGBM": lightgbm_with(False), "LightGBM quantised": lightgbm_with(True),
         "scikit-learn": sklearn_forest}


def in_a_process(argv):
    answer = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout.strip().splitlines()[-1])


def one_run(name, args, folder, n_columns, subsample, kind):
    if name == "ours":
        settings = {"boost": [f"n_estimators={TREES}", f"max_leaves={LEAVES}", f"max_depth={DEPTH}",
                              f"learning_rate={RATE}", f"colsample_bytree={COLUMNS_SHARE}", f"subsample={subsample}",
                              f"max_bin={BINS}"],
                    "forest": [f"{key}={value}" for key, value in FOREST.items()]}[kind]
        parts = [os.path.join(folder, part) for part in ("train.f32", "test.f32")]
        shap_rows = args.forest_shap_rows if kind == "forest" else args.shap_rows
        return in_a_process([args.fit, kind, *parts, str(n_columns), str(shap_rows), str(THREADS), *settings])
    return in_a_process([sys.executable, os.path.abspath(__file__), "--peer", name, "--folder", folder,
                         "--columns", str(n_columns), "--shap-rows", str(args.shap_rows),
                         "--subsample", str(subsample)])


def compare(title, names, runs, run):
    """Interleaved runs of everybody; medians of each, and of our ratios to the faster peer, run by run."""
    found = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            found[name].append(run(name))
    print(f"\n{title}; median of {runs}")
    print(f"  {'':<20}" + "".join(f"{figure:>12}" for figure in FIGURES))
    median = lambda name, figure: statistics.median(r[figure] for r in found[name] if r.get(figure) is not None)
    has = lambda name, figure: any(r.get(figure) is not None for r in found[name])
    for name in names:
        cells = (f"{median(name, figure):12.4g}" if has(name, figure) else f"{'-':>12}" for figure in FIGURES)
        print(f"  {name:<20}" + "".join(cells))
    peers = [name for name in names if name != "ours"]
    cells = []
    for figure in FIGURES:
        able = [name for name in peers if has(name, figure)]
        if not able:
            cells.append(f"{'-':>12}")
            continue
        best = min(able, key=lambda name: median(name, figure))
        pairs = zip(found["ours"], found[best])
        cells.append(f"{statistics.median(a[figure] / b[figure] for a, b in pairs):11.3f}x")
    if peers:
        print(f"  {'ours / the best':<20}" + "".join(cells), flush=True)


def tables(args, folder, millions, n_columns):
    n_rows = int(millions * 1e6)
    if args.alone:
        generate.write_plain(os.path.join(folder, "train.f32"), int(n_rows * 0.8), n_columns, 1)
        generate.write_plain(os.path.join(folder, "test.f32"), int(n_rows * 0.2), n_columns, 2)
        return
    import numpy as np

    for part, (table, target) in zip(("train", "test"), generate.with_numpy(np, n_rows, n_columns)):
        generate.write(np, os.path.join(folder, f"{part}.f32"), table, target)


def measure(args, millions, n_columns):
    with tempfile.TemporaryDirectory() as folder:
        tables(args, folder, millions, n_columns)
        peers = [] if args.alone else ["LightGBM", "LightGBM quantised", "XGBoost"]
        runs = min(args.runs, 3) if 5 < millions else args.runs
        for subsample in args.subsample:
            compare(f"boost, {millions} M rows x {n_columns}, subsample {subsample}, SHAP of {args.shap_rows} rows",
                    ["ours", *peers], runs, lambda name: one_run(name, args, folder, n_columns, subsample, "boost"))
        if args.forest:
            compare(f"forest, {millions} M rows x {n_columns}, {FOREST}, SHAP of {args.forest_shap_rows} rows (ours)",
                    ["ours"] + ([] if args.alone else ["scikit-learn"]), args.forest_runs,
                    lambda name: one_run(name, args, folder, n_columns, 1.0, "forest"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    numbers = lambda text: [float(word) for word in text.split(",") if word]
    parser.add_argument("--rows", type=numbers, default=[0.12, 1.2], help="millions, such as 0.12,1.2,12 (a fifth is test)")
    parser.add_argument("--wide", action="store_true", help="also 0.3 M rows of 26 features")
    parser.add_argument("--forest", action="store_true", help="also a forest; scikit-learn takes minutes at 1.2 M rows")
    parser.add_argument("--runs", type=int, default=5, help="of each side; at most 3 above 5 M rows")
    parser.add_argument("--forest-runs", type=int, default=1)
    parser.add_argument("--subsample", type=numbers, default=[0.9, 1.0])
    parser.add_argument("--shap-rows", type=int, default=1000)
    parser.add_argument("--forest-shap-rows", type=int, default=1000)
    parser.add_argument("--fit", help="the built examples/fit.rs")
    parser.add_argument("--alone", action="store_true", help="only our own figures")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--columns", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    args = arguments()
    if args.peer:
        return peer(args.peer, args.folder, args.columns, args.shap_rows, args.subsample[0])
    busy, cores = cores_busy(), os.cpu_count()
    if cores / 8 < busy:
        print(f"the machine is busy ({busy:.1f} of {cores} cores): these figures mean little")
    for millions in args.rows:
        measure(args, millions, generate.CLASSIC)
    if args.wide:
        measure(args, *WIDE)


if __name__ == "__main__":
    sys.exit(main())
