"""What was learned for a campaign, read back from published tables."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from suasion.ledger import Tables
from suasion.scores import Forecast, Model, Scores, forecast_from, scores_from
from suasion.workspace.brief import Brief

Ids = npt.NDArray[np.int64]


def scores_of(tables: Tables, brief: Brief) -> Scores:
    """The campaign's scores, if they still fit people, rules and declaration."""
    name = brief.campaign.name
    table = tables.read(f"scores.{name}", f"score {name}", brief.inputs(tables))
    return scores_from(table, brief.outcomes, len(brief.design.treatments))


def learned(tables: Tables, brief: Brief) -> Scores:
    """The campaign's newest scores, whatever has changed since: what a plan that is sent was made from."""
    name = brief.campaign.name
    table = tables.read(f"scores.{name}", f"score {name}")
    return scores_from(table, brief.outcomes, len(brief.design.treatments))


def forecast_of(tables: Tables, brief: Brief) -> Forecast:
    """What the campaign's treatments are expected to change, if it still fits people and declaration."""
    name = brief.campaign.name
    table = tables.read(f"forecasts.{name}", f"score {name}", brief.inputs(tables))
    return forecast_from(table, brief.outcomes, len(brief.design.treatments))


def model_of(tables: Tables, brief: Brief) -> Model:
    """What was learned for the campaign, if it still fits people and declaration."""
    name = brief.campaign.name
    table = tables.read(f"models.{name}", f"score {name}", brief.inputs(tables))
    return Model.load(table["model"][0].as_py())


def with_objectors(forecast: Forecast, tables: Tables, brief: Brief, reached: Ids) -> Forecast:
    """The forecast with those who objected to being targeted, of whom no trait is read.

    They get the neutral treatment of a campaign that has one, or nothing.
    """
    if brief.campaign.neutral is None or tables.wishes is None or not len(forecast.persons):
        return forecast
    objected = tables.wishes.filter(pc.equal(tables.wishes["kind"], "objected"))["person"].to_numpy()
    whom = np.intersect1d(objected, reached)
    kept = among(forecast, np.setdiff1d(forecast.persons, whom))
    persons = np.concatenate([kept.persons, whom])
    order = np.argsort(persons)
    unknown = np.full((len(whom), forecast.effects.shape[1]), np.nan)
    expected = {
        name: np.concatenate([values, np.tile(values.mean(axis=0), (len(whom), 1))])[order]
        for name, values in kept.expected.items()
    }
    return Forecast(persons[order], np.concatenate([kept.effects, unknown])[order], expected)


def among(forecast: Forecast, persons: Ids) -> Forecast:
    """The forecast of these persons alone."""
    chosen = np.isin(forecast.persons, persons)
    expected = {name: values[chosen] for name, values in forecast.expected.items()}
    return Forecast(forecast.persons[chosen], forecast.effects[chosen], expected)
