"""How the streamer stands, in a file of the workspace: whoever serves it can tell."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

BEAT = "server.streamed"
"""The file. It holds times and the kind of an error, nothing of persons."""


@dataclass(frozen=True)
class Beat:
    """What the streamer said last. Times are seconds since 1970.

    Parameters
    ----------
    at : float
        When it said so.
    good_at : float or None
        When a turn ended well last.
    failed : str or None
        The kind of error of the last turn; None where it ended well, or waited for another run.
    """

    at: float
    good_at: float | None
    failed: str | None = None


def beat_of(folder: Path) -> Beat | None:
    """How the streamer of a workspace stands; None where none ever ran.

    Parameters
    ----------
    folder : Path
        The workspace.
    """
    try:
        return Beat(**json.loads((folder / BEAT).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def tell(folder: Path, beat: Beat) -> None:
    """Say how it stands; a reader sees this or what was said before.

    Parameters
    ----------
    folder : Path
    beat : Beat
    """
    new = folder / f"{BEAT}.new"
    new.write_text(json.dumps(asdict(beat)), "utf-8")
    os.replace(new, folder / BEAT)
