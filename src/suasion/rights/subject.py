"""Who is meant: the person who has an identifier, with all that the person is known by."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import InputError
from suasion.identity import hashed, is_sealed, known_by, opened
from suasion.lake import load, rows_about
from suasion.ledger import subject, tokens
from suasion.rights.holdings import Holdings

_ASKED = "a person"
_MOST = 2**63 - 1
NAMING = ("person", "role", "kind", "value", "hash", "folded")
"""Columns of the identities by which somebody is found."""


@dataclass(frozen=True)
class Detail:
    """An identifier or a contact detail.

    Parameters
    ----------
    kind : str
    value : str or None
        None where it is kept sealed.
    hash : bytes or None
        The keyed hash of what is kept sealed.
    folded : bytes or None
        The keyed hash of its folded spelling.
    """

    kind: str
    value: str | None = field(repr=False)
    hash: bytes | None = None
    folded: bytes | None = field(default=None, compare=False)

    def hashed(self, key: bytes) -> bytes:
        """The keyed hash by which a suppression knows it; see `tokens.folded`."""
        return self.folded or self.hash or tokens.hash_of(key, self.kind, self.value or "", tokens.folded)


@dataclass(frozen=True)
class Named(Container[object]):
    """Values of one kind that have one of some keyed hashes, however they are spelled.

    Parameters
    ----------
    kind : str
    hashes : frozenset of bytes
    key : bytes

    Examples
    --------
    >>> mine = Named("member", frozenset({tokens.hash_of(b"k", "member", "R12")}), b"k")
    >>> " R12 " in mine, "R13" in mine, None in mine
    (True, False, False)
    """

    kind: str
    hashes: frozenset[bytes]
    key: bytes = field(repr=False)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and tokens.hash_of(self.key, self.kind, value) in self.hashes


@dataclass(frozen=True)
class Subject:
    """A person, as the tables know one.

    Parameters
    ----------
    persons : frozenset of int
        Its number, and numbers it had before records turned out to be of one person; none where nothing
        is held any more.
    identifiers, contacts : frozenset of Detail
        Every one ever received. Only identifiers tell whose a row is: others may share a contact detail.
    plain : frozenset of (str, str)
        Kind and value of what was opened while the person's key was there.
    """

    persons: frozenset[int]
    identifiers: frozenset[Detail]
    contacts: frozenset[Detail] = frozenset()
    plain: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)

    @property
    def details(self) -> frozenset[Detail]:
        """Identifiers and contact details."""
        return self.identifiers | self.contacts

    def spellings(self, key: bytes) -> frozenset[str]:
        """The values of all details that are known, as they were received, and as they travel."""
        whole = self.hashes(key)
        mine = {
            (kind, value)
            for kind, value in self.plain
            if tokens.hash_of(key, kind, value, tokens.folded) in whole
        }
        mine |= {(one.kind, one.value) for one in self.details if one.value is not None}
        other = {tokens.spelled(kind, value) for kind, value in mine if not value.isascii()}
        return frozenset(other | {value for _, value in mine})

    def unread(self, key: bytes) -> int:
        """How many details are known by their keyed hash alone."""
        read = {tokens.hash_of(key, kind, value) for kind, value in self.plain}
        return sum(one.value is None and one.hash not in read for one in self.details)

    def hashes(self, key: bytes) -> frozenset[bytes]:
        """Keyed hashes of all details, by which suppressions know them."""
        return frozenset(one.hashed(key) for one in self.details)

    def known(self, key: bytes) -> dict[str, Named]:
        """By which values of each kind a detail of theirs is named; those that are sealed by their hash."""
        hashes: dict[str, set[bytes]] = {}
        for one in self.details:
            made = one.hash if one.value is None else tokens.hash_of(key, one.kind, one.value)
            if made is not None:
                hashes.setdefault(one.kind, set()).add(made)
        return {kind: Named(kind, frozenset(made), key) for kind, made in hashes.items()}

    def with_all(self, other: Subject) -> Subject:
        """Both, in one."""
        identifiers, contacts = self.identifiers | other.identifiers, self.contacts | other.contacts
        return Subject(self.persons | other.persons, identifiers, contacts, self.plain | other.plain)

    def identifying(self) -> dict[str, set[str]]:
        """Values of the readable identifiers by their kind."""
        named = {(one.kind, one.value) for one in self.identifiers if one.value is not None}
        kinds = {kind for kind, _ in named}
        return {kind: {value for this, value in named if this == kind} for kind in kinds}


def identities(holdings: Holdings) -> Iterator[pa.Table]:
    """All versions of the identities that are still stored, newest first, whoever is being erased."""
    for table in subject.history_of(holdings.ledger, "identities", partial(load, holdings.lake)):
        yield hashed(table, holdings.key)


def detail_from(named: str) -> Detail | None:
    """What ``KIND=VALUE`` names; None of a number.

    Raises
    ------
    InputError
        Written otherwise.

    Examples
    --------
    >>> detail_from("member=R12").kind, detail_from("17")
    ('member', None)
    """
    if named.isascii() and named.isdigit():
        return None
    kind, is_pair, value = named.partition("=")
    if not (kind and is_pair and value.strip()):
        todo = "Write it as KIND=VALUE, for example email=ada@example.org, or give the person's number."
        raise InputError(_ASKED, "neither KIND=VALUE nor a number", todo)
    return Detail(kind, value)


def find(known: Iterable[pa.Table], named: str, key: bytes, erasing: Collection[int] = ()) -> set[int]:
    """Find the person who has an identifier, contact detail or number.

    Parameters
    ----------
    known : iterable of pyarrow.Table
        Versions of the identities, newest first.
    named : str
        ``KIND=VALUE`` or the person's number.
    key : bytes
        The workspace's; without it nobody is found by a contact detail.
    erasing : collection of int
        Persons who may be in an older version only.

    Returns
    -------
    set of int
        The person's number; empty where nobody is known by it.

    Raises
    ------
    InputError
        Written otherwise, or several persons have it; the message does not repeat it.
    """
    detail, persons = detail_from(named), set[int]()
    for place, table in enumerate(known):
        found = _having(table, detail, named, key)
        persons = found if place == 0 else found.intersection(erasing)
        if persons:
            break
    if len(persons) > 1:
        numbers = ", ".join(map(str, sorted(persons)))
        raise InputError(_ASKED, f"{len(persons)} persons have it: {numbers}", "Name one by its number.")
    return persons


def _having(table: pa.Table, detail: Detail | None, named: str, key: bytes) -> set[int]:
    if detail is None:
        number = min(int(named[:30]), _MOST)
        return {number} if pc.any(pc.equal(table["person"], number)).as_py() else set()
    rows = known_by(table, detail.kind, detail.value or "", key)
    return set(table["person"].filter(rows).unique().to_pylist())


def alone(holdings: Holdings, who: Subject) -> Subject:
    """The same person without contact details that others have too, such as the address of a household.

    They are not the person's alone: to suppress or to search for them would be about the others.
    """
    read = partial(load, holdings.lake, columns=NAMING)
    found = next(subject.history_of(holdings.ledger, "identities", read), None) if who.contacts else None
    if found is None:
        return who
    newest = hashed(found, holdings.key)
    asked = {one.hash for one in who.contacts if one.hash is not None}
    others = pc.and_(
        pc.is_in(newest["hash"], value_set=pa.array(asked, pa.binary())),
        pc.invert(rows_about(newest, who.persons)),
    )
    # Whoever else has it, has the mailbox: under none of its addresses is it the person's alone.
    made = pc.coalesce(newest["folded"], newest["hash"])
    shared = set(made.filter(others).unique().to_pylist())
    return replace(who, contacts=frozenset(c for c in who.contacts if c.hashed(holdings.key) not in shared))


def subject_of(known: Iterable[pa.Table], persons: Iterable[int]) -> Subject:
    """The numbers and details of persons, from versions of the identities, newest first.

    Whoever had one of a person's identifiers in an older version was the same person by another number.
    """
    numbers, found = set(persons), {"identifier": set[Detail](), "contact": set[Detail]()}
    for table in known:
        linking = found["identifier"]
        values = pa.array({one.value for one in linking if one.value is not None}, pa.string())
        made = pa.array({one.hash for one in linking if one.hash is not None}, pa.binary())
        near = pc.or_(pc.is_in(table["value"], value_set=values), pc.is_in(table["hash"], value_set=made))
        rows = table.filter(near).to_pylist() if len(values) or len(made) else []
        numbers |= {row["person"] for row in rows if _detail(row) in linking}
        for row in table.filter(rows_about(table, numbers)).to_pylist():
            found[row["role"]].add(_detail(row))
    return Subject(frozenset(numbers), frozenset(found["identifier"]), frozenset(found["contact"]))


def _detail(row: dict[str, Any]) -> Detail:
    sealed = is_sealed(row["role"], row["kind"]) and row["hash"] is not None
    return (
        Detail(row["kind"], row["value"])
        if not sealed
        else Detail(row["kind"], None, row["hash"], row["folded"])
    )


def plain_of(holdings: Holdings, known: Iterable[pa.Table], who: Subject) -> Subject:
    """The person with all contact details that can still be read, in versions of the identities."""
    plain = set(who.plain)
    for table in known:
        theirs = table.filter(rows_about(table, who.persons))
        said = zip(theirs["kind"].to_pylist(), opened(theirs, holdings.ledger, holdings.key), strict=True)
        plain |= {(kind, value) for kind, value in said if value is not None}
        bare = zip(theirs["kind"].to_pylist(), theirs["value"].to_pylist(), strict=True)
        plain |= {(kind, value) for kind, value in bare if value is not None}
    return replace(who, plain=frozenset(plain))
