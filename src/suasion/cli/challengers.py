"""Champions and challengers on the screen."""

from __future__ import annotations

from typing import Any

from suasion.cli import show as screen
from suasion.learning import ope
from suasion.workspace import deciding, streaming

_COLUMNS = ("policy", "worth, decisions", "a decision", "largest weight", "cut", "could not be shown")


def compared(found: streaming.Compared) -> None:
    """A comparison, and what to do with it."""
    of = found.comparison
    screen.said([of.text, f"{found.judged:,} of {found.told:,} decisions were judged. {found.how}"])
    said = zip((*of.names, "gain"), (of.challenger, of.champion, of.gain), strict=True)
    screen.table("Estimates", _COLUMNS, [(name, *_row(one)) for name, one in said])
    screen.said([f"Comparison {found.digest}, in the log, of content {found.content}"])
    if of.may_go_live:
        command = f"suasion placement approve {found.placement} --by NAME --why REASON --shown {found.digest}"
        screen.said([f"To let it decide for its share of persons: `{command}`"])


def stands(one: deciding.Shown) -> list[str]:
    """How champion and challenger stand, line by line."""
    declared, said = one.challenger, one.challenge
    lines = [f"Champion: '{one.policy}'."]
    if declared is not None:
        share = f"{declared.share:.0%} of persons, margin {declared.margin:g} a decision"
        lines.append(f"Challenger: '{declared.kind}', {share}; {_standing(one)}.")
    if said.compared is not None:
        content = said.compared.content
        of = "" if content["content"] == one.content else " It was of another content."
        lines.append(f"Compared {said.compared.at[:16]}: {content['text']} Digest {content['digest']}.{of}")
    if said.returned is not None:
        reasons = " ".join(said.returned.content["reasons"])
        lines.append(f"A challenger returned {said.returned.at[:16]}: {reasons}")
    return lines


def told(one: deciding.Shown) -> dict[str, Any]:
    """The same for JSON."""
    said, declared = one.challenge, one.challenger
    rows = {"compared": said.compared, "returned": said.returned}
    return {
        "challenger": declared and declared.model_dump(mode="json"),
        "challenger_live": said.serves(one.content),
        **{name: row and {"at": row.at, **row.content} for name, row in rows.items()},
    }


def _standing(one: deciding.Shown) -> str:
    said = one.challenge
    if said.serves(one.content):
        return f"live since {said.since:%Y-%m-%d %H:%M}"
    over = (
        said.returned is not None and said.approvals and said.returned.position > said.approvals[-1].position
    )
    return "returned, and everybody is decided for by the champion" if over else "not live"


def _row(one: ope.Evaluation) -> tuple[str, ...]:
    value = one.estimate.scaled(digits=4) if one.estimate else one.reason or ""
    never = "not known" if one.unsupported is None else f"{one.unsupported:.1%}"
    return f"{one.ess:,.0f}", value, f"{one.largest_weight:.1f}", f"{one.clipped_share:.1%}", never
