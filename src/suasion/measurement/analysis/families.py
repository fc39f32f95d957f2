"""P-values that count how many tests of their family were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from suasion.measurement.analysis.evidence import Floats
from suasion.measurement.analysis.tested import Tested

ADDED = "added"


def adjusted(rows: Sequence[Tested], by: Callable[[Floats], Floats]) -> tuple[Tested, ...]:
    """Adjust what was planned for what was planned, and what was added for everything.

    So a test that is thought of later neither weakens nor strengthens those that were planned.

    Parameters
    ----------
    rows : sequence of Tested
        One family.
    by : callable
        `multiplicity.holm` or `multiplicity.benjamini_hochberg`.

    Returns
    -------
    tuple of Tested
    """
    told = {i: row.p_value for i, row in enumerate(rows) if row.p_value is not None}
    planned = {i: p for i, p in told.items() if rows[i].status != ADDED}
    found = _by(told, by) | _by(planned, by)
    return tuple(replace(row, adjusted=found.get(i)) for i, row in enumerate(rows))


def _by(p_values: dict[int, float], by: Callable[[Floats], Floats]) -> dict[int, float]:
    if not p_values:
        return {}
    return dict(zip(p_values, by(np.array(list(p_values.values()))).tolist(), strict=True))
