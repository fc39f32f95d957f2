"""Records that share an identifier are one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from suasion.identity.hashed import STORED, hashed, hashes, links
from suasion.lake import query
from suasion.ledger import tokens

Ids = npt.NDArray[np.int64]
LAST = b"last_person"
SCHEMA = STORED.append(pa.field("under", pa.int64()))
_ONCE = """
    SELECT person, role, kind, any_value(value) AS value, source, hash,
           arg_min(sealed, under) AS sealed, arg_min(usable, under) AS usable, any_value(folded) AS folded,
           min(under) AS under
    FROM i GROUP BY person, role, kind, source, hash, CASE WHEN hash IS NULL THEN value END
    ORDER BY person"""


@dataclass(frozen=True)
class Resolution:
    """Who is who.

    Parameters
    ----------
    persons : dict of str to array of int64
        For each source the person of each record, in the order of its records.
    identities : pyarrow.Table
        Every identifier and contact detail: person, role (``identifier`` or ``contact``), kind, value,
        source; with a key also hash, and of what was known before sealed, usable and under, the person
        under whose number it was sealed. `seal` makes of it the only table that holds them.
    merged : int
        Persons known before who turned out to be another known person.
    """

    persons: dict[str, Ids]
    identities: pa.Table
    merged: int


def resolve(
    sources: Mapping[str, pa.Table], known: pa.Table | None, key: bytes = b"", given_out: int = 0
) -> Resolution:
    """Give every record a person, keeping the ids of persons known before.

    A person is a connected component of records and identifiers. Contact details are stored but do not
    link: two people may share an address. A person's id is a running number that says nothing about them;
    a number that a merge has set free is not given out again. With a key, identifiers that are contact
    details (`SEALED`) link by their keyed hash: whichever way an address is written, it is one.

    Parameters
    ----------
    sources : mapping of str to pyarrow.Table
        Records of each source: columns ``id:KIND`` and ``contact:KIND``, text.
    known : pyarrow.Table, optional
        Identities of the version before.
    key : bytes
        The workspace's.
    given_out : int
        A number up to which all are taken, by whatever else is known of persons.

    Returns
    -------
    Resolution

    Examples
    --------
    >>> import pyarrow as pa
    >>> a = pa.table({"id:voter": ["7", "8"], "id:member": ["m1", None]})
    >>> b = pa.table({"id:member": ["m1", "m2"]})
    >>> {name: ids.tolist() for name, ids in resolve({"a": a, "b": b}, None).persons.items()}
    {'a': [1, 2], 'b': [1, 3]}
    """
    before = STORED.empty_table() if known is None else known
    linking = hashed(before.filter(pc.equal(before["role"], "identifier")), key)
    rows = {name: table.num_rows for name, table in sources.items()}
    starts = dict(zip(rows, np.cumsum([0, *rows.values()]).tolist(), strict=False))
    total = sum(rows.values())
    old, old_index = np.unique(linking["person"].to_numpy(), return_inverse=True)
    nodes, keys = [total + old_index], [_keys(linking["kind"], links(linking["value"], linking["hash"]))]
    for name, table in sources.items():
        for column in _columns(table, "id:"):
            present = np.flatnonzero(table[column].is_valid().to_numpy())
            kind, values = column.removeprefix("id:"), table[column].drop_null()
            nodes.append(starts[name] + present)
            told = links(values, hashes("identifier", kind, values, key))
            keys.append(_keys(pa.array([kind] * len(present), pa.string()), told))
    component = _components(total + len(old), np.concatenate(nodes), pa.chunked_array(keys))
    last = max(_last_number(before), given_out)
    person_of = _numbered(component, total, old, last)
    persons = {name: person_of[starts[name] : starts[name] + n] for name, n in rows.items()}
    renamed = dict(zip(old.tolist(), person_of[total:].tolist(), strict=True))
    identities = _identities(sources, persons, linking, renamed, key)
    identities = identities.replace_schema_metadata({LAST: str(max(last, int(person_of.max(initial=0))))})
    return Resolution(persons, identities, sum(a != b for a, b in renamed.items()))


def _columns(table: pa.Table, prefix: str) -> list[str]:
    return [name for name in table.column_names if name.startswith(prefix)]


def _keys(kind: pa.Array | pa.ChunkedArray, value: pa.Array | pa.ChunkedArray) -> pa.Array:
    joined = pc.binary_join_element_wise(kind.cast(pa.string()), value.cast(pa.string()), "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _components(nodes: int, ends: Ids, keys: pa.ChunkedArray) -> Ids:
    """Connected components of `nodes` records and persons, linked through equal keys."""
    codes = keys.combine_chunks().dictionary_encode().indices.to_numpy()
    size = nodes + (int(codes.max()) + 1 if len(codes) else 0)
    graph = coo_array((np.ones(len(ends), np.int8), (ends, nodes + codes)), shape=(size, size))
    return connected_components(graph, directed=False)[1][:nodes].astype(np.int64)


def _last_number(known: pa.Table) -> int:
    """The largest number ever given out; identities without a note of it are as they were made."""
    noted = int((known.schema.metadata or {}).get(LAST, b"0"))
    return max(noted, int(known["person"].to_numpy().max(initial=0)))


def _numbered(component: Ids, total: int, old: Ids, last: int) -> Ids:
    """Person of each node: the smallest id known in its component, else the next free number."""
    number = np.full(int(component.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(number, component[total:], old)
    fresh, first = np.unique(component[:total], return_index=True)
    fresh = fresh[np.argsort(first)]
    fresh = fresh[number[fresh] == np.iinfo(np.int64).max]
    number[fresh] = last + 1 + np.arange(len(fresh))
    return number[component]


def _identities(
    sources: Mapping[str, pa.Table],
    persons: dict[str, Ids],
    linking: pa.Table,
    renamed: dict[int, int],
    key: bytes,
) -> pa.Table:
    # Identifiers keep a person's number; a contact detail that no source says any more is not theirs now.
    kept = [renamed.get(person, person) for person in linking["person"].to_pylist()]
    under = pc.if_else(linking["sealed"].is_valid(), linking["person"], pa.scalar(None, pa.int64()))
    tables = [linking.append_column("under", under).set_column(0, "person", pa.array(kept, pa.int64()))]
    for name, table in sources.items():
        for role, prefix in (("identifier", "id:"), ("contact", "contact:")):
            for column in _columns(table, prefix):
                person = pa.array(persons[name]).filter(table[column].is_valid().combine_chunks())
                value = table[column].drop_null().combine_chunks().cast(pa.string())
                tables.append(_told(person, role, column.removeprefix(prefix), value, name, key))
    return query(_ONCE, {"i": pa.concat_tables(tables)}).cast(SCHEMA)


def _told(person: pa.Array, role: str, kind: str, value: pa.Array, source: str, key: bytes) -> pa.Table:
    """What a column of a source says of persons."""
    n = len(person)
    fixed = {name: pa.array([text] * n, pa.string()) for name, text in (("role", role), ("kind", kind))}
    said = {"person": person, **fixed, "value": value, "source": pa.array([source] * n, pa.string())}
    said["hash"] = hashes(role, kind, value, key)
    said["folded"] = hashes(role, kind, value, key, tokens.folded)
    return pa.Table.from_arrays(
        [said.get(field.name, pa.nulls(n, field.type)) for field in SCHEMA], schema=SCHEMA
    )
