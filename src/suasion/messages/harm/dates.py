"""Dates of votes in a message, held against the official table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from pydantic import Field

from suasion.declarations import Declared, read
from suasion.errors import CampaignError
from suasion.messages.harm.plain import folded, sentences

_MONTHS = (
    ("january", "jan", "januar", "janner", "janvier", "enero"),
    ("february", "feb", "februar", "fevrier", "febrero"),
    ("march", "mar", "marz", "mars", "marzo"),
    ("april", "apr", "avril", "abril"),
    ("may", "mai", "mayo"),
    ("june", "jun", "juni", "juin", "junio"),
    ("july", "jul", "juli", "juillet", "julio"),
    ("august", "aug", "aout", "agosto"),
    ("september", "sep", "sept", "septembre", "septiembre"),
    ("october", "oct", "oktober", "okt", "octobre", "octubre"),
    ("november", "nov", "novembre", "noviembre"),
    ("december", "dec", "dezember", "dez", "decembre", "diciembre"),
)
_DAYS = (
    ("monday", "montag", "lundi", "lunes"),
    ("tuesday", "dienstag", "mardi", "martes"),
    ("wednesday", "mittwoch", "mercredi", "miercoles"),
    ("thursday", "donnerstag", "jeudi", "jueves"),
    ("friday", "freitag", "vendredi", "viernes"),
    ("saturday", "samstag", "sonnabend", "samedi", "sabado"),
    ("sunday", "sonntag", "dimanche", "domingo"),
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_DAY = {name: number for number, names in enumerate(_DAYS) for name in names}
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
_VOTING = re.compile(
    r"\b(?:vot(?:e|es|ing|er|ers|ar|ez)|election\w*|polls?|polling|ballots?|referendum|primary|runoff|register"
    r"|wahl\w*|wahlen|stimmabgabe|abstimmung\w*|briefwahl|elections?|scrutin|elecciones|urnas)\b"
)
_WRITTEN = re.compile(
    rf"\b(?P<d1>\d{{1,2}})(?:st|nd|rd|th|\.)?\s*(?:of |de )?(?P<m1>{_NAMES})\b\.?"
    r"(?:,?\s*(?:de )?(?P<y1>\d{4}))?"
    rf"|\b(?P<m2>{_NAMES})\b\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s*(?P<y2>\d{{4}}))?"
    r"|\b(?P<y3>\d{4})-(?P<m3>\d{2})-(?P<d3>\d{2})\b"
    r"|\b(?P<a>\d{1,2})(?P<sep>[./])(?P<b>\d{1,2})(?:(?P=sep)(?P<y4>\d{4}|\d{2})\b|(?P=sep)|\b)"
)


class Vote(Declared):
    """An election, referendum or law, by the official calendar: its day and other days that count.

    `days` are further official ones by name, such as ``registration`` or ``early_voting``.
    """

    name: str = Field(min_length=1)
    territory: str = Field(min_length=2)
    on: date
    source: str = Field(min_length=1)
    days: dict[str, date] = Field(default_factory=dict)


class Calendar(Declared):
    """``votes.toml``."""

    votes: tuple[Vote, ...] = Field(min_length=1)


def votes_from(path: Path) -> tuple[Vote, ...]:
    """Read the official table of a workspace; none where it has none.

    Raises
    ------
    CampaignError
        Malformed.
    """
    return read(path, Calendar, CampaignError).votes if path.is_file() else ()


def wrong_dates(text: str, votes: Sequence[Vote]) -> tuple[str, ...]:
    """Sentences about voting with a date or weekday that is none of the official table's.

    Parameters
    ----------
    text : str
        As `plain.plain` makes it.
    votes : sequence of Vote

    Returns
    -------
    tuple of str
        Without a table every such date is wrong: unknown is no.

    Examples
    --------
    >>> poll = Vote(name="Council", territory="DE", on=date(2027, 3, 14), source="the town's notice")
    >>> wrong_dates("Vote on Sunday, 14 March 2027! The office is open on 15 March.", [poll])
    ()
    >>> wrong_dates("The election is on Monday, 15 March.", [poll])
    ('The election is on Monday, 15 March.',)
    """
    official = {day for vote in votes for day in (vote.on, *vote.days.values())}
    return tuple(one for one in sentences(text) if _is_wrong(folded(one), official))


def _is_wrong(sentence: str, official: set[date]) -> bool:
    if not _VOTING.search(sentence):
        return False
    weekdays = {_DAY[word] for word in re.findall(r"[a-z]+", sentence) if word in _DAY}
    readings = [{one for one in official if _same(one, *said)} for said in _dates(sentence)]
    named = set().union(*readings) or (official if not readings else set[date]())
    return not all(readings) or not weekdays <= {one.weekday() for one in named}


def _same(day: date, year: int | None, month: int, of_month: int) -> bool:
    return (day.month, day.day) == (month, of_month) and year in (None, day.year)


def _dates(sentence: str) -> Iterator[tuple[int | None, int, int]]:
    """Year, month and day of each date; what may be read in two orders must be right in the European one,
    unless a slash parts it, or only the other is a date."""
    for found in _WRITTEN.finditer(sentence):
        part = found.groupdict()
        if part["a"]:
            first, second = int(part["a"]), int(part["b"])
            us = (part["sep"] == "/" and first <= 12) or second > 12
            year = None if part["y4"] is None else int(part["y4"]) + (2000 if len(part["y4"]) == 2 else 0)
            yield (year, first, second) if us else (year, second, first)
            continue
        number = next(n for n in "123" if part[f"d{n}"])
        month, year = part[f"m{number}"], part[f"y{number}"]
        yield int(year) if year else None, _MONTH.get(month, 0) or int(month), int(part[f"d{number}"])
