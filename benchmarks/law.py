"""The law: judging, opting out, proving, telling a person everything, and forgetting one.

``python -m benchmarks.law [--quick]``: a million people judged by every pack and one by every rule that may
apply; opt-outs while a sender works; a receipt verified offline; the access package among a million people
with 20 million events; the first stage of an erasure. `--quick` takes a tenth of people and events.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.access import access_s
from benchmarks.erasure import erase_s
from benchmarks.optout import optout_p99
from benchmarks.receipts import receipts
from benchmarks.timing import load
from suasion.expressions import Type
from suasion.rules import (
    PERSON_FACTS,
    Channel,
    Gate,
    Jurisdiction,
    Occasion,
    Purpose,
    Use,
    load_packs,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACES = ["DE", "FR", "IS", "GB", "US", "US-CA", "US-WA", "CA", "CA|US", "DE|US", "MW", "ZZ"]
ROUNDS, ALONE = 3, 2_000


def gate_of(purpose: Purpose) -> Gate:
    """Every pack, held against a text message that is learned from too: nothing is out by use or channel."""
    uses, there = frozenset({Use.LEARN, Use.CONTACT}), Jurisdiction(Jurisdiction.UNKNOWN, NOW.date())
    occasion = Occasion(uses, purpose, "benchmark", there, NOW, Channel.SMS)
    return Gate(load_packs((), Path("none")), occasion)


def facts_of(people: int) -> pa.Table:
    """Random facts, a fifth of them unknown, of people at a dozen places."""
    chance = np.random.default_rng(1)
    columns: dict[str, pa.Array | np.ndarray] = {
        "person": np.arange(people),
        "place": pa.array(np.array(PLACES)[chance.integers(0, len(PLACES), people)]),
    }
    bases = np.array(["consent", "contract", "legitimate_interest"])
    for name, kind in PERSON_FACTS.items():
        values = {
            Type.BOOLEAN: lambda: chance.random(people) < 0.5,
            Type.INTEGER: lambda: chance.integers(0, 100, people),
            Type.TEXT: lambda: bases[chance.integers(0, len(bases), people)],
        }[kind]()
        columns[name] = pa.array(values, mask=chance.random(people) < 0.2)
    return pa.table(columns)


def median(work: Callable[[], object], rounds: int) -> float:
    """Median seconds of a piece of work, after one run not counted."""
    taken = list[float]()
    for turn in range(rounds + 1):
        start = time.perf_counter()
        work()
        if turn:
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def law(people: int, alone: int) -> dict[str, float]:
    """Seconds for all people, and microseconds for one: the slower of two purposes counts."""
    facts = facts_of(people)
    gates = [gate_of(purpose) for purpose in (Purpose.POLITICAL, Purpose.COMMERCIAL)]
    all_s = max(median(lambda gate=gate: gate.judge(facts, "v"), ROUNDS) for gate in gates)
    row = facts.slice(0, 1).drop_columns(["person", "place"]).to_pylist()[0]
    one_s = max(median(lambda gate=gate: gate.judge_one("person", row), alone) for gate in gates)
    return {
        "judged_people": people,
        "rules": sum(len(pack.rule) for pack in gates[0].packs),
        "judge_1m_s": round(all_s * 1_000_000 / people, 3),
        "judge_one_us": round(one_s * 1e6, 1),
    }


def main() -> None:
    """Print the figures."""
    quick = "--quick" in sys.argv
    people, events = (100_000, 2_000_000) if quick else (1_000_000, 20_000_000)
    figures = {
        **law(people, ALONE // 10 if quick else ALONE),
        "optout_p99_ms": round(optout_p99(quick), 1),
        **receipts(2_000, 20_000),
        "access_s": round(access_s(people, events), 2),
        "erase_s": round(erase_s(people), 2),
    }
    print(json.dumps({"benchmark": "law", **figures, "load": load()}))


if __name__ == "__main__":
    main()
