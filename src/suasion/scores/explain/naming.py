"""How features and scores are told to the people they are about."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


def plain(value: float) -> str:
    """A number as people write it, to three digits where it is no whole number.

    Examples
    --------
    >>> plain(63.0), plain(12500.0), plain(0.12345), plain(-4.5)
    ('63', '12,500', '0.123', '-4.5')
    """
    if value == round(value):
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".")


def day(value: float) -> str:
    """A date that was encoded as days since 1970.

    Examples
    --------
    >>> day(19846)
    '3 May 2024'
    """
    found = date(1970, 1, 1) + timedelta(days=int(value))
    return f"{found.day} {found:%B %Y}"


def named(levels: Sequence[str]) -> Callable[[float], str]:
    """Spell codes by their names; those beyond are rare ones that share a code.

    Examples
    --------
    >>> spell = named(["Bonn", "Paris"])
    >>> spell(1.0), spell(2.0)
    ('Paris', 'another one')
    """
    return lambda code: levels[int(code)] if 0 <= code < len(levels) else "another one"


@dataclass(frozen=True)
class Naming:
    """How one feature is told.

    Parameters
    ----------
    label : str
        As after "your": ``"age"``, ``"number of visits"``.
    says : str, optional
        A sentence about a value, which goes where ``{}`` stands, without a full stop.
    spell : callable
        A value as text.
    fixed : bool
        Nobody can change it, or should: an age, a protected trait. It is told, but never proposed to change.

    Examples
    --------
    >>> age = Naming("age", "You are {} years old", fixed=True)
    >>> age.told(63.0), age.told(float("nan")), Naming("number of visits").told(2.0)
    ('You are 63 years old', 'We do not know your age', 'Your number of visits is 2')
    """

    label: str
    says: str = ""
    spell: Callable[[float], str] = plain
    fixed: bool = False

    def told(self, value: float) -> str:
        """The value in words, the unknown as unknown."""
        if math.isnan(value):
            return f"We do not know your {self.label}"
        return (self.says or f"Your {self.label} is {{}}").format(self.spell(value))


@dataclass(frozen=True)
class Scale:
    """How the score is told.

    Parameters
    ----------
    about : str
        What was estimated.
    spell : callable
        An amount of it as text, as in ``lambda effect: f"{100 * effect:.1f} visits per 100 people"``.
    """

    about: str = "the expected benefit"
    spell: Callable[[float], str] = plain
