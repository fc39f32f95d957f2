"""Which stream a request writes to: the write key in its header or body says it, and is good for no more."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path

from suasion.errors import WorkspaceError
from suasion.ingest import Stream, load_stream
from suasion.server.watched import Watched

Streams = Watched[Mapping[str, Stream]]
"""Streams by write key, as the workspace declares them now."""


def streams_of(folder: Path) -> Streams:
    """The streams of the workspace in a folder.

    Raises
    ------
    InputError
        A declaration is malformed, or two streams have one write key.
    """

    def paths() -> list[Path]:
        return sorted((folder / "streams").glob("*.toml"))

    return Watched(paths, lambda: _by_key([load_stream(path) for path in paths()]))


def key_in(authorization: bytes) -> str | None:
    """The write key that a header bears: the user of Basic (RFC 7617), or the token of Bearer (RFC 6750).

    Examples
    --------
    >>> key_in(b"Basic d3JpdGU6"), key_in(b"bearer write")
    ('write', 'write')
    >>> key_in(b"Digest realm=x") is None
    True
    """
    scheme, _, said = authorization.partition(b" ")
    match scheme.lower():
        case b"basic":
            return _user(said.strip())
        case b"bearer":
            return said.strip().decode("utf-8", "replace")
        case _:
            return None


def _user(said: bytes) -> str:
    """Of what cannot be read, a text that is no key."""
    try:
        return base64.b64decode(said, validate=True).partition(b":")[0].decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _by_key(streams: list[Stream]) -> Mapping[str, Stream]:
    found: dict[str, Stream] = {}
    for stream in streams:
        other = found.setdefault(stream.write_key, stream)
        if other is not stream:
            asked = f"streams/{stream.name}.toml: write_key"
            raise WorkspaceError(asked, f"it is that of stream '{other.name}', too", "Give each its own.")
    return found
