"""A ledger that is behind its journal catches up, or sends nothing.

What this finds: a ledger that was put back from a backup while the journal beside it is newer; a journal that
is missing, was cut, or is older than the ledger. What it cannot find: ledger and journal put back together to
the same moment, with nobody who remembers a later one. Keep a copy of the journal elsewhere
(`suasion restore --journal FILE` takes it in), or compare the log with a checkpoint that others hold: the log
of such a ledger is shorter than what was published (`behind`). Nor does the journal tell what was sent
meanwhile: a ledger that is put back would send again what it does not know to be sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from suasion.errors import DamageError, SuasionError, WorkspaceError
from suasion.ledger import journal as journal
from suasion.ledger import log, opt_in, subject, wishes
from suasion.ledger.database import Ledger
from suasion.ledger.journal import BEGUN, REFUSED, WISH, Entry, Head, Journal, head_of, set_head
from suasion.ledger.journal import NAME as FILE
from suasion.ledger.schema import log as log_table
from suasion.ledger.sends.suppress import Why, never
from suasion.rules import Channel, Purpose

_ASKED = "sending"
_WITHOUT = "a restore without journal"
_TODO = (
    "Put a copy of the journal in its place by `suasion restore --journal FILE`; or, where none is left, "
    "answer for it by `suasion restore --without-journal --by NAME --why WHY`."
)


def catch_up(ledger: Ledger, at: datetime) -> int:
    """Do again what the journal knows and the ledger does not; begin the journal where there never was one.

    Parameters
    ----------
    ledger : Ledger
        One without a journal is left as it is.
    at : datetime

    Returns
    -------
    int
        How many lines were done again.

    Raises
    ------
    WorkspaceError
        The journal is missing or older than the ledger, or of another history: nothing may be sent.
    DamageError
        The journal is not what was written.
    """
    if ledger.journal is None or _is_level(ledger, ledger.journal):
        return 0
    with ledger.writing() as connection:
        head = head_of(connection)
        missing = _missing(ledger.journal, head)
        if missing is None:
            ledger.journal.begin(connection, at, head)
            return 0
        redo(connection, missing)
        if missing:
            set_head(connection, missing[-1].head)
        return len(missing)


def redo(connection: Connection, said: Sequence[Entry]) -> None:
    """Do again what lines say, inside a transaction that holds the write lock; twice does no harm."""
    for one in said:
        at, hashes = datetime.fromisoformat(one.at), [bytes.fromhex(made) for made in one.hashes]
        if one.kind == Why.ERASED:
            subject.forget(connection, one.persons, hashes, at)
        elif one.kind.startswith(WISH):
            amount = int(one.what) if one.what else None
            wish = wishes.Wish(wishes.WishKind(one.kind.removeprefix(WISH)), amount, "journal", at)
            wishes.keep(connection, one.persons[0], wish)
        elif one.kind == REFUSED:
            purpose, channel = one.what.split(" ")
            opt_in.refuse(connection, one.persons[0], (Purpose(purpose), Channel(channel)), at)
        elif one.kind != BEGUN:
            never(connection, one.persons[0], hashes[0], one.what, Why(one.kind), at)


def take_in(ledger: Ledger, journal: Journal, at: datetime) -> int:
    """Put a copy of the journal in the place of one that is missing, was cut or is older.

    What it knows, and what was written meanwhile, is done again; what both tell is kept once.

    Parameters
    ----------
    ledger : Ledger
        With a journal.
    journal : Journal
        The copy.
    at : datetime

    Returns
    -------
    int
        How many lines the journal has now.

    Raises
    ------
    DamageError
        The copy is not what was written.
    WorkspaceError
        It is no journal, or ends before what the ledger has done: it is too old.
    """
    copy = journal.entries() if journal.is_one() else ()
    if not copy:
        found, todo = "it is missing, or no journal of suasion", f"Name a copy of {FILE}."
        raise WorkspaceError(str(journal.path), found, todo)
    with ledger.writing() as connection:
        head = head_of(connection)
        if head.n and not any(one.head == head for one in copy):
            found = f"it does not reach line {head.n}, up to which the ledger has done what it says"
            raise WorkspaceError(str(journal.path), found, "Name a newer copy.")
        said = [*copy, *(one for one in _own(ledger) if one not in copy)]
        redo(connection, said)
        _journal(ledger).replace(connection, said, at)
    return len(said)


def go_without(ledger: Ledger, by: str, why: str, at: datetime) -> None:
    """Begin a journal anew where no copy is left: the log says who answers for what may be forgotten.

    Parameters
    ----------
    ledger : Ledger
    by, why : str
        Who, and why nobody who opted out or was erased is among those who will be written to.
    at : datetime

    Raises
    ------
    WorkspaceError
        No name or no reason; or the journal is there, and whole.
    """
    if not by.strip() or not why.strip():
        raise WorkspaceError(_WITHOUT, "no name or no reason", "Give --by and --why.")
    with ledger.writing() as connection:
        if _is_whole(_journal(ledger), head_of(connection)):
            found = f"{_journal(ledger).path.name} lies beside the ledger, and nothing is missing in it"
            raise WorkspaceError(_WITHOUT, found, "Run `suasion send`: it does again what the journal knows.")
        own = _own(ledger)
        redo(connection, own)
        log.append(connection, "restore", "", {"by": by.strip(), "why": why.strip()}, at)
        _journal(ledger).replace(connection, own, at)


def behind(ledger: Ledger, size: int) -> int:
    """How many rows the log lacks of a checkpoint of `size` rows; 0 where it lacks none."""
    with ledger.reading() as connection:
        rows = connection.execute(select(func.count()).select_from(log_table)).scalar_one()
    return max(0, size - rows)


def _journal(ledger: Ledger) -> Journal:
    if ledger.journal is None:
        todo = "Set SUASION_KEY in the environment to the secret of this workspace."
        raise WorkspaceError("a restore", "SUASION_KEY is not set", todo)
    return ledger.journal


def _is_level(ledger: Ledger, journal: Journal) -> bool:
    with ledger.reading() as connection:
        head = head_of(connection)
    last = journal.last()
    return last is not None and last.head == head


def _missing(journal: Journal, head: Head) -> list[Entry] | None:
    """The lines after the ledger's; None where neither has any."""
    entries = journal.entries()
    if not entries and head == Head():
        return None
    if not entries:
        found = f"{journal.path.name} is missing, and the ledger has done {head.n} lines of it"
    elif entries[0].kind != BEGUN:
        found = f"{journal.path.name} lacks what was before line {entries[0].n}"
    elif head == Head(entries[0].n - 1, entries[0].before):
        return list(entries)
    elif any(one.head == head for one in entries):
        return [one for one in entries if one.n > head.n]
    elif entries[-1].n < head.n:
        found = f"{journal.path.name} ends at line {entries[-1].n}, and the ledger has done {head.n}"
    else:
        found = f"{journal.path.name} and the ledger do not tell the same history"
    raise WorkspaceError(_ASKED, f"{found}: people who opted out or were erased may be forgotten", _TODO)


def _is_whole(journal: Journal, head: Head) -> bool:
    """Whether there is a journal that leads from where the ledger is to its end."""
    try:
        return _missing(journal, head) is not None
    except SuasionError:
        return False


def _own(ledger: Ledger) -> list[Entry]:
    """What can be read of the journal that is there."""
    try:
        return list(_journal(ledger).entries())
    except DamageError:
        return []
