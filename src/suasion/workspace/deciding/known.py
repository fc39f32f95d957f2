"""Who is meant: identifiers as clients spell them, to persons, by keyed hash."""

from __future__ import annotations

import tomllib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.identity import stored
from suasion.ingest import Source
from suasion.ledger import tokens

Ids = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
_COLUMNS = ("first", "second", "persons")
LONGEST = 1024
"""Characters of an identifier."""


@dataclass(frozen=True)
class Index:
    """Persons by the keyed hashes of their identifiers.

    Parameters
    ----------
    key : bytes
    kinds : frozenset of str
        Of identifiers.
    plain : str or None
        The kind of what is not written as ``KIND=VALUE``.
    first, second : array of uint64, shape (m,)
        The two halves of each hash, sorted by the first, then the second.
    persons : array of int64, shape (m,)
    """

    key: bytes = field(repr=False)
    kinds: frozenset[str]
    plain: str | None
    first: Words
    second: Words
    persons: Ids

    @cached_property
    def _hashed(self) -> Mapping[str, Callable[[str], bytes]]:
        """What hashes identifiers of each kind."""
        kinds = self.kinds if self.plain is None else self.kinds | {self.plain}
        return {kind: tokens.hasher(self.key, kind) for kind in kinds}

    @cached_property
    def _first(self) -> memoryview:
        """`first` once more: for one at a time, Python's own search takes half as long as numpy's."""
        return self.first.data

    def person(self, named: str) -> int | None:
        """Who is meant by ``KIND=VALUE`` or a plain value; None for nobody who is known, or several."""
        kind, given, value = named.partition("=")
        if not given or kind not in self.kinds:
            kind, value = self.plain or "", named
        if not kind or len(value) > LONGEST:
            return None
        made, first = self._hashed[kind](value), self._first
        one, two = int.from_bytes(made[:8], "big"), int.from_bytes(made[8:], "big")
        place = bisect_left(first, one)
        while place < len(first) and first[place] == one:
            if self.second.item(place) == two:
                return self.persons.item(place)
            place += 1
        return None


def index_of(identities: pa.Table, key: bytes, plain: str | None) -> Index:
    """Index the identifiers of all persons; one that several persons have names nobody.

    Parameters
    ----------
    identities : pyarrow.Table
        As stored.
    key : bytes
    plain : str or None

    Returns
    -------
    Index
    """
    kinds, halves, persons = _hashed(identities, key)
    return _sorted(key, kinds, plain, halves, persons)


def with_added(index: Index, identities: pa.Table) -> Index:
    """An index with what streams told since; who is known by it turned out to be another, if anybody was.

    Parameters
    ----------
    index : Index
    identities : pyarrow.Table
        As stored: what is new, or was written anew.

    Returns
    -------
    Index
    """
    kinds, halves, persons = _hashed(identities, index.key)
    new = _sorted(index.key, kinds | index.kinds, index.plain, halves, persons)
    order = np.lexsort(
        (
            np.repeat([1, 0], [len(index.persons), len(new.persons)]),
            np.concatenate([index.second, new.second]),
            np.concatenate([index.first, new.first]),
        )
    )
    first, second, whose = (
        np.concatenate([getattr(index, name), getattr(new, name)])[order] for name in _COLUMNS
    )
    again = np.zeros(len(first), np.bool_)
    again[1:] = (first[1:] == first[:-1]) & (second[1:] == second[:-1])
    return replace(new, first=first[~again], second=second[~again], persons=whose[~again])


def _hashed(identities: pa.Table, key: bytes) -> tuple[frozenset[str], Words, Ids]:
    """The kinds of identifiers, the two halves of the hash of each, and whose they are."""
    rows = stored(identities)
    rows = rows.filter(pc.equal(rows["role"], "identifier"))
    kinds: list[str] = rows["kind"].unique().to_pylist()
    digests, persons = list[bytes](), [np.zeros(0, np.int64)]
    for kind in kinds:
        of = rows.filter(pc.equal(rows["kind"], kind))
        bare = of.filter(of["hash"].is_null())
        sealed = of.filter(of["hash"].is_valid())
        digests += tokens.hashes_of(key, kind, bare["value"].to_pylist())
        digests += sealed["hash"].to_pylist()
        persons += [bare["person"].to_numpy(), sealed["person"].to_numpy()]
    halves = np.frombuffer(b"".join(digests), ">u8").astype(np.uint64).reshape(-1, 2)
    return frozenset(kinds), halves, np.concatenate(persons)


def plain_kind(folder: Path, sources: Sequence[Source]) -> str | None:
    """What an identifier is that does not say its kind: the first stream's, or the only one there is."""
    for path in sorted((folder / "streams").glob("*.toml")):
        try:
            said = tomllib.loads(path.read_text("utf-8-sig")).get("user_id")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            continue
        if isinstance(said, str):
            return said
    kinds: set[str] = set().union(*(source.identifiers for source in sources))
    return next(iter(kinds)) if len(kinds) == 1 else None


def named_in(context: Mapping[str, object]) -> str | None:
    """Who a context is about: its ``targetingKey`` or ``userId``; None where it names nobody.

    Examples
    --------
    >>> named_in({"targetingKey": "member=R12"}), named_in({"userId": 12}), named_in({"plan": "gold"})
    ('member=R12', '12', None)
    """
    for name in ("targetingKey", "userId"):
        value = context.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def _sorted(key: bytes, kinds: frozenset[str], plain: str | None, halves: Words, persons: Ids) -> Index:
    order = np.lexsort((persons, halves[:, 1], halves[:, 0]))
    first, second, persons = halves[order, 0], halves[order, 1], persons[order]
    again = np.zeros(len(first), np.bool_)
    again[1:] = (first[1:] == first[:-1]) & (second[1:] == second[:-1])
    starts = np.flatnonzero(~again)
    groups = np.cumsum(~again) - 1
    several = np.zeros(len(starts), np.bool_)
    several[groups[persons != persons[starts[groups]]]] = True
    kept = starts[~several]
    return Index(key, kinds, plain, first[kept], second[kept], persons[kept])
