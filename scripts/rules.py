"""Keep docs/rules.md, each rule with its cases: print it, or `python scripts/rules.py --write` it."""

from __future__ import annotations

import sys
from pathlib import Path

from house import ROOT
from suasion.rules import load_packs
from suasion.rules.loading import SHIPPED
from suasion.rules.pack import Case, Pack, Rule

PAGE = ROOT / "docs" / "rules.md"
HEAD = """\
# The rules that ship with suasion

This page is made from the packs in `src/suasion/rules/packs/` by `python scripts/rules.py --write`. It is no
legal advice: a pack is a `draft` until a lawyer of your country has read it, and says so in its status.

All packs are always loaded; scope decides what applies. A fact that is unknown means no, but where a rule
says that it applies to what is known alone; a case shows only the facts that are known. Cases are run
whenever a pack is loaded, and as tests. A rule holds from its first day to its last, in its territories
("EU", "EEA" or ISO 3166 codes; a rule of a country holds in its parts, and whoever may be in a territory is
under its rules), for its uses, purposes and channels; where these are not named, for all.
"""


def page() -> str:
    """The page as Markdown: how many rules there are, then each pack."""
    packs = load_packs([], Path("none"))
    total = ["| pack | title | status | rules | cases |", "|---|---|---|--:|--:|", *map(_row, packs)]
    rules = [rule for pack in packs for rule in pack.rule]
    cases = sum(len(rule.case) for rule in rules)
    total.append(f"| {len(SHIPPED)} packs | | | {len(rules)} | {cases} |")
    return "\n".join([HEAD, *total, "", *map(_pack, packs)])


def _row(pack: Pack) -> str:
    cases = sum(len(rule.case) for rule in pack.rule)
    return f"| [`{pack.id}`](#{pack.id}) | {pack.title} | {pack.status} | {len(pack.rule)} | {cases} |"


def _pack(pack: Pack) -> str:
    head = f'<a id="{pack.id}"></a>\n\n## `{pack.id}`: {pack.title} ({pack.status})\n'
    return "\n".join([head, *map(_rule, pack.rule)])


def _rule(rule: Rule) -> str:
    """A rule in words, its source and scope, and a table of its cases."""
    lines = [f"### `{rule.id}`", "", rule.message, "", f"*{_text(rule.cite)}*", "", f"{_scope(rule)}."]
    if rule.applies != "true":
        lines += ["", f"Applies unless it is false that `{rule.applies}`."]
    lines += ["", f"Requires `{rule.require}`.", "", f"| {rule.subject} | `{rule.id}` |", "|---|---|"]
    return "\n".join([*lines, *map(_case, rule.case), ""])


def _scope(rule: Rule) -> str:
    """Subject and kind, dates, and what it is limited to."""
    until = "" if rule.valid_to is None else f" to {rule.valid_to}"
    parts = [f"{rule.kind.capitalize()}, about a {rule.subject}", f"from {rule.valid_from}{until}"]
    limits = {"in": rule.territories, "to": rule.uses, "for": rule.purposes, "by": rule.channels}
    parts += [f"{word} {', '.join(names)}" for word, names in limits.items() if names]
    if rule.within is not None:
        ((unit, count),) = rule.within.model_dump(exclude_none=True).items()
        parts.append(f"due within {count} {unit.replace('_', ' ')}")
    if rule.effect != "block":
        parts.append(f"where it is not met: {rule.effect}")
    return "; ".join(parts)


def _case(case: Case) -> str:
    facts = ", ".join(f"{name} = {_value(value)}" for name, value in case.facts.items())
    return f"| {_text(facts) or 'nothing is known'} | {'allowed' if case.allowed else '**refused**'} |"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(text: str) -> str:
    """Text that stays in its cell."""
    return text.replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
