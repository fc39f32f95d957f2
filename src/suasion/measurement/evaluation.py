"""How well people can be told apart by what a treatment changes for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.experiments import Design
from suasion.measurement.groups import Gain, gains_of
from suasion.measurement.histogram import Cell, histogram
from suasion.measurement.policies import usual_response
from suasion.measurement.value import wider
from suasion.measurement.who import LEAST
from suasion.profiles import Trait
from suasion.scores import Findings, Ranking, Scores
from suasion.stats import Estimate, calibration, mean, ranking

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
POINTS = 10
"""Of a gain curve."""
TOP = (0.1, 0.3)
"""Shares of the people whose gain is told."""
BINS = 10
A_BIN = 50
"""Independent units that a bin of the calibration should have."""


@dataclass(frozen=True)
class AtShare:
    """A gain where the top share of a ranking is treated."""

    share: float
    gain: Estimate


@dataclass(frozen=True)
class Ranked:
    """What a ranking by predicted effects gains in one outcome.

    Parameters
    ----------
    outcome : str
    money : bool
        Whether it is counted in the currency of the report.
    average : Estimate
        Gain of everybody, a person.
    qini, auuc : Estimate
        Area between the gain curve and the random line; under the curve. A person.
    top : tuple of AtShare
        Mean gain among the top share; shares of too few people are left out.
    over_propensity : Estimate
        Qini minus that of ranking by the usual response, on the same people.
    curve, by_propensity : tuple of AtShare
        What treating the top share gains, a person of all: by predicted effects, by the usual response.
    """

    outcome: str
    money: bool
    average: Estimate
    qini: Estimate
    auuc: Estimate
    top: tuple[AtShare, ...]
    over_propensity: Estimate
    curve: tuple[AtShare, ...]
    by_propensity: tuple[AtShare, ...]


@dataclass(frozen=True)
class Helped:
    """Whom a treatment helps, by effects that were predicted without having seen the person.

    Parameters
    ----------
    treatment : str
    ranking : Ranking
        Whether the effects may rank people, and the tests of it.
    ranked : tuple of Ranked
        In the campaign's outcome, then in watched amounts.
    calibration : tuple of Bin
        Predicted and seen gains of people of like prediction; small bins are left out.
    effects : tuple of Cell
        People by predicted effect.
    groups : tuple of Gain
        Mean gain by trait; of traits by which predictions differ most, first.
    """

    treatment: str
    ranking: Ranking
    ranked: tuple[Ranked, ...]
    calibration: tuple[calibration.Bin, ...]
    effects: tuple[Cell, ...]
    groups: tuple[Gain, ...]


@dataclass(frozen=True)
class Evaluation:
    """How well effects were learned.

    Parameters
    ----------
    treatments : tuple of Helped
    findings : Findings
        Of the same treatments: the learners, and what was done with the largest amounts.
    """

    treatments: tuple[Helped, ...]
    findings: Findings

    @property
    def ranks(self) -> bool:
        """Whether any treatment may rank people."""
        return any(helped.ranking.ranks for helped in self.treatments)


def evaluate(
    design: Design,
    scores: Scores,
    outcome: str,
    traits: pa.Table | None,
    catalogue: Mapping[str, Trait],
    money: Collection[str] = (),
) -> Evaluation:
    """Judge the ranking of each treatment on people of the experiment.

    Predicted effects are those of `Scores.learned`, whether or not they may rank people; gains are AIPW. Both
    come from the same people, so intervals of a ranking are wider by `FOLDS_ERR_TOGETHER`.

    Parameters
    ----------
    design : Design
    scores : Scores
    outcome : str
        The campaign's: what effects were learned of.
    traits : pyarrow.Table, n rows, optional
        Of the persons of the experiment, in the order of the scores; without them nobody is grouped.
    catalogue : mapping of str to Trait
    money : collection of str
        Outcomes that are in the currency of the report.

    Returns
    -------
    Evaluation
    """
    amounts = [name for name, values in scores.observed.items() if not np.isin(values, (0.0, 1.0)).all()]
    told = [outcome, *(name for name in amounts if name != outcome)]
    found: list[Helped] = []
    for i, name in enumerate(design.names[1:]):
        said, gains = scores.learned[:, i], _gains(scores, outcome, i)
        found.append(
            Helped(
                treatment=name,
                ranking=scores.findings.rankings[i],
                ranked=tuple(_ranked(scores, other, i, said, other in money) for other in told),
                calibration=_bins(gains, said, scores.households),
                effects=histogram(said),
                groups=() if traits is None else gains_of(gains, said, traits, catalogue, scores.households),
            )
        )
    return Evaluation(tuple(found), scores.findings)


def _gains(scores: Scores, outcome: str, treatment: int) -> Floats:
    return scores.aipw[outcome][:, treatment + 1] - scores.aipw[outcome][:, 0]


def _ranked(scores: Scores, outcome: str, treatment: int, said: Floats, money: bool) -> Ranked:
    gains, usual, homes = (
        _gains(scores, outcome, treatment),
        usual_response(scores, outcome),
        scores.households,
    )
    return Ranked(
        outcome=outcome,
        money=money,
        average=mean(gains, homes, "AIPW"),
        qini=wider(ranking.qini(gains, said, homes)),
        auuc=wider(ranking.auuc(gains, said, homes)),
        top=tuple(
            AtShare(share, wider(ranking.uplift_at(share)(gains, said, homes)))
            for share in TOP
            if share * _units(scores) >= LEAST
        ),
        over_propensity=wider(ranking.compare(ranking.qini, gains, said, usual, homes)),
        curve=_learned(_curve(gains, said, homes)),
        by_propensity=_curve(gains, usual, homes),
    )


def _curve(gains: Floats, said: Floats, homes: Ids | None) -> tuple[AtShare, ...]:
    points = ranking.curve(gains, said, POINTS, homes)
    return tuple(AtShare((i + 1) / POINTS, point) for i, point in enumerate(points))


def _learned(curve: tuple[AtShare, ...]) -> tuple[AtShare, ...]:
    """Where everybody is treated, nobody was chosen."""
    return (*(AtShare(at.share, wider(at.gain)) for at in curve[:-1]), curve[-1])


def _units(scores: Scores) -> int:
    return len(scores.persons if scores.households is None else np.unique(scores.households))


def _bins(gains: Floats, said: Floats, homes: Ids | None) -> tuple[calibration.Bin, ...]:
    count = len(gains) if homes is None else len(np.unique(homes))
    bins = calibration.calibration_bins(gains, said, max(1, min(BINS, count // A_BIN)), homes)
    return tuple(part for part in bins if part.n >= LEAST and part.observed is not None)
