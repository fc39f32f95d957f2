"""Everybody can read each campaign's record and check the log; what is declared never becomes markup."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from typer.testing import CliRunner

from suasion.cli.app import app
from suasion.disclosure import counts, record, record_result, result_of, saved, verify
from suasion.errors import OrderError
from suasion.ledger import campaign_from, sends
from suasion.stats import Estimate

HOSTILE = {
    "name": "<script>alert(1)</script> & Sons",
    "campaign": "a&b 'c' \"d\" <i>#?%2e{{ 1 }}",
    "sponsor": "<img src=x onerror=alert(1)>",
    "treatment": "</pre><script>alert(2)</script>",
    "imprint": "\"><form action='https://evil.example'>",
    "subject": "</strong><style>*{display:none}</style>",
    "text": "</pre><iframe src='https://evil.example'></iframe> {{ first_name }}",
    "label": "</title><meta http-equiv=refresh content='0;url=https://evil.example'>",
    "licence": "<a href='javascript:alert(3)'>x</a>",
    "trait": "<!-- <svg/onload=alert(4)>",
}


OURS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "h3", "p"),
    *(
        "a",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "form",
        "button",
    ),
    *("label", "input", "select", "option", "textarea"),
    *("span", "br", "code", "pre", "strong", "details", "summary"),
}


def _follow(site: Any, page: str, link: str) -> Any:
    address = urlsplit(urljoin(f"http://town.example{page}", link))
    return site.get(f"{address.path}?{address.query}" if address.query else address.path)


def test_the_first_page_lists_campaigns_and_the_newest_hash(site: Any, world: Any):
    page = site.get("/").page
    assert "checkup" in page.text
    assert verify(world.workspace.ledger).head in page.text
    links = page.values("a", "href")
    assert "campaigns/checkup" in links
    assert {_follow(site, "/", link).status for link in links} == {200}


def test_the_log_that_everybody_downloads_can_be_checked(site: Any, world: Any):
    sends.set_paused(world.workspace.ledger, "checkup", world.workspace.now(), paused=True)
    answer = site.get("/log.jsonl")
    found = saved.verify_lines(answer.body.decode("ascii").splitlines())
    assert (found.rows, found.problems) == (2, ())
    assert found.head in site.get("/").page.text
    assert found.head == verify(world.workspace.ledger).head


def test_the_check_on_the_page_runs_and_finds_the_newest_hash(site: Any, world: Any, tmp_path: Path):
    sends.set_paused(world.workspace.ledger, "checkup", world.workspace.now(), paused=True)
    downloaded = site.get("/log.jsonl").body
    (tmp_path / "log.jsonl").write_bytes(downloaded)
    text = site.get("/").page.text
    end = text.index(".decode())") + len(".decode())")
    script = text[text.index("import base64") : end]

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-c", script]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run().stdout.strip() == verify(world.workspace.ledger).head
    (tmp_path / "log.jsonl").write_bytes(downloaded.replace(b"1234.5", b"1234.6"))
    assert "AssertionError: 1" in run().stderr


def test_the_record_says_what_the_entry_says(site: Any, world: Any):
    page = site.get("/campaigns/checkup").page
    text = " ".join(page.text.split())
    for said in (
        "Town Health Office, Market Square 1, 12345 Town",
        "“Adults of the town”",
        '"age" >= 18',
        "1,234.50",
        "fewer than 1",
        "100 % of all messages",
        "house.adult",
        "Transparency notice",
        "Your check-up is due",
        "Dear {{ first_name }}, it is time for your yearly check-up.",
        "<p>Dear <b>{{ first_name }}</b></p>",
        "first_name is “neighbor”",
        "at least 10 %",
        "Ada Lovelace, 21 November 2026, 12:00 UTC",
        "31 January 2027, 20:00 UTC+01:00",
        "Nothing can be said yet",
        world.entry.content,
    ):
        assert said in text
    assert {_follow(site, "/campaigns/checkup", link).status for link in page.values("a", "href")} == {200}


def _result(world: Any, lift: Estimate | None) -> dict[str, Any]:
    workspace = world.workspace
    campaign = campaign_from(workspace.folder / "campaigns" / f"{world.entry.campaign}.toml")
    told = counts.figures(workspace.ledger, campaign, "house", workspace.now())
    return result_of(campaign, "house", told, "EUR", lift)


def test_results_and_changes_are_shown(site: Any, world: Any):
    ledger, now = world.workspace.ledger, world.workspace.now()
    record_result(ledger, "checkup", _result(world, None), now)
    assert "cannot be told yet" in site.get("/campaigns/checkup").page.text
    lift = Estimate(0.0312, 0.0124, 0.0500, n=4000, method="AIPW")
    told = _result(world, lift)
    record_result(ledger, "checkup", told, now)
    record(ledger, replace(world.entry, budget=5.0), now)
    text = " ".join(site.get("/campaigns/checkup").page.text.split())
    for said in ("+31.0 “came”", "(+12.0 to +50.0)", "by AIPW", "95 %", "5.00", "version 2 of record"):
        assert said in text
    reach = told["reach"]
    assert re.search(f"Got a message ?about {reach['value']} ?{reach['low']} to {reach['high']}", text)
    assert "4,000" not in text, "no exact count leaves"
    assert re.findall(r"(\d)(record|result) 21 November", text) == [
        ("4", "record"),
        ("3", "result"),
        ("2", "result"),
        ("1", "record"),
    ]


def test_machines_read_the_record(site: Any, world: Any):
    answer = site.get("/campaigns/checkup.json")
    assert answer.headers["content-type"] == "application/json"
    (said,) = json.loads(answer.body)["records"]
    assert (said["record_id"], said["version_tag"]) == ("checkup:house", 1)
    assert said["ad"]["permanent_url"] == "https://town.example/campaigns/checkup"
    linked = json.loads(site.get("/campaigns/checkup.jsonld").body)
    assert linked["@graph"][0]["@id"] == said["ad"]["permanent_url"]
    table = list(csv.reader(site.get("/campaigns/checkup.csv").body.decode().splitlines()))
    assert table[0] == ["record", "field", "value"]
    assert ["checkup:house", "money.budget", "1234.5"] in table
    assert json.loads(site.get("/record.schema.json").body)["$id"] == "urn:suasion:record:2"
    for ending in ("json", "jsonld", "csv"):
        assert site.get(f"/campaigns/nobody.{ending}").status == 404
        assert site.get(f"/campaigns/checkup.{ending}?part=uk").status == 404


@pytest.mark.parametrize("ending", ["json", "jsonld", "csv"])
def test_the_command_line_writes_what_the_server_says(
    site: Any, world: Any, monkeypatch: pytest.MonkeyPatch, ending: str
):
    monkeypatch.setenv("SUASION_KEY", "of the test")
    asked = ["--format", ending, "-w", str(world.workspace.folder)]
    written = CliRunner().invoke(app, ["entry", "checkup", *asked])
    assert written.stdout_bytes == site.get(f"/campaigns/checkup.{ending}").body
    assert isinstance(CliRunner().invoke(app, ["entry", "nobody", *asked]).exception, OrderError)


def test_the_notice_has_numbered_items_for_people_and_machines(site: Any, world: Any):
    text = " ".join(site.get("/campaigns/checkup/notice?part=house").page.text.split())
    items = json.loads(site.get("/campaigns/checkup/notice.json").body)["items"]
    assert [item["number"] for item in items] == list(range(1, 16))
    for item in items:
        assert f"{item['number']}. {item['title']}" in text
        assert all(" ".join(line.split()) in text for line in item["lines"])
    assert site.get("/campaigns/checkup/notice?part=uk").status == 404
    assert site.get("/campaigns/nobody/notice").status == 404


def test_who_sends_from_here_is_at_a_well_known_address(site: Any, world: Any):
    said = json.loads(site.get("/.well-known/suasion-transparency.json").body)
    assert said["sponsor"] == "Town Health Office"
    assert said["sends_from"] == ["health@town.example"]
    assert said["records"] == ["https://town.example/campaigns/checkup"]


def test_what_is_not_published_is_not_listed(site: Any, world: Any):
    record(world.workspace.ledger, replace(world.entry, published=False), world.workspace.now())
    assert "campaigns/checkup" not in site.get("/").page.values("a", "href")
    assert json.loads(site.get("/.well-known/suasion-transparency.json").body)["records"] == []
    answer = site.get("/campaigns/checkup")
    assert (answer.status, answer.headers["x-robots-tag"]) == (200, "noindex")


def test_each_part_has_its_page(site: Any, world: Any):
    ledger, now = world.workspace.ledger, world.workspace.now()
    record(ledger, replace(world.entry, part="uk", record_id="checkup:uk", places=("GB",)), now)
    page = site.get("/campaigns/checkup?part=house").page
    assert "checkup?part=uk" in page.values("a", "href")
    assert "GB" in site.get("/campaigns/checkup?part=uk").page.text
    assert len(json.loads(site.get("/campaigns/checkup.json").body)["records"]) == 2
    assert site.get("/campaigns/checkup?part=none").status == 404


@pytest.mark.parametrize("name", ["nobody", "..", "%2e%2e%2fsuasion.toml", "checkup/x", "CHECKUP", "%"])
def test_a_campaign_without_a_record_has_no_page(site: Any, world: Any, name: str):
    assert site.get(f"/campaigns/{name}").status == 404


def test_a_damaged_log_is_told(site: Any, world: Any):
    world.change("DROP TRIGGER log_update")
    world.change("UPDATE log SET body = replace(body, '1234.5', '9.0')")
    assert "The log is damaged: row 1" in site.get("/").page.text


def test_a_workspace_without_campaigns_has_a_page(site: Any, world: Any):
    world.change("DROP TRIGGER log_delete")
    world.change("DELETE FROM log")
    text = site.get("/").page.text
    assert "There is none yet" in text
    assert base64.b64encode(hashlib.sha256().digest()).decode() in text
    assert site.get("/log.jsonl").body == b""


def test_nothing_declared_becomes_markup(start: Any, make: Any):
    world = make(**HOSTILE)
    lift = Estimate(0.1, 0.0, 0.2, n=10, method="<b>mean</b>")
    told = _result(world, lift) | {"outcome": "<u>came</u>"}
    record_result(world.workspace.ledger, HOSTILE["campaign"], told, world.workspace.now())
    site = start(world.workspace)
    (link,) = [
        one
        for one in site.get("/").page.values("a", "href")
        if one not in {"log.jsonl", "checkpoint", "verify"}
    ]
    answers = {
        "index": site.get("/"),
        "record": _follow(site, "/", link),
        "notice": site.get(f"{urlsplit(urljoin('http://x/', link)).path}/notice"),
        "why": site.get(f"/why/{world.token(3)}"),
        "asked": site.get(f"/o/{world.token(3)}"),
    }
    for name, answer in answers.items():
        assert (name, answer.status) == (name, 200)
        assert {tag for tag, _ in answer.page.elements} <= OURS
        attributes = {attribute for _, found in answer.page.elements for attribute in found}
        assert attributes <= {
            *("lang", "charset", "name", "content", "class", "href", "method", "action", "scope"),
            *("role", "aria-label", "tabindex"),
            *("for", "id", "maxlength", "required", "rows", "type", "value"),
        }
        assert not [
            link for link in answer.page.values("a", "href") if urlsplit(link).scheme not in ("", "https")
        ]
    shown = {"index": ["name", "campaign", "sponsor"], "asked": ["sponsor", "imprint"]}
    shown["why"] = ["campaign", "sponsor", "treatment", "imprint", "label", "licence", "trait"]
    shown["record"] = [*shown["why"], "subject", "text"]
    shown["notice"] = ["sponsor", "label", "licence", "trait"]
    for name, keys in shown.items():
        for key in keys:
            assert HOSTILE[key] in answers[name].page.text, (name, key)


def test_pages_load_nothing_and_set_nothing(site: Any, world: Any):
    for path in (
        "/",
        "/campaigns/checkup",
        "/campaigns/checkup/notice",
        f"/o/{world.token(3)}",
        f"/why/{world.token(3)}",
        "/nowhere",
    ):
        answer = site.get(path)
        names = {tag for tag, _ in answer.page.elements}
        assert not names & {"script", "link", "img", "iframe", "object", "video", "audio"}
        assert b"url(" not in answer.body
        assert b"@import" not in answer.body
        assert "set-cookie" not in answer.headers
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert ("html", {"lang": "en"}) in answer.page.elements
        assert answer.page.values("meta", "content")[0] == "width=device-width, initial-scale=1"
