"""Rule packs: dated TOML files, each rule with its source and its own test cases."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import Field

from suasion.declarations import Declared, read
from suasion.errors import PackError
from suasion.expressions import Expression, Value, evaluate, parse
from suasion.rules.facts import FACTS
from suasion.rules.purpose import Purpose, Use
from suasion.rules.verdict import Reason

Facts = Mapping[str, Value | None]


class Case(Declared):
    """A worked example beside a rule; a pack whose cases do not hold is refused."""

    facts: dict[str, bool | int | float | str]
    allowed: bool


class Rule(Declared):
    """One dated, cited condition.

    A rule is in scope by subject, use, purpose, territory, channel and date; an empty list means all.
    In scope, it applies unless `applies` is false (unknown counts as true), and is met only where
    `require` is true (unknown counts as no).
    """

    id: str
    subject: Literal["person", "trait", "message"]
    message: str = Field(min_length=1)
    cite: str = Field(min_length=1)
    valid_from: date
    valid_to: date | None = None
    uses: tuple[Use, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    territories: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    applies: str = "true"
    require: str
    case: tuple[Case, ...] = Field(min_length=2)

    def condition(self, text: str) -> Expression:
        """`applies` or `require`, parsed and typed against the facts of the subject."""
        return parse(text, FACTS[self.subject], asked=f"rule {self.id}")

    def reason(self, facts: Facts) -> Reason | None:
        """Why these facts fail the rule, or None where they meet it."""
        if evaluate(self.condition(self.applies), facts) is False:
            return None
        met = evaluate(self.condition(self.require), facts)
        return None if met else self.because(unknown=met is None)

    def because(self, *, unknown: bool) -> Reason:
        """The reason this rule gives when it fails."""
        return Reason(self.id, self.message, self.cite, unknown)


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
            A case does not come out as written, or a rule has no allowed or no refused case.
        """
        for rule in self.rule:
            for case in rule.case:
                facts = dict.fromkeys(FACTS[rule.subject]) | case.facts
                if (rule.reason(facts) is None) is not case.allowed:
                    raise PackError(
                        f"rule {rule.id}",
                        f"its case {sorted(case.facts)} should be {'allowed' if case.allowed else 'refused'}",
                        "Correct the condition or the case.",
                    )
            if {case.allowed for case in rule.case} != {True, False}:
                raise PackError(
                    f"rule {rule.id}", "cases of one kind only", "Write one allowed, one refused."
                )


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
        Not found, malformed, or a case does not hold.

    Examples
    --------
    >>> [pack.id for pack in load_packs([], Path("rules"))]
    ['house']
    """
    ordered = dict.fromkeys(["house", *names])
    return tuple(_load(name, folder) for name in ordered)


def _load(name: str, folder: Path) -> Pack:
    shipped = Path(str(resources.files("suasion.rules"))) / "packs" / f"{name}.toml"
    own = folder / f"{name}.toml"
    path = own if own.is_file() and name != "house" else shipped
    if not path.is_file():
        raise PackError(
            f"rule pack '{name}'", f"neither {own} nor a pack of that name", "Check suasion.toml."
        )
    pack = read(path, Pack, PackError)
    pack.check()
    return pack
