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
  climatology             mean target of the train rows (t + h < --train-until, h of several the longest, see
                          --embargo-h; of the valid rows, too, if the model learned from them) of the same station, month and local
                          standard hour of the target's hour; else of station and month; of the station; of all
  persistence_24h         PM2.5 of the hour u = t + h - 24 k, the newest that is known at t, where the table of test
                          rows tells it: u is the hour of a target (--valid-until + h or later) or of a row's persistence
  linear                  as the column linear_ug_m3 of predictions.parquet says; that it is a ridge needs the model
  bootstrap               circular blocks of max(168, 2 h) hours, all stations together; block b of replicate r of n
                          blocks begins at number r n + b of the stream mix(mix(seed) + i 0x9e3779b97f4a7c15), mix being
                          SplitMix64, scaled to the hours; ends are the 50th smallest and largest of 2000 values
  Diebold-Mariano         hourly means over stations, Newey-West weights 1 - k / h, Harvey's correction, Student's law
  intervals               where columns base_lower_ug_m3 and base_upper_ug_m3 are there, lower_ and upper_ follow what came true:
                          a truth's place in its base interval, in whole thousandths of the width, is a score; a row at t
                          knows the scores of forecasts issued at s <= t - max(h, 1) hours, and remembers those of the last
                          window_h hours, an hour weighing 1 whatever its rows, and the model's own scores, together prior_h;
                          the ends leave (1 - promise) / 2 of the weight outside. What the model remembers needs --model
  exceedance              target > threshold is an event, prediction > line a warning; lines are chosen on validation
                          rows with the model and are taken as given, what came of them is recomputed
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

from luck import Draws, diebold_mariano, mod_stats

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


def exam_of(args, grids, horizon, lag, learned_from):
    """The rows that must be there, and the rows that the climatology learned from, per station."""
    exam, train = {}, {}
    for name, (first, values) in grids.items():
        t, target, persistence = rows_of(first, values, horizon, lag)
        month, hour = civil(t, horizon)
        rows = {"t": t, "target": target, "persistence": persistence, "month": month, "hour": hour}
        pick = lambda keep: {key: column[keep] for key, column in rows.items()}
        exam[name] = pick(t >= args.valid_until)
        if args.train_until is not None:
            # One split serves all horizons of a table: no row whose target at any of them is beyond a cut teaches.
            longest = max(horizon, args.embargo_h or 0)
            known = t + longest * HOUR < args.train_until
            if learned_from == "train+valid":
                known |= (args.train_until <= t) & (t + longest * HOUR < args.valid_until)
            train[name] = pick(known)
    return exam, train


def read_predictions(path):
    table = pq.read_table(path)
    column = lambda name: table.column(name).to_numpy(zero_copy_only=False)
    time = table.column("time").cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    return {"station": np.array([str(name) for name in table.column("station").to_pylist()]), "t": time,
            "horizon": column("horizon_h"), "target": column("target_ug_m3").astype(np.float64),
            "persistence": column("persistence_ug_m3").astype(np.float64),
            "prediction": column("prediction_ug_m3").astype(np.float64),
            "linear": column("linear_ug_m3").astype(np.float64),
            "base": [column(name) for name in ("base_lower_ug_m3", "base_upper_ug_m3") if name in table.column_names],
            "ends": {name[:5]: (int(name.split("_")[1]) / 100, column(name)) for name in table.column_names
                     if name.startswith(("lower_", "upper_"))},
            "above": {float(name[len("probability_above_"):].replace("_", ".")): column(name)
                      for name in table.column_names if name.startswith("probability_above_")}}


