#!/usr/bin/env python3
"""Recomputes every number of a backtest.json from predictions.parquet and the raw UCI Beijing files, and compares.

It shares nothing with pm25 but the two files. When the origins are is read from backtest.json; which hours belong to each, what
was measured in them and what could be learned before them it works out itself. It exits with 1 and names each number that
differs.

    bench/.venv/bin/python bench/recompute_backtest.py --raw ../shared/data/beijing --backtest out

Definitions, beside those of recompute.py
  judged rows of an origin   every hour t of a station with origin <= t < until whose target is measured; no other
  train rows                 t + h < origin - valid days, and not before the train window; valid rows: from origin - valid days
                             on, t + h < origin
  climatology                of the train rows; of the valid rows, too, where the models learn from both (best, blend)
  persistence_24h            PM2.5 of the hour t + h - 24 k, the newest that is known at t, of the whole record
  linear                     as the column linear_ug_m3 says; that it is a ridge needs the model
"""

import argparse
import json
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from luck import Draws, mod_stats
from recompute import HOUR, Check, check_bootstrap, check_files, check_rows, civil, climatology, compare, duel, in_exam_order
from recompute import instant, metrics, read_predictions, read_raw, rows_of, skill, verdict

DAY = 24 * HOUR


def of_record(grids, horizon, lag):
    """Per station every row with a target; beside it PM2.5 by a day before."""
    record = {}
    back = horizon - 24 * (-(-(horizon + lag) // 24))
    for name, (first, values) in grids.items():
        t, target, persistence = rows_of(first, values, horizon, lag)
        month, hour = civil(t, horizon)
        at = (t - first) // HOUR + back
        day = np.where(0 <= at, values[np.maximum(at, 0)], np.nan)
        record[name] = {"t": t, "target": target, "persistence": persistence, "month": month, "hour": hour, "day": day}
    return record


def pick(record, keep):
    return {name: {key: column[keep(rows["t"])] for key, column in rows.items()} for name, rows in record.items()}


def rows_before(record, params, origin, horizon):
    t1 = origin - DAY * params["valid_days"]
    window = params.get("train_window_days")
    first = -(2**62) if window is None else t1 - DAY * window
    train = pick(record, lambda t: (first <= t) & (t + horizon * HOUR < t1))
    valid = pick(record, lambda t: (t1 <= t) & (t + horizon * HOUR < origin))
    return train, valid


def count(rows):
    return sum(len(of["t"]) for of in rows.values())


def check_scores(check, path, found, rows, keep):
    target, said = rows["target"][keep], rows["prediction"][keep]
    compare(check, f"{path}.metrics", found["metrics"], metrics(target, said))
    for name in ("persistence", "persistence_24h", "climatology", "linear"):
        ours, theirs = duel(target, said, rows[name][keep])
        compare(check, f"{path}.baselines.{name}", found["baselines"][name], theirs)
        compare(check, f"{path}.skill_over.{name}", found["skill_over"][name], skill(ours, theirs))


def check_origin(check, place, found, rows, record, params, horizon):
    """One origin: its rows, what could teach, its scores. Fills climatology and persistence by a day of its rows."""
    origin, until = instant(found["origin"]), instant(found["until"])
    keep = rows["origin"] == origin
    mine = {key: column[keep] for key, column in rows.items() if isinstance(column, np.ndarray)}
    exam = pick(record, lambda t: (origin <= t) & (t < until))
    check_rows(check, mine, {name: of for name, of in exam.items() if len(of["t"])}, horizon)
    train, valid = rows_before(record, params, origin, horizon)
    path = f"origins[{place}]"
    compare(check, path, found, {"train_rows": count(train), "valid_rows": count(valid),
                                 "stations": sum(0 < len(of["t"]) for of in train.values())})
    teach = train
    if params["model"] in ("best", "blend"):
        teach = {name: {key: np.concatenate([of[key], valid[name][key]]) for key in of} for name, of in train.items()}
    usual = in_exam_order(mine, exam, climatology(teach, exam))
    far = np.abs(usual - mine["climatology"]) > 1e-9 * np.maximum(1, np.abs(usual))
    check.true(f"{path}: {int(far.sum())} rows have another climatology", not far.any())
    rows["persistence_24h"][keep] = in_exam_order(mine, exam, {name: of["day"] for name, of in exam.items()})
    check_scores(check, f"{path}.scores", found["scores"], rows, keep)
    check.weak.add(f"{path}.n_features")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--raw", required=True, help="folder with the PRSA_Data_*.csv[.gz] files that were ingested")
    parser.add_argument("--backtest", required=True, help="folder with backtest.json and predictions.parquet")
    args = parser.parse_args()
    with open(os.path.join(args.backtest, "backtest.json")) as file:
        refuse = lambda text: sys.exit(f"backtest.json: {text} is not a number in JSON")
        report = json.load(file, parse_constant=refuse)
    params, check = report["pm25"]["params"], Check()
    horizon, lag = params["horizon_h"], 1 if params["task"] == "nowcast" else 0
    path = os.path.join(args.backtest, "predictions.parquet")
    rows, table = read_predictions(path), pq.read_table(path)
    rows["climatology"] = table.column("climatology_ug_m3").to_numpy()
    rows["origin"] = table.column("origin").cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    rows["persistence_24h"] = np.full(len(rows["t"]), np.nan)
    record = of_record(read_raw(args.raw), horizon, lag)
    for place, found in enumerate(report["origins"]):
        check_origin(check, place, found, rows, record, params, horizon)
    origins = [instant(found["origin"]) for found in report["origins"]]
    check.true("origin: rows of other origins", set(rows["origin"]) == set(origins))
    check_scores(check, "overall", report["overall"], rows, np.ones(len(rows["t"]), dtype=bool))
    compare(check, "mod_stats", report["mod_stats"], mod_stats(rows["target"], rows["prediction"]))
    check.equal("task.horizon_h", report["task"].get("horizon_h", 0), horizon)
    if "bootstrap" in report:
        baselines = {name: rows[name] for name in ("persistence", "persistence_24h", "climatology", "linear")}
        check_bootstrap(check, report, rows, baselines, Draws(rows, horizon))
    check_files(check, args.backtest, report, "backtest.json")
    return verdict(check, report, len(rows["t"]), "taken as given")


if __name__ == "__main__":
    sys.exit(main())
