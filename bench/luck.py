"""Scores and how sure they are, for recompute.py: openair's statistics, the block bootstrap, Diebold and Mariano's test."""

import math

import numpy as np

HOUR = 3600


def splitmix(x):
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class Draws:
    """The weeks that the bootstrap draws: for each replicate how often each hour of the record is in it."""

    def __init__(self, rows, horizon, replicates=2000, seed=1):
        self.hour = (rows["t"] - rows["t"].min()) // HOUR
        self.n_hours, self.block = int(self.hour.max()) + 1, max(168, 2 * horizon)
        blocks = -(-self.n_hours // self.block)
        key = splitmix(np.array([seed], dtype=np.uint64))
        numbers = splitmix(key + np.arange(replicates * blocks, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        n, low = np.uint64(self.n_hours), numbers & np.uint64(0xFFFFFFFF)
        starts = ((numbers >> np.uint64(32)) * n + (low * n >> np.uint64(32))) >> np.uint64(32)
        self.times = np.zeros((replicates, self.n_hours))
        for replicate, line in enumerate(starts.astype(np.int64).reshape(replicates, blocks)):
            hours = (line[:, None] + np.arange(self.block)).ravel()[: self.n_hours] % self.n_hours
            self.times[replicate] = np.bincount(hours, minlength=self.n_hours)

    def sums(self, values, keep=None):
        """Per replicate, the sum of a number per row over the drawn hours."""
        keep = slice(None) if keep is None else keep
        return self.times @ np.bincount(self.hour[keep], weights=values[keep], minlength=self.n_hours)

    def ends(self, values):
        values = np.sort(values[np.isfinite(values)])
        if len(values) < 0.95 * len(self.times):
            return None
        k = max(1, round(0.025 * len(values)))
        return [values[k - 1], values[-k]]


def diebold_mariano(difference, h):
    have = ~np.isnan(difference)
    n, mean = int(have.sum()), float(difference[have].mean())
    centred = np.where(have, difference - mean, 0.0)
    long_run = float(np.dot(centred, centred)) / n
    long_run += 2 * sum((1 - k / h) * float(np.dot(centred[k:], centred[:-k])) / n for k in range(1, h))
    if long_run <= 0:
        return {}
    statistic = mean / math.sqrt(long_run / n) * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    freedom, grid = n - 1, np.linspace(0.0, min(abs(statistic), 60.0), 200001)
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    density = np.exp(log_scale - (freedom + 1) / 2 * np.log1p(grid**2 / freedom))
    step = grid[1] - grid[0]
    inside = step / 3 * (density[0] + 4 * density[1:-1:2].sum() + 2 * density[2:-1:2].sum() + density[-1])
    return {"hours": n, "lags_h": h - 1, "mean_square_difference": mean, "statistic": statistic,
            "p_value": max(0.0, 1 - 2 * inside)}


def mod_stats(target, said):
    error, away = said - target, np.abs(target - target.mean()).sum()
    ratio = said[target != 0] / target[target != 0]
    gross = np.abs(error).sum()
    ioa = 1 - gross / (2 * away) if gross <= 2 * away else 2 * away / gross - 1
    outside = int(((target == 0) & (said != 0)).sum())
    inside = int(((0.5 <= ratio) & (ratio <= 2)).sum())
    return {"fac2": inside / (len(ratio) + outside), "mb_ug_m3": error.mean(), "mge_ug_m3": gross / len(error),
            "nmb": error.sum() / target.sum(), "nmge": gross / target.sum(), "rmse_ug_m3": math.sqrt(np.mean(error**2)),
            "r": np.corrcoef(target, said)[0, 1], "coe": 1 - gross / away, "ioa": ioa, "rows": len(target)}
