"""The closed lists that every rule is scoped by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar


class Purpose(StrEnum):
    """What data may be used for. The list is closed: a purpose that is not here is not permitted."""

    ADVOCACY = "advocacy"
    CIVIC = "civic"
    COMMERCIAL = "commercial"
    CREDIT = "credit"
    EMPLOYMENT = "employment"
    FUNDRAISING = "fundraising"
    HOUSING = "housing"
    POLITICAL = "political"
    PUBLIC_HEALTH = "public_health"


class Basis(StrEnum):
    """The lawful ground on which a source's rows are held.

    The first five follow Article 6(1) of Regulation (EU) 2016/679. `RESEARCH_REPLAY` is ours: the rows
    of a finished experiment, for learning and evaluation, never for contacting anybody.
    """

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    LEGITIMATE_INTEREST = "legitimate_interest"
    PUBLIC_TASK = "public_task"
    RESEARCH_REPLAY = "research_replay"


class Use(StrEnum):
    """What is about to happen to the data of a person."""

    LEARN = "learn"
    EVALUATE = "evaluate"
    CONTACT = "contact"


class Channel(StrEnum):
    """How a person is reached; `WEB` is what a site or app of the sponsor shows them."""

    EMAIL = "email"
    SMS = "sms"
    POST = "post"
    WEB = "web"


class Effect(StrEnum):
    """What follows where a rule about a proxy is not met."""

    BLOCK = "block"
    APPROVAL = "approval"
    WARN = "warn"


class Category(StrEnum):
    """What a trait or an outcome is about. The list is closed, so that no spelling escapes a rule."""

    AGE = "age"
    BEHAVIOR = "behavior"
    DISABILITY = "disability"
    EDUCATION = "education"
    FAMILY = "family"
    INCOME = "income"
    INTEREST = "interest"
    NAME = "name"
    NATIONALITY = "nationality"
    OCCUPATION = "occupation"
    PLACE = "place"
    SEX = "sex"

    BELIEF = "belief"
    BIOMETRIC = "biometric"
    GENETIC = "genetic"
    HEALTH = "health"
    ORIGIN = "origin"
    POLITICS = "politics"
    SEX_LIFE = "sex_life"
    UNION = "union"

    ADDICTION = "addiction"
    DEBT = "debt"
    EMOTION = "emotion"
    GRIEF = "grief"
    LITERACY = "literacy"
    LONELINESS = "loneliness"
    WEAKNESS = "weakness"


@dataclass(frozen=True)
class Jurisdiction:
    """The place whose law applies, at a date.

    Parameters
    ----------
    territory : str
        ISO 3166-1 alpha-2 code (``DE``), or ISO 3166-2 where a state has law of its own (``US-CA``); several
        joined by ``|`` where it may be any of them; or `UNKNOWN`.
    on : date
        The day whose law counts.
    known : date, optional
        The day whose text of the rules counts: "was it lawful then, by the rules as we had them then".
        `on` unless given.
    """

    UNKNOWN: ClassVar[str] = "ZZ"
    """ISO 3166 leaves this code to users: where the place is unknown, the rules of every place are judged."""

    territory: str
    on: date
    known: date | None = None
