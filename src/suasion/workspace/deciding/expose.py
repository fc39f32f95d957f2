"""Exposures: an event says that a decision was seen; then its arm is frozen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from suasion.ledger import Ledger, draws
from suasion.workspace.deciding.ids import Decided, decided_by

EVENT = "Experiment Viewed"
"""Name of the event; its property ``decision_id`` is the decision's."""
FOREIGN = "not a decision of this workspace, or too old"
ANOTHER = "a decision for somebody else"
NOBODY = "a decision for somebody who is no longer known, or objected"
AGAIN = "exposed before, or shown beside another"

Ids = npt.NDArray[np.int64]

_ByPerson = dict[int, tuple[int, Decided]]


@dataclass(frozen=True)
class Seen:
    """An event that says that a decision was seen.

    Parameters
    ----------
    decision_id : str
    person : int or None
        Whom the event is about, where that is known.
    at : datetime
        When, by the corrected clock.
    """

    decision_id: str
    person: int | None
    at: datetime


@dataclass(frozen=True)
class Exposures:
    """What became of events.

    Parameters
    ----------
    taken : tuple of (int, Decided)
        Number of the event, and its decision: each person's in a placement that stands.
    refused : dict of str to int
        How many others there were, by reason.
    """

    taken: tuple[tuple[int, Decided], ...]
    refused: dict[str, int]


def expose(ledger: Ledger, key: bytes, seen: Sequence[Seen], known: Ids, at: datetime) -> Exposures:
    """Freeze the arms of decisions that were seen; what was frozen before stands.

    An id that is forged, of another workspace, of another person than the event, or too old is refused, and
    so is one that says otherwise than what was frozen before. One that is told again is taken again: whoever
    learns from it knows whether it was learned from.

    Parameters
    ----------
    ledger : Ledger
    key : bytes
        The workspace's.
    seen : sequence of Seen
    known : array of int64, shape (n,)
        Everybody of whom anything is known now and may be learned; whoever was erased is nobody's to expose.
    at : datetime
        Now.

    Returns
    -------
    Exposures
    """
    refused: Counter[str] = Counter()
    opened = [decided_by(key, one.decision_id, one.at) for one in seen]
    told = np.array([one.person for one in opened if one is not None], np.int64)
    there = frozenset(told[np.isin(told, known)].tolist())
    by_record: defaultdict[str, _ByPerson] = defaultdict(dict)
    for number, (one, decided) in enumerate(zip(seen, opened, strict=True)):
        if decided is None:
            refused[FOREIGN] += 1
        elif one.person is not None and one.person != decided.person:
            refused[ANOTHER] += 1
        elif decided.person not in there:
            refused[NOBODY] += 1
        elif decided.place or decided.frozen or decided.person in by_record[decided.record]:
            refused[AGAIN] += 1
        else:
            by_record[decided.record][decided.person] = number, decided
    taken = list[tuple[int, Decided]]()
    for record, by_person in by_record.items():
        ours = _frozen(ledger, record, by_person, at)
        refused[AGAIN] += len(by_person) - len(ours)
        taken += ours
    told = {why: count for why, count in refused.items() if count}
    return Exposures(tuple(sorted(taken, key=itemgetter(0))), told)


def _frozen(ledger: Ledger, record: str, by_person: _ByPerson, at: datetime) -> list[tuple[int, Decided]]:
    """Freeze arms; those that stand."""
    persons = np.array(list(by_person), np.int64)
    arms = [decided.variant for _, decided in by_person.values()]
    chances = np.array([decided.probability for _, decided in by_person.values()])
    stand = draws.assignments.record(ledger, record, persons, arms, chances, at)
    columns = (stand[name].to_pylist() for name in ("person", "arm", "chance"))
    return [
        by_person[person]
        for person, *frozen in zip(*columns, strict=True)
        if frozen == [by_person[person][1].variant, by_person[person][1].probability]
    ]