def check_rows(check, rows, exam, horizon):
    """Every hour of the exam exactly once, none more, with the target and persistence of the raw files."""
    check.true("prediction_ug_m3: a row has no prediction", not np.isnan(rows["prediction"]).any())
    check.true("horizon_h: not the horizon that was asked for", bool((rows["horizon"] == horizon).all()))
    check.true("station: not the raw stations", set(rows["station"]) == {name for name in exam if len(exam[name]["t"])})
    for name, wanted in exam.items():
        mine = rows["station"] == name
        order = np.argsort(rows["t"][mine], kind="stable")
        found = {key: rows[key][mine][order] for key in ("t", "target", "persistence")}
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
             "season": [(name, month % 12 // 3 == i) for i, name in enumerate(("DJF", "MAM", "JJA", "SON"))],
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


def check_coverage(check, report, rows, horizon):
    """Whether intervals hold: all rows, and parts by what is known when an interval is given."""
    found, (promised, low), (_, high) = report["coverage"], rows["ends"]["lower"], rows["ends"]["upper"]
    target, (month, hour) = rows["target"], civil(rows["t"], horizon)
    check.equal("coverage.promised", found["promised"], promised)

    def one(path, reported, keep):
        y, below, above = target[keep], low[keep], high[keep]
        outside = np.maximum(below - y, 0) + np.maximum(y - above, 0)
        compare(check, path, reported, {
            "covered": float(np.mean((below <= y) & (y <= above))), "below": float(np.mean(y < below)),
            "above": float(np.mean(above < y)), "mean_width_ug_m3": float(np.mean(above - below)),
            "winkler_ug_m3": float(np.mean(above - below + 2 / (1 - promised) * outside)), "rows": int(keep.sum())})

    one("coverage.overall", found["overall"], np.ones(len(target), dtype=bool))
    said = rows["prediction"]
    parts = {"month": [(str(m), month == m) for m in range(1, 13)], "hour": [(str(h), hour == h) for h in range(24)],
             "station": [(name, rows["station"] == name) for name in sorted(set(rows["station"]))],
             "predicted_level": [(name, (a <= said) & (said < b)) for a, b, name in LEVELS]}
    for kind, wanted in parts.items():
        wanted = [(name, keep) for name, keep in wanted if keep.any()]
        check.true(f"coverage.{kind}: other parts", [part["name"] for part in found[kind]] == [name for name, _ in wanted])
        for (name, keep), part in zip(wanted, found[kind]):
            one(f"coverage.{kind}[{name}].coverage", part["coverage"], keep)


def weighted_end(scores, weights, outside):
    """The first score in the given order with which the weight outside is reached; weights are whole numbers."""
    return scores[np.searchsorted(np.cumsum(weights), outside - 0.5)]


def followed(rows, memory, promised, horizon):
    """Ends of intervals that follow what came true, worked out anew for every hour."""
    hour_weight, lag = 720720, max(horizon, 1) * HOUR
    (low, high), t, target = rows["base"], rows["t"], rows["target"]
    width = high - low
    place = (target - low) / width * 1000
    scores = np.clip(np.trunc(place + np.copysign(0.5, place)), -1e6, 1e6).astype(np.int64)
    seconds = lambda stamp: instant(stamp)
    known_until, issued_until = seconds(memory["known_until"]), seconds(memory["issued_until"])
    old = [(seconds(hour["issued"]), score, len(hour["scores"])) for hour in memory["hours"] for score in hour["scores"]]
    new = np.flatnonzero((t > issued_until) & (width > 0))
    per_hour = dict(zip(*np.unique(t[new], return_counts=True)))
    issued = np.concatenate([[entry[0] for entry in old], t[new]]).astype(np.int64)
    score = np.concatenate([[entry[1] for entry in old], scores[new]]).astype(np.int64)
    weight = np.concatenate([[hour_weight // entry[2] for entry in old], [hour_weight // per_hour[s] for s in t[new]]])
    order = np.argsort(issued, kind="stable")
    issued, score, weight = issued[order], score[order], weight[order].astype(np.int64)
    prior = np.array(memory["prior"], dtype=np.int64)
    prior_weight = np.full(len(prior), memory["prior_h"] * hour_weight // len(prior), dtype=np.int64)
    ends = np.empty((len(t), 2))
    for now in np.unique(t):
        mine = t == now
        if now < known_until:
            ends[mine] = np.column_stack([low[mine], high[mine]])
            continue
        first, last = np.searchsorted(issued, [now - lag - memory["window_h"] * HOUR, now - lag], side="right")
        all_scores = np.concatenate([prior, score[first:last]])
        all_weights = np.concatenate([prior_weight, weight[first:last]])
        up = np.argsort(all_scores, kind="stable")
        outside = (1 - promised) / 2 * all_weights.sum()
        lower = weighted_end(all_scores[up], all_weights[up], outside)
        upper = weighted_end(all_scores[up[::-1]], all_weights[up[::-1]], outside)
        ends[mine] = low[mine, None] + width[mine, None] * (np.array([lower, upper]) / 1000)
    return possible(rows["prediction"], ends[:, 0], ends[:, 1])


def possible(prediction, low, high):
    """Ends with the prediction between them, the lower one not below 0 unless the prediction is."""
    return np.maximum(np.minimum(low, prediction), np.minimum(prediction, 0)), np.maximum(high, prediction)


def check_followed(check, report, rows, model, horizon):
    """Whether the intervals' ends are what the base intervals and what was known at each hour give."""
    (promised, low), (_, high) = rows["ends"]["lower"], rows["ends"]["upper"]
    base_low, base_high = rows["base"]
    fixed = possible(rows["prediction"], base_low, base_high)
    outside = np.maximum(fixed[0] - rows["target"], 0) + np.maximum(rows["target"] - fixed[1], 0)
    inside = (fixed[0] <= rows["target"]) & (rows["target"] <= fixed[1])
    compare(check, "coverage.fixed", report["coverage"]["fixed"], {
        "covered": float(inside.mean()), "below": float(np.mean(rows["target"] < fixed[0])),
        "above": float(np.mean(fixed[1] < rows["target"])), "mean_width_ug_m3": float(np.mean(fixed[1] - fixed[0])),
        "winkler_ug_m3": float(np.mean(fixed[1] - fixed[0] + 2 / (1 - promised) * outside)), "rows": len(low)})
    if model is None:
        print("ends that follow what came true are taken as written: give --model to have them recomputed")
        return
    with open(model) as file:
        memory = json.load(file)["online"]
    expected = followed(rows, memory, promised, horizon)
    for name, found, wanted in (("lower", low, expected[0]), ("upper", high, expected[1])):
        wrong = np.flatnonzero(np.abs(found - wanted) > TOLERANCE * np.maximum(1, np.abs(wanted)))
        check.true(f"{name} ends: {len(wrong)} rows differ, first {rows['station'][wrong[:1]]} {rows['t'][wrong[:1]]}",
                   len(wrong) == 0)


def check_worst_slices(check, report):
    """From the slices, which have been recomputed."""
    expected = []
    for kind in ("station", "month", "hour", "season", "level"):
        known = [part for part in report["slices"][kind] if part["skill"]["skill"] is not None and part["skill"]["rows"] >= 168]
        if known:
            worst = min(known, key=lambda part: part["skill"]["skill"])
            expected.append({"kind": kind, "name": worst["name"], "rmse_ug_m3": worst["metrics"]["rmse_ug_m3"],
                             "skill": worst["skill"]})
    check.true("worst_slices: others", report.get("worst_slices", []) == expected)
    for part in report.get("worst_slices", []):
        check.seen |= {f"worst_slices[{part['name']}].{key}" for key in ("rmse_ug_m3", "skill.skill", "skill.rows")}


def check_ends(check, path, reported, expected):
    if reported is None or expected is None:
        check.equal(path, reported, expected)
        return
    for place, (found, wanted) in enumerate(zip(reported, expected)):
        check.equal(f"{path}[{place}]", found, wanted)


def skill_ends(draws, target, ours, theirs):
    keep = ~np.isnan(theirs)
    with np.errstate(invalid="ignore", divide="ignore"):
        return draws.ends(1 - np.sqrt(draws.sums((ours - target) ** 2, keep) / draws.sums((theirs - target) ** 2, keep)))


def check_bootstrap(check, report, rows, baselines, draws):
    found, target, said = report["bootstrap"], rows["target"], rows["prediction"]
    compare(check, "bootstrap", found, {"level": 0.95, "block_h": draws.block, "replicates": 2000, "seed": 1,
                                        "hours": draws.n_hours})
    ones = np.ones(len(target))
    with np.errstate(invalid="ignore", divide="ignore"):
        rmse = np.sqrt(draws.sums((said - target) ** 2) / draws.sums(ones))
    check_ends(check, "bootstrap.rmse_ug_m3", found["rmse_ug_m3"], draws.ends(rmse))
    for name, theirs in baselines.items():
        if theirs is None:
            check.weak |= {f"bootstrap.skill_over.{name}[{place}]" for place in (0, 1)}
            continue
        check_ends(check, f"bootstrap.skill_over.{name}", found["skill_over"][name], skill_ends(draws, target, said, theirs))


def alarms(target, said, threshold, line):
    have = ~np.isnan(said)
    event, warned = target[have] > threshold, said[have] > line
    hits, misses = int((event & warned).sum()), int((event & ~warned).sum())
    false, quiet = int((~event & warned).sum()), int((~event & ~warned).sum())
    share = lambda part, whole: part / whole if whole else None
    return {"hits": hits, "misses": misses, "false_alarms": false, "quiet": quiet, "pod": share(hits, hits + misses),
            "far": share(false, hits + false), "csi": share(hits, hits + misses + false)}


def check_exceedance(check, report, rows, draws):
    target = rows["target"]
    warners = {"model": rows["prediction"], "persistence": rows["persistence"], "linear": rows["linear"]}
    for place, part in enumerate(report.get("exceedance", [])):
        path, threshold = f"exceedance[{place}]", part["threshold_ug_m3"]
        check.weak.add(f"{path}.threshold_ug_m3")
        check.equal(f"{path}.events", part["events"], int((target > threshold).sum()))
        for kind, scores in (("plain", part["plain"]), ("tuned", part.get("tuned", {}).get("scores")),
                             ("cheapest", part.get("cheapest", {}).get("scores"))):
            for name in warners if scores else ():
                where = f"{path}.{kind}" + ("" if kind == "plain" else ".scores") + f".{name}"
                line = scores[name]["line_ug_m3"]
                compare(check, where, scores[name], alarms(target, warners[name], threshold, line))
                if kind == "plain":
                    check.equal(f"{where}.line_ug_m3", line, threshold)
                else:
                    check.weak.add(f"{where}.line_ug_m3")
        if "tuned" in part:
            check_tuned(check, path, part, rows, draws)
        if "cheapest" in part:
            check.weak.add(f"{path}.cheapest.warning_cost")
            for name, scores in part["cheapest"]["scores"].items():
                n = sum(scores[key] for key in ("hits", "misses", "false_alarms", "quiet"))
                lost = part["cheapest"]["warning_cost"] * (scores["hits"] + scores["false_alarms"]) + scores["misses"]
                check.equal(f"{path}.cheapest.loss_per_1000.{name}", part["cheapest"]["loss_per_1000"][name], 1000 * lost / n)
        if "probability" in part:
            check_probability(check, f"{path}.probability", part["probability"], rows["above"][threshold], target > threshold)


def check_tuned(check, path, part, rows, draws):
    tuned, threshold, counts = part["tuned"], part["threshold_ug_m3"], {}
    check.weak.add(f"{path}.tuned.valid_events")
    for name, said in (("model", rows["prediction"]), ("linear", rows["linear"])):
        event, warned = rows["target"] > threshold, said > tuned["scores"][name]["line_ug_m3"]
        with np.errstate(invalid="ignore", divide="ignore"):
            counts[name] = draws and draws.sums((event & warned).astype(float)) / draws.sums((event | warned).astype(float))
    csi = {name: tuned["scores"][name]["csi"] for name in counts}
    check.equal(f"{path}.tuned.csi_over_linear", tuned["csi_over_linear"], csi["model"] - csi["linear"])
    if draws:
        check_ends(check, f"{path}.tuned.csi", tuned["csi"], draws.ends(counts["model"]))
        check_ends(check, f"{path}.tuned.csi_over_linear_interval", tuned["csi_over_linear_interval"],
                   draws.ends(counts["model"] - counts["linear"]))


def check_probability(check, path, found, chance, came):
    score, usual = float(np.mean((chance - came) ** 2)), float(came.mean())
    check.equal(f"{path}.brier", found["brier"], score)
    check.equal(f"{path}.brier_skill", found["brier_skill"], 1 - score / (usual * (1 - usual)) if 0 < usual < 1 else None)
    bins, place = np.minimum((chance * 10).astype(int), 9), 0
    kept, promised = (np.array([values[bins == b].mean() for b in bins_there]) for bins_there in [np.unique(bins)]
                      for values in (came, chance))
    share = np.unique(bins, return_counts=True)[1] / len(bins)
    compare(check, f"{path}.decomposition", found["decomposition"], {
        "reliability": float(share @ (promised - kept) ** 2), "resolution": float(share @ (kept - usual) ** 2),
        "uncertainty": usual * (1 - usual)})
    for number in range(10):
        mine = bins == number
        if mine.any():
            compare(check, f"{path}.reliability[{place}]", found["reliability"][place],
                    {"promised": chance[mine].mean(), "kept": came[mine].mean(), "rows": int(mine.sum())})
            place += 1
    check.true(f"{path}.reliability: not {place} bins", len(found["reliability"]) == place)


def check_duel(check, report, rows, other, draws, horizon):
    """Against an evaluation whose folder is at hand."""
    target, said, theirs = rows["target"], rows["prediction"], other["prediction"]
    for key in ("station", "t", "target"):
        check.true(f"against: {key} of other rows", np.array_equal(rows[key], other[key]))
    found, ours_error, their_error = report["against"], np.abs(said - target), np.abs(theirs - target)
    compare(check, "against.metrics", found["metrics"], metrics(target, theirs))
    check.equal("against.closer_rows", found["closer_rows"], int((ours_error < their_error).sum()))
    check.equal("against.farther_rows", found["farther_rows"], int((their_error < ours_error).sum()))
    if draws is None or "duel" not in found:
        return
    duel, n = found["duel"], draws.sums(np.ones(len(target)))
    with np.errstate(invalid="ignore"):
        lead = np.sqrt(draws.sums(ours_error**2) / n) - np.sqrt(draws.sums(their_error**2) / n)
    check_ends(check, "against.duel.rmse_difference_ug_m3", duel["rmse_difference_ug_m3"], draws.ends(lead))
    check_ends(check, "against.duel.skill", duel["skill"], skill_ends(draws, target, said, theirs))
    rows_of_hour = np.bincount(draws.hour, minlength=draws.n_hours)
    loss = np.bincount(draws.hour, weights=ours_error**2 - their_error**2, minlength=draws.n_hours)
    test = diebold_mariano(np.where(rows_of_hour > 0, loss / np.maximum(rows_of_hour, 1), np.nan), max(horizon, 1))
    compare(check, "against.duel.diebold_mariano", duel["diebold_mariano"] or {}, test)
    low, high = draws.ends(lead)
    sure = test and test["p_value"] < 0.05
    check.equal("against.duel.verdict", duel["verdict"],
                "better" if sure and high < 0 else "worse" if sure and low > 0 else "undecided")


def day_before(args, rows, exam, horizon, lag):
    """PM2.5 of the same hour of the day, where the test rows tell it; in the order of the prediction rows."""
    out = np.full(len(rows["t"]), np.nan)
    days = -(-(horizon + lag) // 24)
    for name, wanted in exam.items():
        known = dict(zip((wanted["t"] - lag * HOUR).tolist(), wanted["persistence"].tolist()))
        known.update(zip((wanted["t"] + horizon * HOUR).tolist(), wanted["target"].tolist()))
        mine = np.flatnonzero(rows["station"] == name)
        hours = rows["t"][mine] + (horizon - 24 * days) * HOUR
        out[mine] = [known.get(hour, math.nan) for hour in hours.tolist()]
    return out


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
    ours, line = duel(target, said, rows["linear"])
    compare(check, "baselines.linear", report["baselines"]["linear"], line)
    compare(check, "skill_over.linear", report["skill_over"]["linear"], skill(ours, line))
    ours, day = duel(target, said, rows["day_before"])
    compare(check, "baselines.persistence_24h", report["baselines"]["persistence_24h"], day)
    compare(check, "skill_over.persistence_24h", report["skill_over"]["persistence_24h"], skill(ours, day))
    compare(check, "mod_stats", report["mod_stats"], mod_stats(target, said))
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


def check_files(check, folder, report, document="eval.json"):
    """Seals and hashes: SHA-256 with the seal's own digits read as zeros."""
    for entry in report["pm25"]["files"]:
        with open(os.path.join(folder, entry["name"]), "rb") as file:
            check.equal(f"files.{entry['name']}", entry["sha256"], hashlib.sha256(file.read()).hexdigest())
    for name, which in ((document, 0), ("predictions.parquet", -1)):
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
    parser.add_argument("--against", help="folder of the evaluation that was given with --against")
    parser.add_argument("--model", help="the model.json that was judged: with it intervals that follow are recomputed")
    parser.add_argument("--task", required=True, choices=["nowcast", "forecast"])
    parser.add_argument("--horizon-h", type=int, default=0)
    parser.add_argument("--embargo-h", type=int, help="the longest horizon of tables that have several")
    parser.add_argument("--train-until", type=instant, help="T1; without it the climatology is checked by laws only")
    parser.add_argument("--valid-until", type=instant, required=True, help="T2: the exam begins here")
    return parser.parse_args()


def verdict(check, report, n_rows, weakly):
    """Says what was found wrong or forgotten; the exit status. `weakly`: what was done with numbers not recomputed."""
    paths, forgotten = unseen(check, report)
    check.wrong += [f"{path}: not recomputed by this script" for path in forgotten]
    for line in check.wrong:
        print(line)
    n_weak = len([path for path in paths if path in check.weak])
    print(f"{n_rows} rows, {len(paths)} numbers: {len(paths) - n_weak} recomputed, {n_weak} {weakly}, "
          f"{len(check.wrong)} wrong")
    return 1 if check.wrong else 0


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
    exam, train = exam_of(args, read_raw(args.raw), horizon, 1 if nowcast else 0,
                          report["pm25"]["facts"].get("model_learned_from", "train"))
    rows = read_predictions(os.path.join(args.eval, "predictions.parquet"))
    check_rows(check, rows, exam, horizon)
    usual = in_exam_order(rows, exam, climatology(train, exam)) if train else None
    rows["day_before"] = day_before(args, rows, exam, horizon, 1 if nowcast else 0)
    check_whole(check, report, rows, usual)
    draws = Draws(rows, horizon) if "bootstrap" in report else None
    if draws:
        baselines = {"persistence": rows["persistence"], "persistence_24h": rows["day_before"], "climatology": usual,
                     "linear": rows["linear"]}
        check_bootstrap(check, report, rows, baselines, draws)
    check_exceedance(check, report, rows, draws)
    if args.against:
        other = read_predictions(os.path.join(args.against, "predictions.parquet"))
        check_duel(check, report, rows, other, draws, horizon)
    elif "duel" in report.get("against", {}):
        paths = [f"{key}[{place}]" for key in ("rmse_difference_ug_m3", "skill") for place in (0, 1)]
        paths += [f"diebold_mariano.{key}" for key in ("hours", "lags_h", "mean_square_difference", "statistic", "p_value")]
        check.weak |= {f"against.duel.{path}" for path in paths}
    check_worst_slices(check, report)
    if "coverage" in report:
        check_coverage(check, report, rows, horizon)
    if rows["base"]:
        check_followed(check, report, rows, args.model, horizon)
    check_slices(check, report, rows, horizon)
    check_worst(check, report, rows)
    compare(check, "span", report["span"], {"first": iso(rows["t"].min()), "last": iso(rows["t"].max())})
    check_files(check, args.eval, report)
    return verdict(check, report, len(rows["t"]), "held to their laws")


if __name__ == "__main__":
    sys.exit(main())
