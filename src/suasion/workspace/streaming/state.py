"""How far things are, what a turn goes by, and what it takes from the inbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from suasion.allocation import placement
from suasion.ingest import Stream, tracking
from suasion.ledger import Run, Tables
from suasion.profiles import Trait, computed

STATE = "inbox"
"""The table that says how far the inbox was drained, in what it was made from."""


@dataclass(frozen=True)
class State:
    """How far things are.

    Parameters
    ----------
    position : int
        The last batch of the inbox that is published.
    identities : int
        The version that persons' numbers are from.
    traits : tuple of str
        Computed traits, as `computed.named`, that hold all events.
    until : float
        When the newest batch came that is published.
    streams : str
        What was declared of streams.
    """

    position: int = 0
    identities: int = 0
    traits: tuple[str, ...] = ()
    until: float = 0.0
    streams: str = ""

    @staticmethod
    def of(tables: Tables) -> State:
        """As it was published last."""
        if STATE not in tables.versions:
            return State()
        told: dict[str, Any] = json.loads(tables.versions[STATE].inputs)
        told["traits"] = tuple(told["traits"])
        return State(**told)


@dataclass(frozen=True)
class Declared:
    """What a turn goes by.

    Parameters
    ----------
    streams : dict of str to Stream
    catalogue : dict of str to Trait
        The computed traits.
    placements : dict of str to Placement
    """

    streams: Mapping[str, Stream]
    catalogue: Mapping[str, Trait]
    placements: Mapping[str, placement.Placement]

    @property
    def named(self) -> tuple[str, ...]:
        """The computed traits, with what they take."""
        return tuple(sorted(computed.named(name, trait) for name, trait in self.catalogue.items()))

    @property
    def digest(self) -> str:
        """Of for what events may be used."""
        terms = [(n, s.user_id, s.basis, s.purposes, s.territory) for n, s in sorted(self.streams.items())]
        return blake2b(repr(terms).encode(), digest_size=8).hexdigest()

    @property
    def kinds(self) -> set[str]:
        """Kinds of identifiers that users are known by."""
        return {stream.user_id for stream in self.streams.values()}


@dataclass(frozen=True)
class Waiting:
    """What a turn takes from the inbox.

    Parameters
    ----------
    events : tuple of (str, tracking.Event)
        With the stream of each.
    position : int
        Of the last of them.
    until : float
        When the newest of them came, or of those before.
    more : bool
        Whether more may wait.
    """

    events: tuple[tuple[str, tracking.Event], ...]
    position: int
    until: float
    more: bool


def is_level(tables: Tables, declared: Declared) -> bool:
    """Whether a turn without events would change nothing."""
    state = State.of(tables)
    version = tables.versions["identities"].version if "identities" in tables.versions else 0
    if STATE not in tables.versions:
        return not declared.streams
    return (state.identities, state.traits, state.streams) == (version, declared.named, declared.digest)


def write_state(
    run: Run, declared: Declared, waiting: Waiting, told: int, untracked: int, left_out: int
) -> None:
    """Say how far the inbox is drained, in the transaction that publishes what it held."""
    version = run.versions["identities"].version if "identities" in run.versions else 0
    state = State(waiting.position, version, declared.named, waiting.until, declared.digest)
    counts = {"events": [told], "untracked": [untracked], "left_out": [left_out]}
    run.write(STATE, pa.table(counts), json.dumps(asdict(state)))
