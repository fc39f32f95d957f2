"""Claims: sentences that can be true or false, and where each is from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

from pydantic import Field

from suasion.declarations import Declared
from suasion.messages.harm.plain import folded, sentences

_FACTUAL = re.compile(
    r"(?:\d[\d.,]*\s?(?:%|percent|per cent|prozent|pour cent|por ciento|times|million|billion|thousand|mrd))"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine) (?:out of|in) (?:\w+)\b"
    r"|\b\d+ (?:out )?of (?:every )?\d+\b"
    r"|\b(?:study|studies|research|survey|scientists|experts|doctors|statistics|poll) (?:\w+ ){0,2}"
    r"(?:shows?|showed|found|finds?|proves?|proved|says?|confirms?|agree)\b"
    r"|\b(?:studien?|forscher|experten|umfragen?|statistik) (?:\w+ ){0,2}(?:zeig|beleg|beweis|sag)\w+\b"
    r"|\b(?:proven|proved|guaranteed|scientifically|clinically|bewiesen|nachweislich|garantiert|prouve|"
    r"demostrado)\b"
    r"|\b(?:the (?:best|worst|cheapest|safest|fastest|largest|biggest|only)|number one|no\. ?1)\b"
    r"|\b(?:voted (?:for|against)|raised taxes|cut taxes|doubled|tripled|halved)\b"
    r"|\b(?:fell|rose|increased|dropped) by\b"
)
"""Numbers that measure, appeals to research, proof and superlatives. Too many rather than too few."""


class Claim(Declared):
    """One checkable statement of a message, word for word, with its source and the day it was looked up."""

    text: str = Field(min_length=3)
    source: str = Field(min_length=3)
    on: date
    url: str | None = Field(default=None, pattern=r"^https?://[!-~]+$")


def unsourced(text: str, claims: Iterable[Claim]) -> tuple[str, ...]:
    """Sentences that state a fact and are no declared claim.

    Parameters
    ----------
    text : str
        As `plain.plain` makes it.
    claims : iterable of Claim
        A claim stands for every sentence that holds its words, and for no other number.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> unsourced("Nine out of ten doctors agree. Come on Monday.", ())
    ('Nine out of ten doctors agree.',)
    >>> told = Claim(text="nine out of ten doctors agree", source="Survey of 2026", on=date(2026, 11, 1))
    >>> unsourced("Nine out of ten doctors agree!", [told])
    ()
    """
    known = [_bare(claim.text) for claim in claims]
    return tuple(one for one in sentences(text) if _states(one, known))


def _states(sentence: str, known: Sequence[str]) -> bool:
    """Whether what is left of a sentence without the known claims states a fact still."""
    rest = _bare(sentence)
    for claim in known:
        rest = rest.replace(claim, " ")
    return _FACTUAL.search(rest) is not None


def _bare(text: str) -> str:
    return " ".join(folded(text).strip(" .!?\"'").split())
