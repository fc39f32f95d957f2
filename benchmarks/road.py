"""The whole road of a live campaign: a town, from its files to the mails in its outbox.

``python -m benchmarks.road [--quick] [--people N]``: 20,000 people; or N, by default a million, and before it
20,000 and 100,000 to see how the time grows. Each town has a process, and so a memory, of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import suasion
from benchmarks.claims import claims
from benchmarks.timing import load
from suasion.town import Effects, Town, create

SMALL, MIDDLE, LARGE = 20_000, 100_000, 1_000_000


def walk(people: int) -> dict[str, Any]:
    """Seconds of each stage, and the most memory held."""
    marks = [time.perf_counter()]

    def lap() -> float:
        marks.append(time.perf_counter())
        return round(marks[-1] - marks[-2], 2)

    with tempfile.TemporaryDirectory() as folder:
        town = Path(folder) / "town"
        create(town, Town(people, 1, Effects.VARIED))
        taken = {"town_s": lap()}
        workspace = suasion.open(town, environment={"SUASION_KEY": "benchmark"})
        workspace.ingest()
        taken["ingest_s"] = lap()
        workspace.segment("adults")
        taken["segment_s"] = lap()
        workspace.score()
        taken["score_s"] = lap()
        planned = workspace.plan()
        taken["plan_s"] = lap()
        workspace.approve("benchmark", "to measure")
        sent = workspace.send()
        taken["send_s"] = lap()
        mails = sum(1 for _ in os.scandir(town / "outbox" / "new"))
    if not mails == sent.fates["accepted"] == planned.people - planned.drawn["none"]:
        sys.exit("the mails in the outbox are not those that were drawn")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    total = round(marks[-1] - marks[0], 2)
    return {"people": people, **taken, "total_s": total, "mails": mails, "rss_gb": round(held, 2)}


def apart(people: int) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.road", "--alone", "--people", str(people)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def growth(people: int) -> dict[str, Any]:
    """How the time grows from 20,000 to 100,000 to `people`."""
    small, middle, large = (apart(n) for n in (SMALL, MIDDLE, people))
    far, near = (one["total_s"] - small["total_s"] for one in (large, middle))
    totals = {"total_20k_s": small["total_s"], "total_100k_s": middle["total_s"]}
    return {**large, **totals, "growth": round(far / near, 2)}


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--people", type=int)
    asked.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.alone:
        print(json.dumps(walk(given.people)))
        return
    figures = apart(given.people or SMALL) if given.quick else growth(given.people or LARGE)
    held = claims(50_000 if given.quick else 500_000)
    print(json.dumps({"benchmark": "road", **figures, **held, "load": load()}))


if __name__ == "__main__":
    main()
