"""TC strings of the Transparency and Consent Framework, version 2, up to TCF 2.3.

Written after the "Transparency and Consent String with Global Vendor List Format" of IAB Europe and IAB Tech
Lab, version 2.3 of April 2025.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from suasion.ingest.signals.bits import LONGEST, Bits, malformed, members

PERSONAL_ADS = (3, 4)
"""Purposes: create profiles for personalised advertising, and use them."""
DISCLOSED_SINCE = datetime(2026, 3, 1, tzinfo=UTC)
"""From here on a string without the segment of disclosed vendors is invalid (TCF 2.3)."""

_ASKED = "a TC string"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_DISCLOSED, _ALLOWED, _PUBLISHER = 1, 2, 3


class RestrictionKind(IntEnum):
    """How a publisher restricts what vendors may do for a purpose."""

    NOT_ALLOWED = 0
    REQUIRES_CONSENT = 1
    REQUIRES_LEGITIMATE_INTEREST = 2


@dataclass(frozen=True)
class Restriction:
    """A publisher's restriction of a purpose for some vendors."""

    purpose: int
    kind: RestrictionKind
    vendors: frozenset[int] = field(repr=False)


@dataclass(frozen=True)
class Tcf:
    """What a TC string says. Purposes, features and vendors are by their numbers in IAB's lists.

    Parameters
    ----------
    created, updated : datetime
    cmp : int
        Of the consent platform that wrote it.
    cmp_version, screen, vendor_list, policy : int
        Versions of the platform, of its screen, of the list of vendors and of the policies.
    language, publisher_country : str
        Two letters each.
    service_specific, non_standard_texts, purpose_one_treatment : bool
    special_features : frozenset of int
        Opted in.
    purposes, legitimate_purposes : frozenset of int
        Consented to; and those for which legitimate interest was told and not objected to.
    vendors, legitimate_vendors : frozenset of int
        The same of vendors.
    restrictions : tuple of Restriction
    disclosed : frozenset of int or None
        Vendors that were shown; None where the string does not tell.
    publisher_purposes, publisher_legitimate_purposes : frozenset of int or None
        The publisher's own; None where the string does not tell.
    """

    created: datetime
    updated: datetime
    cmp: int
    cmp_version: int
    screen: int
    language: str
    vendor_list: int
    policy: int
    service_specific: bool
    non_standard_texts: bool
    special_features: frozenset[int]
    purposes: frozenset[int]
    legitimate_purposes: frozenset[int]
    purpose_one_treatment: bool
    publisher_country: str
    vendors: frozenset[int] = field(repr=False)
    legitimate_vendors: frozenset[int] = field(repr=False)
    restrictions: tuple[Restriction, ...] = field(repr=False)
    disclosed: frozenset[int] | None = field(default=None, repr=False)
    publisher_purposes: frozenset[int] | None = None
    publisher_legitimate_purposes: frozenset[int] | None = None

    def allows(self, vendor: int, purpose: int) -> bool:
        """Whether a vendor may process data for a purpose: by consent, or by legitimate interest.

        Never for a vendor that was not shown. For purpose 1 only by consent, and for 3 to 6, too, as the
        policies have it since TCF 2.2.
        """
        if self.disclosed is not None and vendor not in self.disclosed:
            return False
        kinds = {r.kind for r in self.restrictions if r.purpose == purpose and vendor in r.vendors}
        if RestrictionKind.NOT_ALLOWED in kinds:
            return False
        consent = purpose in self.purposes and vendor in self.vendors
        interest = purpose in self.legitimate_purposes and vendor in self.legitimate_vendors
        if purpose in (1, 3, 4, 5, 6) or RestrictionKind.REQUIRES_CONSENT in kinds:
            interest = False
        return (consent and RestrictionKind.REQUIRES_LEGITIMATE_INTEREST not in kinds) or interest

    def refuses(self, vendor: int) -> bool | None:
        """Whether the person does not let a vendor make or use profiles for advertising.

        None where the vendor was not shown to them: nobody asked. It is a publisher's restriction as much as
        a person's refusal, for the string does not say who would allow more.
        """
        if self.disclosed is not None and vendor not in self.disclosed:
            return None
        return not all(self.allows(vendor, purpose) for purpose in PERSONAL_ADS)


