"""What was learned survives kill -9, is shared by processes, and replays bit for bit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from suasion.allocation import policies
from suasion.allocation.policies import Guardrail
from suasion.errors import BusyError, DamageError
from suasion.learning import Learned, advance, newest, store
from suasion.ledger import Ledger, draws, log

FILE = Path(__file__).with_name("learner.py")
LEARNER = run_path(str(FILE))
POLICY, EXPOSURES, NOW = LEARNER["POLICY"], LEARNER["EXPOSURES"], LEARNER["NOW"]
learned_until = LEARNER["learned_until"]
Start = Callable[..., BaseProcess]
PROCESSES = get_context("forkserver")
# The package is imported once, and then every process is a fork: killing many stays quick.
PROCESSES.set_forkserver_preload(["__main__", "suasion.learning"])


@pytest.fixture
def start() -> Generator[Start]:
    """Start a learner, which does not outlive the test."""
    started: list[BaseProcess] = []

    def begin(*arguments: Any) -> BaseProcess:
        code = "from runpy import run_path\nrun_path(file)['endless'](*arguments)"
        process = PROCESSES.Process(target=exec, args=(code, {"file": str(FILE), "arguments": arguments}))
        process.start()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.join()


def _replayed(until: int = EXPOSURES) -> bytes:
    """The bytes of a replay of the stream in one go."""
    return store.to_bytes(POLICY, learned_until(policies.start(POLICY), 0, until))


def _wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, "the other process did nothing for two minutes"
        time.sleep(0.002)


def test_however_often_learners_are_killed_a_replay_makes_the_same_bytes(tmp_path: Path, start: Start):
    ledger, luck, done = Ledger.open(tmp_path / "ledger.db"), random.Random(5), 0
    for turn in range(4):
        learner = start(tmp_path / "ledger.db", turn, 25)
        _wait_until(lambda seen=done: draws.policies.newest_number(ledger, "banner") > seen)
        time.sleep(luck.random() / 20)
        learner.kill()
        learner.join()
        last = draws.policies.newest(ledger, "banner")
        assert last is not None
        assert last.state == _replayed(last.learned_until)
        done = last.version
    start(tmp_path / "ledger.db", 99, 400).join()
    assert draws.policies.newest(ledger, "banner").state == _replayed()


def test_several_processes_learn_each_exposure_once(tmp_path: Path, start: Start):
    ledger = Ledger.open(tmp_path / "ledger.db")
    learners = [start(tmp_path / "ledger.db", seed, 200) for seed in range(3)]
    for learner in learners:
        learner.join()
        assert learner.exitcode == 0
    last = draws.policies.newest(ledger, "banner")
    assert (last.state, last.learned_until) == (_replayed(), EXPOSURES)
    assert newest(ledger, "banner", POLICY).count.sum() == EXPOSURES


def test_a_process_that_learned_from_an_old_version_learns_again(tmp_path: Path):
    ledger, begun, asked = Ledger.open(tmp_path / "ledger.db"), policies.start(POLICY), list[int]()

    def more(state: policies.State, until: int) -> Learned:
        asked.append(until)
        if len(asked) == 1:  # another process is first
            other = store.to_bytes(POLICY, learned_until(begun, 0, 50))
            assert draws.policies.append(ledger, "banner", 0, other, 50, NOW)
        return Learned(learned_until(state, max(until, 0), 100), 100)

    state = advance(ledger, "banner", POLICY, begun, more, NOW)
    assert asked == [-1, 50]
    assert (state.version, store.to_bytes(POLICY, state)) == (2, _replayed(100))


def test_who_is_never_first_says_so(tmp_path: Path):
    ledger = Ledger.open(tmp_path / "ledger.db")

    def more(state: policies.State, until: int) -> Learned:
        version = draws.policies.newest_number(ledger, "banner")
        draws.policies.append(ledger, "banner", version, store.to_bytes(POLICY, state), 0, NOW)
        return Learned(state, 0)

    with pytest.raises(BusyError, match="placement 'banner'"):
        advance(ledger, "banner", POLICY, policies.start(POLICY), more, NOW)


def test_where_there_is_nothing_to_learn_no_version_is_written(tmp_path: Path):
    ledger = Ledger.open(tmp_path / "ledger.db")
    state = advance(ledger, "banner", POLICY, policies.start(POLICY), lambda *_: None, NOW)
    assert state.version == draws.policies.newest_number(ledger, "banner") == 0
    assert newest(ledger, "banner", POLICY).version == 0


def _known() -> policies.State:
    return replace(learned_until(policies.start(POLICY), 0, 300), price=0.1)


def test_bytes_become_the_same_state():
    made = store.to_bytes(POLICY, _known())
    state = store.from_bytes(POLICY, made, 7)
    assert state.version == 7
    assert store.to_bytes(POLICY, state) == made
    x, everything = np.ones((1, 3)), np.ones((1, 3), bool)
    before = policies.probabilities(POLICY, _known(), x, everything)
    assert np.array_equal(policies.probabilities(POLICY, state, x, everything), before)


def test_the_version_is_not_in_the_bytes():
    assert store.to_bytes(POLICY, replace(_known(), version=3)) == store.to_bytes(POLICY, _known())


@pytest.mark.parametrize(
    "harm",
    [
        lambda made: b"",
        lambda made: made[:-1],
        lambda made: made + b"\0",
        lambda made: b"pickle" + made,
        lambda made: made[:30],
        lambda made: made.replace(b'"day":', b'"dax":'),
        lambda made: made.replace(b'"arms":["a","b","c"]', b'"arms":["a","a","c"]'),
    ],
)
def test_bytes_that_are_no_state_are_refused(harm: Callable[[bytes], bytes]):
    with pytest.raises(DamageError):
        store.from_bytes(POLICY, harm(store.to_bytes(POLICY, _known())))


def test_of_a_policy_whose_arms_changed_what_stays_is_kept():
    state = store.from_bytes(replace(POLICY, arms=("b", "new")), store.to_bytes(POLICY, _known()), 4)
    assert state.version == 4
    assert state.count.tolist() == [_known().count[1], 0]
    assert np.allclose(state.mean[0], _known().mean[1])


@pytest.mark.parametrize("change", [{"scale": (2.0,) * 3}, {"features": ("x", "y", "z")}])
def test_a_policy_that_measures_otherwise_starts_anew(change: dict[str, Any]):
    state = store.from_bytes(replace(POLICY, **change), store.to_bytes(POLICY, _known()), 4)
    assert (state.version, state.count.sum()) == (4, 0)


def test_a_guardrail_more_keeps_what_was_learned_and_counts_from_nothing():
    railed = replace(POLICY, guardrails=(Guardrail("left", 0.1),))
    known = replace(_known(), shown=np.full(3, 70), closed=np.array([True, False, False]))
    state = store.from_bytes(railed, store.to_bytes(POLICY, known), 4)
    assert np.allclose(state.mean, known.mean)
    assert (state.shown.tolist(), state.harms.tolist(), state.closed.any()) == ([0] * 3, [[0] * 3], False)


def test_money_and_the_approval_are_kept():
    state = replace(_known(), spent=12.25, since=1.7e9 + 0.1)
    again = store.from_bytes(POLICY, store.to_bytes(POLICY, state))
    assert (again.spent, again.since, again.price) == (12.25, 1.7e9 + 0.1, 0.1)


def test_what_a_version_says_is_in_the_log_with_it_or_not_at_all(tmp_path: Path):
    ledger, said = Ledger.open(tmp_path / "ledger.db"), (("closed", {"variant": "a"}),)
    begun = policies.start(POLICY)

    def more(state: policies.State, until: int) -> Learned:
        if draws.policies.newest_number(ledger, "banner") == 0:  # another process is first
            draws.policies.append(ledger, "banner", 0, store.to_bytes(POLICY, state), 1, NOW)
        return Learned(learned_until(state, 0, 10), max(until, 1), said)

    assert advance(ledger, "banner", POLICY, begun, more, NOW).version == 2
    with ledger.reading() as connection:
        rows = log.about(connection, "closed", "placement:banner")
    assert [row.content for row in rows] == [{"variant": "a"}]
