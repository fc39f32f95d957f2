"""Nobody who was erased comes back through a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import WorkspaceError
from suasion.identity import stored
from suasion.ingest import Records
from suasion.ledger import Ledger, subject, tokens

REASON = "erased: this person asked to be forgotten"
CONTACTS = ("email", "phone")
"""Contact details by which a person is known again under a new identifier; a household shares its address."""

Mask = npt.NDArray[np.bool_]


def refuse_erased(
    found: Mapping[str, Records], known: pa.Table | None, ledger: Ledger, key: bytes
) -> dict[str, Records]:
    """Reject the records of persons who were erased, before anybody is resolved.

    A record is rejected where an identifier is an erased one, or where its e-mail address or phone number
    is and it has no identifier of a person known today: of two who share an address, one may stay.

    Parameters
    ----------
    found : mapping of str to Records
        By name of the source.
    known : pyarrow.Table or None
        Identities of the version before.
    ledger : Ledger
    key : bytes

    Returns
    -------
    dict of str to Records

    Raises
    ------
    WorkspaceError
        Somebody was erased, and the key to know them again is absent or another one.
    """
    erased = subject.erased_hashes(ledger)
    if not erased:
        return dict(found)
    if not key:
        todo = "Set SUASION_KEY in the environment to the secret of this workspace."
        raise WorkspaceError("an ingest after an erasure", "SUASION_KEY is not set", todo)
    tokens.require_key(ledger, key)
    return {name: _kept(records, known, erased, key) for name, records in found.items()}


def _kept(records: Records, known: pa.Table | None, erased: frozenset[bytes], key: bytes) -> Records:
    table = records.records
    never, perhaps, stays = (np.zeros(table.num_rows, np.bool_) for _ in range(3))
    for column in (name for name in table.column_names if name.startswith("id:")):
        kind, values = column.removeprefix("id:"), table[column].drop_null().unique().to_pylist()
        is_theirs = _is_in(table[column], _identifiers(known, kind, values, key))
        stays |= is_theirs
        never |= _is_in(table[column], _erased(kind, values, erased, key)) & ~is_theirs
    for kind in (kind for kind in CONTACTS if f"contact:{kind}" in table.column_names):
        column = table[f"contact:{kind}"]
        perhaps |= _is_in(column, _erased(kind, column.drop_null().unique().to_pylist(), erased, key))
    gone = never | (perhaps & ~stays)
    return _without(records, gone) if gone.any() else records


def _identifiers(known: pa.Table | None, kind: str, values: Sequence[str], key: bytes) -> pa.Array:
    """Values of a kind of identifier that a person has today; of the sealed, those of the file."""
    if known is None:
        return pa.array([], pa.string())
    chosen = pc.and_(pc.equal(known["role"], "identifier"), pc.equal(known["kind"], kind))
    theirs = stored(known.filter(chosen))
    if theirs["hash"].null_count == theirs.num_rows:
        return theirs["value"].combine_chunks()
    wanted, made = frozenset(theirs["hash"].to_pylist()), tokens.hashes_of(key, kind, values)
    return pa.array([one for one, hashed in zip(values, made, strict=True) if hashed in wanted], pa.string())


def _erased(kind: str, values: Sequence[str], erased: frozenset[bytes], key: bytes) -> pa.Array:
    """Values that were erased, in whatever spelling; older erasures know them by `tokens.spelled` alone."""
    made = zip(
        *(tokens.hashes_of(key, kind, values, how) for how in (tokens.folded, tokens.spelled)), strict=True
    )
    return pa.array(
        [one for one, both in zip(values, made, strict=True) if erased.intersection(both)], pa.string()
    )


def _is_in(column: pa.ChunkedArray, values: pa.Array) -> Mask:
    return pc.is_in(column, value_set=values).to_numpy()


def _without(records: Records, gone: Mask) -> Records:
    """The records without some, which are among the rejects now."""
    lines = records.records["line"].to_numpy()[gone]
    rows = {"line": lines, "column": [None] * len(lines), "reason": [REASON] * len(lines)}
    refused = pa.table(rows, schema=records.rejects.schema)
    rejects = pa.concat_tables([records.rejects, refused]).sort_by("line")
    return replace(records, records=records.records.filter(pa.array(~gone)), rejects=rejects)
