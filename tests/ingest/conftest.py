"""A short way to write a file and read it by a mapping."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from suasion.expressions import Type
from suasion.ingest import Records, Source, read

TYPES = {
    "text": Type.TEXT,
    "integer": Type.INTEGER,
    "number": Type.NUMBER,
    "boolean": Type.BOOLEAN,
    "date": Type.DATE,
}

Load = Callable[..., Records]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write ``content`` and read it; traits named like a type have that type."""

    def loaded(content: bytes | str, file: str = "data.csv", **mapping: Any) -> Records:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / file).write_bytes(data)
        return read(source(file, **mapping), tmp_path, TYPES)

    return loaded


def source(file: str, **mapping: Any) -> Source:
    """A source whose identifier is the column ``id``, unless told otherwise."""
    mapping.setdefault("identifiers", {"person": "id"})
    return Source(
        name="data",
        file=file,
        licence="ours",
        purposes=("commercial",),
        basis="contract",
        observed_on=date(2026, 1, 31),
        territory="DE",
        **mapping,
    )


@pytest.fixture(scope="session")
def make_source() -> Callable[..., Source]:
    """The function ``source``."""
    return source
