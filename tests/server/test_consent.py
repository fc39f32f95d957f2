"""The link of a double opt-in: shown by GET, confirmed by POST, and one answer to whatever is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from suasion.ledger import consents, opt_in, tokens
from suasion.rules import Channel, Purpose

PAIR = (Purpose.PUBLIC_HEALTH, Channel.EMAIL)
WORDS = "Yes, <b>write</b> to me & mine."
PERSON = 711_000_003


@pytest.fixture
def asked(world: Any) -> Any:
    """Make a link, so long before now."""
    ws = world.workspace

    def made(before: timedelta = timedelta(), words: str = WORDS) -> str:
        at = ws.now() - before
        return opt_in.ask(ws.ledger, ws.key, PERSON, PAIR, words, "web form", at)

    return made


def agreed(world: Any) -> list[bool]:
    return consents.told(world.workspace.ledger)["given"].to_pylist()


def test_opening_the_link_confirms_nothing_however_often(site: Any, world: Any, asked: Any):
    """Scanners of mail follow every link."""
    token = asked()
    for method in ("GET", "HEAD", "GET"):
        assert site.ask(method, f"/consent/{token}").status == 200
    assert agreed(world) == []


def test_the_page_shows_the_words_and_a_button(site: Any, asked: Any):
    page = site.get(f"/consent/{asked()}").page
    assert WORDS in page.text
    assert page.values("form", "method") == ["post"]
    assert "b" not in {name for name, _ in page.elements}


@pytest.mark.parametrize("body", [b"", b"anything=else", b"x" * 65_536])
def test_the_button_confirms_whatever_else_is_said(site: Any, world: Any, asked: Any, body: bytes):
    token = asked()
    answer = site.ask("POST", f"/consent/{token}", body)
    assert answer.status == 200
    assert agreed(world) == [True]
    assert not {"set-cookie", "location"} & answer.headers.keys()
    assert answer.headers["cache-control"] == "no-store"


def test_a_second_press_and_a_look_afterwards_are_answered_alike(site: Any, world: Any, asked: Any):
    token = asked()
    first, second = (site.ask("POST", f"/consent/{token}") for _ in range(2))
    assert first.body == second.body == site.get(f"/consent/{token}").body
    assert agreed(world) == [True]


def test_whatever_is_wrong_with_a_link_the_answer_is_one(site: Any, world: Any, asked: Any):
    ws, token = world.workspace, asked()
    old = asked(timedelta(hours=49), "Other words.")
    asked()  # the one that waits is the newest
    content = tokens.unsealed(ws.key, b"consent", token) or b""
    gone = content.replace(str(PERSON).encode(), b"7", 1)
    wrong = [
        *(old, "x", "A" * 90, token[:-1], f"{token}A", world.token(3)),
        tokens.sealed(b"another key", b"consent", content),
        tokens.sealed(ws.key, b"consent", gone),
    ]
    bodies = {site.ask(how, f"/consent/{one}").body for one in wrong for how in ("GET", "POST")}
    statuses = {site.ask(how, f"/consent/{one}").status for one in wrong for how in ("GET", "POST")}
    assert (statuses, len(bodies)) == ({404}, 1)
    assert bodies == {site.get("/nowhere").body}
    assert agreed(world) == []


def test_a_link_does_not_bring_back_who_withdrew(site: Any, world: Any, asked: Any):
    token = asked()
    assert site.ask("POST", f"/consent/{token}").status == 200
    opt_in.withdraw(world.workspace.ledger, PERSON, PAIR, world.workspace.now())
    assert site.ask("POST", f"/consent/{token}").status == 404
    assert agreed(world) == [False]
