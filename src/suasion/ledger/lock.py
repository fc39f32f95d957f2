"""One process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from suasion.errors import BusyError


@contextmanager
def locked(path: Path, what: str) -> Generator[None]:
    """Hold a lock that ends with the process, however it ends.

    Parameters
    ----------
    path : Path
        The lock's file.
    what : str
        What needs it, for the error message.

    Raises
    ------
    BusyError
        Another process holds it.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise BusyError(
                what, f"process {holder} is at work on this workspace", "Wait until it ends."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
