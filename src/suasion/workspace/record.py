"""Take in what came back: outcomes from a file, replies from a mailbox."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import plan_from
from suasion.delivery import Kind, Reply, reply_from
from suasion.errors import SourceError
from suasion.expressions import quote
from suasion.identity import hashes, links, stored
from suasion.ingest import LINE_NUMBER, Source, read
from suasion.lake import query
from suasion.ledger import Campaign, Ledger, Run, Tables, sends, subject, tokens
from suasion.measurement import analysis
from suasion.workspace.brief import Brief
from suasion.workspace.drawn import draws_of
from suasion.workspace.lifted import drawn_by_plan, handed_over, registered
from suasion.workspace.steps import reasons

WHY = {
    Kind.BOUNCED_HARD: sends.Why.BOUNCED,
    Kind.COMPLAINED: sends.Why.COMPLAINED,
    Kind.UNSUBSCRIBED: sends.Why.OPTED_OUT,
}
"""Replies after which the person is not written to again."""
RECORDED = ",recorded"
"""In the name of a mail that was understood."""

_MOST = 2**20  # octets of a mail that are read
_SHOWN = 20


@dataclass(frozen=True)
class OutcomeSummary:
    """What a file of outcomes held.

    Parameters
    ----------
    campaign : str
    rows, persons : int
        Rows of the file; persons with an outcome recorded now.
    unknown : int
        Good rows of nobody we know.
    rejected : dict of str to int
        Bad rows by reason.
    paused : tuple of str
        Why the campaign was paused, if a guardrail shows harm.
    """

    campaign: str
    rows: int
    persons: int
    unknown: int
    rejected: dict[str, int]
    paused: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReplySummary:
    """What a mailbox held.

    Parameters
    ----------
    replies : dict of str to int
        Replies to our sends, by kind.
    others : int
        Mails that are no reply to a send of ours, or that are not understood.
    unread : int
        Entries that are no file, or cannot be read.
    look_at : tuple of str
        Names of the files of `others`, the first twenty: somebody may have asked in words of their own.
    paused : tuple of str
        Campaigns that were paused since a guardrail shows harm, and why.
    """

    replies: dict[str, int]
    others: int
    unread: int
    look_at: tuple[str, ...]
    paused: tuple[str, ...] = ()


def record_outcomes(run: Run, brief: Brief, file: Path, at: datetime, key: bytes) -> OutcomeSummary:
    """Record the outcomes of a live campaign; where a person is in several files, the newest counts.

    The file has the identifier and outcome columns of the experiment that the campaign learned from, and
    names the people left alone as well as those written to: who is in no file has no known outcome. When a
    person's outcome was first recorded is kept in column ``at``, seconds since 1970.

    Raises
    ------
    SourceError
        The file lacks a column, or cannot be read.
    """
    name, source = brief.campaign.name, _mapping(brief, file, at)
    found = read(source, file.parent, {})
    persons = _resolved(run, source, found.records, key)
    outcomes = [f"outcome:{outcome}" for outcome in brief.outcomes]
    new = _timed(persons.filter(persons["person"].is_valid()).select(["person", *outcomes]), at)
    table = f"outcomes.{name}"
    before = run.read(table, "record") if table in run.versions else new.schema.empty_table()
    run.write(table, _merged(before, new, outcomes), name)
    return OutcomeSummary(
        campaign=name,
        rows=found.rows,
        persons=new.num_rows,
        unknown=persons["person"].null_count,
        rejected=reasons(found.rejects),
    )


def _mapping(brief: Brief, file: Path, at: datetime) -> Source:
    """The experiment's mapping, of identifiers and outcomes alone."""
    past = brief.source
    kinds = {kind: column for kind, column in past.identifiers.items() if column != LINE_NUMBER}
    if not kinds:
        found = f"source '{past.name}' knows people by line number only"
        raise SourceError("outcomes of a live campaign", found, "Map an identifier in it.")
    kept = {outcome: past.outcomes[outcome] for outcome in brief.outcomes}
    return Source(
        name=past.name,
        file=file.name,
        licence=past.licence,
        purposes=past.purposes,
        basis=past.basis,
        observed_on=at.date(),
        territory=past.territory,
        identifiers=kinds,
        outcomes=kept,
    )


def _resolved(tables: Tables, source: Source, records: pa.Table, key: bytes) -> pa.Table:
    """The records with the person whom their first known identifier names, null where none does."""
    identities = stored(tables.read("identities", "ingest"))
    known = identities.filter(pc.equal(identities["role"], "identifier"))
    known = known.append_column("link", links(known["value"], known["hash"]))
    named = {
        f"id:{kind}": links(column, hashes("identifier", kind, column, key))
        for kind in source.identifiers
        for column in (records[f"id:{kind}"],)
    }
    linking = pa.table({"line": records["line"], **named})
    columns = [f"id:{kind}" for kind in source.identifiers]
    joins = " ".join(
        f"LEFT JOIN (SELECT DISTINCT person, link FROM k WHERE kind = ?) AS k{i} ON k{i}.link = l.{name}"
        for i, name in enumerate(map(quote, columns))
    )
    person = f"coalesce({', '.join(f'k{i}.person' for i in range(len(columns)))})"
    sql = f"SELECT {person} AS person, r.* FROM r JOIN l USING (line) {joins} ORDER BY r.line"
    return query(sql, {"r": records, "l": linking, "k": known}, list(source.identifiers))


