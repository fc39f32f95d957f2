"""What may select people, what may be measured, and what may be said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suasion.errors import TraitRefusedError
from suasion.rules import Purpose

Make = Callable[..., Any]
SPECIAL = ["health", "belief", "politics", "origin", "union", "sex_life", "genetic", "biometric"]
VULNERABLE = ["debt", "addiction", "grief", "loneliness", "literacy", "emotion", "weakness"]
PROTECTED = ["age", "sex", "family", "disability", "nationality"]
NO_SELECTION = [Purpose.CREDIT, Purpose.EMPLOYMENT, Purpose.HOUSING]
EVERY_PURPOSE = pytest.mark.parametrize("purpose", list(Purpose))


def _refused_for(
    gate: Make, purpose: Purpose, role: str, category: str, basis: str | None = "consent"
) -> str:
    """What the refusal says; empty where the trait may be used."""
    try:
        gate(purpose=purpose).admit_traits(role, [("fine", "behavior", basis), ("it", category, basis)])
    except TraitRefusedError as refused:
        return str(refused)
    return ""


@EVERY_PURPOSE
@pytest.mark.parametrize("role", ["segment", "score"])
@pytest.mark.parametrize("category", SPECIAL)
def test_a_special_category_never_selects_people(gate: Make, purpose: Purpose, role: str, category: str):
    said = _refused_for(gate, purpose, role, category)
    assert f"{role} use of 'it' ({category}) for {purpose}" in said
    assert "house.special_category" in said
    assert "Leave 'it' out" in said


@EVERY_PURPOSE
def test_health_is_an_outcome_for_public_health_only(gate: Make, purpose: Purpose):
    said = _refused_for(gate, purpose, "outcome", "health")
    assert ("house.health_outcome" in said) is (purpose is not Purpose.PUBLIC_HEALTH)


@pytest.mark.parametrize(
    ("basis", "allowed"),
    [
        ("consent", True),
        ("public_task", True),
        ("research_replay", True),
        ("legitimate_interest", False),
        ("contract", False),
        (None, False),
    ],
)
def test_a_health_outcome_needs_a_ground_of_its_own(gate: Make, basis: str | None, allowed: bool):
    assert (_refused_for(gate, Purpose.PUBLIC_HEALTH, "outcome", "health", basis) == "") is allowed


@EVERY_PURPOSE
@pytest.mark.parametrize("category", [name for name in SPECIAL if name != "health"])
def test_no_other_special_category_is_an_outcome(gate: Make, purpose: Purpose, category: str):
    assert "house.special_outcome" in _refused_for(gate, purpose, "outcome", category)


@EVERY_PURPOSE
@pytest.mark.parametrize("role", ["segment", "score", "outcome"])
@pytest.mark.parametrize("category", VULNERABLE)
def test_vulnerability_is_never_used(gate: Make, purpose: Purpose, role: str, category: str):
    assert "house.vulnerability" in _refused_for(gate, purpose, role, category)


@EVERY_PURPOSE
@pytest.mark.parametrize("category", PROTECTED)
def test_protected_traits_select_nobody_for_credit_housing_or_jobs(
    gate: Make, purpose: Purpose, category: str
):
    said = _refused_for(gate, purpose, "score", category)
    assert ("house.protected" in said) is (purpose in NO_SELECTION)
    assert _refused_for(gate, purpose, "outcome", category) == ""


@pytest.mark.parametrize("role", ["segment", "score", "outcome"])
def test_a_trait_of_unknown_category_is_refused(gate: Make, role: str):
    verdict = gate().judge_one("trait", {"role": role, "basis": "consent", "purpose": "public_health"})
    assert not verdict.allowed
    assert any(reason.unknown for reason in verdict.reasons)


def test_a_use_in_no_known_role_is_judged_as_the_strictest(gate: Make):
    assert not gate().judge_one("trait", {"category": "health", "purpose": "public_health"}).allowed


def test_every_rule_against_a_trait_is_named(gate: Make):
    verdict = gate(purpose=Purpose.CREDIT).judge_one("trait", {"role": "segment"})
    assert {reason.rule for reason in verdict.reasons} == {
        "house.special_category",
        "house.name",
        "house.vulnerability",
        "house.protected",
    }


@pytest.mark.parametrize("fact", ["exposes_third_persons", "discourages_voting"])
@pytest.mark.parametrize("found", [True, None])
def test_a_message_that_does_or_may_do_harm_is_refused(gate: Make, fact: str, found: bool | None):
    harmless = {"exposes_third_persons": False, "discourages_voting": False}
    (reason,) = gate().judge_one("message", harmless | {fact: found}).reasons
    assert reason.unknown is (found is None)
    assert gate().judge_one("message", harmless).allowed


def test_a_message_that_nobody_reviewed_is_refused(gate: Make):
    reasons = gate().judge_one("message", {}).reasons
    assert [reason.rule for reason in reasons] == ["house.third_persons", "house.demobilize"]
    assert all(reason.unknown for reason in reasons)


def test_a_campaign_is_judged_by_what_is_declared_of_it(gate: Make, rule: Make, pack: Make):
    packs = [pack(rule("imprint AND opt_out_days >= 30", subject="campaign", kind="records"))]
    assert gate(packs).judge_one("campaign", {"imprint": True, "opt_out_days": 30}).allowed
    for facts in (
        {"imprint": True, "opt_out_days": 29},
        {"imprint": False, "opt_out_days": 60},
        {"imprint": True},
    ):
        assert [reason.rule for reason in gate(packs).judge_one("campaign", facts).reasons] == ["own.rule"]
    assert not gate(packs).judge_one("person", {}).allowed
