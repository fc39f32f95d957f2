"""A message and its review."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field

from suasion.declarations import Declared, read
from suasion.errors import CampaignError
from suasion.rules import Gate, Verdict


class Review(Declared):
    """What a named person found in a message. What review does not say is unknown, and unknown is no."""

    by: str = Field(min_length=1)
    on: date
    exposes_third_persons: bool | None = None
    discourages_voting: bool | None = None


class Message(Declared):
    """What is said, as written in ``messages/NAME.toml``."""

    name: str
    text: str = Field(min_length=1)
    review: Review | None = None

    def judge(self, gate: Gate) -> Verdict:
        """Whether the rules let this message be planned.

        Parameters
        ----------
        gate : Gate

        Returns
        -------
        Verdict
        """
        found = self.review.model_dump(exclude={"by", "on"}) if self.review else {}
        return gate.judge_one("message", found)


def message_from(path: Path) -> Message:
    """Read a message.

    Parameters
    ----------
    path : Path
        ``messages/NAME.toml``.

    Returns
    -------
    Message

    Raises
    ------
    CampaignError
        Absent or malformed.
    """
    return read(path, Message, CampaignError, name=path.stem)
