"""One call fits the pool: honest about who was seen, right where there is something, silent where not."""

import threading
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError
from suasion.scores import Data, Features, pool
from suasion.scores.learners import learn_doubly_robust, learn_forest, learn_linearly
from suasion.scores.stack import stack

WORLDS = run_path(str(Path(__file__).with_name("worlds.py")))
world, KINDS = WORLDS["world"], WORLDS["KINDS"]
FEW = {"linear": learn_linearly, "forest": learn_forest}


def fit(one, **others):
    return pool.fit(one.data, one.treatments, one.outcome, **others)


@dataclass(frozen=True)
class Witness:
    """A model that remembers whom it was learned from; column 0 names people."""

    known: frozenset
    asked: list

    def effects(self, features):
        names = set(features.matrix[:, 0].tolist())
        self.asked.append((len(self.known), len(names & self.known), len(names)))
        return np.zeros((len(features.matrix), 1))


def test_no_learner_is_asked_about_whom_it_was_learned_from_until_all_is_judged():
    n, asked = 400, []
    rng = np.random.default_rng(0)
    data = Data(Features(np.column_stack([np.arange(n), rng.random(n)]), ()), np.full((n, 2), 0.5))

    def learn(sample):
        return Witness(frozenset(sample.data.features.matrix[:, 0].tolist()), asked)

    pool.fit(data, rng.integers(0, 2, n), rng.random(n), learners={"witness": learn})
    judged = [both for known, both, _ in asked if known < n]
    assert judged == [0] * 5
    assert sum(names for known, _, names in asked if known < n) == n


@pytest.mark.parametrize("arms", [2, 3])
def test_who_is_helped_is_found_and_how_much(arms):
    one = world("step", 6000, 1, arms, size=0.25)
    found = fit(one, learners=FEW)
    assert [ranking.ranks for ranking in found.rankings] == [True] * (arms - 1)
    for a in range(arms - 1):
        assert np.corrcoef(found.effects[:, a], one.truth[:, a])[0, 1] > 0.85
        slope = np.polyfit(found.effects[:, a], one.truth[:, a], 1)[0]
        assert 0.7 < slope < 1.4
        assert found.average[a].low < one.truth[:, a].mean() < found.average[a].high
    again = found.model.effects(one.data.features)
    assert np.corrcoef(again[:, 0], found.effects[:, 0])[0, 1] > 0.95


def test_the_harmed_get_negative_effects():
    one = world("sign-changing", 6000, 2, size=0.2)
    effects = fit(one, learners=FEW).usable[:, 0]
    assert np.mean(np.sign(effects) == np.sign(one.truth[:, 0])) > 0.9


def test_where_nothing_differs_people_are_not_ranked_and_get_the_average():
    closed = 0
    for seed in range(5):
        found = fit(world("constant", 1500, seed), learners=FEW)
        closed += not found.rankings[0].ranks
        if not found.rankings[0].ranks:
            assert np.ptp(found.usable) == 0
            assert found.usable[0, 0] == found.average[0].value
    assert closed >= 4


def test_predictions_shrink_to_the_average_where_data_cannot_tell():
    one = world("none", 1500, 3)
    said = np.std(learn_doubly_robust(fit(one, learners=FEW).sample).effects(one.data.features))
    assert np.std(fit(one, learners={"DR": learn_doubly_robust}).effects) < said


def test_fewer_than_a_hundred_in_an_arm_are_not_ranked_and_the_reason_is_said():
    one = world("step", 150, 4, size=0.6)
    ranking = fit(one, learners=FEW).rankings[0]
    assert not ranking.ranks
    assert "fewer than 100" in ranking.reason


def test_households_stay_in_one_fold():
    one = world("clustered", 900, 5)
    folds = fit(one, learners=FEW).folds
    assert all(len(set(folds[one.data.clusters == home])) == 1 for home in range(300))


