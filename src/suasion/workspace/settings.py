"""What ``suasion.toml`` says."""

from __future__ import annotations

from pydantic import Field

from suasion.declarations import Declared
from suasion.rules import Purpose


class Settings(Declared):
    """Settings of a workspace; secrets are not among them, they come from the environment.

    `rules` names packs beyond the house rules, from the workspace's ``rules/`` or shipped with suasion.
    """

    name: str = Field(min_length=1)
    territory: str = Field(pattern=r"^[A-Z]{2}$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    purpose: Purpose
    rules: tuple[str, ...] = ()
