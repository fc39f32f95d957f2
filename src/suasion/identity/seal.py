"""Contact details leave memory sealed, each with the key of its person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import WorkspaceError
from suasion.identity.hashed import STORED, is_sealed
from suasion.lake import query
from suasion.ledger import Ledger, tokens

TABLE = "identities"
UNSEALED = b"unsealed"
"""Notes in the table how many contact details were not stored, for want of a key."""
_AS_BEFORE = """
    SELECT t.* EXCLUDE (sealed, usable),
           CASE WHEN t.under = t.person THEN t.sealed ELSE k.sealed END AS sealed,
           CASE WHEN t.under = t.person THEN t.usable ELSE k.usable END AS usable, t.sealed AS other
    FROM t LEFT JOIN (SELECT person, kind, hash, any_value(sealed) AS sealed, any_value(usable) AS usable
                      FROM k WHERE sealed IS NOT NULL GROUP BY person, kind, hash) AS k
    USING (person, kind, hash) ORDER BY t.person"""


@dataclass(frozen=True)
class Sealing:
    """What sealing takes.

    Parameters
    ----------
    ledger : Ledger
        Where persons' keys are.
    key : bytes
        The workspace's; empty where there is none.
    usable : callable
        Whether messages can go to a contact detail, by kind and value: asked once, when the detail is sealed,
        so that nobody need open it to count who can be reached.
    """

    ledger: Ledger
    key: bytes = field(repr=False)
    usable: Callable[[str, str], bool]


def seal(told: pa.Table, known: pa.Table | None, sealing: Sealing | None) -> pa.Table:
    """Make of resolved identities what is stored: no contact detail can be read from it without a key.

    What was known of the person before stays as it was sealed then. Without the workspace's key contact
    details are not stored at all.

    Parameters
    ----------
    told : pyarrow.Table
        ``Resolution.identities``.
    known : pyarrow.Table or None
        Identities of the version before.
    sealing : Sealing or None

    Returns
    -------
    pyarrow.Table
        Of the schema `STORED`, sorted by person, with the notes of `told`; see `unsealed`.

    Raises
    ------
    WorkspaceError
        There is no key, and persons are told apart by a contact detail, or contact details were sealed
        before: they would be lost.
    """
    notes = dict(told.schema.metadata or {})
    hidden = pc.is_in(told["role"], value_set=pa.array(["contact"]))
    for kind in told["kind"].unique().to_pylist():
        if is_sealed("identifier", kind):
            hidden = pc.or_(hidden, pc.equal(told["kind"], kind))
    plain, secret = told.filter(pc.invert(hidden)), told.filter(hidden)
    if sealing is None or not sealing.key:
        _refuse(secret, known)
        if secret.num_rows:
            notes[UNSEALED] = str(secret.num_rows).encode()
        return plain.select(STORED.names).replace_schema_metadata(notes)
    whole = [plain.select(STORED.names), _sealed(secret, known, sealing)]
    return pa.concat_tables(whole).sort_by("person").replace_schema_metadata(notes)


def unsealed(identities: pa.Table) -> int:
    """How many contact details were not stored, for want of a key."""
    return int((identities.schema.metadata or {}).get(UNSEALED, b"0"))


def opened(identities: pa.Table, ledger: Ledger, key: bytes) -> list[str | None]:
    """The contact details of rows; None where nothing is sealed, or the person's key is gone.

    Parameters
    ----------
    identities : pyarrow.Table
        Columns person, kind and sealed.
    ledger : Ledger
    key : bytes
        The workspace's.

    Returns
    -------
    list of str or None

    Raises
    ------
    WorkspaceError
        The key is absent or another one.
    DamageError
        A cell is not what was sealed for its person.
    """
    whose = identities.filter(identities["sealed"].is_valid())["person"].unique().to_pylist()
    held = tokens.keys.keys_of(ledger, key, whose)
    columns = (identities[name].to_pylist() for name in ("person", "kind", "sealed"))
    return [
        None
        if cell is None or person not in held
        else tokens.keys.unseal(held[person], TABLE, person, kind, cell)
        for person, kind, cell in zip(*columns, strict=True)
    ]


def _refuse(secret: pa.Table, known: pa.Table | None) -> None:
    """Say what cannot be done without a key."""
    if pc.any(pc.equal(secret["role"], "identifier")).as_py():
        found = "a source tells people apart by e-mail address or phone number, and SUASION_KEY is not set"
    elif known is not None and "sealed" in known.column_names and known["sealed"].null_count < known.num_rows:
        found = "contact details are sealed under SUASION_KEY, and it is not set: they would be lost"
    else:
        return
    todo = "Set SUASION_KEY in the environment to the secret of this workspace, and keep it."
    raise WorkspaceError("an ingest of contact details", found, todo)


def _sealed(secret: pa.Table, known: pa.Table | None, sealing: Sealing) -> pa.Table:
    """The rows with what was sealed before, or now where it is new; without those of whoever has no key."""
    before = STORED.empty_table() if known is None or "sealed" not in known.column_names else known
    rows = query(
        _AS_BEFORE, {"t": secret, "k": before.select(["person", "kind", "hash", "sealed", "usable"])}
    )
    person, cells = rows["person"].to_numpy(), rows["sealed"].to_pylist()
    holding = np.isin(person, tokens.keys.holders(sealing.ledger))
    new = np.flatnonzero(~(holding & rows["sealed"].is_valid().to_numpy()))
    usable = rows["usable"].to_pylist()
    for place, cell, fit in _anew(rows.take(pa.array(new)), new, sealing):
        cells[place], usable[place] = cell, fit
    known_cells = pa.array(cells, pa.binary())
    made = {name: rows[name] for name in STORED.names}
    made |= {"value": pa.nulls(len(rows), pa.string()), "sealed": known_cells}
    made["usable"] = pa.array(usable, pa.bool_())
    table = pa.Table.from_arrays([made[name] for name in STORED.names], schema=STORED)
    return table.filter(known_cells.is_valid())


def _anew(
    rows: pa.Table, places: npt.NDArray[np.intp], sealing: Sealing
) -> list[tuple[int, bytes | None, bool]]:
    """What is sealed now: places, cells (None where there is no key or no text), and whether it is usable."""
    persons, kinds = rows["person"].to_pylist(), rows["kind"].to_pylist()
    texts = _texts(rows, sealing)
    held = tokens.keys.keys_for(sealing.ledger, sealing.key, persons)
    made: list[tuple[int, bytes | None, bool]] = []
    for place, person, kind, text in zip(places.tolist(), persons, kinds, texts, strict=True):
        if text is None or person not in held:
            made.append((place, None, False))
        else:
            cell = tokens.keys.seal(held[person], TABLE, person, kind, text)
            made.append((place, cell, sealing.usable(kind, text)))
    return made


def _texts(rows: pa.Table, sealing: Sealing) -> list[str | None]:
    """What the rows say: as a source told, or as it was sealed under the number of a person now merged."""
    texts = rows["value"].to_pylist()
    moved = [place for place, text in enumerate(texts) if text is None]
    if moved:
        there = rows.take(pa.array(moved))
        was = pa.table({"person": there["under"], "kind": there["kind"], "sealed": there["other"]})
        for place, text in zip(moved, opened(was, sealing.ledger, sealing.key), strict=True):
            texts[place] = text
    return texts
