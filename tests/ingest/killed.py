"""Kills writers to an inbox at random moments, as a client sees it: ``python killed.py FOLDER KILLS PLACE``.

Requests are numbered; each has 20 events. A writer sends anew what was not acknowledged before it, as clients
do, and now and then what was. It tells each acknowledged number by a pipe, which outlives it.
"""

import json
import os
import random
import signal
import struct
import sys
import time
from collections import deque
from itertools import chain, count
from pathlib import Path

from suasion.ingest.inbox import Inbox
from suasion.ingest.inbox.seen import Seen
from suasion.ingest.inbox.writer import _words  # pyright: ignore[reportPrivateUsage]
from suasion.ingest.tracking import Parsed, parse
from suasion.ledger import Ledger

AT_ONCE = 8


def request(number: int) -> Parsed:
    events = [
        {
            "type": "track",
            "event": "Seen",
            "userId": "u",
            "messageId": f"{number}-{k}",
            "properties": {"k": "x" * 100},
        }
        for k in range(20)
    ]
    return parse(json.dumps({"batch": events}).encode(), "batch", time.time())


def opened(place: str) -> Inbox:
    """The inbox in a file, or beside a ledger on a server."""
    return Inbox.beside(Ledger.open(place)) if "://" in place else Inbox.open(Path(place))


def write(place: str, pipe: int, again: list[int], first: int) -> None:
    """Offer until killed."""
    box, waiting = opened(place), deque()
    box.check()
    os.write(pipe, struct.pack("<q", 0))
    for number in chain(again, count(first)):
        waiting.append((number, box.offer("site", request(number), time.time())))
        if len(waiting) == AT_ONCE:
            done, wait = waiting.popleft()
            wait.result()
            os.write(pipe, struct.pack("<q", done))


def acknowledged(pipe: int) -> list[int]:
    """What a writer told before it died."""
    with os.fdopen(pipe, "rb") as told:
        content = told.read()
    return [one for (one,) in struct.iter_unpack("<q", content[: len(content) // 8 * 8]) if one]


def main() -> None:
    """Kill so many, and keep the numbers of what was acknowledged."""
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    luck = random.Random(kills)
    Seen().add(_words(b""), 0.0)  # compiled once, before the forks
    all_told: set[int] = set()
    for _ in range(kills):
        end, begin = os.pipe()
        first = max(all_told, default=0) + 1
        missing = [n for n in range(max(1, first - 500), first) if n not in all_told]
        known = luck.sample(sorted(all_told), min(5, len(all_told)))
        child = os.fork()
        if not child:
            os.close(end)
            try:
                write(sys.argv[3], begin, [*missing, *known], first)
            finally:
                os._exit(1)
        os.close(begin)
        if luck.random() > 0.2:  # the others are killed while they open it, perhaps
            os.read(end, 8)
        time.sleep(luck.uniform(0.05, 0.6))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit("a writer ended by itself")
        all_told.update(acknowledged(end))
    (folder / "acknowledged").write_bytes(b"".join(struct.pack("<q", n) for n in sorted(all_told)))


if __name__ == "__main__":
    main()
