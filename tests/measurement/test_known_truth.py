"""Simulated experiments whose truth is known: estimates are unbiased, intervals cover, claims hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from suasion.allocation import plan
from suasion.experiments import Assignment
from suasion.measurement import aipw_value
from suasion.measurement.policies import by_lot

RARE = 0.001
"""How rarely a right program may fail a test of a rate."""


def constant(x):
    return 0.5 + 0 * x[:, 0]


def nothing(x):
    return 0 * x[:, 0]


def strong(x):
    return 0.3 + x[:, 1]


def skewed(x):
    """Chances of two arms that depend on who the person is, known from 0.2 to 0.8."""
    treated = 0.2 + 0.6 / (1 + np.exp(-2 * x[:, 0]))
    return np.column_stack([1 - treated, treated])


def unequal(x):
    return np.tile([0.7, 0.2, 0.1], (len(x), 1))


def top(world, share):
    """A policy fixed beforehand: mail 1 to the people with the highest second trait."""
    x = np.asarray(world.trial.features["x1"])
    treated = (x >= np.quantile(x, 1 - share)).astype(np.float64)
    way = np.zeros_like(world.truth)
    way[:, 0], way[:, 1] = 1 - treated, treated
    return way


def z_scores(bench, seeds, n, ways, **design):
    """Errors of AIPW values in standard errors, and whether intervals hold the truth; (seeds, ways)."""
    errors, held = [], []
    for seed in range(seeds):
        world = bench.simulate(seed, n, strong, **design)
        scores = bench.fitted(world.trial)
        found = [aipw_value(scores, "y", way(world)) for way in ways]
        true = [(way(world) * world.truth).sum(axis=1).mean() for way in ways]
        pairs = list(zip(found, true, strict=True))
        errors.append([(e.value - t) * 3.92 / (e.high - e.low) for e, t in pairs])
        held.append([e.low <= t <= e.high for e, t in pairs])
    return np.array(errors), np.array(held)


def assert_unbiased_and_covering(errors, held):
    seeds = len(errors)
    assert (np.abs(errors.mean(axis=0)) < 4 * errors.std(axis=0) / np.sqrt(seeds)).all()
    assert (held.sum(axis=0) >= binom.ppf(RARE, seeds, 0.95)).all()


def everyone(arm):
    return lambda world: np.eye(world.truth.shape[1])[np.full(len(world.truth), arm)]


WAYS = (everyone(0), everyone(1), lambda w: top(w, 0.5), lambda w: top(w, 0.03))


DESIGNS = {
    "known constant": {},
    "known, unequal, three arms": {"arms": 3, "chances": unequal},
    "known by person": {"chances": skewed},
    "randomized, shares unknown": {"assignment": Assignment.RANDOMIZED},
}


def test_values_are_unbiased_in_a_few_experiments(bench):
    errors, held = z_scores(bench, 6, 300, WAYS)
    assert_unbiased_and_covering(errors, held)


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_values_are_unbiased_and_intervals_cover(bench, design):
    errors, held = z_scores(bench, 100, 500, WAYS, **design)
    assert_unbiased_and_covering(errors, held)


def observed_errors(bench, seeds, n):
    """Errors of the effect of mail 1 where nobody drew: by plain means, and by AIPW."""
    errors = []
    for seed in range(seeds):
        world = bench.simulate(seed, n, constant, chances=skewed, assignment=Assignment.OBSERVED)
        scores = bench.fitted(world.trial)
        y, got = scores.observed["y"], scores.arms
        found = aipw_value(scores, "y", bench.one_for_all(scores, 1), bench.one_for_all(scores, 0))
        errors.append((y[got == 1].mean() - y[got == 0].mean() - 0.5, found.value - 0.5))
    return np.array(errors)


def test_where_nobody_drew_plain_means_are_wrong_and_aipw_is_right(bench):
    plain, aipw = observed_errors(bench, 2, 2000).T
    assert plain.min() > 0.5
    assert abs(aipw.mean()) < 0.1


@pytest.mark.slow
def test_where_nobody_drew_aipw_stays_right(bench):
    plain, aipw = observed_errors(bench, 60, 2000).T
    assert plain.min() > 0.5
    assert np.abs(aipw).max() < 0.25
    assert abs(aipw.mean()) < 0.1 * plain.mean()


def test_a_plan_on_strong_differences_beats_the_lottery_and_says_so(bench):
    world = bench.simulate(7, 2500, strong)
    judged = bench.judge(world.trial, 0.4)
    assert judged.sentences[0].startswith("Choosing people by effect gains more than a lottery")
    way, lot = judged.made.probabilities, judged.replay.comparisons[0].differences["y"]
    true = ((way - way.mean(axis=0)) * world.truth).sum(axis=1).mean()
    assert true > 0.2
    assert lot.low < true < lot.high


def test_a_plan_for_a_few_finds_those_who_gain_most(bench):
    world = bench.simulate(8, 2500, strong)
    judged = bench.judge(world.trial, 0.03)
    treated = judged.made.probabilities[:, 1]
    assert treated.sum() == pytest.approx(75)
    gain = world.truth[:, 1] - world.truth[:, 0]
    assert treated @ gain / treated.sum() > gain.mean() + gain.std()
    assert judged.replay.comparisons[0].differences["y"].value > 0


def test_where_the_second_arm_is_better_for_all_the_plan_gives_it_to_all(bench):
    world = bench.simulate(9, 900, lambda x: 2 + 0 * x[:, 0], arms=3)
    judged = bench.judge(world.trial, 1.0)
    assert judged.made.probabilities[:, 1].mean() > 0.98
    assert judged.made.probabilities[:, 0].max() < 1e-9


@pytest.mark.parametrize("money", [1.0, 5.0])
def test_money_for_everybody_leaves_nothing_to_choose(bench, money):
    judged = bench.judge(bench.simulate(10, 400, lambda x: 3 + 0 * x[:, 0]).trial, money)
    assert judged.sentences[0].startswith("These data do not tell")
    assert judged.sentences[0].endswith("So the plan treats everybody alike.")


def test_effects_shuffled_over_people_gain_nothing(bench):
    world = bench.simulate(11, 1500, strong)
    scores = bench.fitted(world.trial)
    average = (scores.aipw["y"][:, 1:] - scores.aipw["y"][:, :1]).mean(axis=0)
    campaign = bench.declared(0.3 * 1500)
    errors = []
    for seed in range(40):
        mixed = replace(scores, effects=np.random.default_rng(seed).permutation(np.abs(scores.effects)))
        made = plan(bench.options(mixed, [1.0]), campaign.budget, 0, 0)
        gain = aipw_value(mixed, "y", made.probabilities, by_lot(made, average, campaign))
        errors.append(gain.value * 3.92 / (gain.high - gain.low))
    assert abs(np.mean(errors)) < 3.5 / np.sqrt(40)
    assert np.sum(np.abs(errors) > 1.96) <= binom.ppf(1 - RARE, 40, 0.05)


def claims(bench, seeds, n, effect, features=None, money=0.4):
    """How many first sentences claim a difference from the lottery."""
    claimed = 0
    for seed in range(seeds):
        trial = bench.simulate(seed, n, effect).trial
        if features is not None:
            trial = replace(trial, features=features(trial))
        first = bench.judge(trial, money).sentences[0]
        claimed += first.startswith("Choosing people by effect gains")
    return claimed


def coarse(trial):
    """One yes or no about each person: all models of a fold say one of two things."""
    return pa.table({"high": np.asarray(trial.features["x0"]) > 0})


def test_a_constant_effect_is_no_reason_to_choose(bench):
    assert claims(bench, 5, 200, constant) <= binom.ppf(1 - RARE, 5, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("effect", "features"), [(constant, None), (constant, coarse), (nothing, None)], ids=str
)
def test_false_claims_are_rare(bench, effect, features):
    assert claims(bench, 200, 400, effect, features) <= binom.ppf(1 - RARE, 200, 0.05)
