"""All that words tell of a message, as facts for the rules and as findings for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suasion.messages.harm.claims import Claim, unsourced
from suasion.messages.harm.dates import Vote, wrong_dates
from suasion.messages.harm.plain import folded, joined, plain
from suasion.messages.harm.words import APPEALS, appeals
from suasion.rules import Reason

HARD = ("threat", "urgency", "vulnerable_group")
"""Threat, a deadline and a vulnerable group in one message: nobody can overrule these findings then."""

_AI_SAID = re.compile(
    r"\b(?:written|made|generated|created|drafted)\b[^.!?]{0,30}\b(?:ai|artificial intelligence|machine)\b"
    r"|\bai[- ](?:generated|written|made|assisted)\b"
    r"|\b(?:ki|kunstlicher intelligenz)[- ]?(?:generiert|erzeugt|erstellt|geschrieben)\w*\b"
    r"|\bmit (?:hilfe von )?(?:ki|kunstlicher intelligenz)\b"
    r"|\bgenere[es]* par (?:une )?ia\b|\bgenerad[oa] por ia\b"
)
_AD_SAID = re.compile(
    r"\b(?:advertis(?:ement|ing)|anzeige|werbung|publicite|publicidad|political advertis\w+|paid for by)\b"
)


@dataclass(frozen=True)
class Finding:
    """What was found, by which words, and whether a reviewer overruled it.

    Parameters
    ----------
    fact : str
        As rules name it.
    words : tuple of str
        Of the message; it is public.
    overruled : str or None
        The reviewer's reason.
    """

    fact: str
    words: tuple[str, ...]
    overruled: str | None = None

    def __str__(self) -> str:
        """The finding as people read it."""
        said = f"{self.fact.replace('_', ' ')}: {', '.join(repr(word) for word in self.words)}"
        return said if self.overruled is None else f"{said} (overruled: {self.overruled})"


@dataclass(frozen=True)
class Harm:
    """What words tell of a message.

    Parameters
    ----------
    facts : dict of str to bool or int
        For the rules to judge.
    findings : tuple of Finding
    """

    facts: dict[str, bool | int]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Reviewed:
    """The review of one treatment's words.

    Parameters
    ----------
    treatment : str
    findings : tuple of Finding
        What words tell; those that a reviewer overruled among them.
    reasons : tuple of Reason
        Rules that refuse the message as it stands.
    """

    treatment: str
    findings: tuple[Finding, ...]
    reasons: tuple[Reason, ...]


def review(
    parts: Mapping[str, str],
    more: Sequence[str],
    claims: Sequence[Claim],
    votes: Sequence[Vote],
    reasons: Mapping[str, str],
) -> Harm:
    """Look through one variant of a message.

    Parameters
    ----------
    parts : mapping of str to str
        Its templates by ``subject``, ``text`` and ``html``.
    more : sequence of str
        What may stand in for its fields.
    claims : sequence of Claim
    votes : sequence of Vote
        The official table.
    reasons : mapping of str to str
        Why a reviewer overrules a finding, by fact.

    Returns
    -------
    Harm

    Examples
    --------
    >>> found = review({"text": "Act now, or you will lose your benefits!"}, (), (), (), {})
    >>> found.facts["threat"], found.facts["urgency"], found.facts["guilt"]
    (True, True, False)
    """
    subject = plain(parts.get("subject", ""))
    text = joined([*(source for part, source in parts.items() if part != "subject"), *more])
    said = f"{subject}\n{text}"
    found = [Finding(appeal, words) for appeal, words in appeals(text, subject).items()]
    unproven = list(dict.fromkeys(unsourced(said, claims)))
    wrong = list(dict.fromkeys(wrong_dates(said, votes)))
    found += [Finding("claims_unsourced", tuple(unproven))] if unproven else []
    found += [Finding("dates_wrong", tuple(wrong))] if wrong else []
    findings = overruled(found, reasons)
    standing = {finding.fact for finding in findings if finding.overruled is None}
    bare = folded(said)
    return Harm(
        {
            **{appeal: appeal in standing for appeal in APPEALS},
            "claims_unsourced": len(unproven) if "claims_unsourced" in standing else 0,
            "dates_wrong": len(wrong),
            "ai_marked": _AI_SAID.search(bare) is not None,
            "advertisement_marked": _AD_SAID.search(bare) is not None,
        },
        findings,
    )


def overruled(found: Sequence[Finding], reasons: Mapping[str, str]) -> tuple[Finding, ...]:
    """The findings with a reviewer's reasons; wrong dates stand, and so do `HARD` ones found together."""
    together = {finding.fact for finding in found}.issuperset(HARD)
    fixed = {"dates_wrong", *(HARD if together else ())}
    return tuple(
        one if one.fact in fixed else Finding(one.fact, one.words, reasons.get(one.fact)) for one in found
    )
