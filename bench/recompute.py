#!/usr/bin/env python3
"""Recomputes every number of an eval.json from predictions.parquet and the raw UCI Beijing files, and compares.

It shares nothing with pm25 but the two files: it reads the raw CSV itself, decides itself which hours belong to the
exam, and knows the definitions only from this text. It exits with 1 and names each number that differs.

    bench/setup
    bench/.venv/bin/python bench/recompute.py --raw ../shared/data/beijing --eval artifacts/24h/eval \\
        --task forecast --horizon-h 24 --train-until 2015-12-01T00:00:00+08:00 --valid-until 2016-03-01T00:00:00+08:00

Definitions
  row t of a station      every hour t >= --valid-until of the station's file whose target is measured; no other
  target                  PM2.5 of the hour t + h (nowcast: h = 0), as in the file, rounded to f32
  persistence             PM2.5 of the hour t (nowcast: t - 1); missing stays missing
  climatology             mean target of the train rows (t + h < --train-until) of the same station, month and local
                          standard hour of the target's hour; else of station and month; of the station; of all
  linear                  needs the model, so only what must hold anyway is checked
"""

import argparse
import csv
import datetime
import glob
import gzip
import hashlib
import json
import math
import os
import re
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HOUR = 3600
BEIJING = 8 * HOUR  # China Standard Time, no daylight saving
TOLERANCE = 1e-9
LEVELS = [(-math.inf, 15, "0-15"), (15, 35, "15-35"), (35, 75, "35-75"), (75, 150, "75-150"),
          (150, 250, "150-250"), (250, math.inf, "250 and more")]


class Check:
    """Collects what differs, and which numbers of the report were looked at."""

    def __init__(self):
        self.wrong, self.seen, self.weak = [], set(), set()

    def equal(self, path, reported, expected):
        self.seen.add(path)
        if reported is None or expected is None or isinstance(expected, (str, bool)):
            good = reported == expected
        else:
            good = abs(reported - expected) <= TOLERANCE * max(1.0, abs(expected))
        if not good:
            self.wrong.append(f"{path}: report says {reported}, recomputed {expected}")

    def true(self, what, holds):
        if not holds:
            self.wrong.append(what)


def read_raw(folder):
    """Station -> (first hour in seconds UTC, PM2.5 per hour as f64 holding f32 values, NaN = missing)."""
    stations = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.csv*"))):
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", newline="") as file:
            for row in csv.DictReader(file):
                local = datetime.datetime(int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]),
                                          tzinfo=datetime.timezone.utc)
                value = float("nan") if row["PM2.5"] in ("NA", "") else float(row["PM2.5"])
                stations.setdefault(row["station"], {})[int(local.timestamp()) - BEIJING] = value
    grids = {}
    for name, hours in stations.items():
        first, last = min(hours), max(hours)
        grid = [hours.get(t, float("nan")) for t in range(first, last + 1, HOUR)]
        grids[name] = (first, np.array(grid, dtype=np.float32).astype(np.float64))
    return grids


def rows_of(first, values, horizon, persistence_lag):
    """(t, target, persistence) of every hour t of one station that has a target."""
    n = len(values)
    t_idx = np.arange(0, n - horizon)
    target = values[horizon:]
    earlier = t_idx - persistence_lag
    persistence = np.where(earlier >= 0, values[np.maximum(earlier, 0)], np.nan)
    present = ~np.isnan(target)
    return first + t_idx[present] * HOUR, target[present], persistence[present]


def civil(t, horizon):
    """Month and hour, local standard time, of the target's hour."""
    local = (t + horizon * HOUR + BEIJING).astype("datetime64[s]")
    month = local.astype("datetime64[M]").astype(int) % 12 + 1
    hour = (t + horizon * HOUR + BEIJING) // HOUR % 24
    return month, hour


def climatology(train, exam):
    """Predictions for the exam rows. Both are dicts station -> (t, target, ..., month, hour)."""
    overall = np.concatenate([rows["target"] for rows in train.values()]).mean()
    said = {}
    for name, rows in exam.items():
        known = train.get(name)
        out = np.full(len(rows["t"]), overall)
        if known is not None and len(known["t"]):
            out[:] = known["target"].mean()
            for month in range(1, 13):
                in_month = known["month"] == month
                if in_month.any():
                    out[rows["month"] == month] = known["target"][in_month].mean()
                for hour in range(24):
                    cell = in_month & (known["hour"] == hour)
                    if cell.any():
                        out[(rows["month"] == month) & (rows["hour"] == hour)] = known["target"][cell].mean()
        said[name] = out
    return said


