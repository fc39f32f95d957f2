"""Who knows everybody but one person does not learn from published counts whether that one is among them."""

from __future__ import annotations

import math
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from sqlalchemy import text

from suasion.disclosure import counts
from suasion.errors import MissingExtraError, RefusedError
from suasion.ledger import Ledger, sends
from suasion.ledger.disclosed import DisclosureTerms
from suasion.ledger.sends import noise
from suasion.rules import Purpose

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TRIALS = 20_000
MOST = 0.05
"""By how much an attack may beat guessing."""
DEFAULT, DECLARABLE = counts.rho_of(1.0), counts.rho_of(1.2)
pytestmark = pytest.mark.skipif(find_spec("opendp") is None, reason="needs the extra privacy")


def _advantage(inside: Any, guesses: Any) -> float:
    """How much more often than half a guess is right."""
    return float(np.mean(np.asarray(inside) == np.asarray(guesses))) - 0.5


def _noisy(values: Any, contribution: float, rho: float) -> Any:
    """Many counts, a few at a time: vectors as short as those that are published."""
    few = [
        counts.noisy(part.tolist(), contribution, rho) for part in np.split(np.asarray(values, float), 500)
    ]
    return np.concatenate(few)


def _inside(seed: int, trials: int = TRIALS) -> Any:
    return np.random.default_rng(seed).random(trials) < 0.5


def test_no_budget_that_can_be_declared_lets_anybody_be_guessed():
    """The bound for every attack on Gaussian noise (Dong, Roth, Su 2022, J. R. Stat. Soc. B 84:3)."""
    with pytest.raises(ValueError, match="less than or equal"):
        DisclosureTerms(epsilon=1.2001)
    assert float(ndtr(math.sqrt(2 * DECLARABLE) / 2)) - 0.5 <= MOST


def test_differencing_two_segments_does_not_tell_one_person():
    """The count of a segment with and without one person, who may be in it: all budget on the two."""
    inside = _inside(1)
    with_one = _noisy(1000.0 + inside, 1.0, DEFAULT / 2)
    without = _noisy([1000.0] * TRIALS, 1.0, DEFAULT / 2)
    assert _advantage(inside, with_one - without > 0.5) <= MOST


@pytest.mark.parametrize("questions", [1, 4])
def test_all_of_the_budget_on_one_person_does_not_tell_them(questions: int):
    """The best attack there is: the mean of all answers, in each of which the person counts."""
    inside = _inside(questions)
    told = [_noisy(inside, 1.0, DEFAULT / questions) for _ in range(questions)]
    assert _advantage(inside, np.mean(told, axis=0) > 0.5) <= MOST


@pytest.mark.slow
def test_all_that_a_campaign_publishes_does_not_tell_one_person():
    """Plan, weeks and end, each number weighed by how much it tells, of somebody who replied in all ways."""
    inside, weighed = _inside(5).astype(float), np.zeros(TRIALS)
    shares = [("planned", counts.PLANNED), *[("reach", counts.WEEKLY)] * 4, ("reach", counts.ENDED)]
    assert sum(share for _, share in shares) <= 1 + 1e-9
    for what, share in shares:
        numbers = round(counts.CONTRIBUTION[what] ** 2)
        for _ in range(numbers):
            told = _noisy(inside, counts.CONTRIBUTION[what], share * DEFAULT)
            weighed += (told - 0.5) * share / numbers
    assert _advantage(inside, weighed > 0) <= MOST


def test_without_noise_the_same_attack_always_wins():
    """The oracle: the attack itself works."""
    inside = _inside(3, 400)
    assert _advantage(inside, 1000.0 + inside - 1000 > 0.5) > 0.45


@pytest.mark.slow
def test_differencing_published_audiences_does_not_tell_one_person(ledger: Ledger, declared: Any):
    """Through the ledger, 400 times: a campaign to everybody, and one to all but one, who may be there."""
    inside, guesses = _inside(4, 400), list[bool]()
    for trial, there in enumerate(inside):
        told = [
            _planned(declared, ledger, f"{name}{trial}", people)
            for name, people in (("all", 2000 + int(there)), ("but-one", 2000))
        ]
        seen = [float(one.audience.value or 0) + float(one.treatments["reminder"].value or 0) for one in told]
        guesses.append(seen[0] - seen[1] > 0.5)
    assert _advantage(inside, guesses) <= MOST + 2 * 0.5 / math.sqrt(400), "two standard errors"


def _planned(declared: Any, ledger: Ledger, name: str, people: int = 4000) -> counts.Planned:
    campaign = declared.read_campaign().model_copy(update={"name": name})
    made = sys.modules[type(declared).__module__].made_plan(people)
    return counts.planned(ledger, campaign, declared.read_segment(), "house", ("DE",), made, people, NOW)


@given(st.floats(0.01, 1.2), st.floats(0.1, 10))
def test_noise_costs_what_is_paid(epsilon: float, contribution: float):
    rho = counts.rho_of(epsilon)
    assert counts.epsilon_of(rho) == pytest.approx(epsilon)
    assert len(counts.noisy([1.0, 2.0], contribution, rho)) == 2


def test_noise_is_as_wide_as_it_says():
    rho = counts.rho_of(1.0)
    drawn = _noisy([50.0] * TRIALS, 1.0, rho)
    sigma = 1 / math.sqrt(2 * rho)
    assert drawn.mean() == pytest.approx(50, abs=4 * sigma / math.sqrt(TRIALS))
    assert drawn.std() == pytest.approx(sigma, rel=0.03)


