"""Consent of persons: what their sources say, with evidence, and what they told us themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from suasion.ingest import Source
from suasion.lake import query
from suasion.ledger import Tables, said
from suasion.rules import Channel, Occasion, Purpose

SAID = said.consents.SAID

_EVIDENCE = {"wording": pa.string(), "capture": pa.string(), "separate": pa.bool_(), "written": pa.bool_()}
"""What a mapping says of all answers in a column."""

_FACTS = pa.schema(
    [
        ("person", pa.int64()),
        ("consent", pa.bool_()),
        ("consent_separate", pa.bool_()),
        ("consent_written", pa.bool_()),
        ("consent_confirmed", pa.bool_()),
        ("consent_days", pa.int64()),
    ]
)

_REWORDED = """
SELECT n.line, b.wording, b.capture, b.separate, b.written
FROM n JOIN (SELECT person, said, any_value(wording) AS wording, any_value(capture) AS capture,
             bool_and(separate) AS separate, bool_and(written) AS written
      FROM b WHERE given AND wording IS NOT NULL AND wording <> ? AND said IS NOT NULL
      GROUP BY person, said) AS b USING (person, said)
WHERE n.given"""

_CONSENTS = """
WITH w AS (
    SELECT *, given AND wording IS NOT NULL AND capture IS NOT NULL AND said_at IS NOT NULL
           AND (NOT told OR confirmed_at IS NOT NULL)
           AND said_at <= CASE WHEN length(said_at) = 10 THEN $1 ELSE $2 END AS proven
    FROM (SELECT *, false AS told FROM imported UNION ALL BY NAME SELECT *, true AS told FROM told)),
own AS (SELECT person, given, said_at, proven FROM w WHERE told),
newer AS (SELECT person, max(said_at) AS at FROM w SEMI JOIN own USING (person)
          WHERE NOT told AND proven GROUP BY person),
kept AS (
    SELECT w.*, NOT w.given OR coalesce(w.expires_on < CAST($1 AS DATE), false) AS refused
    FROM w LEFT JOIN own USING (person) LEFT JOIN newer USING (person)
    WHERE CASE
        WHEN w.told THEN NOT coalesce(w.given AND newer.at > coalesce(w.said_at, ''), false)
        ELSE NOT coalesce(own.proven AND own.said_at > coalesce(
            CASE WHEN NOT w.given AND length(w.said_at) = 10 THEN w.said_at || 'T24' ELSE w.said_at END, ''),
            false) END),
judged AS (
    SELECT person, bool_or(refused) AS no, max(CASE WHEN proven THEN said_at END) AS newest
    FROM kept GROUP BY person),
yes AS (
    SELECT person, bool_and(coalesce(separate, false)) AS separate,
           bool_and(coalesce(written, false)) AS written,
           bool_and(coalesce(confirmed_at <= CASE WHEN length(confirmed_at) = 10 THEN $1 ELSE $2 END,
                    false)) AS confirmed
    FROM kept JOIN judged USING (person) WHERE proven AND NOT no AND said_at = newest GROUP BY person)
SELECT person, CASE WHEN no THEN false WHEN newest IS NOT NULL THEN true END AS consent,
       separate AS consent_separate, written AS consent_written, confirmed AS consent_confirmed,
       CASE WHEN no THEN NULL WHEN length(newest) = 10
            THEN date_diff('day', CAST(newest AS DATE), CAST($1 AS DATE))
            ELSE CAST(floor((epoch(CAST($2 AS TIMESTAMP)) - epoch(CAST(newest AS TIMESTAMP))) / 86400)
                 AS BIGINT) END AS consent_days
