"""What persons say is true of them: kept sealed, stronger than any source, and put into the traits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, delete, insert, select

from suasion.declarations import closest
from suasion.errors import InputError
from suasion.expressions import Type, Value
from suasion.ledger import Ledger, Run, schema
from suasion.profiles import Trait
from suasion.rights.seals import Seals

TABLE = "corrections"
"""What corrected values are sealed for."""
TRAITS = "traits"
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_NOT_STATED = {
    "inferred": "Correct what it was inferred from, and infer again; or object to it.",
    "computed": "It follows from events: have the site or app send those that are missing; or object to it.",
}
"""By how a trait is known that nobody says, what can be done instead."""
_corrections = schema.corrections


@dataclass(frozen=True)
class Correction:
    """What one person says of one trait.

    Parameters
    ----------
    person : int
    trait : str
    text : str
        The value as text; empty where it is to be unknown.
    at : datetime
        UTC.
    """

    person: int
    trait: str
    text: str = field(repr=False)
    at: datetime


def value_of(name: str, trait: Trait, text: str) -> Value | None:
    """A corrected value in the trait's type; None of an empty text.

    Raises
    ------
    InputError
        It is none of that type; the message does not repeat it.

    Examples
    --------
    >>> from suasion.rules import Category
    >>> value_of("age", Trait(type=Type.INTEGER, category=Category.AGE, label="Age"), " 52 ")
    52
    """
    said = text.strip()
    if not said:
        return None
    try:
        return _READ[trait.type](said)
    except ValueError:
        todo = "Give a whole number, a number, a date like 1971-03-31, yes or no, or a text."
        raise InputError(f"a correction of '{name}'", f"no {trait.type}", todo) from None


def correct(run: Run, correction: Correction, catalogue: Mapping[str, Trait], seals: Seals) -> None:
    """Correct a trait of a person: now in the table ``traits``, and for good in the ledger.

    Both are published together when the run ends well. What was received stays as it was received.

    Parameters
    ----------
    run : Run
    correction : Correction
    catalogue : mapping of str to Trait
    seals : Seals

    Raises
    ------
    InputError
        There is no such trait, it is inferred or computed, or the value is none of its type.
    """
    asked, known = f"a correction of '{correction.trait}'", catalogue.get(correction.trait)
    if known is None:
        raise InputError(asked, "there is no such trait", closest(correction.trait, catalogue))
    if known.provenance in _NOT_STATED:
        todo = _NOT_STATED[known.provenance]
        raise InputError(asked, f"it is {known.provenance}, not stated", todo)
    value_of(correction.trait, known, correction.text)
    sealed = seals.seal(correction.person, TABLE, correction.text)
    _publish(run, [correction], catalogue)
    run.writes.append(_written(correction, sealed))


def reapply(run: Run, ledger: Ledger, catalogue: Mapping[str, Trait], seals: Seals) -> int:
    """Put all corrections into the traits that a run has read anew from sources.

    Parameters
    ----------
    run : Run
        After `store_profiles`.
    ledger : Ledger
    catalogue : mapping of str to Trait
    seals : Seals

    Returns
    -------
    int
        How many there are of traits that the catalogue still has, and that sources tell.
    """
    stated = {name for name, trait in catalogue.items() if trait.provenance not in _NOT_STATED}
    found = [one for one in corrections(ledger, seals) if one.trait in stated]
    if found:
        _publish(run, found, catalogue)
    return len(found)


def corrections(ledger: Ledger, seals: Seals, person: int | None = None) -> tuple[Correction, ...]:
    """What is corrected, of everybody or of one person; what nobody can unseal any more is left out."""
    chosen = select(_corrections).order_by(_corrections.c.person, _corrections.c.trait)
    if person is not None:
        chosen = chosen.where(_corrections.c.person == person)
    with ledger.engine.connect() as connection:
        rows = connection.execute(chosen).all()
    texts = [seals.unseal(row.person, TABLE, row.value) for row in rows]
    return tuple(
        Correction(row.person, row.trait, text, row.at)
        for row, text in zip(rows, texts, strict=True)
        if text is not None
    )


def corrected(traits: pa.Table, said: Iterable[Correction], catalogue: Mapping[str, Trait]) -> pa.Table:
    """A table of traits with what persons say of them instead.

    Parameters
    ----------
    traits : pyarrow.Table
        One row a person: column ``person`` and one for each trait; sorted by person.
    said : iterable of Correction
        Of persons that the table has; others change nothing.
    catalogue : mapping of str to Trait

    Returns
    -------
    pyarrow.Table
    """
    persons = traits["person"].to_numpy()
    by_trait: dict[str, dict[int, Value | None]] = {}
    for one in said:
        place = int(np.searchsorted(persons, one.person))
        if one.trait in traits.column_names and place < len(persons) and persons[place] == one.person:
            value = value_of(one.trait, catalogue[one.trait], one.text)
            by_trait.setdefault(one.trait, {})[place] = value
    for trait, values in by_trait.items():
        column = traits.column_names.index(trait)
        traits = traits.set_column(column, traits.schema.field(column), _with(traits[trait], values))
    return traits


def _with(column: pa.ChunkedArray, values: Mapping[int, Value | None]) -> pa.ChunkedArray:
    """A column with other values at some places, made of slices: it may be long."""
    chunks: list[pa.ChunkedArray | pa.Array] = []
    start = 0
    for place in sorted(values):
        chunks += [column.slice(start, place - start), pa.array([values[place]], column.type)]
        start = place + 1
    chunks.append(column.slice(start))
    parts = [part for one in chunks for part in (one.chunks if isinstance(one, pa.ChunkedArray) else [one])]
    return pa.chunked_array([pa.chunked_array(parts, column.type).combine_chunks()], column.type)


def _publish(run: Run, said: Iterable[Correction], catalogue: Mapping[str, Trait]) -> None:
    table = run.read(TRAITS, "ingest")
    run.write(TRAITS, corrected(table, said, catalogue), run.versions[TRAITS].inputs)


def _written(correction: Correction, sealed: bytes) -> Callable[[Connection, int], None]:
    """The row of the ledger, for `Run.writes`; the last word counts."""

    def write(connection: Connection, _run: int) -> None:
        this = (_corrections.c.person == correction.person) & (_corrections.c.trait == correction.trait)
        connection.execute(delete(_corrections).where(this))
        row = {"person": correction.person, "trait": correction.trait, "value": sealed}
        connection.execute(insert(_corrections).values(**row, at=correction.at.astimezone(UTC)))

    return write


def _boolean(text: str) -> bool:
    if text.lower() not in (*_YES, *_NO):
        raise ValueError
    return text.lower() in _YES


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _integer(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError
    return value


_READ: dict[Type, Callable[[str], Value]] = {
    Type.BOOLEAN: _boolean,
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.TEXT: str,
    Type.DATE: date.fromisoformat,
}
