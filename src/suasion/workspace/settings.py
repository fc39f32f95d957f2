"""What ``suasion.toml`` says."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from suasion.declarations import Declared, closest
from suasion.rights import passed
from suasion.rules import Purpose


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone of that name. {closest(name, available_timezones())}")
    return name


def _without_password(url: str) -> str:
    if urlsplit(url).password is not None:
        raise ValueError("a password is no setting: leave it to PGPASSWORD or ~/.pgpass")
    return url


class CapTerms(Declared):
    """At most so many sends within so many days."""

    sends: int = Field(ge=1, le=1_000_000)
    days: int = Field(ge=1, le=36_500)


class PluralityTerms(Declared):
    """How mixed the messages that a person gets within so many days must be, in all campaigns and channels.

    Of what review tagged them with: at least so large a share of stances (or topics) other than the most
    frequent one, or at least so much entropy of them, as a share of the most there can be.
    """

    days: int = Field(ge=1, le=36_500)
    least_share: float | None = Field(default=None, ge=0.01, le=0.5)
    least_entropy: float | None = Field(default=None, gt=0, le=1)
    of: Literal["stance", "topics"] = "stance"

    @model_validator(mode="after")
    def _one_measure(self) -> PluralityTerms:
        if (self.least_share is None) is (self.least_entropy is None):
            raise ValueError("give one of least_share and least_entropy, not both or none")
        return self


class Settings(Declared):
    """Settings of a workspace; secrets are not among them, they come from the environment.

    `rules` names packs beyond the house rules, from the workspace's ``rules/`` or shipped with suasion.
    `public_url` is where recipients reach ``suasion serve``. `carrier` is ``outbox``, a Maildir in the
    workspace, or the URL of a mail server. `cap` limits what a person gets in a channel over all campaigns,
    `household_cap` what all persons of a household get together. `plurality` holds over all campaigns, too.
    `held_out` is the share of households to which no campaign writes: they tell what all campaigns change.
    `recipients` are who else gets data of persons: whoever is erased here, they are asked to delete.
    `ledger` is the URL of a schema of Postgres, where the ledger is not to be a file of the workspace.
    """

    name: str = Field(min_length=1)
    territory: str = Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?(\|[A-Z]{2}(-[A-Z0-9]{1,3})?)*$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    purpose: Purpose
    rules: tuple[str, ...] = ()
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    public_url: str | None = Field(default=None, pattern=r"^https?://[!-~]+$")
    carrier: str = Field(default="outbox", pattern=r"^(outbox|smtps?://[!-~]+)$")
    cap: CapTerms | None = None
    household_cap: CapTerms | None = None
    held_out: float = Field(default=0, ge=0, lt=1)
    plurality: PluralityTerms | None = None
    recipients: tuple[passed.Recipient, ...] = ()
    ledger: (
        Annotated[str, Field(pattern=r"^postgresql://[!-~]+$"), AfterValidator(_without_password)] | None
    ) = None

    @property
    def log_name(self) -> str:
        """The name of the log in its checkpoints: where it is published, else the workspace's own name."""
        where = (self.public_url or f"suasion:///{self.name}").partition("://")[2].strip("/")
        return re.sub(r"[\s+]+", "-", f"{where}/log")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone, for hours and days."""
        return ZoneInfo(self.timezone)