def test_intervals_hold_the_truth(ledger: Ledger, declared: Any):
    told = [_planned(declared, ledger, f"c{trial}") for trial in range(50)]
    held = [one.audience.low <= 4000 <= one.audience.high for one in told]
    held += [one.treatments["reminder"].low <= 1800 <= one.treatments["reminder"].high for one in told]
    assert sum(held) >= 86, "95 of 100 less four standard errors"


def test_the_same_question_has_the_same_answer(ledger: Ledger, declared: Any):
    asked = [declared.counted() for _ in range(50)]
    assert len({repr(one) for one in asked}) == 1, "averaging tells nothing"


def test_many_at_once_get_one_answer(ledger: Ledger):
    question = noise.Question("c", "house", "planned", "1")
    made = Counter[int]()

    def ask(number: int) -> tuple[float, ...]:
        def make() -> tuple[float, ...]:
            made[number] += 1
            return counts.noisy([10.0], 1.0, 0.01)

        return noise.release(ledger, question, 0.01, 1.0, make, NOW).values

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(32)))) == 1
    assert made.total() == 1


def test_the_budget_ends_and_survives_a_restart(tmp_path: Path):
    place = tmp_path / "ledger.db"
    asked, answers = [noise.Question("c", "house", "x", str(n)) for n in range(6)], list[float]()
    for question in asked[:4]:
        ledger = Ledger.open(place)
        answers += noise.release(ledger, question, 0.25, 1.0, lambda: [1.5], NOW).values
    again = Ledger.open(place)
    for question in asked[4:]:
        with pytest.raises(RefusedError, match="budget of privacy"):
            noise.release(again, question, 0.25, 1.0, lambda: [2.5], NOW)
    assert noise.release(again, asked[0], 0.25, 1.0, lambda: [2.5], NOW).values == (1.5,)
    other = noise.Question("c", "uk", "x", "0")
    assert noise.release(again, other, 1.0, 1.0, lambda: [2.5], NOW).values == (2.5,), "other people"


def test_what_is_kept_for_later_is_not_spent_before(ledger: Ledger):
    first, last = noise.Question("c", "house", "x", "1"), noise.Question("c", "house", "x", "end")
    with pytest.raises(RefusedError):
        noise.release(ledger, first, 0.5, 1.0, lambda: [0.0], NOW, reserve=0.6)
    assert noise.release(ledger, last, 1.0, 1.0, lambda: [0.0], NOW)


def test_what_fails_costs_nothing(ledger: Ledger):
    question = noise.Question("c", "house", "x", "1")
    with pytest.raises(ZeroDivisionError):
        noise.release(ledger, question, 1.0, 1.0, lambda: [1 / 0], NOW)
    assert noise.latest(ledger, "c", "house", "x") is None
    assert noise.release(ledger, question, 1.0, 1.0, lambda: [7.0], NOW).values == (7.0,)


def test_the_week_and_the_end_are_told_once_each(ledger: Ledger, declared: Any):
    campaign = declared.read_campaign()
    assert campaign.delivery is not None
    ended = campaign.delivery.not_after
    _planned(declared, ledger, "checkup")
    told = [counts.figures(ledger, campaign, "house", NOW + timedelta(days=7 * n)) for n in range(6)]
    assert len({repr(one) for one in told}) == 4, "then the budget is kept for the end"
    assert told[3] == told[4] == told[5]
    last = counts.figures(ledger, campaign, "house", ended)
    assert last == counts.figures(ledger, campaign, "house", ended + timedelta(days=90)) != told[3]
    assert last is not None
    assert last.reach.epsilon > (told[3] or last).reach.epsilon


def test_reach_counts_what_was_sent_of_the_persons_asked_for(ledger: Ledger, claim: Any):
    claim("checkup", NOW)
    persons = sends.paid_to(ledger, "checkup")["person"].to_numpy()
    for asked, expected in ((None, 1), (persons, 1), (persons + 50, 0)):
        exact = noise.reached(ledger, "checkup", asked)
        assert sum(exact.sent.values()) == expected
        assert exact.money == pytest.approx(0.1 * expected)
    with ledger.writing() as connection:
        connection.execute(
            text("INSERT INTO replies (send, kind, at) VALUES (1, 'opted_out', :at)"), {"at": NOW}
        )
    assert noise.reached(ledger, "checkup").replies == {"opted_out": 1}


@pytest.mark.parametrize(("purpose", "fewest"), [(Purpose.POLITICAL, 1000), (Purpose.ADVOCACY, 1000)])
def test_few_are_more_in_politics(purpose: Purpose, fewest: int):
    assert counts.least(purpose) == fewest
    assert not counts.enough(fewest - 1, purpose)
    assert counts.enough(fewest, purpose)
    assert counts.enough(100, Purpose.COMMERCIAL)
    assert not counts.enough(99, Purpose.COMMERCIAL)


def test_without_opendp_nothing_is_told(ledger: Ledger, declared: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opendp", None)
    declared.campaign["disclosure"] = {"epsilon": 0.987}  # no noise of this width was made before
    with pytest.raises(MissingExtraError, match=r"suasion\[privacy\]"):
        _planned(declared, ledger, "checkup")
    assert noise.latest(ledger, "checkup", "house", "planned") is None
