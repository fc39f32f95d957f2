"""How well people are ranked: exact where the truth is known, honest where it is not."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.measurement.evaluation import evaluate
from suasion.measurement.groups import split
from suasion.measurement.histogram import LEAST, histogram
from suasion.measurement.value import FOLDS_ERR_TOGETHER
from suasion.profiles import Trait
from suasion.stats import mean, ranking

N = 1000


def trait(label):
    return Trait(type="text", category="behavior", label=label)  # pyright: ignore[reportArgumentType]


CATALOGUE = {"x0": trait("First"), "x1": trait("Second"), "area": trait("Area")}


@pytest.fixture(scope="module")
def world(bench):
    return bench.simulate(1, N, lambda x: 0.3 + x[:, 1], arms=3)


@pytest.fixture(scope="module")
def scores(world, without_models):
    """Everybody's true outcomes under each arm, and their true effects as predictions."""
    truth = {"y": world.truth}
    learned = world.truth[:, 1:] - world.truth[:, :1]
    return replace(without_models(world.trial), aipw=truth, expected=truth, learned=learned)


def judged(world, scores, **given):
    return evaluate(world.trial.design, scores, "y", world.trial.features, CATALOGUE, **given)


def area_over_random(gains, order):
    """The area between the gain curve and the random line, summed person by person."""
    total = np.concatenate([[0], np.cumsum(gains[order])]) / len(gains)
    line = total[-1] * np.arange(len(gains) + 1) / len(gains)
    return np.trapezoid(total - line, dx=1 / len(gains))


def test_the_qini_of_the_truth_is_the_area_over_the_random_line(world, scores):
    for helped, gains in zip(judged(world, scores).treatments, scores.learned.T, strict=True):
        (found,) = helped.ranked
        usual = scores.expected["y"] @ (np.bincount(scores.arms) / N)
        best, other = (area_over_random(gains, np.argsort(-by)) for by in (gains, usual))
        assert found.qini.value == pytest.approx(best, abs=1e-5)
        assert found.over_propensity.value == pytest.approx(best - other, abs=1e-5)
        assert found.auuc.value == pytest.approx(best + gains.mean() / 2, abs=1e-3)
        assert found.average.value == pytest.approx(gains.mean())


def test_the_gain_of_the_top_is_the_mean_of_the_top(world, scores):
    helped = judged(world, scores).treatments[0]
    gains = np.sort(scores.learned[:, 0])[::-1]
    assert [at.share for at in helped.ranked[0].top] == [0.1, 0.3]
    for at in helped.ranked[0].top:
        assert at.gain.value == pytest.approx(gains[: round(N * at.share)].mean())
    for at in helped.ranked[0].curve:
        assert at.gain.value == pytest.approx(gains[: round(N * at.share)].sum() / N)


def test_both_curves_end_at_everybody_where_nobody_is_chosen(world, scores):
    found = judged(world, scores).treatments[0].ranked[0]
    plain = mean(scores.learned[:, 0])
    for at in (found.curve[-1], found.by_propensity[-1]):
        assert at.share == 1
        assert (at.gain.low, at.gain.value, at.gain.high) == pytest.approx(
            (plain.low, plain.value, plain.high)
        )


def test_a_ranking_that_was_learned_on_its_judges_gets_wider_intervals(world, scores):
    found = judged(world, scores).treatments[0].ranked[0]
    plain = ranking.qini(scores.learned[:, 0], scores.learned[:, 0])
    assert found.qini.high - found.qini.low == pytest.approx(FOLDS_ERR_TOGETHER * (plain.high - plain.low))


def test_right_predictions_lie_on_the_diagonal(world, scores):
    for helped in judged(world, scores).treatments:
        assert sum(part.n for part in helped.calibration) == N
        for part in helped.calibration:
            assert part.observed.value == pytest.approx(part.predicted)


def test_predictions_that_are_the_same_for_all_rank_nobody(world, scores):
    flat = replace(scores, learned=np.full_like(scores.learned, 0.3))
    for helped in judged(world, flat).treatments:
        (found,) = helped.ranked
        assert (found.qini.low, found.qini.high) == pytest.approx((0, 0), abs=1e-12)
        assert [cell.people for cell in helped.effects] == [N]
        assert len(helped.calibration) == 1


