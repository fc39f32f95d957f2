"""Champion and challenger: whether a policy may go live, and whether it may stay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from suasion.errors import UndefinedError
from suasion.learning.ope.evaluate import Evaluation, Method, difference, evaluate
from suasion.learning.ope.logged import DUST, Floats, Logged
from suasion.stats import sequential


@dataclass(frozen=True)
class Comparison:
    """What is shown before a challenger goes live, and approved or not.

    Parameters
    ----------
    names : tuple of str
        Challenger and champion, with their versions.
    challenger, champion : Evaluation
        What each would have earned.
    gain : Evaluation
        Challenger minus champion, paired.
    margin : float
        How much worse the challenger may be.
    reasons : tuple of str
        Why it may not go live; none if it may.
    """

    names: tuple[str, str]
    challenger: Evaluation
    champion: Evaluation
    gain: Evaluation
    margin: float
    reasons: tuple[str, ...]

    @property
    def may_go_live(self) -> bool:
        """Whether the log speaks for it. It still goes live only when a person has approved what is shown."""
        return not self.reasons

    @property
    def text(self) -> str:
        """The comparison in a few sentences."""
        first, second = self.names
        head = (
            f"{first} may go live in place of {second}." if self.may_go_live else f"{first} may not go live."
        )
        known = self.gain.estimate
        gain = "" if known is None else f" It would gain {known.scaled(digits=4)} a decision over {second}."
        return " ".join([head + gain, *self.reasons])

    @property
    def digest(self) -> str:
        """BLAKE2b of all that is shown, hexadecimal: what an approval is bound to."""
        return blake2b(json.dumps(self.as_dict(), sort_keys=True).encode(), digest_size=16).hexdigest()

    def as_dict(self) -> dict[str, object]:
        """The comparison for JSON."""
        return {
            "challenger": {"name": self.names[0], **self.challenger.as_dict()},
            "champion": {"name": self.names[1], **self.champion.as_dict()},
            "gain": self.gain.as_dict(),
            "margin": self.margin,
            "may_go_live": self.may_go_live,
            "reasons": list(self.reasons),
        }


def compare(
    logged: Logged,
    challenger: Floats,
    champion: Floats,
    names: tuple[str, str],
    margin: float = 0.0,
    method: Method = "dr",
) -> Comparison:
    """Judge a challenger beside the champion on the champion's log, paired.

    It may go live if the log could have shown all that it would show, is worth enough decisions of it, and
    the whole interval of its gain lies above minus the margin: above zero where none is given.

    Parameters
    ----------
    logged : Logged
    challenger, champion : array of float, shape (n, k)
        Probabilities of each arm at each decision of the log; neither policy learned from these decisions.
    names : tuple of str
        Of the two, with their versions.
    margin : float
        How much worse than the champion it may be, a decision; 0 or more, declared before looking.
    method : {"dr", "ips", "snips", "switch"}

    Returns
    -------
    Comparison

    Raises
    ------
    UndefinedError
        A margin below 0, or as `evaluate`.

    Examples
    --------
    >>> import numpy as np
    >>> luck = np.random.default_rng(1)
    >>> arms = luck.integers(0, 2, 4000)
    >>> clicks = (luck.random(4000) < np.where(arms == 1, 0.3, 0.1)).astype(float)
    >>> equal = np.full((4000, 2), 0.5)
    >>> log = Logged(arms, clicks, np.full(4000, 0.5), equal)
    >>> print(compare(log, np.tile([0.1, 0.9], (4000, 1)), equal, ("v2", "v1")).text)
    v2 may go live in place of v1. It would gain 0.0815 (0.0719 to 0.0912) a decision over v1.
    """
    if not margin >= 0:
        raise UndefinedError("a comparison of policies", f"a margin of {margin}", "Give 0 or more.")
    found = evaluate(logged, challenger, method)
    gain = difference(logged, challenger, champion, method)
    return Comparison(
        names, found, evaluate(logged, champion, method), gain, margin, _reasons(found, gain, margin)
    )


def _reasons(challenger: Evaluation, gain: Evaluation, margin: float) -> tuple[str, ...]:
    told = [challenger.reason, gain.reason]
    if (challenger.unsupported or 0.0) > DUST and not any(told):
        told.append(f"The log could never have shown {challenger.unsupported:.1%} of what it would show.")
    if gain.estimate is not None and not gain.estimate.low > -margin:
        worst = f"It may be worse by {-gain.estimate.low:.4g} a decision"
        told.append(f"{worst}; {margin:.4g} is the most that it may." if margin else f"{worst}.")
    return tuple(dict.fromkeys(why for why in told if why))


@dataclass(frozen=True)
class Standing:
    """Whether a policy that is live stays live.

    Parameters
    ----------
    stays : bool
        False: return to the champion at once.
    reasons : tuple of str
        What tripped.
    """

    stays: bool
    reasons: tuple[str, ...]


def standing(
    verdicts: Sequence[sequential.Verdict], gains: sequential.Course | None = None, margin: float = 0.0
) -> Standing:
    """Judge a policy that is live by its guardrails and by its gain over the champion; call it at every look.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Of `stats.sequential.watch`, on complaints, opt-outs, later outcomes. Harm once shown stays shown.
    gains : Course, optional
        `sequence` of the challenger against the champion, all looks so far.
    margin : float
        How much worse than the champion it may be, as approved.

    Returns
    -------
    Standing
        It does not stay where a guardrail shows harm, or where any look showed that it is worse than the
        champion by more than the margin. What is not yet known does not trip.

    Examples
    --------
    >>> import numpy as np
    >>> from suasion.stats.sequential import Counts, Guardrail, watch
    >>> rail = Guardrail("complaints", tuned_for=20_000, most=0.001)
    >>> standing(watch([rail], {"complaints": Counts(np.array([31]), np.array([10_000]))})).reasons
    ('complaints: harm shown at look 1, 0.0031 (0.00152 to 0.00552) where 0.001 is the most. Stop.',)
    """
    reasons = [verdict.text for verdict in verdicts if verdict.state == "harm"]
    looks = () if gains is None else gains.estimates
    worse = next((known for known in looks if known is not None and known.high < -margin), None)
    if worse is not None:
        reasons.append(f"It earns less than the champion: {worse.scaled(digits=4)} a decision.")
    return Standing(not reasons, tuple(reasons))
