"""How long it takes to verify a receipt, offline, from its text and the public key.

``python -m benchmarks.receipts [--quick]``
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.claims import BATCH, KEY, NOW, TABLE, TERMS, clearances, ledger_of
from benchmarks.timing import load
from suasion.disclosure import proof, saved
from suasion.ledger import checkpoints, log, sends

NAME = "town.example/log"


def receipts(people: int, rows: int) -> dict[str, float]:
    """Milliseconds to verify a receipt of a claim of 1,000, and octets of one, in a log of so many rows.

    Parameters
    ----------
    people : int
        Who have a send; at least 1,000.
    rows : int
        Of the log besides; the proofs grow with their logarithm.
    """
    gate, ((clearance, evidence), *_) = clearances(people)
    with tempfile.TemporaryDirectory() as folder:
        ledger = ledger_of(Path(folder), people)
        claimed = sends.claim(ledger, TERMS, clearance, gate, (TABLE,), NOW, 0, people, BATCH, evidence)
        with ledger.writing() as connection:
            for one in range(rows):
                log.append(connection, "result", TERMS.campaign, {"spent": one}, NOW)
        vkey, times = checkpoints.verifier_key(KEY, NAME), list[float]()
        texts = [
            json.dumps(proof.receipt(ledger, KEY, NAME, one.id, NOW)) for one in claimed.sends[:: BATCH // 20]
        ]
    for text in texts:
        begun = time.perf_counter()
        found = saved.verify_proof(text, vkey)
        times.append(1e3 * (time.perf_counter() - begun))
        assert not found.problems, found
    return {
        "log_rows": rows + 2,
        "verify_ms": round(float(np.median(times)), 3),
        "verify_ms_most": round(max(times), 3),
        "receipt_octets": len(texts[0]),
    }


def main() -> None:
    """Print the figures."""
    rows = 1_000 if "--quick" in sys.argv else 20_000
    print(json.dumps({"benchmark": "receipts", **receipts(2_000, rows), "load": load()}))


if __name__ == "__main__":
    main()
