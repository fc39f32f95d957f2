"""Allowances, against a bucket that refills drop by drop."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from suasion.server.limits import BURST, Limits


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


steps = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 500)), max_size=60)


@given(steps=steps, rate=st.floats(1, 200))
def test_it_is_a_leaky_bucket(steps: list[tuple[float, int]], rate: float):
    """The oracle holds what is in the bucket, not until when: it leaks `rate` a second, and takes what comes
    as long as it is filled for no more than `BURST` seconds."""
    clock = Clock()
    limits, filled = Limits(clock), 0.0
    for pause, amount in steps:
        clock.now += pause
        filled = max(0.0, filled - pause * rate)
        wait = limits.take("one", amount, rate)
        if abs(filled - rate * BURST) < 1e-6 * rate:
            return  # either is right
        assert (wait == 0) == (filled < rate * BURST)
        if wait:
            assert abs(wait - (filled / rate - BURST)) < 1e-6
        else:
            filled += amount


@given(steps=steps, rate=st.floats(1, 200))
def test_nobody_gets_more_than_the_rate_and_one_batch(steps: list[tuple[float, int]], rate: float):
    clock = Clock()
    limits, taken = Limits(clock), 0
    for pause, amount in steps:
        clock.now += pause
        if not limits.take("one", amount, rate):
            taken += amount
    assert taken <= rate * (clock.now - 1000.0 + BURST) + 500 + 1e-6


def test_who_waits_as_told_passes():
    clock = Clock()
    limits = Limits(clock)
    assert limits.take("one", 1000, 10.0) == 0
    wait = limits.take("one", 1, 10.0)
    clock.now += wait + 1e-9
    assert limits.wait("one") == 0
    assert limits.take("one", 1, 10.0) == 0


def test_each_name_has_its_own():
    limits = Limits(Clock())
    assert limits.take("one", 1000, 10.0) == 0
    assert limits.take("one", 1, 10.0) > 0
    assert limits.take("other", 1, 10.0) == 0


def test_forked_processes_share_it_and_one_that_is_killed_blocks_nobody():
    limits = Limits(Clock())
    child = os.fork()
    if not child:
        limits.take("one", 1000, 10.0)
        with limits._alone(limits._place("one")):  # pyright: ignore[reportPrivateUsage]
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert limits.take("one", 1, 10.0) > 0
