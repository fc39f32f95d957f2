"""Whom streams told something of since: nobody else need be judged anew."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.lake import query
from suasion.ledger import Tables

Ids = npt.NDArray[np.int64]
_TOLD = ("computed.", "visitors", "identities")
"""Beginnings of tables by which streams change what is known of persons."""
_ELSE = ("events.", "exposures.", "rewards.", "inbox")
"""Of those that change nothing of it."""
_OTHER = "SELECT person FROM (FROM a EXCEPT FROM b) UNION SELECT person FROM (FROM b EXCEPT FROM a)"


def touched(before: Tables, now: Tables) -> Ids | None:
    """Persons of whom something else is known than before.

    Parameters
    ----------
    before, now : Tables

    Returns
    -------
    array of int64 or None
        Sorted; None where more changed than what streams tell of persons.
    """
    changed = _changed(before, now)
    if not all(name.startswith((*_TOLD, *_ELSE)) for name in changed):
        return None
    told = [name for name in changed if name.startswith(_TOLD) and name in now.versions]
    found = [now.piece(name)["person"].to_numpy() for name in told]
    found += [np.array(sorted(before.erasing ^ now.erasing), np.int64)]
    found += [_differing(before.told, now.told), _differing(before.wishes, now.wishes)]
    return np.unique(np.concatenate(found))


def added(before: Tables, now: Tables) -> list[str]:
    """Pieces of the identities that are new, or were written anew."""
    return [name for name in _changed(before, now) if name.startswith("identities") and name in now.versions]


def _changed(before: Tables, now: Tables) -> Iterable[str]:
    """Tables that are new, another, or gone."""
    files = [
        {name: version.stored.file for name, version in tables.versions.items()} for tables in (before, now)
    ]
    return sorted({name for name, _ in files[0].items() ^ files[1].items()})


def _differing(before: pa.Table | None, now: pa.Table | None) -> Ids:
    """Of whom two tables say something else."""
    if before is None or now is None or before.equals(now):
        return np.zeros(0, np.int64)
    return query(_OTHER, {"a": before, "b": now})["person"].to_numpy()