def test_people_of_one_household_count_once(world, scores):
    together = replace(scores, households=np.arange(N) // 4)
    found = judged(world, together).treatments[0]
    assert found.ranked[0].qini.n == N // 4
    assert all("clustered" in part.observed.method for part in found.calibration)
    assert {gain.gain.n for gain in found.groups} != {gain.people for gain in found.groups}


def few(world, scores, n):
    """The first n people alone."""
    part = {name: values[:n] for name, values in scores.aipw.items()}
    fewer = replace(
        scores,
        persons=scores.persons[:n],
        arms=scores.arms[:n],
        received=scores.received[:n],
        effects=scores.effects[:n],
        learned=scores.learned[:n],
        observed={name: values[:n] for name, values in scores.observed.items()},
        expected=part,
        aipw=part,
    )
    return evaluate(world.trial.design, fewer, "y", world.trial.features.slice(0, n), CATALOGUE)


def test_nothing_is_said_of_a_handful_of_people(world, scores):
    assert [at.share for at in few(world, scores, 100).treatments[0].ranked[0].top] == [0.3]
    tiny = few(world, scores, LEAST - 1).treatments[0]
    assert tiny.ranked[0].top == ()
    assert tiny.groups == ()
    assert tiny.calibration == ()
    assert not any(cell.people for cell in tiny.effects)


def test_amounts_that_are_watched_are_told_after_the_campaigns_outcome(world, scores):
    spend = scores.aipw["y"] * 10
    more = replace(
        scores,
        observed={"spend": scores.observed["y"] * 10, "y": scores.observed["y"], "came": np.arange(N) % 2.0},
        aipw={"spend": spend, "y": scores.aipw["y"], "came": spend},
        expected={"spend": spend, "y": scores.aipw["y"], "came": spend},
    )
    for helped in judged(world, more, money=["spend"]).treatments:
        y, amount = helped.ranked
        assert [(r.outcome, r.money) for r in helped.ranked] == [("y", False), ("spend", True)]
        assert amount.qini.value == pytest.approx(10 * y.qini.value)
        assert amount.qini.high == pytest.approx(10 * y.qini.high)


def test_an_evaluation_is_plain_data(world, scores):
    assert json.loads(json.dumps(asdict(judged(world, scores)), allow_nan=False))


def test_learned_effects_are_judged_whether_or_not_they_may_rank(world, scores):
    """The plan's effects are all the same: what was learned is judged nevertheless."""
    assert np.ptp(scores.effects) == 0
    assert judged(world, scores).treatments[0].ranked[0].qini.low > 0
    assert not judged(world, scores).ranks


# Who gains.


def test_the_trait_that_matters_comes_first_and_its_groups_gain_what_they_gain(world, scores):
    helped = judged(world, scores).treatments[0]
    assert [gain.trait for gain in helped.groups] == ["Second"] * 3 + ["First"] * 3
    values, gains = np.asarray(world.trial.features["x1"]), scores.learned[:, 0]
    cuts = [
        float(gain.group.removeprefix("up to ")) for gain in helped.groups if gain.group.startswith("up to")
    ]
    assert helped.groups[0].gain.value == pytest.approx(gains[values <= cuts[0]].mean())
    assert sum(gain.people for gain in helped.groups[:3]) == N


def test_a_trait_that_names_somebody_is_not_shown(world, scores):
    area = np.where(np.arange(N) < LEAST - 1, "castle", np.where(np.arange(N) % 2, "north", "south"))
    traits = pa.table({"area": area, "x0": np.zeros(N)})
    found = evaluate(world.trial.design, scores, "y", traits, CATALOGUE).treatments[0]
    assert {gain.group for gain in found.groups} == {"north", "south"}


def test_without_traits_nobody_is_grouped(world, scores):
    assert evaluate(world.trial.design, scores, "y", None, CATALOGUE).treatments[0].groups == ()


columns = st.one_of(
    st.lists(st.none() | st.booleans(), min_size=1).map(lambda v: pa.array(v, pa.bool_())),
    st.lists(st.none() | st.sampled_from("abcdefgh"), min_size=1).map(lambda v: pa.array(v, pa.string())),
    st.lists(st.none() | st.integers(-(2**40), 2**40), min_size=1).map(lambda v: pa.array(v, pa.int64())),
    st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1).map(lambda v: pa.array(v, pa.float64())),
    st.lists(st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)), min_size=1).map(
        lambda v: pa.array(v, pa.date32())
    ),
)


@settings(deadline=None)
@given(columns)
def test_everybody_is_in_one_group_and_the_unknown_among_themselves(column):
    codes, parts = split(column)
    assert len(codes) == len(column)
    assert codes.min() >= -1
    assert codes.max() < len(parts)
    assert parts[-1] == "unknown"
    assert ((codes == len(parts) - 1) == np.array([value is None for value in column.to_pylist()])).all()
    if not pa.types.is_string(column.type):
        assert (codes >= 0).all()


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=5, unique=True))
def test_larger_numbers_are_in_later_groups(values):
    codes, _ = split(pa.array(values))
    assert (np.diff(codes[np.argsort(values)]) >= 0).all()
    assert codes.max() <= 2


def test_dates_are_split_by_time():
    codes, parts = split(pa.array([date(2000 + year, 5, 1) for year in range(9)]))
    assert codes.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert parts[:-1] == ("up to 2002-05-01", "over 2002-05-01 to 2005-05-01", "over 2005-05-01")


# Histograms.


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=60), st.integers(1, 40))
def test_no_small_count_is_told_nor_found_by_subtraction(some, times):
    values = np.repeat(some, times)
    cells = histogram(values)
    shown = [cell.people for cell in cells if cell.people is not None]
    assert all(count == 0 or count >= LEAST for count in shown)
    hidden = len(values) - sum(shown)
    assert hidden == 0 or hidden >= min(LEAST, len(values))
    assert (hidden > 0) == any(cell.people is None for cell in cells)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-4, 1e4), st.floats(-100, 100))
def test_counts_are_counts(seed, scale, shift):
    values = shift * scale + scale * np.random.default_rng(seed).normal(size=5000)
    cells = histogram(values)
    assert 5 <= len(cells) <= 17
    assert cells[0].low is None
    assert cells[-1].high is None
    for cell, after in itertools.pairwise(cells):
        assert cell.high == after.low
    for cell in cells:
        low, high = (np.inf * sign if end is None else end for sign, end in ((-1, cell.low), (1, cell.high)))
        counted = int(((values >= low) & (values < high)).sum())
        assert cell.people is None or cell.people == counted
