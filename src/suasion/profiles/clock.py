"""What time it is where people are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

_ONE = {
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "BG": "Europe/Sofia",
    "CH": "Europe/Zurich",
    "CY": "Asia/Nicosia",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "GR": "Europe/Athens",
    "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest",
    "IE": "Europe/Dublin",
    "IS": "Atlantic/Reykjavik",
    "IT": "Europe/Rome",
    "LI": "Europe/Vaduz",
    "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga",
    "MT": "Europe/Malta",
    "MW": "Africa/Blantyre",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw",
    "PR": "America/Puerto_Rico",
    "RO": "Europe/Bucharest",
    "SE": "Europe/Stockholm",
    "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
}
_STATES = {
    "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC TN VA VT WV",
    "America/Chicago": "AL AR FL IA IL IN KS KY LA MI MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "AZ CO ID KS MT ND NE NM NV OR SD TX UT WY",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA ID NV OR WA",
    "America/Anchorage": "AK",
    "America/Adak": "AK",
    "Pacific/Honolulu": "HI",
}
ZONES: Mapping[str, Sequence[str]] = {
    **{place: (zone,) for place, zone in _ONE.items()},
    "ES": ("Europe/Madrid", "Atlantic/Canary"), "PT": ("Europe/Lisbon", "Atlantic/Azores"),
    "CA": ("America/St_Johns", "America/Halifax", "America/Toronto", "America/Winnipeg", "America/Vancouver"),
    "US": tuple(_STATES),
    **{f"US-{state}": tuple(zone for zone, states in _STATES.items() if state in states.split())
       for state in sorted({state for states in _STATES.values() for state in states.split()})},
}  # fmt: skip
"""Time zones by place, all that it has (IANA time zone database); a place that is not here has none known."""

MIDDLE = 14
"""Of the hours in which people may be disturbed, from 8 or 9 on until 20 or 21: what is far from it is late
or early."""


def local_hour(place: str | None, at: datetime, zones: Mapping[str, Sequence[str]] = ZONES) -> int | None:
    """The hour of the day where somebody is; of several that it may be, the one furthest from midday.

    Parameters
    ----------
    place : str, optional
        As in `Jurisdiction`.
    at : datetime
        With time zone.
    zones : mapping of str to sequence of str
        Names of time zones by place; a part of a country that is not in it has those of the country.

    Returns
    -------
    int or None
        None where the place, or the time there, is not known.

    Examples
    --------
    >>> noon = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    >>> [local_hour(place, noon) for place in ("DE", "US-CA", "US", "DE|US", "BR", None)]
    [13, 4, 2, 2, None, None]
    """
    hours = list[int]()
    for code in (place or "").split("|"):
        known = zones.get(code) or zones.get(code.partition("-")[0])
        if not known:
            return None
        hours += [at.astimezone(ZoneInfo(zone)).hour for zone in known]
    return max(hours, key=lambda hour: abs(hour - MIDDLE))
