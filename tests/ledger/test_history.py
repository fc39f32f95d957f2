"""What people had is counted as a claim counts it: what may have been handed over, to whoever reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from suasion.ledger import sends
from suasion.ledger.sends import Cap, History, State
from suasion.rules import Channel

BOOK = run_path(str(Path(__file__).with_name("book.py")))
Book, EMAIL, NOW = (BOOK[name] for name in ("Book", "EMAIL", "NOW"))
WEEK = timedelta(days=7)


@pytest.fixture
def book(tmp_path: Path, where: Path | str) -> Any:
    return Book(tmp_path, where)


def own(persons: Sequence[int]) -> list[bytes]:
    return [f"address {person}".encode() for person in persons]


def looked_up(book: Any, persons: Sequence[int], addresses: Any = None, **others: Any) -> History:
    asked = np.array(persons, np.int64), own(persons) if addresses is None else addresses
    return sends.history(book.ledger, *asked, **{"since": NOW - WEEK} | others)


def had(book: Any, persons: Sequence[int], addresses: Any = None, **others: Any) -> list[int]:
    return looked_up(book, persons, addresses, **others).had().tolist()


def send(book: Any, campaign: str, persons: Sequence[int], at: Any = NOW, **others: Any) -> None:
    """Plan, claim, and hand over."""
    book.plan(campaign, dict.fromkeys(persons, 0.0), **others)
    claimed = book.claim(book.terms(campaign), book.clear(campaign, persons, at), at)
    book.hand_over(book.terms(campaign), claimed.sends, State.ACCEPTED)


def test_where_nothing_was_sent_nobody_had_anything(book: Any):
    assert had(book, [5, 3]) == [0, 0]
    book.plan("flu", {5: 0.0})
    found = looked_up(book, [5, 3])
    assert (found.had().tolist(), found.treatments) == ([0, 0], ())
    assert found.had(np.array([1, 1])).tolist() == [0, 0]
    assert sends.history(book.ledger, np.zeros(0, np.int64), [], NOW).had().tolist() == []


def test_it_says_which_messages_of_which_campaigns_oldest_first(book: Any):
    send(book, "new", [5, 3], NOW)
    send(book, "old", [3, 9], NOW - timedelta(days=3))
    found = looked_up(book, [9, 5, 3])
    assert found.treatments == (("new", "call"), ("old", "call"))
    said = [(row, found.treatments[kind][0]) for row, kind in zip(found.rows, found.said, strict=True)]
    assert said == [(0, "old"), (1, "new"), (2, "old"), (2, "new")]
    ids = dict(book.rows("SELECT id, person FROM sends"))
    assert [ids[int(number)] for number in found.sends] == [9, 5, 3, 3]


def test_only_what_came_after_the_time_counts(book: Any):
    send(book, "flu", [5], NOW)
    second = timedelta(seconds=1)
    assert [had(book, [5], since=NOW + late) for late in (-second, 0 * second, second)] == [[1], [0], [0]]


def test_a_channel_counts_alone_or_all_together(book: Any):
    send(book, "flu", [5])
    send(book, "measles", [5])
    with book.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET channel = 'sms' WHERE campaign = 'measles'")
    found = [had(book, [5], channel=channel) for channel in (EMAIL, Channel.SMS, Channel.POST, None)]
    assert found == [[1], [1], [0], [2]]


def test_what_was_never_handed_over_does_not_count(book: Any):
    """Planned again, suppressed and unwritten do not; failed at the carrier, unknown and claimed do."""
    book.plan("flu", dict.fromkeys(range(1, 8), 0.0))
    claimed = book.claim(book.terms("flu"), book.clear("flu", range(1, 8)))
    numbers = [one.id for one in claimed.sends]
    sends.mark(book.ledger, numbers[1:6], numbers[:1], NOW)
    sends.suppress(book.ledger, numbers[1], sends.Why.OPTED_OUT, NOW)
    with sends.handing_over(book.ledger, book.terms("flu"), numbers[1:6], NOW) as guard:
        fates = [State.PLANNED, State.FAILED, State.UNKNOWN, State.ACCEPTED]
        guard.settled.extend((n, state, "") for n, state in zip(guard.free, fates, strict=True))
    assert had(book, range(1, 8)) == [0, 0, 0, 1, 1, 1, 1]


def test_what_others_got_at_the_same_address_counts_once(book: Any):
    """5 and 9 have one mailbox; 3 had it once, and has another now."""
    send(book, "flu", [5, 3], addresses={5: b"shared", 3: b"shared elsewhere"})
    send(book, "measles", [9], addresses={9: b"shared"})
    send(book, "mumps", [3], addresses={3: b"shared"})
    persons, addresses = [5, 9, 3, 1], [b"shared", b"shared", b"new", None]
    found = looked_up(book, persons, addresses)
    assert found.had().tolist() == [3, 3, 2, 0]
    assert found.had(np.array([1, 1, 2, 3])).tolist() == [3, 3, 2, 0]
    assert found.had(np.array([1, 1, 1, 1])).tolist() == [4, 4, 4, 4]


def test_a_household_counts_what_all_its_persons_had(book: Any):
    send(book, "flu", [5, 3, 9])
    send(book, "measles", [3])
    assert looked_up(book, [1, 3, 5, 9]).had(np.array([7, 7, -6, 7])).tolist() == [3, 3, 1, 3]


@pytest.mark.parametrize("seed", range(3))
def test_it_counts_what_a_claim_counts(book: Any, seed: int):
    """Random campaigns, mailboxes and fates; a claim held against a cap says who had so many."""
    rng = np.random.default_rng(seed)
    persons = rng.permutation(12) + 1
    for number in range(5):
        some = rng.permutation(persons)[:8].tolist()
        boxes = {person: f"box {rng.integers(6)}".encode() for person in some}
        name, at = f"past {number}", NOW - timedelta(days=float(rng.uniform(0, 12)))
        book.plan(name, dict.fromkeys(some, 0.0), addresses=boxes)
        claimed = book.claim(book.terms(name), book.clear(name, some, at), at)
        numbers = [one.id for one in claimed.sends]
        cut = int(rng.integers(len(numbers) + 1))
        sends.mark(book.ledger, numbers[cut:], numbers[: cut // 2], NOW)
        with sends.handing_over(book.ledger, book.terms(name), numbers[cut:], NOW) as guard:
            fates = rng.choice([State.PLANNED, State.FAILED, State.UNKNOWN, State.ACCEPTED], len(guard.free))
            guard.settled.extend((n, State(fate), "") for n, fate in zip(guard.free, fates, strict=True))
    boxes = {person: f"box {rng.integers(6)}".encode() for person in persons.tolist()}
    counted = sends.history(book.ledger, persons, list(boxes.values()), NOW - WEEK, EMAIL).had()
    assert counted.max() > 1
    for most in range(1, int(counted.max()) + 1):
        name = f"probe {most}"
        book.plan(name, dict.fromkeys(boxes, 0.0), addresses=boxes)
        book.claim(book.terms(name, cap=Cap(most, 7)), book.clear(name, persons.tolist()))
        waiting = book.rows("SELECT person FROM sends WHERE campaign = :c AND state = 'planned'", c=name)
        assert {person for (person,) in waiting} == set(persons[counted >= most].tolist())
        book.change("DELETE FROM sends WHERE campaign = :c", c=name)
