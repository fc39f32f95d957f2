"""Identifiers and contact details as they are stored, and the keyed hashes by which the sealed are known."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from suasion.ledger import tokens

STORED = pa.schema(
    [
        ("person", pa.int64()),
        ("role", pa.string()),
        ("kind", pa.string()),
        ("value", pa.string()),
        ("source", pa.string()),
        ("hash", pa.binary()),
        ("sealed", pa.binary()),
        ("usable", pa.bool_()),
        ("folded", pa.binary()),
    ]
)
"""The table ``identities``. An identifier is readable, as it links sources; a contact detail is not: it has a
keyed hash, what `seal` made of it, whether messages can go there, and the keyed hash of its `tokens.folded`
spelling, by which suppressions know it."""
SEALED = ("email", "phone")
"""Kinds of identifiers that are contact details, too: they are sealed, and link by their hash."""


def is_sealed(role: str, kind: str) -> bool:
    """Whether what is known in this role is kept sealed only."""
    return role == "contact" or kind in SEALED


def hashes(
    role: str,
    kind: str,
    values: pa.Array | pa.ChunkedArray,
    key: bytes,
    spelling: Callable[[str, str], str] = tokens.spelled,
) -> pa.Array:
    """Keyed hash of each value; nulls without a key, and of what is not sealed."""
    if not key or not is_sealed(role, kind):
        return pa.nulls(len(values), pa.binary())
    return pa.array(tokens.hashes_of(key, kind, values.to_pylist(), spelling), pa.binary())


def links(
    values: pa.Array | pa.ChunkedArray, hashed: pa.Array | pa.ChunkedArray
) -> pa.Array | pa.ChunkedArray:
    """By which text each identifier links records: its hash where it has one, else itself."""
    if hashed.null_count == len(hashed):
        return values.cast(pa.string())
    spelled = pa.array([None if one is None else one.hex() for one in hashed.to_pylist()], pa.string())
    return pc.coalesce(spelled, values.cast(pa.string()))


def stored(table: pa.Table) -> pa.Table:
    """Identities as they are stored now, from a table of any version; an older one has no hashes."""
    columns = [
        table[field.name] if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in STORED
    ]
    return pa.Table.from_arrays(columns, schema=STORED).replace_schema_metadata(table.schema.metadata)


def hashed(table: pa.Table, key: bytes) -> pa.Table:
    """Identities with hashes, where they are of an older suasion, which kept none."""
    is_new, table = "hash" in table.column_names, stored(table)
    if is_new:
        return table  # nothing is sealed without its hash
    for name, spelling in (("hash", tokens.spelled), ("folded", tokens.folded)):
        found = _filled(table, table[name].combine_chunks(), key, spelling)
        table = table.set_column(table.column_names.index(name), STORED.field(name), found)
    return table


def _filled(table: pa.Table, found: pa.Array, key: bytes, spelling: Callable[[str, str], str]) -> pa.Array:
    """Hashes of a table, made where they are missing and a value is known."""
    bare = pc.and_(found.is_null(), table["value"].is_valid().combine_chunks())
    for role in ("identifier", "contact"):
        for kind in table.filter(pc.and_(bare, pc.equal(table["role"], role)))["kind"].unique().to_pylist():
            these = pc.and_(
                pc.and_(bare, pc.equal(table["role"], role)), pc.equal(table["kind"], kind)
            ).combine_chunks()
            made = hashes(role, kind, table["value"].filter(these), key, spelling)
            found = pc.replace_with_mask(found, these, made)
    return found


def known_by(identities: pa.Table, kind: str, value: str, key: bytes) -> pa.ChunkedArray:
    """Which rows say this identifier or contact detail, however it is spelled.

    Parameters
    ----------
    identities : pyarrow.Table
    kind, value : str
    key : bytes
        Without it, what is sealed is not found.

    Returns
    -------
    pyarrow.ChunkedArray
        Booleans, one a row.

    Examples
    --------
    >>> row = {"person": 1, "role": "identifier", "kind": "member", "value": "R12", "source": "a"}
    >>> table = stored(pa.Table.from_pylist([row], pa.schema(list(STORED)[:5])))
    >>> known_by(table, "member", " R12 ", b"").to_pylist()
    [True]
    """
    trimmed = pc.utf8_trim_whitespace(identities["value"])
    same = pc.fill_null(pc.equal(trimmed, tokens.spelled(kind, value)), False)
    if key:
        made = pa.scalar(tokens.hash_of(key, kind, value), pa.binary())
        same = pc.or_(same, pc.fill_null(pc.equal(identities["hash"], made), False))
    return pc.and_(pc.equal(identities["kind"], kind), same)