def metrics(target, prediction):
    have = ~np.isnan(prediction)
    t, p = target[have], prediction[have]
    error = p - t
    n, relative = len(t), t >= 1.0
    if n == 0:
        rmse = mae = bias = r2 = None
    else:
        rmse, mae, bias = math.sqrt(np.mean(error**2)), float(np.mean(np.abs(error))), float(np.mean(error))
        total = float(np.sum((t - t.mean()) ** 2))
        r2 = None if np.all(t == t[0]) else 1.0 - float(np.sum(error**2)) / total
    mape = 100.0 * float(np.mean(np.abs(error[relative]) / t[relative])) if relative.any() else None
    return {"rmse_ug_m3": rmse, "mae_ug_m3": mae, "r2": r2, "mape_pct": mape, "mape_rows": int(relative.sum()),
            "bias_ug_m3": bias, "rows": n, "missing": int((~have).sum())}


def skill(ours, theirs):
    a, b = ours["rmse_ug_m3"], theirs["rmse_ug_m3"]
    return {"skill": None if not b else 1.0 - a / b, "rows": theirs["rows"]}


def duel(target, ours, theirs):
    have = ~np.isnan(theirs)
    return metrics(target[have], ours[have]), metrics(target, theirs)


def compare(check, path, reported, expected):
    for key, value in expected.items():
        check.equal(f"{path}.{key}", reported.get(key, "absent"), value)


def exam_of(args, grids, horizon, lag):
    """The rows that must be there, and the train rows, per station."""
    exam, train = {}, {}
    for name, (first, values) in grids.items():
        t, target, persistence = rows_of(first, values, horizon, lag)
        month, hour = civil(t, horizon)
        rows = {"t": t, "target": target, "persistence": persistence, "month": month, "hour": hour}
        pick = lambda keep: {key: column[keep] for key, column in rows.items()}
        exam[name] = pick(t >= args.valid_until)
        if args.train_until is not None:
            train[name] = pick(t + horizon * HOUR < args.train_until)
    return exam, train


def read_predictions(path):
    table = pq.read_table(path)
    column = lambda name: table.column(name).to_numpy(zero_copy_only=False)
    time = table.column("time").cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    return {"station": np.array([str(name) for name in table.column("station").to_pylist()]), "t": time,
            "horizon": column("horizon_h"), "target": column("target_ug_m3").astype(np.float64),
            "persistence": column("persistence_ug_m3").astype(np.float64),
            "prediction": column("prediction_ug_m3").astype(np.float64)}


def check_rows(check, rows, exam, horizon):
    """Every hour of the exam exactly once, none more, with the target and persistence of the raw files."""
    check.true("prediction_ug_m3: a row has no prediction", not np.isnan(rows["prediction"]).any())
    check.true("horizon_h: not the horizon that was asked for", bool((rows["horizon"] == horizon).all()))
    check.true("station: not the raw stations", set(rows["station"]) == {name for name in exam if len(exam[name]["t"])})
    for name, wanted in exam.items():
        mine = rows["station"] == name
        order = np.argsort(rows["t"][mine], kind="stable")
        found = {key: column[mine][order] for key, column in rows.items()}
        missing, extra = np.setdiff1d(wanted["t"], found["t"]), np.setdiff1d(found["t"], wanted["t"])
        for what, times in (("is not in the exam", missing), ("should not be in the exam", extra)):
            if len(times):
                check.true(f"{name}: {len(times)} rows, first {iso(times[0])}, {what}", False)
        check.true(f"{name}: a row is there twice", len(np.unique(found["t"])) == len(found["t"]))
        if np.array_equal(found["t"], wanted["t"]):
            for key in ("target", "persistence"):
                same = np.array_equal(found[key], wanted[key], equal_nan=True)
                check.true(f"{name}: {key} is not what the raw file says", same)


def in_exam_order(rows, exam, per_station):
    """Numbers given per station and time, in the order of the prediction rows."""
    out = np.full(len(rows["t"]), np.nan)
    for name, values in per_station.items():
        mine = np.flatnonzero(rows["station"] == name)
        at = np.searchsorted(exam[name]["t"], rows["t"][mine]).clip(0, max(len(values) - 1, 0))
        out[mine] = values[at]
    return out


