"""Plurality: nobody hears only one side, however often they are written to.

It is about messages, never about opinions of people: topics and stances are tagged at review.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LONGEST = 100
"""Messages in a row that a rule for entropy looks at."""
_DUST = 1e-9


@dataclass(frozen=True)
class Rule:
    """Of any `within` messages in a row, at most `most` have the same tag.

    Parameters
    ----------
    most : int
        Less than `within`.
    within : int
        2 or more.
    """

    most: int
    within: int

    @property
    def largest_share(self) -> float:
        """The share that no tag exceeds among any `within` or more messages in a row.

        Among k times `within` and j more messages are k times `most` and min(j, `most`) with one tag at
        most; no k >= 1 and j < `within` make that a larger share than k = 1 and j = `most`.
        """
        return 2 * self.most / (self.within + self.most)


@dataclass(frozen=True)
class Plurality:
    """How mixed the messages of a person must be within so many days.

    The promise, of all messages that a person had in any stretch of time no longer than `days`, counting
    those with tags: for a share, that of n messages at least floor(`least_share` n) are without the most
    frequent tag (at 0.2, one in five: four alike are fine, the fifth must be another); for an entropy, that
    as soon as they are as many as the rule looks at, their tags have at least `least_entropy` times the
    most bits there can be.

    Parameters
    ----------
    days : int
    least_share : float, optional
        0.01 to 0.5.
    least_entropy : float, optional
        In (0, 1]; exactly one of both is given.
    of : "stance" or "topics"
        A message has one stance at most, and any number of topics.

    Raises
    ------
    CampaignError
        Both or none of the measures, or one out of its range.
    """

    days: int
    least_share: float | None = None
    least_entropy: float | None = None
    of: Literal["stance", "topics"] = "stance"

    def __post_init__(self) -> None:
        share, entropy = self.least_share, self.least_entropy
        given = (share is not None and 0.01 <= share <= 0.5, entropy is not None and 0 < entropy <= 1)
        if sum(given) != 1 or (share is not None and entropy is not None):
            found = f"least_share {share}, least_entropy {entropy}"
            raise CampaignError("plurality", found, "Give a share from 0.01 to 0.5, or an entropy up to 1.")

    def rule(self, tags: int) -> Rule:
        """The rule on messages in a row that keeps the promise.

        A window that slides loses its oldest messages, and with them what made it mixed; a count within the
        window of today says nothing of that of tomorrow. A rule on messages in a row holds for every window,
        for what a window has are messages in a row. For a share, one in q = floor(1 / share) must be
        another: n messages hold floor(n / q) such, and that is floor(share n) or more. For an entropy,
        the loosest rule of "one in q is another" and "no two of q are alike" under which the largest share
        p of a tag leaves enough of it: the least entropy of all distributions without a larger share has
        floor(1 / p) shares of p and one of the rest (Schur concavity; Marshall, Olkin and Arnold 2011,
        Inequalities, 2nd edition, chapter 3).

        Parameters
        ----------
        tags : int
            How many different tags there are in all messages.

        Returns
        -------
        Rule

        Raises
        ------
        CampaignError
            So few tags, or so much entropy, that whoever keeps to it could not be written to any more.

        Examples
        --------
        >>> Plurality(30, least_share=0.2).rule(2)
        Rule(most=4, within=5)
        >>> Plurality(30, least_entropy=0.5).rule(2), Plurality(30, least_entropy=0.5).rule(4)
        (Rule(most=4, within=5), Rule(most=1, within=3))
        """
        if self.least_share is not None:
            one_in = math.floor(1 / self.least_share + _DUST)
            return Rule(one_in - 1, one_in)
        bits = (self.least_entropy or 0) * math.log2(max(tags, 1))
        loose = (Rule(one_in - 1, one_in) for one_in in range(LONGEST, 1, -1) if tags > 1)
        for rule in (*loose, *(Rule(1, length) for length in range(3, tags + 1))):
            if _least_bits(rule.largest_share) >= bits - _DUST:
                return rule
        found = f"no order of messages with {tags} different {self.of} can promise it at all times"
        todo = "Ask for less entropy, for a share, or review more messages."
        raise CampaignError(f"plurality with least_entropy {self.least_entropy}", found, todo)


def recent(rows: Ids, tags: Bools, people: int, rule: Rule) -> Ids:
    """Count the tags of each person's latest messages: one less than the rule looks at.

    Messages without tags are passed over: what they say is unknown, and they make nothing mixed.

    Parameters
    ----------
    rows : array of int64, shape (m,)
        Whose each message was, 0 to `people`; those of a person oldest first, and none older than the days.
    tags : array of bool, shape (m, s)
        Of each message.
    people : int
    rule : Rule

    Returns
    -------
    array of int64, shape (people, s)

    Examples
    --------
    >>> tags = np.array([[True, False], [False, True], [False, True], [False, False]])
    >>> recent(np.array([0, 0, 0, 1]), tags, 2, Rule(2, 3)).tolist()
    [[0, 2], [0, 0]]
    """
    order = np.argsort(rows, kind="stable")
    order = order[tags[order].any(axis=1)]
    rows, tags = rows[order], tags[order]
    ends = np.cumsum(np.bincount(rows, minlength=people))
    late = ends[rows] - np.arange(len(rows)) < rule.within
    rows, tags = rows[late], tags[late]
    had = [np.bincount(rows[tag], minlength=people) for tag in tags.T]
    return np.stack(had, axis=1) if had else np.zeros((people, 0), np.int64)


def closed_by_plurality(had: Ids, options: Bools, rule: Rule) -> Bools:
    """Close the options with a tag that a person's latest messages have as often as the rule allows.

    An option without tags cannot be shown to keep the promise, and is closed for everybody.

    Parameters
    ----------
    had : array of int64, shape (n, s)
        From `recent`: what each person had up to this round.
    options : array of bool, shape (k, s)
        Tags of each option.
    rule : Rule

    Returns
    -------
    array of bool, shape (n, k)

    Notes
    -----
    *The promise is never broken, however many rounds there are.* Take any `within` messages in a row, and
    any tag. If the last of them has it, it was open: of the others, which are those that `recent` counted,
    fewer than `most` had it, and now `most` at most do. If the last does not have it, drop it, and go back
    to the last that has: the same holds of the messages in a row that end there. So the rule holds of all
    messages in a row, and `Plurality.rule` says why a promise follows. It is of messages that were given
    while this was kept; what came before may be one-sided, and no message makes it more so.

    *Nobody is locked out of every stance.* `within` - 1 messages have one stance each, and it takes `most`
    of them to close one: floor((`within` - 1) / `most`) are closed at most. With a share, or "one in q",
    that is one stance, and every other stays open; with "no two of q alike" it is q - 1, and
    `Plurality.rule` refuses a q above the number of stances. Of topics a message may have several; what
    shares none with the latest messages stays open.

    Examples
    --------
    >>> had, options = np.array([[4, 0], [3, 1]]), np.array([[True, False], [False, True], [False, False]])
    >>> closed_by_plurality(had, options, Rule(4, 5)).tolist()
    [[True, False, True], [False, False, True]]
    """
    closed = np.tile(~options.any(axis=1), (len(had), 1))
    for tag in range(options.shape[1]):
        closed[:, options[:, tag]] |= (had[:, tag] >= rule.most)[:, None]
    return closed


def plurality_notes(names: Sequence[str], options: Bools, closed: Bools, of: str) -> tuple[str, ...]:
    """What plurality closed, in plain words.

    Parameters
    ----------
    names : sequence of str, length k
        Of the options.
    options : array of bool, shape (k, s)
    closed : array of bool, shape (n, k)
        From `closed_by_plurality`.
    of : "stance" or "topics"

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> closed = np.array([[False, True], [True, True]])
    >>> for note in plurality_notes(("call", "letter"), np.array([[True], [False]]), closed, "stance"):
    ...     print(note)
    Plurality refuses letter: review says nothing of its stance.
    To 1 people plurality closes an option, to 1 of them every option.
    """
    untagged: Bools = np.logical_not(options.any(axis=1))
    refused = (
        f"Plurality refuses {name}: review says nothing of its {of}."
        for name, without in zip(names, untagged.tolist(), strict=True)
        if without
    )
    some = closed[:, ~untagged].any(axis=1)
    every = some & closed.all(axis=1)
    told = f"To {some.sum():,} people plurality closes an option, to {every.sum():,} of them every option."
    return (*refused, *([told] if some.any() else []))


def _least_bits(largest: float) -> float:
    """The least entropy where no share is larger than this."""
    whole = math.floor(1 / largest + _DUST)
    rest = max(1 - whole * largest, 0.0)
    return -whole * largest * math.log2(largest) - (rest * math.log2(rest) if rest > _DUST else 0.0)
