"""Machines read the record by a schema; no cell of the table is a formula; the notice has its items."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.disclosure import counts, export, record, record_result, result_of
from suasion.ledger import Ledger, log, sends
from suasion.stats import Estimate

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DISCLOSURE = {
    "languages": ["en"],
    "sponsor": {"legal_name": "Parks e. V.", "email": "parks@town.example", "controlled_by": "=cmd()"},
    "payer": {"name": "@Payer", "postal": "+49"},
    "process": {"kind": "election", "name": "-2+3", "territory": "DE", "on": "2027-03-14"},
    "money": {"origin": "private", "inside_eu": False, "method": "invoices", "in_kind": 10.0},
    "complaint_url": "https://town.example/complain",
    "ai": "assisted",
}


@pytest.fixture
def exported(ledger: Ledger, declared: Any) -> tuple[dict[str, Any], ...]:
    """Two parts, one with figures, of a campaign whose sponsor writes formulas."""
    declared.campaign |= {"purpose": "political", "disclosure": DISCLOSURE}
    declared.part = "eu_gdpr+eu_political"
    record(ledger, declared.entry(("Ada", NOW)), NOW)
    record(ledger, replace(declared.entry(), part="uk", record_id="checkup:uk"), NOW)
    campaign = declared.read_campaign()
    told = counts.figures(ledger, campaign, declared.part, NOW)
    lift = Estimate(0.03, 0.01, 0.05, n=4321, method="AIPW")
    record_result(ledger, "checkup", result_of(campaign, declared.part, told, "EUR", lift), NOW)
    return export.records(log.rows(ledger), "checkup")


def test_records_are_what_the_schema_says(exported: Any):
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(export.schema())
    validator.check_schema(export.schema())
    said = json.loads(export.as_json(exported))
    assert [one["record_id"] for one in said["records"]] == ["checkup:eu_gdpr+eu_political", "checkup:uk"]
    for one in said["records"]:
        assert [str(error) for error in validator.iter_errors(one)] == []
    broken = {key: value for key, value in said["records"][0].items() if key != "money"}
    assert list(validator.iter_errors(broken))
    assert list(validator.iter_errors(said["records"][0] | {"person": 711_000_001}))


def test_the_newest_figures_are_those_of_the_part(exported: Any):
    first, second = exported
    assert first["delivery"]["reach_dp"] is not None
    assert first["effect"]["lift"] == {
        "value": 0.03,
        "low": 0.01,
        "high": 0.05,
        "level": 0.95,
        "method": "AIPW",
    }
    assert (second["delivery"]["reach_dp"], second["effect"]["lift"]) == (None, None)
    assert first["effect"]["registered_plan_hash"] == first["effect"]["judged_by"]


def test_no_exact_count_and_no_recipient_leaves(exported: Any):
    text = export.as_json(exported)
    assert "4321" not in text
    assert "71100000" not in text


def test_a_pause_is_a_suspension(ledger: Ledger, exported: Any):
    assert exported[0]["status"]["state"] == "live"
    sends.set_paused(ledger, "checkup", NOW, paused=True)
    assert export.records(log.rows(ledger), "checkup")[0]["status"]["state"] == "suspended"


def test_linked_data_carry_their_context(exported: Any):
    said = json.loads(export.as_json_ld(exported))
    assert {node["@type"] for node in said["@graph"]} == {"PoliticalAdvertisement"}
    assert said["@context"]["@vocab"].startswith("urn:suasion:record")
    loaded = [
        value for value in said["@context"].values() if isinstance(value, str) and value.startswith("http")
    ]
    assert loaded == ["https://schema.org/"], "a prefix, not a context to load"


def test_every_value_of_the_record_is_in_the_table(exported: Any):
    rows = list(csv.DictReader(io.StringIO(export.as_csv(exported))))
    found = {(row["record"], row["field"]): row["value"] for row in rows}
    assert len(found) == len(rows)
    first = "checkup:eu_gdpr+eu_political"
    assert found[first, "parties.controlled_by"] == "'=cmd()"
    assert found[first, "parties.payer.name"] == "'@Payer"
    assert found[first, "parties.payer.postal"] == "'+49"
    assert found[first, "linked_process[0].name"] == "'-2+3"
    assert found[first, "money.budget"] == "100.0"
    assert found[first, "ad.variants[0].text"].startswith("Dear {{ first_name }}")


@given(st.lists(st.text(max_size=8), min_size=1), st.text(min_size=1, max_size=8))
def test_no_cell_begins_a_formula(values: list[str], key: str):
    made = export.as_csv([{"record_id": values[0], key: values}])
    for row in csv.reader(io.StringIO(made)):
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_notice_says_what_the_annex_numbers(exported: Any):
    items = export.items_of(exported[0])
    assert [item.number for item in items] == list(range(1, 16))
    said = {item.title: " ".join(item.lines) for item in items}
    assert "Legal name: Parks e. V." in said["Sponsor"]
    assert said["Who controls the sponsor"] == "=cmd()"
    assert "Name: @Payer" in said["Who pays"]
    assert "100.00 EUR" in said["Amount of this advertisement"]
    assert "private; in part from outside the Union" in said["Origin of the money"]
    assert said["Linked vote or law"] == "election, -2+3, DE, 14 March 2027"
    assert said["Complaints"] == "https://town.example/complain"
    assert "Age, years" in said["Targeting"]
    assert "about" in said["Reach"] or "fewer" in said["Reach"]
    assert all(line for item in items for line in item.lines)
