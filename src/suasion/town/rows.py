"""The rows of the town's files, as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.town.chance import Numbers, bits, picks, uniforms
from suasion.town.residents import residents
from suasion.town.stream import chunks
from suasion.town.town import Town
from suasion.town.truth import ARMS, chances
from suasion.town.words import DISTRICTS, FIRST, LAST, STREETS, plain

DOMAIN = "town.example"
PILOT = 100_000
_FIRST_PLAIN, _LAST_PLAIN = [plain(word) for word in FIRST], [plain(word) for word in LAST]
_YES, _NO, _NEVER_ASKED = 0.70, 0.78, 0.93
"""Consent, as shares: yes, then no, then never asked; of the rest a yes has run out."""


def resident_rows(town: Town, numbers: Numbers) -> pa.Table:
    """Rows of ``residents.csv``: what the town's register holds of residents.

    Parameters
    ----------
    town : Town
    numbers : array of int64, shape (n,)

    Returns
    -------
    pyarrow.Table
    """
    who, seed = residents(town, numbers), town.seed
    first = picks(seed, "first name", numbers, len(FIRST))
    last = picks(seed, "last name", who.household, len(LAST))
    district = _worded(DISTRICTS, who.district)
    said, until, on = _consents(seed, numbers)
    return pa.table(
        {
            "member": members(numbers),
            "household": _coded("H", who.household),
            "first_name": _blank(_worded(FIRST, first), uniforms(seed, "no first name", numbers) < 0.02),
            "email": _joined(
                ".",
                _worded(_FIRST_PLAIN, first),
                _worded(_LAST_PLAIN, last),
                _joined("@", _texts(numbers), DOMAIN),
            ),
            # No number in Germany starts with 0 after its area code: nobody can be called.
            "phone": _coded("+49 30 0", numbers),
            "street": _addresses(seed, who.household, district),
            "age": _blank(pa.array(who.age), uniforms(seed, "no age", numbers) < 0.03),
            "visits": who.visits,
            "district": district,
            "distance": who.distance,
            "email_ok": said,
            "email_ok_until": until,
            "email_ok_on": on,
        }
    )


def visit_rows(town: Town, numbers: Numbers) -> pa.Table:
    """Rows of ``visits.csv``: every past visit, the newest of each resident first."""
    who = residents(town, numbers)
    most = int(who.visits.max(initial=0))
    gaps = [20 + picks(town.seed, f"visit {k}", numbers, 400) for k in range(most)]
    ago = np.cumsum(np.stack([np.zeros_like(numbers), *gaps], axis=1), axis=1)[:, 1:]
    happened = np.arange(most) < who.visits[:, None]
    return pa.table(
        {
            "member": members(np.repeat(numbers, who.visits)),
            "visited_on": np.datetime64("2026-10-01") - ago[happened].astype("timedelta64[D]"),
        }
    )


def pilot_numbers(town: Town) -> Numbers:
    """Who took part in the pilot: half of the town, at most 100,000, drawn at random; sorted."""
    size = min(town.people // 2, PILOT)
    # The residents with the smallest bits, from a few more than are needed: all need not be held at once.
    bound = min(1.0, 1.1 * size / town.people + 1000 / town.people)
    near = [one[uniforms(town.seed, "pilot", one) < bound] for one in chunks(town.people)]
    candidates = np.concatenate(near)
    order = np.argsort(bits(town.seed, "pilot", candidates), kind="stable")
    return np.sort(candidates[order[:size]])


def pilot_rows(town: Town, numbers: Numbers) -> pa.Table:
    """Rows of ``pilot.csv``: which arm a participant was drawn for, and whether they came."""
    arm = picks(town.seed, "pilot arm", numbers, len(ARMS))
    return pa.table(
        {
            "member": members(numbers),
            "arm": _worded(ARMS, arm),
            "came": came(town, numbers, arm, "pilot outcome"),
        }
    )


def came(town: Town, numbers: Numbers, arm: npt.NDArray[np.integer], occasion: str) -> npt.NDArray[np.int8]:
    """Who came, 1 or 0: one draw of each resident's chance under an arm.

    Parameters
    ----------
    town : Town
    numbers : array of int64, shape (n,)
    arm : array of int, shape (n,)
        Index into `ARMS`.
    occasion : str
        Another occasion draws anew.

    Returns
    -------
    array of int8, shape (n,)
    """
    chance = chances(town, numbers)[np.arange(len(numbers)), arm]
    return (uniforms(town.seed, occasion, numbers) < chance).astype(np.int8)


def members(numbers: Numbers) -> pa.Array:
    """The names that sources know residents by, like R0000123."""
    return _coded("R", numbers)


def _consents(seed: int, numbers: Numbers) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Whether mail is welcome, until when, and when that was said."""
    share, day = uniforms(seed, "consent", numbers), picks(seed, "consent until", numbers, 1000)
    kind = np.searchsorted([_YES, _NO, _NEVER_ASKED], share, side="right")
    start = np.where(kind == 0, np.datetime64("2098-01-01"), np.datetime64("2023-01-01"))
    said = pa.array(["yes", "no", None, "yes"]).take(pa.array(kind))
    until = start + day.astype("timedelta64[D]")
    # A yes holds for five years; those that still hold are of the summer before the register was observed.
    ago = np.where(kind == 3, np.timedelta64(5 * 365, "D"), 0)
    on = np.where(kind == 3, until - ago, np.datetime64("2026-06-01") + (day % 90).astype("timedelta64[D]"))
    return said, pa.array(until, mask=(kind == 1) | (kind == 2)), pa.array(on, mask=kind == 2)


def _addresses(seed: int, household: Numbers, district: pa.Array) -> pa.Array:
    street = _worded(STREETS, picks(seed, "street", household, len(STREETS)))
    house = _texts(1 + picks(seed, "house", household, 180))
    return _joined(", ", _joined(" ", street, house), district)


def _worded(words: Sequence[str], codes: npt.NDArray[np.integer]) -> pa.Array:
    return pa.array(words).take(pa.array(codes))


def _texts(numbers: Numbers) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _coded(letter: str, numbers: Numbers) -> pa.Array:
    return _joined("", letter, pc.utf8_lpad(_texts(numbers), 7, padding="0"))


def _joined(between: str, *parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, between)


def _blank(values: pa.Array, where: npt.NDArray[np.bool_]) -> pa.Array:
    return pc.if_else(pa.array(where), pa.scalar(None, values.type), values)
