"""Alarms as the public log says it: a row when one is raised, and one when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from suasion.declarations import closest
from suasion.errors import CampaignError
from suasion.learning import steering
from suasion.ledger import Ledger, log
from suasion.stats import Estimate

ALARM = "alarm"
"""Kind of a row of the log."""
RAISED, ENDED = "raised", "ended"

LASTING = ("silence", "stale_file", "pace", "complaints")
"""Alarms of what lasts, whoever looked: they are not counted anew after an answer."""
HEEDED = timedelta(days=1)
"""As long an answer holds for these; what lasts longer is raised again."""
Key = tuple[str, str]
"""Name of an alarm, and what it is about."""


@dataclass(frozen=True)
class Raised:
    """What the log said last of an alarm.

    Parameters
    ----------
    name, about : str
    stands : bool
        Whether it was raised and has not ended.
    found, todo : str
        Of one that ended, why it did, and nothing.
    at : datetime
    by : str or None
        Who ended it by an answer.
    answered_at : datetime or None
        When somebody answered it last, now or before.
    """

    name: str
    about: str
    stands: bool
    found: str
    todo: str
    at: datetime
    by: str | None
    answered_at: datetime | None


def alarms(ledger: Ledger) -> tuple[Raised, ...]:
    """Alarms that stand, the oldest first."""
    found = (one for one in said(ledger).values() if one.stands)
    return tuple(sorted(found, key=lambda one: (one.at, one.name, one.about)))


def said(ledger: Ledger) -> dict[Key, Raised]:
    """What was said last of each alarm that ever was."""
    with ledger.reading() as connection:
        return _said(connection)


def settle(ledger: Ledger, seen: Mapping[Key, steering.Alarm | None], at: datetime) -> tuple[Raised, ...]:
    """Append what changed: a row for each alarm that is new, or that stood and is over.

    The log is read in the transaction that appends: whoever is killed, or second, appends nothing twice.

    Parameters
    ----------
    ledger : Ledger
    seen : mapping of (str, str) to Alarm or None
        What was looked at; of what was not, nothing is said.
    at : datetime

    Returns
    -------
    tuple of Raised
        What changed.
    """
    before = said(ledger)
    if not any(_changes(before.get(key), alarm, at) for key, alarm in seen.items()):
        return ()
    with ledger.writing() as connection:
        before = _said(connection)
        for key, alarm in seen.items():
            if _changes(before.get(key), alarm, at):
                body = _over(key) if alarm is None else _row(alarm)
                log.append(connection, ALARM, key[1], body, at)
        after = _said(connection)
    return tuple(one for key, one in after.items() if before.get(key) != one)


def answer(ledger: Ledger, name: str, about: str, by: str, why: str, at: datetime) -> None:
    """End an alarm: somebody looked. What is counted for it is counted anew from then.

    Parameters
    ----------
    ledger : Ledger
    name, about : str
    by, why : str
        Who looked, and what they found or did.
    at : datetime

    Raises
    ------
    CampaignError
        No such alarm stands; or nobody is named, or no reason.
    """
    for asked, text in (("who answers an alarm", by), ("why it is over", why)):
        if not any(map(str.isalnum, text)):
            raise CampaignError(asked, "blank", "Say who looked, and what they found.")
    with ledger.writing() as connection:
        stands = {key for key, one in _said(connection).items() if one.stands}
        if (name, about) not in stands:
            known = [f"{one} {of}" for one, of in stands]
            raise CampaignError(
                f"alarm '{name}' of '{about}'", "it does not stand", closest(f"{name} {about}", known)
            )
        found = f"{by} looked: {why}"
        body = {"alarm": name, "state": ENDED, "found": found, "by": by, "why": why}
        log.append(connection, ALARM, about, body, at)


def _said(connection: Connection) -> dict[Key, Raised]:
    found = dict[Key, Raised]()
    for row in log.of_kind(connection, ALARM):
        key = row.content["alarm"], row.campaign
        found[key] = _raised(row, found.get(key))
    return found


def _raised(row: log.LogRow, before: Raised | None) -> Raised:
    body, at = row.content, datetime.fromisoformat(row.at)
    by, earlier = body.get("by"), before.answered_at if before is not None else None
    told = body["found"], body.get("todo", ""), at, by, earlier if by is None else at
    return Raised(body["alarm"], row.campaign, body["state"] == RAISED, *told)


def _changes(before: Raised | None, alarm: steering.Alarm | None, at: datetime) -> bool:
    if before is None or alarm is None or before.answered_at is None or alarm.name not in LASTING:
        return (before is not None and before.stands) is (alarm is None)
    return not before.stands and at - before.answered_at > HEEDED


def _row(alarm: steering.Alarm) -> dict[str, Any]:
    figures = {name: figure(one) for name, one in alarm.figures.items()}
    return {
        "alarm": alarm.name,
        "state": RAISED,
        "found": alarm.found,
        "todo": alarm.todo,
        "figures": figures,
        "false_alarms": steering.ALPHA,
    }


def _over(key: Key) -> dict[str, Any]:
    return {"alarm": key[0], "state": ENDED, "found": "what it was raised for is no longer found"}


def figure(one: Estimate) -> dict[str, object]:
    """An estimate as the log tells it: to two digits, which tell of nobody who came last."""
    value, low, high, n = (steering.coarse(each) for each in (one.value, one.low, one.high, one.n))
    return {**one.as_dict(), "value": value, "low": low, "high": high, "n": int(n)}
