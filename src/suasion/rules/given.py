"""Facts as they are given: of the declared types, or refused. No fact of another type is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date

import pyarrow as pa

from suasion.errors import RefusedError
from suasion.expressions import Type, Value
from suasion.rules.facts import FACTS

Facts = Mapping[str, Value | None]

_INTEGERS = range(-(2**63), 2**63)
# Exact classes: bool is an int to Python, and a datetime is a date.
_PYTHON: dict[Type, tuple[type, ...]] = {
    Type.BOOLEAN: (bool,),
    Type.INTEGER: (int,),
    Type.NUMBER: (float, int),
    Type.TEXT: (str,),
    Type.DATE: (date,),
}
ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.TEXT: pa.string(),
    Type.DATE: pa.date32(),
}
_CLASSES = {
    subject: {name: (*_PYTHON[kind], type(None)) for name, kind in facts.items()}
    for subject, facts in FACTS.items()
}


def check_facts(subject: str, facts: Facts) -> None:
    """Refuse facts about one subject that are not known, or not of their type; None is unknown.

    Raises
    ------
    RefusedError
    """
    classes = _CLASSES[subject]
    for name, value in facts.items():
        if type(value) not in classes.get(name, ()):
            raise _wrong(subject, name, f"a value of Python's type {type(value).__name__}")
        if type(value) is int and value not in _INTEGERS:
            raise _wrong(subject, name, "a whole number beyond 64 bits")


def columns_of(
    facts: pa.Table, beside: Collection[str], subject: str = "person"
) -> dict[str, pa.ChunkedArray]:
    """The facts of many subjects, each brought to the one type that its kind is judged in.

    Parameters
    ----------
    facts : pyarrow.Table
        Columns named as facts. A column of nulls alone is unknown, whatever its type.
    beside : collection of str
        Columns that are no facts, and may be there.

    Returns
    -------
    dict of str to pyarrow.ChunkedArray
        A fact that has no column is all unknown.

    Raises
    ------
    RefusedError
        A column is no fact, is there twice, or is of another type.
    """
    known = FACTS[subject]
    if twice := [name for name, count in Counter(facts.column_names).items() if count > 1]:
        raise _wrong(subject, twice[0], "two columns")
    found: dict[str, pa.ChunkedArray] = {}
    for name in (name for name in facts.column_names if name not in beside):
        if name not in known:
            raise _wrong(subject, name, "a column")
        found[name] = _cast(subject, name, facts[name])
    none = {name: kind for name, kind in known.items() if name not in found}
    return found | {name: pa.chunked_array([pa.nulls(len(facts), ARROW[k])]) for name, k in none.items()}


def _cast(subject: str, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = FACTS[subject][name]
    if not (pa.types.is_null(column.type) or _fits(column.type, kind)):
        raise _wrong(subject, name, f"a column of Arrow's type {column.type}")
    try:
        return column.cast(ARROW[kind])
    except pa.ArrowInvalid:
        raise _wrong(subject, name, "a whole number beyond 64 bits") from None


def is_text(found: pa.DataType) -> bool:
    """Whether a column of this type holds texts."""
    plain = found.value_type if pa.types.is_dictionary(found) else found
    return pa.types.is_string(plain) or pa.types.is_large_string(plain)


def _fits(found: pa.DataType, kind: Type) -> bool:
    match kind:
        case Type.BOOLEAN:
            return pa.types.is_boolean(found)
        case Type.INTEGER:
            return pa.types.is_integer(found)
        case Type.NUMBER:
            return pa.types.is_integer(found) or pa.types.is_floating(found)
        case Type.TEXT:
            return is_text(found)
        case Type.DATE:
            return pa.types.is_date32(found)


def _wrong(subject: str, name: str, found: str) -> RefusedError:
    kind = FACTS[subject].get(name)
    if kind is None:
        todo = "Leave it out: facts that rules cannot ask about are not judged."
        return RefusedError(f"the facts of a {subject}", f"{found} named '{name}'", todo)
    todo = "Bring it to that type: no fact of another type is judged."
    return RefusedError(f"fact '{name}' of a {subject}", f"{found}, where the catalogue says {kind}", todo)
