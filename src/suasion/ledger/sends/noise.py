"""The budget of privacy: each noisy answer is given once, kept, and paid for out of what its campaign has."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Row, func, insert, select

from suasion.errors import RefusedError
from suasion.ledger.database import Ledger
from suasion.ledger.schema import noise, replies, sends
from suasion.ledger.sends.send import NEVER_HANDED, State

Ids = npt.NDArray[np.int64]

_ROUNDING = 1 + 1e-9
"""Sums of shares of a budget may exceed it by this factor."""


@dataclass(frozen=True)
class Question:
    """What is asked of a part of a campaign; the same question has one answer, whenever it is asked.

    It must not depend on data of persons: whether two questions are the same is seen by who asks them.

    Parameters
    ----------
    campaign, part : str
        The people; a person is in one part of a campaign.
    what, round : str
        What is counted, and for which time.
    """

    campaign: str
    part: str
    what: str
    round: str

    def __str__(self) -> str:
        return f"{self.what} of campaign '{self.campaign}', part '{self.part}' ({self.round})"


@dataclass(frozen=True)
class Released:
    """A noisy answer.

    Parameters
    ----------
    values : tuple of float
    rho : float
        What it cost.
    at : str
        When it was made, ISO 8601.
    """

    values: tuple[float, ...]
    rho: float
    at: str


def release(
    ledger: Ledger,
    question: Question,
    rho: float,
    total: float,
    make: Callable[[], Sequence[float]],
    at: datetime,
    reserve: float = 0.0,
) -> Released:
    """Answer a question: as before if it was asked before, else anew, if that can be paid for.

    The answer is on disk before anybody has it. Costs of a part of a campaign add up; parts are different
    people.

    Parameters
    ----------
    ledger : Ledger
    question : Question
    rho : float
        What a new answer costs (zero-concentrated differential privacy).
    total : float
        What all answers on the part may cost.
    make : callable
        Makes the noisy answer; called at most once, and only where it is paid for.
    at : datetime
    reserve : float
        Is kept back of the total for later questions.

    Returns
    -------
    Released

    Raises
    ------
    RefusedError
        The budget does not allow another answer.
    """
    with ledger.writing() as connection:
        known = connection.execute(select(noise).where(*_same(question))).first()
        if known is not None:
            return _released(known)
        mine = (noise.c.campaign == question.campaign) & (noise.c.part == question.part)
        spent = math.fsum(connection.execute(select(noise.c.rho).where(mine)).scalars())
        if spent + rho > (total - reserve) * _ROUNDING:
            found = "the budget of privacy does not allow another noisy count"
            raise RefusedError(str(question), found, "Use the counts that were published before.")
        time = at.astimezone(UTC)
        values = tuple(float(value) for value in make())
        row = {**vars(question), "rho": rho, "released": json.dumps(values), "at": time}
        connection.execute(insert(noise).values(**row))
    return Released(values, rho, time.isoformat(timespec="seconds"))


def latest(ledger: Ledger, campaign: str, part: str, what: str) -> Released | None:
    """The newest answer to a question of any round; None where there is none."""
    asked = (noise.c.campaign == campaign) & (noise.c.part == part) & (noise.c.what == what)
    with ledger.engine.connect() as connection:
        row = connection.execute(select(noise).where(asked).order_by(noise.c.id.desc())).first()
    return None if row is None else _released(row)


def _same(question: Question) -> list[ColumnElement[bool]]:
    return [noise.c[name] == value for name, value in vars(question).items()]


def _released(row: Row[Any]) -> Released:
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    return Released(
        tuple(json.loads(row.released)), row.rho, at.astimezone(UTC).isoformat(timespec="seconds")
    )


@dataclass(frozen=True)
class Reached:
    """What became of a campaign, exactly: for the operator's eyes, and for noise to be put on.

    Parameters
    ----------
    sent : dict of str to int
        By treatment: claimed, and neither given back nor known never to have been handed over.
    money : float
        What these cost.
    replies : dict of str to int
        By kind.
    """

    sent: dict[str, int]
    money: float
    replies: dict[str, int]


def reached(ledger: Ledger, campaign: str, persons: Ids | None = None) -> Reached:
    """Count the sends of a campaign and what came back; of some persons, or of all.

    Parameters
    ----------
    ledger : Ledger
    campaign : str
    persons : array of int64, optional
        Of one part of the campaign.

    Returns
    -------
    Reached
    """
    kept = func.coalesce(sends.c.reason, "").not_in(NEVER_HANDED)
    paid = (sends.c.campaign == campaign) & (sends.c.state != State.PLANNED) & kept
    asked = select(sends.c.person, sends.c.treatment, sends.c.cost).where(paid)
    came = select(sends.c.person, replies.c.kind).join(replies, replies.c.send == sends.c.id)
    with ledger.reading() as connection:
        sent = _of(connection.execute(asked).all(), persons)
        back = _of(connection.execute(came.where(sends.c.campaign == campaign)).all(), persons)
    by_treatment = Counter(str(row[1]) for row in sent)
    by_kind = Counter(str(row[1]) for row in back)
    return Reached(dict(by_treatment), math.fsum(row[2] for row in sent), dict(by_kind))


def _of(rows: Sequence[Any], persons: Ids | None) -> list[Any]:
    """Rows of these persons; each row begins with its person."""
    if persons is None or not rows:
        return list(rows)
    inside = np.isin(np.array([row[0] for row in rows]), persons)
    return [row for row, one in zip(rows, inside, strict=True) if one]
