"""Planning and drawing within a budget, five capacities and parity of four groups; HiGHS beside it.

``python -m benchmarks.allocation [--quick]``: the last line is JSON. Violations are counted on drawn
decisions; gaps are to the bound of the problem as it was asked for.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, identity, kron, vstack

from benchmarks.timing import load
from suasion.allocation import Capacity, Money, Options, Parity, Plan, decide, plan
from suasion.allocation.decide import Decisions

CHANNELS, MESSAGES = 5, 4
PLACES = (0.5, 0.05, 0.2, 0.03, 0.02)
"""Of each channel, per person."""


@dataclass(frozen=True)
class Problem:
    """People and what is asked of their plan."""

    options: Options
    budget: float
    limits: tuple[Money | Capacity | Parity, ...]

    def plan(self, holdout: float = 0.0, exploration: float = 0.0) -> Plan:
        """The plan that was asked for."""
        return plan(self.options, self.budget, holdout, exploration, limits=self.limits)


def problem(n: int, seed: int = 11) -> Problem:
    """n people, 4 messages in 5 channels, 4 groups of which some are expected to respond less."""
    luck, k = np.random.default_rng(seed), CHANNELS * MESSAGES
    channel = np.arange(k) % CHANNELS
    costs = np.array([0.002, 0.05, 0.01, 0.6, 1.1])[channel] * np.repeat([1, 1.1, 1.2, 1.3], CHANNELS)
    lift = (np.array([1, 2.2, 1.3, 3, 3.6])[channel] * 0.35).astype(np.float32)
    groups = luck.choice(4, n, p=[0.55, 0.25, 0.15, 0.05]).astype(np.int8)
    ready = (luck.gamma(1.2, 0.6, n) * (1 - 0.18 * groups)).astype(np.float32)
    effects = luck.random((n, k), dtype=np.float32)
    effects *= np.float32(0.9)
    effects += np.float32(0.3)
    effects *= ready[:, None]
    effects *= lift
    effects -= np.float32(0.1)
    names = tuple(f"message {j // CHANNELS} by {channel[j]}" for j in range(k))
    options = Options(np.arange(n), "none", names, effects, costs[None], np.ones(k, np.bool_))
    places = [Capacity(f"channel {c}", channel == c, share * n) for c, share in enumerate(PLACES)]
    return Problem(options, 0.08 * n, (*places, Parity("origin", groups, least_ratio=0.9)))


def violations(asked: Problem, decided: Decisions) -> int:
    """How many limits the drawn decisions break."""
    chosen, options = decided.chosen, asked.options
    given = np.bincount(chosen, minlength=1 + options.effects.shape[1])[1:]
    broken = int(float(given @ options.costs[0]) > asked.budget * (1 + 1e-12))
    for limit in asked.limits:
        if isinstance(limit, Parity):
            sizes = np.bincount(limit.groups)
            rates = np.bincount(limit.groups, chosen > 0) / sizes
            broken += int((rates < (limit.least_ratio or 0) * (chosen > 0).mean() - 1e-12).sum())
        else:
            broken += int(given[limit.options].sum() > limit.most)
    return broken


def simple(n: int) -> Problem:
    """n people, 5 treatments, costs of their own, a budget."""
    luck = np.random.default_rng(1)
    effects, costs = luck.normal(0.03, 0.05, (n, 5)), luck.uniform(0.1, 2.0, (n, 5))
    options = Options(np.arange(n), "none", tuple("abcde"), effects, costs, np.ones(5, np.bool_))
    return Problem(options, 0.1 * n, ())


def highs(asked: Problem) -> float:
    """The optimum of the linear program, by HiGHS' interior point method."""
    effects = asked.options.effects
    n, k = effects.shape
    rows = [kron(identity(n, format="csr"), np.ones((1, k)))]
    rows.append(csr_array(np.tile(asked.options.costs, (1, n))))
    most = [*np.ones(n), asked.budget]
    for limit in asked.limits:
        if isinstance(limit, Parity):
            sizes = np.bincount(limit.groups)
            inside = np.repeat(limit.groups[None] == np.arange(len(sizes))[:, None], k, axis=1)
            rows.append(csr_array((limit.least_ratio or 0) * sizes[:, None] / n - inside))
            most += [0.0] * len(sizes)
        else:
            rows.append(csr_array(np.tile(limit.options[None].astype(float), (1, n))))
            most.append(limit.most)
    upper = np.where(effects.ravel() >= 0, 1.0, 0.0)
    solved = linprog(
        -np.where(effects >= 0, effects, 0).ravel().astype(np.float64),
        A_ub=vstack(rows),
        b_ub=np.array(most),
        bounds=list(zip([0.0] * (n * k), upper.tolist(), strict=True)),
        method="highs-ipm",
    )
    return -float(solved.fun)


def timed(asked: Problem, holdout: float = 0.0, exploration: float = 0.0) -> dict[str, float]:
    """Plan and draw once: seconds, gap, broken limits."""
    start = time.perf_counter()
    made = asked.plan(holdout, exploration)
    planned = time.perf_counter()
    decided = decide(made, "benchmark", b"key")
    end = time.perf_counter()
    return {
        "s": round(end - start, 3),
        "plan_s": round(planned - start, 3),
        "decide_s": round(end - planned, 3),
        "gap": round(made.gap, 6),
        "violations": violations(asked, decided) if len(asked.options.costs) == 1 else 0,
    }


def beside_highs(asked: Problem, rounds: int) -> tuple[float, float]:
    """How many times faster than HiGHS a plan is, run in turn; and the plan's value over the optimum."""
    ours, theirs, ratio = list[float](), list[float](), 0.0
    for _ in range(rounds):
        start = time.perf_counter()
        made = asked.plan()
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        ratio = made.value / highs(asked)
        theirs.append(time.perf_counter() - start)
    return float(np.median(theirs) / np.median(ours)), ratio


def main() -> None:
    """Print the figures."""
    quick = "--quick" in sys.argv
    timed(problem(2_000), 0.05, 0.02)
    timed(simple(2_000))
    asked = problem(10_000)
    small = timed(asked)
    ratio, of_optimum = beside_highs(asked, 1 if quick else 3)
    sizes = {n: timed(problem(n)) for n in (100, 500, 1_000, 50_000, 500_000)}
    floors = {n: timed(problem(n), 0.05, 0.02) for n in (10_000, 500_000)}
    mid = timed(simple(1_000_000))
    asked = problem(1_000_000 if quick else 10_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    big = timed(asked)
    extra = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    every = (small, big, *sizes.values(), *floors.values())
    for n, found in sizes.items():
        print(f"{n:,} people: {found}")
    for n, found in floors.items():
        print(f"{n:,} people, with floors: {found}")
    print(f"10,000 people: {small}\n1,000,000 x 5: {mid}\n{len(asked.options.persons):,} people: {big}")
    figures = {
        "benchmark": "allocation",
        "big_s": big["s"],
        "big_gap": big["gap"],
        "violations": sum(int(found["violations"]) for found in every),
        "mid_s": mid["s"],
        "small_gap": small["gap"],
        "ratio_highs": round(ratio, 1),
        "value_of_optimum": round(of_optimum, 6),
        "over_inputs_gb": round(extra, 2),
        "load": load(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
