"""How long the first stage of an erasure takes: until no read returns the person and the key is gone.

``python -m benchmarks.erasure [--people N]``: by default a million.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc

import suasion
from suasion.rights.erase import forget
from suasion.town import Effects, Town, create


def erase_s(people: int) -> float:
    """Seconds of the first stage in a town of so many people, ingested twice."""
    with tempfile.TemporaryDirectory() as folder:
        create(Path(folder) / "town", Town(people, 1, Effects.VARIED))
        workspace = suasion.open(Path(folder) / "town", environment={"SUASION_KEY": "benchmark"})
        workspace.ingest()
        workspace.ingest()
        known = workspace.tables().read("identities", "ingest")
        (one,) = known.filter(pc.equal(known["kind"], "member")).slice(people // 2, 1).to_pylist()
        del known
        start = time.perf_counter()
        forget(workspace.holdings(), f"member={one['value']}", datetime.now(UTC))
        return time.perf_counter() - start


def main() -> None:
    """Print the figure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--people", type=int, default=1_000_000)
    people = asked.parse_args().people
    print(json.dumps({"people": people, "erase_s": round(erase_s(people), 2)}))


if __name__ == "__main__":
    main()
