"""The peers of `benchmarks.effects`, from the extra ``bench``: five fits each, on the folds they are given.

``python -m benchmarks.peers NAME GIVEN MADE``: reads arrays x, w, y, fold; writes out-of-fold scores and the
CPU seconds of each fit. All use LightGBM with the same settings, those of the table in the evidence.
"""

from __future__ import annotations

import os
import resource
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from causalml.inference.meta import BaseXClassifier
from causalml.inference.tree import UpliftRandomForestClassifier
from econml.dml import CausalForestDML, LinearDML
from lightgbm import LGBMClassifier, LGBMRegressor
from sklift.models import SoloModel, TwoModels

Array = np.ndarray[Any, np.dtype[np.float64]]
Scorer = Callable[[Array], Array]
BOOST = {"n_estimators": 100, "learning_rate": 0.05, "num_leaves": 15, "min_child_samples": 200}
CHANCE = 0.5


def classes() -> LGBMClassifier:
    """The outcome model of all peers."""
    return LGBMClassifier(**BOOST, n_jobs=1, verbose=-1, random_state=1)


def numbers() -> LGBMRegressor:
    """Their effect model."""
    return LGBMRegressor(**BOOST, n_jobs=1, verbose=-1, random_state=1)


def uplift_forest(x: Array, w: Array, y: Array) -> Scorer:
    """causalml's forest, 100 trees."""
    forest = UpliftRandomForestClassifier(
        control_name="0",
        n_estimators=100,
        max_depth=8,
        min_samples_leaf=200,
        min_samples_treatment=50,
        n_reg=100,
        evaluationFunction="KL",
        random_state=1,
        n_jobs=1,
    )
    forest.fit(X=x, treatment=np.array([str(int(arm)) for arm in w]), y=y)
    return lambda other: np.asarray(forest.predict(other)).ravel()


def dml_forest(x: Array, w: Array, y: Array, *, inference: bool = False) -> Scorer:
    """econml's forest, 200 trees."""
    forest = CausalForestDML(
        model_y=classes(),
        model_t=classes(),
        discrete_treatment=True,
        discrete_outcome=True,
        n_estimators=200,
        max_depth=8,
        min_samples_leaf=100,
        cv=3,
        random_state=1,
        n_jobs=1,
        inference=inference,
    )
    forest.fit(y, w, X=x)

    def score(other: Array) -> Array:
        if inference:
            forest.effect_interval(other)
        return forest.effect(other).ravel()

    return score


def linear_dml(x: Array, w: Array, y: Array) -> Scorer:
    """econml's linear effects."""
    model = LinearDML(
        model_y=classes(),
        model_t=classes(),
        discrete_treatment=True,
        discrete_outcome=True,
        cv=3,
        random_state=1,
    )
    model.fit(y, w, X=x)
    return lambda other: model.effect(other).ravel()


def sklift(model: Any, x: Array, w: Array, y: Array) -> Scorer:
    """A model of scikit-uplift."""
    model.fit(pd.DataFrame(x), pd.Series(y), pd.Series(w))
    return lambda other: np.asarray(model.predict(pd.DataFrame(other)))


def x_learner(x: Array, w: Array, y: Array) -> Scorer:
    """causalml's X-learner, with the known propensity."""
    model = BaseXClassifier(outcome_learner=classes(), effect_learner=numbers())
    model.fit(x, w, y, p=np.full(len(y), CHANCE))
    return lambda other: np.asarray(model.predict(other, p=np.full(len(other), CHANCE))).ravel()


PEERS: dict[str, Callable[[Array, Array, Array], Scorer]] = {
    "causalml uplift forest": uplift_forest,
    "econml causal forest": dml_forest,
    "econml causal forest, intervals": lambda x, w, y: dml_forest(x, w, y, inference=True),
    "econml LinearDML": linear_dml,
    "sklift T": lambda x, w, y: sklift(TwoModels(classes(), classes()), x, w, y),
    "sklift S": lambda x, w, y: sklift(SoloModel(classes()), x, w, y),
    "causalml X": x_learner,
}


def cpu() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Fit one peer five times."""
    warnings.filterwarnings("ignore")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    name, given, made = sys.argv[1:]
    with np.load(given) as data:
        x, w, y, fold = data["x"], data["w"].astype(np.int64), data["y"].astype(np.int64), data["fold"]
    PEERS[name](x[:2000], w[:2000], y[:2000])(x[:10])
    score, taken = np.empty(len(y)), list[float]()
    for one in range(5):
        inside, outside = fold != one, fold == one
        start = cpu()
        fitted = PEERS[name](x[inside], w[inside], y[inside])
        if "intervals" not in name:
            taken.append(cpu() - start)
        score[outside] = fitted(x[outside])
        if "intervals" in name:
            taken.append(cpu() - start)
    np.savez(made, score=score, cpu=np.array(taken))


if __name__ == "__main__":
    main()
