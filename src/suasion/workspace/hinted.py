"""Why a message came, without a value of the person: for a page that others may read, too."""

from __future__ import annotations

from suasion.workspace.why import Explained

MOST = 3
"""So many reasons."""
ALIKE = "Everybody was treated alike: it cannot be told for whom a message does more than for others."
ESTIMATE = "This is an estimate from what other people did, not a fact about you."
LOT = "Nothing that is known of you decided it: you were left to the lot."


def hints_of(found: Explained) -> tuple[str, ...]:
    """What moved a person's score and what would alter the decision, by the names of the traits alone.

    Parameters
    ----------
    found : Explained

    Returns
    -------
    tuple of str
        For the person to read; no value of theirs is in it.

    Examples
    --------
    >>> hints_of(Explained("flu", "came", by_lot=True))[0] == LOT
    True
    """
    said = [LOT] if found.by_lot else []
    if not found.reasons or found.effect is None or found.average is None:
        return (*said, ALIKE) if found.effect is not None else tuple(said)
    side = "above" if found.effect > found.average else "below"
    said.append(f"What a message is expected to change for you is {side} the average.")
    strong = [reason for reason in found.reasons if abs(reason.share) > reason.error][:MOST]
    for place, reason in enumerate(strong):
        verb = "raised" if reason.share > 0 else "lowered"
        said.append(f"{_begun(reason.label)} {verb} it {'most' if place == 0 else 'too'}.")
    if found.change is not None:
        named = {reason.column: reason.label for reason in found.reasons}
        labels = " and ".join(named[column] for column in found.change.columns if column in named)
        said.append(f"If {labels} were other for you, the decision would have been another.")
    elif not found.by_lot:
        said.append("No single change, and no two together, would have altered the decision.")
    return (*said, ESTIMATE)


def _begun(label: str) -> str:
    """At the beginning of a sentence, after "your" where it is not quoted."""
    return f"Your {label}" if label[:1].isalpha() else label
