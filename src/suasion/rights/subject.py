"""Who is meant: the person who has an identifier, with all that the person is known by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import InputError
from suasion.lake import load, rows_about
from suasion.ledger import subject, tokens
from suasion.rights.holdings import Holdings

_ASKED = "a person"


@dataclass(frozen=True)
class Detail:
    """An identifier or a contact detail; equal details have the same keyed hash."""

    kind: str
    value: str = field(repr=False)


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
    """

    persons: frozenset[int]
    identifiers: frozenset[Detail]
    contacts: frozenset[Detail] = frozenset()

    @property
    def details(self) -> frozenset[Detail]:
        """Identifiers and contact details."""
        return self.identifiers | self.contacts

    @property
    def spellings(self) -> frozenset[str]:
        """The values of all details as they were received, and where it differs as they travel."""
        other = {tokens.spelled(one.kind, one.value) for one in self.details if not one.value.isascii()}
        return frozenset(other | {one.value for one in self.details})

    def hashes(self, key: bytes) -> frozenset[bytes]:
        """Keyed hashes of all details."""
        return frozenset(tokens.hash_of(key, one.kind, one.value) for one in self.details)

    def with_all(self, other: Subject) -> Subject:
        """Both, in one."""
        identifiers, contacts = self.identifiers | other.identifiers, self.contacts | other.contacts
        return Subject(self.persons | other.persons, identifiers, contacts)

    def identifying(self) -> dict[str, set[str]]:
        """Values of the identifiers by their kind."""
        kinds = {one.kind for one in self.identifiers}
        return {kind: {one.value for one in self.identifiers if one.kind == kind} for kind in kinds}


def identities(holdings: Holdings) -> Iterator[pa.Table]:
    """All versions of the identities that are still stored, newest first, whoever is being erased."""
    for stored in subject.versions_of(holdings.ledger, "identities"):
        yield load(holdings.lake, stored)


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


def find(known: Iterable[pa.Table], named: str, erasing: Collection[int] = ()) -> set[int]:
    """Find the person who has an identifier, contact detail or number.

    Parameters
    ----------
    known : iterable of pyarrow.Table
        Versions of the identities, newest first.
    named : str
        ``KIND=VALUE`` or the person's number.
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
        found = _having(table, detail, named)
        persons = found if place == 0 else found.intersection(erasing)
        if persons:
            break
    if len(persons) > 1:
        numbers = ", ".join(map(str, sorted(persons)))
        raise InputError(_ASKED, f"{len(persons)} persons have it: {numbers}", "Name one by its number.")
    return persons


def _having(table: pa.Table, detail: Detail | None, named: str) -> set[int]:
    if detail is None:
        return {int(named)} & set(table["person"].unique().to_pylist())
    of_kind = table.filter(pc.equal(table["kind"], detail.kind))
    same = tokens.spelled(detail.kind, detail.value)
    rows = zip(of_kind["person"].to_pylist(), of_kind["value"].to_pylist(), strict=True)
    return {person for person, value in rows if tokens.spelled(detail.kind, value) == same}


def alone(holdings: Holdings, who: Subject) -> Subject:
    """The same person without contact details that others have too, such as the address of a household.

    They are not the person's alone: to suppress or to search for them would be about the others.
    """
    newest = next(identities(holdings), None)
    if newest is None:
        return who
    others = newest.filter(pc.invert(rows_about(newest, who.persons)))
    shared = {one for one in who.contacts if _having(others, one, "")}
    return replace(who, contacts=who.contacts - shared)


def subject_of(known: Iterable[pa.Table], persons: Iterable[int]) -> Subject:
    """The numbers and details of persons, from versions of the identities, newest first.

    Whoever had one of a person's identifiers in an older version was the same person by another number.
    """
    numbers, found = set(persons), {"identifier": set[Detail](), "contact": set[Detail]()}
    for table in known:
        linking = found["identifier"]
        asked = pa.array({one.value for one in linking}, pa.string())
        near = table.filter(pc.is_in(table["value"], value_set=asked)).to_pylist()
        numbers |= {row["person"] for row in near if Detail(row["kind"], row["value"]) in linking}
        for row in table.filter(rows_about(table, numbers)).to_pylist():
            found[row["role"]].add(Detail(row["kind"], row["value"]))
    return Subject(frozenset(numbers), frozenset(found["identifier"]), frozenset(found["contact"]))
