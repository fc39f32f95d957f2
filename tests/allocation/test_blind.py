"""Groups are reached alike by plans that do not look at them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.allocation import Options, Parity, blind, decide, plan
from suasion.errors import CampaignError


def people(n: int, seed: int, pull: float):
    """Two groups, of which the second gains less; everybody costs the same."""
    luck = np.random.default_rng(seed)
    groups = (luck.random(n) < 0.4).astype(np.int64)
    effects = np.clip(luck.normal(0.2 - pull * groups, 0.1, n), 0.001, None)[:, None]
    return Options(np.arange(n), "none", ("mail",), effects, np.ones((1, 1)), np.array([True])), groups


def rates(made, groups: np.ndarray) -> np.ndarray:
    treated = 1 - made.probabilities[:, 0]
    return np.bincount(groups, treated) / np.bincount(groups)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.05, 0.15]), st.sampled_from([0.0, 0.1]))
def test_the_ratio_is_kept_and_the_money_too(seed: int, pull: float, holdout: float):
    options, groups = people(400, seed, pull)
    made, looked = blind.blind(
        lambda these: plan(these, 120, holdout, 0.02), options, Parity("g", groups, least_ratio=0.8)
    )
    got = rates(made, groups)
    overall = (1 - made.probabilities[:, 0]).mean()
    assert (got / overall).min() >= 0.8 - 1e-9
    assert made.cost <= 120
    assert (decide(made, "a").chosen > 0).sum() <= 120
    assert looked[-1].value <= looked[0].value + 1e-9
    assert made.value == pytest.approx(float((made.probabilities[:, 1:] * options.effects).sum()), rel=1e-6)


def test_the_groups_decide_nothing_of_a_person():
    """Two people alike in all but their group have the same chances, whoever is in which group."""
    options, groups = people(300, 1, 0.1)
    twins = Options(
        np.arange(600),
        "none",
        ("mail",),
        np.repeat(options.effects, 2, axis=0),
        options.costs,
        options.permitted,
    )
    mixed = np.repeat(groups, 2)
    mixed[::2] = 1 - mixed[::2]
    made, _ = blind.blind(
        lambda these: plan(these, 100, 0.05, 0.02), twins, Parity("g", mixed, least_ratio=0.9)
    )
    chances = made.probabilities
    assert np.allclose(chances[::2], chances[1::2])


def test_where_nothing_needs_to_be_given_up_nothing_is():
    options, groups = people(500, 3, 0.0)
    made, looked = blind.blind(
        lambda these: plan(these, 100, 0, 0), options, Parity("g", groups, least_ratio=0.3)
    )
    assert [one.lot for one in looked] == [0]
    assert made.value == plan(options, 100, 0, 0).value


def test_a_group_that_nothing_is_open_to_cannot_be_reached_alike():
    options, groups = people(200, 4, 0.0)
    closed = Options(
        options.persons,
        "none",
        ("mail",),
        options.effects,
        options.costs,
        options.permitted,
        None,
        groups[:, None] == 1,
    )
    with pytest.raises(CampaignError, match="even by lot"):
        blind.blind(lambda these: plan(these, 50, 0, 0), closed, Parity("g", groups, least_ratio=0.5))
