"""Under each part's messages stands what the law of its places asks for, and nothing of other places."""

from __future__ import annotations

from typing import Any

import pytest

from suasion.disclosure import notice_of

TOKEN = "AAAAAAAAAAe-_0123456789abcdefghi"
SPONSOR = {
    "legal_name": "Movement for Parks e. V.",
    "email": "parks@town.example",
    "postal": "Oak Lane 2, 12345 Town",
    "place": "DE",
    "register_no": "VR 123",
    "controlled_by": "Green Holding",
    "controlled_from": "DE",
}
PROCESS = {
    "kind": "referendum",
    "name": "Referendum on the park",
    "territory": "DE",
    "on": "2027-03-14",
    "official_url": "https://vote.example",
}
MONEY = {"origin": "private", "inside_eu": True, "method": "invoices", "in_kind": 10.0}
FULL = {
    "sponsor": SPONSOR,
    "process": PROCESS,
    "money": MONEY,
    "complaint_url": "https://town.example/complain",
    "authorization": "Not authorized by any candidate or candidate's committee.",
}


@pytest.fixture
def political(declared: Any) -> Any:
    declared.campaign |= {"purpose": "political", "sponsor": "Parks", "disclosure": FULL}
    return declared


def _said(declared: Any, part: str) -> str:
    campaign, segment = declared.read_campaign(), declared.read_segment()
    made = notice_of(campaign, segment, declared.public_url, part)
    return made.text(TOKEN)


def test_a_political_advertisement_in_the_union_says_all_that_is_asked(political: Any):
    text = _said(political, "eu_gdpr+eu_political")
    assert "Political advertisement." in text
    assert "Sponsor: Parks (Movement for Parks e. V.), controlled by Green Holding." in text
    assert "Linked to: Referendum on the park, DE, 14 March 2027." in text
    assert "It is targeted" in text
    url = "https://town.example/campaigns/checkup/notice?part=eu_gdpr%2Beu_political"
    assert f"Transparency notice: {url}" in text


def test_a_message_to_everybody_is_not_called_targeted(political: Any):
    political.where, political.campaign["features"] = "true", ()
    assert "targeted" not in _said(political, "eu_political")


def test_in_britain_promoter_and_sponsor_are_named_with_their_addresses(political: Any):
    promoter = {"name": "Ann Smith", "postal": "High Street 1, London"}
    political.campaign["disclosure"] = {**FULL, "promoter": promoter}
    text = _said(political, "uk")
    sponsor = "Parks (Movement for Parks e. V.), Oak Lane 2, 12345 Town"
    assert f"Promoted by Ann Smith, High Street 1, London on behalf of {sponsor}." in text


def test_a_sponsor_without_an_address_of_its_own_has_that_of_the_imprint(political: Any):
    political.campaign["disclosure"] = {}
    political.campaign["sponsor"] = "Town Health Office"
    assert "Promoted by Town Health Office, Market Square 1, 12345 Town." in _said(political, "uk")


def test_in_america_it_is_said_who_pays_and_who_authorized(political: Any):
    political.campaign["disclosure"] = {**FULL, "payer": {"name": "Friends of Parks"}}
    text = _said(political, "us_political")
    assert "Paid for by Friends of Parks. Not authorized by any candidate or candidate's committee." in text
    assert "Friends of Parks pays for this message of Parks." in text


def test_commerce_is_marked_as_advertising_with_an_address(declared: Any):
    declared.campaign |= {"purpose": "commercial", "disclosure": {"sponsor": SPONSOR}}
    assert "This message is an advertisement of" in _said(declared, "us_canspam")
    canadian = _said(declared, "ca_casl")
    assert "12345 Town, parks@town.example. You can withdraw your consent at any time" in canadian
    assert "Political advertisement" not in _said(declared, "eu_political")


def test_who_may_be_in_two_places_reads_the_labels_of_both(political: Any):
    text = _said(political, "eu_political+uk+us_political")
    assert all(said in text for said in ("Political advertisement.", "Promoted by", "Paid for by"))


def test_the_house_alone_asks_for_no_label(political: Any):
    text = _said(political, "house")
    assert not any(said in text for said in ("Political advertisement", "Promoted by", "Paid for by"))


def test_a_machine_that_wrote_is_named(declared: Any):
    declared.campaign["disclosure"] = {"ai": "assisted", "ai_marking": "Written with the help of a machine."}
    assert "Written with the help of a machine." in _said(declared, "house")


@pytest.mark.parametrize(
    "change",
    [
        {"sponsor": {**SPONSOR, "legal_name": "Somebody else"}},
        {"sponsor": {**SPONSOR, "controlled_by": "Somebody else"}},
        {"process": {**PROCESS, "on": "2027-03-15"}},
        {"authorization": "Authorized by A. Candidate."},
        {"payer": {"name": "Somebody else"}},
    ],
    ids=str,
)
def test_an_approval_holds_for_these_labels_alone(political: Any, change: dict[str, Any]):
    before = political.digest()
    political.campaign["disclosure"] = {**FULL, **change}
    assert political.digest() != before


def test_an_approval_does_not_look_at_what_no_message_says(political: Any):
    before = political.digest()
    political.campaign["disclosure"] = {**FULL, "complaint_url": "https://elsewhere.example", "keep_years": 9}
    assert political.digest() == before


def test_a_correction_of_the_disclosure_is_no_other_campaign(political: Any):
    before = political.read_campaign()
    political.campaign["disclosure"] = {}
    after = political.read_campaign()
    assert before.terms == after.terms
    assert before.digest != after.digest