def test_a_seed_gives_the_same_and_another_does_not():
    one = world("step", 800, 6)
    first, same, other = (fit(one, learners=FEW, seed=seed).effects for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_the_number_of_threads_changes_nothing():
    one = world("step", 1000, 7)
    alone = fit(one, learners=FEW).effects
    found = {}

    def work(name):
        found[name] = fit(one, learners=FEW).effects

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for effects in found.values():
        np.testing.assert_array_equal(effects, alone)


def test_weights_say_how_many_people_each_stands_for():
    one = world("step", 3000, 8, size=0.3)
    heavy = np.where(one.data.features.matrix[:, 1] > 0, 3.0, 1.0)
    weighted = Data(one.data.features, one.data.propensities, heavy)
    found = pool.fit(weighted, one.treatments, one.outcome, learners=FEW)
    truth = np.average(one.truth[:, 0], weights=heavy)
    assert found.average[0].low < truth < found.average[0].high
    assert abs(found.average[0].value - one.truth.mean()) > 0.03


def test_unknown_chances_are_learned():
    rng = np.random.default_rng(9)
    one = world("constant", 6000, 9, size=0.2)
    x = one.data.features.matrix
    chance = 1 / (1 + np.exp(-x[:, 0]))
    got = (rng.random(6000) < chance).astype(np.int64)
    came = (rng.random(6000) < 0.3 + 0.1 * np.tanh(x[:, 0]) + 0.1 * got).astype(float)
    found = pool.fit(Data(one.data.features), got, came, learners=FEW).average[0]
    naive = came[got == 1].mean() - came[got == 0].mean()
    assert found.low < 0.1 < found.high
    assert not found.low < naive < found.high


def amounts(n, seed):
    rng = np.random.default_rng(seed)
    x, got = rng.standard_normal((n, 5)), rng.integers(0, 2, n)
    buys = rng.random(n) < 0.1 + 0.3 * got * (x[:, 1] > 0)
    spent = np.where(buys, np.exp(2 + 1.6 * rng.standard_normal(n)), 0.0)
    return Data(Features(x, ()), np.full((n, 2), 0.5)), got, spent


def test_the_largest_amounts_are_capped_only_while_learning_and_it_is_said():
    data, got, spent = amounts(4000, 0)
    found = pool.fit(data, got, spent, learners=FEW)
    assert found.extremes.cap is not None
    assert found.extremes.capped == (spent > found.extremes.cap).sum() > 0
    assert found.extremes.gain.value > 0
    difference = spent[got == 1].mean() - spent[got == 0].mean()
    assert found.average[0].value == pytest.approx(
        difference, abs=0.5 * np.ptp([found.average[0].low, found.average[0].high])
    )


def test_a_yes_or_no_is_never_capped():
    assert fit(world("step", 500, 1), learners=FEW).extremes.cap is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d, w, y: (d, np.zeros_like(w), y), "at least two arms"),
        (lambda d, w, y: (d, w * 2, y), "none empty"),
        (lambda d, w, y: (d, w, np.full_like(y, 3.0)), "the same outcome"),
        (lambda d, w, y: (d, w, np.where(np.arange(len(y)) == 3, np.nan, y)), "not finite"),
        (lambda d, w, y: (d, w, np.where(np.arange(len(y)) == 3, np.inf, y)), "not finite"),
        (lambda d, w, y: (d, w[:-1], y), "one of each"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_words(change, words):
    one = world("step", 300, 1)
    with pytest.raises(CampaignError, match=words):
        pool.fit(*change(one.data, one.treatments, one.outcome), learners=FEW)


@pytest.mark.parametrize("bad", [0.0, 1.0, np.nan])
def test_a_propensity_of_nought_or_one_is_refused(bad):
    chances = np.full((50, 2), 0.5)
    chances[7] = [1 - bad, bad]
    with pytest.raises(CampaignError, match="propensities"):
        Data(Features(np.zeros((50, 1)), ()), chances)


@pytest.mark.parametrize("codes", [np.arange(10_000.0), np.full(50, -1.0), np.full(50, 0.5)])
def test_categories_that_are_no_codes_are_refused(codes):
    data, got = Data(Features(codes[:, None], (0,))), np.arange(len(codes)) % 2
    with pytest.raises(CampaignError, match="categories in column 0"):
        pool.fit(data, got, np.arange(len(codes)) % 3.0, learners=FEW)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.1, 10), st.integers(1, 3))
