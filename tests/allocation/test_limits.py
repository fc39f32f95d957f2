"""Under random limits a plan is what an independent linear program finds, and no draw breaks a limit."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from suasion.allocation import Capacity, Money, Options, Parity, Plan, Words, decide, plan
from suasion.allocation.limits import Limit
from suasion.allocation.make import Request, made
from suasion.errors import CampaignError

seeds = st.integers(0, 2**32)
slowly = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Case:
    options: Options
    budget: float
    limits: tuple[Limit, ...]
    households: np.ndarray | None
    holdout: float
    exploration: float

    @property
    def every(self) -> tuple[Limit, ...]:
        return (Money("budget", np.ones(len(self.options.treatments), np.bool_), self.budget), *self.limits)

    def plan(self, **asked) -> Plan:
        return plan(
            self.options,
            self.budget,
            self.holdout,
            self.exploration,
            limits=self.limits,
            households=self.households,
            **asked,
        )

    def expected(self):
        """As `plan`, but held to limits in expectation alone."""
        request = Request(
            self.options, self.budget, self.every, self.households, self.holdout, self.exploration
        )
        return made(replace(request, drawn=False, adapt=False), Words())


def case(seed: int, largest: int = 25) -> Case:
    """People, options and limits drawn from a seed; ties, closed options, households, values among them."""
    luck = np.random.default_rng(seed)
    n, k = int(luck.integers(2, largest + 1)), int(luck.integers(1, 6))
    effects = luck.normal(0.2, 0.3, (n, k))
    if luck.random() < 0.3:
        effects = effects.round(1)
    effects[luck.random((n, k)) < 0.05] = np.nan
    costs = luck.uniform(0.1, 2, (1, k)) if luck.random() < 0.6 else luck.lognormal(0, 0.7, (n, k))
    values = effects * luck.uniform(1, 3) - 0.1 * costs if luck.random() < 0.3 else None
    closed = luck.random((n, k)) < 0.1 if luck.random() < 0.3 else None
    options = Options(
        luck.permutation(1000)[:n],
        "none",
        tuple(f"t{j}" for j in range(k)),
        effects,
        costs,
        luck.random(k) < 0.95,
        values,
        closed,
    )
    whole = float(np.where(options.open, options.costs, 0).max(axis=1).sum())
    return Case(
        options,
        float(luck.uniform(0, 1.1)) * whole,
        _limits(luck, n, k, whole),
        luck.integers(0, max(n // 2, 1), n) * 7 if luck.random() < 0.3 else None,
        float(luck.choice([0, 0, 0.1])),
        float(luck.choice([0, 0, 0.02])),
    )


def _limits(luck: np.random.Generator, n: int, k: int, whole: float) -> tuple[Limit, ...]:
    def some() -> np.ndarray:
        return luck.random(k) < 0.5

    limits: list[Limit] = []
    for name in ("mail", "calls")[: luck.integers(0, 3)]:
        most = float(luck.integers(0, n + 1))
        least = float(luck.integers(0, max(int(most / 3), 1))) if luck.random() < 0.3 else None
        limits.append(Capacity(name, some(), most, least))
    if luck.random() < 0.3:
        limits.append(Money("monday", some(), float(luck.uniform(0, 0.5)) * whole))
    for name in ("sex", "age")[: luck.integers(0, 3)]:
        groups = luck.integers(0, min(luck.integers(1, 4), n), n)
        measure = str(luck.choice(["rate", "share"]))
        if luck.random() < 0.5:
            limits.append(Parity(name, groups, measure, least_ratio=float(luck.uniform(0, 1))))
        else:
            limits.append(Parity(name, groups, measure, most_gap=float(luck.choice([0, 0.05, 0.3]))))
    return tuple(limits)


def rows_of(limit: Limit, costs: np.ndarray) -> tuple[list[np.ndarray], list[float]]:
    """A limit over the probabilities of all (person, option), written down from its definition."""
    n, k = costs.shape
    if isinstance(limit, Money):
        return [np.where(limit.options, costs, 0).ravel()], [limit.most]
    if isinstance(limit, Capacity):
        row = np.tile(limit.options, n).astype(float)
        return [row, -row], [limit.most, -(limit.least or 0)]
    rows, ends = [], []
    for group in np.unique(limit.groups):
        inside = np.repeat(limit.groups == group, k).astype(float)
        size = int((limit.groups == group).sum())
        rate, overall = inside / size, np.full(n * k, 1 / n)
        if limit.least_ratio is not None:
            rows.append(limit.least_ratio * overall - rate)
            ends.append(0.0)
        elif limit.measure == "rate":
            rows += [rate - overall, overall - rate]
            ends += [limit.most_gap] * 2
        else:  # |treated of the group - its part of all treated| <= gap * treated
            rows += [inside - size / n - limit.most_gap, size / n - limit.most_gap - inside]
            ends += [0.0, 0.0]
    return rows, ends


def optimum(case: Case, limits: tuple[Limit, ...], floors: np.ndarray, holdout: float) -> float | None:
    """The best expected value by linear programming; None where nothing keeps the limits."""
    options = case.options
    n, k = options.effects.shape
    opened = options.open
    costs = np.broadcast_to(options.costs, (n, k))
    rows, ends = [], []
    for limit in limits:
        more, most = rows_of(limit, costs)
        rows, ends = rows + more, ends + most
    homes = np.arange(n) if case.households is None else np.unique(case.households, return_inverse=True)[1]
    for home in np.unique(homes):
        rows.append(np.repeat(homes == home, k).astype(float))
        ends.append(1 - holdout)
    bounds = [(f, 1.0) if o else (0, 0) for f, o in zip(floors.flat, opened.flat, strict=True)]
    ends = [min(end, 1e9) for end in ends]
    goal = -np.where(opened, options.worth, 0).ravel()
    found = linprog(goal, A_ub=np.array(rows), b_ub=ends, bounds=bounds, method="highs")
    assert found.status in (0, 2)
    return -float(found.fun) if found.status == 0 else None


def even_floors(case: Case) -> np.ndarray:
    opened = case.options.open
    homes = (
        np.arange(len(opened))
        if case.households is None
        else np.unique(case.households, return_inverse=True)[1]
    )
    among = np.bincount(homes, opened.sum(axis=1))[homes]
    return opened * case.exploration / np.maximum(among, 1)[:, None]


def broken(limit: Limit, chances: np.ndarray, costs: np.ndarray) -> float:
    """By how much probabilities of treatments break a limit, 0 where they do not."""
    rows, ends = rows_of(limit, costs)
    return max((float(row @ chances.ravel()) - end for row, end in zip(rows, ends, strict=True)), default=0.0)


@slowly
@given(seeds)
def test_in_expectation_a_plan_is_the_optimum_of_the_linear_program(seed: int):
    asked = case(seed)
    best = optimum(asked, asked.every, even_floors(asked), asked.holdout)
    if best is None:
        with pytest.raises(CampaignError):
            asked.expected()
        return
    found = asked.expected()
    assert found.value == pytest.approx(best, rel=1e-6, abs=1e-7)
    assert found.bound == pytest.approx(best, rel=1e-6, abs=1e-7)


@slowly
@given(seeds)
def test_a_plan_is_never_better_than_its_bound_nor_worse_than_its_gap_and_no_draw_breaks_a_limit(seed: int):
    asked = case(seed)
    try:
        found = asked.plan()
    except CampaignError:
        return
    options = asked.options
    chances, costs = found.probabilities, np.broadcast_to(options.costs, options.effects.shape)
    floors = found.floors.of(options, slice(None))
    best = optimum(asked, asked.every, floors, asked.holdout)
    assert best is not None
    value = float(np.where(options.open, options.worth, 0).ravel() @ chances[:, 1:].ravel())
    assert found.value == pytest.approx(value)
    assert value <= best + 1e-7
    assert best <= found.bound + 1e-7
    assert value >= found.bound * (1 - found.gap) - 1e-9
    assert chances.min() >= 0
    assert chances.sum(axis=1) == pytest.approx(1)
    assert chances[:, 0].min() >= asked.holdout - 1e-9
    assert not chances[:, 1:][~options.open].any()
    for limit in asked.every:
        assert broken(limit, chances[:, 1:], costs) <= 1e-9
    for turn in range(3):
        decided = decide(found, f"{turn}", b"key")
        drawn = np.eye(1 + len(options.treatments))[decided.chosen][:, 1:]
        for limit in asked.every:
            assert broken(limit, drawn, costs) <= 1e-9, limit
        if asked.households is not None:
            assert np.unique(asked.households[decided.chosen > 0], return_counts=True)[1].max(initial=0) <= 1


@slowly
@given(seeds)
def test_a_request_that_cannot_be_kept_names_limits_that_cannot_and_no_more(seed: int):
    asked = case(seed)
    try:
        asked.plan(adapt=False)
    except CampaignError as error:
        if "cannot be kept" not in error.found:
            return
        named = tuple(
            one for one in asked.every if f"'{one.name}'" in error.found or f"of {one.name}" in error.found
        )
        floors = even_floors(asked)
        assert optimum(asked, named, floors, asked.holdout) is None
        for left in named:
            rest = tuple(one for one in named if one is not left)
            assert optimum(asked, rest, floors, asked.holdout) is not None
        if "exploration" in error.found:
            assert optimum(asked, named, 0 * floors, asked.holdout) is not None
