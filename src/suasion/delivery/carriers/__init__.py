"""What carries mail out of the house: the port, with one adapter a file."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from suasion.delivery.address import TOKEN
from suasion.errors import InputError

_TOKEN = re.compile(TOKEN)


class Fate(StrEnum):
    """What became of a mail.

    `again` says that it was certainly not handed over; `unknown` that it may have been, so that only a
    person may decide to send it again.
    """

    ACCEPTED = "accepted"
    FAILED = "failed"
    AGAIN = "again"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Mail:
    """One mail, ready to go.

    Parameters
    ----------
    send : int
        Number of the send.
    token : str
        Names the send outside the house, also as a file name.
    to : str
        Address.
    content : bytes
        As `Skeleton.fill` writes it.

    Raises
    ------
    InputError
        The token is not safe in a file name.
    """

    send: int
    token: str
    to: str = field(repr=False)
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.token):
            raise InputError(
                f"the mail of send {self.send}", "its token is no file name", "Make it with the key."
            )


@dataclass(frozen=True)
class Handed:
    """What became of the mail of one send.

    Parameters
    ----------
    send : int
    fate : Fate
    reason : str
        A status such as ``5.1.1`` (RFC 3463) or ``550``, or a few words; empty where it was accepted.
        Never what a server wrote, which may name the person.
    """

    send: int
    fate: Fate
    reason: str = ""


class Carrier(Protocol):
    """Takes mails in two steps, so that after a crash at any moment none is sent twice and none forgotten.

    Attributes
    ----------
    batch : int
        How many mails one `hand_over` may hold.
    settled : Fate
        What to conclude after a crash of a mail whose hand-over had begun, and that is not staged any more.
    """

    batch: int
    settled: Fate

    def stage(self, mails: Sequence[Mail]) -> None:
        """Make mails durable, seen by nobody; what is staged already is written anew.

        Raises
        ------
        DeliveryError
            The carrier cannot take mails now. None of them was handed over.
        """
        ...

    def hand_over(self, mails: Sequence[Mail]) -> list[Handed]:
        """Hand staged mails over, at most `batch` of them: one fate each, in the same order.

        The caller holds a lock that opt-outs wait for, so this is quick.

        Raises
        ------
        DeliveryError
            The fates are not known; ask as after a crash.
        """
        ...

    def staged(self, tokens: Set[str]) -> set[str]:
        """Which of these are staged still, thus certainly not handed over. Asked after a crash."""
        ...

    def clear(self, keep: Set[str]) -> None:
        """Remove what a dead sender staged, but for these tokens."""
        ...

    def close(self) -> None:
        """Let go of connections; nothing is lost."""
        ...
