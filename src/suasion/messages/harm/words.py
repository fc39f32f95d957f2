"""Appeals by word lists: what plays on fear, haste, guilt, threat and want, and whom it may hurt most.

The lists are our own (``appeals.toml``). In English, VADER decides whether a sentence that holds a word of
fear is meant to frighten: "do not be afraid, help is here" is not [1]_.

.. [1] Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media
   Text", ICWSM 2014.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from suasion.messages.harm.plain import folded, sentences

APPEALS = (
    *("fear", "urgency", "guilt", "threat", "scarcity_unproven", "vulnerable_group"),
    *("exposes_third_persons", "discourages_voting", "subject_misleading"),
)
"""What is looked for, by the name of the fact that rules judge."""
FRIGHTENS = -0.25
"""Compound score of VADER, from -1 to 1, at or below which a sentence with a word of fear frightens."""


def appeals(text: str, subject: str = "") -> dict[str, tuple[str, ...]]:
    """What plain text appeals to.

    Parameters
    ----------
    text : str
        As `plain.plain` makes it.
    subject : str
        The subject line, in which alone ``subject_misleading`` is looked for.

    Returns
    -------
    dict of str to tuple of str
        The words found by appeal, in the order in which they are said.

    Examples
    --------
    >>> appeals("Act now or you will lose your home.")
    {'fear': ('lose your home',), 'urgency': ('act now',), 'threat': ('or you will lose',)}
    >>> appeals("Do not be afraid, we help. Come when you like.")
    {}
    """
    found: dict[str, list[str]] = {}
    for appeal in APPEALS:
        said = sentences(subject if appeal == "subject_misleading" else f"{subject}\n{text}")
        words = [word for sentence in said for word in _in(appeal, sentence)]
        if words:
            found[appeal] = list(dict.fromkeys(words))
    return {appeal: tuple(words) for appeal, words in found.items()}


def _in(appeal: str, sentence: str) -> Iterator[str]:
    matches = [match[0] for match in _patterns()[appeal].finditer(folded(sentence))]
    if appeal == "fear" and matches and _soothes(sentence):
        return
    yield from matches


def _soothes(sentence: str) -> bool:
    """Whether an English sentence is no worse than calm; of other languages VADER knows no word: 0."""
    score = _vader().polarity_scores(sentence)
    return score["neu"] < 1 and score["compound"] > FRIGHTENS


@cache
def _vader() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    lists = tomllib.loads(files("suasion.messages.harm").joinpath("appeals.toml").read_text("utf-8"))
    return {
        appeal: re.compile("|".join(_pattern(one) for words in lists[appeal].values() for one in words))
        for appeal in APPEALS
    }


def _pattern(phrase: str) -> str:
    """A phrase of whole words; ``*`` ends a stem, ``...`` stands for up to three words."""
    words = [
        r"(?:\w+\W+){0,3}?" if word == "..." else re.escape(folded(word.rstrip("*"))) + _end(word)
        for word in phrase.split()
    ]
    return r"\b" + "".join(words).removesuffix(r"\W+")


def _end(word: str) -> str:
    return r"\w*\W+" if word.endswith("*") else r"\b\W+"
