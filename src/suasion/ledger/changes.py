"""Whether anything was written to the ledger since the last look, for next to nothing."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from suasion.errors import SuasionError
from suasion.ledger.place import Place


@dataclass
class Changes:
    """Looks by a connection of its own, which holds no lock; of one thread, `close` when it is done with.

    Parameters
    ----------
    place : Place
    engine : sqlalchemy.Engine
    """

    place: Place
    engine: Engine
    _connection: Connection | None = field(default=None, init=False)
    _mark: Hashable = field(default=None, init=False)

    def __call__(self) -> bool:
        """Whether anything may have been committed since the last look; at the first it may.

        What is read after this said so holds all that was committed before.
        """
        try:
            if self._connection is not None and self.place.mark(self._connection) == self._mark:
                return False
            self.close()
            # A file that was replaced is another only to whoever opens it anew.
            self._connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._mark = self.place.mark(self._connection)
        except SuasionError:  # whoever reads now is told what it is
            self.close()
        return True

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
