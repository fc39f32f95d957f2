"""Where charts are drawn: inline SVG, narrow enough for a phone, in colors that the page decides.

Colors are stand-ins that become variables of the page's style sheet, one set for light and one for dark.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import altair as alt
import vl_convert

WIDTH = 440
TITLE_ROOM = 68
"""In letters of ordinary width."""

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

INK, QUIET, RULE, ACCENT, PAPER = "#1d2021", "#6b7075", "#d9d6ce", "#0f766e", "#fdfcf9"
VARIABLES = {
    INK: "var(--ink)",
    QUIET: "var(--quiet)",
    RULE: "var(--line)",
    ACCENT: "var(--accent)",
    PAPER: "var(--paper)",
}
CONFIG = {
    "aria": False,
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "padding": {"left": 0, "right": 7, "top": 2, "bottom": 4},
    "text": {"fontSize": 13.5, "baseline": "middle", "dy": -11, "color": INK},
    "axis": {
        "domain": False,
        "grid": False,
        "tickColor": RULE,
        "tickCount": 5,
        "labelColor": QUIET,
        "labelFontSize": 12,
        "titleColor": QUIET,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleAnchor": "start",
        "titlePadding": 8,
    },
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 13,
        "symbolType": "stroke",
        "symbolStrokeWidth": 2.5,
        "symbolSize": 300,
        "columnPadding": 18,
        "offset": 34,
    },
}


def cut(text: str, room: int) -> str:
    """Text that fits: where Vega cuts, it halves characters beyond 16 bits, and fails."""
    used = 0
    for end, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > room:
            return text[: end - 1].rstrip() + "…"
    return text


def span(ends: Sequence[float]) -> tuple[float, float]:
    """The span of the numbers and some air; never empty."""
    low, high = min(ends), max(ends)
    air = (high - low) * 0.04 or max(abs(high), 1.0)
    return low - air, high + air


def svg(chart: alt.LayerChart | alt.FacetChart, name: str) -> str:
    """The chart as an element of the page: no network, no ids, no fonts or colors of its own."""
    spec = _printable(chart.to_dict(validate=False))
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec, config=CONFIG, allowed_base_urls=[]))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {k: VARIABLES.get(v, v) for k, v in element.attrib.items() if _kept(k)}
    root.attrib |= {"class": "chart", "role": "img", "aria-label": name}
    return ElementTree.tostring(root, encoding="unicode")


def _printable(spec: Any) -> Any:
    """A specification whose texts cannot end the process inside vl-convert, as forbidden characters do."""
    if isinstance(spec, dict):
        return {key: _printable(value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [_printable(value) for value in spec]
    return printable(spec) if isinstance(spec, str) else spec


def _kept(attribute: str) -> bool:
    return not attribute.startswith("aria-") and attribute not in ("class", "role", "font-family", "id")


def printable(text: str) -> str:
    """Text without the characters that XML 1.0 forbids (section 2.2)."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
