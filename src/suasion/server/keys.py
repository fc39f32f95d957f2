"""Keys of programs that ask: shown once when they are made; the workspace holds their SHA-256 only."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from suasion.declarations import Declared, closest, read
from suasion.errors import InputError, WorkspaceError
from suasion.server.answers import Headers
from suasion.server.watched import Watched

FILE = "server_keys.toml"
PREFIX = "sk_"
"""Of every key, so that whoever finds one knows what it is."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class Scope(StrEnum):
    """What a key is good for: to ask what to show; to read metrics."""

    DECIDE = "decide"
    READ = "read"


class Key(Declared):
    """One key, by its hash."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    added: datetime


class KeyFile(Declared):
    """``server_keys.toml``: keys by name."""

    keys: dict[Annotated[str, StringConstraints(pattern=f"^{_NAME.pattern}$")], Key] = Field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Keys:
    """The keys of a workspace, as its file says them now.

    Parameters
    ----------
    by_hash : Watched
        Name and key by hash.
    """

    by_hash: Watched[Mapping[str, tuple[str, Key]]]

    def allowed(self, headers: Headers, scope: Scope | str) -> bool:
        """Whether a request bears a key that is good for something.

        Parameters
        ----------
        headers : iterable of (bytes, bytes)
            Of the request, names in lower case: ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``. Write
            keys of streams are none of these keys.
        scope : Scope or str
        """
        return self.name(headers, scope) is not None

    def name(self, headers: Headers, scope: Scope | str) -> str | None:
        """The name of the key by which something is allowed; None where it is not."""
        known = self.by_hash()
        for key in _borne(headers):
            found = known.get(_hash(key))
            if found is not None and scope in found[1].scopes:
                return found[0]
        return None


def keys_of(folder: Path) -> Keys:
    """The keys of the workspace in a folder; none where it has no file of them.

    Raises
    ------
    WorkspaceError
        The file is malformed.
    """
    path = folder / FILE
    return Keys(Watched(lambda: (path,), lambda: _by_hash(_read(path))))


def add(folder: Path, name: str, scopes: Iterable[Scope], at: datetime) -> str:
    """Make a key.

    Parameters
    ----------
    folder : Path
        Of the workspace.
    name : str
        Who or what has it.
    scopes : iterable of Scope
    at : datetime
        Now.

    Returns
    -------
    str
        The key; it is nowhere else.

    Raises
    ------
    InputError
        There is a key of that name, or the name or the scopes cannot be.
    """
    wanted = tuple(dict.fromkeys(scopes))
    if not _NAME.fullmatch(name):
        raise InputError(f"key '{name}'", "not a name", "Use a to z, 0 to 9, _ and -, a letter first.")
    if not wanted:
        raise InputError(f"key '{name}'", "no scope", f"Give one of: {', '.join(Scope)}.")
    made = PREFIX + secrets.token_urlsafe(32)
    with _changing(folder) as known:
        if name in known:
            raise InputError(f"key '{name}'", "it is there already", "Remove it first, or take another name.")
        known[name] = Key(sha256=hashlib.sha256(made.encode()).hexdigest(), scopes=wanted, added=at)
    return made


def remove(folder: Path, name: str) -> None:
    """Let a key be good for nothing; servers that run know it within a second.

    Raises
    ------
    InputError
        There is no key of that name.
    """
    with _changing(folder) as known:
        if name not in known:
            raise InputError(f"key '{name}'", "there is none of that name", closest(name, known))
        del known[name]


def listed(folder: Path) -> dict[str, Key]:
    """The keys by name."""
    return _read(folder / FILE)


@lru_cache(64)
def _hash(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


def _borne(headers: Headers) -> Generator[bytes]:
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            yield value[7:].strip()
        elif name == b"x-api-key":
            yield value.strip()


def _read(path: Path) -> dict[str, Key]:
    return dict(read(path, KeyFile, WorkspaceError).keys) if path.exists() else {}


def _by_hash(keys: Mapping[str, Key]) -> Mapping[str, tuple[str, Key]]:
    return {key.sha256: (name, key) for name, key in keys.items()}


@contextmanager
def _changing(folder: Path) -> Generator[dict[str, Key]]:
    """The keys, to be changed; the file is replaced as a whole, by one process at a time."""
    path, fresh = folder / FILE, folder / f"{FILE}.new"
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        known = _read(path)
        yield known
        fresh.write_text(_written(known), "utf-8")
        fresh.replace(path)
    finally:
        os.close(place)


def _written(keys: Mapping[str, Key]) -> str:
    lines = ["# Keys of programs that ask `suasion serve`; the keys themselves are not held.", ""]
    for name, key in keys.items():
        scopes = ", ".join(f'"{scope}"' for scope in key.scopes)
        lines += [f"[keys.{name}]", f'sha256 = "{key.sha256}"', f"scopes = [{scopes}]"]
        lines += [f"added = {key.added.isoformat(timespec='seconds')}", ""]
    return "\n".join(lines)
