"""By when a request must be answered: the earliest day that any rule sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import RefusedError
from suasion.rules.deadlines import REQUESTS, Within
from suasion.rules.pack import Pack

Make = Callable[..., Any]
ASKED = datetime(2027, 1, 29, 17, tzinfo=UTC)
days = st.dates(date(1970, 1, 1), date(2200, 1, 1))
counts = st.integers(1, 400)


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2027-01-28", "2027-02-28"),
        ("2027-01-29", "2027-02-28"),
        ("2027-01-31", "2027-02-28"),
        ("2028-01-31", "2028-02-29"),
        ("2027-03-31", "2027-04-30"),
        ("2027-12-31", "2028-01-31"),
        ("2027-02-28", "2027-03-28"),
    ],
)
def test_a_month_ends_on_the_same_number_or_on_its_last_day(asked: str, due: str):
    assert Within(months=1).due(date.fromisoformat(asked)).isoformat() == due


@given(day=days, months=st.integers(1, 60))
def test_months_end_in_the_month_that_is_so_many_later(day: date, months: int):
    due = Within(months=months).due(day)
    assert (due.year - day.year) * 12 + due.month - day.month == months
    assert due.day == day.day or (due.day < day.day and (due + timedelta(days=1)).day == 1)


@given(day=days, count=counts)
def test_business_days_are_counted_one_by_one(day: date, count: int):
    due, left = day, count
    while left:
        due += timedelta(days=1)
        left -= due.weekday() < 5
    assert Within(business_days=count).due(day) == due


@given(day=days, count=counts)
def test_days_and_hours_are_what_they_are(day: date, count: int):
    assert Within(days=count).due(day) == day + timedelta(days=count)
    assert Within(hours=24 * count).due(day) == day + timedelta(days=count)
    assert Within(hours=72).due(datetime(2027, 1, 29, 23, 59)) == date(2027, 2, 1)
    assert Within(hours=36).due(datetime(2027, 1, 29, 13)) == date(2027, 1, 31)


def _clock(rule: Make, name: str, within: dict[str, int], **more: Any) -> dict[str, Any]:
    term = Within(**within)
    asked = {"request": "access", "received": ASKED.date()}
    last = term.due(ASKED.date())
    answers = [(last, True), (ASKED.date(), True), (last + timedelta(days=1), False), (None, False)]
    cases = [
        {"facts": asked | ({} if answered is None else {"answered": answered}), "allowed": allowed}
        for answered, allowed in answers
    ]
    given = {"id": name, "subject": "request", "kind": "deadline", "within": within, "case": cases}
    return rule("answered <= due", **(given | {"applies": "request = 'access'"} | more))


@pytest.fixture
def clocks(rule: Make, pack: Make) -> list[Pack]:
    """A month everywhere; 45 days in California; ten days in Germany for complaints, two before a vote."""
    rules = [
        _clock(rule, "own.month", {"months": 1}),
        _clock(rule, "own.california", {"days": 45}, territories=["US-CA"]),
        _clock(rule, "own.germany", {"business_days": 3}, territories=["DE"]),
    ]
    made = pack(*rules)
    made.check()
    soon = [
        rule(
            "answered <= due",
            id=name,
            subject="request",
            kind="deadline",
            within=within,
            applies=applies,
            case=[],
        )
        for name, within, applies in [
            ("own.complaint", {"days": 10}, "request = 'complaint'"),
            ("own.vote", {"hours": 48}, "request = 'complaint' AND near_vote"),
        ]
    ]
    case = {"facts": {}, "allowed": False}
    return [made, pack(*({**one, "case": [case] * 4} for one in soon)).model_copy(update={"id": "soon"})]


@pytest.mark.parametrize(
    ("place", "due", "name"),
    [
        (None, "2027-02-28", "own.month"),
        ("US-CA", "2027-02-28", "own.month"),
        ("DE", "2027-02-03", "own.germany"),
        ("DE|US", "2027-02-03", "own.germany"),
        ("ZZ", "2027-02-03", "own.germany"),
    ],
)
def test_the_earliest_rule_of_the_place_counts(
    gate: Make, clocks: list[Pack], place: str | None, due: str, name: str
):
    found = gate(clocks).deadline("access", ASKED, place)
    assert (found.due.isoformat(), found.rule, found.cite) == (due, name, "Where.")


@pytest.mark.parametrize(("near", "due"), [(True, "2027-01-31"), (None, "2027-01-31"), (False, "2027-02-08")])
def test_what_may_be_soon_is_soon(gate: Make, clocks: list[Pack], near: bool | None, due: str):
    assert gate(clocks).deadline("complaint", ASKED, near_vote=near).due.isoformat() == due
    assert gate(clocks).deadline("complaint", ASKED).due.isoformat() == "2027-01-31"


def test_where_no_rule_gives_time_there_is_none(gate: Make, clocks: list[Pack]):
    found = gate(clocks).deadline("erasure", ASKED)
    assert (found.due, found.rule) == (ASKED.date(), "house.default")


def test_the_day_counts_in_its_own_zone(gate: Make, clocks: list[Pack]):
    west = timezone(timedelta(hours=-8))
    late = datetime(2027, 1, 30, 1, tzinfo=UTC).astimezone(west)
    assert gate(clocks).deadline("access", late).due == date(2027, 2, 28)
    assert gate(clocks).deadline("complaint", late, near_vote=False).due == date(2027, 2, 8)


@pytest.mark.parametrize("request_", ["", "acces", "Access", "unsubscribe"])
def test_a_request_of_no_known_kind_is_refused(gate: Make, clocks: list[Pack], request_: str):
    with pytest.raises(RefusedError, match="no such request"):
        gate(clocks).deadline(request_, ASKED)


@pytest.mark.parametrize("facts", [{"near_vote": 1}, {"near": True}, {"answered": ASKED}])
def test_a_deadline_takes_only_facts_of_their_type(gate: Make, clocks: list[Pack], facts: dict[str, Any]):
    with pytest.raises(RefusedError):
        gate(clocks).deadline("complaint", ASKED, **facts)


@pytest.mark.parametrize(
    ("facts", "allowed", "unknown"),
    [
        ({"answered": date(2027, 2, 28)}, True, None),
        ({"answered": date(2027, 3, 1)}, False, False),
        ({"answered": date(2027, 3, 1), "due": date(2027, 3, 1)}, False, False),
        ({}, False, True),
        ({"answered": date(2027, 2, 1), "received": None}, False, True),
    ],
)
def test_an_answer_is_judged_by_the_day_that_the_rule_makes(
    gate: Make, clocks: list[Pack], facts: dict[str, Any], allowed: bool, unknown: bool | None
):
    asked = {"request": "access", "received": ASKED.date()} | facts
    verdict = gate(clocks).judge_one("request", asked)
    assert verdict.allowed is allowed
    assert [reason.unknown for reason in verdict.reasons] == ([] if unknown is None else [unknown])


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("place", ["DE", "GB", "US-CA", "US", "CA", "MW", "ZZ"])
def test_the_shipped_packs_give_every_request_a_day_and_no_more_than_a_year(
    gate: Make, shipped: tuple[Pack, ...], request_: str, place: str
):
    found = gate(shipped, territory=place, purpose="political").deadline(request_, ASKED)
    assert ASKED.date() <= found.due <= ASKED.date() + timedelta(days=365)
