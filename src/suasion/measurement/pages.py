"""Self-contained HTML pages: no script, no font, style or picture from elsewhere; all text is escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import minijinja

from suasion.measurement.canvas import printable
from suasion.measurement.units import COUNT, PERCENT, money, number


def written(template: str, **given: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    template : str
        Name of its file.
    **given
        What it shows.

    Returns
    -------
    str
        HTML.
    """
    return printable(_environment().render_template(template, **given))


@cache
def _environment() -> minijinja.Environment:
    folder = files("suasion.measurement")
    names = ("macros.html", "page.html", "placement.html", "style.html")
    return minijinja.Environment(
        templates={name: folder.joinpath(name).read_text("utf-8") for name in names},
        filters={
            "count": COUNT.number,
            "money": money,
            "number": number,
            "percent": PERCENT.number,
            "words": lambda name: name.replace("_", " "),
        },
        undefined_behavior="strict",
        trim_blocks=True,
        lstrip_blocks=True,
    )
