"""The words by which a column's name gives away what it holds. English only; a name may say nothing."""

from __future__ import annotations

import re

IDENTIFIER = ("id", "uuid", "guid", "key", "number", "no", "nr", "identifier", "code")
HOUSEHOLD = ("hh", "hhid", "household", "householdid")
EMAIL = ("email", "mail")
PHONE = ("phone", "telephone", "mobile", "tel", "cell")
TREATMENT = (
    *("treatment", "treat", "treated", "arm", "group", "segment", "variant", "message", "messages"),
    *("condition", "assignment", "experiment", "offer", "incentive"),
)
OUTCOME = (
    *("outcome", "y", "visit", "visited", "conversion", "converted", "convert", "spend", "spent", "vote"),
    *("voted", "turnout", "got", "response", "responded", "click", "clicked", "purchase", "purchased"),
    *("bought", "revenue", "sales", "donated", "donation", "label", "target"),
)
CONTROL = ("control", "none", "no", "nothing", "placebo", "holdout", "untreated", "0", "false")
AGE = ("age", "ages", "yearofbirth", "birthyear", "yob", "dob", "dateofbirth", "birthdate", "birth", "born")
CATEGORIES = {
    "health": (
        *("hiv", "health", "disease", "diagnosis", "illness", "medical", "bmi", "pregnant", "vaccinated"),
        *("vaccine", "patient", "smoker", "depression", "cancer", "diabetes"),
    ),
    "belief": ("religion", "religious", "faith", "church", "belief", "muslim", "jewish", "christian"),
    "origin": ("ethnic", "ethnicity", "race", "racial", "black", "white", "hispanic", "tribe", "caste"),
    "union": ("union", "unionized"),
    "politics": ("politics", "political", "party", "ideology", "partisan", "republican", "democrat"),
    "sex_life": ("sexlife", "orientation", "sexuality", "lgbt", "gay"),
    "genetic": ("dna", "genome", "genotype", "genetic"),
    "debt": ("debt", "arrears", "overdue", "insolvent", "default"),
    "disability": ("disability", "disabled", "handicap"),
    "nationality": ("nationality", "citizenship", "citizen"),
    "age": AGE,
    "sex": ("sex", "gender", "male", "female"),
    "family": ("marital", "married", "children", "family"),
}
"""Categories of traits, as the rules name them, by the words that hint at them."""


def words_of(name: str) -> tuple[str, ...]:
    """The words of a column's name in lower case, without digits; neighbors also joined.

    Examples
    --------
    >>> words_of("YearOf_birth2")
    ('year', 'of', 'birth', 'yearof', 'ofbirth', 'yearofbirth')
    """
    parts = [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    spans = [
        "".join(parts[start : start + size])
        for size in range(1, min(4, len(parts) + 1))
        for start in range(len(parts) - size + 1)
    ]
    return tuple(spans)


def match(name: str, words: tuple[str, ...]) -> int:
    """How well a name fits: 2 for the whole name, 1 for a word of it, 0 for none.

    Examples
    --------
    >>> match("segment", TREATMENT), match("history_segment", TREATMENT), match("spend", TREATMENT)
    (2, 1, 0)
    """
    found = words_of(name)
    if found and found[-1] in words and len(found[-1]) == sum(letter.isalpha() for letter in name):
        return 2
    return int(any(word in words for word in found))


def category_of(name: str) -> str | None:
    """The category that a name hints at, or None.

    Examples
    --------
    >>> category_of("hiv2004"), category_of("recency")
    ('health', None)
    """
    return next((category for category, words in CATEGORIES.items() if match(name, words)), None)


def is_control(value: str) -> bool:
    """Whether a treatment value reads like the arm that got nothing.

    Examples
    --------
    >>> is_control("No E-Mail"), is_control("Mens E-Mail")
    (True, False)
    """
    return any(
        word in CONTROL for word in re.findall(r"[a-z]+|^0(?:\.0*)?$", value.lower().replace("0.0", "0"))
    )
