"""Rule packs: dated TOML files, each rule with its source and its own test cases."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from suasion.declarations import Declared, closest, read
from suasion.errors import ExpressionError, PackError
from suasion.expressions import Expression, Value, evaluate, parse
from suasion.rules.facts import FACTS
from suasion.rules.purpose import Channel, Effect, Purpose, Use
from suasion.rules.verdict import Reason

Facts = Mapping[str, Value | None]
Subject = Literal["person", "trait", "message", "proxy"]
Territory = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Case(Declared):
    """A worked example beside a rule; a pack whose cases do not hold is refused."""

    facts: dict[str, bool | int | float | str]
    allowed: bool


class Rule(Declared):
    """One dated, cited condition.

    A rule is in scope by subject, use, purpose, territory, channel and date; an empty list means all.
    In scope, it applies unless `applies` is false (unknown counts as true), and is met only where
    `require` is true (unknown counts as no). A rule that is not met blocks; one about a proxy may, by its
    `effect`, ask for an approval or only warn.
    """

    id: str
    subject: Subject
    message: str = Field(min_length=1)
    cite: str = Field(min_length=1)
    valid_from: date
    valid_to: date | None = None
    uses: tuple[Use, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    territories: tuple[Territory, ...] = ()
    channels: tuple[Channel, ...] = ()
    applies: str = "true"
    require: str
    effect: Effect = Effect.BLOCK
    case: tuple[Case, ...] = Field(min_length=2)

    def condition(self, text: str) -> Expression:
        """`applies` or `require`, parsed and typed against the facts of the subject."""
        return _parsed(text, self.subject, self.id)

    def reason(self, facts: Facts) -> Reason | None:
        """Why these facts fail the rule, or None where they meet it."""
        if evaluate(self.condition(self.applies), facts) is False:
            return None
        met = evaluate(self.condition(self.require), facts)
        return None if met else self.because(unknown=met is None)

    def because(self, *, unknown: bool) -> Reason:
        """The reason this rule gives when it fails."""
        return Reason(self.id, self.message, self.cite, unknown)

    def check(self) -> None:
        """Run the cases, as `Pack.check` says."""
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise self._wrong("valid_to before valid_from", "Swap the dates.")
        if self.effect is not Effect.BLOCK and self.subject != "proxy":
            raise self._wrong(
                f"effect '{self.effect}' for a {self.subject}", "Only proxies may pass unmet rules."
            )
        for case in self.case:
            known = FACTS[self.subject]
            if unknown := sorted(case.facts.keys() - known.keys()):
                raise self._wrong(f"a case with unknown fact '{unknown[0]}'", closest(unknown[0], known))
            try:
                allowed = self.reason(case.facts) is None
            except ExpressionError as error:
                raise self._wrong(error.found, error.todo) from None
            if allowed is not case.allowed:
                wanted = "allowed" if case.allowed else "refused"
                todo = "Correct the condition or the case."
                raise self._wrong(f"its case {sorted(case.facts)} should be {wanted}", todo)
        if {case.allowed for case in self.case} != {True, False}:
            raise self._wrong("cases of one kind only", "Write one allowed, one refused.")

    def _wrong(self, found: str, todo: str) -> PackError:
        return PackError(f"rule {self.id}", found, todo)


@lru_cache(maxsize=1024)
def _parsed(text: str, subject: str, rule: str) -> Expression:
    return parse(text, FACTS[subject], asked=f"rule {rule}")


class Pack(Declared):
    """A file of rules of one regime, with its review status."""

    id: str
    title: str
    status: Literal["draft", "reviewed"]
    rule: tuple[Rule, ...] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """Digest of everything the pack says; any edit makes clearances stale."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()

    def check(self) -> None:
        """Run the cases beside each rule.

        Raises
        ------
        PackError
            A case does not come out as written, a rule has no allowed or no refused case, a condition is
            none, the dates of a rule are the wrong way round, or a rule about anything but a proxy does
            not block.
        """
        for rule in self.rule:
            rule.check()


def load_packs(names: Sequence[str], folder: Path) -> tuple[Pack, ...]:
    """Load packs by name: from ``FOLDER/NAME.toml`` if it exists, else from those that ship with suasion.

    Parameters
    ----------
    names : sequence of str
        Names without ``.toml``; ``house`` is always loaded, first.
    folder : Path
        The workspace's own ``rules`` folder; may be absent.

    Returns
    -------
    tuple of Pack
        Each parsed, typed and with its cases run.

    Raises
    ------
    PackError
        Not found, malformed, a case does not hold, or two rules share an id.

    Examples
    --------
    >>> [pack.id for pack in load_packs([], Path("rules"))]
    ['house']
    """
    if (folder / "house.toml").exists():
        raise PackError("rules/house.toml", "a pack named like the house rules", "They stay: rename yours.")
    packs = tuple(_load(name, folder) for name in dict.fromkeys(["house", *names]))
    ids = Counter(rule.id for pack in packs for rule in pack.rule)
    if twice := [name for name, count in ids.items() if count > 1]:
        raise PackError(f"rule {twice[0]}", "another rule of that id", "Give each rule an id of its own.")
    return packs


def _load(name: str, folder: Path) -> Pack:
    shipped = Path(str(resources.files("suasion.rules"))) / "packs" / f"{name}.toml"
    own = folder / f"{name}.toml"
    path = own if own.is_file() else shipped
    if not path.is_file():
        raise PackError(
            f"rule pack '{name}'", f"neither {own} nor a pack of that name", "Check suasion.toml."
        )
    pack = read(path, Pack, PackError)
    pack.check()
    return pack
