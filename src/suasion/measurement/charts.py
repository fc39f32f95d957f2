"""Charts as inline SVG: narrow enough for a phone, in colors that the page decides.

Every row of a chart carries its label and its number above its marks, so that no margin is needed and
long names are cut, not squeezed. Colors are stand-ins that become variables of the page's style sheet,
one set for light and one for dark.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from xml.etree import ElementTree

import altair as alt
import vl_convert

WIDTH = 440
STEP = 46
LABEL_ROOM = 34
TITLE_ROOM = 68
"""In letters of ordinary width."""
LINES_HEIGHT = 230

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
        "offset": 34,
    },
}


@dataclass(frozen=True)
class Row:
    """A line of a chart: a label, its number as text, and where it lies.

    `low` and `high` are the ends of an interval, a pair or a bar; `value` the point between or at one of
    them. `strong` rows are filled in the accent.
    """

    label: str
    shown: str
    low: float
    value: float
    high: float
    strong: bool = True


@dataclass(frozen=True)
class Point:
    """The gain that a budget buys, per thousand people, with its interval."""

    series: str
    budget: float
    low: float
    value: float
    high: float


def intervals(rows: Sequence[Row], title: str, name: str, reference: float | None = None) -> str:
    """Points with intervals, one a row.

    Parameters
    ----------
    rows : sequence of Row
    title : str
        What the axis shows, and its unit.
    name : str
        What the chart is, for those who cannot see it.
    reference : float, optional
        Where a mark is drawn through every row: zero, or the value all others are compared with.

    Returns
    -------
    str
        An ``svg`` element.
    """
    marked = [] if reference is None else [reference]
    domain = _domain([end for row in rows for end in (row.low, row.high)] + marked)

    def marks(base: alt.Chart, x: Callable[[str], alt.X]) -> list[alt.Chart]:
        against = [
            base.mark_tick(size=20, thickness=1.5, color=QUIET, yOffset=9).encode(x=alt.datum(r))
            for r in marked
        ]
        bar = base.mark_rule(strokeWidth=4, strokeCap="round", opacity=0.55, yOffset=9)
        point = base.mark_point(size=95, strokeWidth=2.2, opacity=1, yOffset=9)
        color = alt.Stroke("color:N", scale=None)
        return [
            *against,
            bar.encode(x=x("low"), x2="high:Q", stroke=color),
            point.encode(x=x("value"), stroke=color, fill=alt.Fill("fill:N", scale=None)),
        ]

    return _rows(rows, domain, title, name, marks)


def pairs(rows: Sequence[Row], title: str, name: str) -> str:
    """Two points a row with a line between: a full one at `value`, a hollow one at `low`.

    Parameters
    ----------
    rows : sequence of Row
        `low` is everybody, `value` those who are treated; `high` is not drawn.
    title, name : str
        As of `intervals`.

    Returns
    -------
    str
        An ``svg`` element.
    """

    def marks(base: alt.Chart, x: Callable[[str], alt.X]) -> list[alt.Chart]:
        line = base.mark_rule(strokeWidth=4, opacity=0.4, color=ACCENT, yOffset=9)
        point = base.mark_point(size=95, strokeWidth=2.2, opacity=1, yOffset=9)
        return [
            line.encode(x=x("low"), x2="value:Q"),
            point.encode(x=x("low"), stroke=alt.value(QUIET), fill=alt.value(PAPER)),
            point.encode(x=x("value"), stroke=alt.value(ACCENT), fill=alt.value(ACCENT)),
        ]

    return _rows(rows, (0.0, max(1.0, *(1.02 * row.high for row in rows))), title, name, marks)


def bars(rows: Sequence[Row], title: str, name: str) -> str:
    """A bar a row, from zero to `value`.

    Parameters
    ----------
    rows : sequence of Row
    title, name : str
        As of `intervals`.

    Returns
    -------
    str
        An ``svg`` element.
    """

    def marks(base: alt.Chart, x: Callable[[str], alt.X]) -> list[alt.Chart]:
        bar = base.mark_rule(strokeWidth=10, color=ACCENT, yOffset=9)
        return [bar.encode(x=x("low"), x2="value:Q")]

    return _rows(rows, (0.0, max(1.0, *(row.value for row in rows))), title, name, marks)


def lines(points: Sequence[Point], here: float, x_title: str, y_title: str, name: str) -> str:
    """Gain against budget, one line a series; the first has a band.

    Parameters
    ----------
    points : sequence of Point
    here : float
        The budget that was asked for; marked.
    x_title, y_title, name : str

    Returns
    -------
    str
        An ``svg`` element.
    """
    names = list(dict.fromkeys(point.series for point in points))
    base = alt.Chart(alt.InlineData(values=[asdict(point) for point in points]))
    first = base.transform_filter(alt.FieldEqualPredicate(field="series", equal=names[0]))
    span = alt.Scale(domain=list(_domain([0.0, *(end for p in points for end in (p.low, p.high))])))
    above = alt.Axis(grid=True, gridColor=RULE, titleAngle=0, titleAlign="left", titleX=-30, titleY=-14)
    x = alt.X(
        "budget:Q",
        title=_cut(x_title, TITLE_ROOM),
        scale=alt.Scale(zero=True, nice=False),
        axis=alt.Axis(labelFlush=False),
    )
    y, low = (
        alt.Y(f"{end}:Q", title=_cut(y_title, TITLE_ROOM), scale=span, axis=above) for end in ("value", "low")
    )
    color = alt.Color("series:N", sort=names, scale=alt.Scale(domain=names, range=[ACCENT, QUIET]))
    dash = alt.StrokeDash("series:N", sort=names, scale=alt.Scale(domain=names, range=[[1, 0], [5, 4]]))
    drawn = alt.layer(
        _at({"budget": here}).mark_rule(color=QUIET, strokeDash=[2, 3]).encode(x="budget:Q"),
        _at({"value": 0}).mark_rule(color=QUIET).encode(y="value:Q"),
        first.mark_area(color=ACCENT, opacity=0.16).encode(x=x, y=low, y2="high:Q"),
        first.mark_rule(color=ACCENT, opacity=0.35, strokeWidth=1.5).encode(x=x, y=low, y2="high:Q"),
        base.mark_line(strokeWidth=2.5).encode(x=x, y=y, color=color, strokeDash=dash),
        base.mark_point(filled=True, size=55, opacity=1).encode(x=x, y=y, color=color),
    )
    return _svg(drawn.properties(width=WIDTH - 45, height=LINES_HEIGHT), name)


def _at(values: dict[str, float]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[values]))


def _rows(
    rows: Sequence[Row],
    domain: tuple[float, float],
    title: str,
    name: str,
    marks: Callable[[alt.Chart, Callable[[str], alt.X]], list[alt.Chart]],
) -> str:
    """Labels left, numbers right, a thin track below them, and the marks on it."""
    base = alt.Chart(alt.InlineData(values=[_datum(i, row) for i, row in enumerate(rows)]))
    track = base.mark_rule(color=RULE, yOffset=9).encode(x=alt.datum(domain[0]), x2=alt.datum(domain[1]))
    scale = alt.Scale(domain=list(domain), nice=False, zero=False)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=_cut(title, TITLE_ROOM), scale=scale)

    layers = [
        base.mark_text(align="left").encode(x=alt.value(0), text="label:N"),
        base.mark_text(align="right").encode(x=alt.value(WIDTH), text="shown:N"),
        track,
        *marks(base, x),
    ]
    y = alt.Y("i:O", axis=None)
    drawn = alt.layer(*(layer.encode(y=y) for layer in layers))
    return _svg(drawn.properties(width=WIDTH, height={"step": STEP}), name)


def _datum(i: int, row: Row) -> dict[str, Any]:
    color = ACCENT if row.strong else QUIET
    shown = asdict(replace(row, label=_cut(row.label, LABEL_ROOM)))
    return {"i": i, **shown, "color": color, "fill": color if row.strong else PAPER}


def _cut(text: str, room: int) -> str:
    """Text that fits: where Vega cuts, it halves characters beyond 16 bits, and fails."""
    used = 0
    for end, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > room:
            return text[: end - 1].rstrip() + "…"
    return text


def _domain(ends: Sequence[float]) -> tuple[float, float]:
    """The span of the numbers and some air; never empty."""
    low, high = min(ends), max(ends)
    air = (high - low) * 0.04 or max(abs(high), 1.0)
    return low - air, high + air


def _svg(chart: alt.LayerChart | alt.FacetChart, name: str) -> str:
    """The chart as an element of the page: no network, no ids, no fonts or colors of its own."""
    spec = _printable(chart.to_dict())
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
