"""Charts of numbers against numbers: gains against money or people, what was seen against what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import altair as alt

from suasion.measurement.canvas import ACCENT, INK, PAPER, QUIET, RULE, TITLE_ROOM, WIDTH, cut, span, svg
from suasion.stats import Estimate

ROOM = 45
"""Of the width, for the numbers of the upright axis."""
HEIGHT = 230
DASHES = ([1, 0], [5, 4], [1.5, 3])


@dataclass(frozen=True)
class Point:
    """What some of the money, or of the people, gain, with its interval."""

    series: str
    x: float
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Bar:
    """An upright bar over a span of the level axis."""

    low: float
    high: float
    value: float


def point(series: str, x: float, found: Estimate) -> Point:
    """A point of an estimate."""
    return Point(series, x, found.low, found.value, found.high)


def lines(points: Sequence[Point], x_title: str, y_title: str, name: str, here: float | None = None) -> str:
    """Up to three lines; the first has a band.

    Parameters
    ----------
    points : sequence of Point
    x_title, y_title, name : str
    here : float, optional
        Where an upright mark is drawn, such as the budget that was asked for.

    Returns
    -------
    str
        An ``svg`` element.
    """
    names = list(dict.fromkeys(point.series for point in points))
    base = alt.Chart(alt.InlineData(values=[asdict(point) for point in points]))
    first = base.transform_filter(alt.FieldEqualPredicate(field="series", equal=names[0]))
    banded = sum(point.series == names[0] for point in points) > 1
    ends = [0.0, *(e for p in points for e in ((p.low, p.high) if p.series == names[0] else (p.value,)))]
    x, y, low = _x("x", x_title), _y("value", y_title, ends), _y("low", y_title, ends)
    color = alt.Color("series:N", sort=names, scale=_scale(names, (ACCENT, QUIET, INK)))
    dash = alt.StrokeDash("series:N", sort=names, scale=_scale(names, DASHES))
    drawn = alt.layer(
        *([] if here is None else [_upright(here)]),
        _at({"value": 0}).mark_rule(color=QUIET).encode(y="value:Q"),
        first.mark_area(color=ACCENT, opacity=0.16).encode(x=x, y=low, y2="high:Q"),
        *([] if banded else [first.mark_rule(color=ACCENT, opacity=0.35).encode(x=x, y=low, y2="high:Q")]),
        base.mark_line(strokeWidth=2.5).encode(x=x, y=y, color=color, strokeDash=dash),
        base.mark_point(filled=True, size=40, opacity=1).encode(x=x, y=y, color=color),
    )
    return _drawn(drawn, name)


def agreement(points: Sequence[Point], slope: float | None, x_title: str, y_title: str, name: str) -> str:
    """Points with intervals beside the diagonal on which what is seen is what was said.

    Parameters
    ----------
    points : sequence of Point
        Of one series.
    slope : float or None
        Of a line that is drawn through the middle of the points.
    x_title, y_title, name : str

    Returns
    -------
    str
        An ``svg`` element.
    """
    left, right = span([point.x for point in points])
    ends = [left, right, *(end for p in points for end in (p.low, p.high))]
    x = _x("x", x_title, alt.Scale(domain=[left, right], nice=False, zero=False))
    y, low = _y("value", y_title, ends), _y("low", y_title, ends)
    base = alt.Chart(alt.InlineData(values=[asdict(point) for point in points]))
    fitted = [] if slope is None else _through(points, slope, (left, right), span(ends))
    drawn = alt.layer(
        _line([(left, left), (right, right)]).mark_line(color=QUIET, strokeDash=[5, 4]).encode(x=x, y=y),
        _line(fitted).mark_line(color=ACCENT, opacity=0.5, strokeWidth=2).encode(x=x, y=y),
        base.mark_rule(color=ACCENT, opacity=0.55, strokeWidth=3).encode(x=x, y=low, y2="high:Q"),
        base.mark_point(filled=True, color=ACCENT, size=80, opacity=1).encode(x=x, y=y),
    )
    return _drawn(drawn, name)


def columns(bars: Sequence[Bar], here: float, x_title: str, y_title: str, name: str) -> str:
    """Upright bars from zero, side by side.

    Parameters
    ----------
    bars : sequence of Bar
    here : float
        Where an upright mark is drawn.
    x_title, y_title, name : str

    Returns
    -------
    str
        An ``svg`` element.
    """
    base = alt.Chart(alt.InlineData(values=[asdict(bar) for bar in bars]))
    ends = [end for bar in bars for end in (bar.low, bar.high)]
    scale = alt.Scale(domain=[min(ends), max(ends)], nice=False, zero=False)
    y = _y("value", y_title, [0.0, *(bar.value for bar in bars)])
    drawn = alt.layer(
        base.mark_bar(color=ACCENT, stroke=PAPER, strokeWidth=1).encode(
            x=_x("low", x_title, scale), x2="high:Q", y=y, y2=alt.datum(0)
        ),
        _upright(here, INK),
    )
    return _drawn(drawn, name)


def _x(field: str, title: str, scale: alt.Scale | None = None) -> alt.X:
    return alt.X(
        f"{field}:Q",
        title=cut(title, TITLE_ROOM),
        scale=scale or alt.Scale(zero=True, nice=False),
        axis=alt.Axis(labelFlush=False),
    )


def _y(field: str, title: str, ends: Sequence[float]) -> alt.Y:
    above = alt.Axis(grid=True, gridColor=RULE, titleAngle=0, titleAlign="left", titleX=-30, titleY=-14)
    scale = alt.Scale(domain=list(span(ends)))
    return alt.Y(f"{field}:Q", title=cut(title, TITLE_ROOM), scale=scale, axis=above)


def _scale(names: Sequence[str], ends: Sequence[Any]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=list(ends[: len(names)]))


def _upright(x: float, color: str = QUIET) -> alt.Chart:
    return _at({"x": x}).mark_rule(color=color, strokeDash=[2, 3]).encode(x="x:Q")


def _through(
    points: Sequence[Point], slope: float, level: tuple[float, float], upright: tuple[float, float]
) -> list[tuple[float, float]]:
    """The ends of a line through the middle of the points, as far as the axes reach."""
    x, y = (sum(where) / len(points) for where in zip(*((p.x, p.value) for p in points), strict=True))
    reach = sorted((end - y) / slope for end in upright) if slope else [-inf, inf]
    ends = max(level[0] - x, reach[0]), min(level[1] - x, reach[1])
    return [(x + end, y + slope * end) for end in ends]


def _line(ends: Sequence[tuple[float, float]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[{"x": x, "value": value} for x, value in ends]))


def _at(values: dict[str, float]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[values]))


def _drawn(chart: alt.LayerChart | alt.FacetChart, name: str) -> str:
    return svg(chart.properties(width=WIDTH - ROOM, height=HEIGHT), name)
