"""Make scores and forecasts known to the rest of the workspace."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from suasion.ledger import Run
from suasion.rules import Clearance, Gate
from suasion.scores.forecast import Forecast, forecast_table
from suasion.scores.learned import Model, save
from suasion.scores.scores import Scores, table_of


def publish_scores(
    run: Run,
    campaign: str,
    scores: Scores,
    forecast: Forecast,
    model: Model,
    inputs: str,
    clearance: Clearance,
    gate: Gate,
    facts: str,
) -> None:
    """Write ``scores.CAMPAIGN``, to judge by, ``forecasts.CAMPAIGN``, to plan by, and ``models.CAMPAIGN``.

    Parameters
    ----------
    run : Run
    campaign : str
    scores : Scores
    forecast : Forecast
    model : Model
    inputs : str
        What they were made from.
    clearance : Clearance
        Must permit learning from every person of either.
    gate : Gate
    facts : str
        Version of the facts as they stand now.

    Raises
    ------
    ClearanceError
        The clearance does not permit it; nothing is written.
    """
    gate.admit(clearance, np.concatenate([scores.persons, forecast.persons]), facts)
    run.write(f"scores.{campaign}", table_of(scores), inputs)
    run.write(f"forecasts.{campaign}", forecast_table(forecast), inputs)
    run.write(f"models.{campaign}", pa.table({"model": [save(model)]}), inputs)
