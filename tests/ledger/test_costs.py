"""What sends cost adds up to what the budget lost, whatever happened to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.ledger import sends, subject
from suasion.ledger.sends import Cost, State, Why
from suasion.rules import Channel

BOOK = run_path(str(Path(__file__).with_name("book.py")))
Book, EMAIL, NOW = BOOK["Book"], BOOK["EMAIL"], BOOK["NOW"]
PEOPLE = range(1, 5)
EVENTS = ["claim", "claim", "mark", "unwritten", "hand over", "crash", "fail", "opt out", "erase", "release"]
scripts = st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(PEOPLE)), min_size=3, max_size=25)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory, anywhere: Callable[[Path], Path | str]) -> Any:
    """A book for many examples, each a campaign of its own."""
    folder = tmp_path_factory.mktemp("book")
    return Book(folder, anywhere(folder))


def _planned(book: Any) -> str:
    name = f"campaign {len(book.rows('SELECT id FROM plans'))}"
    book.plan(name, {})
    first = 1000 * len(book.rows("SELECT id FROM plans"))
    rows = [(first + p, "call" if p % 3 else "visit", p / 7, f"{first + p}".encode()) for p in PEOPLE]
    sends.plan_sends(book.ledger, name, name, EMAIL, rows)
    return name


def _happen(book: Any, name: str, event: str, number: int) -> None:
    """One step of a sender, or of a person; what is out of turn changes nothing."""
    rows = book.rows("SELECT id, person, state FROM sends WHERE campaign = :c", c=name)
    one = next((row for row in rows if row[1] % 1000 == number), None)
    if one is None:
        return
    id, person, state = one
    if event == "claim":
        book.claim(book.terms(name), book.clear(name, [person]))
    elif event in ("mark", "unwritten"):
        sends.mark(book.ledger, *([[id], []] if event == "mark" else [[], [id]]), NOW)
    elif event in ("hand over", "fail"):
        with sends.handing_over(book.ledger, book.terms(name), [id], NOW) as guard:
            fate = State.ACCEPTED if event == "hand over" else State.FAILED
            guard.settled.extend((free, fate, "") for free in guard.free)
    elif event == "crash" and state == State.HANDED_OVER:
        sends.settle(book.ledger, [id], State.PLANNED if number % 2 else State.UNKNOWN, NOW)
    elif event == "opt out":
        sends.suppress(book.ledger, id, Why.OPTED_OUT, NOW)
    elif event == "release":
        sends.release(book.ledger, NOW)
    elif event == "erase":
        with subject.forgetting(book.ledger, [person], [], NOW):
            pass


@settings(max_examples=12, deadline=None)
@given(scripts)
def test_costs_add_up_to_what_was_spent_whatever_happens(book: Any, script: list[tuple[str, int]]):
    name = _planned(book)
    for event, number in script:
        _happen(book, name, event, number)
        found = sends.costs(book.ledger, name)
        spent = sends.progress(book.ledger, name).spent
        assert sum(line.money for line in found.lines) == pytest.approx(spent, abs=1e-9)
        assert found.committed - found.given_back == pytest.approx(spent, abs=1e-9)
    # By hand: whoever is paid for was claimed and did not come back; the price is the person's number.
    paid = sends.paid_to(book.ledger, name).to_pylist()
    there = {line.treatment: line for line in found.lines if line.treatment}
    assert Counter(row["treatment"] for row in paid) == {name: line.sends for name, line in there.items()}
    for treatment, line in there.items():
        prices = [row["person"] % 1000 / 7 for row in paid if row["treatment"] == treatment]
        assert line.money == pytest.approx(sum(prices))
        assert line.channel == "email"


def test_money_of_people_erased_since_is_a_line_of_its_own(book: Any):
    name = _planned(book)
    first = 1000 * len(book.rows("SELECT id FROM plans"))
    claimed = book.claim(book.terms(name), book.clear(name, [first + 1, first + 2, first + 3]))
    book.hand_over(book.terms(name), claimed.sends, State.ACCEPTED)
    with subject.forgetting(book.ledger, [first + 2], [], NOW):
        pass
    *kept, gone = sends.costs(book.ledger, name).lines
    assert [(line.treatment, line.sends) for line in kept] == [("call", 1), ("visit", 1)]
    assert (gone.channel, gone.treatment, gone.sends) == (None, None, 1)
    assert gone.money == pytest.approx(2 / 7)
    assert len(sends.paid_to(book.ledger, name)) == 2


def test_channels_and_campaigns_are_kept_apart(book: Any):
    name, other = _planned(book), _planned(book)
    mine = 1000 * (len(book.rows("SELECT id FROM plans")) - 1)
    sends.plan_sends(book.ledger, name, name, Channel.SMS, [(mine + 1, "call", 5.0, b"+49 1")])
    clearance = book.clear(name, [mine + 1])
    book.claim(replace(book.terms(name), channel=Channel.SMS), clearance)
    by_sms = Cost("sms", "call", 1, 5.0)
    assert sends.costs(book.ledger, name).lines == (by_sms,)
    book.claim(book.terms(name), clearance)
    assert sends.costs(book.ledger, name).lines == (Cost("email", "call", 1, 1 / 7), by_sms)
    assert sends.costs(book.ledger, other).lines == ()
    assert sends.costs(book.ledger, "never planned").lines == ()
    assert sends.paid_to(book.ledger, other).num_rows == 0
