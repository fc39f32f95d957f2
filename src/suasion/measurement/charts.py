"""Charts of rows: each carries its label and its number above its marks.

So no margin is needed, and long names are cut, not squeezed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import altair as alt

from suasion.measurement.canvas import ACCENT, PAPER, QUIET, RULE, TITLE_ROOM, WIDTH, cut, span, svg

STEP = 46
LABEL_ROOM = 34


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
    domain = span([end for row in rows for end in (row.low, row.high)] + marked)

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
        return alt.X(f"{field}:Q", title=cut(title, TITLE_ROOM), scale=scale)

    layers = [
        base.mark_text(align="left").encode(x=alt.value(0), text="label:N"),
        base.mark_text(align="right").encode(x=alt.value(WIDTH), text="shown:N"),
        track,
        *marks(base, x),
    ]
    y = alt.Y("i:O", axis=None)
    drawn = alt.layer(*(layer.encode(y=y) for layer in layers))
    return svg(drawn.properties(width=WIDTH, height={"step": STEP}), name)


def _datum(i: int, row: Row) -> dict[str, Any]:
    color = ACCENT if row.strong else QUIET
    shown = asdict(replace(row, label=cut(row.label, LABEL_ROOM)))
    return {"i": i, **shown, "color": color, "fill": color if row.strong else PAPER}
