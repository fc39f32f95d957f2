"""A ledger on a server: durable, alone in its schema, and told plainly what the server says."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, make_url, text

from suasion.errors import BusyError, DamageError, WorkspaceError
from suasion.ledger import Ledger, sends, subject
from suasion.ledger.schema import pauses

BOOK = run_path(str(Path(__file__).with_name("book.py")))
Book, NOW = BOOK["Book"], BOOK["NOW"]


@pytest.fixture
def where(postgres: Any) -> str:
    """On the server, wherever the other tests' ledgers are."""
    return postgres.ledger()


def _with(url: str, *options: str) -> str:
    return (
        make_url(url)
        .update_query_dict({"options": " ".join(f"-c{option}" for option in options)})
        .render_as_string()
    )


def _setting(ledger: Ledger, name: str) -> str:
    with ledger.engine.connect() as connection:
        return connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("synchronous_commit", "off", "on"),
        ("lock_timeout", "0", "10s"),
        ("statement_timeout", "1ms", "0"),
        ("idle_in_transaction_session_timeout", "1ms", "0"),
        ("idle_session_timeout", "1ms", "0"),
        ("TimeZone", "Asia/Kolkata", "UTC"),
        ("transaction_isolation", None, "read committed"),
        ("search_path", "public", "public"),
    ],
)
def test_the_server_s_defaults_do_not_weaken_it(where: str, name: str, theirs: str | None, ours: str):
    defaults = ["default_transaction_isolation=serializable"] + ([f"{name}={theirs}"] if theirs else [])
    assert _setting(Ledger.open(_with(where, *defaults)), name) == ours


def test_what_was_acknowledged_outlives_a_crash_of_the_server(where: str, tmp_path: Path, postgres: Any):
    book = Book(tmp_path, where)
    book.plan("flu", {5: 0.1})
    assert sends.suppress(book.ledger, 1, sends.Why.OPTED_OUT, NOW)
    postgres.stop("immediate")
    with pytest.raises(WorkspaceError, match="cannot be reached"):
        book.states()
    postgres.start()
    assert book.states() == ["failed"]
    assert sends.suppressed(book.ledger, BOOK["EMAIL"]) == {5}


def test_a_writer_whose_connection_ends_has_written_nothing(place: Any):
    with pytest.raises(WorkspaceError):
        _write_and_lose(place)
    assert place.rows("SELECT * FROM pauses") == []


def _write_and_lose(place: Any) -> None:
    with place.ledger.writing() as connection:
        connection.execute(insert(pauses), {"campaign": "flu", "paused": 1, "at": NOW})
        _end_others(place.where)
        connection.execute(insert(pauses), {"campaign": "flu", "paused": 0, "at": NOW})


def _end_others(where: str) -> None:
    engine = create_engine(make_url(where).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    engine.dispose()


def test_a_lock_that_is_kept_is_busy(place: Any):
    other = Ledger.open(place.where)
    BOOK["make_impatient"](other.engine)
    with place.ledger.writing(), pytest.raises(BusyError, match="another process is writing to it"):
        sends.set_paused(other, "flu", NOW, paused=True)
    sends.set_paused(other, "flu", NOW, paused=True)


def test_schemas_of_one_database_do_not_wait_for_each_other(where: str):
    Ledger.open(where).engine.dispose()
    for name in ("here", "there"):
        with Ledger.open(where).writing() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    here, there = (Ledger.open(_with(where, f"search_path={name}")) for name in ("here", "there"))
    BOOK["make_impatient"](there.engine)
    with here.writing(), sends.sending(here):
        sends.set_paused(there, "flu", NOW, paused=True)
        with sends.sending(there):
            pass
    with here.engine.connect() as connection:
        assert connection.execute(pauses.select()).all() == []


def test_a_schema_that_is_not_there_is_told(where: str):
    with pytest.raises(WorkspaceError, match="schema that its URL names is not there"):
        Ledger.open(_with(where, "search_path=nowhere"))


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path):
    with pytest.raises(WorkspaceError, match="cannot be reached") as error:
        Ledger.open(f"postgresql://ada:geheim@/flu?host={tmp_path}")
    assert "geheim" not in str(error.value) + repr(error.value.__cause__)


@pytest.mark.parametrize("url", ["mysql://ada@host/flu", "postgresql://ada@host:port/flu", "://"])
def test_a_url_of_something_else_is_told(url: str):
    with pytest.raises(WorkspaceError, match="Give a path, or postgresql://"):
        Ledger.open(url)


def test_a_ledger_that_may_only_be_read_is_told(place: Any):
    reader = Ledger.open(_with(place.where, "default_transaction_read_only=on"))
    assert reader.current() == {}
    with pytest.raises(WorkspaceError, match="does not let it be used"):
        sends.set_paused(reader, "flu", NOW, paused=True)


def test_an_error_does_not_repeat_what_the_cells_hold(place: Any):
    with place.ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE pauses RENAME campaign TO zanzibar")
    with pytest.raises(DamageError) as error:
        sends.set_paused(place.ledger, "Zanzibar", NOW, paused=True)
    assert "anzibar" not in str(error.value)


def test_rows_that_were_deleted_are_gone_from_the_server_s_files(place: Any, postgres: Any):
    """But for its write-ahead log, which it recycles, and its backups."""
    with place.ledger.writing() as connection:
        for number in range(50):
            row = {"campaign": f"Zanzibar {number}", "paused": 1, "at": NOW}
            connection.execute(insert(pauses), row)
        connection.exec_driver_sql("DELETE FROM pauses")
    with place.ledger.engine.connect() as connection:
        (folder,) = connection.exec_driver_sql(
            "SELECT oid FROM pg_database WHERE datname = current_database()"
        ).one()
    assert _held(postgres, folder, b"Zanzibar")
    place.ledger.place.rebuild(place.ledger.engine)
    assert not _held(postgres, folder, b"Zanzibar")


def _held(postgres: Any, folder: int, what: bytes) -> bool:
    """Whether a file of the database holds this, after all that is in memory was written."""
    engine = create_engine(make_url(postgres.url("postgres")).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
    engine.dispose()
    files = (postgres.folder / "data" / "base" / str(folder)).iterdir()
    return any(what in path.read_bytes() for path in files)


def test_a_reader_in_the_way_keeps_it_from_being_rebuilt(place: Any):
    BOOK["make_impatient"](place.ledger.engine)
    with place.ledger.reading() as connection:
        connection.execute(pauses.select()).all()
        with pytest.raises(BusyError, match="Erase again"):
            subject.compact(place.ledger, place.lake, [], {})
