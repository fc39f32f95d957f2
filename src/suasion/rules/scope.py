"""What is about to be done, and which rules are about that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from suasion.rules.purpose import Channel, Jurisdiction, Purpose, Use


@dataclass(frozen=True)
class Occasion:
    """What is about to be done, for whom, where and when: one purpose, one channel, one campaign.

    Parameters
    ----------
    uses : frozenset of Use
    purpose : Purpose
    campaign : str
        Name of the campaign; a segment that is only counted has its own name here.
    jurisdiction : Jurisdiction
    at : datetime
        Now, with time zone.
    channel : Channel, optional
        None where nobody is contacted.
    """

    uses: frozenset[Use]
    purpose: Purpose
    campaign: str
    jurisdiction: Jurisdiction
    at: datetime
    channel: Channel | None = None


class Scoped(Protocol):
    """What a rule says of its scope, but for the place; an empty list means all."""

    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...
    @property
    def known_from(self) -> date: ...
    @property
    def known_to(self) -> date | None: ...
    @property
    def uses(self) -> Sequence[Use]: ...
    @property
    def purposes(self) -> Sequence[Purpose]: ...
    @property
    def channels(self) -> Sequence[Channel]: ...


def in_force(rule: Scoped, where: Jurisdiction) -> bool:
    """Whether the rule is law on the day, by the text that was known on the day that counts for it."""
    known = where.on if where.known is None else where.known
    law = rule.valid_from <= where.on and (rule.valid_to is None or where.on <= rule.valid_to)
    return law and rule.known_from <= known and (rule.known_to is None or known <= rule.known_to)


def concerns(rule: Scoped, occasion: Occasion) -> bool:
    """Whether the rule is about this purpose and channel, whatever the use.

    A contact that does not say by which channel is under the rules of every channel.
    """
    anywhere = occasion.channel is None and Use.CONTACT in occasion.uses
    return (not rule.purposes or occasion.purpose in rule.purposes) and (
        not rule.channels or occasion.channel in rule.channels or anywhere
    )


def in_use(rule: Scoped, occasion: Occasion) -> bool:
    """Whether the rule is about one of the uses."""
    return not rule.uses or not occasion.uses.isdisjoint(rule.uses)
