"""Places whose law counts: codes, groups of them, and which rules hold where."""

from __future__ import annotations

import re
from functools import lru_cache

from suasion.rules.purpose import Jurisdiction

_COUNTRIES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE
YT ZA ZM ZW
"""
COUNTRIES = frozenset(_COUNTRIES.split())
"""ISO 3166-1 alpha-2."""

_STATES = """
AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY
OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY AS GU MP PR UM VI
"""
STATES = frozenset(_STATES.split())
"""Of the United States, by ISO 3166-2; a state that is none of these could be any of them."""

_UNION = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT"),
    *("LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
GROUPS = {"EU": _UNION, "EEA": (*_UNION, "IS", "LI", "NO")}
"""Names that a rule may use for several countries; no place is called so."""

_PART_OF = {
    **dict.fromkeys(("GF", "GP", "MF", "MQ", "RE", "YT"), "FR"),
    "AX": "FI",
    **dict.fromkeys(("AS", "GU", "MP", "PR", "UM", "VI"), "US"),
}
"""Places with a country code of their own where the law of another holds: Treaty on the Functioning of the
European Union, Art. 355(1) and (4); the territories of the United States."""

_SUBDIVISION = re.compile("[A-Z0-9]{1,3}")
_UNKNOWN = Jurisdiction.UNKNOWN


@lru_cache(maxsize=65_536)
def candidates(place: str) -> frozenset[str]:
    """The codes a place may stand for; what is no code stands for anywhere, as `Jurisdiction.UNKNOWN`.

    Examples
    --------
    >>> sorted(candidates("US-CA|DE")), sorted(candidates("UK")), sorted(candidates("US-XX"))
    (['DE', 'US-CA'], ['ZZ'], ['US'])
    """
    return frozenset(_code(part) for part in place.split("|"))


def is_territory(text: str) -> bool:
    """Whether a rule may name it: a group, or the code of a country or a part of one."""
    return text in GROUPS or (text != _UNKNOWN and _code(text) == text)


@lru_cache(maxsize=65_536)
def holds(territories: tuple[str, ...], place: frozenset[str]) -> bool:
    """Whether a rule of these territories holds in a place that may be any of several.

    A rule of a country holds in its parts. A rule of a part may hold for whoever is somewhere in the country.

    Parameters
    ----------
    territories : tuple of str
        Codes and groups; empty is everywhere.
    place : frozenset of str
        As `candidates` gives it.

    Examples
    --------
    >>> [holds(("US-CA",), candidates(place)) for place in ("US-CA", "US", "US-NY", "CA|US", "MX", "nowhere")]
    [True, True, False, True, False, True]
    """
    named = {code for name in territories for code in GROUPS.get(name, (name,))}
    return not territories or any(_holds_at(named, code) for code in place)


def _holds_at(named: set[str], code: str) -> bool:
    if code == _UNKNOWN:
        return True
    country = code.partition("-")[0]
    around = {code, country, _PART_OF.get(country, country)}
    return not named.isdisjoint(around) or any(name.startswith(f"{code}-") for name in named)


def _code(text: str) -> str:
    """A code that is known, the country of an unknown part, or unknown."""
    country, _, part = text.partition("-")
    if country not in COUNTRIES:
        return _UNKNOWN
    known = part in STATES if country == "US" else _SUBDIVISION.fullmatch(part)
    return text if known else country
