"""How traits and effects of a campaign are told to the people they are about."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from suasion.expressions import Type
from suasion.profiles import Trait
from suasion.rules import Category
from suasion.scores import explain

CHANGEABLE = frozenset(
    {
        Category.BEHAVIOR,
        Category.EDUCATION,
        Category.INCOME,
        Category.INTEREST,
        Category.OCCUPATION,
        Category.PLACE,
    }
)
"""Categories of traits in which a change may be proposed; all others a person has, or is protected in."""


def naming(trait: Trait, levels: tuple[str, ...] | None) -> explain.Naming:
    """How a trait is told, by its label.

    A number's unit is the word after the comma that ends its label. What was inferred is never proposed to
    change: it is our guess, not the person's doing. Nor is what events have settled for good, such as which
    was the first, or how many there were at all.

    Parameters
    ----------
    trait : Trait
    levels : tuple of str or None
        Text values by code; None where it is a number.

    Returns
    -------
    Naming

    Examples
    --------
    >>> far = Trait(type=Type.NUMBER, category=Category.PLACE, label="Distance to the office, km")
    >>> naming(far, None).told(4.5)
    '"Distance to the office" is 4.5 km for you'
    >>> naming(far, None).fixed
    False
    """
    if trait.fact == "age":
        return explain.Naming("age", "You are {} years old", fixed=True)
    label, unit = _label(trait)
    quoted = f'"{label}"'
    # The sentence is a format of its own, in which a brace of the label must stay one.
    says = quoted.replace("{", "{{").replace("}", "}}") + " is {} for you"
    fixed = trait.category not in CHANGEABLE or trait.provenance == "inferred" or _is_settled(trait)
    return explain.Naming(quoted, says, _spelled(trait, levels, unit), fixed)


def scale(treatment: str, outcome: str, observed: npt.NDArray[np.float64]) -> explain.Scale:
    """How the effect of a treatment is told: in 100 people where the outcome is a yes or no.

    Parameters
    ----------
    treatment, outcome : str
    observed : array of float, shape (n,)
        The outcome as recorded.

    Returns
    -------
    Scale
    """
    about = f"the expected effect of '{treatment}' on '{outcome}'"
    if np.isin(observed, (0, 1)).all():
        return explain.Scale(about, lambda effect: f"{100 * effect:+.1f} in 100 people")
    return explain.Scale(about)


def _is_settled(trait: Trait) -> bool:
    """Whether it is computed from events so that nothing the person does takes it back."""
    how = trait.computed
    return how is not None and (how.of == "first" or (how.of in ("count", "sum") and how.days is None))


def _label(trait: Trait) -> tuple[str, str]:
    """The label, and its unit."""
    label, _, unit = trait.label.rpartition(", ")
    is_unit = label and " " not in unit and trait.type in {Type.INTEGER, Type.NUMBER}
    return (label, f" {unit}") if is_unit else (trait.label, "")


def _spelled(trait: Trait, levels: tuple[str, ...] | None, unit: str) -> Callable[[float], str]:
    if levels is not None:
        return explain.named(levels)
    if trait.type is Type.BOOLEAN:
        return lambda value: "yes" if value else "no"
    if trait.type is Type.DATE:
        return explain.day
    return lambda value: f"{explain.plain(value)}{unit}"
