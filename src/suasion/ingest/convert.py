"""Cells to values: every column typed at once by DuckDB, every bad row told apart with its reason.

The SQL below names columns by position only: ``x0`` is the text of field 0, ``v0`` its value and ``b0``
the number of its fault. Names that a user chose appear as bound parameters or through
``expressions.quote``, and as names of Arrow columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from suasion.errors import SourceError
from suasion.expressions import quote, to_sql
from suasion.ingest.cells import Cells, Reject
from suasion.ingest.fields import PROBABILITY_OF_ARM, TREATMENT, Field
from suasion.ingest.source import PastTreatment, Source

_FAULTS = 10  # problems are numbered FAULTS * field + fault; no kind has more reasons
_PROBLEMS = pa.schema([("problem", pa.int64()), ("column", pa.string()), ("reason", pa.string())])
_REJECTS = pa.schema([("line", pa.int64()), ("column", pa.string()), ("reason", pa.string())])


def convert(
    source: Source, fields: tuple[Field, ...], columns: tuple[str, ...], cells: Cells, at: datetime | None
) -> tuple[pa.Table, pa.Table]:
    """Type the cells of a source.

    A no to a purpose and channel is heard from every row that has an identifier of a record, from rejected
    rows, too.

    Parameters
    ----------
    source : Source
        The mapping.
    fields : tuple of Field
        What the records are to hold.
    columns : tuple of str
        The names of the columns of ``cells``, in order.
    cells : Cells
        The file as text.
    at : datetime, optional
        Now: nobody has agreed later than that.

    Returns
    -------
    tuple of pyarrow.Table
        Records and rejects, both in the order of the file.

    Raises
    ------
    SourceError
        A column of which no value has the type it is mapped as; a treatment value in two arms; no good
        row at all.
    """
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("cells", cells.table)
        _type(engine, fields, columns)
        _refuse_hopeless(engine, source, fields)
        _sort_into_arms(engine, source, fields)
        _reject(engine, fields, cells.rejects, at)
        for i, field in enumerate(fields):
            if field.is_identifier and not field.is_line:
                _reject_repeated(engine, i, field)
        rejects = engine.sql("SELECT * FROM bad ORDER BY line").to_arrow_table().cast(_REJECTS)
        records = _records(engine, fields)
    if records.num_rows == 0:
        raise _no_good_row(source, rejects)
    return records, rejects


def _type(engine: duckdb.DuckDBPyConnection, fields: tuple[Field, ...], columns: tuple[str, ...]) -> None:
    """Make the table ``typed``: the value and the fault of every field of every row."""
    texts = [
        "CAST(line AS VARCHAR)" if field.is_line else field.kind.cell(f"c{columns.index(field.column)}")
        for field in fields
    ]
    x = ", ".join(f"{text} AS x{i}" for i, text in enumerate(texts))
    v = ", ".join(f"{field.kind.typed(f'x{i}')} AS v{i}" for i, field in enumerate(fields))
    b = ", ".join(
        f"v{i}, CAST({field.kind.fault(f'x{i}', f'v{i}')} AS UTINYINT) AS b{i}"
        for i, field in enumerate(fields)
    )
    engine.execute(
        f"CREATE TEMP TABLE typed AS SELECT line, {b} FROM (SELECT *, {v} FROM (SELECT line, {x} FROM cells))"
    )


def _refuse_hopeless(engine: duckdb.DuckDBPyConnection, source: Source, fields: tuple[Field, ...]) -> None:
    """One error, not a million rejects, for a column that is mapped as the wrong type."""
    counts = ", ".join(f"count(b{i}), count_if(b{i} > 0), max(b{i})" for i in range(len(fields)))
    row = engine.execute(f"SELECT {counts} FROM typed").fetchone()
    assert row is not None
    for i, field in enumerate(fields):
        present, bad, fault = row[3 * i], row[3 * i + 1], row[3 * i + 2]
        if present == bad > 1:
            asked = f"source '{source.name}': column '{field.column}'"
            why = field.kind.reasons[fault - 1][1]
            found = f"it is mapped as {field.kind.name}, and none of its {present} values is one ({why})"
            trait = field.output.removeprefix("trait:")
            change = f", or set the type of trait '{trait}' to text" if trait != field.output else ""
            raise SourceError(asked, found, f"Map another column{change}.")


def _sort_into_arms(engine: duckdb.DuckDBPyConnection, source: Source, fields: tuple[Field, ...]) -> None:
    """Make the table ``arms``: the arm of each distinct treatment value, with its constant probability."""
    engine.execute("CREATE TEMP TABLE arms (value VARCHAR, arm VARCHAR, probability DOUBLE)")
    if source.treatment is None:
        return
    value = f"v{_position(fields, TREATMENT)}"
    conditions = [to_sql(condition) for condition in source.treatment.conditions.values()]
    tests = ", ".join(f"coalesce({condition.text}, false)" for condition in conditions)
    parameters = [parameter for condition in conditions for parameter in condition.parameters]
    name = quote(source.treatment.column)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE sorted AS SELECT {name} AS value, [{tests}] AS hits FROM "
        f"(SELECT DISTINCT {value} AS {name} FROM typed WHERE {value} IS NOT NULL)",
        parameters,
    )
    _refuse_two_arms(engine, source, source.treatment, value)
    names = list(source.treatment.arms)
    shares = [source.treatment.probabilities.get(arm) for arm in names]
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE arms AS SELECT value, CAST(? AS VARCHAR[])[place] AS arm, "
        "CAST(? AS DOUBLE[])[place] AS probability "
        "FROM (SELECT value, list_position(hits, true) AS place FROM sorted)",
        [names, shares],
    )


def _refuse_two_arms(
    engine: duckdb.DuckDBPyConnection, source: Source, treatment: PastTreatment, value: str
) -> None:
    row = engine.execute(
        f"SELECT line, hits FROM typed JOIN sorted ON {value} = sorted.value "
        "WHERE len(list_filter(hits, lambda hit: hit)) > 1 ORDER BY line LIMIT 1"
    ).fetchone()
    if row:
        line, hits = row
        both = [f"'{arm}'" for arm, hit in zip(treatment.arms, hits, strict=True) if hit]
        found = f"the value on line {line} matches {' and '.join(both)}"
        raise SourceError(
            f"source '{source.name}': treatment.arms", found, "Write conditions of which one holds at a time."
        )


def _reject(
    engine: duckdb.DuckDBPyConnection,
    fields: tuple[Field, ...],
    unread: tuple[Reject, ...],
    at: datetime | None,
) -> None:
    """Make the table ``bad``: rows that could not be read, and the first problem of every other bad row."""
    problems = [
        (_FAULTS * i + fault, field.column, reason)
        for i, field in enumerate(fields)
        for fault, (_, reason) in enumerate(field.kind.reasons, 1)
    ]
    tests = [f"WHEN b{i} > 0 THEN {_FAULTS * i} + b{i}" for i in range(len(fields))]
    nobody = _FAULTS * len(fields)
    identifiers = [i for i, field in enumerate(fields) if field.is_identifier]
    problems.append((nobody, fields[identifiers[0]].column, "no identifier"))
    tests.append(f"WHEN {' AND '.join(f'v{i} IS NULL' for i in identifiers)} THEN {nobody}")
    treatment = _position(fields, TREATMENT)
    if treatment is not None:
        problems.append((nobody + 1, fields[treatment].column, "no arm matches"))
        tests.append(f"WHEN v{treatment} IS NOT NULL AND arm IS NULL THEN {nobody + 1}")
    parameters: list[str] = []
    for number, (test, column, reason, bound) in enumerate(_untimely(fields, at), nobody + 2):
        problems.append((number, column, reason))
        tests.append(f"WHEN {test} THEN {number}")
        parameters += bound
    engine.register("problems", _table(problems, _PROBLEMS))
    engine.register("unread", _table(unread, _REJECTS))
    engine.execute(
        f'CREATE TEMP TABLE bad AS SELECT * FROM unread UNION ALL SELECT line, "column", reason '
        f"FROM (SELECT line, CASE {' '.join(tests)} END AS problem FROM {_with_arms(fields)}) "
        "JOIN problems USING (problem)",
        parameters,
    )


def _untimely(
    fields: tuple[Field, ...], at: datetime | None
) -> Generator[tuple[str, str, str, tuple[str, ...]]]:
    """Conditions of a yes that was said at no possible time: SQL, column, what to tell, parameters."""
    for i, field in enumerate(fields):
        what, _, pair = field.output.partition(":")
        if what not in ("said", "confirmed"):
            continue
        yes = f"v{_position(fields, f'consent:{pair}')}"
        if at is not None:
            bound = (at.date().isoformat(), f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
            late = f"v{i} > CASE WHEN length(v{i}) = 10 THEN ? ELSE ? END"
            yield f"{yes} AND {late}", field.column, f"{what} in the future", bound
        until, said = _position(fields, f"expires:{pair}"), _position(fields, f"said:{pair}")
        if what == "said" and until is not None:
            test = f"{yes} AND CAST(substr(v{i}, 1, 10) AS DATE) > v{until}"
            yield test, field.column, "said after its own last day", ()
        if what == "confirmed" and said is not None:
            test = f"{yes} AND substr(v{i}, 1, 10) < substr(v{said}, 1, 10)"
            yield test, field.column, "confirmed before it was said", ()


def _reject_repeated(engine: duckdb.DuckDBPyConnection, i: int, field: Field) -> None:
    """Of the good rows that share an identifier, keep the first."""
    engine.execute(
        "INSERT INTO bad SELECT line, ?, 'same identifier as line ' || first FROM typed JOIN "
        f"(SELECT v{i}, min(line) AS first FROM typed ANTI JOIN bad USING (line) "
        f"GROUP BY v{i} HAVING count(*) > 1) AS again USING (v{i}) "
        "ANTI JOIN bad USING (line) WHERE line > first",
        [field.column],
    )


def _records(engine: duckdb.DuckDBPyConnection, fields: tuple[Field, ...]) -> pa.Table:
    treatment = _position(fields, TREATMENT)
    drawn = _position(fields, PROBABILITY_OF_ARM)
    kept = [i for i in range(len(fields)) if i not in (treatment, drawn)]
    values = "".join(f", {_heard(fields, i)}" for i in kept)
    probability = "probability" if drawn is None else f"v{drawn}"
    arms = (
        f", arm, {probability}" if treatment is not None else ", CAST(NULL AS VARCHAR), CAST(NULL AS DOUBLE)"
    )
    table = engine.sql(
        f"SELECT line{values}{arms} FROM {_with_arms(fields)} ANTI JOIN bad USING (line) ORDER BY line"
    ).to_arrow_table()
    return table.rename_columns(["line", *(fields[i].output for i in kept), "arm", "probability"])


def _heard(fields: tuple[Field, ...], i: int) -> str:
    """SQL of a field of a record; of consent false where any row with one of its identifiers says no.

    The time of a yes is none of the no that was heard in its place.
    """
    what, _, pair = fields[i].output.partition(":")
    said = _position(fields, f"consent:{pair}") if what in ("consent", "said") else None
    named = [j for j, field in enumerate(fields) if field.is_identifier and not field.is_line]
    if said is None or not named:
        return f"v{i}"
    tests = [
        f"v{j} IN (SELECT n.v{j} FROM typed AS n WHERE NOT n.v{said} AND n.v{j} IS NOT NULL)" for j in named
    ]
    no = " OR ".join(tests)
    if what == "said":
        return f"CASE WHEN v{said} IS DISTINCT FROM false AND ({no}) THEN NULL ELSE v{i} END AS v{i}"
    return f"CASE WHEN {no} THEN false ELSE v{i} END AS v{i}"


def _with_arms(fields: tuple[Field, ...]) -> str:
    treatment = _position(fields, TREATMENT)
    return "typed" if treatment is None else f"typed LEFT JOIN arms ON v{treatment} = arms.value"


def _position(fields: tuple[Field, ...], output: str) -> int | None:
    return next((i for i, field in enumerate(fields) if field.output == output), None)


def _table(rows: Sequence[tuple[int, str | None, str]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


def _no_good_row(source: Source, rejects: pa.Table) -> SourceError:
    reasons = zip(rejects["column"].to_pylist(), rejects["reason"].to_pylist(), strict=True)
    (column, reason), _ = Counter(reasons).most_common(1)[0]
    where = f"column '{column}': " if column else ""
    found = f"none of the {rejects.num_rows} rows is good; most often {where}{reason}"
    return SourceError(f"source '{source.name}'", found, "Correct the file or the mapping.")
