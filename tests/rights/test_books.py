"""The registers: breaches with their clock, reads with their alarms."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from suasion.errors import InputError, OrderError
from suasion.ledger import Ledger
from suasion.rights import audits, breaches

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "ledger.db")


def test_the_clock_of_a_breach_is_72_hours_from_when_it_is_known(ledger: Ledger):
    made = breaches.add(ledger, "a laptop was stolen, encrypted", "some", NOW - 70 * HOUR, 200)
    assert made.due_at == NOW + 2 * HOUR
    (owed,) = made.owed(NOW)
    assert "by 2026-11-21 14:00 UTC" in owed
    assert "OVERDUE" in made.owed(NOW + 3 * HOUR)[0]
    assert breaches.register(ledger) == (made,)


def test_people_are_told_where_the_risk_is_high_and_nobody_where_there_is_none(ledger: Ledger):
    assert len(breaches.add(ledger, "a list was published", "high", NOW).owed(NOW)) == 2
    assert breaches.add(ledger, "a mail to ourselves", "none", NOW).owed(NOW) == ()


def test_what_is_reported_is_not_owed_and_a_late_report_says_why(ledger: Ledger):
    number = breaches.add(ledger, "a list was published", "high", NOW, note="by mail").id
    with pytest.raises(InputError, match="reasons"):
        breaches.report(ledger, number, NOW + 73 * HOUR)
    made = breaches.report(ledger, number, NOW + 73 * HOUR, note="the office was closed")
    assert made.note == "by mail\nthe office was closed"
    assert made.owed(NOW) == ("tell the people without delay",)
    assert breaches.report(ledger, number, NOW, to_people=True).owed(NOW) == ()
    with pytest.raises(OrderError):
        breaches.report(ledger, number, NOW)
    with pytest.raises(InputError, match="none of that number"):
        breaches.report(ledger, 9, NOW)


@pytest.mark.parametrize(("what", "people"), [("  ", None), ("-", None), ("a breach", -1)])
def test_a_breach_that_says_nothing_is_refused(ledger: Ledger, what: str, people: int | None):
    with pytest.raises(InputError):
        breaches.add(ledger, what, "some", NOW, people)
    assert breaches.register(ledger) == ()


@pytest.mark.parametrize(("people", "alarms"), [(1, False), (1000, False), (1001, True)])
def test_a_read_of_many_alarms(ledger: Ledger, people: int, alarms: bool):
    made = audits.read(ledger, "ada", "preview flu", people, NOW)
    assert made.alarm is alarms
    assert audits.audits(ledger) == (made,)
    assert bool(audits.audits(ledger, alarms=True)) is alarms
    assert audits.alarms_since(ledger, NOW - HOUR) == int(alarms)
    assert audits.alarms_since(ledger, NOW) == 0


def test_many_exports_within_an_hour_alarm_and_looks_do_not(ledger: Ledger):
    times = [NOW + timedelta(minutes=i) for i in range(25)]
    assert not any(audits.read(ledger, "ada", "explain flu", 1, at).alarm for at in times)
    assert [audits.read(ledger, "ada", "export", 1, at).alarm for at in times] == [False] * 20 + [True] * 5
    assert not audits.read(ledger, "bob", "export", 1, NOW).alarm
    assert not audits.read(ledger, "ada", "export", 1, NOW + 2 * HOUR).alarm


def test_a_workspace_writes_down_who_reads_whom(town: Any, caplog: pytest.LogCaptureFixture):
    ws = town.open()
    with caplog.at_level(logging.WARNING):
        ws.export_person(town.named)
        assert not caplog.records
        ws.reads("export of everybody", 200_000)
    assert [(one.who, one.what, one.people) for one in audits.audits(ws.ledger)] == [
        ("API", "export of everybody", 200_000),
        ("API", "export", 1),
    ]
    assert "ALARM: API read data of 200,000 people" in caplog.text
