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

Ids = npt.NDArray[np.int64]
LAST = b"last_person"
SCHEMA = pa.schema(
    [
        ("person", pa.int64()),
        ("role", pa.string()),
        ("kind", pa.string()),
        ("value", pa.string()),
        ("source", pa.string()),
    ]
)


@dataclass(frozen=True)
class Resolution:
    """Who is who.

    Parameters
    ----------
    persons : dict of str to array of int64
        For each source the person of each record, in the order of its records.
    identities : pyarrow.Table
        Every identifier and contact detail: person, role (``identifier`` or ``contact``), kind, value,
        source. The only table that holds them.
    merged : int
        Persons known before who turned out to be another known person.
    """

    persons: dict[str, Ids]
    identities: pa.Table
    merged: int


def resolve(sources: Mapping[str, pa.Table], known: pa.Table | None) -> Resolution:
    """Give every record a person, keeping the ids of persons known before.

    A person is a connected component of records and identifiers. Contact details are stored but do not
    link: two people may share an address. A person's id is a running number that says nothing about them;
    a number that a merge has set free is not given out again.

    Parameters
    ----------
    sources : mapping of str to pyarrow.Table
        Records of each source: columns ``id:KIND`` and ``contact:KIND``, text.
    known : pyarrow.Table, optional
        Identities of the version before.

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
    before = SCHEMA.empty_table() if known is None else known
    linking = before.filter(pc.equal(before["role"], "identifier"))
    rows = {name: table.num_rows for name, table in sources.items()}
    starts = dict(zip(rows, np.cumsum([0, *rows.values()]).tolist(), strict=False))
    total = sum(rows.values())
    old, old_index = np.unique(linking["person"].to_numpy(), return_inverse=True)
    nodes, keys = [total + old_index], [_keys(linking["kind"], linking["value"])]
    for name, table in sources.items():
        for column in _columns(table, "id:"):
            present = np.flatnonzero(table[column].is_valid().to_numpy())
            kind = pa.array([column.removeprefix("id:")] * len(present))
            nodes.append(starts[name] + present)
            keys.append(_keys(kind, table[column].drop_null()))
    component = _components(total + len(old), np.concatenate(nodes), pa.chunked_array(keys))
    last = _last_number(before)
    person_of = _numbered(component, total, old, last)
    persons = {name: person_of[starts[name] : starts[name] + n] for name, n in rows.items()}
    renamed = dict(zip(old.tolist(), person_of[total:].tolist(), strict=True))
    identities = _identities(sources, persons, before, renamed)
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
    sources: Mapping[str, pa.Table], persons: dict[str, Ids], known: pa.Table, renamed: dict[int, int]
) -> pa.Table:
    # Identifiers keep a person's number; a contact detail that no source says any more is not theirs now.
    linking = known.filter(pc.equal(known["role"], "identifier"))
    kept = [renamed.get(person, person) for person in linking["person"].to_pylist()]
    tables = [linking.set_column(0, "person", pa.array(kept, pa.int64()))]
    for name, table in sources.items():
        for role, prefix in (("identifier", "id:"), ("contact", "contact:")):
            for column in _columns(table, prefix):
                present = table[column].is_valid()
                n = int(pc.sum(present).as_py() or 0)
                kind = column.removeprefix(prefix)
                fixed = [pa.array([text] * n, pa.string()) for text in (role, kind, name)]
                person = pa.array(persons[name]).filter(present.combine_chunks())
                value = table[column].drop_null().combine_chunks().cast(pa.string())
                tables.append(
                    pa.Table.from_arrays([person, fixed[0], fixed[1], value, fixed[2]], schema=SCHEMA)
                )
    whole = pa.concat_tables(tables)
    return whole.group_by(SCHEMA.names).aggregate([]).select(SCHEMA.names).sort_by("person")
