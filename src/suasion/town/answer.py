"""The town answers the mail it got: some come, some bounce, some complain, some press unsubscribe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.town.chance import Numbers, uniforms
from suasion.town.outbox import Mail, mail_in, mark_seen
from suasion.town.reports import bounce, complaint
from suasion.town.residents import unreachable
from suasion.town.rows import came, members
from suasion.town.stream import chunks, write_bytes, write_csv
from suasion.town.town import Town, town_from

_COMPLAINS, _PRESSES, _READS, _BOUNCES = range(4)
_SHARES = (0.002, 0.017)
"""Of those whom mail reaches, a share of 0.002 complains, and up to 0.017 press unsubscribe instead."""


@dataclass(frozen=True)
class Answers:
    """What came back.

    Parameters
    ----------
    mails : int
        Mails to residents that were new.
    came : int
        Residents who came, whether they got mail or not.
    unsubscribed, bounced, complained : int
        Answers to the new mails; a press counts only where it was acknowledged.
    foreign : int
        Mails in the outbox that are not for a resident. They stay where they are.
    """

    mails: int
    came: int
    unsubscribed: int
    bounced: int
    complained: int
    foreign: int


def answer(folder: Path, press: Callable[[str], bool], at: datetime, seed: int) -> Answers:
    """Read the outbox of a town's workspace and let the residents react.

    Mails are taken from the Maildir ``outbox/new`` and moved to ``outbox/cur`` once they are answered.
    Mailboxes that do not exist answer with a delivery status notification, a few people complain, both
    as mails in the Maildir ``answers/mail``; a few press unsubscribe. Who came is written for all
    residents to ``answers/register.csv``. It follows from all mail ever received: of several mails to one
    person an invitation outweighs reminders, and who gets no new mail keeps their answer.

    Parameters
    ----------
    folder : Path
        A workspace that `create` wrote.
    press : callable
        Called with the address that a mail gives for unsubscribing by one press (RFC 8058); returns
        whether that was acknowledged.
    at : datetime
        Now, with time zone.
    seed : int
        Another seed draws other answers of the same town.

    Returns
    -------
    Answers

    Raises
    ------
    WorkspaceError
        The folder is not that of a town.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC
    >>> from suasion.town import Effects, Town, create
    >>> folder = Path(tempfile.mkdtemp())
    >>> create(folder, Town(people=100, seed=1, effects=Effects.VARIED))
    >>> answer(folder, lambda link: True, datetime(2026, 12, 1, tzinfo=UTC), seed=1).mails
    0
    """
    town = town_from(folder)
    outbox, mail = folder / "outbox", folder / "answers" / "mail"
    for place in ("tmp", "new", "cur"):
        (mail / place).mkdir(parents=True, exist_ok=True)
    arm = np.zeros(town.people, np.int8)
    _note(arm, mail_in(outbox / "cur", town.people))
    moods, seen = _moods(town, seed), Counter[str]()
    for one in mail_in(outbox / "new", town.people):
        if one is None:
            seen["foreign"] += 1
            continue
        _note(arm, [one])
        seen["mails"] += 1
        seen[_react(one, int(moods[one.number]), mail / "new", press, at)] += 1
        mark_seen(one)
    there = np.concatenate([came(town, some, arm[some], f"outcome {seed}") for some in chunks(town.people)])
    rows = (pa.table({"member": members(some), "came": there[some]}) for some in chunks(town.people))
    write_csv(folder / "answers" / "register.csv", rows)
    return Answers(
        mails=seen["mails"],
        came=int(there.sum()),
        unsubscribed=seen["unsubscribed"],
        bounced=seen["bounced"],
        complained=seen["complained"],
        foreign=seen["foreign"],
    )


def _note(arm: npt.NDArray[np.int8], mails: Iterable[Mail | None]) -> None:
    for mail in mails:
        if mail is not None:
            arm[mail.number] = max(int(arm[mail.number]), mail.arm)


def _moods(town: Town, seed: int) -> npt.NDArray[np.int8]:
    """What mail provokes in each resident besides a visit, from `_COMPLAINS` to `_BOUNCES`."""

    def some(numbers: Numbers) -> npt.NDArray[np.int8]:
        mood = np.searchsorted(_SHARES, uniforms(town.seed, f"mood {seed}", numbers), side="right")
        return np.where(unreachable(town.seed, numbers), _BOUNCES, mood).astype(np.int8)

    return np.concatenate([some(numbers) for numbers in chunks(town.people)])


def _react(mail: Mail, mood: int, inbox: Path, press: Callable[[str], bool], at: datetime) -> str:
    """React to a mail. A report is named after its mail: none is there twice."""
    if mood == _BOUNCES:
        write_bytes(inbox / f"bounce.{mail.path.name}", bounce(mail, at))
        return "bounced"
    if mood == _COMPLAINS:
        write_bytes(inbox / f"complaint.{mail.path.name}", complaint(mail, at))
        return "complained"
    if mood == _PRESSES and mail.link is not None and press(mail.link):
        return "unsubscribed"
    return "read"
