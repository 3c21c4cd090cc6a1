"""Reading what the programs wrote: prepared tables, predictions, and the error of the latter."""
import os

import numpy as np
import pyarrow.parquet as pq

NOT_FEATURES = {"station", "time", "target_ug_m3", "persistence_ug_m3"}


def columns(path, names=None):
    """Columns of a table as numpy arrays by name; null becomes NaN."""
    table = pq.read_table(path, columns=names)
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}


def features(folder, part):
    """Matrix (f32, NaN = missing), targets and names of the features of one part of a prepared folder."""
    table = columns(os.path.join(folder, f"{part}.parquet"))
    names = [name for name in table if name not in NOT_FEATURES]
    matrix = np.column_stack([table[name].astype(np.float32) for name in names])
    return matrix, table["target_ug_m3"].astype(np.float64), names


def answers(folder, model):
    """What one of our models said of the test rows: targets, persistence, predictions."""
    path = os.path.join(folder, model, "predictions.parquet")
    table = columns(path, ["target_ug_m3", "persistence_ug_m3", "prediction_ug_m3"])
    return tuple(table[name].astype(np.float64) for name in table)


def rmse(target, prediction):
    error = np.asarray(prediction, dtype=np.float64) - target
    return float(np.sqrt(np.mean(error * error)))
