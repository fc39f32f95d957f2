"""What words find in the messages of a campaign, and what the rules say of it."""

from __future__ import annotations

from suasion.messages import harm
from suasion.workspace.brief import Brief


def reviewed(brief: Brief) -> tuple[harm.Reviewed, ...]:
    """Review the words of every treatment of a campaign that says something."""
    return tuple(
        harm.Reviewed(
            name,
            brief.messages[terms.message].harms(terms.variant, brief.votes).findings,
            brief.refused.get(name, ()),
        )
        for name, terms in brief.campaign.treatments.items()
        if terms.message is not None
    )
