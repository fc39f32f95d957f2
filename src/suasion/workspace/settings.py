"""What ``suasion.toml`` says."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from suasion.declarations import Declared, closest
from suasion.rules import Purpose


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone of that name. {closest(name, available_timezones())}")
    return name


class CapTerms(Declared):
    """At most so many sends within so many days."""

    sends: int = Field(ge=1)
    days: int = Field(ge=1)


class Settings(Declared):
    """Settings of a workspace; secrets are not among them, they come from the environment.

    `rules` names packs beyond the house rules, from the workspace's ``rules/`` or shipped with suasion.
    `public_url` is where recipients reach ``suasion serve``. `carrier` is ``outbox``, a Maildir in the
    workspace, or the URL of a mail server. `cap` limits what a person gets in a channel over all campaigns.
    """

    name: str = Field(min_length=1)
    territory: str = Field(pattern=r"^[A-Z]{2}$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    purpose: Purpose
    rules: tuple[str, ...] = ()
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    public_url: str | None = Field(default=None, pattern=r"^https?://[!-~]+$")
    carrier: str = Field(default="outbox", pattern=r"^(outbox|smtps?://[!-~]+)$")
    cap: CapTerms | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone, for hours and days."""
        return ZoneInfo(self.timezone)