def test_a_stack_does_not_depend_on_units(seed, factor, k):
    rng = np.random.default_rng(seed)
    said, gains = rng.normal(size=(3, 200, k)), rng.normal(size=(200, k))
    one, other = stack(said, gains, None, None), stack(said * factor, gains * factor, None, None)
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(one.slopes, other.slopes, rtol=1e-6)


def test_a_stack_believes_who_was_right():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(5000, 1))
    said = np.stack([truth, rng.normal(size=(5000, 1)), -truth])
    found = stack(said, truth + rng.normal(size=(5000, 1)), None, None)
    assert found.weights[0, 0] > 0.99
    assert found.slopes[0] == pytest.approx(1, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["none", "constant"])
def test_where_there_is_nothing_the_gate_opens_in_at_most_seven_of_a_hundred(kind):
    opened = sum(fit(world(kind, 1000, seed), seed=seed).rankings[0].ranks for seed in range(1000))
    assert opened <= 70


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_average_effects_are_covered(kind):
    missed = 0
    for seed in range(300):
        one = world(kind, 900, seed)
        found = fit(one, learners={"linear": learn_linearly}, seed=seed).average[0]
        missed += not found.low <= one.truth.mean() <= found.high
    assert 3 <= missed <= 32


def test_without_overlap_nothing_is_said():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 2))
    got = (x[:, 0] > 0).astype(int)
    with pytest.raises(CampaignError, match="under a fifth of the usual chance"):
        pool.fit(Data(Features(x, ())), got, x[:, 0] + rng.normal(size=800), learners=FEW)


@pytest.mark.parametrize("kind", [bool, np.float64, np.int8, list])
def test_treatments_of_any_whole_type_are_the_same(kind):
    one = world("step", 300, 1)
    given = one.treatments.tolist() if kind is list else one.treatments.astype(kind)
    found = pool.fit(one.data, given, one.outcome.astype(bool), learners=FEW)
    np.testing.assert_array_equal(found.effects, fit(one, learners=FEW).effects)


@pytest.mark.parametrize(
    ("treatments", "outcome", "words"),
    [
        (np.full(300, 0.5), None, "not whole"),
        (np.full(300, -1), None, "below 0"),
        (np.full(300, 10**11), None, "above 1,000"),
        (np.array(["a"] * 300), None, "not one number"),
        (np.zeros((300, 2)), None, "not one number"),
        (None, np.array([None] * 300), "not one number"),
        (None, np.arange(300.0) * 1e100, "another unit"),
        (None, np.arange(300.0) * 1e-200, "another unit"),
        (None, np.arange(300) % 2 + 1e12, "offset"),
    ],
)
def test_numbers_that_are_none_are_refused_in_words(treatments, outcome, words):
    one = world("step", 300, 1)
    got = one.treatments if treatments is None else treatments
    with pytest.raises(CampaignError, match=words):
        pool.fit(one.data, got, one.outcome if outcome is None else outcome, learners=FEW)


def test_weights_that_let_one_person_speak_for_all_are_refused():
    one = world("step", 300, 1)
    heavy = np.ones(300)
    heavy[0] = 1e12
    with pytest.raises(CampaignError, match="Trim the largest"):
        pool.fit(Data(one.data.features, None, heavy), one.treatments, one.outcome, learners=FEW)


def test_a_learner_that_says_no_number_is_named():
    class Silent:
        def effects(self, features):
            return np.full((len(features.matrix), 1), np.nan)

    with pytest.raises(CampaignError, match=r"contract\.check"):
        fit(world("step", 300, 1), learners={"silent": lambda _: Silent()})
