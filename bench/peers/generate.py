"""A made-up network's hours as raw f32 matrices: enough shape to learn, seeded, and with holes.

Only the standard library is needed, numpy is used where it is (the two make different numbers of the same kind).
PM2.5 is a smooth wave of season and hour times an autocorrelated weather; co-pollutants follow it with noise of their
own, so that no feature tells everything.
"""
import array
import math
import random

N_HOURS_STATION = 50_000
TEST_SHARE = 0.2
MISSING_SHARE = 0.08
CLASSIC = 6


def _wander(np, chance, n, memory):
    """A first-order autoregression of unit variance, in blocks so that no loop runs over hours."""
    steps = chance.standard_normal(n) * math.sqrt(1.0 - memory * memory)
    out, last, block = np.empty(n), chance.standard_normal(), 512
    powers = memory ** np.arange(1, block + 1)
    for start in range(0, n, block):
        part = steps[start:start + block]
        k = len(part)
        # y[i] = memory^(i+1) last + sum over j <= i of memory^(i-j) step[j]
        out[start:start + k] = powers[:k] * last + np.convolve(part, memory ** np.arange(k))[:k]
        last = out[start + k - 1]
    return out


def _station(np, seed, index, n, n_columns):
    chance = np.random.default_rng([seed, index])
    hours = np.arange(n)
    hour, day = hours % 24, hours // 24
    season = np.cos(2 * np.pi * (day - 10) / 365.25)
    traffic = np.exp(-((hour - 8.0) / 3) ** 2) + np.exp(-((hour - 20.0) / 4) ** 2)
    weather = _wander(np, chance, n, 0.98)
    pm25 = np.exp(chance.normal(3.8, 0.3) + 0.5 * season + 0.2 * traffic + 0.6 * weather)
    sun = np.maximum(0.0, np.sin(np.pi * (hour - 6) / 12))
    columns = [
        pm25 * np.exp(0.5 + 0.35 * _wander(np, chance, n, 0.95)) + 5,
        20 + 60 * sun * np.exp(0.3 * _wander(np, chance, n, 0.9)) - 0.05 * pm25,
        0.3 + 0.01 * pm25 * np.exp(0.4 * _wander(np, chance, n, 0.93)) * (1 + 0.3 * traffic),
        hour, day % 7, 1 + (day % 365) // 31,
    ]
    while len(columns) < n_columns:
        # Further instruments: each sees the air, the season or nothing, through noise of its own.
        signal = (np.log(pm25), season, 0.0)[len(columns) % 3]
        columns.append(signal + _wander(np, chance, n, 0.9))
    table = np.column_stack(columns).astype(np.float32)
    measured = [c for c in range(n_columns) if c not in (3, 4, 5)]
    for c in measured:
        table[chance.random(n) < MISSING_SHARE, c] = np.nan
    return table, (pm25 * np.exp(0.08 * chance.standard_normal(n))).astype(np.float32)


def with_numpy(np, n_rows, n_columns, seed=1):
    """(train matrix, targets), (test matrix, targets): the last fifth of each station's hours is the test."""
    parts = {True: [], False: []}
    for index in range(math.ceil(n_rows / N_HOURS_STATION)):
        n = min(N_HOURS_STATION, n_rows - index * N_HOURS_STATION)
        table, target = _station(np, seed, index, n, n_columns)
        cut = int(n * (1 - TEST_SHARE))
        parts[True].append((table[:cut], target[:cut]))
        parts[False].append((table[cut:], target[cut:]))
    return [tuple(np.concatenate(piece) for piece in zip(*parts[key])) for key in (True, False)]


def write(np, path, table, target):
    """Columns one after the other, then the target: what examples/fit.rs reads."""
    with open(path, "wb") as file:
        np.asfortranarray(table).T.tofile(file)
        target.tofile(file)


def write_plain(path, n_rows, n_columns, seed):
    """The same kind of table without numpy, for where only our own figures can be had."""
    chance = random.Random(seed)
    columns = [array.array("f") for _ in range(n_columns + 1)]
    weather = 0.0
    for row in range(n_rows):
        hour, day = row % 24, row // 24
        season = math.cos(2 * math.pi * (day - 10) / 365.25)
        weather = 0.98 * weather + 0.199 * chance.gauss(0, 1)
        pm25 = math.exp(3.8 + 0.5 * season + 0.6 * weather)
        values = [pm25 * math.exp(0.5 + 0.35 * chance.gauss(0, 1)) + 5, 40 - 0.05 * pm25 + 9 * chance.gauss(0, 1),
                  0.3 + 0.01 * pm25 * math.exp(0.4 * chance.gauss(0, 1)), hour, day % 7, 1 + (day % 365) // 31]
        values += [math.log(pm25) + chance.gauss(0, 1) for _ in range(n_columns - CLASSIC)]
        measured = lambda c: c not in (3, 4, 5)
        values = [math.nan if measured(c) and chance.random() < MISSING_SHARE else v for c, v in enumerate(values)]
        for column, value in zip(columns, values + [pm25 * math.exp(0.08 * chance.gauss(0, 1))]):
            column.append(value)
    with open(path, "wb") as file:
        for column in columns:
            column.tofile(file)
