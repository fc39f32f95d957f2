"""A score is shared out among features as Shapley would, told plainly, and altered by the least change."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError
from suasion.scores.data import Data
from suasion.scores.explain import (
    Explanation,
    Naming,
    Scale,
    at_least,
    day,
    explain,
    named,
    nearest_change,
    plain,
    shares,
)
from suasion.scores.features import Features
from suasion.scores.learners import Sample, learn_forest

NAN = float("nan")


@dataclass(frozen=True)
class Says:
    """A model that is a function of the matrix."""

    function: Callable[[np.ndarray], np.ndarray]

    def effects(self, features: Features) -> np.ndarray:
        found = self.function(features.matrix)
        return found if found.ndim == 2 else found[:, None]


def tangled(matrix: np.ndarray) -> np.ndarray:
    """Products, steps, and something that only the unknown have."""
    known = np.nan_to_num(matrix, nan=-1.5)
    out = known[:, 0] * known[:, 1] + np.isnan(matrix[:, 0]) + (known[:, -1] > 0)
    for column in range(matrix.shape[1]):
        out = out + np.sin(column + known[:, column]) * known[:, (column + 1) % matrix.shape[1]]
    return out


def people(n: int, p: int, seed: int = 0) -> np.ndarray:
    luck = np.random.default_rng(seed)
    matrix = luck.normal(size=(n, p))
    matrix[luck.random((n, p)) < 0.15] = np.nan
    return matrix


def by_orders(
    function: Callable[[np.ndarray], np.ndarray], others: np.ndarray, person: np.ndarray
) -> np.ndarray:
    """The definition: the mean over all orders of what a feature adds when its turn comes."""
    p, out = len(person), np.zeros(len(person))
    for order in itertools.permutations(range(p)):
        mixed, before = others.copy(), function(others).mean()
        for feature in order:
            mixed[:, feature] = person[feature]
            after = function(mixed).mean()
            out[feature] += (after - before) / factorial(p)
            before = after
    return out


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(2, 5), st.integers(1, 12))
def test_few_features_are_shared_out_by_the_definition(seed: int, p: int, n: int):
    others, person = people(n, p, seed), people(1, p, seed + 1)[0]
    found = shares(Says(tangled), Features(others, ()), person)
    np.testing.assert_allclose(found.values, by_orders(tangled, others, person), atol=1e-10)
    assert not found.errors.any()


@pytest.mark.parametrize("p", [1, 2, 8, 9, 12, 60])
def test_shares_and_the_average_sum_to_the_effect(p: int):
    def function(matrix: np.ndarray) -> np.ndarray:
        return tangled(matrix) if p > 1 else np.nan_to_num(matrix[:, 0])

    others, person = people(300, p), people(1, p, 1)[0]
    found = shares(Says(function), Features(others, ()), person)
    assert found.values.sum() + found.average == pytest.approx(found.effect, abs=1e-9)
    assert found.effect == function(person[None])[0]


def test_many_features_are_shared_out_within_the_error_that_is_stated():
    """Twelve features in products of three: what each group adds is its own, whatever the others do."""
    p, n = 12, 60
    others, person = np.random.default_rng(2).normal(size=(n, p)), np.full(p, 2.0)

    def product(matrix: np.ndarray) -> np.ndarray:
        return matrix.prod(axis=1)

    def function(matrix: np.ndarray) -> np.ndarray:
        return sum(product(matrix[:, i : i + 3]) for i in range(0, p, 3))

    groups = (by_orders(product, others[:, i : i + 3], person[:3]) for i in range(0, p, 3))
    truth = np.concatenate(list(groups))
    off = []
    for seed in range(40):
        found = shares(Says(function), Features(others, ()), person, seed=seed)
        assert (found.errors > 0).all()
        off.append((found.values - truth) / found.errors)
    assert 0.85 < np.sqrt(np.mean(np.square(off))) < 1.15
    assert abs(np.mean(off)) < 0.2


@pytest.mark.parametrize("p", [4, 11])
def test_a_feature_that_the_model_ignores_gets_nothing_and_two_alike_get_the_same(p: int):
    def function(matrix: np.ndarray) -> np.ndarray:
        return (matrix[:, 1] + matrix[:, 2]) ** 2

    others = np.random.default_rng(3).normal(size=(80, p))
    others[:, 2] = others[:, 1]
    found = shares(Says(function), Features(others, ()), np.full(p, 1.5))
    assert not np.delete(found.values, [1, 2]).any()
    assert found.values[1] == pytest.approx(found.values[2], abs=1e-9 + 5 * found.errors[1])


def test_a_seed_fixes_who_is_compared_with_and_in_which_orders():
    others, person = Features(people(500, 12), ()), people(1, 12, 1)[0]
    first, again, other = (shares(Says(tangled), others, person, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.values, again.values)
    assert (first.values != other.values).any()


def test_each_treatment_has_shares_of_its_own():
    model = Says(lambda matrix: matrix @ np.array([[1.0, 0.0], [0.0, 2.0]]))
    others, person = Features(np.zeros((3, 2)), ()), np.array([1.0, 1.0])
    assert shares(model, others, person).values.tolist() == [1, 0]
    assert shares(model, others, person, treatment=1).values.tolist() == [0, 2]


def test_categories_stay_categories_and_the_unknown_unknown():
    """The model is never asked about a code or a number that neither the person nor another has."""
    seen: list[np.ndarray] = []

    def function(matrix: np.ndarray) -> np.ndarray:
        seen.append(matrix)
        return np.nan_to_num(matrix).sum(axis=1)

    others, person = np.array([[0.0, NAN], [4.0, 7.0]]), np.array([2.0, NAN])
    shares(Says(function), Features(others, (0,)), person)
    asked = np.vstack(seen)
    assert set(asked[:, 0]) == {0.0, 2.0, 4.0}
    assert set(asked[~np.isnan(asked[:, 1]), 1]) == {7.0}


def test_who_is_compared_with_nobody_is_refused():
    for others, person in ((np.empty((0, 2)), np.zeros(2)), (np.zeros((3, 2)), np.zeros(3))):
        with pytest.raises(CampaignError, match="explanation"):
            shares(Says(tangled), Features(others, ()), person)


AGE = Naming("age", "You are {} years old", fixed=True)
VISITS = Naming("number of visits")
TOWN = Naming("town", "You live in {}", named(["Bonn", "Rome"]))


def grown(person: list[float], **more: object) -> Explanation:
    """Age helps, visits harm, and Rome is better than Bonn."""
    others = Features(np.array([[30.0, 4, 0], [40, 2, 1], [50, 6, 0], [60, 0, 1.0]]), (2,))
    model = Says(lambda m: np.nan_to_num(m[:, 0], nan=45) / 10 - m[:, 1] + 2 * (m[:, 2] == 1))
    return explain(model, others, np.array(person), (AGE, VISITS, TOWN), **more)


def test_reasons_are_told_in_words_with_the_own_values():
    said = grown([63, 5, 1]).sentences
    assert said[0] == "For you the expected benefit is above the average."
    assert said[1:4] == (
        "You are 63 years old: this raised it most.",
        "You live in Rome: this raised it too.",
        "Your number of visits is 5: this lowered it most.",
    )
    assert "estimate" in said[-1]


def test_the_strongest_reason_comes_first():
    reasons = grown([63, 10, 1]).reasons
    assert [reason.label for reason in reasons] == ["number of visits", "age", "town"]
    assert [reason.fixed for reason in reasons] == [False, True, False]
    assert [reason.share for reason in reasons] == pytest.approx([-7, 1.8, 1.0])


def test_what_is_not_known_is_told_as_unknown():
    said = " ".join(grown([NAN, 9, 5]).sentences)
    assert "nan" not in said
    assert "You live in another one" in said
    model = Says(lambda m: np.isnan(m[:, 0]) + 0.0)
    others = Features(np.array([[1.0], [2.0]]), ())
    assert (
        "We do not know your age: this raised it most."
        in explain(model, others, np.array([NAN]), [AGE]).sentences
    )


def test_an_interval_is_told_in_the_words_given():
    scale = Scale("the number of visits", lambda effect: f"{effect:.0f} visits")
    said = grown([63, 5, 1], interval=(-3.0, 40.0), scale=scale).sentences
    assert (
        said[-1] == "By these data the number of visits for you may be anything from -3 visits to 40 visits."
    )
    with pytest.raises(CampaignError, match="interval without"):
        grown([63, 5, 1], interval=(100.0, 101.0))


def test_where_nobody_is_ranked_everybody_was_treated_alike():
    for found in (
        grown([63, 5, 1], ranked=False),
        explain(Says(lambda m: np.full(len(m), 0.3)), Features(np.zeros((4, 1)), ()), np.ones(1), [VISITS]),
    ):
        (said,) = found.sentences
        assert said.startswith("Everybody was treated alike")
        assert found.reasons == ()
        assert found.change is None


def test_many_small_reasons_are_not_all_told():
    names = [Naming(f"trait {i}") for i in range(12)]
    others = Features(np.zeros((2, 12)), ())
    said = explain(Says(lambda m: m.sum(axis=1)), others, np.arange(1.0, 13), names).sentences
    assert sum("this raised it" in sentence for sentence in said) == 4
    assert "The other 8 traits that were used mattered less." in said


def test_a_naming_for_each_feature_is_asked_for():
    with pytest.raises(CampaignError, match="1 namings of 2"):
        explain(Says(tangled), Features(np.zeros((2, 2)), ()), np.zeros(2), [AGE])


def test_values_are_spelled_as_people_write_them():
    assert [plain(x) for x in (0.0, -3.0, 1e6, 0.5, 12.345, 0.0001234)] == [
        "0",
        "-3",
        "1,000,000",
        "0.5",
        "12.3",
        "0.000123",
    ]
    assert day(0) == "1 January 1970"


def brute(function, others: np.ndarray, person: np.ndarray, free: list[int], rule, together: int) -> float:
    """The smallest distance of any change of exactly so many features, by trying all."""
    best, now = np.inf, rule(function(person[None])[:, None])[0]
    for columns in itertools.combinations(free, together):
        values = [np.unique(others[~np.isnan(others[:, c]), c]) for c in columns]
        for picked in itertools.product(*values):
            other = person.copy()
            other[list(columns)] = picked
            if rule(function(other[None])[:, None])[0] != now and not any(
                person[c] == v for c, v in zip(columns, picked, strict=True)
            ):
                sd = [np.nanstd(others[:, c]) for c in columns]
                steps = [
                    1.0 if np.isnan(person[c]) else abs(v - person[c]) / s
                    for c, v, s in zip(columns, picked, sd, strict=True)
                ]
                best = min(best, float(np.hypot.reduce(steps)))
    return best


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.floats(-3, 3))
def test_the_nearest_change_is_the_one_that_trying_all_finds(seed: int, least: float):
    others, person = people(11, 4, seed), people(1, 4, seed + 1)[0]
    names = [Naming(f"trait {i}", fixed=i == 2) for i in range(4)]
    found = nearest_change(Says(tangled), Features(others, ()), person, names, at_least(least))
    for together in (1, 2):
        distance = brute(tangled, others, person, [0, 1, 3], at_least(least), together)
        if distance < np.inf:
            assert found is not None
            assert len(found.columns) == together
            assert found.distance == pytest.approx(distance)
            break
    else:
        assert found is None
    if found is not None:
        other = person.copy()
        other[list(found.columns)] = found.after
        rule, asked = at_least(least), (person, other)
        assert len({bool(rule(tangled(row[None])[:, None])[0]) for row in asked}) == 2
        assert 2 not in found.columns


def test_a_change_is_told_and_what_is_fixed_is_named():
    said = grown([63, 5, 1], rule=at_least(4.0)).sentences
    assert "Had your number of visits been 4 instead of 5, the decision would have been another." in said
    assert "No change was looked for in what cannot change: your age." in said
    assert grown([63, 5, 1], rule=at_least(4.0)).change is not None


def test_where_nothing_alters_the_decision_that_is_said():
    found = grown([63, 5, 1], rule=at_least(1000))
    assert found.change is None
    assert "No single change, and no two together, would have altered the decision." in found.sentences


def test_a_category_may_change_and_an_unknown_may_become_known():
    others = Features(np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]]), (0,))
    names = [Naming("town", spell=named(["Bonn", "Rome", "Oslo"])), VISITS]
    by_town = nearest_change(Says(lambda m: m[:, 0] == 2.0), others, np.zeros(2), names, at_least(0.5))
    assert by_town is not None
    assert by_town.said == "Had your town been Oslo instead of Bonn, the decision would have been another."
    by_visits = nearest_change(
        Says(lambda m: np.nan_to_num(m[:, 1])), others, np.array([0, NAN]), names, at_least(4)
    )
    assert by_visits is not None
    assert (
        by_visits.said == "Had we known your number of visits to be 5, the decision would have been another."
    )


def test_a_rule_may_look_at_all_treatments():
    """The second treatment becomes the better one."""
    model = Says(lambda m: np.column_stack([np.full(len(m), 2.0), m[:, 0]]))
    others = Features(np.arange(6.0)[:, None], ())
    found = nearest_change(
        model, others, np.array([1.0]), [VISITS], lambda effects: effects.argmax(axis=1) == 1
    )
    assert found is not None
    assert found.after == (3.0,)


def test_a_change_needs_somebody_to_compare_with():
    with pytest.raises(CampaignError, match="somebody"):
        nearest_change(Says(tangled), Features(np.empty((0, 1)), ()), np.zeros(1), [VISITS], at_least(0))


def test_a_forest_of_twelve_features_is_explained_at_once():
    luck = np.random.default_rng(0)
    n = 3000
    features = Features(luck.normal(size=(n, 12)), ())
    got = luck.integers(0, 2, n)
    helped = (features.matrix[:, 3] > 0).astype(float)
    sample = Sample(
        Data(features), got, helped * got + luck.normal(size=n), np.zeros((n, 2)), np.full((n, 2), 0.5)
    )
    model = learn_forest(sample)
    names = [Naming(f"trait {i}") for i in range(12)]
    person = np.full(12, -1.0)
    person[3] = -0.2
    times = []
    for _ in range(3):
        start = time.process_time()
        found = explain(model, features, person, names, rule=at_least(0.5))
        times.append(time.process_time() - start)
    assert min(times) < 0.3
    assert found.reasons[0].column == 3
    assert found.reasons[0].share < -0.2
    assert found.change is not None
    assert found.change.columns == (3,)
    assert -0.2 < found.change.after[0] < 0.5
