"""Nobody is learned from, stored or judged without a clearance for exactly that."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from suasion.errors import ClearanceError
from suasion.ledger import Ledger, reading, running
from suasion.rules import Use
from suasion.scores import fit, publish_scores

FACTS = "traits@1"


@pytest.fixture
def bad_clearances(make_trial, gates, clearances):
    """Clearances that do not permit scoring the trial, by what is wrong with them."""
    persons = make_trial(60).persons
    good = clearances(gates(), persons)
    return {
        "forged": replace(good, persons=np.append(good.persons, 10**9)),
        "foreign": clearances(gates("another"), persons),
        "stale": clearances(gates(), persons, "traits@0"),
        "too old": clearances(gates(minutes=-16), persons),
        "from the future": clearances(gates(minutes=1), persons),
        "narrower": clearances(gates(), persons[:-1]),
        "for less": clearances(gates(uses=frozenset({Use.EVALUATE})), persons),
    }


def test_fitting_needs_a_clearance_for_exactly_this(bad_clearances, make_trial, gates):
    for clearance in bad_clearances.values():
        with pytest.raises(ClearanceError):
            fit(make_trial(60), clearance, gates(), FACTS)


def test_publishing_needs_one_too_and_writes_nothing_without(
    bad_clearances, make_trial, gates, clerk, tmp_path
):
    scores, forecast, model = clerk.all(make_trial(60))
    ledger = Ledger.open(tmp_path / "ledger.db")
    for clearance in bad_clearances.values():
        with running(ledger, tmp_path / "lake", "score", datetime(2026, 11, 21, tzinfo=UTC)) as run:
            with pytest.raises(ClearanceError):
                publish_scores(run, "demo", scores, forecast, model, "", clearance, gates(), FACTS)
            assert not run.made
    assert not reading(ledger, tmp_path / "lake").versions


def test_one_person_too_many_in_a_forecast_publishes_nothing(make_trial, clerk, gates, clearances, tmp_path):
    trial = make_trial(60)
    scores, forecast, model = clerk.all(trial, trial.features.slice(0, 1).add_column(0, "person", [[10**9]]))
    ledger = Ledger.open(tmp_path / "ledger.db")
    with running(ledger, tmp_path / "lake", "score", datetime(2026, 11, 21, tzinfo=UTC)) as run:
        clearance = clearances(gates(), trial.persons)
        with pytest.raises(ClearanceError, match=r"1 person\(s\) it does not name"):
            publish_scores(run, "demo", scores, forecast, model, "", clearance, gates(), FACTS)
        assert not run.made


def test_an_error_about_a_clearance_names_no_person(bad_clearances, make_trial, gates):
    with pytest.raises(ClearanceError) as refusal:
        fit(make_trial(60), bad_clearances["narrower"], gates(), FACTS)
    assert str(make_trial(60).persons[-1]) not in str(refusal.value)