FROM judged LEFT JOIN yes USING (person) ORDER BY person"""


def consents_of_persons(
    tables: Tables, sources: Sequence[Source], occasion: Occasion, told: pa.Table | None = None
) -> pa.Table:
    """Whether persons consent to a purpose and channel, and how.

    A yes counts with evidence: its wording, how it was taken, and when, which is not in the future; else it
    is none, and consent is unknown. An expired yes is a no, and one no outweighs every yes. Between what a
    person told us and what sources say, the newer counts; but no source outweighs a person's own no, of
    whatever date, and a person's own yes counts only once it is confirmed. A no without a date is of the day
    on which its source was observed; a no of a day was said at its end.

    Parameters
    ----------
    tables : Tables
    sources : sequence of Source
    occasion : Occasion
    told : pyarrow.Table, optional
        What persons told us directly; see `ledger.consents.told`.

    Returns
    -------
    pyarrow.Table
        ``person``, ``consent`` (null: unknown); and of the newest yes that counts ``consent_separate``,
        ``consent_written``, ``consent_confirmed``, of several of one time the strictest, and
        ``consent_days``, the full days since it was said. Where there is no such yes, they are null. One row
        for everybody who said something, sorted.

    Raises
    ------
    OrderError
        Nothing was ingested yet.
    """
    if occasion.channel is None:
        return _FACTS.empty_table()
    pair = (occasion.purpose, occasion.channel)
    found = [SAID.empty_table()]
    for source in sources:
        if any((one.purpose, one.channel) == pair for one in source.consents):
            found.append(consents_of(tables.read(f"records.{source.name}", "ingest"))[pair])
    own = SAID.empty_table()
    if told is not None:
        same = pc.and_(pc.equal(told["purpose"], str(pair[0])), pc.equal(told["channel"], str(pair[1])))
        own = told.filter(same).select(SAID.names)
    today, now = occasion.at.date().isoformat(), f"{occasion.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    said = {"imported": pa.concat_tables(found), "told": own}
    return query(_CONSENTS, said, [today, now]).cast(_FACTS)


def consents_of(records: pa.Table) -> dict[tuple[Purpose, Channel], pa.Table]:
    """What the records of a source say of consent: tables of the schema `SAID`, by purpose and channel."""
    said: dict[tuple[Purpose, Channel], pa.Table] = {}
    for name in (name for name in records.column_names if name.startswith("consent:")):
        pair = name.removeprefix("consent:")
        purpose, channel = pair.split(":")
        of = {"given": "consent", "expires_on": "expires", "said_at": "said", "confirmed_at": "confirmed"}
        names = [f"{of.get(name, name)}:{pair}" for name in SAID.names[1:]]
        columns = [_column(records, n, kind) for n, kind in zip(names, SAID.types[1:], strict=True)]
        table = pa.Table.from_arrays([records["person"], *columns], schema=SAID)
        said[Purpose(purpose), Channel(channel)] = table.filter(table["given"].is_valid())
    return said


def with_evidence(source: Source, records: pa.Table, before: pa.Table | None) -> pa.Table:
    """Records with the evidence that the mapping declares: columns ``wording``, ``capture``, ``separate`` and
    ``written`` of each pair, and ``said`` where it is one day or time for all.

    Who said yes to other words keeps them: an answer that was recorded before, with the same time, stays with
    the wording it was given to, whatever the mapping says now. Whoever asks again gets another time.

    Parameters
    ----------
    source : Source
    records : pyarrow.Table
        With ``person``.
    before : pyarrow.Table, optional
        The records of the source as they were stored last.

    Returns
    -------
    pyarrow.Table
    """
    for one in source.consents:
        pair = f"{one.purpose}:{one.channel}"
        given = records[f"consent:{pair}"]
        answered = _column(records, f"said:{pair}", pa.string())
        if one.said_on is not None:
            answered = pc.fill_null(answered, one.said_on)
        # A no needs no date of its own: it held when the source was observed.
        no = pc.fill_null(pc.invert(given), False)
        answered = pc.if_else(no, pc.fill_null(answered, source.observed_on.isoformat()), answered)
        records = _put(records, f"said:{pair}", answered)
        digest = said.consents.digest_of(one.wording) if one.wording is not None else None
        declared = (digest, one.capture, one.separate, one.written)
        for (name, kind), value in zip(_EVIDENCE.items(), declared, strict=True):
            constant = pa.repeat(pa.scalar(value, kind), records.num_rows)
            records = _put(records, f"{name}:{pair}", pa.chunked_array([constant]))
        if digest is not None and before is not None:
            records = _as_recorded(records, before, pair, digest)
    return records


def unproven(source: Source, records: pa.Table, persons: pa.Array[Any]) -> dict[str, int]:
    """How many persons' yes in a source counts as none, by "purpose by channel"; for want of evidence.

    Parameters
    ----------
    source : Source
    records : pyarrow.Table
        As they were read.
    persons : pyarrow.Array of int64
        Whose each record is.
    """
    found: dict[str, int] = {}
    for one in source.consents:
        pair = f"{one.purpose}:{one.channel}"
        lacks = pc.fill_null(records[f"consent:{pair}"], False)
        if not one.lacking and one.said_on is None:
            lacks = pc.and_(lacks, records[f"said:{pair}"].is_null())
        elif not one.lacking:
            continue
        if count := len(pa.array(persons).filter(lacks.combine_chunks()).unique()):
            found[f"{one.purpose} by {one.channel}"] = count
    return found


def words_of(source: Source) -> dict[str, str]:
    """The words that a source shows people, by their digest."""
    return {said.consents.digest_of(one.wording): one.wording for one in source.consents if one.wording}


def opted_out(records: pa.Table) -> dict[str, pa.Array[Any]]:
    """Persons whom signals opt out of sale and sharing, by kind of signal."""
    names = [name for name in records.column_names if name.startswith("opted_out:")]
    return {
        name.removeprefix("opted_out:"): records["person"].filter(records[name]).unique() for name in names
    }


def _as_recorded(records: pa.Table, before: pa.Table, pair: str, digest: str) -> pa.Table:
    """Put back the evidence of answers that were recorded with other words at the same time."""
    if f"wording:{pair}" not in before.column_names:
        return records
    if set(before[f"wording:{pair}"].unique().to_pylist()) <= {digest, None}:
        return records
    new = {"n": records.select(["line", "person", f"consent:{pair}", f"said:{pair}"])}
    new["n"] = new["n"].rename_columns(["line", "person", "given", "said"])
    names = ["person", f"consent:{pair}", f"said:{pair}", *(f"{name}:{pair}" for name in _EVIDENCE)]
    old = before.select(names).rename_columns(["person", "given", "said", *_EVIDENCE])
    kept = query(_REWORDED, {**new, "b": old}, [digest])
    places = pc.index_in(records["line"], kept["line"].combine_chunks())
    for name in _EVIDENCE:
        # Not coalesced: where the old words were asked otherwise, that is what counts.
        taken = kept[name].take(places)
        records = _put(
            records, f"{name}:{pair}", pc.if_else(places.is_valid(), taken, records[f"{name}:{pair}"])
        )
    return records


def _column(records: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """A column, or nulls where it is not there."""
    if name in records.column_names:
        return records[name]
    return pa.chunked_array([pa.nulls(records.num_rows, kind)])


def _put(records: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    if name in records.column_names:
        return records.set_column(records.column_names.index(name), name, column)
    return records.append_column(name, column)
