"""Where a ledger can be: what every database that holds one must be able to do."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine

from suasion.errors import SuasionError


class Place(Protocol):
    """A database that holds a ledger.

    Its readers see whole transactions only, a commit is on disk when it returns, and it has one write lock,
    which ends with the transaction that took it.
    """

    @property
    def name(self) -> str:
        """How it is called in messages; without a password."""
        ...

    def engine(self) -> Engine:
        """Connections to it, each made anew."""
        ...

    def read_one_moment(self, connection: Connection) -> None:
        """Begin a transaction that sees one moment, however long it reads."""
        ...

    def mark(self, connection: Connection) -> Hashable:
        """What is another after each commit, as this one connection sees it."""
        ...

    def take_lock(self, connection: Connection) -> None:
        """Begin a transaction with the write lock; an error where that takes more than ten seconds."""
        ...

    def alone(self, engine: Engine, role: str, what: str) -> AbstractContextManager[None]:
        """Be the one process in a role, until the block or the process ends; else BusyError."""
        ...

    def overwrite_deleted(self, connection: Connection) -> None:
        """Let what this transaction deletes be overwritten as far as the database can at once."""
        ...

    def settle(self, engine: Engine) -> None:
        """Leave no byte of deleted rows in what is written ahead, unless others are in the way."""
        ...

    def rebuild(self, engine: Engine) -> None:
        """Leave no byte of deleted rows in the tables' files; BusyError where others are in the way."""
        ...

    def told(self, error: BaseException) -> SuasionError | None:
        """What an error of the driver means to whoever keeps the ledger; None where it is none of these.

        Its own words may quote a cell; they are not repeated.
        """
        ...
