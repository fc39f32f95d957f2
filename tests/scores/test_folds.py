"""Folds keep households together, arms in balance, and do not know the order of the file."""

from dataclasses import replace

import numpy as np
import pytest

from suasion.scores.folds import folds


@pytest.mark.parametrize("count", [2, 5])
def test_every_fold_gets_the_same_number_of_each_arm(make_trial, count):
    trial = make_trial(307, arms=3)
    fold_of = folds(trial, count, "folds")
    cells = np.zeros((count, 3), np.int64)
    np.add.at(cells, (fold_of, trial.arms), 1)
    assert np.ptp(cells, axis=0).max() <= 1
    assert np.ptp(cells.sum(axis=1)) <= 1


def test_a_household_is_never_split(make_trial):
    trial = make_trial(300)
    homes = np.random.default_rng(1).integers(0, 120, 300)
    fold_of = folds(replace(trial, households=homes), 5, "folds")
    assert all(len(set(fold_of[homes == home])) == 1 for home in np.unique(homes))
    assert len(set(fold_of)) == 5


def test_arms_given_to_whole_households_are_balanced_too(make_trial):
    homes = np.repeat(np.arange(100), 3)
    trial = replace(make_trial(300), households=homes, arms=np.where(homes < 90, 0, 1))
    cells = np.zeros((5, 2), np.int64)
    np.add.at(cells, (folds(trial, 5, "folds"), trial.arms), 1)
    assert (cells[:, 1] == 6).all()
    assert (cells[:, 0] == 54).all()


@pytest.mark.parametrize("lived", [None, 80])
def test_folds_do_not_depend_on_the_order_of_the_file(make_trial, reordered, lived):
    luck = np.random.default_rng(2)
    trial = make_trial(200)
    if lived is not None:
        trial = replace(trial, households=luck.integers(0, lived, 200))
    order = luck.permutation(200)
    np.testing.assert_array_equal(folds(reordered(trial, order), 5, "folds"), folds(trial, 5, "folds")[order])


def test_folds_do_not_depend_on_how_households_are_numbered(make_trial):
    luck = np.random.default_rng(3)
    homes = luck.integers(0, 60, 200)
    renamed = luck.permutation(1000)[homes]
    trial = make_trial(200)
    one, other = (folds(replace(trial, households=h), 5, "folds") for h in (homes, renamed))
    np.testing.assert_array_equal(one, other)


def test_another_salt_splits_otherwise(make_trial):
    trial = make_trial(2000)
    together = np.corrcoef(folds(trial, 2, "folds"), folds(trial, 2, "halves"))[0, 1]
    assert abs(together) < 4 / np.sqrt(2000)


def test_folds_do_not_know_the_outcomes(make_trial):
    trial = make_trial(100)
    other = replace(trial, outcomes={name: 1 - values for name, values in trial.outcomes.items()})
    np.testing.assert_array_equal(folds(trial, 5, "folds"), folds(other, 5, "folds"))
