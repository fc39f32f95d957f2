"""Pages that a person is given: self-contained, without script, everything escaped, fit to print."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import minijinja


def page(template: str, **values: Any) -> str:
    """Write a page.

    Parameters
    ----------
    template : str
        File in ``templates/``, without ``.html``.
    **values
        What JSON can hold.

    Returns
    -------
    str
    """
    return _environment().render_template(f"{template}.html", **values)


@cache
def _environment() -> minijinja.Environment:
    folder = files("suasion.rights").joinpath("templates")
    return minijinja.Environment(
        templates={file.name: file.read_text("utf-8") for file in folder.iterdir()},
        filters={"words": _words, "when": _when, "share": _share, "amount": _amount},
        undefined_behavior="strict",
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _when(iso: str | None) -> str:
    """A day, or a time to the minute; nothing where it is not known."""
    if not iso:
        return ""
    at = datetime.fromisoformat(iso)
    return f"{at.day} {at:%B %Y}" + (f", {at:%H:%M}" if "T" in iso else "")


def _share(probability: float) -> str:
    return f"{100 * probability:.3g} %"


def _amount(value: float) -> str:
    return f"{value:,.4g}"
