"""One person's score, explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.explain.change import Change, Rule, nearest_change
from suasion.scores.explain.naming import Naming, Scale
from suasion.scores.explain.shapley import Shares, shares
from suasion.scores.features import Features
from suasion.scores.learners import EffectModel

Floats = npt.NDArray[np.float64]
TOLD = 4
"""So many reasons are told; people take in no more."""
SMALL = 0.1
"""A feature that moved the score by less than this share of what the strongest did hardly mattered."""
ALIKE = "Everybody was treated alike: it cannot be told for whom the message does more than for others."
ESTIMATE = "All of this is an estimate from what other people did, not a fact about you."


@dataclass(frozen=True)
class Reason:
    """What one feature added to the person's effect, compared with other people.

    Parameters
    ----------
    column : int
    label : str
    value : float
        The person's own; NaN is unknown.
    share : float
        In units of the outcome.
    error : float
        Standard error of `share`, of its computation alone; 0 where it is exact.
    fixed : bool
        The feature cannot, or should not, be changed.
    told : str
        The value in words.
    """

    column: int
    label: str
    value: float
    share: float
    error: float
    fixed: bool
    told: str


@dataclass(frozen=True)
class Explanation:
    """What moved one person's score, and what would alter the decision.

    Parameters
    ----------
    effect : float
        Of the person.
    average : float
        Of the people compared with; the shares of all reasons and `average` sum to `effect`.
    reasons : tuple of Reason
        One a feature, the strongest first; none where nobody is ranked.
    change : Change or None
        The nearest change that would alter the decision, where one was asked for and exists.
    sentences : tuple of str
        For the person to read.
    """

    effect: float
    average: float
    reasons: tuple[Reason, ...]
    change: Change | None
    sentences: tuple[str, ...]


def explain(
    model: EffectModel,
    background: Features,
    person: Floats,
    namings: Sequence[Naming],
    *,
    treatment: int = 0,
    rule: Rule | None = None,
    interval: tuple[float, float] | None = None,
    ranked: bool = True,
    scale: Scale | None = None,
    seed: int = 0,
) -> Explanation:
    """Explain a person's score in numbers and in words.

    Parameters
    ----------
    model : EffectModel
    background : Features
        Of people to compare with.
    person : array of float, shape (p,)
        Coded like them; NaN is unknown.
    namings : sequence of Naming
        How each feature is told.
    treatment : int
        Whose effect; 0 is the first treatment.
    rule : Rule, optional
        How effects are decided on; without it no change is looked for.
    interval : tuple of float, optional
        Low and high end of the person's effect.
    ranked : bool
        False where the data do not show who gains more: all were treated alike, and nothing is to explain.
    scale : Scale, optional
    seed : int

    Returns
    -------
    Explanation

    Raises
    ------
    CampaignError
        Nobody to compare with, numbers of features that differ, or an interval without the effect.

    Examples
    --------
    >>> class Grow:
    ...     def effects(self, features):
    ...         return features.matrix[:, :1] / 100
    >>> others = Features(np.array([[20.0, 1.0], [30.0, 0.0], [40.0, 4.0]]), ())
    >>> namings = Naming("age", "You are {} years old", fixed=True), Naming("number of visits")
    >>> for sentence in explain(Grow(), others, np.array([63.0, 2.0]), namings).sentences:
    ...     print(sentence)
    For you the expected benefit is above the average.
    You are 63 years old: this raised it most.
    Your number of visits hardly mattered.
    All of this is an estimate from what other people did, not a fact about you.
    """
    if len(namings) != len(person):
        raise CampaignError(
            "an explanation", f"{len(namings)} namings of {len(person)} features", "Name each."
        )
    found = shares(model, background, person, treatment, seed)
    if interval is not None and not interval[0] <= found.effect <= interval[1]:
        raise CampaignError("an explanation", "an interval without the effect", "Give that of this person.")
    scale = scale or Scale()
    if not ranked or np.ptp([found.effect, *found.others]) <= 1e-12 * abs(found.effect):
        return Explanation(found.effect, found.average, (), None, (ALIKE,))
    reasons = _reasons(found, person, namings)
    said = [_against_others(found, scale), *_moved(reasons)]
    change = None
    if rule is not None:
        change = nearest_change(model, background, person, namings, rule)
        said += _altering(change, namings)
    return Explanation(found.effect, found.average, reasons, change, (*said, *_unsure(interval, scale)))


def _reasons(found: Shares, person: Floats, namings: Sequence[Naming]) -> tuple[Reason, ...]:
    order = np.argsort(-np.abs(found.values), kind="stable").tolist()
    return tuple(
        Reason(
            column,
            namings[column].label,
            float(person[column]),
            float(found.values[column]),
            float(found.errors[column]),
            namings[column].fixed,
            namings[column].told(float(person[column])),
        )
        for column in order
    )


def _against_others(found: Shares, scale: Scale) -> str:
    gap = found.effect - found.average
    if abs(gap) <= SMALL * float(found.others.std()):
        return f"For you {scale.about} is about the average."
    return f"For you {scale.about} is {'above' if gap > 0 else 'below'} the average."


def _moved(reasons: tuple[Reason, ...]) -> list[str]:
    """A sentence on each feature that mattered, and one on all that did not."""
    least = SMALL * abs(reasons[0].share)
    strong = [r for r in reasons if abs(r.share) >= max(least, 2 * r.error) and r.share][:TOLD]
    said: list[str] = []
    for verb, sign in (("raised", 1), ("lowered", -1)):
        of_sign = [reason for reason in strong if sign * reason.share > 0]
        for place, reason in enumerate(of_sign):
            said.append(f"{reason.told}: this {verb} it {'most' if place == 0 else 'too'}.")
    weak = [f"your {reason.label}" for reason in reasons if reason not in strong]
    if weak:
        little = "mattered less" if len(strong) == TOLD else "hardly mattered"
        said.append(f"{_listed(weak)} {little}.")
    return said


def _altering(change: Change | None, namings: Sequence[Naming]) -> list[str]:
    said = (
        [change.said]
        if change
        else ["No single change, and no two together, would have altered the decision."]
    )
    if fixed := [f"your {naming.label}" for naming in namings if naming.fixed]:
        said.append(f"No change was looked for in what cannot change: {', '.join(fixed)}.")
    return said


def _unsure(interval: tuple[float, float] | None, scale: Scale) -> list[str]:
    if interval is None:
        return [ESTIMATE]
    low, high = map(scale.spell, interval)
    return [ESTIMATE, f"By these data {scale.about} for you may be anything from {low} to {high}."]


def _listed(names: list[str]) -> str:
    if len(names) > TOLD:
        return f"The other {len(names)} traits that were used"
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return listed[0].upper() + listed[1:]
