"""The package of one person, out of a workspace of a million people and twenty million events.

``python -m benchmarks.access [--quick]``; `access_s` is for others to call.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from sqlalchemy import insert

from benchmarks.timing import load
from suasion.identity.hashed import STORED
from suasion.ledger import Ledger, draws, running, schema, sends, tokens
from suasion.ledger.rows import write_rows
from suasion.rights import Holdings, access, seals_of
from suasion.rules import Channel

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY, ROUNDS = b"benchmark", 3
DECLARED = {
    "traits/all.toml": 'traits.age = { type = "integer", category = "age", label = "Age" }\n'
    'traits.visits = { type = "integer", category = "behavior", label = "Visits" }\n',
}


def workspace_of(folder: Path, people: int, events: int) -> Holdings:
    """People with two details each, traits, a plan, scores, a send; and events, sorted by person."""
    for name, content in DECLARED.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    persons, chance = np.arange(1, people + 1), np.random.default_rng(1)
    ledger, lake = Ledger.open(folder / "ledger.db"), folder / "lake"
    with running(ledger, lake, "benchmark", NOW) as run:
        run.write("identities", _identities(persons))
        traits = {"age": chance.integers(18, 90, people), "visits": chance.integers(0, 9, people)}
        run.write("traits", pa.table({"person": persons, **traits}))
        known = {"source": ["register"] * people, "basis": ["consent"] * people}
        run.write("known_from", pa.table({"person": persons, **known}))
        shuffled = chance.permutation(persons)
        run.write("records.register", pa.table({"line": persons, "person": shuffled}))
        run.write("forecasts.flu", pa.table({"person": persons, "effect:0": chance.random(people)}))
        run.write("plans.flu", pa.table({"person": persons, "probability:1": chance.random(people)}))
        whose = np.sort(chance.integers(1, people + 1, events))
        at = pa.array(np.arange(events), pa.timestamp("s"))
        run.write("events", pa.table({"person": whose, "at": at, "what": whose % 7}))
        half = np.full(people, 0.5)
        run.writes.append(
            draws.record_draws("flu", "plan", "terms", persons, ["mail"] * people, half, keyed=True)
        )
    hashes = tokens.hashes_of(KEY, "email", (f"p{i}@example.org" for i in persons.tolist()))
    rows = zip(persons.tolist(), ["mail"] * people, [0.05] * people, hashes, strict=True)
    sends.plan_sends(ledger, "plan", "flu", Channel.EMAIL, rows)
    with ledger.writing() as connection:
        consent = "INSERT INTO consents (person, purpose, channel, source, given) VALUES (?, ?, ?, ?, ?)"
        said = ("public_health", "email", "register", 1)
        write_rows(connection, consent, ((person, *said) for person in persons.tolist()))
        connection.execute(insert(schema.suppressions).values(channel="email", reason="bounced", at=NOW))
    return Holdings(folder, lake, ledger, (), folder / "outbox", KEY)


def _identities(persons: np.ndarray) -> pa.Table:
    """A readable identifier each, and an address that is known by its hash."""
    n, mails = len(persons), [f"p{i}@example.org" for i in persons.tolist()]
    spelled, folded = (tokens.hashes_of(KEY, "email", mails, how) for how in (tokens.spelled, tokens.folded))
    columns = {
        "person": np.repeat(persons, 2),
        "role": ["identifier", "contact"] * n,
        "kind": ["member", "email"] * n,
        "value": [text for i in persons.tolist() for text in (f"R{i:07}", None)],
        "source": ["register"] * 2 * n,
        "hash": [cell for made in spelled for cell in (None, made)],
        "sealed": pa.nulls(2 * n, pa.binary()),
        "usable": [True] * 2 * n,
        "folded": [cell for made in folded for cell in (None, made)],
    }
    return pa.table(columns).cast(STORED)


def access_s(people: int, events: int) -> float:
    """Seconds to collect one person's package and write its page: the slowest of a few people."""
    with tempfile.TemporaryDirectory() as folder:
        holdings, taken = workspace_of(Path(folder), people, events), list[float]()
        for person in np.linspace(1, people, ROUNDS).astype(int).tolist():
            start = time.perf_counter()
            seals = seals_of(holdings.ledger, KEY)
            package = access(holdings, f"member=R{person:07}", NOW, currency="EUR", seals=seals)
            json.dumps(package.as_dict())
            package.html()
            taken.append(time.perf_counter() - start)
        return max(taken)


if __name__ == "__main__":
    size = (50_000, 1_000_000) if "--quick" in sys.argv else (1_000_000, 20_000_000)
    print(
        json.dumps(
            {"access_s": round(access_s(*size), 3), "people": size[0], "events": size[1], "load": load()}
        )
    )
