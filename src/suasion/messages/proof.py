"""Find what would go wrong in sending before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suasion.declarations import closest
from suasion.errors import CampaignError, InputError
from suasion.expressions import Type, Value
from suasion.messages.language import Kind, mismatches, names
from suasion.messages.message import Message, Variant, fields
from suasion.messages.writer import BREAKS, Rendered, Writer, template_faults

MOST_PEOPLE = 20_000
"""Up to here everybody is written to; above, so many, evenly spaced, and those with extreme values."""

_KINDS: dict[Type, Kind] = {
    Type.BOOLEAN: "boolean",
    Type.INTEGER: "number",
    Type.NUMBER: "number",
    Type.TEXT: "text",
    Type.DATE: "text",
}
_KIND_OF: dict[type, Kind] = {bool: "boolean", int: "number", float: "number", str: "text", date: "text"}


@dataclass(frozen=True)
class Proof:
    """What was found in writing a variant for the persons it is meant for, before any of it is sent.

    Parameters
    ----------
    problems : tuple of str
        Each says where; with counts and names of traits, without values. Empty if it may be sent.
    people : int
        To how many it was written; 0 if its templates have problems.
    longest : int
        Characters of the longest part written.
    unwritable : tuple of str
        What is wrong with the data of single people, who alone get nothing; told like the problems.
    """

    problems: tuple[str, ...]
    people: int
    longest: int
    unwritable: tuple[str, ...] = ()


def proof(
    message: Message,
    variant: str | None,
    types: Mapping[str, Type],
    traits: pa.Table,
    called: Collection[str] = (),
) -> Proof:
    """Write a variant for the persons it is meant for, and throw away what was written.

    Parameters
    ----------
    message : Message
    variant : str or None
        None where there is only one.
    types : mapping of str to Type
        Of every trait of the workspace.
    traits : pyarrow.Table
        One row for each person to be written to, one column for each trait that is used; a trait without
        a column is known of nobody.
    called : collection of str
        The traits that hold what people are called.

    Returns
    -------
    Proof
        The same for the same input.

    Raises
    ------
    CampaignError
        No such variant.

    Examples
    --------
    >>> note = Message(name="note", variants={"a": {"text": "Dear {{ first_name }}"}})
    >>> proof(note, None, {"first_name": Type.TEXT}, pa.table({"first_name": ["Åsa", None]})).problems
    ('first_name: not known of 1 of 2 people, and [fallbacks] does not give it',)
    """
    chosen = message.variant(variant)
    if static := [*_in_templates(chosen, types), *_in_fallbacks(message, types)]:
        return Proof(tuple(static), 0, 0)
    used = _used(fields(chosen), traits)
    needed = [name for name in used.column_names if name not in message.fallbacks]
    people = _sample(_known(used, needed)).to_pylist()
    writer = Writer(message, variant, called)
    problems, unwritable, longest = _written(writer, people, message.fallbacks)
    return Proof((*_missing(used, needed), *problems), len(people), longest, unwritable)


def _in_templates(variant: Variant, types: Mapping[str, Type]) -> Iterator[str]:
    kinds: dict[str, Kind] = {name: _KINDS[kind] for name, kind in types.items()}
    for part, source in variant.parts.items():
        yield from template_faults(part, source)
        for name in sorted(names(source) - types.keys()):
            yield f"{part}: unknown trait '{name}'. {closest(name, types)}"
        yield from (f"{part}, {fault}" for fault in mismatches(source, kinds))


def _in_fallbacks(message: Message, types: Mapping[str, Type]) -> Iterator[str]:
    for name, value in message.fallbacks.items():
        kind = _KIND_OF[type(value)]
        if name not in types:
            yield f"[fallbacks]: unknown trait '{name}'. {closest(name, types)}"
        elif kind != _KINDS[types[name]]:
            yield f"[fallbacks]: {name} is {types[name]}, and its fallback a {kind}"


def _used(wanted: frozenset[str], traits: pa.Table) -> pa.Table:
    """The columns of the traits that are used, of nulls where there is none."""
    for name in wanted - set(traits.column_names):
        traits = traits.append_column(name, pa.nulls(traits.num_rows))
    return traits.select(sorted(wanted))


def _known(used: pa.Table, needed: list[str]) -> pa.Table:
    for name in needed:
        used = used.filter(pc.is_valid(used[name]))
    return used


def _missing(used: pa.Table, needed: list[str]) -> Iterator[str]:
    for name in needed:
        if count := used[name].null_count:
            yield f"{name}: not known of {count} of {used.num_rows} people, and [fallbacks] does not give it"


def _sample(used: pa.Table) -> pa.Table:
    if used.num_rows <= MOST_PEOPLE:
        return used
    even = np.linspace(0, used.num_rows - 1, MOST_PEOPLE).astype(np.int64)
    telling = [row for column in used.columns for row in _telling(column) if row >= 0]
    return used.take(pa.array(np.union1d(even, np.array(telling, np.int64))))


def _telling(column: pa.ChunkedArray) -> Iterator[int]:
    """Rows of an unknown, the smallest and the largest value, and of texts the shortest, the longest and one
    with a break; -1 for what there is none of.
    """
    yield pc.index(pc.is_null(column), True).as_py()
    if column.null_count == len(column):
        return
    for end in pc.min_max(column).values():
        yield pc.index(column, end).as_py()
    if column.type in (pa.string(), pa.large_string()):
        lengths = pc.utf8_length(column)
        for end in pc.min_max(lengths).values():
            yield pc.index(lengths, end).as_py()
        yield pc.index(pc.match_substring_regex(column, BREAKS), True).as_py()


def _written(
    writer: Writer, people: list[dict[str, Any]], fallbacks: Mapping[str, Value]
) -> tuple[list[str], tuple[str, ...], int]:
    """What is wrong with the message, and with the data, each with how often; and the longest part.

    What fails where every fallback stands in is wrong with the message, and so is what nobody can be written.
    """
    found: Counter[str] = Counter()
    data: Counter[str] = Counter()
    longest, sound = 0, None
    for person in people:
        try:
            longest, sound = max(longest, _length(writer.render(person))), person
        except CampaignError as error:
            found[error.found] += 1
        except InputError as error:
            data[error.found] += 1
    if data.total() == len(people):
        found, data = data, Counter()
    problems = [f"{what}, for {count} of {len(people)} people" for what, count in found.items()]
    if fallbacks and sound is not None:
        try:
            writer.render(sound | dict.fromkeys(fallbacks))
        except InputError as error:
            problems.append(f"{error.found}, where fallbacks stand in")
    unwritable = tuple(f"{what}, for {count} of {len(people)} people" for what, count in data.items())
    return problems, unwritable, longest


def _length(written: Rendered) -> int:
    return max(len(part) for part in (written.subject, written.text, written.html) if part is not None)