def read(text: str) -> Tcf:
    """Read a TC string.

    Parameters
    ----------
    text : str

    Returns
    -------
    Tcf

    Raises
    ------
    InputError
        It is no TC string of version 2; or it was made in March 2026 or later, and does not tell which
        vendors were shown.

    Examples
    --------
    >>> said = read("COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA")
    >>> said.cmp, said.language, sorted(said.purposes), sorted(said.vendors)
    (27, 'EN', [1, 2, 3], [2, 6, 8])
    >>> said.refuses(2), read("COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA").allows(2, 3)
    (True, True)
    """
    first, *others = text.split(".") if len(text) <= LONGEST else ("",)
    core = _core(Bits(_ASKED, first))
    found = {}
    for segment in others:
        bits = Bits(_ASKED, segment)
        kind = bits.number(3)
        if kind not in (_DISCLOSED, _ALLOWED, _PUBLISHER) or kind in found:
            raise malformed(_ASKED, "a segment of an unknown kind, or two of one")
        found[kind] = bits
    disclosed = _vendors(found[_DISCLOSED]) if _DISCLOSED in found else None
    if disclosed is None and max(core["created"], core["updated"]) >= DISCLOSED_SINCE:
        raise malformed(_ASKED, "since March 2026 it must say which vendors were shown, and does not")
    if _ALLOWED in found:
        _vendors(found[_ALLOWED])
    own = found.get(_PUBLISHER)
    publisher = (own.places(24), own.places(24)) if own else (None, None)
    return Tcf(
        **core,
        disclosed=disclosed,
        publisher_purposes=publisher[0],
        publisher_legitimate_purposes=publisher[1],
    )


def _core(bits: Bits) -> dict[str, Any]:
    """The fields of the core segment, in its order."""
    if (version := bits.number(6)) != 2:
        raise malformed(_ASKED, f"version {version}, not 2")
    return {
        "created": _time(bits),
        "updated": _time(bits),
        "cmp": bits.number(12),
        "cmp_version": bits.number(12),
        "screen": bits.number(6),
        "language": bits.letters(2),
        "vendor_list": bits.number(12),
        "policy": bits.number(6),
        "service_specific": bits.flag(),
        "non_standard_texts": bits.flag(),
        "special_features": bits.places(12),
        "purposes": bits.places(24),
        "legitimate_purposes": bits.places(24),
        "purpose_one_treatment": bits.flag(),
        "publisher_country": bits.letters(2),
        "vendors": _vendors(bits),
        "legitimate_vendors": _vendors(bits),
        "restrictions": tuple(_restriction(bits) for _ in range(bits.number(12))),
    }


def _time(bits: Bits) -> datetime:
    return _BEGINNING + timedelta(milliseconds=100 * bits.number(36))


def _vendors(bits: Bits) -> frozenset[int]:
    """A list of vendors: their highest number, then a bit for each, or ranges."""
    most = bits.number(16)
    if not bits.flag():
        return bits.places(most)
    found = _ranges(bits)
    if found and max(found) > most:
        raise malformed(_ASKED, "a vendor beyond the highest number")
    return found


def _ranges(bits: Bits) -> frozenset[int]:
    mask = 0
    for _ in range(bits.number(12)):
        several, start = bits.flag(), bits.number(16)
        end = bits.number(16) if several else start
        if not 0 < start <= end:
            raise malformed(_ASKED, "a range of vendors that ends before it starts")
        mask |= ((1 << (end - start + 1)) - 1) << start
    return members(mask)


def _restriction(bits: Bits) -> Restriction:
    purpose, kind = bits.number(6), bits.number(2)
    if kind not in list(RestrictionKind):
        raise malformed(_ASKED, "a restriction of an unknown kind")
    return Restriction(purpose, RestrictionKind(kind), _ranges(bits))
