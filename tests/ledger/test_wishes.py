"""A wish is in force when it returns, and the claim and the hand-over look again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from sqlalchemy import insert

from suasion.errors import InputError
from suasion.ledger import schema, sends, wishes
from suasion.ledger.sends import State
from suasion.ledger.wishes import WishKind

BOOK = run_path(str(Path(__file__).with_name("book.py")))
Book, NOW = BOOK["Book"], BOOK["NOW"]
PEOPLE = {5: 0.05, 3: 0.05}
STOPS = [WishKind.OBJECTED, WishKind.RESTRICTED]


@pytest.fixture
def book(tmp_path: Path) -> Any:
    """Campaigns 'flu' (sends 1 and 2) and 'measles' (3 and 4), each to persons 5 and 3."""
    made = Book(tmp_path)
    for campaign in ("flu", "measles"):
        made.plan(campaign, PEOPLE)
    return made


def _claim(book: Any, campaign: str, at: Any = NOW, **terms: Any) -> sends.Claimed:
    return book.claim(book.terms(campaign, **terms), book.clear(campaign, [3, 5], at), at)


@pytest.mark.parametrize("kind", STOPS)
def test_what_is_planned_and_claimed_falls_and_is_not_paid(book: Any, kind: WishKind):
    assert len(_claim(book, "flu").sends) == 2
    wishes.keep_to(book.ledger, 5, kind, "page", NOW)
    rows = book.rows("SELECT person, state, reason FROM sends ORDER BY id")
    assert rows == [
        (5, "failed", str(kind)),
        (3, "claimed", None),
        (5, "failed", str(kind)),
        (3, "planned", None),
    ]
    assert book.spent("flu") == pytest.approx(0.05)


@pytest.mark.parametrize("kind", STOPS)
def test_the_hand_over_looks_again(book: Any, kind: WishKind):
    claimed = _claim(book, "flu").sends
    numbers = [one.id for one in claimed]
    sends.mark(book.ledger, numbers, [], NOW)
    wishes.keep_to(book.ledger, 5, kind, "page", NOW)
    with sends.handing_over(book.ledger, book.terms("flu"), numbers, NOW) as guard:
        assert guard.free == (2,)
        guard.settled.append((2, State.ACCEPTED, ""))
    assert book.rows("SELECT state, reason FROM sends WHERE id < 3 ORDER BY id") == [
        ("failed", str(kind)),
        ("accepted", None),
    ]
    assert book.spent("flu") == pytest.approx(0.05)


@pytest.mark.parametrize("kind", STOPS)
def test_a_send_that_was_planned_afterwards_is_not_claimed(book: Any, kind: WishKind):
    wishes.keep_to(book.ledger, 5, kind, "page", NOW)
    with book.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET state = 'planned', reason = NULL")
    claimed = _claim(book, "flu")
    assert [one.person for one in claimed.sends] == [3]
    assert sum(claimed.left.values()) == 1
    assert book.rows("SELECT reason FROM sends WHERE id = 1") == [(str(kind),)]


def test_who_objects_gets_the_neutral_treatment_of_later_plans_alone(book: Any):
    wishes.keep_to(book.ledger, 5, WishKind.OBJECTED, "page", NOW + timedelta(seconds=1))
    with book.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET state = 'planned', reason = NULL")
    assert [one.person for one in _claim(book, "flu", neutral="call").sends] == [3]
    with book.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET published_at = '2026-11-22 00:00:00.000000'")
    assert [one.person for one in _claim(book, "measles", neutral="letter").sends] == [3]
    with book.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET state = 'planned', reason = NULL WHERE id = 3")
    assert [one.person for one in _claim(book, "measles", neutral="call").sends] == [5]


def test_an_objection_said_twice_leaves_what_was_planned_since(book: Any):
    wishes.keep_to(book.ledger, 5, WishKind.OBJECTED, "page", NOW)
    with book.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET state = 'planned', reason = NULL")
    wishes.keep_to(book.ledger, 5, WishKind.OBJECTED, "page", NOW)
    assert book.states() == ["planned"] * 4


@pytest.mark.parametrize(("amount", "persons"), [(0, [3]), (1, [3]), (2, [5, 3])])
def test_fewer_counts_the_messages_of_all_campaigns_in_thirty_days(
    book: Any, amount: int, persons: list[int]
):
    wishes.keep_to(book.ledger, 5, WishKind.FEWER, "page", NOW, amount)
    first = _claim(book, "flu")
    assert ([5, 3] if amount else [3]) == [one.person for one in first.sends]
    day = NOW + timedelta(days=29)
    assert [one.person for one in _claim(book, "measles", day).sends] == persons
    assert book.rows("SELECT state FROM sends WHERE id = 3") == [("claimed" if amount == 2 else "planned",)]
    later = _claim(book, "measles", NOW + timedelta(days=30))
    assert [one.person for one in later.sends] == ([5] if amount == 1 else [])


def test_what_was_kept_back_by_a_wish_does_not_count(book: Any):
    wishes.keep_to(book.ledger, 5, WishKind.FEWER, "page", NOW, 1)
    assert len(_claim(book, "flu").sends) == 2
    wishes.keep_to(book.ledger, 5, WishKind.RESTRICTED, "page", NOW)
    assert wishes.lift(book.ledger, 5, WishKind.RESTRICTED)
    with book.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET state = 'planned' WHERE id = 3")
    assert {one.person for one in _claim(book, "measles").sends} == {3, 5}


def test_wishes_are_read_back_and_the_last_word_counts(book: Any):
    wishes.keep_to(book.ledger, 5, WishKind.FEWER, "page", NOW, 4)
    wishes.keep_to(book.ledger, 5, WishKind.FEWER, "operator", NOW, 2)
    wishes.keep_to(book.ledger, 3, WishKind.SALE_OPTED_OUT, "gpc", NOW)
    assert book.rows("SELECT kind, amount, source FROM wishes WHERE person = 5") == [("fewer", 2, "operator")]
    assert wishes.table(book.ledger).to_pylist() == [
        {"person": 3, "kind": "sale_opted_out"},
        {"person": 5, "kind": "fewer"},
    ]
    assert book.states() == ["planned"] * 4
    assert not wishes.lift(book.ledger, 5, WishKind.OBJECTED)


def test_a_recipient_is_known_by_the_send_and_nobody_else(book: Any):
    assert wishes.keep_to_recipient(book.ledger, 1, WishKind.OBJECTED, "page", NOW)
    assert not wishes.keep_to_recipient(book.ledger, 99, WishKind.OBJECTED, "page", NOW)
    assert wishes.table(book.ledger)["person"].to_pylist() == [5]


def test_nothing_is_written_down_of_whoever_is_being_erased(book: Any):
    with book.ledger.writing() as connection:
        connection.execute(insert(schema.erasing).values(person=5))
    wishes.keep_to(book.ledger, 5, WishKind.OBJECTED, "page", NOW)
    assert wishes.table(book.ledger).num_rows == 0


@pytest.mark.parametrize(
    ("kind", "amount"),
    [(WishKind.FEWER, None), (WishKind.FEWER, -1), (WishKind.FEWER, 1000), (WishKind.OBJECTED, 3)],
)
def test_an_amount_that_means_nothing_is_refused(book: Any, kind: WishKind, amount: int | None):
    with pytest.raises(InputError, match="amount"):
        wishes.keep_to(book.ledger, 5, kind, "page", NOW, amount)
    assert wishes.table(book.ledger).num_rows == 0
