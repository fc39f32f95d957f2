"""Rules can ask everything about a campaign, and what was not said is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from suasion.disclosure import facts_of_campaign
from suasion.disclosure.facts import lacking
from suasion.expressions import Type
from suasion.rules import Purpose
from suasion.rules.facts import CAMPAIGN_FACTS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PYTHON = {Type.BOOLEAN: bool, Type.INTEGER: int, Type.NUMBER: float, Type.TEXT: str}
SPONSOR = {
    "legal_name": "Parks e. V.",
    "email": "parks@town.example",
    "postal": "Oak Lane 2",
    "place": "DE",
    "controlled_from": "DE",
    "may_vote": True,
    "committee": False,
}
FULL: dict[str, Any] = {
    "sponsor": SPONSOR,
    "process": {"kind": "election", "on": "2026-12-01"},
    "money": {"origin": "both", "inside_eu": True, "method": "invoices"},
    "complaint_email": "complaints@town.example",
    "authorization": "Authorized by A.",
    "policy_url": "https://town.example/policy",
    "risk_assessment_url": "https://town.example/risks",
    "dpia": "DPIA 7",
    "dpia_signed_by": "Ada",
    "ai": "assisted",
    "ai_marking": "Written with a machine.",
    "radius_km": 5.0,
    "personal_price": False,
    "price_disclosed": True,
    "remunerated": False,
    "remuneration_disclosed": True,
    "outside_transfer": False,
    "transfer_safeguard": "adequacy",
}


def _facts(declared: Any, **changes: Any) -> dict[str, Any]:
    asked = {"public_url": declared.public_url, "part": "eu_political", "people": 4000, "at": NOW, **changes}
    campaign, segment = declared.read_campaign(), declared.read_segment()
    return facts_of_campaign(campaign, segment, declared.read_messages(), declared.catalogue, **asked)


def test_every_fact_is_there_with_its_type(declared: Any):
    declared.campaign |= {"purpose": "political", "disclosure": FULL}
    facts = _facts(declared)
    assert set(facts) == set(CAMPAIGN_FACTS)
    assert facts.pop("platform") is None
    for name, value in facts.items():
        assert type(value) is PYTHON[CAMPAIGN_FACTS[name]], name
    truths = {"targets", "labelled", "notice", "process_linked", "ai_text", "opt_out_one_click", "online"}
    assert all(facts[name] is True for name in truths)
    assert (facts["days_to_vote"], facts["people"], facts["lookalike"]) == (10, 4000, False)
    assert (facts["sponsor_place"], facts["sponsor_controlled_from"]) == ("DE", "DE")
    assert facts["opt_out_days"] >= 60
    assert facts["health_data"] is False


def test_what_was_not_said_is_unknown(declared: Any):
    facts = _facts(declared, people=None)
    assert set(facts) == set(CAMPAIGN_FACTS)
    silent = (
        "sponsor_",
        "process",
        "policy",
        "risk",
        "dpia",
        "complaint",
        "amounts",
        "origin",
        "authorization",
    )
    for name in (name for name in facts if name.startswith(silent)):
        assert facts[name] is None, name
    assert facts["days_to_vote"] is None
    assert facts["notice"] is False
    assert facts["ai_text"] is None


def test_a_vote_that_is_over_is_below_zero(declared: Any):
    declared.campaign["disclosure"] = {"process": {"kind": "election", "on": "2026-11-20"}}
    assert _facts(declared)["days_to_vote"] == -1


def test_without_an_address_nobody_gets_out(declared: Any):
    facts = _facts(declared, public_url=None)
    assert (facts["opt_out"], facts["opt_out_one_click"], facts["opt_out_days"]) == (False, False, None)
    assert facts["notice"] is False


def test_a_political_message_elsewhere_has_no_label(declared: Any):
    declared.campaign |= {"purpose": "political", "disclosure": FULL}
    assert _facts(declared, part="house")["labelled"] is False
    declared.campaign["purpose"] = "public_health"
    assert _facts(declared)["labelled"] is None


def test_a_score_that_may_be_of_a_list_is_unknown(declared: Any, monkeypatch: pytest.MonkeyPatch):
    scored = declared.catalogue["district"].model_copy(update={"provenance": "inferred"})
    known = declared.catalogue | {"district": scored}
    monkeypatch.setattr(type(declared), "catalogue", property(lambda _: known))
    assert _facts(declared)["lookalike"] is None
    assert _facts(declared, lookalikes=["district"])["lookalike"] is True
    assert _facts(declared, lookalikes=[])["lookalike"] is False


def test_what_is_computed_from_events_is_no_lookalike(declared: Any, monkeypatch: pytest.MonkeyPatch):
    scored = declared.catalogue["district"].model_copy(update={"provenance": "computed"})
    known = declared.catalogue | {"district": scored}
    monkeypatch.setattr(type(declared), "catalogue", property(lambda _: known))
    assert _facts(declared)["lookalike"] is False


@pytest.mark.parametrize("left_out", ["legal_name", "email", "postal"])
def test_an_incomplete_notice_is_none(declared: Any, left_out: str):
    sponsor = {key: value for key, value in SPONSOR.items() if key != left_out}
    declared.campaign["disclosure"] = {**FULL, "sponsor": sponsor}
    assert lacking(declared.read_campaign()) == (f"sponsor.{left_out}",)
    assert _facts(declared)["notice"] is False


def test_who_is_controlled_by_others_says_from_where(declared: Any):
    plain = {key: value for key, value in SPONSOR.items() if key != "controlled_from"}
    declared.campaign["disclosure"] = {**FULL, "sponsor": plain}
    assert _facts(declared)["sponsor_controlled_from"] == "DE"
    declared.campaign["disclosure"] = {**FULL, "sponsor": plain | {"controlled_by": "Somebody"}}
    assert _facts(declared)["sponsor_controlled_from"] is None
    assert lacking(declared.read_campaign()) == ("sponsor.controlled_from",)


def test_health_is_known_by_the_kind_of_data(declared: Any, monkeypatch: pytest.MonkeyPatch):
    ill = declared.catalogue["district"].model_copy(update={"category": "health"})
    known = declared.catalogue | {"district": ill}
    segment = declared.read_segment()
    monkeypatch.setattr(type(declared), "catalogue", property(lambda _: known))
    monkeypatch.setattr(type(declared), "read_segment", lambda _: segment)
    assert _facts(declared)["health_data"] is True


def _reasons(declared: Any) -> set[str]:
    gate = declared.gate
    occasion = replace(gate.occasion, purpose=Purpose.POLITICAL)
    verdict = replace(gate, occasion=occasion).judge_one("campaign", _facts(declared))
    rules = [reason.rule.partition(".") for reason in verdict.reasons]
    return {name for pack, _, name in rules if pack == "eu_political"}


def test_a_complete_disclosure_meets_the_rules_on_political_advertising(declared: Any):
    declared.campaign |= {"purpose": "political", "disclosure": FULL}
    assert _reasons(declared) == set()
    declared.campaign["disclosure"] = {**FULL, "process": {"kind": "legislation"}}
    assert _reasons(declared) == set()
    foreign = {**SPONSOR, "place": "CH", "controlled_from": "CH", "may_vote": False}
    declared.campaign["disclosure"] = {**FULL, "sponsor": foreign}
    assert _reasons(declared) == {"sponsor"}


@pytest.mark.parametrize(
    ("left_out", "rules"),
    [
        ("complaint_email", {"complaints", "notice"}),
        ("policy_url", {"policy"}),
        ("risk_assessment_url", {"policy"}),
        ("money", {"records", "notice"}),
        ("process", {"declared", "notice"}),
    ],
)
def test_each_thing_that_is_not_said_fails_its_rule(declared: Any, left_out: str, rules: set[str]):
    said = {key: value for key, value in FULL.items() if key != left_out}
    declared.campaign |= {"purpose": "political", "disclosure": said}
    assert _reasons(declared) == rules
