"""How soon an opt-out is on disk and in force, while a sender is at work on the same ledger.

``python -m benchmarks.optout [--quick]``
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.claims import CHUNK, KEY, NAME, NOW, TABLE, TERMS, clearances, ledger_of
from benchmarks.timing import load
from suasion.delivery import Dispatch, Mail, MaildirCarrier, send
from suasion.ledger import Ledger, sends, tokens

LETTER = b"To: somebody@example.org\r\nSubject: An invitation\r\n\r\n" + b"Come and be seen. " * 100
PAUSE = 0.01
"""Seconds between two opt-outs, on average: more than any campaign has."""


def optout_p99(quick: bool) -> float:
    """Milliseconds that 99 of 100 opt-outs take, durable and in force, while a sender sends.

    Parameters
    ----------
    quick : bool
        Fewer of them.
    """
    return round(float(np.quantile(latencies(300 if quick else 3_000), 0.99)) * 1000, 1)


def latencies(presses: int) -> list[float]:
    """Seconds that each of so many opt-outs took, pressed while a process of its own sent to an outbox."""
    people = max(CHUNK, presses * 120)
    with tempfile.TemporaryDirectory() as name:
        folder, luck = Path(name), np.random.default_rng(1)
        ledger = ledger_of(folder, people)
        sender = get_context("spawn").Process(target=work, args=(folder, people), daemon=True)
        sender.start()
        new, taken = folder / "outbox" / "new", list[float]()
        while not (new.is_dir() and any(new.iterdir())):
            assert sender.is_alive(), "the sender sent nothing"
            time.sleep(0.01)
        for number in luck.choice(people, presses, replace=False):
            time.sleep(luck.exponential(PAUSE))
            start = time.perf_counter()
            sends.suppress(ledger, int(number) + 1, sends.Why.OPTED_OUT, NOW)
            taken.append(time.perf_counter() - start)
        assert sender.is_alive(), "the sender was done before the opt-outs were"
        sender.kill()
        sender.join()
    return taken


def work(folder: Path, people: int) -> None:
    """Send to everybody, in batches as large as an outbox takes."""
    gate, permissions = clearances(people)
    chunks = iter(permissions)

    def written(claimed: object) -> list[Mail]:
        assert isinstance(claimed, tuple)
        return [Mail(one.id, tokens.token_of(KEY, one.id), "", LETTER) for one in claimed]

    dispatch = Dispatch(
        ledger=Ledger.open(folder / "ledger.db"),
        carrier=MaildirCarrier(folder / "outbox"),
        campaign=NAME,
        facts=(TABLE,),
        terms=lambda: (TERMS, gate),
        judge=lambda _: next(chunks),
        write=written,
        token=lambda number: tokens.token_of(KEY, number),
        now=lambda: NOW,
    )
    for _ in send(dispatch):
        pass


def main() -> None:
    """Print the figure."""
    quick = "--quick" in sys.argv
    print(json.dumps({"benchmark": "optout", "optout_p99_ms": optout_p99(quick), "load": load()}))


if __name__ == "__main__":
    main()
