"""Strings of the Global Privacy Platform: a header that tells which sections follow, and the sections.

Written after IAB Tech Lab's "Global Privacy Platform: consent string specification" and its "US privacy
sections" (USNat, and those of states), version 1.1 with the states up to Rhode Island.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from suasion.ingest.signals import tcf
from suasion.ingest.signals.bits import LONGEST, Bits, malformed
from suasion.ingest.signals.tcf import Tcf

TCF_EU, USP = 2, 6

_ASKED = "a GPP string"
_HEADER, _VERSION = 3, 1
_USP = re.compile(r"1[YNyn-]{3}")
_MOST_SECTIONS = 1000


@dataclass(frozen=True)
class Layout:
    """Where a section of the US has what.

    Parameters
    ----------
    name : str
    sale, sharing, targeted : int or None
        At which bit the answer begins; None where the section does not ask.
    versions : tuple of int
    gpc : bool
        Whether Global Privacy Control may follow in a part of its own.
    """

    name: str
    sale: int
    sharing: int | None
    targeted: int | None
    versions: tuple[int, ...] = (1,)
    gpc: bool = True


_MUTE = ("usva", "usut", "usfl", "usin", "usky", "usri")
"""Sections without Global Privacy Control."""


def _layouts(first: int, names: str, sale: int) -> dict[int, Layout]:
    """Of consecutive sections that ask of sale, then of targeted advertising."""
    return {
        number: Layout(name, sale, None, sale + 2, gpc=name not in _MUTE)
        for number, name in enumerate(names.split(), first)
    }


LAYOUTS: Mapping[int, Layout] = {
    7: Layout("usnat", 18, 20, 22, (1, 2)),
    8: Layout("usca", 12, 14, None),
    **_layouts(9, "usva usco", 12),
    **_layouts(11, "usut", 14),
    **_layouts(12, "usct usfl usmt usor ustx usde", 12),
    **_layouts(18, "usia", 14),
    **_layouts(19, "usne usnh usnj ustn usmn", 12),
    # Since 2025 the agreement's own fields come first.
    **_layouts(24, "usmd usin usky usri", 16),
}
"""By the number of the section."""


@dataclass(frozen=True)
class UsSection:
    """What a person answered under the law of the United States or of a state; None: it does not apply.

    Parameters
    ----------
    name : str
        ``usnat``, ``usca`` ...
    sale, sharing, targeted : bool or None
        Whether they opted out of it.
    gpc : bool or None
        Whether Global Privacy Control was on; None where the section does not tell.
    """

    name: str
    sale: bool | None
    sharing: bool | None
    targeted: bool | None
    gpc: bool | None = None

    @property
    def opted_out(self) -> bool:
        """Of sale, of sharing or of targeted advertising; by Global Privacy Control, too."""
        return True in (self.sale, self.sharing, self.targeted, self.gpc)


@dataclass(frozen=True)
class Gpp:
    """What a GPP string says.

    Parameters
    ----------
    sections : tuple of int
        Numbers of all sections, those that are not read among them.
    tcf : Tcf or None
    us : tuple of UsSection
    usp : str or None
        The older string of California, such as ``1YNN``.
    """

    sections: tuple[int, ...]
    tcf: Tcf | None = None
    us: tuple[UsSection, ...] = ()
    usp: str | None = field(default=None)

    @property
    def opted_out(self) -> bool:
        """Whether any section of the US opts out of sale, sharing or targeted advertising."""
        return any(one.opted_out for one in self.us) or (self.usp or "")[2:3].upper() == "Y"


def read(text: str) -> Gpp:
    """Read a GPP string.

    Sections of other countries are counted, and not read.

    Parameters
    ----------
    text : str

    Returns
    -------
    Gpp

    Raises
    ------
    InputError
        It is no GPP string, or a section that is read is none.

    Examples
    --------
    >>> said = read("DBABTA~1YNN")
    >>> said.sections, said.usp, said.opted_out
    ((6,), '1YNN', False)
    """
    header, *parts = text.split("~") if len(text) <= LONGEST else ("",)
    sections = _sections(Bits(_ASKED, header))
    if len(parts) != len(sections):
        found = f"{len(parts)} sections, and its header tells of {len(sections)}"
        raise malformed(_ASKED, found)
    by_number = dict(zip(sections, parts, strict=True))
    usp = by_number.get(USP)
    if usp is not None and not _USP.fullmatch(usp):
        raise malformed(_ASKED, "a US privacy string that is none")
    return Gpp(
        sections=sections,
        tcf=tcf.read(by_number[TCF_EU]) if TCF_EU in by_number else None,
        us=tuple(_us(LAYOUTS[number], part) for number, part in by_number.items() if number in LAYOUTS),
        usp=usp,
    )


def _sections(bits: Bits) -> tuple[int, ...]:
    """The numbers in the header: ranges of Fibonacci-coded steps, each from the number before."""
    if (bits.number(6), bits.number(6)) != (_HEADER, _VERSION):
        raise malformed(_ASKED, "a header of another type or version")
    found: list[int] = []
    for _ in range(bits.number(12)):
        several = bits.flag()
        start = (found[-1] if found else 0) + bits.fibonacci()
        end = start + bits.fibonacci() if several else start
        if len(found) + end - start >= _MOST_SECTIONS:
            raise malformed(_ASKED, "more sections than there are")
        found += range(start, end + 1)
    return tuple(found)


def _us(layout: Layout, text: str) -> UsSection:
    core, *others = text.split(".")
    bits = Bits(_ASKED, core)
    size = bits.left
    if (version := bits.number(6)) not in layout.versions:
        raise malformed(_ASKED, f"section {layout.name} of version {version}")
    answers = {6 + 2 * i: bits.number(2) for i in range((min(size, 30) - 6) // 2)}

    def answer(at: int | None) -> bool | None:
        if at is None:
            return None
        if at not in answers or answers[at] == 3:
            raise malformed(_ASKED, f"section {layout.name} without an answer where one belongs")
        return {0: None, 1: True, 2: False}[answers[at]]

    gpc = [_gpc(Bits(_ASKED, other)) for other in others if layout.gpc]
    told = next((one for one in gpc if one is not None), None)
    return UsSection(layout.name, answer(layout.sale), answer(layout.sharing), answer(layout.targeted), told)


def _gpc(bits: Bits) -> bool | None:
    """Global Privacy Control, if the subsection is that: two bits of its type, then one."""
    return bits.flag() if bits.number(2) == 1 else None
