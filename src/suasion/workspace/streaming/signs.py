"""By what events say whose they are, and whose nobody may know any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suasion.identity import stitch, told
from suasion.ingest import Stream, tracking
from suasion.ledger import Ledger, subject, tokens
from suasion.workspace.streaming.said import Heeded, heed
from suasion.workspace.streaming.state import Declared
from suasion.workspace.streams import anonymous


@dataclass(frozen=True)
class One:
    """An event, by what it says whose it is, and what it says of consent."""

    stream: str
    event: tracking.Event
    sign: stitch.Sign
    heeded: Heeded


def signed(
    waiting: Sequence[tuple[str, tracking.Event]], declared: Declared, key: bytes, left_out: Counter[str]
) -> list[One]:
    """The events, each with by what it says whose it is."""
    users: dict[str, set[str]] = {kind: set() for kind in declared.kinds}
    for stream, event in waiting:
        if stream in declared.streams:
            users[declared.streams[stream].user_id].update(
                one for one in (event.user_id, event.previous_id) if one is not None
            )
    links = {kind: told.linked(kind, sorted(values), key) for kind, values in users.items()}
    ones = list[One]()
    for name, event in waiting:
        stream = declared.streams.get(name)
        if stream is None:
            left_out["a stream that is not declared any more"] += 1
            continue
        heeded = heed(bytes(event.context), stream)
        sign = _sign(name, stream, event, links[stream.user_id], heeded)
        if sign.user is None and sign.anonymous is None:
            left_out["no identifier but blanks"] += 1
        else:
            ones.append(One(name, event, sign, heeded))
    return ones


def _sign(
    name: str, stream: Stream, event: tracking.Event, links: Mapping[str, str], heeded: Heeded
) -> stitch.Sign:
    """By what an event says whose it is; where nothing may be tracked, it joins nothing."""
    kind, device = stream.user_id, anonymous(name)
    user = (kind, links[event.user_id]) if event.user_id and event.user_id.strip() else None
    own = (device, event.anonymous_id) if event.anonymous_id and event.anonymous_id.strip() else None
    joins = heeded.tracked and event.type in ("identify", "alias")
    before = event.previous_id if joins and event.type == "alias" and user else None
    before = before if before and before.strip() else None
    return stitch.Sign(
        at=event.at,
        user=user,
        anonymous=own,
        before=None if before is None else (device, before),
        was=None if before is None else (kind, links[before]),
        joins=joins,
        order=event.message_id,
    )


def without_erased(
    ones: Sequence[One], known: stitch.Known, ledger: Ledger, key: bytes, left_out: Counter[str]
) -> list[One]:
    """The events but of persons who were erased; who logs in on their device is somebody else."""
    erased = subject.erased_hashes(ledger)
    if not erased:
        return [*ones]
    tokens.require_key(ledger, key)
    new = {
        (sign[0], value)
        for one in ones
        for sign, value in said_by(one)
        if sign not in known.persons and sign not in known.devices
    }
    gone = {
        one
        for one in new
        if {tokens.hash_of(key, *one, how) for how in (tokens.folded, tokens.spelled)} & erased
    }
    kept = list[One]()
    for one in ones:
        theirs = {sign for sign, value in said_by(one) if (sign[0], value) in gone}
        sign = _sign_without(one.sign, theirs)
        if sign is None:
            left_out["of a person who was erased"] += 1
        else:
            kept.append(One(one.stream, one.event, sign, one.heeded))
    return kept


def _sign_without(sign: stitch.Sign, gone: set[stitch.Key]) -> stitch.Sign | None:
    """What an event says of whose it is without identifiers of the erased; None where it is theirs."""
    if not gone:
        return sign
    if sign.user in gone or (sign.user is None and sign.anonymous in gone):
        return None
    own = None if sign.anonymous in gone else sign.anonymous
    before = None if sign.before in gone else sign.before
    return stitch.Sign(sign.at, sign.user, own, before, sign.was, sign.joins, sign.order)


def said_by(one: One) -> list[tuple[stitch.Key, str]]:
    """The identifiers of an event by which it links, each with its value as it was sent."""
    pairs = (
        (one.sign.user, one.event.user_id),
        (one.sign.anonymous, one.event.anonymous_id),
        (one.sign.before, one.event.previous_id),
    )
    return [(sign, value) for sign, value in pairs if sign is not None and value is not None]
