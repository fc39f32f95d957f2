"""Make scores known to the rest of the workspace."""

from __future__ import annotations

from suasion.ledger import Run
from suasion.rules import Clearance, Gate
from suasion.scores.scores import Scores, table_of


def publish_scores(
    run: Run, campaign: str, scores: Scores, inputs: str, clearance: Clearance, gate: Gate, facts: str
) -> None:
    """Write the table ``scores.CAMPAIGN``.

    Parameters
    ----------
    run : Run
    campaign : str
    scores : Scores
    inputs : str
        What they were made from.
    clearance : Clearance
        Must permit learning from every person.
    gate : Gate
    facts : str
        Version of the facts as they stand now.

    Raises
    ------
    ClearanceError
        The clearance does not permit it; nothing is written.
    """
    gate.admit(clearance, scores.persons, facts)
    run.write(f"scores.{campaign}", table_of(scores), inputs)
