"""The ledger's database: made once, brought up, and refused where it is something else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, insert, select
from sqlalchemy.exc import IntegrityError

from suasion.errors import BusyError, DamageError
from suasion.ledger import Ledger, database, log, sends
from suasion.ledger.database import REVISION
from suasion.ledger.schema import metadata, pauses

OPENERS, TURNS = 6, 20
ATTEMPTS = {"sqlite": 8, "postgres": 2}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_ledger_opened_again_holds_what_it_held(place: Any):
    place.publish(a=[1], b=[2])
    assert Ledger.open(place.where).current() == place.ledger.current()
    assert {v.version for v in place.ledger.current().values()} == {1}


def test_a_row_of_no_run_is_refused(place: Any):
    with place.ledger.engine.connect() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql("INSERT INTO plans VALUES (1, 'x', 'd', 't', 0, 99)")


def test_a_table_that_is_gone_is_damage(place: Any):
    with place.ledger.writing() as connection:
        connection.exec_driver_sql("DROP TABLE log")
    with pytest.raises(DamageError):
        place.rows("SELECT * FROM log")


def _change(ledger: Ledger, *statements: str) -> None:
    with ledger.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004"])
def test_a_ledger_of_a_revision_before_is_brought_up(
    tmp_path: Path,
    nothing: Callable[[Path], Path | str],
    revision: str,
    monkeypatch: pytest.MonkeyPatch,
):
    where = nothing(tmp_path)
    with monkeypatch.context() as then:
        then.setattr(database, "REVISION", revision)
        sends.set_paused(Ledger.open(where), "flu", NOW, paused=True)
    ledger = Ledger.open(where)
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").all() == [(REVISION,)]
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert [row.kind for row in log.rows(ledger)] == ["pause"]


def test_a_ledger_of_another_revision_is_damage_and_left_alone(place: Any):
    _change(place.ledger, "UPDATE alembic_version SET version_num = '9999'", "DROP TABLE log")
    with pytest.raises(DamageError, match="ledger revision 9999"):
        Ledger.open(place.where)
    assert place.rows("SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_database_of_something_else_is_damage_and_left_alone(place: Any):
    with place.ledger.engine.connect() as connection:
        known = MetaData()
        known.reflect(connection)
        known.drop_all(connection)
        connection.exec_driver_sql("CREATE TABLE recipes (cake VARCHAR(9))")
        connection.commit()
    with pytest.raises(DamageError, match="ledger revision unknown"):
        Ledger.open(place.where)
    with place.ledger.engine.connect() as connection:
        found = MetaData()
        found.reflect(connection)
    assert set(found.tables) == {"recipes"}


def test_the_revisions_make_the_tables_that_the_code_declares(place: Any):
    with place.ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_new_ledger_may_be_opened_by_many_at_once(
    tmp_path: Path, kind: str, nothing: Callable[[Path], Path | str]
):
    def open_at_once(where: Path | str, ready: Barrier) -> Ledger | None:
        ready.wait()
        try:
            return Ledger.open(where)
        except BusyError:
            return None

    with ThreadPoolExecutor(OPENERS) as pool:
        for attempt in range(ATTEMPTS[kind]):
            folder, ready = tmp_path / str(attempt), Barrier(OPENERS)
            folder.mkdir()
            where = nothing(folder)
            opened = list(pool.map(open_at_once, [where] * OPENERS, [ready] * OPENERS))
            assert any(opened)
            assert Ledger.open(where).current() == {}


def test_a_reader_sees_one_moment(place: Any):
    """Whatever is written while it reads."""
    row = {"campaign": "flu", "paused": 1, "at": NOW}
    with place.ledger.reading() as connection:
        before = connection.execute(pauses.select()).all()
        with place.ledger.writing() as other:
            other.execute(insert(pauses), row)
        assert connection.execute(pauses.select()).all() == before == []
    assert place.rows("SELECT campaign FROM pauses") == [("flu",)]


def test_a_writer_sees_what_was_committed_while_it_waited(place: Any):
    """What it reads is true, and stays true until it ends."""
    begun, seen = Barrier(2), list[int]()

    def count_and_add() -> None:
        begun.wait()
        for _ in range(TURNS):
            with place.ledger.writing() as connection:
                found = len(connection.execute(pauses.select()).all())
                connection.execute(insert(pauses), {"campaign": "flu", "paused": found, "at": NOW})
                seen.append(found)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(count_and_add) for _ in range(2)]:
            done.result()
    assert seen == list(range(2 * TURNS))


def test_a_moment_comes_back_as_it_was_said(place: Any):
    said = datetime(2026, 3, 29, 2, 30, 1, 5, tzinfo=timezone(timedelta(hours=-7)))
    with place.ledger.writing() as connection:
        connection.execute(insert(pauses), {"campaign": "flu", "paused": 1, "at": said})
        (found,) = connection.execute(select(pauses.c.at)).scalars()
    assert found == said
    assert found.utcoffset() == timedelta(0)
