"""Files of places and periods: sales and visits, or the spend and impressions that a medium reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.errors import SourceError
from suasion.experiments import geo
from suasion.expressions import Type
from suasion.ingest import LINE_NUMBER, Source, read
from suasion.rules import Basis, Purpose

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]
NUMBER, DATE, TEXT = "number", "date", "text"
LONGEST = 18
"""Digits of a number that surely fit in 64 bits."""


@dataclass(frozen=True)
class Rows:
    """Rows of a file, in its order.

    Parameters
    ----------
    file : Path
    lines : array of int64, shape (r,)
        Where each row stands.
    places : array of str, shape (r,)
    periods : array, shape (r,)
    kind : str
        What periods are: ``number``, ``date``, or ``text``.
    amounts : mapping of str to array of float, shape (r,)
        By column; NaN where a cell is empty.
    """

    file: Path
    lines: Ids
    places: npt.NDArray[np.str_]
    periods: npt.NDArray[Any]
    kind: str
    amounts: Mapping[str, Floats]

    def only(self, kept: Bools) -> Rows:
        """Some of the rows."""
        return replace(
            self,
            lines=self.lines[kept],
            places=self.places[kept],
            periods=self.periods[kept],
            amounts={name: values[kept] for name, values in self.amounts.items()},
        )

    def known(self, column: str) -> Floats:
        """An amount of every row.

        Raises
        ------
        SourceError
            A cell is empty.
        """
        values = self.amounts[column]
        self.refuse(np.isnan(values), f"column '{column}' is empty", "Write 0 where nothing happened.")
        return values

    def refuse(self, bad: Bools, found: str, todo: str) -> None:
        """Raise where a row is bad; the message names the first line."""
        lines = np.sort(self.lines[bad])
        if len(lines):
            more = f" (and {len(lines) - 1:,} more)" if len(lines) > 1 else ""
            raise SourceError(f"file {self.file}", f"line {lines[0]}: {found}{more}", todo)


def rows_of(file: Path, place: str, period: str, amounts: Sequence[str]) -> Rows:
    """Read columns of a CSV or Parquet file.

    Parameters
    ----------
    file : Path
    place, period : str
        Columns. Periods are whole numbers, dates, or text that sorts as time does.
    amounts : sequence of str
        Columns that hold numbers.

    Returns
    -------
    Rows

    Raises
    ------
    SourceError
        No such file or column, or a cell that is not what it must be; with its line.
    """
    columns = {"place": place, "period": period, **{f"amount_{i}": name for i, name in enumerate(amounts)}}
    cells = _cells(file, columns)
    rows = Rows(
        file=file,
        lines=cells["line"].to_numpy(),
        places=np.array(cells["trait:place"].to_pylist(), dtype=object),
        periods=np.array(cells["trait:period"].to_pylist(), dtype=object),
        kind=TEXT,
        amounts={
            name: cells[f"trait:amount_{i}"].to_numpy().astype(np.float64) for i, name in enumerate(amounts)
        },
    )
    for name, values in ((place, rows.places), (period, rows.periods)):
        rows.refuse(values == np.array(None), f"column '{name}' is empty", "Fill it in.")
    kind, periods = _periods(rows, period)
    return replace(rows, places=rows.places.astype(np.str_), periods=periods, kind=kind)


def _cells(file: Path, columns: Mapping[str, str]) -> pa.Table:
    """The columns as `suasion.ingest` reads them; all rows, or an error."""
    if not file.is_file() or not all(map(str.strip, columns.values())):
        found = "a column without a name" if file.is_file() else "no such file"
        raise SourceError(f"file {file}", found, "Name a file and its columns.")
    try:
        found = read(_mapping(file, columns), file.parent, {name: _type(name) for name in columns})
    except SourceError as error:
        asked = error.asked.replace("source 'places'", f"file {file}")
        raise SourceError(asked, error.found, error.todo) from None
    _refuse_rejects(file, found.rejects.to_pylist())
    return found.records


def _mapping(file: Path, columns: Mapping[str, str]) -> Source:
    """The reader of files about people reads this one, too: what it asks about people does not matter."""
    return Source(
        name="places",
        file=file.name,
        licence="not kept",
        purposes=(Purpose.COMMERCIAL,),
        basis=Basis.LEGITIMATE_INTEREST,
        observed_on=date.min,
        territory="ZZ",
        identifiers={"row": LINE_NUMBER},
        traits=dict(columns),
    )


def _type(name: str) -> Type:
    return Type.NUMBER if name.startswith("amount") else Type.TEXT


def _refuse_rejects(file: Path, rejects: Sequence[Mapping[str, Any]]) -> None:
    if not rejects:
        return
    first = min(rejects, key=lambda one: one["line"])
    column = f"column '{first['column']}': " if first["column"] else ""
    more = f" (and {len(rejects) - 1:,} more)" if len(rejects) > 1 else ""
    raise SourceError(f"file {file}", f"line {first['line']}: {column}{first['reason']}{more}", "Correct it.")


def _periods(rows: Rows, column: str) -> tuple[str, npt.NDArray[Any]]:
    """What most periods are, and all of them as such."""
    texts, inverse = np.unique(rows.periods.astype(np.str_), return_inverse=True)
    for kind in (NUMBER, DATE):
        parsed = [_parsed(kind, text) for text in texts.tolist()]
        bad = np.array([one is None for one in parsed])[inverse]
        if bad.mean() < 0.5:
            rows.refuse(bad, f"column '{column}': not a {kind}, as the other periods are", "Correct it.")
            return kind, np.array(parsed, READINGS[kind][1])[inverse]
    return TEXT, texts[inverse]


def _parsed(kind: str, text: str) -> Any:
    try:
        return READINGS[kind][0](text)
    except ValueError:
        return None


def _whole(text: str) -> int:
    if len(text) > LONGEST:
        raise ValueError(text)
    return int(text)


READINGS: dict[str, tuple[Callable[[str], Any], Any]] = {
    NUMBER: (_whole, np.int64),
    DATE: (lambda text: np.datetime64(date.fromisoformat(text)), "datetime64[D]"),
    TEXT: (str, np.str_),
}
"""How a period is read, and what it becomes."""


def period_of(kind: str, text: str, asked: str) -> Any:
    """A period that was not read from a file.

    Raises
    ------
    SourceError
        It is none of this kind.
    """
    found = _parsed(kind, text)
    if found is None:
        raise SourceError(asked, f"not a {kind}, as the periods of the design are", "Correct it.")
    return found


def sizes_of(rows: Rows, column: str) -> dict[str, float]:
    """People of each place.

    Raises
    ------
    SourceError
        A number that is not above 0, or that changes within a place.
    """
    people = rows.known(column)
    rows.refuse(people <= 0, f"column '{column}' is not above 0", "Give the people of each place.")
    places, first, inverse = np.unique(rows.places, return_index=True, return_inverse=True)
    changed = people != people[first][inverse]
    rows.refuse(changed, f"column '{column}' differs within a place", "Give one number a place.")
    return dict(zip(places.tolist(), people[first].tolist(), strict=True))


def panel_of(rows: Rows, outcome: str, sizes: Mapping[str, float] | None) -> geo.Panel:
    """The outcome of every place in every period.

    Raises
    ------
    SourceError
        A place and period that is there twice or missing, or text that is not in the order of time.
    """
    values = rows.known(outcome)
    places, at = np.unique(rows.places, return_inverse=True)
    periods, when = np.unique(rows.periods, return_inverse=True)
    cell = at * len(periods) + when
    _, first, again = np.unique(cell, return_index=True, return_inverse=True)
    twice = np.arange(len(cell)) != first[again]
    rows.refuse(twice, "a place and period that was there before", "Give one row for each.")
    if rows.kind == TEXT:
        seen = np.sort(np.unique(when, return_index=True)[1])
        early = np.isin(np.arange(len(when)), seen[when[seen] < np.maximum.accumulate(when[seen])])
        found, todo = "as text, the period is before one above it", "Write dates like 2026-01-31, or numbers."
        rows.refuse(early, found, todo)
    missing = np.setdiff1d(np.arange(len(places) * len(periods)), cell)
    if len(missing):
        place, period = places[missing[0] // len(periods)], periods[missing[0] % len(periods)]
        more = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        found = f"no row of place '{place}' for period {period}{more}"
        raise SourceError(
            f"file {rows.file}", found, "Give every place's whole history, 0 where nothing happened."
        )
    return geo.panel(rows.places.tolist(), rows.periods, values, sizes)
