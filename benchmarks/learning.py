"""Choose and learn, person after person: 10 arms, 20 features; Vowpal Wabbit on the same stream.

``python -m benchmarks.learning [--quick]``: with the extra ``bench`` also the peer. All seconds are of one
core's CPU. `choose_update_s` is the slower of our two policies, `ratio_vw` it against the faster of the two
peers; `calls_s` and `ratio_vw_calls` the same with our policies called from Python for one person at a time.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.timing import load
from suasion.allocation import policies
from suasion.learning import learn, rehearse

Array = np.ndarray[Any, np.dtype[Any]]
ARMS, FEATURES, SINGLE = 10, 20, 2000
PEERS = {"squarecb": "--cb_explore_adf --squarecb -q ua --quiet", "default": "--cb_explore_adf -q ua --quiet"}
Played = Callable[["Stream"], Array]


@dataclass(frozen=True)
class Stream:
    """Persons, what each arm brings them and is expected to, and their luck."""

    features: Array
    rewards: Array
    expected: Array
    uniforms: Array

    def part(self, n: int) -> Stream:
        """The first n persons."""
        return Stream(self.features[:n], self.rewards[:n], self.expected[:n], self.uniforms[:n])

    def regret(self, arms: Array) -> float:
        """What the best arm of each would have brought more, on average."""
        return float(np.mean(self.expected.max(axis=1) - self.expected[np.arange(len(arms)), arms]))


def stream(n: int, seed: int) -> Stream:
    """Clicks of some 25 %, by a logistic model that neither contestant has."""
    luck = np.random.default_rng(seed)
    features = luck.normal(size=(n, FEATURES))
    effects = luck.normal(size=(ARMS, FEATURES)) / np.sqrt(FEATURES)
    expected = 1 / (1 + np.exp(1.5 - 0.3 * luck.normal(size=ARMS) - features @ effects.T))
    rewards = (luck.random((n, ARMS)) < expected).astype(np.float64)
    return Stream(features, rewards, expected, luck.random(n))


def policy(kind: policies.Kind) -> policies.Policy:
    """Ours, as it comes."""
    arms = tuple(f"v{arm}" for arm in range(ARMS))
    return policies.Policy(kind, arms, center=(0.0,) * FEATURES, scale=(1.0,) * FEATURES)


def ours(kind: policies.Kind) -> Played:
    """Choose and learn in one kernel."""
    made = policy(kind)
    begun = policies.start(made)
    return lambda one: rehearse(made, begun, one.features, one.rewards, one.uniforms).arms


def called(kind: policies.Kind) -> Played:
    """Choose and learn by three calls a person."""
    made, all_arms, count = policy(kind), np.ones((1, ARMS), np.bool_), np.arange(ARMS)

    def play(one: Stream) -> Array:
        state, arms = policies.start(made), np.empty(len(one.uniforms), np.int64)
        for i in range(len(arms)):
            row = slice(i, i + 1)
            chances = policies.probabilities(made, state, one.features[row], all_arms)
            arm = policies.chosen(chances, one.uniforms[row])
            shown = count == arm
            state = learn(made, state, one.features[row], arm, one.rewards[row, shown][0], chances[0, shown])
            arms[i] = arm[0]
        return arms

    return play


def peer(options: str) -> Played:
    """Vowpal Wabbit by text lines; those of persons are made before, and not counted."""
    wabbit = importlib.import_module("vowpalwabbit")
    arms = [f"|a v{arm}" for arm in range(ARMS)]

    def play(one: Stream) -> Array:
        model = wabbit.Workspace(options)
        chosen = np.empty(len(one.uniforms), np.int64)
        for i, (shared, luck) in enumerate(zip(lines(one), one.uniforms, strict=True)):
            chances = model.predict([shared, *arms])
            arm = min(int(np.searchsorted(np.cumsum(chances), luck, "right")), ARMS - 1)
            labeled = f"0:{-one.rewards[i, arm]}:{chances[arm]} {arms[arm]}"
            model.learn([shared, *arms[:arm], labeled, *arms[arm + 1 :]])
            chosen[i] = arm
        model.finish()
        return chosen

    return play


_LINES = dict[int, list[str]]()


def lines(one: Stream) -> list[str]:
    """Persons as the peer reads them."""
    if id(one) not in _LINES:
        rows = one.features.tolist()
        _LINES[id(one)] = [
            "shared |u " + " ".join(f"f{j}:{value:.5f}" for j, value in enumerate(row)) for row in rows
        ]
    return _LINES[id(one)]


def measured(play: Played, streams: list[Stream], rounds: int = 1) -> tuple[float, float]:
    """Persons a CPU second, at the median; and mean regret."""
    rates, regrets = list[float](), list[float]()
    for one in (one for one in streams for _ in range(rounds)):
        start = time.process_time()
        arms = play(one)
        rates.append(len(arms) / (time.process_time() - start))
        regrets.append(one.regret(arms))
    return float(np.median(rates)), float(np.mean(regrets))


def main() -> None:
    """Print the figures."""
    n, seeds = (3000, 2) if "--quick" in sys.argv else (20_000, 2)
    streams = [stream(n, seed) for seed in range(seeds)]
    for play in (ours, called):  # compile
        for kind in (policies.Kind.THOMPSON, policies.Kind.SQUARECB):
            play(kind)(streams[0].part(20))
    kinds = (policies.Kind.THOMPSON, policies.Kind.SQUARECB)
    made = {str(kind): measured(ours(kind), streams, rounds=3) for kind in kinds}
    calls = {str(kind): measured(called(kind), [streams[0].part(SINGLE)])[0] for kind in kinds}
    figures: dict[str, Any] = {
        "choose_update_s": round(min(rate for rate, _ in made.values())),
        "calls_s": round(min(calls.values())),
        "regret": {kind: round(regret, 4) for kind, (_, regret) in made.items()},
        "rates": {kind: round(rate) for kind, (rate, _) in made.items()},
        "people": n * seeds,
    }
    if importlib.util.find_spec("vowpalwabbit"):
        for one in streams:
            lines(one)
        theirs = {name: measured(peer(options), streams) for name, options in PEERS.items()}
        fastest = max(rate for rate, _ in theirs.values())
        figures |= {
            "vw_s": {name: round(rate) for name, (rate, _) in theirs.items()},
            "ratio_vw": round(min(rate for rate, _ in made.values()) / fastest, 1),
            "ratio_vw_calls": round(min(calls.values()) / fastest, 1),
            "regret_vw": {name: round(regret, 4) for name, (_, regret) in theirs.items()},
        }
    print(json.dumps({"benchmark": "learning", **figures, "load": load()}))


if __name__ == "__main__":
    main()
