"""The page of rules says what the packs say."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules import PAGE, page
from suasion.rules import load_packs

RULES = [rule for pack in load_packs([], Path("none")) for rule in pack.rule]


def test_the_page_of_rules_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "python scripts/rules.py --write"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_page_has_every_rule_with_its_source_and_every_case(rule: object):
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"\n### `{rule.id}`\n")[2].partition("\n### ")[0].partition("\n<a id")[0]
    assert rule.message in section
    assert rule.cite.replace("*", "\\*").replace("|", "\\|") in section
    rows = [line for line in section.splitlines() if line.endswith(("| allowed |", "| **refused** |"))]
    assert [row.endswith("| allowed |") for row in rows] == [case.allowed for case in rule.case]