def check_slices(check, report, rows, horizon):
    month, hour = civil(rows["t"], horizon)
    parts = {"station": [(name, rows["station"] == name) for name in sorted(set(rows["station"]))],
             "hour": [(str(h), hour == h) for h in range(24)],
             "month": [(str(m), month == m) for m in range(1, 13)],
             "level": [(name, (low <= rows["target"]) & (rows["target"] < high)) for low, high, name in LEVELS]}
    for kind, wanted in parts.items():
        wanted = [(name, keep) for name, keep in wanted if keep.any()]
        found = {part["name"]: part for part in report["slices"][kind]}
        check.true(f"slices.{kind}: parts {list(found)}", list(found) == [name for name, _ in wanted])
        for name, keep in wanted:
            path, part = f"slices.{kind}[{name}]", found.get(name, {})
            target, said, newest = (rows[key][keep] for key in ("target", "prediction", "persistence"))
            ours, theirs = duel(target, said, newest)
            compare(check, f"{path}.metrics", part.get("metrics", {}), metrics(target, said))
            compare(check, f"{path}.persistence", part.get("persistence", {}), theirs)
            compare(check, f"{path}.skill", part.get("skill", {}), skill(ours, theirs))


def check_worst(check, report, rows):
    error = rows["prediction"] - rows["target"]
    order = sorted(range(len(error)), key=lambda i: (-abs(error[i]), rows["station"][i], rows["t"][i]))[:20]
    check.true("worst: not twenty rows", len(report["worst"]) == len(order))
    for place, (i, found) in enumerate(zip(order, report["worst"])):
        newest = rows["persistence"][i]
        compare(check, f"worst[{place}]", found, {
            "station": str(rows["station"][i]), "time": iso(rows["t"][i]), "target_ug_m3": rows["target"][i],
            "prediction_ug_m3": rows["prediction"][i], "error_ug_m3": error[i],
            "persistence_ug_m3": None if np.isnan(newest) else newest})


def check_whole(check, report, rows, usual):
    target, said = rows["target"], rows["prediction"]
    compare(check, "metrics", report["metrics"], metrics(target, said))
    ours, newest = duel(target, said, rows["persistence"])
    compare(check, "metrics_with_persistence", report["metrics_with_persistence"], ours)
    compare(check, "baselines.persistence", report["baselines"]["persistence"], newest)
    compare(check, "skill_over.persistence", report["skill_over"]["persistence"], skill(ours, newest))
    compare(check, "skill_over_persistence", report["skill_over_persistence"], skill(ours, newest))
    if usual is None:
        check_laws(check, report, "climatology")
    else:
        ours, usual = duel(target, said, usual)
        compare(check, "baselines.climatology", report["baselines"]["climatology"], usual)
        compare(check, "skill_over.climatology", report["skill_over"]["climatology"], skill(ours, usual))
    check_laws(check, report, "linear")
    if "against" in report:
        against = report["against"]
        check_laws_of(check, report, "against.metrics", against["metrics"])
        rmse, other = report["metrics"]["rmse_ug_m3"], against["metrics"]["rmse_ug_m3"]
        check.equal("against.rmse_difference_ug_m3", against["rmse_difference_ug_m3"], rmse - other)
        compare(check, "against.skill", against["skill"], {"skill": 1.0 - rmse / other, "rows": len(target)})
        check.weak |= {"against.closer_rows", "against.farther_rows"}
        check.true("against: more rows than there are", against["closer_rows"] + against["farther_rows"] <= len(target))


def check_laws(check, report, baseline):
    """What must hold for a baseline that answers every row, whatever it says."""
    found = report["baselines"][baseline]
    check_laws_of(check, report, f"baselines.{baseline}", found)
    compare(check, f"skill_over.{baseline}", report["skill_over"][baseline], skill(report["metrics"], found))


