"""Keep README's table of the road: print it, or `python scripts/road.py --write` it between its markers."""

from __future__ import annotations

import re
import sys

from house import ROOT, Stage, road, sections

README = ROOT / "README.md"
BETWEEN = re.compile(r"(?<=<!-- road -->\n).*?(?=<!-- /road -->)", re.DOTALL)


def table() -> str:
    """The road as Markdown: docstrings of what is built, docs/road.md for what is planned."""
    plans = sections("road.md")
    rows = [_row(stage, plans) for stage in road()]
    return "\n".join(["| stage | what it does |", "|---|---|", *rows, ""])


def written() -> str:
    """README with the table as it should be."""
    return BETWEEN.sub(lambda _: table(), README.read_text(encoding="utf-8"))


def _row(stage: Stage, plans: dict[str, str]) -> str:
    if stage.is_built:
        return f"| `{stage.name}` | {stage.summary} |"
    sentence = plans[stage.name].partition("\n\n")[0].removeprefix("*Planned.* ").replace("\n", " ")
    return f"| *{stage.name}* | *planned: {sentence}* |"


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(written(), encoding="utf-8")
    else:
        print(table(), end="")
