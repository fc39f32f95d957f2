"""Who matches, who may be used, who can be reached, and why the others drop out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.expressions import to_sql
from suasion.lake import query
from suasion.rules import Channel, Judgement, Reason
from suasion.segments.segment import Segment

CHANNELS = {Channel.EMAIL: "email", Channel.SMS: "phone", Channel.POST: "postal"}
"""Each channel and the kind of contact detail it needs."""

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """The three counts of a segment, and what happened to everybody else.

    Parameters
    ----------
    people : int
        Everybody in the workspace.
    matches : int
        The expression is true.
    unknown : int
        The expression is neither true nor false, for want of a trait; they do not match.
    permitted : int
        Matches with a positive verdict now.
    reachable : dict of str to int
        By channel: matches who may be contacted there and have the contact detail for it.
    drops : dict of Reason to int
        Matches without a positive verdict, by the first rule against them.
    unreachable : dict of str to dict of str to int
        By channel: matches who cannot be reached, by reason.
    """

    people: int
    matches: int
    unknown: int
    permitted: int
    reachable: dict[str, int]
    drops: dict[Reason, int]
    unreachable: dict[str, dict[str, int]]


def members(segment: Segment, traits: pa.Table) -> tuple[Ids, int]:
    """Who matches.

    Parameters
    ----------
    segment : Segment
    traits : pyarrow.Table
        One row a person.

    Returns
    -------
    array of int64, shape (m,)
        Persons for whom the expression is true, sorted.
    int
        Persons for whom it is unknown.
    """
    sql = to_sql(segment.expression)
    text = f"SELECT person, {sql.text} AS matches FROM t ORDER BY person"
    judged = query(text, {"t": traits}, sql.parameters)
    matches = judged["matches"]
    return judged.filter(matches)["person"].to_numpy(), matches.null_count


def count(
    people: int, unknown: int, identities: pa.Table, judged: Judgement, contact: Mapping[Channel, Judgement]
) -> Counts:
    """Count a segment.

    Parameters
    ----------
    people : int
        Everybody in the workspace.
    unknown : int
        As `members` counted them.
    identities : pyarrow.Table
        Where contact details are.
    judged : Judgement
        Verdicts on the matches, for learning and evaluation.
    contact : mapping of Channel to Judgement
        Verdicts on the matches, for contact by each channel.

    Returns
    -------
    Counts
    """
    reachable: dict[str, int] = {}
    unreachable: dict[str, dict[str, int]] = {}
    for channel, verdicts in contact.items():
        permitted = verdicts.clearance.persons
        reached = len(np.intersect1d(permitted, _with_detail(identities, CHANNELS[channel])))
        reachable[channel] = reached
        reasons = {str(reason): n for reason, n in verdicts.drops.items()}
        missing = {f"no {CHANNELS[channel]} on record": len(permitted) - reached}
        unreachable[channel] = {reason: n for reason, n in (reasons | missing).items() if n}
    permitted_now = len(judged.clearance.persons)
    matches = len(judged.persons)
    return Counts(people, matches, unknown, permitted_now, reachable, judged.drops, unreachable)


def _with_detail(identities: pa.Table, kind: str) -> Ids:
    known = pc.and_(pc.equal(identities["role"], "contact"), pc.equal(identities["kind"], kind))
    return np.unique(identities.filter(known)["person"].to_numpy())
