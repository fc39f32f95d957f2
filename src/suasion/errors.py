"""The errors of suasion: one tree, a stable code each.

::

    SuasionError
    ├── InputError              something the user wrote or asked cannot be done
    │   ├── WorkspaceError      suasion.toml and its folders                            workspace.invalid
    │   ├── SourceError         a source's file or mapping                              ingest.source
    │   ├── ExpressionError     a segment, rule or arm does not parse or type-check     expressions.invalid
    │   ├── PackError           a rule pack is malformed or its cases do not hold       rules.pack
    │   ├── CampaignError       a campaign asks for what the data do not have           campaign.invalid
    │   ├── OrderError          a stage was asked before the one it reads from          order.wrong
    │   ├── UndefinedError      a quantity does not exist for these data                stats.undefined
    │   └── MissingExtraError   an optional package is not installed                    extra.missing
    ├── RefusedError            a rule says no
    │   ├── TraitRefusedError   this trait may not be used for this purpose             rules.trait
    │   └── ClearanceError      the clearance is absent, forged, foreign or stale       rules.clearance
    ├── BusyError               another run works on the workspace                      ledger.busy
    ├── DeliveryError           a carrier cannot be reached, or does not take our mail  delivery.carrier
    └── DamageError             a stored file is not what the ledger says               lake.damaged

All end the command line with exit code 2, but `DamageError` with 1. Every message says what was asked,
what was found, and what to do. Messages carry names, ids and counts, never personal values.
"""

from __future__ import annotations

from typing import ClassVar


class SuasionError(Exception):
    """Base of the tree.

    Parameters
    ----------
    asked : str
        What was asked for, for example ``"segment 'adults'"``.
    found : str
        What was found instead.
    todo : str
        What the user can do about it.

    Examples
    --------
    >>> str(InputError("budget -1", "a budget below zero", "Give 0 or more."))
    'budget -1: a budget below zero. Give 0 or more.'
    """

    code: ClassVar[str] = "suasion"
    exit_code: ClassVar[int] = 2

    def __init__(self, asked: str, found: str, todo: str) -> None:
        super().__init__(f"{asked}: {found.rstrip('.')}. {todo}")
        self.asked = asked
        self.found = found
        self.todo = todo

    def __reduce__(self) -> tuple[type[SuasionError], tuple[str, str, str]]:
        return type(self), (self.asked, self.found, self.todo)

    def as_dict(self) -> dict[str, str]:
        """The error as the command line prints it under ``--json``."""
        return {"code": self.code, "asked": self.asked, "found": self.found, "todo": self.todo}


class InputError(SuasionError):
    """Something the user wrote or asked cannot be done."""

    code = "input"


class WorkspaceError(InputError):
    """``suasion.toml`` or a file of the workspace is missing or malformed."""

    code = "workspace.invalid"


class SourceError(InputError):
    """A source's file or mapping cannot be read."""

    code = "ingest.source"


class ExpressionError(InputError):
    """An expression does not parse, names something unknown, or mixes types."""

    code = "expressions.invalid"


class PackError(InputError):
    """A rule pack is malformed, or a case written beside a rule does not hold."""

    code = "rules.pack"


class CampaignError(InputError):
    """A campaign asks for what the data do not have."""

    code = "campaign.invalid"


class OrderError(InputError):
    """A stage was asked before the one it reads from."""

    code = "order.wrong"


class UndefinedError(InputError):
    """A quantity does not exist for these data."""

    code = "stats.undefined"


class MissingExtraError(InputError):
    """An optional package is not installed."""

    code = "extra.missing"


class RefusedError(SuasionError):
    """A rule says no."""

    code = "rules.refused"


class TraitRefusedError(RefusedError):
    """A trait may not be used for this purpose."""

    code = "rules.trait"


class ClearanceError(RefusedError):
    """A clearance is forged, foreign, stale, or permits something else."""

    code = "rules.clearance"


class BusyError(SuasionError):
    """Another run works on the workspace."""

    code = "ledger.busy"


class DeliveryError(SuasionError):
    """A carrier cannot be reached, or does not take our mail at all."""

    code = "delivery.carrier"


class DamageError(SuasionError):
    """A stored file is not what the ledger says it is."""

    code = "lake.damaged"
    exit_code = 1
