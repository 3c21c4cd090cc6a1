"""Reads the same generated CSV files with pm25-ingest and with polars, in turn, and prints medians and ratios.

Ours does more: every rule of the profile, flags, hashes of all inputs, a report. polars scans, parses the stamps and
writes Parquet by its streaming engine. Both write zstd at the same level. Each run is a process of its own, so that its
largest resident memory is its own; runs are interleaved, so that a busy machine slows both. The bars: wall not above
polars', memory at most 0.4 times polars'. Ends with 1 if the memory bar is missed; wall is told and not judged, since
only a quiet machine can judge it.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import generate

MEMORY_RATIO_MAX = 0.4
COLUMNS = ["PM2.5", "PM10", "O3", "CO", "NO2", "SO2"]
PEER = """
import sys, polars as pl
folder, out = sys.argv[1:]
numbers = {name: pl.Float64 for name in %r}
frame = pl.scan_csv(folder + "/*.csv", schema_overrides={"Timestamp": pl.String, "station": pl.String, **numbers})
stamp = pl.col("Timestamp").str.to_datetime("%%Y-%%m-%%d %%H:%%M:%%S", strict=False)
frame.with_columns(stamp).sink_parquet(out, compression="zstd", compression_level=1)
""" % COLUMNS


def station(np, index, n):
    """Hourly pollutants of one station, two decimals, eight in a hundred missing."""
    table, pm25 = generate._station(np, 7, index, n, generate.CLASSIC)
    chance = np.random.default_rng([8, index])
    pm10, o3, co = (table[:, column].astype(np.float64) for column in range(3))
    no2 = 9 + 0.28 * pm25.astype(np.float64) ** 0.85 * np.exp(0.1 * chance.standard_normal(n))
    so2 = 4 + 1.1 * pm25.astype(np.float64) ** 0.45 * np.exp(0.1 * chance.standard_normal(n))
    columns = [pm25.astype(np.float64), pm10, np.maximum(o3, 1.0), co, no2, so2]
    for column in columns:
        column[chance.random(n) < generate.MISSING_SHARE] = np.nan
    return [np.round(np.minimum(column, 999.0), 2) for column in columns]


def write(folder, files, rows):
    """In a process of its own: a child's largest memory counts from its parent's, which must stay small."""
    import numpy as np
    import polars as pl
    begin = np.datetime64("2012-01-01T00:00:00", "us")
    for index in range(files):
        stamps = begin + np.arange(rows) * np.timedelta64(3600, "s")
        values = {name: pl.Series(column).fill_nan(None) for name, column in zip(COLUMNS, station(np, index, rows))}
        stamps = pl.Series(stamps).dt.strftime("%Y-%m-%d %H:%M:%S")
        frame = pl.DataFrame({"Timestamp": stamps, "station": [f"ST{index:03d}"] * rows, **values})
        frame.write_csv(f"{folder}/ST{index:03d}.csv")


def run(command, threads):
    """Wall and processor seconds and peak MiB of one process."""
    begun = time.perf_counter()
    environment = {**os.environ, "POLARS_MAX_THREADS": str(threads)}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ingest", required=True, help="the program")
    parser.add_argument("--rows", type=float, default=12.1, help="millions, over all files")
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    rows = int(args.rows * 1e6) // args.files
    with tempfile.TemporaryDirectory() as top:
        raw = os.path.join(top, "raw")
        os.mkdir(raw)
        subprocess.run([sys.executable, __file__, "write", raw, str(args.files), str(rows)], check=True)
        megabytes = sum(entry.stat().st_size for entry in os.scandir(raw)) / 1e6
        out = {name: os.path.join(top, name + ".parquet") for name in ("ours", "polars")}
        commands = {
            "ours": [args.ingest, "-q", raw, "--profile", "in", "--threads", str(args.threads),
                     "--out", out["ours"], "--report", os.path.join(top, "ingest.json")],
            "polars": [sys.executable, "-c", PEER, raw, out["polars"]],
        }
        figures = {name: [] for name in commands}
        for number in range(args.runs + 1):
            for name, command in commands.items():
                figure = run(command, args.threads)
                if number:  # The first is for the caches.
                    figures[name].append(figure)
        sizes = {name: os.path.getsize(path) / 1e6 for name, path in out.items()}
    print(f"{args.rows:g} M rows, {megabytes:.0f} MB in {args.files} files, {args.threads} threads, {args.runs} runs each")
    print(f"{'':8}{'wall s':>10}{'cpu s':>10}{'peak MiB':>10}{'out MB':>10}")
    for name, runs in figures.items():
        medians = [statistics.median(column) for column in zip(*runs)]
        print(f"{name:8}" + "".join(f"{value:10.2f}" for value in (*medians, sizes[name])))
    ratios = [statistics.median(a / b for a, b in zip(ours, theirs))
              for ours, theirs in zip(zip(*figures["ours"]), zip(*figures["polars"]))]
    print(f"{'ratio':8}" + "".join(f"{ratio:10.2f}" for ratio in ratios))
    if MEMORY_RATIO_MAX < ratios[2]:
        sys.exit(f"memory is more than {MEMORY_RATIO_MAX} times polars'")


if sys.argv[1:2] == ["write"]:
    write(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    main()
