"""Champion and challenger: what the log says of them, and what may be approved by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from suasion.allocation import placement as declared
from suasion.errors import CampaignError, DamageError
from suasion.ledger import Ledger, log, schema
from suasion.stats import sequential
from suasion.workspace.deciding.prepare import Prepared

APPROVED, COMPARED, RETURNED = "approved", "compared", "returned"
"""Kinds of rows of the log: who approved which policies; what a comparison found; that a challenger went."""
LANE = "#challenger"
"""After a placement's name: what its challenger learned, in the ledger."""

_CLOSED = "closed"
"""Kind of a row of the log: a guardrail switched a variant off."""
_LEAST_GAIN = 1e-4
"""No look is planned for less, a decision."""
_MOST_GROWN = 1.05
"""Exposures on record for each one there was when a comparison was made: with more it says nothing of now."""
_HOUR = 3600.0


@dataclass(frozen=True)
class Challenge:
    """What the log says of the policies of a placement.

    Parameters
    ----------
    approvals : tuple of LogRow
        All, the first one first.
    compared, returned, closed : LogRow or None
        The newest.
    """

    approvals: tuple[log.LogRow, ...] = ()
    compared: log.LogRow | None = None
    returned: log.LogRow | None = None
    closed: log.LogRow | None = None

    @property
    def trial(self) -> log.LogRow | None:
        """The approval by which a challenger is live; None where none is."""
        newest = self.approvals[-1] if self.approvals else None
        if newest is None or newest.content["challenger"] is None or self._is_over(newest):
            return None
        return newest

    @property
    def since(self) -> datetime | None:
        """Since when the challenger is live: approved again, it goes on."""
        trial = self.trial
        if trial is None:
            return None
        first = trial
        for row in reversed(self.approvals):
            if row.content["challenger"] != trial.content["challenger"] or self._is_over(row):
                break
            first = row
        return datetime.fromisoformat(first.at)

    def serves(self, content: str) -> bool:
        """Whether the challenger of exactly this content decides."""
        return self.trial is not None and self.trial.content["content"] == content

    def knows(self, terms: Mapping[str, Any]) -> bool:
        """Whether a policy may be the champion: it was before, or is the challenger that is live."""
        said = [row.content for row in self.approvals]
        tried = self.trial.content["challenger"] if self.trial is not None else None
        is_promoted = tried is not None and tried["policy"] == terms
        return not said or is_promoted or any(one["policy"] == terms for one in said)

    def _is_over(self, approval: log.LogRow) -> bool:
        return self.returned is not None and self.returned.position > approval.position


def challenge_of(connection: Connection, record: str) -> Challenge:
    """What the log says of the policies of a placement.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    record : str
        ``placement:NAME``.

    Raises
    ------
    DamageError
        A row is not what was appended.
    """
    approvals = tuple(map(_whole, log.about(connection, APPROVED, record)))
    newest = (log.newest(connection, kind, record) for kind in (COMPARED, RETURNED, _CLOSED))
    return Challenge(approvals, *(None if row is None else _whole(row) for row in newest))


def read_challenge(ledger: Ledger, record: str) -> Challenge:
    """As `challenge_of`, by a connection of its own."""
    with ledger.reading() as connection:
        return challenge_of(connection, record)


def ripe_of(connection: Connection, placement: declared.Placement, at: datetime) -> int:
    """Exposures on record whose horizon has passed, whoever saw whatever."""
    a, since = schema.assignments.c, at.timestamp() - _HOUR * placement.horizon_hours
    chosen = (a.experiment == placement.record) & (a.at <= since)
    return connection.execute(select(func.count()).where(chosen)).scalar_one()


def terms_of(terms: declared.PolicyTerms) -> dict[str, Any]:
    """A policy as the log keeps it: what is left out is as the software has it by default."""
    return {"kind": terms.kind, **terms.model_dump(mode="json", exclude_defaults=True)}