def check_laws_of(check, report, path, found):
    ours = report["metrics"]
    for key in ("rows", "mape_rows", "missing"):
        check.equal(f"{path}.{key}", found[key], ours[key])
    rmse, mae, bias, r2 = (found[key] for key in ("rmse_ug_m3", "mae_ug_m3", "bias_ug_m3", "r2"))
    check.true(f"{path}: RMSE below MAE", mae <= rmse * (1 + TOLERANCE))
    check.true(f"{path}: bias above MAE", abs(bias) <= mae * (1 + TOLERANCE))
    # The variance of the targets is the same for all: (1 - R2) / RMSE^2 is one number.
    check.equal(f"{path}.r2", r2, 1.0 - (1.0 - ours["r2"]) / ours["rmse_ug_m3"] ** 2 * rmse**2)
    check.weak |= {f"{path}.{key}" for key in ("rmse_ug_m3", "mae_ug_m3", "bias_ug_m3", "mape_pct")}


def check_files(check, folder, report):
    """Seals and hashes: SHA-256 with the seal's own digits read as zeros."""
    for entry in report["pm25"]["files"]:
        with open(os.path.join(folder, entry["name"]), "rb") as file:
            check.equal(f"files.{entry['name']}", entry["sha256"], hashlib.sha256(file.read()).hexdigest())
    for name, which in (("eval.json", 0), ("predictions.parquet", -1)):
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        marks = list(re.finditer(rb'"pm25-seal:([0-9a-f]{64})', data))
        if not marks:
            check.true(f"{name}: it has no seal", False)
            continue
        mark = marks[which]
        zeroed = data[: mark.start(1)] + b"0" * 64 + data[mark.end(1) :]
        check.equal(f"{name}: seal", mark.group(1).decode(), hashlib.sha256(zeroed).hexdigest())


def unseen(check, report):
    """Numbers of the report that nothing above has looked at."""
    def walk(path, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from walk(f"{path}.{key}" if path else key, inner)
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                name = inner.get("name", place) if isinstance(inner, dict) else place
                yield from walk(f"{path}[{name}]", inner)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield path
    body = {key: value for key, value in report.items() if key not in ("pm25", "model")}
    known = check.seen | check.weak
    paths = [path for path in walk("", body) if "against.model" not in path]
    return paths, [path for path in paths if path not in known]


def iso(t):
    return datetime.datetime.fromtimestamp(int(t), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text):
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError("say the offset from UTC, for example 2016-03-01T00:00:00+08:00")
    return int(time.timestamp())


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--raw", required=True, help="folder with the PRSA_Data_*.csv[.gz] files that were ingested")
    parser.add_argument("--eval", required=True, help="folder with eval.json and predictions.parquet")
    parser.add_argument("--task", required=True, choices=["nowcast", "forecast"])
    parser.add_argument("--horizon-h", type=int, default=0)
    parser.add_argument("--train-until", type=instant, help="T1; without it the climatology is checked by laws only")
    parser.add_argument("--valid-until", type=instant, required=True, help="T2: the exam begins here")
    return parser.parse_args()


def main():
    args = arguments()
    nowcast = args.task == "nowcast"
    horizon = 0 if nowcast else args.horizon_h
    with open(os.path.join(args.eval, "eval.json")) as file:
        refuse = lambda text: sys.exit(f"eval.json: {text} is not a number in JSON")
        report = json.load(file, parse_constant=refuse)
    check = Check()
    check.true("model.task: another task", report["model"]["task"]["kind"] == args.task)
    check.true("model.task: another horizon", report["model"]["task"].get("horizon_h", 0) == horizon)
    exam, train = exam_of(args, read_raw(args.raw), horizon, 1 if nowcast else 0)
    rows = read_predictions(os.path.join(args.eval, "predictions.parquet"))
    check_rows(check, rows, exam, horizon)
    usual = in_exam_order(rows, exam, climatology(train, exam)) if train else None
    check_whole(check, report, rows, usual)
    check_slices(check, report, rows, horizon)
    check_worst(check, report, rows)
    compare(check, "span", report["span"], {"first": iso(rows["t"].min()), "last": iso(rows["t"].max())})
    check_files(check, args.eval, report)
    paths, forgotten = unseen(check, report)
    check.wrong += [f"{path}: not recomputed by this script" for path in forgotten]
    for line in check.wrong:
        print(line)
    by_law = len([path for path in paths if path in check.weak])
    print(f"{len(rows['t'])} rows, {len(paths)} numbers: {len(paths) - by_law} recomputed, {by_law} held to their laws, "
          f"{len(check.wrong)} wrong")
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
