"""Are our 90 % intervals as good as those of LightGBM's quantiles with split conformal prediction, on the same test rows?

The peer learns the 5 % and 95 % quantiles of the target from the train rows, and widens both ends by the share that the
validation rows ask for (conformalised quantile regression, Romano, Patterson and Candès 2019). Bars for each folder: the mean
interval score (Winkler) is not above the peer's, 0.88 to 0.92 of the targets lie inside, and 0.83 in every month.

    bench/.venv/bin/python bench/peers/intervals.py FOLDER...

A folder holds the tables of pm25-prep and, in eval/, what pm25-eval wrote. Ends with 1 if a bar is missed.
"""
import argparse
import os
import sys

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tables import columns, features

SEED = 42
ALPHA = 0.1
COVERED = (0.88, 0.92)
MONTH_MIN = 0.83
BEIJING_S = 8 * 3600
SETTINGS = {"n_estimators": 300, "learning_rate": 0.05, "num_leaves": 31, "min_child_samples": 200,
            "colsample_bytree": 0.5, "subsample": 0.5, "subsample_freq": 1, "reg_lambda": 1}


def winkler(target, low, high):
    outside = np.maximum(low - target, 0) + np.maximum(target - high, 0)
    return float(np.mean(high - low + 2 / ALPHA * outside))


def months(folder, horizon_h):
    """Month of each target's hour, China Standard Time."""
    time = pq.read_table(os.path.join(folder, "test.parquet"), columns=["time"]).column("time")
    time_s = time.cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    local = (time_s + horizon_h * 3600 + BEIJING_S).astype("datetime64[s]")
    return local.astype("datetime64[M]").astype(int) % 12 + 1


def peer(folder, threads):
    """Ends for the test rows."""
    x, y, _ = features(folder, "train")
    x_valid, y_valid, _ = features(folder, "valid")
    x_test, _, _ = features(folder, "test")
    said = []
    for share in (ALPHA / 2, 1 - ALPHA / 2):
        model = lightgbm.LGBMRegressor(objective="quantile", alpha=share, **SETTINGS, random_state=SEED, n_jobs=threads,
                                       verbose=-1, deterministic=True).fit(x, y)
        said.append((model.predict(x_valid), model.predict(x_test)))
    (low_valid, low), (high_valid, high) = said
    missed_by = np.sort(np.maximum(low_valid - y_valid, y_valid - high_valid))
    place = int(np.ceil((1 - ALPHA) * (len(missed_by) + 1))) - 1
    more = missed_by[min(place, len(missed_by) - 1)]
    return low - more, high + more


def judge(target, month, ends):
    low, high = ends
    inside = (low <= target) & (target <= high)
    worst = min(float(inside[month == m].mean()) for m in np.unique(month))
    return float(inside.mean()), worst, winkler(target, low, high)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", help="a folder a horizon: tables and eval/predictions.parquet")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    line = "{:<16} {:<28} {:>8} {:>12} {:>9}  {}".format
    print(line("folder", "intervals", "inside", "worst month", "Winkler", ""), flush=True)
    missed = 0
    for folder in args.folders:
        said = columns(os.path.join(folder, "eval", "predictions.parquet"))
        target, month = said["target_ug_m3"].astype(float), months(folder, int(said["horizon_h"][0]))
        name = os.path.basename(folder.rstrip("/"))
        ours = judge(target, month, (said["lower_90_ug_m3"], said["upper_90_ug_m3"]))
        theirs = judge(target, month, peer(folder, args.threads))
        bars = [COVERED[0] <= ours[0] <= COVERED[1], MONTH_MIN <= ours[1], ours[2] <= theirs[2]]
        missed += bars.count(False)
        show = lambda what, row, note: print(line(name, what, f"{row[0]:.3f}", f"{row[1]:.3f}", f"{row[2]:.2f}", note),
                                             flush=True)
        show("ours", ours, "" if all(bars) else "MISSED")
        if "base_lower_ug_m3" in said:
            middle = said["prediction_ug_m3"]
            low = np.maximum(np.minimum(said["base_lower_ug_m3"], middle), np.minimum(middle, 0))
            high = np.maximum(said["base_upper_ug_m3"], middle)
            show("ours, had they not followed", judge(target, month, (low, high)), "")
        show("LightGBM quantiles, conformal", theirs, "")
    print(f"bars: {COVERED[0]} to {COVERED[1]} inside, {MONTH_MIN} in each month, Winkler not above the peer's; "
          f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
