"""docs/live.md: the first day live, block by block, and what it says is never done."""

import json
import re
from typing import Any

import suasion

Office = Any
VARY = {"variant", "value", "probability", "decision_id"}


def test_each_answer_has_the_shape_that_the_page_shows(office: Office):
    assert len(office.shown) == 5
    for line, printed, shown in office.shown:
        told, page = json.loads(printed), json.loads(shown)
        assert told.keys() == page.keys(), line
        for name in told.keys() - (VARY if page.get("decision_id") else set()):
            assert told[name] == page[name], f"{line}: {name}"


def test_the_sdk_of_openfeature_gets_what_the_page_gets(office: Office):
    (printed,) = [printed for line, printed in office.said if line.startswith("from pathlib")]
    (decided,) = [json.loads(printed) for line, printed in office.said if line == "cat answer.json"]
    title, decision_id = printed.strip().rsplit(" ", 1)
    assert title == decided["value"]["title"]
    assert re.fullmatch(r"[\w-]{40,}", decision_id)


def test_metrics_count_and_name_nobody(office: Office):
    written = (office.folder / "metrics.txt").read_text("utf-8")
    assert "# TYPE suasion_" in written
    assert "R0000001" not in written


def test_it_is_on_record_before_anybody_is_shown_anything(office: Office):
    ws = suasion.open(office.workspace, environment=office.secret)
    assert ("campaign", "placement:banner") in {(row.kind, row.campaign) for row in ws.log()}
    assert ws.verify().problems == ()
    lines = [line for line, _ in office.said]
    assert lines.index("suasion verify -w office") < lines.index("cat answer.json")


def test_a_write_key_reads_nothing_and_another_key_writes_nothing(office: Office):
    asked = {"placement": "banner", "context": {"targetingKey": "R0000001"}}
    for path in ("/v1/decide", "/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/banner"):
        assert office.ask(path, asked, office.write_key)[0] == 401
    event = {"userId": "R0000001", "event": "Page Read", "messageId": "by a wrong key"}
    assert office.ask("/v1/track", event)[0] == 401


def test_a_reading_key_asks_in_vain(office: Office):
    key = (office.folder / "read.txt").read_text("utf-8").strip()
    assert office.ask("/v1/decide", {"placement": "banner"}, key)[0] == 401


def test_no_answer_sets_a_cookie(office: Office):
    for path in ("/v1/decide", "/ofrep/v1/evaluate/flags", "/v1/track"):
        _, _, headers = office.ask(path, {"placement": "banner", "context": {"targetingKey": "R0000001"}})
        assert "set-cookie" not in headers


def test_the_same_person_gets_the_same_variant_however_often_they_ask(office: Office):
    who = office.residents("yes")[3]
    told = [office.decide(who) for _ in range(20)]
    versions = {one["policy"] for one in told}  # it may learn meanwhile
    assert len({(one["policy"], one["variant"], one["probability"]) for one in told}) == len(versions)
    assert {one["reason"] for one in told} == {"SPLIT"}, "asking is no exposure"


def test_after_a_change_of_its_file_everybody_sees_the_generic_variant_until_it_is_approved(office: Office):
    path, who = office.workspace / "placements" / "banner.toml", office.residents("yes")[4]
    before, text = office.decide(who), path.read_text("utf-8")
    assert before["reason"] == "SPLIT"
    path.write_text(text.replace("open until eight", "open until nine"), "utf-8")
    try:
        office.until(lambda: office.decide(who)["reason"] == "DISABLED")
        assert office.decide(who)["variant"] == "plain"
    finally:
        path.write_text(text, "utf-8")
    office.until(lambda: office.decide(who)["reason"] == "SPLIT")
    after = office.decide(who)
    if after["policy"] == before["policy"]:  # it may have learned meanwhile
        assert (after["variant"], after["probability"]) == (before["variant"], before["probability"])


def test_what_was_seen_is_frozen(office: Office):
    (decided,) = [json.loads(printed) for line, printed in office.said if line == "cat answer.json"]
    office.until(lambda: office.decide("R0000001")["reason"] == "CACHED")
    told = office.decide("R0000001")
    assert (told["variant"], told["probability"]) == (decided["variant"], decided["probability"])
