"""Scores are honest, know the truth of simulated experiments, and survive poor data."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from suasion.errors import CampaignError
from suasion.experiments import Assignment, Design, Treatment, Trial
from suasion.scores import Features, scores_from
from suasion.scores.folds import folds_of
from suasion.scores.learner import propensities
from suasion.scores.scores import table_of


def fold_of(trial):
    return folds_of(np.arange(len(trial.persons)), trial.households, trial.arms, 5, "folds 0")


def flipped(trial, person):
    bought = trial.outcomes["bought"].copy()
    bought[person] = 1 - bought[person]
    return replace(trial, outcomes=trial.outcomes | {"bought": bought})


@pytest.mark.parametrize("person", [0, 57])
def test_a_persons_own_outcome_moves_no_prediction_of_its_fold(clerk, make_trial, person):
    trial = make_trial(200)
    before, after = clerk.fit(trial), clerk.fit(flipped(trial, person))
    same = fold_of(trial) == fold_of(trial)[person]
    np.testing.assert_array_equal(before.expected["bought"][same], after.expected["bought"][same])
    assert (before.expected["bought"][~same] != after.expected["bought"][~same]).any()


def test_other_outcomes_do_not_move_the_effects(clerk, make_trial):
    trial = make_trial(200)
    other = replace(trial, outcomes=trial.outcomes | {"spent": -trial.outcomes["spent"]})
    np.testing.assert_array_equal(clerk.fit(trial).effects, clerk.fit(other).effects)


def test_fitting_twice_gives_the_same(clerk, make_trial):
    one, other = clerk.fit(make_trial(300)), clerk.fit(make_trial(300))
    np.testing.assert_array_equal(one.effects, other.effects)
    np.testing.assert_array_equal(one.aipw["spent"], other.aipw["spent"])


def test_all_folds_promise_the_same_on_average(clerk, make_trial):
    trial = make_trial(300, arms=3)
    effects = clerk.fit(trial).learned
    means = np.array([effects[fold_of(trial) == fold].mean(axis=0) for fold in range(5)])
    np.testing.assert_allclose(means, np.tile(effects.mean(axis=0), (5, 1)), atol=1e-6)


def test_the_aipw_score_of_an_arm_not_received_is_the_expectation(clerk, make_trial):
    trial = make_trial(200, arms=3)
    scores = clerk.fit(trial)
    for arm in range(3):
        others = trial.arms != arm
        np.testing.assert_array_equal(
            scores.aipw["spent"][others, arm], scores.expected["spent"][others, arm]
        )
        y, m = trial.outcomes["spent"][~others], scores.expected["spent"][~others, arm]
        np.testing.assert_allclose(scores.aipw["spent"][~others, arm], m + (y - m) * 3)


def test_effects_follow_the_trait_that_moderates_them(clerk, make_trial):
    trial = make_trial(1500)
    spent = replace(trial, outcomes={"spent": trial.outcomes["spent"]})
    truth = np.maximum(np.asarray(trial.features["b"]), 0)
    assert np.corrcoef(clerk.fit(spent).learned[:, 0], truth)[0, 1] > 0.7


def test_the_strange_column_is_survived(clerk, make_trial):
    n = 120
    trial = make_trial(n)
    strange = {
        "nothing": pa.nulls(n, pa.float64()),
        "no text": pa.nulls(n, pa.string()),
        "one number": [7] * n,
        "one word": ["same"] * n,
        "yes": [None if i % 7 == 0 else i % 2 == 0 for i in range(n)],
        "day": [date(2020, 1, 1 + i % 28) if i % 5 else None for i in range(n)],
        "many": [f"word {i}" for i in range(n)],
        "nan": [float("nan")] * n,
    }
    for features in ({k: v} for k, v in strange.items()):
        scores = clerk.fit(replace(trial, features=pa.table(features)))
        assert np.isfinite(scores.effects).all()
    both = clerk.fit(replace(trial, features=pa.table(strange)))
    assert np.isfinite(both.aipw["spent"]).all()


@pytest.mark.parametrize("assignment", Assignment)
def test_twenty_persons_an_arm_suffice(clerk, make_trial, assignment):
    trial = make_trial(60, arms=3)
    scores = clerk.fit(replace(trial, design=replace(trial.design, assignment=assignment)))
    assert np.isfinite(scores.effects).all()
    assert np.isfinite(scores.aipw["bought"]).all()
    assert ((scores.received > 0) & (scores.received < 1)).all()


@pytest.mark.parametrize("constant", [0.0, 1.0, 12.5])
def test_an_outcome_that_never_varies_is_refused(clerk, make_trial, constant):
    with pytest.raises(CampaignError, match="the same outcome"):
        clerk.fit(replace(make_trial(80), outcomes={"bought": np.full(80, constant)}))


def test_infinite_features_are_refused(clerk, make_trial):
    with pytest.raises(CampaignError, match="infinite values"):
        clerk.fit(replace(make_trial(80), features=pa.table({"a": [np.inf, *range(79)]})))


def test_a_trial_without_features_is_refused_in_words(clerk, make_trial):
    trial = make_trial(60)
    with pytest.raises(CampaignError, match="no feature"):
        clerk.fit(replace(trial, features=trial.features.select([])))


@pytest.mark.parametrize("homes", [1, 4])
def test_too_few_households_are_refused_in_words(clerk, make_trial, homes):
    trial = replace(make_trial(80), households=np.arange(80) % homes)
    with pytest.raises(CampaignError, match="too few households"):
        clerk.fit(trial)


def test_an_arm_in_a_single_household_is_refused_in_words(clerk, make_trial):
    trial = make_trial(80)
    with pytest.raises(CampaignError, match="too few households"):
        clerk.fit(replace(trial, households=np.where(trial.arms == 1, 1000, np.arange(80))))


def test_known_shares_are_used_as_given_and_randomized_ones_as_found(clerk, make_trial):
    trial = make_trial(100)
    assert (clerk.fit(trial).received == 0.5).all()
    drawn = replace(
        trial,
        arms=(np.arange(100) >= 80).astype(np.int64),
        design=replace(trial.design, assignment=Assignment.RANDOMIZED, probabilities=None),
        received=np.full(100, np.nan),
    )
    np.testing.assert_allclose(clerk.fit(drawn).received, np.where(drawn.arms == 1, 0.2, 0.8))


def test_estimated_propensities_follow_who_was_treated(clerk):
    luck = np.random.default_rng(4)
    x = luck.normal(size=800)
    chance = np.clip(1 / (1 + np.exp(-2 * x)), 0.1, 0.9)
    arms = (luck.random(800) < chance).astype(np.int64)
    design = Design((Treatment("none"), Treatment("mail")), Assignment.OBSERVED)
    from_none = np.where(arms == 1, chance, 1 - chance)
    trial = _observed(design, arms, x)
    assert np.abs(clerk.fit(trial).received - from_none).mean() < 0.1


def test_no_estimated_propensity_is_below_the_clip(clerk):
    x = np.linspace(-1, 1, 400)
    arms = (x > 0).astype(np.int64)
    arms[[3, -3]] = arms[[-3, 3]]
    design = Design((Treatment("none"), Treatment("mail")), Assignment.OBSERVED)
    rows = np.arange(400)
    assert propensities(Features(x[:, None], ()), rows, arms, rows).min() >= 0.01 / 1.01
    with pytest.raises(CampaignError, match="usual chance"):
        clerk.fit(_observed(design, arms, x))


def _observed(design, arms, x):
    n = len(arms)
    outcomes = {"y": x + np.random.default_rng(5).normal(size=n)}
    return Trial(design, np.arange(n), arms, np.full(n, np.nan), outcomes, pa.table({"x": x}), None)


@pytest.mark.parametrize("lived", [None, 90])
def test_scores_come_back_from_the_lake_as_they_were(clerk, make_trial, lived):
    trial = make_trial(200, arms=3)
    if lived is not None:
        trial = replace(trial, households=np.arange(200) % lived)
    scores = clerk.fit(trial)
    again = scores_from(table_of(scores), ("bought", "spent"), 3)
    for name, value in vars(scores).items():
        np.testing.assert_equal(getattr(again, name), value)