def _timed(table: pa.Table, at: datetime) -> pa.Table:
    """The outcomes with the time at which they were recorded; null of whoever has none yet."""
    answered = np.zeros(table.num_rows, np.bool_)
    for column in table.column_names[1:]:
        answered |= table[column].is_valid().to_numpy()
    return table.append_column("at", pa.array(np.full(len(answered), at.timestamp()), mask=~answered))


def _merged(before: pa.Table, new: pa.Table, outcomes: list[str]) -> pa.Table:
    """One row a person: the new values, where there are any, else those before; and the first time.

    Tables of an older suasion have no times: who had an outcome in one has none.
    """
    newest = ", ".join(f"arg_min({quote(c)}, age) AS {quote(c)}" for c in outcomes)
    had = " OR ".join(f"{quote(c)} IS NOT NULL" for c in outcomes)
    untimed = f'age = 1 AND "at" IS NULL AND ({had})'
    sql = (
        f'SELECT person, {newest}, CASE WHEN NOT bool_or({untimed}) THEN min("at") END AS "at" FROM '
        "(SELECT *, 0 AS age FROM n UNION ALL BY NAME SELECT *, 1 AS age FROM b) "
        "GROUP BY person ORDER BY person"
    )
    return query(sql, {"n": new, "b": before})


def pause_if_harmed(tables: Tables, ledger: Ledger, brief: Brief, at: datetime) -> tuple[str, ...]:
    """Pause a campaign that still sends, if what is known shows that it passes a guardrail; say why."""
    name, campaign = brief.campaign.name, brief.campaign
    judged, _ = analysis.as_registered(campaign, registered(ledger, name))
    if not judged.analysis.guardrails or not handed_over(ledger, name).sends:
        return ()
    made, digest = plan_from(tables.read(f"plans.{name}", f"plan {name}"))
    evidence = drawn_by_plan(tables, brief, made, draws_of(tables, ledger, name, made, digest))
    people = judged.analysis.people or len(made.options.persons)
    return _paused(ledger, campaign, analysis.Tried(evidence, people), at)


def _pause_where_harmed(ledger: Ledger, at: datetime) -> tuple[str, ...]:
    """Pause every campaign that still sends, if replies show that it passes a guardrail; say why."""
    declared = [terms for terms in subject.campaigns(ledger).values() if "analysis" in terms]
    return tuple(
        said for terms in declared for said in _paused(ledger, Campaign.model_validate(terms), None, at)
    )


def _paused(
    ledger: Ledger, campaign: Campaign, tried: analysis.Tried | None, at: datetime
) -> tuple[str, ...]:
    found, sent = registered(ledger, campaign.name), handed_over(ledger, campaign.name)
    if not sent.waiting or sent.paused:
        return ()
    judged, _ = analysis.as_registered(campaign, found)
    rails = analysis.watched(judged, found, sent, tried)
    passed = "; ".join(analysis.harm(rail) for rail in rails if rail.state == "harm")
    if not passed:
        return ()
    sends.set_paused(ledger, campaign.name, at, paused=True)
    todo = f"Run `suasion resume {campaign.name}` if it is to go on all the same."
    return (f"Campaign '{campaign.name}' is paused, for harm is shown: {passed}. {todo}",)


def record_replies(ledger: Ledger, key: bytes, mailbox: Path, now: Callable[[], datetime]) -> ReplySummary:
    """Read a Maildir: whoever asked to stop, complained, or has no mailbox is not written to again.

    A mail is moved to ``cur``, and its name marked, once what it says is in force; mails that are not replies
    to our sends stay. Whatever else is in the mailbox keeps no reply from being heard. A campaign whose
    replies show that it passes a guardrail is paused.
    """
    counts, others, unread = Counter[str](), list[str](), 0
    with suppress(OSError):
        (mailbox / "cur").mkdir(exist_ok=True)
    for path in _mails(mailbox):
        content = _content(path)
        if content is None:
            unread += 1
            continue
        reply = reply_from(content)
        send = None if reply is None else _send_of(key, reply)
        if reply is None or send is None:
            others.append(path.name)
            continue
        if reply.kind in WHY:
            sends.suppress(ledger, send, WHY[reply.kind], now())
        counts[str(reply.kind)] += 1
        _mark(mailbox, path)
    paused = _pause_where_harmed(ledger, now())
    return ReplySummary(dict(counts), len(others), unread, tuple(others[:_SHOWN]), paused)


def _mails(mailbox: Path) -> Iterator[Path]:
    """What is in ``new``, and what mail programs moved to ``cur``, but for what was recorded before."""
    if not (mailbox / "new").is_dir():
        raise SourceError(f"mailbox {mailbox}", "it has no folder 'new'", "Name a Maildir.")
    for folder in (mailbox / "new", mailbox / "cur"):  # a mail that is moved meanwhile is met again
        if folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if RECORDED not in path.name)


def _content(path: Path) -> bytes | None:
    """The start of a mail; None of what is no file, for a pipe would be waited for, or cannot be read."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(_MOST)
    except OSError:
        return None


def _send_of(key: bytes, reply: Reply) -> int | None:
    found = (tokens.send_of(key, token) for token in (reply.token, *reply.also))
    return next((send for send in found if send is not None), None)


def _mark(mailbox: Path, path: Path) -> None:
    """Name a mail so that it is not counted again; mail programs change only what follows the colon."""
    name, _, info = path.name.partition(":")
    flags = "".join(sorted({*info.removeprefix("2,"), "S"}))
    with suppress(OSError):  # what it says is in force, and will be found so again
        os.replace(path, mailbox / "cur" / f"{name}{RECORDED}:2,{flags}")
