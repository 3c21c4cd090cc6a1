"""Trains the peers on the tables that our models learned from, and compares errors on the same test rows.

Bars: boost at most 1 % worse in RMSE than XGBoost with the same parameters; forest at most 1 % worse than
scikit-learn's with as many trees; skill over persistence of `--model best` at most 0.005 below LightGBM's.
Not run by hand: bench/peers/accuracy makes the tables and the models first.
"""
import argparse
import json
import os
import sys

import lightgbm
import numpy as np
import xgboost
from sklearn.ensemble import RandomForestRegressor

from tables import answers, features, rmse

THREADS = 2
SEED = 42
RMSE_RATIO_MAX = 1.01
SKILL_LOSS_MAX = 0.005
# Our settings that XGBoost's histogram method has under the same name; early stopping is off on both sides.
BOOST = ["n_estimators", "learning_rate", "max_depth", "max_leaves", "subsample", "colsample_bytree",
         "min_child_weight", "reg_lambda", "reg_alpha", "max_bin"]
FOREST = ["n_estimators", "max_depth", "max_features", "min_samples_leaf"]
# LightGBM's own defaults but for the number of trees, and our defaults in its names; the better of the two counts.
LIGHTGBM = {"its defaults": {"n_estimators": 300, "learning_rate": 0.05},
            "ours": {"n_estimators": 300, "learning_rate": 0.05, "num_leaves": 127, "max_depth": 7, "subsample": 0.9,
                     "subsample_freq": 1, "colsample_bytree": 0.9, "min_child_samples": 1, "reg_lambda": 1}}


def settings_of(folder, kind, names):
    """What our model was trained with, by the names that the peer shares."""
    with open(os.path.join(folder, f"{kind}.json")) as file:
        params = json.load(file)["pm25"]["params"]
    return {name: params[f"{kind}.{name}"] for name in names}


def xgboost_says(train, test, settings):
    # Best-first growth within the bounds on depth and leaves, as ours.
    model = xgboost.XGBRegressor(**settings, tree_method="hist", grow_policy="lossguide", random_state=SEED,
                                 n_jobs=THREADS)
    return model.fit(*train).predict(test)


def forest_says(train, test, settings):
    return RandomForestRegressor(**settings, random_state=SEED, n_jobs=THREADS).fit(*train).predict(test)


def lightgbm_says(train, test, settings):
    model = lightgbm.LGBMRegressor(**settings, random_state=SEED, n_jobs=THREADS, verbose=-1)
    return model.fit(*train).predict(test)


def skill(target, persistence, prediction):
    have = ~np.isnan(persistence)
    return 1.0 - rmse(target[have], prediction[have]) / rmse(target[have], persistence[have])


def rows_of(folder):
    """One row of the table a comparison: chain, what, ours, peer, margin, whether the bar is met."""
    *train, names = features(folder, "train")
    test, target, test_names = features(folder, "test")
    assert names == test_names, "train and test have other columns"
    chain = os.path.basename(folder)

    def worse_by(ours, peer, what):
        said, _, prediction = answers(folder, ours)
        assert np.array_equal(said, target), "predictions are of other rows"
        ratio = rmse(target, prediction) / rmse(target, peer)
        return chain, what, rmse(target, prediction), rmse(target, peer), f"x {ratio:.4f}", ratio <= RMSE_RATIO_MAX

    yield worse_by("boost", xgboost_says(train, test, settings_of(folder, "boost", BOOST)), "boost RMSE / XGBoost")
    settings = settings_of(folder, "forest", FOREST)
    what = f"forest RMSE / scikit-learn, {settings['n_estimators']} trees"
    yield worse_by("forest", forest_says(train, test, settings), what)
    if chain.startswith("forecast"):
        said, persistence, prediction = answers(folder, "best")
        ours = skill(said, persistence, prediction)
        peers = {name: skill(target, persistence, lightgbm_says(train, test, settings))
                 for name, settings in LIGHTGBM.items()}
        name = max(peers, key=peers.get)
        loss = peers[name] - ours
        yield (chain, f"skill of best / LightGBM ({name})", ours, peers[name], f"{-loss:+.4f}", loss <= SKILL_LOSS_MAX)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", help="a folder a chain: tables, models and their evaluations")
    args = parser.parse_args()
    line = "{:<16} {:<40} {:>9} {:>9} {:>9}  {}".format
    print(line("chain", "what", "ours", "peer", "", ""), flush=True)
    missed = 0
    for folder in args.folders:
        for chain, what, ours, peer, margin, met in rows_of(folder.rstrip("/")):
            missed += not met
            print(line(chain, what, f"{ours:.4f}", f"{peer:.4f}", margin, "" if met else "MISSED"), flush=True)
    print(f"bars: RMSE at most x {RMSE_RATIO_MAX}, skill at most {SKILL_LOSS_MAX} below; {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
