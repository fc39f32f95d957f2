"""A challenger that harms, or brings less than the champion, returns by itself; the log says why."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import placement as declared
from suasion.errors import CampaignError, DamageError, UndefinedError
from suasion.learning import ope
from suasion.ledger import Ledger, Tables, log, reading
from suasion.stats import sequential
from suasion.workspace.deciding.challenge import RETURNED, challenge_of, read_challenge, tried_of
from suasion.workspace.streaming import shown
from suasion.workspace.streaming.foreseen import foreseen
from suasion.workspace.streaming.lessons import HOUR, willing

LOOK = 60
"""Seconds of the clock from one look to the next: when to look does not depend on what is seen."""
GROWN = 1.05
"""Gains are looked at again when as many times as many decisions can be judged."""
_TELLING = 20
"""Harms expected at the limit where a guardrail is sharpest."""
_log = logging.getLogger("suasion.streaming")


@dataclass(frozen=True)
class Looked:
    """What a look at a challenger found.

    Parameters
    ----------
    standing : Standing
    verdicts : tuple of Verdict
        Of guardrails.
    gain : Estimate or None
        Over the champion, a decision.
    exposures : int
        Persons whom the challenger showed a treatment.
    """

    standing: ope.Standing
    verdicts: tuple[sequential.Verdict, ...]
    gain: sequential.Course | None
    exposures: int

    def as_dict(self) -> dict[str, Any]:
        """What the log says of it."""
        rails = [(one.name, one.state, one.estimate and one.estimate.as_dict()) for one in self.verdicts]
        gain = self.gain.latest if self.gain is not None else None
        return {
            "reasons": list(self.standing.reasons),
            "guardrails": [{"name": name, "state": state, "rate": rate} for name, state, rate in rails],
            "gain": gain and gain.as_dict(),
            "exposures": self.exposures,
        }


@dataclass
class Returner:
    """Looks at the challengers that are live, and returns those that may not stay.

    Whatever was looked at before, each look is at everything since the approval: its intervals hold at all
    looks together, so that a process that starts anew may look again.

    Parameters
    ----------
    ledger : Ledger
    lake : Path
    """

    ledger: Ledger
    lake: Path
    _looks: dict[str, int] = field(default_factory=dict[str, int], init=False)
    _judged: dict[str, int] = field(default_factory=dict[str, int], init=False)

    def turn(self, placements: Mapping[str, declared.Placement], now: datetime) -> tuple[str, ...]:
        """Look, where it is time to.

        Parameters
        ----------
        placements : mapping of str to Placement
            As declared, by name.
        now : datetime

        Returns
        -------
        tuple of str
            Placements whose challenger returned.
        """
        look, gone = int(now.timestamp()) // LOOK, list[str]()
        for name, placement in placements.items():
            if placement.challenger is not None and self._looks.get(name) != look:
                self._looks[name] = look
                if self._look(placement, now):
                    gone.append(name)
        return tuple(gone)

    def _look(self, placement: declared.Placement, now: datetime) -> bool:
        try:
            challenge = read_challenge(self.ledger, placement.record)
        except DamageError as error:  # then nobody lets it decide
            _log.error("a challenger is not looked at: %s", error)
            return False
        trial, since = challenge.trial, challenge.since
        if trial is None or since is None or trial.content["challenger"] != tried_of(placement):
            return False
        tables = reading(self.ledger, self.lake)
        found = self._looked(tables, placement, trial.content["planned"], since.timestamp(), now)
        return not found.standing.stays and self._return(placement, trial, found, now)

    def _looked(
        self, tables: Tables, placement: declared.Placement, planned: float, since: float, now: datetime
    ) -> Looked:
        seen = willing(tables, shown.exposures(tables, placement.name))
        seen = seen.filter(pc.greater_equal(seen["at"], since))
        seen = seen.filter(pc.not_equal(seen["variant"], placement.generic))
        verdicts = _verdicts(tables, placement, seen)
        gains = self._gains(tables, placement, planned, since, now)
        margin = placement.challenger.margin if placement.challenger is not None else 0.0
        exposures = int(np.count_nonzero(_trial(seen)))
        return Looked(ope.standing(verdicts, gains, margin), verdicts, gains, exposures)

    def _gains(
        self, tables: Tables, placement: declared.Placement, planned: float, since: float, now: datetime
    ) -> sequential.Course | None:
        """The gain over the champion, where there is enough that is new."""
        ripe = now.timestamp() - placement.horizon_hours * HOUR
        at = shown.exposures(tables, placement.name)["at"]
        count = int(pc.sum(pc.less_equal(at, ripe)).as_py() or 0)
        if ripe < since or count < GROWN * self._judged.get(placement.name, 0):
            return None
        self._judged[placement.name] = count
        try:
            found = foreseen(self.ledger, tables, placement, now).since(since)
        except (CampaignError, UndefinedError):  # too few, so far
            return None
        if found is None:
            return None
        looks = np.array([found.logged.n])
        return ope.sequence(found.logged, found.challenger, looks, planned, against=found.champion)

    def _return(self, placement: declared.Placement, trial: log.LogRow, found: Looked, now: datetime) -> bool:
        """Say so in the log, unless another process did, or it was approved anew meanwhile."""
        said = {"content": trial.content["content"], "approved": trial.position, **found.as_dict()}
        with self.ledger.writing() as connection:
            newest = challenge_of(connection, placement.record).trial
            if newest is None or newest.position != trial.position:
                return False
            log.append(connection, RETURNED, placement.record, said, now)
        _log.warning("the challenger of placement '%s' returned", placement.name)
        return True


def _verdicts(
    tables: Tables, placement: declared.Placement, seen: pa.Table
) -> tuple[sequential.Verdict, ...]:
    """Each harm twice: how often it follows the challenger, and how much oftener than the champion."""
    rails = list[sequential.Guardrail]()
    counted = dict[str, sequential.Looks | sequential.Counts]()
    if not seen.num_rows:
        return ()
    tried = _trial(seen)
    for event, terms in placement.guardrails.items():
        harmed = _harmed(tables, placement, seen, event)
        count = np.array([np.count_nonzero(harmed & tried)]), np.array([np.count_nonzero(tried)])
        planned, beside = round(_TELLING / terms.limit), f"{event}, more often than by the champion"
        rails.append(sequential.Guardrail(event, planned, most=terms.limit))
        counted[event] = sequential.Counts(*count)
        error = sequential.planned_error(terms.limit)
        rails.append(sequential.Guardrail(beside, error, most=0.0))
        first = np.zeros(len(harmed), np.int64)
        counted[beside] = sequential.accumulate(harmed.astype(np.float64), tried, first)
    return sequential.watch(rails, counted) if rails else ()


def _harmed(
    tables: Tables, placement: declared.Placement, seen: pa.Table, event: str
) -> npt.NDArray[np.bool_]:
    """Who did what is feared, after the exposure and within the horizon; shape (n,)."""
    came = shown.rewards(tables, placement.name, [event])
    persons, theirs = seen["person"].to_numpy(), came["person"].to_numpy()
    order = np.argsort(persons)
    found = np.zeros(len(persons), np.bool_)
    place = np.minimum(np.searchsorted(persons[order], theirs), len(persons) - 1)
    own, when, at = order[place], came["at"].to_numpy(), seen["at"].to_numpy()
    within = (when >= at[own]) & (when <= at[own] + placement.horizon_hours * HOUR)
    found[own[(persons[own] == theirs) & within]] = True
    return found


def _trial(seen: pa.Table) -> npt.NDArray[np.bool_]:
    return np.array(seen["trial"].to_pylist(), np.bool_)
