"""The later stages of an erasure: every file is rewritten, models learn again, and others confirm."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from suasion.errors import SourceError, SuasionError
from suasion.identity import is_sealed
from suasion.ingest import Source
from suasion.ingest import subject as source_rows
from suasion.ledger import running, schema, subject, tokens
from suasion.rights import passed
from suasion.rights.certificate import (
    AT_ONCE,
    COMPLETE,
    REWRITTEN,
    Asked,
    Certificate,
    Due,
    at_once,
    certificate_from,
    in_a_month,
)
from suasion.rights.holdings import Holdings
from suasion.rights.mails import remove
from suasion.rights.search import SHORTEST, Sought, files_under
from suasion.rights.subject import Detail, Subject, alone, identities, plain_of, subject_of
from suasion.rights.waiting import erase_waiting

_LOOK = "A search finds the person in it: take out what is theirs"
_READ = "It could not be read: look whether the person is in it"
_INBOX = "Nothing of the person waits in the inbox of streams any more, and its files have no deleted byte"
_TABLE = schema.erasures


def rewrite(holdings: Holdings, who: Subject, first: Certificate, at: datetime) -> Certificate:
    """The second stage, and where nothing is left to do here, the third.

    Holding the workspace's run: what waits in the inbox of streams goes, rows are cut out of the sources'
    files, every table of the lake is rewritten without the person, older versions and deleted bytes go,
    models that learned from the person are deleted, and all files are searched. Then they are learned again,
    where the holdings say how.

    Parameters
    ----------
    holdings : Holdings
    who : Subject
        As known at the first stage.
    first : Certificate
        Of the stage before.
    at : datetime

    Returns
    -------
    Certificate

    Raises
    ------
    BusyError
        Another run is under way, or a reader keeps the ledger from being rewritten; the first stage holds.
    """
    with running(holdings.ledger, holdings.lake, "erase", at, holdings.patience) as run:
        # A run that had begun before may have brought more, and others may be only half erased.
        who = alone(holdings, who.with_all(subject_of(identities(holdings), who.persons)))
        who = plain_of(holdings, identities(holdings), who)
        everybody = who.with_all(alone(holdings, subject_of(identities(holdings), run.erasing)))
        hashes = everybody.hashes(holdings.key)
        with subject.forgetting(holdings.ledger, everybody.persons, hashes, at) as (_, sends):
            mails = remove(holdings, sends)
        erase_waiting(holdings, everybody)  # nobody reads the inbox while this is the one run
        cut, due = _sources(holdings, everybody, at)
        models = {name: f"scores.{campaign}" for name, campaign in _models(run.versions)}
        gone = subject.compact(holdings.ledger, holdings.lake, everybody.persons, models)
        sought = Sought.of(who.spellings(holdings.key))
        searched, found, unread = _search(holdings, sought)
    due += [Due(_LOOK, name, at_once(at)) for name in found]
    due += [Due(_READ, name, at_once(at)) for name in unread]
    waits = () if holdings.erase_waiting is None else (_INBOX,)
    lines = (
        *_rewritten(mails, cut, len(gone)),
        *waits,
        _searched(searched, sought, who.unread(holdings.key)),
    )
    mine = {made.hex() for made in who.hashes(holdings.key)}
    second = replace(
        first,
        person=tuple(sorted(mine.union(first.person))),
        done=(*first.done, *lines),
        due=tuple(due),
        searched=searched,
        found=found,
        stage=REWRITTEN,
        models=gone,
    )
    second = _brought_up(holdings, second, at)
    _learn_again(holdings, gone)
    return _brought_up(holdings, second, at) if gone else second


def finish(holdings: Holdings, at: datetime) -> tuple[Certificate, ...]:
    """Take every erasure that is not complete as far as it can be taken now.

    Parameters
    ----------
    holdings : Holdings
    at : datetime

    Returns
    -------
    tuple of Certificate
        Of erasures that were not complete, oldest first.

    Raises
    ------
    BusyError
        Another run is under way.
    """
    waiting = [one for one in certificates(holdings) if one.stage < COMPLETE]
    half = [one for one in waiting if one.stage == AT_ONCE]
    persons = holdings.tables().erasing if half else frozenset[int]()
    known = [subject_of(identities(holdings), [person]) for person in sorted(persons)]
    whose = {one.person: _subject(holdings, one, known) for one in half}
    for one in waiting:
        _learn_again(holdings, one.models)
    return tuple(
        rewrite(holdings, whose[one.person], one, at)
        if one.stage == AT_ONCE
        else _brought_up(holdings, one, at)
        for one in waiting
    )


def certificates(holdings: Holdings) -> tuple[Certificate, ...]:
    """The newest certificate of every erasure, oldest first."""
    with holdings.ledger.engine.connect() as connection:
        texts = connection.execute(select(_TABLE.c.certificate).order_by(_TABLE.c.id)).scalars().all()
    return tuple(certificate_from(json.loads(text)) for text in texts)


def keep(connection: Connection, certificate: Certificate) -> None:
    """Keep a certificate in the place of an earlier one of the same person."""
    mine = set(certificate.person)
    rows = connection.execute(select(_TABLE.c.id, _TABLE.c.certificate).order_by(_TABLE.c.id.desc())).all()
    same = [row.id for row in rows if set(json.loads(row.certificate)["person"]) <= mine]
    text = json.dumps(certificate.as_dict(), ensure_ascii=False)
    values = {"stage": certificate.stage, "certificate": text, "at": certificate.at.astimezone(UTC)}
    if same:
        connection.execute(update(_TABLE).where(_TABLE.c.id == same[0]).values(**values))
    else:
        connection.execute(insert(_TABLE).values(**values))


def elsewhere(asked: Iterable[Asked], at: datetime) -> tuple[Due, ...]:
    """What is outside the workspace, so that nobody here can know of it."""
    by = in_a_month(at)
    said = {
        passed.REQUESTED: "Get their answer, and note it: `suasion passed confirm ID`",
        passed.REFUSED: "They refused to delete it: see whether they may",
    }
    return (
        *(Due(said[one.state], one.recipient, by) for one in asked if one.state in said),
        Due("Tell the person what was done (GDPR, Art. 12(3))", "the person", by),
        Due("Delete or overwrite what older copies hold of the person", "backups of this workspace", by),
        Due(
            "Tell them to erase the person (GDPR, Art. 19)",
            "whoever else got data or carried mails to the person",
            by,
        ),
    )


def _brought_up(holdings: Holdings, certificate: Certificate, at: datetime) -> Certificate:
    """The certificate as things stand now, signed and kept."""
    versions = holdings.tables().versions
    models = tuple(name for name in certificate.models if name not in versions)
    with holdings.ledger.writing() as connection:
        asked = passed.about(connection, [bytes.fromhex(one) for one in certificate.person])
        others = {(one.what, one.where) for one in elsewhere(certificate.asked, certificate.at)}
        learned = "Learn again: run `suasion score`"
        here = [one for one in certificate.due if (one.what, one.where) not in others and one.what != learned]
        again = [Due(learned, name, at_once(certificate.at)) for name in models]
        open_now = [*here, *again, *(one for one in asked if one.state != passed.CONFIRMED)]
        made = replace(
            certificate,
            due=(*here, *again, *elsewhere(asked, certificate.at)),
            models=models,
            asked=asked,
            stage=certificate.stage if open_now else COMPLETE,
        ).signed(holdings.key)
        keep(connection, made)
    return made


def _learn_again(holdings: Holdings, models: Iterable[str]) -> None:
    """Learn models again; what cannot be learned now stays due."""
    for name in models:
        if holdings.learn_again is not None:
            with suppress(SuasionError):
                holdings.learn_again(name.removeprefix("models."))


def _subject(holdings: Holdings, certificate: Certificate, known: Iterable[Subject]) -> Subject:
    """Who a certificate is about, among those who are being erased."""
    made = frozenset(Detail("", None, bytes.fromhex(one)) for one in certificate.person)
    who = Subject(frozenset(), frozenset(), made)
    for one in known:
        if {hashed.hex() for hashed in one.hashes(holdings.key)} & set(certificate.person):
            who = who.with_all(one)
    return who


def _models(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, name.removeprefix("models.")) for name in names if name.startswith("models.")]


def _sources(holdings: Holdings, who: Subject, at: datetime) -> tuple[int, list[Due]]:
    """Cut rows out of the files of sources: how many are gone, and what is left for people to do."""
    cut, due = 0, list[Due]()
    for source in holdings.sources:
        try:
            cut += _cut(holdings, source, who)
        except SourceError as error:
            what = f"Take out rows of persons who were erased: {error.found}. {error.todo}"
            due.append(Due(what, str(Path("sources", source.file)), at_once(at)))
    return cut, due


def _cut(holdings: Holdings, source: Source, who: Subject) -> int:
    folder = holdings.folder / "sources"
    path = (folder / source.file).resolve()
    lines = source_rows.find_rows(source, folder, _wanted(holdings, source, who)) if path.exists() else ()
    if lines and not path.is_relative_to(holdings.folder.resolve()):
        todo = "Have whoever keeps it take them out."
        raise SourceError(f"source '{source.name}'", "the file is not in the workspace", todo)
    if lines:
        source_rows.cut_rows(source, folder, lines)
    return len(lines)


def _wanted(holdings: Holdings, source: Source, who: Subject) -> dict[str, set[str]]:
    """The values by which a source's rows are theirs; those that are kept sealed are known by their hash."""
    wanted, made = who.identifying(), {one.hash for one in who.identifiers if one.hash is not None}
    for kind in (kind for kind in source.identifiers if made and is_sealed("identifier", kind)):
        values = source_rows.identifiers_in(source, holdings.folder / "sources", kind)
        pairs = zip(values, tokens.hashes_of(holdings.key, kind, values), strict=True)
        wanted.setdefault(kind, set()).update(value for value, hashed in pairs if hashed in made)
    return wanted


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


def _rewritten(mails: int, cut: int, gone: int) -> tuple[str, ...]:
    more = (f"Mails taken out of the outbox afterwards: {mails}",) if mails else ()
    return (
        *more,
        f"Rows cut out of the files of sources: {cut}",
        "Every table of the lake was rewritten without the person, and older versions were deleted",
        "The ledger has no row of the person, and its file no deleted byte",
        f"Models deleted, as they had learned from the person: {gone}",
    )


def _searched(searched: int, sought: Sought, unread: int) -> str:
    short = f"; {sought.short} shorter than {SHORTEST} bytes were not searched for" if sought.short else ""
    hidden = f"; {unread} known by their keyed hash alone could not be searched for" if unread else ""
    return f"Files searched: {searched}, for {sought.values} identifiers and contact details{short}{hidden}"
