"""Analysis of an experiment: a million people in three arms and in households, with CUPED; and peers.

``python -m benchmarks.experiments [--quick]``
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.timing import alternate, load
from suasion.stats import arms, sequential

Array = np.ndarray[Any, np.dtype[Any]]


LOOKS, DAILY, RATE = 100, 50, 0.10
TREATED = 0.1174  # the fixed test of the last look has 80 % power
ERROR = 0.00622  # of the difference at the last look


@dataclass(frozen=True)
class Trial:
    """People of an experiment: outcome, the same from before, arm, household."""

    values: Array
    before: Array
    arm: Array
    home: Array


def trial(n: int) -> Trial:
    """People in no order, households of one to four, half of the variance known from before."""
    luck = np.random.default_rng(1)
    home = luck.permutation(np.repeat(np.arange(n), luck.integers(1, 5, n))[:n])
    arm = luck.integers(0, 3, n)[home]
    before = luck.normal(size=n)
    values = before + 0.7 * luck.normal(size=n)[home] + 0.7 * luck.normal(size=n) + 0.01 * arm
    return Trial(values, before, arm, home)


def analysis(people: Trial) -> dict[str, object]:
    """Ours: CUPED and regression, with households; and CUPED without, which peers know."""
    one = people
    taken = alternate(
        3,
        analysis=lambda: arms.cuped(one.values, one.before, one.arm, one.home),
        regression=lambda: arms.compare(one.values, one.arm, one.before, one.home),
        alone=lambda: arms.cuped(one.values, one.before, one.arm),
        **peers(one),
    )
    (first, _) = arms.cuped(one.values, one.before, one.arm, one.home)
    return {"people": len(one.arm), "reduction": round(first.reduction or 0, 3), **taken}


def peers(people: Trial) -> dict[str, Callable[[], object]]:
    """Those that are installed."""
    known = {"tea_tasting": tea_tasting, "statsmodels": statsmodels}
    return {name: make(people) for name, make in known.items() if importlib.util.find_spec(name)}


def tea_tasting(people: Trial) -> Callable[[], object]:
    """CUPED of each arm with the control, people taken for independent."""
    tasting = importlib.import_module("tea_tasting")
    table = pa.table({"values": people.values, "before": people.before, "variant": people.arm})
    experiment = tasting.Experiment(metric=tasting.Mean("values", "before"))
    return lambda: experiment.analyze(table, control=0, all_variants=True)


def statsmodels(people: Trial) -> Callable[[], object]:
    """Regression with interactions, clustered."""
    api = importlib.import_module("statsmodels.api")
    inside = [people.arm == arm for arm in (1, 2)]
    around = people.before - people.before.mean()
    design = np.column_stack([np.ones(len(around)), *inside, around, *(arm * around for arm in inside)])
    how = {"cov_type": "cluster", "cov_kwds": {"groups": people.home}}
    return lambda: api.OLS(people.values, design).fit(**how).bse


def looking(runs: int = 2000, seed: int = 5) -> dict[str, float]:
    """100 daily looks at a rate: false alarms, and power as shares of runs and of the fixed test's."""
    none, some = _trials(runs, RATE, seed), _trials(runs, TREATED, seed + 1)
    fixed = np.mean([trial.values[-1] / trial.errors[-1] > 1.959964 for trial in some])
    return {
        "false_alarms": _decided(none),
        "group_sequential_power": _grouped(some, every=20) / float(fixed),
        "sequence_power": _decided(some),
    }


def _trials(runs: int, treated: float, seed: int) -> list[sequential.Looks]:
    rng = np.random.default_rng(seed)
    events = rng.binomial(DAILY, [RATE, treated], size=(runs, LOOKS, 2)).cumsum(axis=1)
    n = np.repeat(DAILY * np.arange(1, LOOKS + 1)[:, None], 2, axis=1)
    shares = events / n
    return [sequential.from_arms(n, one, one * (1 - one) * n / (n - 1)) for one in shares]


def _decided(trials: list[sequential.Looks]) -> float:
    return float(np.mean([sequential.sequence(one, ERROR).decided_at is not None for one in trials]))


def _grouped(trials: list[sequential.Looks], every: int) -> float:
    design = sequential.GroupSequential()
    rows = slice(every - 1, None, every)
    seen = [sequential.Looks(t.values[rows], t.errors[rows], t.units[rows]) for t in trials]
    # All of alpha is spent at the last look: it is the end, whatever the variance came to.
    return float(np.mean([design.course(t, ERROR, ended=True).decided_at is not None for t in seen]))


def main() -> None:
    """Print the figures, part by part."""
    n, runs = (200_000, 200) if "--quick" in sys.argv else (1_000_000, 2000)
    parts = (lambda: analysis(trial(n)), lambda: looking(runs))
    figures = {name: figure for part in parts for name, figure in part().items()}
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps({"benchmark": "experiments", **figures, "peak_mb": peak, "load": load()}))


if __name__ == "__main__":
    main()
