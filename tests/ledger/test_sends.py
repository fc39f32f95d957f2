"""Claims: everything is checked in the transaction that claims, and no cent is spent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suasion.errors import BusyError, CampaignError, ClearanceError, OrderError
from suasion.ledger import consents, running, sends
from suasion.ledger.sends import Cap, State, Stop
from suasion.rules import Channel, Purpose, Use

BOOK = run_path(str(Path(__file__).with_name("book.py")))
Book, EMAIL, HEALTH, NOW = (BOOK[name] for name in ("Book", "EMAIL", "HEALTH", "NOW"))


@pytest.fixture
def book(tmp_path: Path, where: Path | str) -> Any:
    made = Book(tmp_path, where)
    made.plan("flu", dict.fromkeys((5, 3, 9, 1), 0.05))
    return made


@pytest.fixture(scope="module")
def one_book(tmp_path_factory: pytest.TempPathFactory, anywhere: Callable[[Path], Path | str]) -> Any:
    """A book for many examples, each a campaign of its own."""
    folder = tmp_path_factory.mktemp("book")
    return Book(folder, anywhere(folder))


def _claimed(claimed: sends.Claimed) -> list[int]:
    return [one.person for one in claimed.sends]


# Order.


def test_sends_are_claimed_in_the_order_in_which_they_were_planned(book: Any):
    clearance = book.clear("flu", [1, 3, 5, 9])
    first = book.claim(book.terms("flu"), clearance, limit=3)
    rest = book.claim(book.terms("flu"), clearance, after=first.last, limit=3)
    assert (_claimed(first), _claimed(rest)) == ([5, 3, 9], [1])
    assert (first.looked, rest.looked) == (3, 1)
    assert book.claim(book.terms("flu"), clearance).sends == ()


def test_only_sends_up_to_a_number_are_looked_at(book: Any):
    claimed = book.claim(book.terms("flu"), book.clear("flu", [1, 3, 5, 9]), after=1, until=3)
    assert _claimed(claimed) == [3, 9]
    assert book.states() == ["planned", "claimed", "claimed", "planned"]


def test_a_send_is_of_one_campaign_person_channel_and_step(book: Any):
    again = [(5, "another", 7.0, b"elsewhere"), (6, "call", 0.05, b"address 6")]
    assert sends.plan_sends(book.ledger, "flu", "flu", EMAIL, again) == 1
    assert book.rows("SELECT person, treatment, cost FROM sends WHERE person = 5") == [(5, "call", 0.05)]
    assert sends.plan_sends(book.ledger, "flu", "flu", Channel.SMS, again) == 2
    assert sends.plan_sends(book.ledger, "flu", "flu", EMAIL, again) == 0


def test_sends_of_a_plan_that_was_not_recorded_are_not_planned(book: Any):
    with pytest.raises(OrderError):
        sends.plan_sends(book.ledger, "never drawn", "flu", EMAIL, [(6, "call", 0.05, b"address 6")])
    assert len(book.states()) == 4


# Money.


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 30_000_000), min_size=1, max_size=12),
    st.integers(0, 100_000_000),
    st.integers(1, 5),
)
@example([17_044_914, 1], 17_044_915, 1)
@example([10] * 8, 80, 1)
@example([1, 0, 0], 1, 3)
@example([5, 1], 4, 2)
def test_a_budget_is_claimed_to_the_cent_and_not_beyond(
    one_book: Any, cents: list[int], budget: int, limit: int
):
    name = f"campaign {len(one_book.rows('SELECT id FROM plans'))}"
    one_book.plan(name, {person: cost / 100 for person, cost in enumerate(cents, 1)})
    terms, clearance = one_book.terms(name, budget / 100), one_book.clear(name, range(1, len(cents) + 1))
    got, last, stop = list[int](), 0, None
    while stop is None:
        claimed = one_book.claim(terms, clearance, after=last, limit=limit)
        got, last, stop = got + _claimed(claimed), claimed.last, claimed.stop
        if not claimed.looked:
            break
    paid = next((n for n in range(len(cents)) if sum(cents[: n + 1]) > budget), len(cents))
    assert got == list(range(1, paid + 1))
    assert (stop is Stop.BUDGET) is (paid < len(cents))
    assert round(one_book.spent(name) * 100) == sum(cents[:paid])


def test_what_was_not_handed_over_is_paid_back(book: Any):
    clearance, terms = book.clear("flu", [1, 3, 5, 9]), book.terms("flu", 0.1)
    claimed = book.claim(terms, clearance)
    assert (_claimed(claimed), claimed.stop) == ([5, 3], Stop.BUDGET)
    sends.release(book.ledger, NOW)
    assert book.spent("flu") == 0
    claimed = book.claim(terms, clearance)
    sends.mark(book.ledger, [1], [2], NOW)
    assert book.spent("flu") == 0.05
    assert book.states()[:2] == ["handed_over", "failed"]
    with sends.handing_over(book.ledger, terms, [1], NOW) as guard:
        guard.settled.append((1, State.PLANNED, ""))
    assert book.spent("flu") == 0
    assert book.rows("SELECT sum(sends) FROM spend") == [(0,)]
    assert book.rows("SELECT state, at, reason FROM sends WHERE id = 1") == [("planned", None, None)]


@pytest.mark.parametrize("state", [State.ACCEPTED, State.FAILED, State.UNKNOWN])
def test_what_was_handed_over_is_paid_whatever_became_of_it(book: Any, state: State):
    claimed = book.claim(book.terms("flu"), book.clear("flu", [5]))
    assert book.hand_over(book.terms("flu"), claimed.sends, state) == (1,)
    assert book.states() == [str(state), "planned", "planned", "planned"]
    assert book.spent("flu") == 0.05


def test_a_campaign_does_not_spend_the_money_of_another(book: Any):
    book.plan("measles", {5: 0.05, 3: 0.05})
    assert len(book.claim(book.terms("flu", 0.1), book.clear("flu", [1, 3, 5, 9])).sends) == 2
    assert len(book.claim(book.terms("measles", 0.1), book.clear("measles", [3, 5])).sends) == 2
    sends.release(book.ledger, NOW)
    assert (book.spent("flu"), book.spent("measles")) == (0, 0)


# Caps.


def test_a_cap_counts_what_a_person_got_in_all_campaigns_of_the_channel(book: Any):
    book.plan("measles", {5: 0.05, 3: 0.05, 9: 0.05})
    for _ in range(2):
        sends.plan_sends(book.ledger, "measles", "measles", Channel.SMS, [(9, "call", 0.05, b"+49")])
    first = book.claim(book.terms("measles"), book.clear("measles", [3, 5]))
    book.hand_over(book.terms("measles"), first.sends, State.ACCEPTED)
    capped = book.terms("flu", cap=Cap(1, 7))
    for days, persons in ((0, [9, 1]), (6.99, []), (7, [5, 3])):
        at = NOW + timedelta(days=days)
        claimed = book.claim(capped, book.clear("flu", [1, 3, 5, 9], at), at)
        assert _claimed(claimed) == persons
        assert claimed.left == ({} if days == 7 else {"had 1 within 7 days": 2})


def test_a_cap_counts_what_may_have_been_got_and_not_what_was_never_handed_over(book: Any):
    book.plan("measles", dict.fromkeys((5, 3, 9, 1), 0.05))
    measles = book.claim(book.terms("measles"), book.clear("measles", [1, 3, 5, 9]))
    numbers = [one.id for one in measles.sends]
    sends.mark(book.ledger, numbers[1:], numbers[:1], NOW)
    with sends.handing_over(book.ledger, book.terms("measles"), numbers[1:], NOW) as guard:
        fates = [State.PLANNED, State.FAILED, State.UNKNOWN]
        guard.settled.extend((n, state, "") for n, state in zip(guard.free, fates, strict=True))
    claimed = book.claim(book.terms("flu", cap=Cap(1, 7)), book.clear("flu", [1, 3, 5, 9]))
    assert _claimed(claimed) == [5, 3]


def test_a_cap_counts_what_an_address_got_whoever_has_it(book: Any):
    """Person 9 has the address that person 5 was written to."""
    book.plan("measles", {5: 0.05}, addresses={5: b"address 9"})
    book.hand_over(
        book.terms("measles"), book.claim(book.terms("measles"), book.clear("measles", [5])).sends, "x"
    )
    for at, persons in ((NOW, [3, 1]), (NOW + timedelta(days=7), [5, 9])):
        claimed = book.claim(book.terms("flu", cap=Cap(1, 7)), book.clear("flu", [1, 3, 5, 9], at), at)
        assert _claimed(claimed) == persons


# One mailbox.

HAD = "the address has had this campaign"


def _shared(book: Any, persons: Sequence[int], cost: float = 0.05) -> None:
    """A campaign to people who have one mailbox."""
    book.plan("house", dict.fromkeys(persons, cost), addresses=dict.fromkeys(persons, b"one mailbox"))


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_one_mailbox_gets_a_campaign_once(book: Any, limit: int):
    _shared(book, [11, 12, 13])
    terms, clearance = book.terms("house"), book.clear("house", [11, 12, 13])
    got, left, last = list[int](), Counter[str](), 0
    while (claimed := book.claim(terms, clearance, after=last, limit=limit)).looked:
        got, last = got + _claimed(claimed), claimed.last
        left.update(claimed.left)
    assert (got, left) == ([11], {HAD: 2})
    assert sends.progress(book.ledger, "house").reasons == {HAD: 2}
    assert book.spent("house") == 0.05
    assert HAD in sends.NEVER_HANDED


def test_a_mailbox_may_get_another_campaign_and_another_channel(book: Any):
    _shared(book, [11])
    book.plan("flat", {12: 0.05}, addresses={12: b"one mailbox"})
    sends.plan_sends(book.ledger, "house", "house", Channel.SMS, [(13, "call", 0.05, b"one mailbox")])
    for campaign, person in (("house", 11), ("flat", 12)):
        assert _claimed(book.claim(book.terms(campaign), book.clear(campaign, [person]))) == [person]
    by_sms = replace(book.terms("house"), channel=Channel.SMS)
    assert _claimed(book.claim(by_sms, book.clear("house", [13]))) == [13]


@pytest.mark.parametrize("why", ["unwritten", "planned again"])
def test_a_mailbox_that_got_nothing_may_get_it_still(book: Any, why: str):
    _shared(book, [11, 12])
    terms, clearance = book.terms("house"), book.clear("house", [11, 12])
    (first,) = book.claim(terms, clearance, limit=1).sends
    if why == "unwritten":
        sends.mark(book.ledger, [], [first.id], NOW)
    else:
        sends.release(book.ledger, NOW)
    assert _claimed(book.claim(terms, clearance)) == ([12] if why == "unwritten" else [11])


@pytest.mark.parametrize("fate", [State.ACCEPTED, State.UNKNOWN, State.FAILED])
def test_whoever_sets_a_send_back_by_hand_does_not_get_it_sent_again(book: Any, fate: State):
    terms, clearance = book.terms("flu"), book.clear("flu", [1, 3, 5, 9])
    book.hand_over(terms, book.claim(terms, clearance).sends, fate)
    with book.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET state = 'planned', reason = NULL, at = NULL")
    claimed = book.claim(terms, clearance)
    assert (claimed.sends, claimed.left) == ((), {"the address has had this campaign": 4})


def test_who_cannot_be_paid_for_leaves_the_mailbox_to_the_next_claim(book: Any):
    _shared(book, [11, 12])
    claimed = book.claim(book.terms("house", 0.04), book.clear("house", [11, 12]))
    assert (claimed.sends, claimed.left, claimed.stop) == ((), {}, Stop.BUDGET)
    assert book.states()[-2:] == ["planned", "planned"]


@pytest.mark.parametrize("handed", [True, False])
def test_two_senders_at_once_do_not_write_to_one_mailbox_twice(book: Any, handed: bool):
    """What one claimed, the other finds in its own transaction."""
    _shared(book, [11, 12])
    other = Book(book.folder, book.where)
    terms, clearance = book.terms("house"), book.clear("house", [11, 12])
    first = book.claim(terms, clearance, until=book.rows("SELECT id FROM sends WHERE person = 11")[0][0])
    if handed:
        book.hand_over(terms, first.sends, State.FAILED)
    assert other.claim(terms, clearance).left == {HAD: 1}


# Consent.


@pytest.mark.parametrize(
    ("given", "until", "purpose", "channel", "free"),
    [
        (True, None, HEALTH, EMAIL, True),
        (True, NOW.date(), HEALTH, EMAIL, True),
        (True, NOW.date() - timedelta(days=1), HEALTH, EMAIL, False),
        (False, None, HEALTH, EMAIL, False),
        (False, None, Purpose.CIVIC, EMAIL, True),
        (False, None, HEALTH, Channel.SMS, True),
    ],
)
def test_one_no_to_this_purpose_and_channel_is_enough(
    book: Any, given: bool, until: Any, purpose: Purpose, channel: Channel, free: bool
):
    def said(*rows: tuple[int, bool, Any]) -> dict[tuple[Purpose, Channel], pa.Table]:
        person, yes, until = zip(*rows, strict=True)
        proof = {"wording": "words", "capture": "form", "said_at": "2026-01-31"}
        rows = [
            {"person": one, "given": given, "expires_on": last, **proof}
            for one, given, last in zip(person, yes, until, strict=True)
        ]
        return {(purpose, channel): pa.Table.from_pylist(rows, consents.SAID)}

    with running(book.ledger, book.folder / "lake", "ingest", NOW) as run:
        run.writes.append(consents.record_consents("register", said((5, True, None), (3, True, None))))
        run.writes.append(consents.record_consents("phone book", said((5, given, until))))
    claimed = book.claim(book.terms("flu"), book.clear("flu", [3, 5]))
    assert _claimed(claimed) == ([5, 3] if free else [3])
    left = {} if free else {"consent was withdrawn, has expired or lacks evidence": 1}
    assert claimed.left == left | {"the rules do not permit it now": 2}
    assert book.states()[0] == ("claimed" if free else "planned")


# Permission.


def test_a_clearance_for_others_lets_nobody_be_claimed(book: Any):
    claimed = book.claim(book.terms("flu"), book.clear("flu", [2, 4, 6, 8, 10]))
    assert claimed.sends == ()
    assert claimed.left == {"the rules do not permit it now": 4}
    assert book.spent("flu") == 0


@pytest.mark.parametrize("wrong", ["campaign", "purpose", "channel", "use", "forged", "none", "old", "early"])
def test_a_clearance_that_is_not_for_this_claims_nothing(book: Any, wrong: str):
    persons = [1, 3, 5, 9]
    made = {
        "campaign": lambda: book.clear("measles", persons),
        "purpose": lambda: book.clear("flu", persons, purpose=Purpose.COMMERCIAL),
        "channel": lambda: book.clear("flu", persons, channel=Channel.SMS),
        "use": lambda: book.clear("flu", persons, uses=frozenset({Use.LEARN})),
        "forged": lambda: replace(book.clear("flu", persons[:1]), persons=book.clear("flu", persons).persons),
        "none": lambda: None,
        "old": lambda: book.clear("flu", persons, NOW - timedelta(minutes=15, seconds=1)),
        "early": lambda: book.clear("flu", persons, NOW + timedelta(seconds=1)),
    }[wrong]()
    with pytest.raises((ClearanceError, AttributeError) if made is None else ClearanceError):
        book.claim(book.terms("flu"), made)
    assert book.states() == ["planned"] * 4
    assert book.spent("flu") == 0


def test_a_clearance_on_facts_of_yesterday_claims_nothing(book: Any):
    clearance = book.clear("flu", [1, 3, 5, 9])
    with running(book.ledger, book.folder / "lake", "ingest", NOW) as run:
        run.write("known_from", pa.table({"person": [1]}))
    with pytest.raises(ClearanceError, match="stale"):
        book.claim(book.terms("flu"), clearance)
    assert book.states() == ["planned"] * 4


# Stops.


def test_no_send_is_claimed_before_the_record_of_its_campaign(book: Any):
    book.plan("measles", {5: 0.05}, ready=False)
    clearance, terms = book.clear("measles", [5]), book.terms("measles")
    assert book.claim(terms, clearance).stop is Stop.UNAPPROVED
    book.put_on_record("measles")
    assert book.claim(terms, clearance).stop is Stop.UNAPPROVED
    sends.approve(book.ledger, "measles", "content", "Ada", "read it", NOW)
    assert _claimed(book.claim(terms, clearance)) == [5]


@pytest.mark.parametrize(
    ("by", "why"), [("", "read it"), ("Ada", ""), (" \t\n", "x"), ("Ada", "\u200b \xa0"), ("-", "x")]
)
def test_an_approval_of_nobody_or_for_nothing_is_refused(book: Any, by: str, why: str):
    with pytest.raises(CampaignError, match="blank"):
        sends.approve(book.ledger, "flu", "other words", by, why, NOW)
    assert sends.approved(book.ledger, "flu", "other words") is None


def test_the_newest_approval_counts_and_a_blank_one_is_none(book: Any):
    later = NOW + timedelta(hours=1)
    sends.approve(book.ledger, "flu", "content", "Grace", "read it again", later)
    row = "'flu', :content, :by, 'x', '2026-11-22 00:00:00'"
    blank = f"INSERT INTO approvals (campaign, content, by, why, at) VALUES ({row})"
    book.change(blank, content="content", by=" ")
    book.change(blank, content="other words", by="\n")
    assert sends.approved(book.ledger, "flu", "content") == ("Grace", later)
    assert sends.approved(book.ledger, "flu", "other words") is None
    book.put_on_record("flu", "other words")
    terms = replace(book.terms("flu"), content="other words")
    assert book.claim(terms, book.clear("flu", [5])).stop is Stop.UNAPPROVED


@pytest.mark.parametrize("recorded", ["nothing", "another campaign", "another content", "a result"])
def test_an_approval_alone_is_no_record(book: Any, recorded: str):
    book.plan("measles", {5: 0.05}, ready=False)
    sends.approve(book.ledger, "measles", "content", "Ada", "read it", NOW)
    if recorded == "another content":
        book.put_on_record("measles", "other words")
    if recorded == "a result":
        with book.ledger.writing() as connection:
            BOOK["log"].append(connection, "result", "measles", {"content": "content"}, NOW)
    claimed = book.claim(book.terms("measles"), book.clear("measles", [5]))
    assert (claimed.sends, claimed.stop, claimed.looked) == ((), Stop.UNRECORDED, 0)


def _at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 21, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "others", "stop"),
    [
        (NOW, {"not_after": NOW}, None),
        (NOW, {"not_after": NOW - timedelta(microseconds=1)}, Stop.OVER),
        (_at(8), {"hours": (time(8), time(20))}, None),
        (_at(7, 59, 59), {"hours": (time(8), time(20))}, Stop.CLOSED),
        (_at(20), {"hours": (time(8), time(20))}, None),
        (_at(20, 0, 1), {"hours": (time(8), time(20))}, Stop.CLOSED),
        (NOW, {"content": "other words"}, Stop.UNAPPROVED),
        (NOW, {"budget": 0.04}, Stop.BUDGET),
    ],
)
def test_a_campaign_stops_when_it_may_not_send(book: Any, at: datetime, others: Any, stop: Stop | None):
    terms = replace(book.terms("flu"), **others)
    claimed = book.claim(terms, book.clear("flu", [1, 3, 5, 9], at), at)
    assert claimed.stop is stop
    assert len(claimed.sends) == (0 if stop else 4)


def test_what_stops_a_campaign_stops_what_is_marked(book: Any):
    terms = book.terms("flu")
    claimed = book.claim(terms, book.clear("flu", [3, 5]))
    sends.set_paused(book.ledger, "flu", NOW, paused=True)
    assert book.hand_over(terms, claimed.sends, State.ACCEPTED) == ()
    assert book.states() == ["planned"] * 4
    assert book.spent("flu") == 0
    assert book.claim(terms, book.clear("flu", [3, 5])).stop is Stop.PAUSED
    sends.set_paused(book.ledger, "flu", NOW, paused=False)
    assert _claimed(book.claim(terms, book.clear("flu", [3, 5]))) == [5, 3]


def test_there_is_one_sender(book: Any):
    with sends.sending(book.ledger), pytest.raises(BusyError), sends.sending(book.ledger):
        pytest.fail("two senders at once")
    with sends.sending(book.ledger):
        pass


# What a dead sender left.


def test_what_a_dead_sender_left_is_found_whatever_its_campaign(book: Any):
    book.plan("measles", {5: 0.05, 3: 0.05})
    flu = book.claim(book.terms("flu"), book.clear("flu", [3, 5]))
    measles = book.claim(book.terms("measles"), book.clear("measles", [3, 5]))
    sends.mark(book.ledger, [flu.sends[0].id, measles.sends[0].id], [], NOW)
    sends.release(book.ledger, NOW)
    assert sends.stranded(book.ledger) == (flu.sends[0].id, measles.sends[0].id)
    assert (book.spent("flu"), book.spent("measles")) == (0.05, 0.05)
    sends.settle(book.ledger, [flu.sends[0].id], State.UNKNOWN, NOW)
    sends.settle(book.ledger, [measles.sends[0].id], State.PLANNED, NOW)
    assert book.states() == ["unknown", "planned", "planned", "planned", "planned", "planned"]
    assert (book.spent("flu"), book.spent("measles")) == (0.05, 0)
    assert sends.stranded(book.ledger) == ()


def test_a_hand_over_that_breaks_off_leaves_its_sends_marked(book: Any):
    claimed = book.claim(book.terms("flu"), book.clear("flu", [3, 5]))
    numbers = [one.id for one in claimed.sends]
    sends.mark(book.ledger, numbers, [], NOW)
    breaks = ExitStack()
    guard = breaks.enter_context(sends.handing_over(book.ledger, book.terms("flu"), numbers, NOW))
    guard.settled.append((numbers[0], State.ACCEPTED, ""))
    with suppress(KeyError):
        breaks.__exit__(KeyError, KeyError(), None)
    assert sends.stranded(book.ledger) == tuple(numbers)
