"""Keep the list of what each front door exports: print it, or `python scripts/exports.py --write` it."""

from __future__ import annotations

import sys

from house import ROOT, built

PINNED = ROOT / "tests" / "shape" / "exports.txt"


def exports() -> str:
    """One line a stage: its name, then the names it exports."""
    return "".join(f"{stage.name}: {' '.join(stage.exports)}\n" for stage in built())


if __name__ == "__main__":
    if "--write" in sys.argv:
        PINNED.write_text(exports(), encoding="utf-8")
    else:
        print(exports(), end="")
