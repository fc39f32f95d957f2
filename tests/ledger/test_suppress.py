"""An opt-out is in force when it returns: for the person and the contact detail, in all campaigns."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from suasion.errors import BusyError
from suasion.ledger import sends
from suasion.ledger.sends import State, Why
from suasion.rules import Channel

BOOK = run_path(str(Path(__file__).with_name("book.py")))
Book, EMAIL, NOW = BOOK["Book"], BOOK["EMAIL"], BOOK["NOW"]


@pytest.fixture
def book(tmp_path: Path, where: Path | str) -> Any:
    """Campaigns 'flu' (sends 1 and 2) and 'measles' (3 and 4), each to persons 5 and 3."""
    made = Book(tmp_path, where)
    for campaign in ("flu", "measles"):
        made.plan(campaign, {5: 0.05, 3: 0.05})
    return made


def _claim(book: Any, campaign: str, *persons: int) -> list[int]:
    claimed = book.claim(book.terms(campaign), book.clear(campaign, sorted(persons)))
    return [one.id for one in claimed.sends]


def test_an_opt_out_fails_what_was_not_handed_over_and_pays_back_what_was_claimed(book: Any):
    assert (_claim(book, "flu", 5, 3), _claim(book, "measles", 3)) == ([1, 2], [4])
    assert sends.suppress(book.ledger, 1, Why.OPTED_OUT, NOW)
    assert book.states() == ["failed", "claimed", "failed", "claimed"]
    assert (book.spent("flu"), book.spent("measles")) == (0.05, 0.05)
    assert sends.progress(book.ledger, "flu").reasons == {"suppressed": 1}
    assert sends.suppressed(book.ledger, EMAIL) == {5}
    assert sends.suppressed(book.ledger, Channel.SMS) == frozenset()


@pytest.mark.parametrize("state", ["accepted", "unknown", "failed"])
def test_what_was_handed_over_stays_what_it_was(book: Any, state: str):
    claimed = book.claim(book.terms("flu"), book.clear("flu", [5]))
    book.hand_over(book.terms("flu"), claimed.sends, State(state))
    assert sends.suppress(book.ledger, 1, Why.COMPLAINED, NOW)
    assert book.states()[0] == state
    assert book.spent("flu") == 0.05


def test_a_marked_send_is_held_back_at_the_hand_over(book: Any):
    claimed = book.claim(book.terms("flu"), book.clear("flu", [3, 5]))
    sends.mark(book.ledger, [1, 2], [], NOW)
    sends.suppress(book.ledger, 1, Why.OPTED_OUT, NOW)
    assert book.states()[:2] == ["handed_over", "handed_over"]
    assert book.hand_over(book.terms("flu"), claimed.sends, State.ACCEPTED) == (2,)
    assert book.states()[:2] == ["failed", "accepted"]
    assert book.spent("flu") == 0.05


@pytest.mark.parametrize(("same", "free"), list(product(["person", "address", "neither"], [True, False])))
def test_person_and_address_are_each_enough(book: Any, same: str, free: bool):
    """At the claim, and, where it was claimed before, at the hand-over."""
    person, address = (5 if same == "person" else 7), (b"address 5" if same == "address" else b"another")
    sends.plan_sends(book.ledger, "measles", "measles", EMAIL, [(person + 10, "call", 0.05, address)])
    book.change("UPDATE sends SET person = 99 WHERE id = 3")
    book.change("UPDATE sends SET person = :person WHERE id = 5", person=person)
    terms, clearance = book.terms("measles"), book.clear("measles", [person])
    if free:
        claimed = book.claim(terms, clearance)
        sends.mark(book.ledger, [5], [], NOW)
        sends.suppress(book.ledger, 1, Why.OPTED_OUT, NOW)
        gone = book.hand_over(terms, claimed.sends, State.ACCEPTED)
    else:
        sends.suppress(book.ledger, 1, Why.OPTED_OUT, NOW)
        gone = tuple(one.id for one in book.claim(terms, clearance).sends)
    assert gone == ((5,) if same == "neither" else ())
    assert book.states()[4] == ("failed" if same != "neither" else "accepted" if free else "claimed")
    assert book.spent("measles") == (0.05 if same == "neither" else 0)


def test_an_opt_out_of_one_channel_is_none_of_another(book: Any):
    sends.plan_sends(book.ledger, "flu", "flu", Channel.SMS, [(5, "call", 0.05, b"+49 1")])
    sends.suppress(book.ledger, 1, Why.OPTED_OUT, NOW)
    assert book.states() == ["failed", "planned", "failed", "planned", "planned"]


def test_pressing_again_changes_nothing(book: Any):
    tables = ("suppressions", "replies", "sends", "spend")
    before: list[Any] = []
    for _ in range(3):
        assert sends.suppress(book.ledger, 1, Why.OPTED_OUT, NOW)
        before.append([book.rows(f"SELECT * FROM {table}") for table in tables])
    assert before[0] == before[1] == before[2]
    assert len(before[0][0]) == 1
    sends.suppress(book.ledger, 1, Why.COMPLAINED, NOW)
    assert sends.progress(book.ledger, "flu").replies == {"opted_out": 1, "complained": 1}


def test_a_send_that_is_not_known_suppresses_nobody(book: Any):
    assert not sends.suppress(book.ledger, 99, Why.OPTED_OUT, NOW)
    assert book.rows("SELECT * FROM suppressions") == []


def test_who_opted_out_after_the_claim_is_not_marked(book: Any):
    assert _claim(book, "flu", 5, 3) == [1, 2]
    sends.suppress(book.ledger, 1, Why.OPTED_OUT, NOW)
    sends.mark(book.ledger, [1], [2], NOW)
    assert book.states()[:2] == ["failed", "failed"]
    assert sends.progress(book.ledger, "flu").reasons == {"suppressed": 1, "unwritten": 1}
    assert book.spent("flu") == 0


def test_an_opt_out_is_not_acknowledged_while_mails_are_handed_over(book: Any):
    _claim(book, "flu", 5, 3)
    sends.mark(book.ledger, [1, 2], [], NOW)
    impatient = Book(book.folder, book.where, patient=False)
    with sends.handing_over(book.ledger, book.terms("flu"), [1, 2], NOW) as guard:
        with pytest.raises(BusyError):
            sends.suppress(impatient.ledger, 1, Why.OPTED_OUT, NOW)
        guard.settled.extend((number, State.ACCEPTED, "") for number in guard.free)
    assert sends.suppress(impatient.ledger, 1, Why.OPTED_OUT, NOW)
    assert book.states()[:2] == ["accepted", "accepted"]
