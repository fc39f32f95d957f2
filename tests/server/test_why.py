"""A recipient learns why a message came; whoever else has the link learns nothing about the recipient."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from suasion.disclosure import record


def test_the_page_says_who_why_and_how_to_stop_it(site: Any, world: Any):
    text = " ".join(site.get(f"/why/{world.token(3)}").page.text.split())
    for said in (
        "Town Health Office, Market Square 1, 12345 Town",
        "Town <health@town.example>",
        "“Adults of the town”",
        "public health",
        "Age, years",
        "Past visits",
        "behavior",
        "register",
        "Town act, section 4",
        "public task",
        "“reminder” had a chance of 61.8 %",
        "Stop all e-mail",
        "Ask to be erased",
        "0.05 EUR, sent on 21 November 2026",
        "Not looked at for it: disability",
    ):
        assert said in text


def test_its_button_opts_out(site: Any, world: Any):
    path = f"/why/{world.token(3)}"
    action = site.get(path).page.values("form", "action")[0]
    assert site.ask("POST", urlsplit(urljoin(f"http://town.example{path}", action)).path).status == 200
    assert world.suppressed == {3}


def test_its_links_lead_somewhere(site: Any, world: Any):
    path = f"/why/{world.token(3)}"
    links = site.get(path).page.values("a", "href")
    assert links
    for link in links:
        assert site.get(urlsplit(urljoin(f"http://town.example{path}", link)).path).status == 200


def test_the_page_holds_nothing_about_the_person(site: Any, world: Any):
    one, other = (site.get(f"/why/{world.token(send)}").body.decode() for send in (3, 4))
    assert one.replace(world.token(3), "") == other.replace(world.token(4), "")
    assert "711" not in one


def test_pages_of_recipients_are_neither_kept_nor_found_nor_passed_on(site: Any, world: Any):
    paths = [f"/why/{world.token(3)}", f"/o/{world.token(3)}", "/o/wrong"]
    answers = [*map(site.get, paths), site.ask("POST", f"/o/{world.token(3)}")]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "style-src 'unsafe-inline'", "form-action 'self'"} <= set(policy)
        assert not {"set-cookie", "server"} & answer.headers.keys()


def test_the_newest_record_is_told(site: Any, make: Any, world: Any):
    newer = make(sponsor="Town Hall")
    assert "Town Hall pays" in site.get(f"/why/{newer.token(3)}").page.text


def test_without_a_record_nothing_is_told(site: Any, world: Any):
    world.change("DROP TRIGGER log_delete")
    world.change("DELETE FROM log")
    assert site.get(f"/why/{world.token(3)}").status == 404
    assert site.get(f"/o/{world.token(3)}").status == 200
    assert record(world.workspace.ledger, world.entry, world.workspace.now())
    assert site.get(f"/why/{world.token(3)}").status == 200
