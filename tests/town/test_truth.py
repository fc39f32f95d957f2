"""The known effects are what their names say, and the pilot shows them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from suasion.town import Effects, Town, chances, create
from suasion.town.residents import residents, unreachable

ALL = np.arange(50_000)


def gains(effects: Effects) -> np.ndarray:
    """Of the reachable: what each message adds, shape (n, 2)."""
    town = Town(len(ALL), 11, effects)
    known = chances(town, ALL)[~unreachable(town.seed, ALL)]
    return known[:, 1:] - known[:, :1]


@pytest.mark.parametrize("effects", Effects)
def test_left_alone_people_come_whatever_messages_do(effects: Effects):
    known = chances(Town(len(ALL), 11, effects), ALL)
    alone = known[:, 0]
    assert (alone == chances(Town(len(ALL), 11, Effects.NONE), ALL)[:, 0]).all()
    assert 0.02 <= alone.min() < 0.03
    assert 0.5 < alone.max() <= 0.6
    assert known.min() > 0
    assert known.max() < 1


@pytest.mark.parametrize("effects", Effects)
def test_mail_to_nowhere_changes_nothing(effects: Effects):
    town = Town(len(ALL), 11, effects)
    dead = unreachable(town.seed, ALL)
    assert 0.017 < dead.mean() < 0.023
    known = chances(town, ALL[dead])
    assert (known == known[:, :1]).all()


def test_the_company_of_others_changes_nothing():
    town = Town(1000, 4, Effects.VARIED)
    some = np.array([999, 0, 17, 17])
    np.testing.assert_allclose(chances(town, some), chances(town, np.arange(1000))[some], rtol=1e-12)


def test_none_is_none():
    assert (gains(Effects.NONE) == 0).all()


def test_constant_is_constant():
    found = gains(Effects.CONSTANT)
    assert found[0, 0] > 0.05
    np.testing.assert_allclose(found, found[0, 0], atol=1e-12)


def test_opposite_helps_least_whoever_comes_anyway():
    town = Town(len(ALL), 11, Effects.OPPOSITE)
    known = chances(town, ALL)[~unreachable(town.seed, ALL)]
    ordered = known[np.argsort(known[:, 0])]
    added = ordered[:, 1:] - ordered[:, :1]
    assert (np.diff(added, axis=0) <= 1e-12).all()
    assert (added[0] > 0.1).all()
    assert (added[-1] > -0.05).all()
    assert (added[-1] < 0).all()


def test_varied_helps_some_annoys_some_and_leaves_many():
    found = gains(Effects.VARIED)
    for message in found.T:
        assert (message > 0.05).mean() > 0.1
        assert (message < -0.01).mean() > 0.05
        assert (message == 0).mean() > 0.3
        assert 0.2 < message.max() <= 0.25 + 1e-12
        assert message.min() > -0.25


def test_in_varied_the_messages_help_different_people():
    found = gains(Effects.VARIED)
    assert ((found[:, 0] > 0) & (found[:, 1] > 0)).mean() < 0.01
    assert np.corrcoef(found.T)[0, 1] < 0


def test_in_varied_what_a_register_shows_tells_the_effects():
    """People who look the same in the file gain the same: there is something to learn."""
    town = Town(len(ALL), 11, Effects.VARIED)
    who = residents(town, ALL)
    seen = ~unreachable(town.seed, ALL)
    looks = np.stack([who.age, who.visits, who.district, np.round(10 * who.distance)], axis=1)[seen]
    _, kind = np.unique(looks, axis=0, return_inverse=True)
    found = gains(Effects.VARIED)
    first = np.full((kind.max() + 1, 2), np.nan)
    first[kind] = found
    np.testing.assert_allclose(found, first[kind], atol=1e-12)


@pytest.mark.parametrize("effects", Effects)
def test_the_pilot_comes_as_often_as_is_true(tmp_path: Path, rows: Callable, effects: Effects):
    """By arm, and within each arm by tenth of the true chance."""
    town = Town(60_000, 2, effects)
    create(tmp_path, town)
    pilot = rows(tmp_path / "sources" / "pilot.csv")
    numbers = np.array([int(row["member"][1:]) for row in pilot])
    arm = np.array([["none", "reminder", "invitation"].index(row["arm"]) for row in pilot])
    came = np.array([int(row["came"]) for row in pilot])
    true = chances(town, numbers)[np.arange(len(numbers)), arm]
    tenth = np.digitize(true, np.quantile(true, np.arange(0.1, 1, 0.1)))
    for cell in [arm == one for one in range(3)] + [
        (arm == one) & (tenth == ten) for one in range(3) for ten in range(10)
    ]:
        spread = np.sqrt((true * (1 - true))[cell].sum())
        assert abs((came - true)[cell].sum()) < 4.5 * spread
