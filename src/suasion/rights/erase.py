"""Erase one person: at once from all that is read, then from every file of the workspace."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from suasion.errors import InputError, SourceError, WorkspaceError
from suasion.ingest import Source, cut_rows, find_rows
from suasion.ledger import running, subject, tokens
from suasion.rights.certificate import Certificate, Due, at_once, in_a_month
from suasion.rights.holdings import Holdings
from suasion.rights.mails import remove
from suasion.rights.search import SHORTEST, Sought, files_under
from suasion.rights.subject import Subject, alone, detail_from, find, identities, subject_of

_LOOK = "A search finds the person in it: take out what is theirs"
_READ = "It could not be read: look whether the person is in it"


def erase(holdings: Holdings, named: str, at: datetime) -> Certificate:
    """Erase a person along the whole road (GDPR, Art. 17), and certify what a search finds afterwards.

    At once, in one transaction: mails leave the outbox, rows leave the ledger, keyed hashes of all
    identifiers and contact details stay as suppressions, and no table returns the person any more. Then,
    holding the workspace's run: rows are cut out of the sources' files, every table of the lake is rewritten
    without the person, older versions and deleted bytes go. Whatever fails or is killed in between, erasing
    the same person again completes it; erasing somebody who is gone searches again.

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

    Raises
    ------
    InputError
        Nobody, or more than one, is known by it.
    WorkspaceError
        The key is absent or another one.
    BusyError
        Another run is under way: the person is not read any more, but still in files. Erase again.
    """
    if not holdings.key:
        todo = "Set SUASION_KEY in the environment to a secret, and keep it."
        raise WorkspaceError("an erasure", "SUASION_KEY is not set", todo)
    tokens.require_key(holdings.ledger, holdings.key)
    who = _wanted(holdings, named)
    mails = _forget(holdings, who, at)
    with running(holdings.ledger, holdings.lake, "erase", at) as run:
        # A run that had begun before may have brought more, and others may be only half erased.
        who = alone(holdings, who.with_all(subject_of(identities(holdings), who.persons)))
        everybody = who.with_all(alone(holdings, subject_of(identities(holdings), run.erasing)))
        mails += _forget(holdings, everybody, at)
        cut, due = _sources(holdings, everybody, at)
        models = {
            name: name.replace("models.", "scores.", 1) for name in run.versions if name.startswith("models.")
        }
        gone = subject.compact(holdings.ledger, holdings.lake, everybody.persons, models)
        sought = Sought.of(who.spellings)
        searched, found, unread = _search(holdings, sought)
    hashes = who.hashes(holdings.key)
    due += [Due("Learn again: run `suasion score`", name, at_once(at)) for name in gone]
    due += [Due(_LOOK, name, at_once(at)) for name in found]
    due += [Due(_READ, name, at_once(at)) for name in unread]
    return Certificate(
        person=tuple(sorted(made.hex() for made in hashes)),
        at=at,
        done=_done(len(hashes), mails, cut, len(gone), searched, sought),
        due=(*due, *_elsewhere(at)),
        searched=searched,
        found=found,
    )


def _wanted(holdings: Holdings, named: str) -> Subject:
    """Who is meant: somebody known, somebody being erased, or a detail of somebody who was."""
    persons = find(identities(holdings), named, holdings.tables().erasing)
    if persons:
        return alone(holdings, subject_of(identities(holdings), persons))
    detail = detail_from(named)
    if detail is not None:
        past = Subject(frozenset(), frozenset({detail}))
        if past.hashes(holdings.key) <= subject.erased_hashes(holdings.ledger):
            return past
    raise InputError("a person", "nobody is known by it", "Check kind and value, or name another.")


def _forget(holdings: Holdings, who: Subject, at: datetime) -> int:
    """What can be done at once; returns how many mails were in the outbox."""
    with subject.forgetting(holdings.ledger, who.persons, who.hashes(holdings.key), at) as sends:
        return remove(holdings, sends)


def _sources(holdings: Holdings, who: Subject, at: datetime) -> tuple[int, list[Due]]:
    """Cut rows out of the files of sources: how many are gone, and what is left for people to do."""
    cut, due, wanted = 0, list[Due](), who.identifying()
    for source in holdings.sources:
        try:
            cut += _cut(holdings, source, wanted)
        except SourceError as error:
            what = f"Take out rows of persons who were erased: {error.found}. {error.todo}"
            due.append(Due(what, str(Path("sources", source.file)), at_once(at)))
    return cut, due


def _cut(holdings: Holdings, source: Source, wanted: dict[str, set[str]]) -> int:
    folder = holdings.folder / "sources"
    path = (folder / source.file).resolve()
    lines = find_rows(source, folder, wanted) if path.exists() else ()
    if lines and not path.is_relative_to(holdings.folder.resolve()):
        todo = "Have whoever keeps it take them out."
        raise SourceError(f"source '{source.name}'", "the file is not in the workspace", todo)
    if lines:
        cut_rows(source, folder, lines)
    return len(lines)


def _search(holdings: Holdings, sought: Sought) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """How many files were searched, which of them hold the person, and which could not be read."""
    roots = [holdings.folder, holdings.lake, *([holdings.outbox] if holdings.outbox else [])]
    searched, found, unread = 0, set[str](), set[str]()
    for path in files_under(roots):
        try:
            is_held = sought.is_in(path, numbers=path.parent != holdings.lake)
        except FileNotFoundError:
            continue  # a sender moves mails meanwhile
        except OSError:
            unread.add(_shown(holdings, path, sought))
            continue
        searched += 1
        if is_held or sought.is_among([os.fsencode(path.name)]):
            found.add(_shown(holdings, path, sought))
    return searched, tuple(sorted(found)), tuple(sorted(unread))


def _shown(holdings: Holdings, path: Path, sought: Sought) -> str:
    """The path in the workspace; one that is named after the person is told without its name."""
    name = os.path.relpath(path, holdings.folder)
    return "a file named after the person" if sought.is_among([os.fsencode(name)]) else name


def _done(hashes: int, mails: int, cut: int, gone: int, searched: int, sought: Sought) -> tuple[str, ...]:
    short = f"; {sought.short} shorter than {SHORTEST} bytes were not searched for" if sought.short else ""
    return (
        f"No table returns the person any more, and {hashes} keyed hashes stay: nobody writes to the person, "
        "and no import brings the person back",
        f"Mails taken out of the outbox: {mails}",
        f"Rows cut out of the files of sources: {cut}",
        "Every table of the lake was rewritten without the person, and older versions were deleted",
        "The ledger has no row of the person, and its file no deleted byte",
        f"Models deleted, as they had learned from the person: {gone}",
        f"Files searched: {searched}, for {sought.values} identifiers and contact details{short}",
    )


def _elsewhere(at: datetime) -> tuple[Due, ...]:
    """What is outside the workspace, so that nobody here can know of it."""
    by = in_a_month(at)
    return (
        Due("Tell the person what was done (GDPR, Art. 12(3))", "the person", by),
        Due("Delete or overwrite what older copies hold of the person", "backups of this workspace", by),
        Due(
            "Tell them to erase the person (GDPR, Art. 19)",
            "whoever got data or carried mails to the person",
            by,
        ),
    )