def approval_of(challenge: Challenge, prepared: Prepared, by: str, shown: str | None) -> dict[str, Any]:
    """What the log says of an approval: whoever judges the next change goes by it.

    `planned` is the standard error at which the gain that was shown would be told from nothing: there the
    looks at a challenger that is live are sharpest.
    """
    placement = prepared.placement
    said: dict[str, Any] = {"content": prepared.content, "by": by, "shown": shown, "planned": None}
    if placement.challenger is not None and challenge.compared is not None:
        gain = challenge.compared.content["comparison"]["gain"]["estimate"]
        least = max(placement.challenger.margin, _LEAST_GAIN)
        said["planned"] = sequential.planned_error(max(abs(gain["value"]), least))
    return {**said, "policy": terms_of(placement.policy), "challenger": tried_of(placement)}


def tried_of(placement: declared.Placement) -> dict[str, Any] | None:
    """The challenger of a placement as the log keeps it."""
    tried = placement.challenger
    if tried is None:
        return None
    return {"policy": terms_of(tried.terms), "share": tried.share, "margin": tried.margin}


def check_policies(
    challenge: Challenge, prepared: Prepared, shown: str | None, ripe: int, *, exposed: bool
) -> None:
    """See that each policy that would decide may.

    The first policy of a placement needs no estimate: nobody was shown anything, so there is no log to
    estimate it on, and what learns begins with equal chances, or as its prior says. From the first exposure
    on, another policy decides only as a challenger whose estimate was shown, or after that as the champion.

    Parameters
    ----------
    challenge : Challenge
    prepared : Prepared
    shown : str or None
        Digest of the comparison that the approver saw.
    ripe : int
        As of `ripe_of`, now.
    exposed : bool
        Whether anybody was shown a variant.

    Raises
    ------
    CampaignError
        One may not.
    """
    placement = prepared.placement
    asked = f"the policy of placement '{placement.name}'"
    if exposed and not challenge.knows(terms_of(placement.policy)):
        found = "another one than was approved, and no challenger that is live"
        todo = "Put back the policy that was approved, and declare this one as [challenger]."
        raise CampaignError(asked, found, todo)
    if placement.challenger is not None:
        _check_shown(challenge, prepared, shown, ripe)
    elif shown is not None:
        found = "a comparison, but no challenger"
        raise CampaignError(asked, found, "Declare [challenger], or leave out --shown.")


def _check_shown(challenge: Challenge, prepared: Prepared, shown: str | None, ripe: int) -> None:
    found = _unfit(challenge, prepared.content, shown, ripe)
    if found is not None:
        name = prepared.placement.name
        todo = f"Run `suasion placement compare {name}`, read it, and approve with --shown and its digest."
        raise CampaignError(f"the challenger of placement '{name}'", found, todo)


def _unfit(challenge: Challenge, content: str, shown: str | None, ripe: int) -> str | None:
    """Why the newest comparison lets no challenger go live; None where it does."""
    row = challenge.compared
    if row is None or row.content["content"] != content:
        return "no comparison of exactly what its file says now"
    if (old := _outdated(challenge, row, ripe)) is not None:
        return old
    if not row.content["may_go_live"]:
        return f"the comparison speaks against it: {' '.join(row.content['reasons'])}"
    if shown is None:
        return f"nobody says that the comparison {row.content['digest']} was shown"
    return None if shown == row.content["digest"] else "another comparison than the newest"


def _outdated(challenge: Challenge, compared: log.LogRow, ripe: int) -> str | None:
    """What happened since a comparison, so that it says nothing of now any more; None where nothing did."""
    returned, closed, then = challenge.returned, challenge.closed, compared.content.get("ripe", 0)
    if returned is not None and returned.position > compared.position:
        return "no comparison since it was returned"
    if closed is not None and closed.position > compared.position:
        return f"no comparison since '{closed.content['variant']}' was switched off"
    if ripe <= _MOST_GROWN * then:
        return None
    return f"{ripe:,} exposures whose horizon has passed, but a comparison from when there were {then:,}"


def _whole(row: log.LogRow) -> log.LogRow:
    """The row, if it is what was appended."""
    if log.leaf_of(row.kind, row.campaign, row.body, row.at).hex() != row.hash:
        todo = "Run `suasion verify`, and restore the ledger from a backup."
        raise DamageError(f"row {row.position} of the log", "it is not what was appended", todo)
    return row
