"""What somebody who asks is told."""

from __future__ import annotations

from typing import Any

import msgspec

SPLIT, ONLY, CACHED, DISABLED = "SPLIT", "TARGETING_MATCH", "CACHED", "DISABLED"
"""Drawn; only one was possible; as at the first exposure; no permission."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What to show to one person.

    Parameters
    ----------
    placement, variant : str
    value : JSON
        As declared.
    probability : float or None
        Of the variant, for this person; None without permission.
    reason : str
        ``SPLIT``: drawn; ``TARGETING_MATCH``: only one was possible; ``CACHED``: as at the first exposure;
        ``DISABLED``: without permission, the generic variant.
    decision_id : str or None
        To be sent with the event that says that it was seen; None where nothing is to be learned from it.
    policy : int or None
        Version of what the policy had learned.
    more : tuple of Answer
        Where several variants were asked for, those after the first.
    """

    placement: str
    variant: str
    value: Any
    probability: float | None
    reason: str
    decision_id: str | None
    policy: int | None
    more: tuple[Answer, ...] = ()
