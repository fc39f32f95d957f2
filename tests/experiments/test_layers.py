"""Experiments share people without disturbing each other, and nobody changes arms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency, chisquare

from suasion.errors import CampaignError
from suasion.experiments.layers import (
    BUCKETS,
    Earlier,
    Enrolled,
    Layer,
    Slot,
    buckets,
    enroll,
    households,
)

PEOPLE = np.arange(40_000)
ARMS, SHARES = ("none", "mail", "call"), (0.5, 0.3, 0.2)
NOBODY = Earlier(np.empty(0, np.int64), [], [], np.empty(0))


def slot(experiment: str, start: int, stop: int, shares: Any = SHARES, arms: Any = ARMS) -> Slot:
    return Slot(experiment, range(start, stop), arms, shares)


def stored(*rows: tuple[int, str, str]) -> Earlier:
    units, experiments, arms = zip(*rows, strict=True) if rows else ([], [], [])
    return Earlier(np.array(units, np.int64), experiments, arms, np.full(len(rows), 0.25))


def exposed(experiment: str, who: Enrolled, some: np.ndarray) -> Earlier:
    """Those in the experiment, where `some` says so, as they would be stored."""
    seen = some & (who.arms >= 0)
    arms = [ARMS[arm] for arm in who.arms[seen]]
    return Earlier(who.units[seen], [experiment] * len(arms), arms, who.chances[seen])


def joined(*parts: Earlier) -> Earlier:
    experiments = [one for part in parts for one in part.experiments]
    arms = [one for part in parts for one in part.arms]
    units, chances = (np.concatenate([getattr(p, name) for p in parts]) for name in ("units", "chances"))
    return Earlier(units, experiments, arms, chances)


def test_buckets_are_even():
    counts = np.bincount(buckets(PEOPLE, "site") // 100, minlength=100)
    assert chisquare(counts).pvalue > 0.001


def test_nobody_is_in_two_experiments_of_a_layer_and_all_buckets_are_somebodys():
    layer = Layer("site", (slot("a", 0, 2_500), slot("b", 2_500, 4_000), slot("c", 4_000, BUCKETS)))
    found = [enroll(layer, one.experiment, PEOPLE, NOBODY) for one in layer.slots]
    inside = np.array([one.arms >= 0 for one in found])
    assert (inside.sum(axis=0) == 1).all()
    for one, share in zip(inside, (0.25, 0.15, 0.6), strict=True):
        assert binomtest(int(one.sum()), len(PEOPLE), share).pvalue > 0.001
    assert all(one.dropped == {} for one in found)


def test_arms_have_their_shares_and_say_so():
    found = enroll(Layer("site", (slot("a", 0, 5_000),)), "a", PEOPLE, NOBODY)
    inside = found.arms >= 0
    counts = np.bincount(found.arms[inside], minlength=3)
    assert chisquare(counts, np.array(SHARES) * counts.sum()).pvalue > 0.001
    assert np.array_equal(found.chances[inside], np.array(SHARES)[found.arms[inside]])
    assert (found.chances[~inside] == 0).all()


@pytest.mark.parametrize(("one", "other"), [("site", "mail"), ("a", "b"), ("site", "a")])
def test_layers_are_independent_of_each_other(one: str, other: str):
    """Even where an experiment has the name of a layer."""
    whole = [
        enroll(Layer(n, (slot(f"in {n}", 0, 5_000),)), f"in {n}", PEOPLE, NOBODY).arms for n in (one, other)
    ]
    table = np.zeros((4, 4))
    np.add.at(table, (whole[0] + 1, whole[1] + 1), 1)
    assert chi2_contingency(table).pvalue > 0.001


def test_arms_are_independent_of_buckets_though_all_have_one_name():
    found = enroll(Layer("spring", (slot("spring", 0, BUCKETS),)), "spring", PEOPLE, NOBODY)
    table = np.zeros((3, 20))
    np.add.at(table, (found.arms, buckets(PEOPLE, "spring") // 500), 1)
    assert chi2_contingency(table).pvalue > 0.001


def test_a_key_and_a_name_draw_anew():
    layer, other = Layer("site", (slot("a", 0, BUCKETS),)), Layer("site", (slot("b", 0, BUCKETS),))
    drawn = [enroll(layer, "a", PEOPLE, NOBODY, key).arms for key in (b"", b"one", b"two")]
    drawn.append(enroll(other, "b", PEOPLE, NOBODY).arms)
    for i in range(4):
        for j in range(i):
            table = np.zeros((3, 3))
            np.add.at(table, (drawn[i], drawn[j]), 1)
            assert chi2_contingency(table).pvalue > 0.001


def test_the_draw_of_a_person_does_not_depend_on_the_others():
    layer, order = (
        Layer("site", (slot("a", 0, 5_000),)),
        np.random.default_rng(1).permutation(len(PEOPLE))[:999],
    )
    before = stored(*((int(one), "a", "call") for one in order[:50]))
    whole, part = (enroll(layer, "a", units, before) for units in (PEOPLE, order))
    assert np.array_equal(part.arms, whole.arms[order])
    assert np.array_equal(part.chances, whole.chances[order])


@settings(deadline=None, max_examples=25)
@given(first=st.integers(0, 9_000), grown=st.tuples(st.integers(0, 500), st.integers(0, 500)))
def test_more_buckets_move_nobody_who_is_in(first: int, grown: tuple[int, int]):
    people, last = PEOPLE[:2_000], first + 500
    before = enroll(Layer("site", (slot("a", first, last),)), "a", people, NOBODY)
    more = slot("a", max(0, first - grown[0]), min(BUCKETS, last + grown[1]))
    after = enroll(Layer("site", (more,)), "a", people, NOBODY)
    inside = before.arms >= 0
    assert np.array_equal(after.arms[inside], before.arms[inside])


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[tuple[float, ...], int, int, int]]:
    """Shares of the arms, and the buckets of two experiments, time after time."""
    made = []
    for _ in range(draw(st.integers(2, 4))):
        weights = np.array(draw(st.lists(st.integers(0, 4), min_size=3, max_size=3)))
        weights[0] += 1
        one, two, three = sorted(draw(st.lists(st.integers(0, BUCKETS), min_size=3, max_size=3)))
        made.append((tuple((weights / weights.sum()).tolist()), one, two, three))
    return made


@settings(deadline=None, max_examples=40)
@given(times=changes(), seed=st.integers(0, 100))
def test_whoever_was_exposed_stays_whatever_changes(
    times: list[tuple[tuple[float, ...], int, int, int]], seed: int
):
    people, rng, said, first = PEOPLE[:600], np.random.default_rng(seed), NOBODY, dict[tuple[str, int], Any]()
    for shares, one, two, three in times:
        layer = Layer("site", (slot("a", one, two, shares), slot("b", two, three, shares)))
        found = {name: enroll(layer, name, people, said) for name in ("a", "b")}
        assert not ((found["a"].arms >= 0) & (found["b"].arms >= 0)).any()
        for name, who in found.items():
            told = {
                (name, int(p)): (int(a), float(c))
                for p, a, c in zip(people, who.arms, who.chances, strict=True)
            }
            kept = {key: value for key, value in first.items() if key[0] == name}
            assert {key: told[key] for key in kept} == kept
            new = exposed(name, who, (rng.random(len(people)) < 0.5) & ~np.isin(people, said.units))
            first |= {(name, int(p)): told[name, int(p)] for p in new.units}
            said = joined(said, new)


def test_who_was_exposed_to_an_experiment_is_not_let_into_another_that_got_its_buckets():
    wide = Layer("site", (slot("a", 0, 6_000), slot("b", 6_000, BUCKETS)))
    before = exposed("a", enroll(wide, "a", PEOPLE, NOBODY), np.ones(len(PEOPLE), np.bool_))
    narrow = Layer("site", (slot("a", 0, 1_000), slot("b", 1_000, BUCKETS)))
    found = enroll(narrow, "b", PEOPLE, before)
    moved = np.isin(PEOPLE, before.units) & (buckets(PEOPLE, "site") >= 1_000)
    assert (found.arms[moved] == -1).all()
    assert found.dropped == {"in another experiment of the layer": int(moved.sum())}
    ended = enroll(Layer("site", (slot("b", 1_000, BUCKETS),)), "b", PEOPLE, before)
    assert (ended.arms[moved] >= 0).all()


def test_what_is_stored_of_another_layer_or_of_others_changes_nothing():
    layer = Layer("site", (slot("a", 0, 5_000),))
    before = stored((1, "elsewhere", "none"), (2, "elsewhere", "no such arm"), (-5, "a", "mail"))
    found, plain = enroll(layer, "a", PEOPLE, before), enroll(layer, "a", PEOPLE, NOBODY)
    assert np.array_equal(found.arms, plain.arms)
    assert found.dropped == {}


def test_a_merge_that_puts_a_person_in_two_arms_excludes_and_counts_them():
    layer = Layer("site", (slot("a", 0, 5_000), slot("b", 5_000, BUCKETS)))
    before = stored(
        (10, "a", "none"), (11, "a", "mail"),  # two arms
        (20, "a", "call"), (21, "a", "call"),  # the same arm
        (30, "a", "none"), (31, "b", "mail"),  # two experiments
        (40, "a", "none"), (41, "a", "mail"), (42, "b", "none"),  # both
        (50, "a", "mail"), (51, "b", "mail"),  # never merged
    )  # fmt: skip
    now = before.moved(np.array([11, 21, 31, 41, 42]), np.array([10, 20, 30, 40, 40]))
    units = np.array([10, 20, 30, 40, 50, 51])
    a, b = (enroll(layer, name, units, now) for name in ("a", "b"))
    assert a.arms.tolist() == [-1, 2, -1, -1, 1, -1]
    assert a.chances.tolist() == [0, 0.25, 0, 0, 0.25, 0]
    assert a.dropped["in two arms"] == 1
    assert a.dropped["in two experiments of the layer"] == 2
    assert b.arms.tolist() == [-1, -1, -1, -1, -1, 1]
    assert b.dropped["in two experiments of the layer"] == 2


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_who_is_torn_is_who_has_two_arms_by_a_plain_count(data: st.DataObject):
    row = st.tuples(st.integers(0, 30), st.sampled_from(["a", "b"]), st.sampled_from(ARMS))
    rows = data.draw(st.lists(row, max_size=60))
    layer = Layer("site", (slot("a", 0, 0), slot("b", 0, 0)))
    found = enroll(layer, "a", np.arange(31), stored(*rows))
    for unit in range(31):
        arms = {arm for who, where, arm in rows if (who, where) == (unit, "a")}
        elsewhere = any((who, where) == (unit, "b") for who, where, _ in rows)
        expected = ARMS.index(next(iter(arms))) if len(arms) == 1 and not elsewhere else -1
        assert found.arms[unit] == expected


def test_a_household_is_drawn_as_one_and_stays_so_when_somebody_is_born():
    rng = np.random.default_rng(2)
    persons, homes = np.arange(6_000), rng.integers(0, 2_000, 6_000)
    layer = Layer("site", (slot("a", 0, 5_000),))
    units = households(persons, homes)
    distinct, place = np.unique(units, return_inverse=True)
    arms = enroll(layer, "a", distinct, NOBODY).arms[place]
    for home in range(200):
        assert len(set(arms[homes == home])) <= 1
    renamed = rng.permutation(2_000)[np.append(homes, homes[:500])]
    again = households(np.arange(6_500), renamed)
    assert np.array_equal(again[:6_000], units)


def test_a_household_keeps_the_arm_of_whoever_was_exposed():
    persons, homes = np.array([1, 2, 3, 4]), np.array([7, 7, 8, 8])
    units = households(persons, homes)
    layer = Layer("site", (slot("a", 0, 0),))
    before = stored((2, "a", "mail"), (3, "a", "none"), (4, "a", "mail")).moved(persons, units)
    found = enroll(layer, "a", np.unique(units), before)
    assert found.arms.tolist() == [1, -1]
    assert found.dropped == {"in two arms": 1}


def test_shares_that_sum_to_one_by_rounding_leave_nobody_out():
    shares, arms = (*[0.1] * 10, 0.0), tuple(f"arm {i}" for i in range(11))
    assert sum(shares) < 1
    found = enroll(Layer("site", (slot("a", 0, BUCKETS, shares, arms),)), "a", PEOPLE, NOBODY)
    assert (found.arms.min(), found.arms.max()) == (0, 9)


WRONG: dict[str, tuple[Any, str]] = {
    "beyond": (lambda: slot("a", 0, BUCKETS + 1), "buckets 0 to 10001"),
    "backwards": (lambda: slot("a", 5, 4), "buckets 5 to 4"),
    "gaps": (lambda: Slot("a", range(0, 10, 2), ARMS, SHARES), "steps of 2"),
    "shares": (lambda: slot("a", 0, 9, (0.5, 0.3, 0.1)), "3 arm"),
    "negative": (lambda: slot("a", 0, 9, (0.5, 0.7, -0.2)), "3 arm"),
    "lengths": (lambda: slot("a", 0, 9, (0.5, 0.5)), "3 arm"),
    "same arm": (lambda: slot("a", 0, 9, (0.5, 0.5), ("x", "x")), "2 arm"),
    "no arm": (lambda: slot("a", 0, 9, (), ()), "0 arm"),
    "overlap": (lambda: Layer("site", (slot("b", 50, 60), slot("a", 0, 51))), "'a' and 'b' share buckets"),
    "same name": (lambda: Layer("site", (slot("a", 0, 5), slot("a", 5, 9))), "two experiments of one name"),
    "absent": (lambda: enroll(Layer("site", (slot("a", 0, 5),)), "b", PEOPLE, NOBODY), "only 'a' in it"),
    "gone": (
        lambda: enroll(Layer("site", (slot("a", 0, 5),)), "a", PEOPLE, stored((1, "a", "fax"))),
        "people who were in 'fax'",
    ),
}


@pytest.mark.parametrize(("ask", "found"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused(ask: Any, found: str):
    with pytest.raises(CampaignError, match=found):
        ask()


def test_experiments_without_buckets_share_nothing():
    assert Layer("site", (slot("a", 0, 50), slot("b", 20, 20), slot("c", 50, 50)))
