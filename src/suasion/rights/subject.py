"""Who is meant: the person who has an identifier, with all that the person is known by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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
    details : frozenset of Detail
        Every identifier and contact detail ever received.
    """

    persons: frozenset[int]
    details: frozenset[Detail]

    def hashes(self, key: bytes) -> frozenset[bytes]:
        """Keyed hashes of all details."""
        return frozenset(tokens.hash_of(key, one.kind, one.value) for one in self.details)

    def with_all(self, other: Subject) -> Subject:
        """Both, in one."""
        return Subject(self.persons | other.persons, self.details | other.details)

    def by_kind(self) -> dict[str, set[str]]:
        """Values of the details by their kind."""
        kinds = {one.kind for one in self.details}
        return {kind: {one.value for one in self.details if one.kind == kind} for kind in kinds}


def identities(holdings: Holdings) -> tuple[pa.Table, ...]:
    """All versions of the identities that are still stored, newest first, whoever is being erased."""
    return tuple(load(holdings.lake, stored) for stored in subject.versions_of(holdings.ledger, "identities"))


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


def find(known: Sequence[pa.Table], named: str, erasing: Iterable[int] = ()) -> Subject:
    """Find the person who has an identifier, contact detail or number.

    Parameters
    ----------
    known : sequence of pyarrow.Table
        Versions of the identities, newest first.
    named : str
        ``KIND=VALUE`` or the person's number.
    erasing : iterable of int
        Persons who may be in an older version only.

    Returns
    -------
    Subject
        Of no person where nobody is known by it.

    Raises
    ------
    InputError
        Written otherwise, or several persons have it; the message does not repeat it.
    """
    detail, gone = detail_from(named), set(erasing)
    persons = _having(known[0], detail, named) if known else set[int]()
    for older in known[1:]:
        persons = persons or _having(older, detail, named) & gone
    if len(persons) > 1:
        numbers = ", ".join(map(str, sorted(persons)))
        raise InputError(_ASKED, f"{len(persons)} persons have it: {numbers}", "Name one by its number.")
    return subject_of(known, persons)


def _having(table: pa.Table, detail: Detail | None, named: str) -> set[int]:
    if detail is None:
        return {int(named)} & set(table["person"].unique().to_pylist())
    of_kind = table.filter(pc.equal(table["kind"], detail.kind))
    same = _plain(detail.value, detail.kind)
    rows = zip(of_kind["person"].to_pylist(), of_kind["value"].to_pylist(), strict=True)
    return {person for person, value in rows if _plain(value, detail.kind) == same}


def _plain(value: str, kind: str) -> str:
    """As `tokens.hash_of` compares it."""
    return value.strip().lower() if kind == "email" else value.strip()


def subject_of(known: Iterable[pa.Table], persons: Iterable[int]) -> Subject:
    """The numbers and details of persons, from versions of the identities, newest first.

    Whoever had one of a person's identifiers in an older version was the same person by another number.
    """
    numbers, details, linking = set(persons), set[Detail](), set[Detail]()
    for table in known:
        asked = pa.array({one.value for one in linking}, pa.string())
        near = table.filter(pc.is_in(table["value"], value_set=asked)).to_pylist()
        numbers |= {row["person"] for row in near if Detail(row["kind"], row["value"]) in linking}
        for row in table.filter(rows_about(table, numbers)).to_pylist():
            details.add(Detail(row["kind"], row["value"]))
            if row["role"] == "identifier":
                linking.add(Detail(row["kind"], row["value"]))
    return Subject(frozenset(numbers), frozenset(details))
