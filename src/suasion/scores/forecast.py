"""What treatments are expected to change, for everybody who may be planned for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """Effects and expectations of the persons of a trial and of others, by models that saw none of them.

    Parameters
    ----------
    persons : array of int64, shape (m,)
        Sorted.
    effects : array of float, shape (m, arms - 1)
        Estimated effect of each treatment on the first outcome against the control.
    expected : dict of str to array of float, shape (m, arms)
        Each outcome as expected under each arm.
    """

    persons: npt.NDArray[np.int64]
    effects: Floats
    expected: dict[str, Floats]


def forecast_table(forecast: Forecast) -> pa.Table:
    """The forecast as a table for the lake: one row a person."""
    columns: dict[str, npt.NDArray[np.generic]] = {"person": forecast.persons}
    columns |= {f"effect:{i}": column for i, column in enumerate(forecast.effects.T)}
    for outcome, values in forecast.expected.items():
        columns |= {f"expected:{outcome}:{i}": column for i, column in enumerate(values.T)}
    return pa.table({name: np.ascontiguousarray(column) for name, column in columns.items()})


def forecast_from(table: pa.Table, outcomes: tuple[str, ...], arms: int) -> Forecast:
    """Read a forecast back from the lake.

    Parameters
    ----------
    table : pyarrow.Table
        As `forecast_table` made it.
    outcomes : tuple of str
    arms : int
        Number of arms, control included.

    Returns
    -------
    Forecast
    """

    def columns(names: list[str]) -> Floats:
        return np.column_stack([table[name].to_numpy() for name in names])

    return Forecast(
        persons=table["person"].to_numpy(),
        effects=columns([f"effect:{i}" for i in range(arms - 1)]),
        expected={name: columns([f"expected:{name}:{i}" for i in range(arms)]) for name in outcomes},
    )
