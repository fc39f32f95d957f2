"""What a guard has to say, in words for whoever runs the campaign."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs."""

    NOTE = "note"
    WARNING = "warning"
    REFUSAL = "refusal"


@dataclass(frozen=True)
class Finding:
    """One thing that a guard found.

    Parameters
    ----------
    guard : str
        Who says it: ``leak``, ``overlap``, ``balance``, ``drift``, ``unlike``, ``fair`` or ``proxy``.
    severity : Severity
        At a refusal no ranking may be used before the cause is gone.
    text : str
        A sentence with names of features and arms and with counts, never with a person's values.

    Examples
    --------
    >>> print(Finding("leak", Severity.REFUSAL, "'opened' was recorded after the trial began."))
    refusal: 'opened' was recorded after the trial began. [leak]
    """

    guard: str
    severity: Severity
    text: str

    def __str__(self) -> str:
        """The finding on one line."""
        return f"{self.severity}: {self.text} [{self.guard}]"


def spelled(p_value: float) -> str:
    """A p-value as people read it.

    Examples
    --------
    >>> spelled(0.0312), spelled(2.2e-9)
    ('p = 0.031', 'p < 0.0001')
    """
    return f"p = {p_value:.2g}" if p_value >= 0.0001 else "p < 0.0001"


def listed(names: tuple[str, ...], most: int = 5) -> str:
    """Names in quotes, the first few.

    Examples
    --------
    >>> listed(("age", "place")), listed(("a", "b", "c"), most=2)
    ("'age', 'place'", "'a', 'b' and 1 more")
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{name}'" for name in names[:most]) + more
