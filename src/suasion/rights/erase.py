"""Erase one person: at once from all that is read, then from every file of the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice

import pyarrow as pa

from suasion.errors import BusyError, InputError, WorkspaceError
from suasion.identity import hashed
from suasion.lake import load, load_about
from suasion.ledger import subject, tokens
from suasion.rights import passed
from suasion.rights.certificate import Certificate, Due, at_once
from suasion.rights.holdings import Holdings
from suasion.rights.mails import remove
from suasion.rights.stages import elsewhere, keep, rewrite
from suasion.rights.subject import NAMING, Subject, alone, detail_from, find, plain_of, subject_of
from suasion.rights.waiting import erase_waiting

_RECENT = 5
"""Versions: to read all would take longer than the first stage may."""
_FINISH = "Rewrite every file without the person: run `suasion person erase --finish`, or `suasion ingest`"


def erase(holdings: Holdings, named: str, at: datetime) -> Certificate:
    """Erase a person along the whole road (GDPR, Art. 17), and certify which stage is reached.

    Stage 1, at once and in one transaction: the person's key is destroyed, so that no copy of a table tells
    a contact detail any more; mails leave the outbox, rows leave the ledger, keyed hashes of all identifiers
    and contact details stay as suppressions, no table returns the person, and who got data is asked to delete
    it too. Stage 2, holding the workspace's run: see `stages`. Where another run is under way, or this one is
    killed, erasing the same person again or `stages.finish` completes it; erasing somebody who is gone
    searches again.

    Parameters
    ----------
    holdings : Holdings
    named : str
        ``KIND=VALUE``, an identifier or a contact detail, or the person's number.
    at : datetime
        Now, with time zone.

    Returns
    -------
    Certificate
        Signed; also kept in the ledger.

    Raises
    ------
    InputError
        Nobody, or more than one, is known by it.
    WorkspaceError
        The key is absent or another one.
    """
    who, first = forget(holdings, named, at)
    try:
        return rewrite(holdings, who, first, at)
    except BusyError:
        return first


def forget(holdings: Holdings, named: str, at: datetime) -> tuple[Subject, Certificate]:
    """The first stage alone; returns the person as known until now, and the certificate."""
    if not holdings.key:
        todo = "Set SUASION_KEY in the environment to a secret, and keep it."
        raise WorkspaceError("an erasure", "SUASION_KEY is not set", todo)
    tokens.require_key(holdings.ledger, holdings.key)
    who = _wanted(holdings, named)
    hashes = who.hashes(holdings.key)
    with subject.forgetting(holdings.ledger, who.persons, hashes, at) as (connection, sends):
        mails = remove(holdings, sends)
        mine = {
            (kind, value)
            for kind, value in who.plain
            if tokens.hash_of(holdings.key, kind, value, tokens.folded) in hashes
        }
        to = (holdings.folder, holdings.key, holdings.recipients)
        passed.ask(connection, *to, mine, passed.DELETION, at)
        asked = passed.about(connection, hashes)
        first = Certificate(
            person=tuple(sorted(made.hex() for made in hashes)),
            at=at,
            done=_done(len(hashes), mails),
            due=(Due(_FINISH, "this workspace", at_once(at)), *elsewhere(asked, at)),
            searched=0,
            found=(),
            asked=asked,
        ).signed(holdings.key)
        keep(connection, first)
    holdings.ledger.place.settle(holdings.ledger.engine)
    with suppress(BusyError):  # the next stage does it again
        erase_waiting(holdings, who)
    return who, first


def _wanted(holdings: Holdings, named: str) -> Subject:
    """Who is meant: somebody known, somebody being erased, or a detail of somebody who was."""
    erasing = holdings.tables().erasing
    persons = find(_versions(holdings), named, holdings.key, erasing)
    if persons:
        known = list(_about(holdings, persons))
        return plain_of(holdings, known, alone(holdings, subject_of(known, persons)))
    detail = detail_from(named)
    if detail is not None:
        past = Subject(frozenset(), frozenset({detail}), plain=frozenset({(detail.kind, detail.value or "")}))
        if past.hashes(holdings.key) <= subject.erased_hashes(holdings.ledger):
            return past
    raise InputError("a person", "nobody is known by it", "Check kind and value, or name another.")


def _versions(holdings: Holdings) -> Iterator[pa.Table]:
    read = partial(load, holdings.lake, columns=NAMING)
    for table in subject.history_of(holdings.ledger, "identities", read):
        yield hashed(table, holdings.key)


def _about(holdings: Holdings, persons: set[int]) -> Iterator[pa.Table]:
    """What recent versions of the identities say of these numbers; the second stage reads all."""
    read = partial(load_about, holdings.lake, persons=persons)
    for table in islice(subject.history_of(holdings.ledger, "identities", read), _RECENT):
        yield hashed(table, holdings.key)


def _done(hashes: int, mails: int) -> tuple[str, ...]:
    return (
        "The person's key is destroyed: no copy of a table tells their contact details any more",
        f"No table returns the person any more, and {hashes} keyed hashes stay: nobody writes to the person, "
        "and no import brings the person back",
        f"Mails taken out of the outbox: {mails}",
    )
