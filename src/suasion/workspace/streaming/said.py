"""What the context of an event says of consent: refusals, Global Privacy Control, TC and GPP strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from suasion.errors import InputError
from suasion.ingest import Stream, signals
from suasion.ledger import Tables, said
from suasion.rules import Channel, Purpose

Pair = tuple[Purpose, Channel]
_OPT_OUT = said.wishes.WishKind.SALE_OPTED_OUT


class _Context(msgspec.Struct):
    gpc: Any = None
    consent: Any = None
    tcfString: Any = None  # noqa: N815 - as it is sent
    gppString: Any = None  # noqa: N815


_CONTEXT = msgspec.json.Decoder(_Context)


@dataclass(frozen=True, slots=True)
class Heeded:
    """What an event says of consent.

    Parameters
    ----------
    tracked : bool
        False where it says no to tracking altogether: by Global Privacy Control, or to every category.
    refused : tuple of (Purpose, Channel)
    opted_out : str or None
        The signal that opts out of sale and sharing.
    """

    tracked: bool = True
    refused: tuple[Pair, ...] = ()
    opted_out: str | None = None


NOTHING = Heeded()


@dataclass(frozen=True)
class Refusals:
    """What persons said no to.

    Parameters
    ----------
    consents : dict of (int, (Purpose, Channel)) to datetime
        With the time of the last word.
    opt_outs : dict of int to (str, datetime)
        With the signal and the time of the first.
    """

    consents: dict[tuple[int, Pair], datetime]
    opt_outs: dict[int, tuple[str, datetime]]


def heed(context: bytes, stream: Stream) -> Heeded:
    """Read a context. A yes is none: it comes without the words that were agreed to.

    Parameters
    ----------
    context : bytes
        A JSON object.
    stream : Stream

    Returns
    -------
    Heeded
    """
    if len(context) <= 2:
        return NOTHING
    try:
        told = _CONTEXT.decode(context)
    except (msgspec.DecodeError, RecursionError):
        return NOTHING
    given = told.consent.get("categoryPreferences") if isinstance(told.consent, dict) else None
    answers = (
        {str(name): one for name, one in given.items() if isinstance(one, bool)}
        if isinstance(given, dict)
        else {}
    )
    refused = tuple(
        (one.purpose, one.channel) for name, one in stream.consent.items() if answers.get(name) is False
    )
    gpc = told.gpc is True
    signal = "#gpc" if gpc else _signal(told, stream)
    tracked = not gpc and not (answers and not any(answers.values()))
    return Heeded(tracked, refused, signal) if refused or signal or not tracked else NOTHING


def _signal(told: _Context, stream: Stream) -> str | None:
    """The string that opts out; one that cannot be read says nothing."""
    strings: tuple[tuple[str, Any, Callable[[str], bool | None]], ...] = (
        ("#gpp", told.gppString, lambda text: signals.gpp.read(text).opted_out),
        (
            "#tcf",
            told.tcfString if stream.vendor else None,
            lambda text: signals.tcf.read(text).refuses(stream.vendor or 0),
        ),
    )
    for name, text, read in strings:
        try:
            if isinstance(text, str) and read(text):
                return name
        except InputError:
            continue
    return None


def refusals(
    persons: Iterable[int], heeded: Iterable[Heeded], times: Iterable[float], tables: Tables
) -> Refusals:
    """What is new of it: not yet known, and not older than a yes that the person confirmed.

    Parameters
    ----------
    persons, heeded, times : iterables of one length
        Of each event.
    tables : Tables
        With what persons told us before.
    """
    found, known = Refusals({}, {}), _known(tables)
    wishes = set[int]()
    if tables.wishes is not None:
        kinds = zip(tables.wishes["person"].to_pylist(), tables.wishes["kind"].to_pylist(), strict=True)
        wishes = {person for person, kind in kinds if kind == str(_OPT_OUT)}
    for person, one, seconds in zip(persons, heeded, times, strict=True):
        if one is NOTHING:
            continue
        at = datetime.fromtimestamp(max(seconds, 0.0), UTC)
        for pair in one.refused:
            if f"{at:%Y-%m-%dT%H:%M:%SZ}" > known.get((person, str(pair[0]), str(pair[1])), ""):
                found.consents[person, pair] = max(at, found.consents.get((person, pair), at))
        if one.opted_out is not None and person not in wishes:
            found.opt_outs.setdefault(person, (one.opted_out, at))
    return found


def _known(tables: Tables) -> dict[tuple[int, str, str], str]:
    """Until when what each person told us of a purpose and channel holds against a no: a no, for good."""
    told = tables.told if tables.told is not None else pa.table({"person": pa.array([], pa.int64())})
    return {
        (row["person"], row["purpose"], row["channel"]): (row["confirmed_at"] or "") if row["given"] else "~"
        for row in told.to_pylist()
    }
