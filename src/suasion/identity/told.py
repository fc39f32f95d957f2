"""What streams tell of identities, written into the table that holds all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suasion.identity.hashed import STORED, hashed, hashes, is_sealed, links
from suasion.identity.resolve import LAST, SCHEMA
from suasion.identity.seal import Sealing, seal
from suasion.identity.stitch import Key
from suasion.ledger import tokens

_LINKING = ("kind", "link", "person")


def linked(kind: str, values: Collection[str], key: bytes) -> dict[str, str]:
    """By which text each value of a kind of identifier links, however it is spelled.

    Parameters
    ----------
    kind : str
    values : collection of str
    key : bytes
        The workspace's.

    Examples
    --------
    >>> linked("member", [" R1 "], b"")
    {' R1 ': 'R1'}
    """
    if not values:
        return {}
    spelled = pa.array([tokens.spelled(kind, value) for value in values], pa.string())
    made = links(spelled, hashes("identifier", kind, spelled, key))
    return dict(zip(values, made.to_pylist(), strict=True))


def links_of(identities: pa.Table, key: bytes) -> pa.Table:
    """By which texts persons are known, and nothing else that identities hold.

    Parameters
    ----------
    identities : pyarrow.Table
        As they are stored.
    key : bytes
        The workspace's.

    Returns
    -------
    pyarrow.Table
        Columns ``kind``, ``link`` and ``person``.
    """
    mine = hashed(identities.filter(pc.equal(identities["role"], "identifier")), key)
    said = links(pc.utf8_trim_whitespace(mine["value"]), mine["hash"])
    return pa.table({"kind": mine["kind"], "link": said, "person": mine["person"]})


def persons_of(linking: pa.Table, wanted: Iterable[Key]) -> dict[Key, int]:
    """The persons who have some identifiers, by these; who is not known is left out.

    Parameters
    ----------
    linking : pyarrow.Table
        Of `links_of`.
    wanted : iterable of (str, str)
    """
    keys, found = set(wanted), dict[Key, int]()
    texts = pa.array(sorted({link for _, link in keys}), pa.string())
    mine = linking.filter(pc.is_in(linking["link"], value_set=texts))
    for kind, link, person in zip(*(mine[name].to_pylist() for name in _LINKING), strict=True):
        if (kind, link) in keys:
            found[kind, link] = min(person, found.get((kind, link), person))
    return found


def last_number(identities: pa.Table) -> int:
    """The largest number of a person that was ever given out, as the identities say."""
    noted = int((identities.schema.metadata or {}).get(LAST, b"0"))
    return max(noted, int(np.max(identities["person"].to_numpy(), initial=0)))


def noting(table: pa.Table, last: int) -> pa.Table:
    """Identities with a note of the largest number of a person that was ever given out."""
    notes = {**(table.schema.metadata or {}), LAST: str(last).encode()}
    return table.replace_schema_metadata(notes)


def added(new: Mapping[Key, tuple[int, str, str]], sealing: Sealing) -> pa.Table:
    """What streams told, as rows to be added to the identities.

    Parameters
    ----------
    new : mapping of (str, str) to (int, str, str)
        Of identifiers that are not in them the person, the value, and the stream that told it.
    sealing : Sealing

    Returns
    -------
    pyarrow.Table
        Of the schema `STORED`, sorted by person.
    """
    rows: list[dict[str, Any]] = [
        {"person": person, "role": "identifier", "kind": kind, "value": value, "source": source}
        for (kind, _), (person, value, source) in new.items()
    ]
    plain = [row for row in rows if not is_sealed("identifier", row["kind"])]
    tables = [pa.Table.from_pylist(plain, STORED)]
    if secret := [row for row in rows if is_sealed("identifier", row["kind"])]:
        tables.append(seal(_hashed(secret, sealing.key), None, sealing).replace_schema_metadata(None))
    return pa.concat_tables(tables).sort_by("person")


def moved_persons(table: pa.Table, moved: Mapping[int, int]) -> pa.Table:
    """A table with other numbers of persons, in its order.

    Parameters
    ----------
    table : pyarrow.Table
        With a column ``person``.
    moved : mapping of int to int

    Examples
    --------
    >>> moved_persons(pa.table({"person": [1, 2]}), {2: 7})["person"].to_pylist()
    [1, 7]
    """
    if not moved:
        return table
    places = pc.index_in(table["person"], value_set=pa.array(list(moved), pa.int64()))
    numbers = pc.coalesce(
        pa.array(list(moved.values()), pa.int64()).take(places.combine_chunks()),
        table["person"].combine_chunks(),
    )
    return table.set_column(table.column_names.index("person"), table.schema.field("person"), numbers)


def _hashed(rows: list[dict[str, Any]], key: bytes) -> pa.Table:
    """Rows of sealed kinds with the hashes by which they are known."""
    table = pa.Table.from_pylist(rows, SCHEMA)
    parts = [table.slice(0, 0)]
    for kind in table["kind"].unique().to_pylist():
        mine = table.filter(pc.equal(table["kind"], kind))
        for name, how in (("hash", tokens.spelled), ("folded", tokens.folded)):
            made = hashes("identifier", kind, mine["value"], key, how)
            mine = mine.set_column(mine.column_names.index(name), SCHEMA.field(name), made)
        parts.append(mine)
    return pa.concat_tables(parts)
