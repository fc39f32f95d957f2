"""What follows from features that tell a trait that is not among them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from suasion.errors import PackError
from suasion.rules import Category, Effect, Purpose
from suasion.rules.pack import Pack

Make = Callable[..., Any]
SPECIAL = [
    *(Category.HEALTH, Category.BELIEF, Category.POLITICS, Category.ORIGIN),
    *(Category.UNION, Category.SEX_LIFE, Category.GENETIC, Category.BIOMETRIC),
]
PROTECTED = [Category(name) for name in ["age", "sex", "family", "disability", "nationality"]]
HARMLESS = [Category.BEHAVIOR, Category.INTEREST, Category.PLACE, Category.EDUCATION, Category.INCOME]
JUDGED = {Purpose.CREDIT, Purpose.EMPLOYMENT, Purpose.HOUSING}
EVERY_PURPOSE = pytest.mark.parametrize("purpose", list(Purpose))


def _effects(gate: Make, category: Category, auc: float | None, **occasion: Any) -> list[Effect]:
    return [effect for effect, _ in gate(**occasion).judge_proxy(category, auc)]


@EVERY_PURPOSE
@pytest.mark.parametrize("category", HARMLESS)
def test_what_nobody_protects_may_be_told(gate: Make, purpose: Purpose, category: Category):
    assert _effects(gate, category, 1.0, purpose=purpose) == []


@EVERY_PURPOSE
@pytest.mark.parametrize("category", [*SPECIAL, *PROTECTED, Category.DEBT, Category.EMOTION])
def test_features_that_tell_little_have_no_consequence(gate: Make, purpose: Purpose, category: Category):
    assert _effects(gate, category, 0.69, purpose=purpose) == []
    assert Effect.WARN in _effects(gate, category, 0.7, purpose=purpose)


@EVERY_PURPOSE
@pytest.mark.parametrize("category", SPECIAL)
def test_what_tells_a_special_category_needs_approval(gate: Make, purpose: Purpose, category: Category):
    needs = purpose in JUDGED | {Purpose.CIVIC, Purpose.POLITICAL}
    assert (Effect.APPROVAL in _effects(gate, category, 0.8, purpose=purpose)) is needs
    assert Effect.APPROVAL not in _effects(gate, category, 0.79, purpose=purpose)


@EVERY_PURPOSE
@pytest.mark.parametrize("category", PROTECTED)
def test_what_tells_a_protected_trait_needs_approval_for_jobs_and_homes(
    gate: Make, purpose: Purpose, category: Category
):
    assert (Effect.APPROVAL in _effects(gate, category, 0.9, purpose=purpose)) is (purpose in JUDGED)


def test_in_europe_politics_by_proxy_is_blocked(gate: Make, political: tuple[Pack, ...]):
    packs = political
    for territory, blocked in (("DE", True), ("ZZ", True), ("US", False)):
        found = _effects(
            gate, Category.BELIEF, 0.85, packs=packs, purpose=Purpose.POLITICAL, territory=territory
        )
        assert (Effect.BLOCK in found) is blocked
    assert Effect.BLOCK not in _effects(gate, Category.BELIEF, 0.85, packs=packs, territory="DE")


@pytest.mark.parametrize("auc", [None, float("nan")])
def test_what_cannot_be_judged_is_taken_for_told(gate: Make, political: tuple[Pack, ...], auc: float | None):
    asked = gate(political, purpose=Purpose.POLITICAL, territory="FR")
    found = asked.judge_proxy(Category.HEALTH, auc)
    assert {effect for effect, _ in found} == set(Effect)
    assert all(reason.unknown is (auc is None) for _, reason in found)


def test_a_reason_has_its_rule_and_its_source(gate: Make):
    ((effect, reason),) = gate().judge_proxy(Category.SEX, 0.9)
    assert (effect, reason.rule) == (Effect.WARN, "house.proxy")
    assert "C-184/20" in reason.cite


def test_where_no_rule_is_in_scope_a_proxy_blocks(gate: Make):
    ((effect, reason),) = gate(on=date(2018, 5, 24)).judge_proxy(Category.BEHAVIOR, 0.5)
    assert (effect, reason.rule) == (Effect.BLOCK, "house.default")


def test_a_rule_that_says_no_effect_blocks(gate: Make, rule: Make, pack: Make):
    cases = [{"facts": {"auc": auc}, "allowed": auc < 0.6} for auc in (0.4, 0.5, 0.6, 0.7)]
    own = pack(rule("auc < 0.6", subject="proxy", case=cases))
    own.check()
    assert _effects(gate, Category.INCOME, 0.7, packs=[own]) == [Effect.BLOCK]
    assert _effects(gate, Category.INCOME, 0.5, packs=[own]) == []


@pytest.mark.parametrize("effect", ["warn", "approval"])
def test_no_rule_about_persons_lets_pass_what_it_refuses(rule: Make, pack: Make, effect: str):
    with pytest.raises(PackError, match=f"effect '{effect}' for a person"):
        pack(rule(effect=effect)).check()


def test_an_effect_is_part_of_what_a_pack_says(gate: Make, rule: Make, pack: Make):
    cases = [{"facts": {"auc": auc}, "allowed": auc < 0.6} for auc in (0.4, 0.5, 0.6, 0.7)]
    packs = [pack(rule("auc < 0.6", subject="proxy", case=cases, effect=effect)) for effect in Effect]
    assert len({gate([one]).digest for one in packs}) == 3
