"""People outside the trial are judged by what the trial taught, and change nothing in it."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from suasion.allocation import Options, plan
from suasion.errors import CampaignError, ClearanceError
from suasion.experiments import Assignment
from suasion.scores import fit, forecast_from
from suasion.scores.forecast import forecast_table
from suasion.scores.learner import MANY

FACTS = "traits@1"
FIRST = 10**6  # no person of a trial has so high a number


def outside(features: pa.Table, first: int = FIRST) -> pa.Table:
    """These features as those of persons outside the trial."""
    return features.add_column(0, "person", [np.arange(first, first + features.num_rows)])


def with_place(trial, places):
    """The trial with a district for everybody, in turn."""
    return replace(
        trial, features=trial.features.append_column("place", [_turns(places, len(trial.persons))])
    )


def _turns(places, n):
    return pa.array([places[i % len(places)] for i in range(n)], pa.string())


@pytest.fixture(scope="module")
def large(clerk, make_trial):
    """A trial of 1,500; 3,000 others of the same population, their true effects, and the forecast of all."""
    trial, rest = make_trial(1500), make_trial(3000, seed=1)
    trial = replace(trial, outcomes={"spent": trial.outcomes["spent"]})
    scores, forecast = clerk.both(trial, outside(rest.features))
    return trial, scores, forecast, np.maximum(np.asarray(rest.features["b"]), 0)


def test_effects_outside_follow_the_trait_that_moderates_them(large):
    _, _, forecast, truth = large
    there = forecast.persons >= FIRST
    known = np.isfinite(forecast.effects[there, 0])
    assert known.mean() > 0.98
    assert np.corrcoef(forecast.effects[there, 0][known], truth[known])[0, 1] > 0.7
    # The true average is E max(Z, 0); half of 1,500 in each arm, outcomes of variance below 3.
    assert abs(forecast.effects[there][known].mean() - 1 / np.sqrt(2 * np.pi)) < 4 * np.sqrt(2 * 3 / 750)


def test_what_is_expected_outside_differs_by_arm_as_the_effects_do(large):
    _, _, forecast, truth = large
    there = forecast.persons >= FIRST
    gain = forecast.expected["spent"][there] @ [-1, 1]
    assert np.corrcoef(gain, truth)[0, 1] > 0.7


def test_the_trial_keeps_its_cross_fitted_values(large):
    trial, scores, forecast, _ = large
    inside = np.searchsorted(forecast.persons, trial.persons)
    np.testing.assert_array_equal(forecast.persons, np.sort(forecast.persons))
    np.testing.assert_array_equal(forecast.persons[inside], trial.persons)
    np.testing.assert_array_equal(forecast.effects[inside], scores.effects)
    np.testing.assert_array_equal(forecast.expected["spent"][inside], scores.expected["spent"])


def test_a_plan_prefers_neither_those_inside_nor_those_outside(large):
    _, _, forecast, _ = large
    n, there = len(forecast.persons), forecast.persons >= FIRST
    options = Options(
        forecast.persons, "none", ("mail",), forecast.effects, np.ones((n, 1)), np.ones(1, np.bool_)
    )
    treated = plan(options, 0.3 * n, 0.0, 0.0).probabilities[:, 1]
    # Five standard errors of a difference of shares, and room for the models' own errors.
    assert abs(treated[there].mean() - treated[~there].mean()) < 5 * np.sqrt(0.21 / 1000) + 0.03


def test_equal_people_inside_and_outside_are_judged_nearly_alike(clerk, make_trial):
    trial = make_trial(1500)
    trial = replace(trial, outcomes={"spent": trial.outcomes["spent"]})
    scores, forecast = clerk.both(trial, outside(trial.features))
    twins = forecast.effects[forecast.persons >= FIRST, 0]
    spread = scores.effects[:, 0].std()
    known = np.isfinite(twins)
    assert known.mean() > 0.98
    assert np.corrcoef(twins[known], scores.effects[known, 0])[0, 1] > 0.8
    assert abs(twins[known].mean() - scores.effects[known].mean()) < 0.1 * spread


def test_where_nothing_differs_everybody_gets_the_same(clerk, make_trial):
    trial = make_trial(80)
    noise = np.random.default_rng(5).normal(size=80)
    forecast = clerk.both(
        replace(trial, outcomes={"noise": noise}), outside(make_trial(50, seed=1).features)
    )[1]
    assert np.ptp(forecast.effects) == 0


def test_the_average_alone_is_the_same_inside_and_outside_to_the_last_bit(clerk, make_trial):
    trial = make_trial(100)
    alike = replace(trial, features=pa.table({"one": [7.0] * 100}))
    forecast = clerk.both(alike, outside(alike.features))[1]
    assert len(np.unique(forecast.effects)) == 1


@pytest.mark.parametrize("assignment", Assignment)
def test_others_change_nothing_in_the_trial(clerk, make_trial, assignment):
    trial = with_place(make_trial(100), ["north", "south", None])
    trial = replace(trial, design=replace(trial.design, assignment=assignment))
    strange = with_place(
        make_trial(MANY if assignment is Assignment.KNOWN else 50, seed=1),
        ["east", "south", "south", None, "west"],
    )
    alone, _ = clerk.both(trial)
    scores, forecast = clerk.both(trial, outside(strange.features))
    for name, value in (vars(alone) | {"findings": alone.findings.rankings}).items():
        found = scores.findings.rankings if name == "findings" else getattr(scores, name)
        np.testing.assert_equal(found, value)
    assert np.isfinite(forecast.effects).all()
    assert all(np.isfinite(values).all() for values in forecast.expected.values())


@pytest.mark.parametrize("nobody", [None, pa.table({}), pa.table({"person": pa.array([], pa.int64())})])
def test_without_others_a_forecast_is_about_the_trial(clerk, make_trial, reordered, nobody):
    trial = reordered(make_trial(100), np.random.default_rng(1).permutation(100))
    scores, forecast = clerk.both(trial, nobody)
    order = np.argsort(trial.persons)
    np.testing.assert_array_equal(forecast.persons, trial.persons[order])
    np.testing.assert_array_equal(forecast.effects, scores.effects[order])
    for name, values in scores.expected.items():
        np.testing.assert_array_equal(forecast.expected[name], values[order])


def test_places_that_the_trial_has_not_seen_are_alike(clerk, make_trial):
    trial = with_place(make_trial(100), ["north", "south"])
    same = trial.features.slice(0, 1).take([0] * 3).drop(["place"])
    rest = same.append_column("place", [["Atlantis", "El Dorado", "Thule"]])
    effects = clerk.both(trial, outside(rest))[1].effects[-3:]
    assert np.isfinite(effects).all()
    np.testing.assert_array_equal(effects, effects[[0, 0, 0]])


def test_others_of_whom_nothing_is_known_are_judged_too(clerk, make_trial):
    trial = with_place(make_trial(100), ["north", "south"])
    for unknown in (pa.float64(), pa.null()):
        rest = pa.table({"a": pa.nulls(2, unknown), "b": [1.0, None], "place": pa.nulls(2, pa.string())})
        assert np.isfinite(clerk.both(trial, outside(rest))[1].effects).all()


def test_columns_are_found_by_name(clerk, make_trial):
    trial, rest = make_trial(100), make_trial(30, seed=1).features
    turned = outside(rest).select(["b", "person", "a"]).append_column("unused", [["x"] * 30])
    one, other = clerk.both(trial, outside(rest))[1], clerk.both(trial, turned)[1]
    np.testing.assert_array_equal(one.effects, other.effects)


def test_a_forecast_depends_on_nobody_else_outside(clerk, make_trial):
    trial = with_place(make_trial(100), ["north", "south"])
    rest = outside(with_place(make_trial(40, seed=1), ["south", "east"]).features)
    order = np.random.default_rng(2).permutation(40)
    whole, turned = clerk.both(trial, rest)[1], clerk.both(trial, rest.take(order))[1]
    part = clerk.both(trial, rest.slice(30))[1]
    np.testing.assert_array_equal(whole.effects, turned.effects)
    np.testing.assert_array_equal(whole.effects[-10:], part.effects[-10:])
    np.testing.assert_array_equal(whole.expected["spent"][-10:], part.expected["spent"][-10:])


def test_others_need_permission_too(make_trial, gates, clearances):
    trial = make_trial(60)
    rest = outside(trial.features.slice(0, 3))
    cleared = clearances(gates(), np.append(trial.persons, [FIRST, FIRST + 1]))
    with pytest.raises(ClearanceError, match=r"1 person\(s\) it does not name") as refusal:
        fit(trial, cleared, gates(), FACTS, others=rest)
    assert str(FIRST) not in str(refusal.value)


@pytest.mark.parametrize("again", ["of the trial", "of the others"])
def test_a_person_is_judged_once(clerk, make_trial, again):
    trial = make_trial(60)
    known = trial.persons[:1] if again == "of the trial" else np.array([FIRST])
    rest = pa.concat_tables(
        [outside(trial.features.slice(0, 2)), outside(trial.features.slice(0, 1), int(known[0]))]
    )
    with pytest.raises(CampaignError, match=r"1 person\(s\) given twice"):
        clerk.both(trial, rest)


def test_forecasts_come_back_from_the_lake_as_they_were(clerk, make_trial):
    trial = make_trial(100, arms=3)
    forecast = clerk.both(trial, outside(make_trial(20, seed=1).features))[1]
    again = forecast_from(forecast_table(forecast), ("bought", "spent"), 3)
    for name, value in vars(forecast).items():
        np.testing.assert_equal(getattr(again, name), value)
