"""The record says who pays, what is said to whom and why, and nothing about any recipient."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from suasion.errors import CampaignError
from suasion.ledger import log
from suasion.scores import Findings, Ranking
from suasion.scores.extremes import Extremes
from suasion.scores.pool import Compared
from suasion.stats import Estimate

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
        "part": "house",
        "places": ["DE"],
        "published": True,
        "record_id": "checkup:house",
        "least_audience": 100,
        "parity": None,
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


def test_the_record_says_that_a_trait_was_computed(declared: Any, monkeypatch: pytest.MonkeyPatch):
    scored = declared.catalogue["district"].model_copy(update={"provenance": "computed"})
    known = declared.catalogue | {"district": scored}
    monkeypatch.setattr(type(declared), "catalogue", property(lambda _: known))
    assert {t["trait"]: t["sources"] for t in _said(declared)["traits"]}["district"] == ["computed"]


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
        "creative": hashlib.sha256(log.canonical(reminder["says"]).encode()).hexdigest(),
        "people": reminder["people"],
        "share": reminder["share"],
    }
    assert invitation["says"]["variant"] == "warm"
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


def test_people_are_counted_with_noise(declared: Any):
    said = _said(declared)
    reminder, invitation = said["treatments"]
    for count, truth in ((said["audience"], 4000), (reminder["people"], 1800), (invitation["people"], 900)):
        assert abs(count["value"] - truth) < 100, "six standard deviations"
        assert count["low"] <= count["value"] <= count["high"]
        assert 25 < count["high"] - count["value"] < 35
        assert 0 < count["epsilon"] < 1
    assert (reminder["share"], invitation["share"]) == pytest.approx((2 / 3, 1 / 3), abs=0.05)


def test_the_same_record_has_the_same_counts(declared: Any):
    assert declared.entry() == declared.entry()


def test_too_few_people_are_not_told(declared: Any):
    declared.people = 40
    audience = _said(declared)["audience"]
    assert (audience["value"], audience["low"]) == (None, 0)
    assert audience["high"] >= 100


def test_in_politics_a_thousand_are_few(declared: Any):
    declared.people, declared.campaign["purpose"] = 800, "political"
    said = _said(declared)
    assert (said["audience"]["value"], said["least_audience"]) == (None, 1000)


def test_the_record_says_who_is_chosen_and_who_never_is(declared: Any):
    declared.where = "age >= 18 AND district NOT IN ('old') AND visits <> 3"
    targeting = _said(declared)["targeting"]
    assert targeting["used"] is True
    first, last = targeting["include"]
    assert (first["parameter"], first["value"]) == ("Age, years", '"age" >= 18')
    assert first["why"] == "Adults of the town"
    assert last["parameter"] == "Past visits, Age, years"
    by_segment = [(one["parameter"], one["value"]) for one in targeting["exclude"]]
    assert by_segment == [("District", "\"district\" IN ('old')"), ("Past visits", '"visits" = 3')]
    rules = {one["parameter"] for one in targeting["kept_out"]}
    assert rules == {rule.id for rule in declared.gate.rules("person")}
    assert targeting["data_categories"] == ["age", "behavior", "place"]
    assert {"health", "belief", "politics"} <= {*targeting["never_used"]}
    assert not {"age", "behavior"} & {*targeting["never_used"]}


def test_nobody_is_targeted_where_nothing_is_known(declared: Any):
    declared.where, declared.campaign["features"] = "true", ()
    targeting = _said(declared)["targeting"]
    assert targeting["used"] is False
    assert [one["parameter"] for one in targeting["include"]] == ["everybody"]


def test_the_record_has_a_card_of_the_model(declared: Any):
    gain = Estimate(0.1, 0.0, 0.2, n=98765, method="DR")
    rankings = (Ranking(True, 0.01, None, None, "yes"), Ranking(False, 1.0, None, None, "no"))
    compared = (Compared("forest", gain, (0.8, 0.6)), Compared("linear", gain, (0.2, 0.4)))
    declared.findings = Findings(rankings, compared, Extremes(None, 0, None))
    model = _said(declared)["model"]
    assert model["used"] is True
    assert model["learners"] == {"forest": 0.7, "linear": 0.3}
    assert model["ranks"] == {"reminder": True, "invitation": False}
    assert model["features"] == ["Age, years", "Past visits"]
    assert abs(model["trained"]["value"] - 4000) < 100
    assert "98765" not in log.canonical(_said(declared))


def test_a_part_has_its_own_record_and_label(declared: Any):
    declared.campaign["purpose"] = "political"
    declared.part = "eu_gdpr+eu_political"
    said = _said(declared)
    assert said["record_id"] == "checkup:eu_gdpr+eu_political"
    (label,) = said["labels"]
    assert label["text"].startswith("Political advertisement. Sponsor: Town Health Office.")
    assert label["link"].endswith("/campaigns/checkup/notice?part=eu_gdpr%2Beu_political")
    declared.part = "house"
    assert _said(declared)["labels"] == []


def test_no_recipient_is_in_the_record(declared: Any):
    assert not re.search("71100000", log.canonical(_said(declared)))


def test_what_nobody_is_told_has_no_record(declared: Any):
    declared.campaign["delivery"] = None
    with pytest.raises(CampaignError, match=r"no \[delivery\]"):
        declared.entry()
