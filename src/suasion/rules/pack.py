"""Rule packs: dated TOML files, one a regime, each rule with its source and its own test cases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from functools import cached_property, lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from suasion.declarations import Declared, closest
from suasion.errors import ExpressionError, PackError, RefusedError
from suasion.expressions import Expression, compiled, parse
from suasion.rules.deadlines import Within
from suasion.rules.facts import FACTS
from suasion.rules.given import Facts, check_facts
from suasion.rules.places import GROUPS, is_territory
from suasion.rules.purpose import Channel, Effect, Purpose, Use
from suasion.rules.verdict import Reason

Test = Callable[[Facts], bool | None]
Subject = Literal["person", "trait", "message", "proxy", "campaign", "request"]
Kind = Literal["targeting", "content", "sending", "records", "deadline", "publication"]

MIN_CASES = 2
"""Allowed ones beside each rule, and as many refused ones."""


def _known_territory(text: str) -> str:
    if not is_territory(text):
        raise ValueError(f"neither an ISO 3166 code ('DE', 'US-CA') nor one of {', '.join(GROUPS)}")
    return text


Territory = Annotated[str, AfterValidator(_known_territory)]


class Case(Declared):
    """A worked example beside a rule; a pack whose cases do not hold is refused."""

    facts: dict[str, bool | int | float | str | date]
    allowed: bool


class Rule(Declared):
    """One dated, cited condition.

    A rule is in scope by subject, use, purpose, territory, channel and date; an empty list means all. Two
    times count: when the law holds (`valid_from`, `valid_to`), and when this text of it was in the pack
    (`known_from`, `known_to`). In scope, it applies unless `applies` is false (unknown counts as true), and
    is met only where `require` is true (unknown counts as no). A rule that is not met blocks; one about a
    proxy may, by its `effect`, ask for an approval or only warn. Where a request has to be answered `within`
    a time, its fact `due` is made from `received`.
    """

    id: str
    subject: Subject
    kind: Kind
    message: str = Field(min_length=1)
    cite: str = Field(min_length=1)
    valid_from: date
    valid_to: date | None = None
    known_from: date = date.min
    known_to: date | None = None
    uses: tuple[Use, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    territories: tuple[Territory, ...] = ()
    channels: tuple[Channel, ...] = ()
    applies: str = "true"
    require: str
    effect: Effect = Effect.BLOCK
    within: Within | None = None
    case: tuple[Case, ...] = Field(min_length=2 * MIN_CASES)

    def condition(self, text: str) -> Expression:
        """`applies` or `require`, parsed and typed against the facts of the subject."""
        return _parsed(text, self.subject, self.id)

    def is_about(self, facts: Facts) -> bool:
        """Whether it applies to these facts, or may."""
        applies = _tests(self.applies, self.require, self.subject, self.id)[0]
        return applies is None or applies(facts) is not False

    def reason(self, facts: Facts) -> Reason | None:
        """Why these facts fail the rule, or None where they meet it."""
        applies, require = _tests(self.applies, self.require, self.subject, self.id)
        if applies is not None and applies(facts) is False:
            return None
        if self.within is not None:
            received = facts.get("received")
            due = self.within.due(received) if isinstance(received, date) else None
            facts = {**facts, "due": due}
        met = require(facts)
        return None if met else self.because(unknown=met is None)

    def because(self, *, unknown: bool) -> Reason:
        """The reason this rule gives when it fails."""
        return _reason(self.id, self.message, self.cite, unknown)

    def check(self) -> None:
        """Run the cases, as `Pack.check` says."""
        self._check_fields()
        for case in self.case:
            known = FACTS[self.subject]
            if unknown := sorted(case.facts.keys() - known.keys()):
                raise self._wrong(f"a case with unknown fact '{unknown[0]}'", closest(unknown[0], known))
            try:
                check_facts(self.subject, case.facts)
                allowed = self.reason(case.facts) is None
            except (ExpressionError, RefusedError) as error:
                raise self._wrong(f"{error.asked}: {error.found}", error.todo) from None
            if allowed is not case.allowed:
                wanted = "allowed" if case.allowed else "refused"
                todo = "Correct the condition or the case."
                raise self._wrong(f"its case {sorted(case.facts)} should be {wanted}", todo)
        for allowed in (True, False):
            kind = "allowed" if allowed else "refused"
            found = len({repr(sorted(case.facts.items())) for case in self.case if case.allowed is allowed})
            if found < MIN_CASES:
                raise self._wrong(f"too few cases that are {kind}: {found}", f"Write at least {MIN_CASES}.")

    def _check_fields(self) -> None:
        for first, last in (("valid_from", "valid_to"), ("known_from", "known_to")):
            if getattr(self, last) is not None and getattr(self, last) < getattr(self, first):
                raise self._wrong(f"{last} before {first}", "Swap the dates.")
        if self.effect is not Effect.BLOCK and self.subject != "proxy":
            raise self._wrong(
                f"effect '{self.effect}' for a {self.subject}", "Only proxies may pass unmet rules."
            )
        if self.within is not None and self.subject != "request":
            raise self._wrong(f"'within' for a {self.subject}", "Only requests have a clock.")
        if self.kind == "deadline" and self.within is None:
            raise self._wrong("a deadline without 'within'", "Say how long: within = { months = 1 }.")

    def _wrong(self, found: str, todo: str) -> PackError:
        return PackError(f"rule {self.id}", found, todo)


@lru_cache(maxsize=4096)
def _parsed(text: str, subject: str, rule: str) -> Expression:
    return parse(text, FACTS[subject], asked=f"rule {rule}")


@lru_cache(maxsize=4096)
def _tests(applies: str, require: str, subject: str, rule: str) -> tuple[Test | None, Test]:
    """Both conditions as functions; None where the rule applies to all."""
    tests = [compiled(_parsed(text, subject, rule)) for text in (applies, require)]
    return None if applies == "true" else tests[0], tests[1]


@lru_cache(maxsize=4096)
def _reason(rule: str, message: str, cite: str, unknown: bool) -> Reason:
    return Reason(rule, message, cite, unknown)


class Pack(Declared):
    """A file of rules of one regime, with its review status."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    status: Literal["draft", "reviewed"]
    rule: tuple[Rule, ...] = Field(min_length=1)

    @cached_property
    def digest(self) -> str:
        """Digest of everything the pack says; any edit makes clearances stale."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()

    def check(self) -> None:
        """Run the cases beside each rule.

        Raises
        ------
        PackError
            A case does not come out as written, a rule has fewer than two allowed or two refused cases, a
            condition is none, the dates of a rule are the wrong way round, a rule about anything but a
            proxy does not block, or a deadline says no time.
        """
        for rule in self.rule:
            rule.check()
