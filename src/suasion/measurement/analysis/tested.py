"""Effects of each treatment by intention to treat: on each outcome, of everybody and of groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from suasion.errors import UndefinedError
from suasion.measurement.analysis.evidence import Evidence, Flags
from suasion.measurement.analysis.registered import Grouping
from suasion.measurement.analysis.way import Way
from suasion.measurement.groups import split
from suasion.measurement.who import LEAST
from suasion.stats import Estimate, arms


@dataclass(frozen=True)
class Tested:
    """One effect against the control that was tested.

    Parameters
    ----------
    outcome, treatment : str
    trait, group : str
        Of whom; empty for everybody.
    people : int
        In the two arms, with a known outcome.
    status : str
        ``planned``, ``added`` or ``not registered``.
    effect : Estimate or None
        Outcomes a person; None where it is not told.
    relative : Estimate or None
        As a share of the control's mean, 0.1 is 10 % more; None where there is no such number, and in groups.
    p_value, adjusted : float or None
        Of this test alone; and counting how many tests of its family were made.
    reduction : float or None
        Share of the variance that the number from before took away.
    why_not : str
        Why no effect is told.
    """

    outcome: str
    treatment: str
    trait: str
    group: str
    people: int
    status: str
    effect: Estimate | None
    relative: Estimate | None
    p_value: float | None
    adjusted: float | None
    reduction: float | None
    why_not: str


def effects(evidence: Evidence, outcome: str, way: Way, status: str) -> tuple[Tested, ...]:
    """The effect of each treatment on an outcome, of everybody.

    With one chance for all it is a difference in means, or a regression on the number from before with its
    interactions; where chances differ, people who could have had either count by the inverse of theirs.

    Parameters
    ----------
    evidence : Evidence
    outcome : str
    way : Way
    status : str

    Returns
    -------
    tuple of Tested
        Adjusted p-values are still those of one test.
    """
    known = evidence.known(outcome)
    return tuple(
        _tested(evidence, outcome, arm, known & evidence.could(arm), way, status, ("", ""))
        for arm in range(1, len(evidence.names))
    )


def by_group(evidence: Evidence, outcome: str, grouping: Grouping, way: Way) -> Iterator[Tested]:
    """The effect of each treatment in the groups of a trait; groups of too few people are left out.

    Parameters
    ----------
    evidence : Evidence
        With traits.
    outcome : str
    grouping : Grouping
    way : Way
    """
    if evidence.traits is None:
        return
    codes, parts = split(evidence.traits[grouping.trait].combine_chunks())
    known = evidence.known(outcome)
    for arm in range(1, len(evidence.names)):
        for code, part in enumerate(parts):
            inside = known & evidence.could(arm) & (codes == code)
            if np.isin(evidence.arms[inside], (0, arm)).sum() >= LEAST:
                yield _tested(evidence, outcome, arm, inside, way, grouping.status, (grouping.label, part))


def _tested(
    evidence: Evidence, outcome: str, arm: int, inside: Flags, way: Way, status: str, group: tuple[str, str]
) -> Tested:
    rows = np.flatnonzero(inside & np.isin(evidence.arms, (0, arm)))
    effect = relative = p_value = reduction = None
    why_not = ""
    try:
        found, part = _compared(evidence, outcome, arm, rows, relative=not any(group))
        effect, p_value = way.judged(found, _least(evidence, arm, rows))
        relative, reduction = None if part is None else way.share(part), found.reduction
        why_not = "" if effect else "too few have answered so far"
    except UndefinedError as error:
        why_not = _why(error, evidence.names[arm])
    return Tested(
        outcome=outcome,
        treatment=evidence.names[arm],
        trait=group[0],
        group=group[1],
        people=len(rows),
        status=status,
        effect=effect,
        relative=relative if effect else None,
        p_value=p_value,
        adjusted=p_value,
        reduction=reduction,
        why_not=why_not,
    )


def _compared(
    evidence: Evidence, outcome: str, arm: int, rows: np.ndarray, *, relative: bool
) -> tuple[arms.Effect, Estimate | None]:
    columns, own = evidence.columns, evidence.own
    given = (
        evidence.outcomes[outcome][rows],
        (evidence.arms[rows] == arm).astype(np.int64),
        None if columns is None else columns[rows],
        None if evidence.households is None else evidence.units[rows],
        None,
        None if own is None else own[rows],
    )
    (found,) = arms.compare(*given)
    if not relative:
        return found, None
    try:
        return found, arms.relative(*given)[0].estimate
    except UndefinedError:
        return found, None


def _least(evidence: Evidence, arm: int, rows: np.ndarray) -> int:
    """Independent units of the smaller arm."""
    return min(evidence.count(rows[evidence.arms[rows] == one]) for one in (0, arm))


def _why(error: UndefinedError, name: str) -> str:
    """Why there is no effect, with arms by their names."""
    found = error.found.replace("arm 1 of 2", f"'{name}'").replace("arm 0 of 2", "the control")
    found = found.replace("arm 1", f"'{name}'").replace("arm 0", "the control")
    return f"the data do not tell it ({found})"
