"""The record says who pays, what is said to whom and why, and nothing about any recipient."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from suasion.errors import CampaignError
from suasion.ledger import log

APPROVED = ("Ada, head of office", datetime(2026, 11, 20, 9, tzinfo=UTC))


def _said(declared: Any, approved: tuple[str, datetime] | None = None) -> dict[str, Any]:
    """The record as it comes back from the log."""
    return json.loads(log.canonical(declared.entry(approved).as_dict()))


def test_the_record_says_who_speaks_and_where(declared: Any):
    said = _said(declared)
    expected = {
        "campaign": "checkup",
        "sponsor": "Town Health Office",
        "imprint": "Town Health Office, Market Square 1, 12345 Town",
        "sender": "Town Health Office <health@town.example>",
        "purpose": "public_health",
        "territory": "DE",
        "channel": "email",
        "public_url": "https://town.example",
        "budget": 100.0,
        "currency": "EUR",
        "holdout": 0.1,
        "exploration": 0.02,
        "people": 4,
        "approval": None,
    }
    assert expected.items() <= said.items()
    assert datetime.fromisoformat(said["not_after"]) == datetime(2027, 1, 31, 19, tzinfo=UTC)
    assert said["content"] == declared.digest()
    assert said["rules"] == declared.gate.digest
    assert "link" in said["opt_out"]


def test_the_record_says_whom_it_aims_at(declared: Any):
    aim = _said(declared)["aim"]
    assert aim == {
        "segment": "adults",
        "label": "Adults of the town",
        "expression": '"age" >= 18 AND "district" IS NOT NULL',
    }


def test_the_record_names_every_trait_with_its_use_and_origin(declared: Any):
    said = _said(declared)
    assert {(t["trait"], *t["roles"]) for t in said["traits"]} == {
        ("first_name", "message"),
        ("age", "segment", "score", "message"),
        ("visits", "score"),
        ("district", "segment"),
    }
    known = {t["trait"]: (t["label"], t["category"], t["sources"]) for t in said["traits"]}
    assert known["age"] == ("Age, years", "age", ["pilot", "register"])
    assert known["district"] == ("District", "place", ["register"])
    assert said["sources"] == [
        {"source": "pilot", "licence": "our own", "basis": "research_replay"},
        {"source": "register", "licence": "Town act, 4", "basis": "public_task"},
    ]


def test_the_record_says_that_a_trait_was_inferred(declared: Any, monkeypatch: pytest.MonkeyPatch):
    scored = declared.catalogue["district"].model_copy(update={"provenance": "inferred"})
    known = declared.catalogue | {"district": scored}
    monkeypatch.setattr(type(declared), "catalogue", property(lambda _: known))
    assert {t["trait"]: t["sources"] for t in _said(declared)["traits"]}["district"] == ["inferred"]


def test_a_trait_that_is_not_used_is_not_named(declared: Any):
    declared.where = "true"
    assert "district" not in {t["trait"] for t in _said(declared)["traits"]}


def test_the_record_says_every_treatment_word_for_word(declared: Any):
    reminder, invitation = _said(declared)["treatments"]
    assert reminder == {
        "treatment": "reminder",
        "says": {
            "message": "due",
            "variant": "plain",
            "subject": "Your check-up is due",
            "text": "Dear {{ first_name }}, it is time.",
            "html": "<p>It is.</p>",
            "fallbacks": {"first_name": "neighbor"},
        },
        "cost": 0.05,
        "price": 0.0,
        "price_if": None,
        "people": 2,
    }
    assert (invitation["says"]["variant"], invitation["people"]) == ("warm", 1)
    assert (invitation["price"], invitation["price_if"]) == (2.0, "came")


def test_the_record_says_who_approved_it(declared: Any):
    approval = _said(declared, APPROVED)["approval"]
    assert approval["by"] == "Ada, head of office"
    assert datetime.fromisoformat(approval["at"]) == APPROVED[1]


def test_the_record_says_how_the_campaign_will_be_judged(declared: Any):
    declared.campaign["also"] = ("called",)
    rail = {"watches": "opted_out", "most": 0.02}
    declared.campaign["analysis"] = {"looks": "fixed", "subgroups": ["age"], "guardrails": [rail]}
    said = _said(declared)
    assert said["analysis"] == {
        "outcome": "came",
        "also": ["called"],
        "alpha": 0.05,
        "before": None,
        "subgroups": ["age"],
        "looks": "fixed",
        "people": None,
        "guardrails": [rail | {"lower_is_worse": False}],
    }
    assert said["analysis_digest"] == declared.read_campaign().analysis.digest


def test_another_analysis_is_another_record_of_the_same_content(declared: Any):
    before = _said(declared)
    declared.campaign["analysis"] = {"alpha": 0.01}
    after = _said(declared)
    assert after["analysis_digest"] != before["analysis_digest"]
    assert after["content"] == before["content"], "an approval of the words still holds"


def test_no_recipient_is_in_the_record(declared: Any):
    assert not re.search("71100000", log.canonical(_said(declared)))


def test_what_nobody_is_told_has_no_record(declared: Any):
    declared.campaign["delivery"] = None
    with pytest.raises(CampaignError, match=r"no \[delivery\]"):
        declared.entry()
