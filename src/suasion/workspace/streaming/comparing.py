"""Compare a challenger with the champion on the champion's log, and say so in the public log."""

from __future__ import annotations

from dataclasses import dataclass

from suasion.errors import CampaignError, UndefinedError
from suasion.learning import ope
from suasion.ledger import log
from suasion.workspace.deciding.challenge import COMPARED, ripe_of
from suasion.workspace.deciding.prepare import prepare
from suasion.workspace.streaming.foreseen import BLOCKS, foreseen
from suasion.workspace.workspace import Workspace

HOW = (
    f"Both learned anew from the log, in {BLOCKS} blocks in the order of time, and each block was judged by "
    "what they knew before it."
)


@dataclass(frozen=True)
class Compared:
    """What is shown before a challenger is approved.

    Parameters
    ----------
    placement, content : str
        `content`: digest of what the placement says; any other content needs its own comparison.
    comparison : Comparison
    judged, told : int
        Decisions judged, and decisions whose horizon has passed.
    ripe : int
        Exposures on record whose horizon has passed, whatever was seen: who approves later goes by it.
    how : str
        How neither policy learned from decisions that it is judged on.
    """

    placement: str
    content: str
    comparison: ope.Comparison
    judged: int
    told: int
    ripe: int
    how: str = HOW

    @property
    def digest(self) -> str:
        """What an approval names as shown."""
        return self.comparison.digest

    def as_dict(self) -> dict[str, object]:
        """The comparison for the log and for JSON."""
        return {
            "content": self.content,
            "digest": self.digest,
            "may_go_live": self.comparison.may_go_live,
            "text": self.comparison.text,
            "reasons": list(self.comparison.reasons),
            "judged": self.judged,
            "told": self.told,
            "ripe": self.ripe,
            "how": self.how,
            "comparison": self.comparison.as_dict(),
        }


def compare(workspace: Workspace, name: str) -> Compared:
    """Estimate what the challenger of a placement would have brought beside the champion, and log it.

    Parameters
    ----------
    workspace : Workspace
    name : str

    Returns
    -------
    Compared

    Raises
    ------
    CampaignError
        There is no challenger, or no log that could tell.
    """
    at = workspace.now()
    prepared = prepare(workspace.folder, workspace.settings, name, at)
    placement = prepared.placement
    found = foreseen(workspace.ledger, workspace.tables(), placement, at)
    tried = placement.challenger
    names = f"the challenger ({tried.kind if tried else ''})", f"the champion ({placement.policy.kind})"
    margin = tried.margin if tried else 0.0
    try:
        comparison = ope.compare(found.logged, found.challenger, found.champion, names, margin)
    except UndefinedError as error:
        raise CampaignError(f"a comparison at placement '{name}'", error.found, error.todo) from error
    with workspace.ledger.writing() as connection:
        ripe = ripe_of(connection, placement, at)
        made = Compared(name, prepared.content, comparison, found.logged.n, found.told, ripe)
        log.append(connection, COMPARED, placement.record, made.as_dict(), at)
    return made
