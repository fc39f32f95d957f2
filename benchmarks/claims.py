"""Durable claims of sends with every check: in batches of 1,000, and the same one by one.

``python -m benchmarks.claims [--quick]``
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.timing import load
from suasion.expressions import Type
from suasion.ledger import Ledger, consents, draws, log, running, sends
from suasion.rules import (
    PERSON_FACTS,
    Channel,
    Clearance,
    Gate,
    Jurisdiction,
    Occasion,
    Purpose,
    Use,
    load_packs,
)

BATCH, CHUNK, ALONE = 1_000, 50_000, 100
NAME, CONTENT, TABLE = "benchmark", "content", "traits"
KEY = b"benchmark"
_ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.INTEGER: pa.int64(),
    Type.TEXT: pa.string(),
    Type.NUMBER: pa.float64(),
}
Permission = tuple[Clearance, sends.Evidence]
NOW = datetime.now(UTC)
TERMS = sends.Terms(
    campaign=NAME,
    purpose=Purpose.PUBLIC_HEALTH,
    channel=Channel.EMAIL,
    content=CONTENT,
    budget=1e12,
    not_after=NOW + timedelta(days=1),
    cap=sends.Cap(2, 7),
)


def ledger_of(folder: Path, people: int) -> Ledger:
    """A ledger with a send planned for everybody, a consent of everybody, and some suppressions."""
    ledger, persons = Ledger.open(folder / "ledger.db"), np.arange(people)
    said = pa.table(
        {
            "person": persons,
            "given": pa.array([True] * people),
            "expires_on": pa.array([NOW.date() + timedelta(days=365)] * people),
            "wording": pa.array(["0" * 64] * people),
            "capture": pa.array(["form"] * people),
            "said_at": pa.array([(NOW - timedelta(seconds=one)).isoformat() for one in range(people)]),
            "separate": pa.array([True] * people),
            "written": pa.array([False] * people),
            "confirmed_at": pa.nulls(people, pa.string()),
        }
    )
    with running(ledger, folder / "lake", "benchmark", NOW) as run:
        run.write(TABLE, pa.table({"person": persons}))
        run.writes.append(consents.record_consents("people", {(Purpose.PUBLIC_HEALTH, Channel.EMAIL): said}))
        drawn = (NAME, "plan", "terms", persons, ["mail"] * people, np.full(people, 0.5))
        run.writes.append(draws.record_draws(*drawn, keyed=True))
    planned = ((person, "mail", 0.05, person.to_bytes(16, "big")) for person in range(people))
    sends.plan_sends(ledger, "plan", NAME, Channel.EMAIL, planned)
    for send in range(1, people, max(people // 200, 1)):
        sends.suppress(ledger, send, sends.Why.OPTED_OUT, NOW)
    sends.approve(ledger, NAME, CONTENT, "benchmark", "to measure", NOW)
    with ledger.writing() as connection:
        log.append(connection, "campaign", NAME, {"content": CONTENT}, NOW)
    return ledger


def clearances(people: int) -> tuple[Gate, list[Permission]]:
    """The rules, and permission for everybody with its evidence, 50,000 persons at a time."""
    there = Jurisdiction("DE", NOW.date())
    uses = frozenset({Use.CONTACT})
    occasion = Occasion(uses, Purpose.PUBLIC_HEALTH, NAME, there, NOW, Channel.EMAIL)
    gate = Gate(load_packs((), Path("none")), occasion)
    yes = ("adult", "consent", "purpose_permitted", "noticed", "opt_out_offered", "collected_from_person")
    no = ("objected", "restricted", "sale_opted_out", "do_not_call")
    known = {
        **dict.fromkeys(yes, True),
        **dict.fromkeys(no, False),
        "age": 40,
        "basis": "consent",
        "place": "DE",
    }
    columns = {name: pa.nulls(people, _ARROW[kind]) for name, kind in PERSON_FACTS.items()}
    columns |= {name: pa.array([value] * people) for name, value in known.items() if name in columns}
    facts = pa.table({"person": np.arange(people), **columns})
    chunks = (facts.slice(at, CHUNK) for at in range(0, people, CHUNK))
    return gate, [
        (gate.judge(chunk, f"{TABLE}@1").clearance, sends.Evidence.of(KEY, chunk)) for chunk in chunks
    ]


def rate(
    claim: Callable[[Permission, int, int], sends.Claimed], cleared: list[Permission], most: int
) -> float:
    """Sends claimed a second, until `most` are."""
    start, after, claimed = time.perf_counter(), 0, 0
    for permission in cleared:
        until = int(permission[0].persons[-1]) + 1  # the send of person n is number n + 1
        while claimed < most:
            got = claim(permission, after, until)
            after, claimed = got.last, claimed + len(got.sends)
            if not got.looked:
                break
    return claimed / (time.perf_counter() - start)


def claims(people: int) -> dict[str, float]:
    """Claims a second, in batches and alone, of the same ledger."""
    gate, cleared = clearances(people)
    with tempfile.TemporaryDirectory() as folder:
        ledger = ledger_of(Path(folder), people)

        def of(limit: int) -> Callable[[Permission, int, int], sends.Claimed]:
            return lambda permission, after, until: sends.claim(
                ledger, TERMS, permission[0], gate, (TABLE,), NOW, after, until, limit, permission[1]
            )

        with sends.sending(ledger):
            alone = rate(of(1), cleared, ALONE)
            batched = rate(of(BATCH), cleared, people)
    figures = {"claims_s": round(batched), "one_by_one_s": round(alone)}
    return {"claimed_people": people, **figures, "times_faster": round(batched / alone, 1)}


def main() -> None:
    """Print the figures."""
    people = 50_000 if "--quick" in sys.argv else 500_000
    print(json.dumps({"benchmark": "claims", **claims(people), "load": load()}))


if __name__ == "__main__":
    main()
