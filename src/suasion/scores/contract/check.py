"""Hold a learner against the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from suasion.scores.contract import awkward, sameness, truths
from suasion.scores.contract.trials import asked, stepped
from suasion.scores.learners import EffectModel, Learner

Check = Callable[[Learner], Iterator[str]]
"""Tells what is broken; its name is what should hold."""
CHECKS: tuple[Check, ...] = (
    truths.the_average_of_a_constant_effect_is_found,
    truths.nothing_is_found_where_nothing_is,
    truths.a_step_is_found,
    truths.what_is_missing_tells,
    truths.categories_are_no_numbers,
    truths.chances_may_differ,
    truths.several_treatments_are_told_apart,
    truths.weights_count,
    truths.clusters_are_taken,
    sameness.a_seed_fixes_everything,
    sameness.threads_do_not_matter,
    sameness.people_are_asked_about_in_any_order,
    sameness.the_order_of_rows_hardly_matters,
    sameness.the_order_of_columns_hardly_matters,
    sameness.only_the_ratio_of_weights_matters,
    sameness.a_weight_of_two_is_two_people,
    sameness.effects_have_the_unit_of_the_outcome,
    awkward.values_may_be_missing,
    awkward.categories_may_be_new,
    awkward.categories_may_be_many,
    awkward.columns_may_be_constant,
    awkward.columns_may_be_large_or_alike,
    awkward.an_outcome_may_never_happen,
    awkward.people_may_be_few,
    awkward.an_arm_without_people_is_refused,
    awkward.an_outcome_that_is_no_number_is_refused,
)


@dataclass(frozen=True)
class Breach:
    """One thing that a learner does not hold to.

    Parameters
    ----------
    should : str
        What should hold.
    found : str
        What was found instead.
    """

    should: str
    found: str

    def __str__(self) -> str:
        """Both in one line."""
        return f"{self.should}: {self.found}"


def check(learn: Learner, checks: Sequence[Check] = CHECKS) -> tuple[Breach, ...]:
    """Hold a learner of effects against what all of ours keep to.

    A learner is whatever turns a `Sample` into a model with a method ``effects``. The people of the checks
    are made up from fixed seeds; about fifty models are learned from 1,000 to 4,000 of them.

    Parameters
    ----------
    learn : Learner
    checks : sequence of Check
        All, by default.

    Returns
    -------
    tuple of Breach
        Empty where the learner keeps the contract.

    Examples
    --------
    Run it in a test of your own, as ``assert not check(my_learner)``:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> @dataclass(frozen=True)
    ... class Same:
    ...     average: np.ndarray
    ...     def effects(self, features):
    ...         return np.tile(self.average, (len(features.matrix), 1))
    >>> for breach in check(lambda sample: Same(sample.gains.mean(axis=0)), CHECKS[:3]):
    ...     print(breach)
    a step is found: effects of 0 and 1 are not told apart: the correlation with them is 0.00

    >>> from suasion.scores.learners import learn_linearly
    >>> check(learn_linearly)
    ()
    """
    return tuple(breach for one in checks for breach in _breaches(one, learn))


def keeps_when_reloaded(again: Callable[[EffectModel], EffectModel]) -> Check:
    """The check that a model says the same to the last bit once it was saved and loaded.

    Parameters
    ----------
    again : callable
        Saves a model, and returns what is loaded.

    Returns
    -------
    Check

    Examples
    --------
    >>> import pickle
    >>> from suasion.scores.learners import learn_linearly
    >>> check(learn_linearly, [keeps_when_reloaded(lambda model: pickle.loads(pickle.dumps(model)))])
    ()
    """

    def a_model_is_the_same_when_reloaded(learn: Learner) -> Iterator[str]:
        sample, _ = stepped(sameness.SOME)
        model = learn(sample)
        if not np.array_equal(asked(model, sample), asked(again(model), sample)):
            yield "effects are others"

    return a_model_is_the_same_when_reloaded


def _breaches(one: Check, learn: Learner) -> Iterator[Breach]:
    should = one.__name__.replace("_", " ")
    try:
        for found in one(learn):
            yield Breach(should, found)
    except Exception as error:  # a learner may fail in any way; each is a breach
        yield Breach(should, f"{type(error).__name__}: {error}")
