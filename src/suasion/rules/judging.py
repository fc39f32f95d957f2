"""Judge many persons at once: rules as SQL over columns of facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.errors import RefusedError
from suasion.expressions import Expression, Sql, Value, connected, quote, to_sql
from suasion.rules.clearance import Clearance, PersonIds
from suasion.rules.given import columns_of, is_text
from suasion.rules.pack import Rule
from suasion.rules.verdict import Reason

NO_RULE = Reason("house.default", "No rule in scope permits this.", "suasion: default deny", unknown=False)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judgement:
    """The verdicts on a set of persons.

    Parameters
    ----------
    clearance : Clearance
        For those with a positive verdict.
    persons : array of int64, shape (n,)
        Everybody who was judged, sorted.
    drops : dict of Reason to int
        How many were refused, by the first rule that refused them.
    """

    clearance: Clearance
    persons: PersonIds
    drops: dict[Reason, int]


@dataclass(frozen=True)
class Verdicts:
    """Permitted or not, by person, and how many were refused by what.

    Parameters
    ----------
    persons : array of int64, shape (n,)
        Sorted.
    allowed : array of bool, shape (n,)
    drops : dict of Reason to int
        By the first rule that refuses them, in the order of the rules.
    """

    persons: PersonIds
    allowed: Flags
    drops: dict[Reason, int]


def judge_all(facts: pa.Table, rules: Sequence[Rule], at: Callable[[str | None], Sequence[Rule]]) -> Verdicts:
    """Judge every person by the rules of their place.

    Parameters
    ----------
    facts : pyarrow.Table
        Column ``person``, columns of facts about persons, and perhaps ``place``.
    rules : sequence of Rule
        Those of all places, in the order in which they refuse.
    at : callable
        Those of one place; None is a place that nothing says.

    Raises
    ------
    RefusedError
        A column is no fact, or of another type.
    """
    columns = columns_of(facts, beside=("person", "place"))
    scopes = _scopes(facts, rules, at)
    table = pa.table({"person": facts["person"], **columns, **scopes.columns})
    found = _query(table, [(rule, name) for rule, name in zip(rules, scopes.of, strict=True)])
    allowed = found["ruled"].to_numpy()
    drops = {NO_RULE: int(np.sum(~allowed))}
    for rule, column in zip(rules, found.columns[2:], strict=True):
        met = column.fill_null(False).to_numpy()
        refused = allowed & ~met
        unknown = int(np.sum(refused & column.is_null().to_numpy())) if column.null_count else 0
        drops[rule.because(unknown=False)] = int(np.sum(refused)) - unknown
        drops[rule.because(unknown=True)] = unknown
        allowed &= met
    persons = found["person"].to_numpy()
    order = np.argsort(persons, kind="stable")
    return Verdicts(persons[order], allowed[order], {reason: n for reason, n in drops.items() if n})


def by_place(facts: pa.Table) -> tuple[npt.NDArray[np.int64], list[str | None]]:
    """The number of each row's place, and the places; where facts have none, it is None for all.

    Raises
    ------
    RefusedError
        The places are no texts.
    """
    if "place" not in facts.column_names:
        return np.zeros(facts.num_rows, np.int64), [None]
    places = facts["place"]
    if not (is_text(places.type) or pa.types.is_null(places.type)):
        found = f"a column of Arrow's type {places.type}"
        raise RefusedError("the place of persons", found, "Give codes as text, 'DE' say.")
    coded = places.cast(pa.string()).combine_chunks().dictionary_encode(null_encoding="encode")
    return coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()


@dataclass(frozen=True)
class _Scopes:
    """Who is under which rule: columns of flags, and for each rule the name of its column; None is all."""

    columns: dict[str, pa.Array[Any]]
    of: list[str | None]


def _scopes(facts: pa.Table, rules: Sequence[Rule], at: Callable[[str | None], Sequence[Rule]]) -> _Scopes:
    """Rules that hold at the same places share a column; ``ruled`` says who is under any."""
    rows, places = by_place(facts)
    theirs = [{rule.id for rule in at(place)} for place in places]
    holds = np.array([[rule.id in ids for rule in rules] for ids in theirs], np.bool_)
    holds = holds.reshape(len(places), len(rules))
    ruled: Flags = np.any(holds, axis=1)
    columns = {"ruled": pa.array(ruled[rows])}
    names: dict[bytes, str | None] = {np.ones(len(places), np.bool_).tobytes(): None}
    of = list[str | None]()
    for where in holds.T:
        key = where.tobytes()
        if key not in names:
            # A name that no fact has.
            names[key] = f"scope:{len(columns)}"
            columns[f"scope:{len(columns)}"] = pa.array(where[rows])
        of.append(names[key])
    return _Scopes(columns, of)


def _query(table: pa.Table, rules: Sequence[tuple[Rule, str | None]]) -> pa.Table:
    """Person, whether any rule is theirs, and for each rule whether it is met; null is unknown."""
    columns, parameters = ["person", "ruled"], list[Value]()
    for rule, scope in rules:
        condition = _condition(rule.condition(rule.applies), rule.condition(rule.require))
        theirs = "" if scope is None else f"WHEN NOT {quote(scope)} THEN true "
        columns.append(f"CASE {theirs}{condition.text} END")
        parameters += condition.parameters
    with connected() as connection:
        connection.register("facts", table)
        return connection.sql(f"SELECT {', '.join(columns)} FROM facts", params=parameters).to_arrow_table()


@lru_cache(maxsize=4096)
def _condition(applies: Expression, require: Expression) -> Sql:
    """A rule as the end of a CASE: true where it does not apply, else true, false or unknown as it is met."""
    about, met = to_sql(applies), to_sql(require)
    text = f"WHEN ({about.text}) IS FALSE THEN true ELSE ({met.text})"
    return Sql(text, (*about.parameters, *met.parameters))
