"""Who decides for a person, the champion or a challenger on trial, and the probability that the log keeps."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.errors import DamageError
from suasion.experiments import uniforms
from suasion.learning import newest
from suasion.ledger import Ledger, draws
from suasion.workspace.deciding.challenge import LANE, read_challenge
from suasion.workspace.deciding.choose import Chooser, policy_of
from suasion.workspace.deciding.prepare import Prepared

Bools = npt.NDArray[np.bool_]
_log = logging.getLogger("suasion.deciding")


@dataclass(frozen=True)
class Trial:
    """A challenger that is live.

    Parameters
    ----------
    chooser : Chooser
        What it has learned.
    share : float
        Of persons for whom it decides.
    salt : str
        By which they are drawn.
    """

    chooser: Chooser
    share: float
    salt: str

    @staticmethod
    def of(record: str, chooser: Chooser, share: float) -> Trial:
        """The trial in a placement: the same persons are in it in every process, and at every time."""
        return Trial(chooser, share, f"{record}#challenger")


@dataclass(frozen=True)
class Lane:
    """Who decides for one person.

    Parameters
    ----------
    own : Chooser
    other : Chooser or None
        Who decides for persons of the other lane; None where all are in one.
    chances : (float, float)
        Of a person to be in the own lane and in the other, given what was drawn so far.
    is_trial : bool
        Whether the challenger decides.
    """

    own: Chooser
    other: Chooser | None = None
    chances: tuple[float, float] = (1.0, 0.0)
    is_trial: bool = False

    def draw(
        self, features: npt.NDArray[np.float32], is_open: Bools, luck: float, *, treated: bool = False
    ) -> tuple[int, float, Lane]:
        """The variant for the person, and its marginal probability over both lanes.

        A lane is drawn by another number than the variant is; so whoever judges a policy by the log weights
        each decision by ``(1 - share) champion + share challenger`` of its variant.

        Parameters
        ----------
        features : array of float32, shape (d,)
        is_open : array of bool, shape (k,)
        luck : float
            The person's number in [0, 1).
        treated : bool
            See `Chooser.draw`.

        Returns
        -------
        int
            Number of the treatment; -1 for the generic variant.
        float
        Lane
            The same, with its chances after this draw.
        """
        if self.other is None:
            return *self.own.draw(features, is_open, luck, treated=treated), self
        arm, chance = self.own.draw(features, is_open & self.own.all_open, luck, treated=treated)
        theirs = self.other.chance(features, is_open & self.other.all_open, arm, treated=treated)
        own, other = self.chances[0] * chance, self.chances[1] * theirs
        total = own + other
        return arm, total, replace(self, chances=(own / total, other / total))


def lane_of(champion: Chooser, trial: Trial | None, person: int, key: bytes) -> Lane:
    """Who decides for a person.

    Parameters
    ----------
    champion : Chooser
    trial : Trial or None
    person : int
    key : bytes
        The workspace's.

    Returns
    -------
    Lane
    """
    if trial is None:
        return Lane(champion)
    lot = float(uniforms(np.array([person], np.int64), trial.salt, key)[0])
    if lot < trial.share:
        return Lane(trial.chooser, champion, (trial.share, 1 - trial.share), is_trial=True)
    return Lane(champion, trial.chooser, (1 - trial.share, trial.share))


def trial_of(ledger: Ledger, prepared: Prepared) -> Trial | None:
    """The challenger of a placement, with what it has learned, if it is live."""
    placement, challenger = prepared.placement.challenging, prepared.placement.challenger
    if placement is None or challenger is None or not is_tried(ledger, prepared):
        return None
    policy = policy_of(placement)
    state = newest(ledger, f"{placement.name}{LANE}", policy)
    return Trial.of(placement.record, Chooser.of(policy, state), challenger.share)


def renewed(trial: Trial, ledger: Ledger, prepared: Prepared) -> Trial | None:
    """The trial with what its challenger learned meanwhile."""
    newest_number = draws.policies.newest_number(ledger, f"{prepared.placement.name}{LANE}")
    return trial if newest_number == trial.chooser.state.version else trial_of(ledger, prepared)


def is_tried(ledger: Ledger, prepared: Prepared) -> bool:
    """Whether the log says that the challenger is live; who may have changed the log proves nothing by it."""
    try:
        return read_challenge(ledger, prepared.placement.record).serves(prepared.content)
    except DamageError as error:
        _log.warning("the champion decides alone: %s", error)
        return False
