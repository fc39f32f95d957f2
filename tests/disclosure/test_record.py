"""The log grows only when there is something new to say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.disclosure import counts, record, record_result, result_of
from suasion.ledger import Ledger, log, sends
from suasion.ledger.sends import Stop
from suasion.ledger.sends.stops import stop_of
from suasion.stats import Estimate

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def _kinds(ledger: Ledger) -> list[tuple[str, str]]:
    return [(row.kind, row.campaign) for row in log.rows(ledger)]


def test_a_record_is_appended_once(ledger: Ledger, declared: Any):
    assert record(ledger, declared.entry(), NOW)
    assert not record(ledger, declared.entry(), LATER)
    (row,) = log.rows(ledger)
    assert (row.kind, row.campaign, row.at) == ("campaign", "checkup", "2026-11-21T12:00:00.000000+00:00")
    assert row.content["content"] == declared.digest()


def test_a_changed_record_is_appended_and_so_is_a_change_back(ledger: Ledger, declared: Any):
    first = declared.entry()
    for entry in (first, replace(first, budget=200.0), first):
        assert record(ledger, entry, NOW)
        assert not record(ledger, entry, NOW)
    assert [row.content["budget"] for row in log.rows(ledger)] == [100.0, 200.0, 100.0]


def test_other_rows_between_do_not_repeat_a_record(ledger: Ledger, declared: Any):
    record(ledger, declared.entry(), NOW)
    sends.set_paused(ledger, "checkup", NOW, paused=True)
    record(ledger, replace(declared.entry(), campaign="other"), NOW)
    record_result(ledger, "checkup", {}, NOW)
    assert not record(ledger, declared.entry(), LATER)
    assert len(_kinds(ledger)) == 4


def test_a_correction_keeps_the_id_and_raises_the_tag(ledger: Ledger, declared: Any):
    first = declared.entry()
    for entry in (first, replace(first, budget=200.0)):
        record(ledger, entry, NOW)
    told = [(row.content["record_id"], row.content["version_tag"]) for row in log.rows(ledger)]
    assert told == [("checkup:house", 1), ("checkup:house", 2)]
    assert [row.content["supersedes"] for row in log.rows(ledger)] == [None, 1]


def test_parts_are_recorded_beside_each_other(ledger: Ledger, declared: Any):
    entries = [declared.entry(), replace(declared.entry(), part="uk", record_id="checkup:uk")]
    assert [record(ledger, entry, NOW) for entry in entries] == [True, True]
    assert [record(ledger, entry, NOW) for entry in entries] == [False, False]
    assert [row.content["version_tag"] for row in log.rows(ledger)] == [1, 1]


def test_results_follow_each_other(ledger: Ledger, declared: Any):
    campaign = declared.read_campaign()
    open_end = result_of(campaign, "house", None, "EUR", None)
    lift = Estimate(0.031234, 0.012345, 0.050123, n=4321, method="AIPW")
    told = result_of(campaign, "house", counts.figures(ledger, campaign, "house", NOW), "EUR", lift)
    assert record_result(ledger, "checkup", open_end, NOW)
    assert not record_result(ledger, "checkup", open_end, NOW)
    assert record_result(ledger, "checkup", told, NOW)
    first, second = (row.content for row in log.rows(ledger))
    assert (first["lift"], first["spent"], first["reach"]) == (None, None, None)
    assert second["lift"] == {"value": 0.031, "low": 0.012, "high": 0.051, "level": 0.95, "method": "AIPW"}
    assert second["analysis_digest"] == campaign.analysis.digest
    assert _kinds(ledger) == [("result", "checkup")] * 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.001, 1), st.integers(2, 10**9))
def test_a_rounded_lift_holds_the_exact_one(
    declared: Any, at: float, below: float, above: float, unit: float, n: int
):
    exact = Estimate(at * unit, (at - below) * unit, (at + above) * unit, n=n, method="x")
    told = result_of(declared.read_campaign(), "house", None, "EUR", exact)["lift"]
    slack = 1e-5 * max(abs(exact.low), abs(exact.high), 1e-9)
    assert told["low"] <= exact.low + slack
    assert told["high"] >= exact.high - slack
    assert told["low"] <= told["value"] <= told["high"]
    assert "n" not in told


def test_many_at_once_append_one_record(ledger: Ledger, declared: Any):
    entry = declared.entry()
    with ThreadPoolExecutor(8) as pool:
        appended = list(pool.map(lambda _: record(ledger, entry, NOW), range(16)))
    assert sorted(appended) == [False] * 15 + [True]
    assert len(log.rows(ledger)) == 1


def test_what_json_cannot_hold_is_not_appended_and_the_lock_is_free(ledger: Ledger, declared: Any):
    with pytest.raises(ValueError, match="JSON"):
        record_result(ledger, "checkup", {"spent": float("nan")}, NOW)
    assert record(ledger, declared.entry(), NOW)
    assert _kinds(ledger) == [("campaign", "checkup")]


def test_only_a_record_of_the_content_lets_it_be_sent(ledger: Ledger, declared: Any):
    digest = declared.digest()
    sends.approve(ledger, "checkup", digest, "Ada", "read it", NOW)

    def stop() -> Stop | None:
        with ledger.engine.connect() as connection:
            return stop_of(connection, "checkup", digest, LATER, None, NOW)

    assert stop() is Stop.UNRECORDED
    record(ledger, replace(declared.entry(), content="0" * 64), NOW)
    assert stop() is Stop.UNRECORDED
    record(ledger, declared.entry(), NOW)
    assert stop() is None
