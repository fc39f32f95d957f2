"""What tests of several stages share: the two kinds of databases that a ledger can be in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, make_url

from suasion.ledger import Ledger

# No test is a promise of speed: kernels compile at their first call, and the machine is shared.
settings.register_profile("suasion", deadline=None)
settings.load_profile("suasion")

Where = Path | str
MEMORY = Path("/dev/shm")


class Server:
    """A Postgres server of the tests' own, from Debian's package, on a socket in its folder."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs, self._names = folder, programs, count(1)
        self._as: list[str] = []
        if os.geteuid() == 0:  # it refuses to be run by root
            self._as = ["runuser", "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()
        self._fill("empty")
        Ledger.open(self.url("empty"))

    def start(self) -> None:
        # It commits as a real one does, but for the disk: no test pulls the plug. Autovacuum locks whole
        # tables for a moment, for which tests that do not wait have no patience.
        options = (
            f"-c listen_addresses= -c fsync=off -c autovacuum=off -c max_connections=50 -k {self.folder}"
        )
        self._run("pg_ctl", "-l", str(self.folder / "log"), "-w", "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        self._run("pg_ctl", "-m", how, "-w", "stop")

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def ledger(self) -> str:
        """The URL of a new ledger: a copy of an empty one."""
        name = f"ledger{next(self._names)}"
        self._fill(name, "TEMPLATE empty STRATEGY file_copy")
        return self.url(name)

    def nothing(self) -> str:
        """The URL of a database without any table."""
        name = f"nothing{next(self._names)}"
        self._fill(name)
        return self.url(name)

    def _fill(self, name: str, how: str = "TEMPLATE template0") -> None:
        engine = create_engine(make_url(self.url("postgres")).set(drivername="postgresql+psycopg"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} {how}")
        engine.dispose()

    def _run(self, program: str, *words: str) -> None:
        call = [*self._as, str(self._programs / program), "-D", str(self.folder / "data"), *words]
        subprocess.run(call, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


@contextmanager
def _served() -> Generator[Server]:
    pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if not found:
        pytest.skip("Debian's package 'postgresql' is not installed")
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        server = Server(Path(folder), found[-1])
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    """A server; the tests of a session share it."""
    with _served() as server:
        yield server


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """What kind of database the test's ledgers are in."""
    return request.param


@pytest.fixture(scope="session")
def anywhere(kind: str, request: pytest.FixtureRequest) -> Callable[[Path], Where]:
    """Where a new ledger is that belongs to a folder: in it, or on the server."""
    if kind == "sqlite":
        return lambda folder: folder / "ledger.db"
    server: Server = request.getfixturevalue("postgres")
    return lambda _: server.ledger()


@pytest.fixture(scope="session")
def nothing(kind: str, request: pytest.FixtureRequest) -> Callable[[Path], Where]:
    """Where a database is, or will be, that holds no table."""
    if kind == "sqlite":
        return lambda folder: folder / "nothing.db"
    server: Server = request.getfixturevalue("postgres")
    return lambda _: server.nothing()


@pytest.fixture
def where(anywhere: Callable[[Path], Where], tmp_path: Path) -> Where:
    """Where the test's ledger is."""
    return anywhere(tmp_path)
