"""Allowed or not, with reasons."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why a rule said no.

    Parameters
    ----------
    rule : str
        Id of the rule.
    message : str
        The rule in plain words.
    cite : str
        Its source in law or house rules.
    unknown : bool
        Whether it failed because a fact is unknown rather than false.
    """

    rule: str
    message: str
    cite: str
    unknown: bool

    def __str__(self) -> str:
        """The reason as people read it."""
        return f"{self.message} [{self.rule}{', fact unknown' if self.unknown else ''}]"


@dataclass(frozen=True)
class Verdict:
    """The outcome of judging one subject: allowed when no rule gave a reason against it."""

    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        """Whether every rule in scope is met."""
        return not self.reasons
