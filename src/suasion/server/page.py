"""Pages: self-contained, without script, everything escaped, and headers that keep tokens from leaking."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import minijinja
from starlette.responses import HTMLResponse

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
"""For what belongs to one recipient."""
PUBLIC = {"Cache-Control": "no-cache"}


def page(
    template: str,
    kind: Mapping[str, str],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """Write a page.

    Parameters
    ----------
    template : str
    kind : mapping
        `PRIVATE` or `PUBLIC`.
    status : int
    headers : mapping, optional
        More of them.
    **values
        What the template shows.

    Returns
    -------
    HTMLResponse
    """
    written = _environment().render_template(f"{template}.html", **values)
    return HTMLResponse(written, status, {**SECURITY, **kind, **(headers or {})})


def note(title: str, said: str, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """A page that says one thing."""
    return page("note", PRIVATE, status, headers, title=title, said=said)


@cache
def _environment() -> minijinja.Environment:
    folder = files("suasion.server").joinpath("templates")
    return minijinja.Environment(
        templates={file.name: file.read_text("utf-8") for file in folder.iterdir()},
        filters={
            "change": "{:+z,.1f}".format,
            "count": "{:,}".format,
            "day": _day,
            "money": "{:,.2f}".format,
            "share": _share,
            "when": _when,
            "words": _words,
        },
        undefined_behavior="strict",
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _share(probability: float) -> str:
    return f"{100 * probability:.3g} %"


def _day(iso: str) -> str:
    """The day of a date or time."""
    on = date.fromisoformat(iso[:10])
    return f"{on.day} {on:%B %Y}"


def _when(iso: str) -> str:
    at = datetime.fromisoformat(iso)
    return f"{at.day} {at:%B %Y, %H:%M} {at.tzname()}"


def _words(name: str) -> str:
    return name.replace("_", " ")
