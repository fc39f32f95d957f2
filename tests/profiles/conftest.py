"""A workspace's people in a few lines: CSV files and their mappings in, published tables out."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from suasion.expressions import Type
from suasion.identity import resolve
from suasion.ingest import Source, read
from suasion.ingest.source import ConsentColumn
from suasion.ledger import Ledger, Tables, reading, running
from suasion.profiles import Trait, store_profiles, types

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CATALOGUE = {
    "age": Trait(type=Type.INTEGER, category="age", label="Age", fact="age"),
    "spend": Trait(type=Type.NUMBER, category="behavior", label="Spend"),
    "town": Trait(type=Type.TEXT, category="place", label="Town"),
    "joined": Trait(type=Type.DATE, category="behavior", label="Joined"),
    "active": Trait(type=Type.BOOLEAN, category="behavior", label="Active"),
}


def source(name: str, **mapping: Any) -> Source:
    """A source ``NAME.csv`` whose identifier is the column ``id``, unless told otherwise."""
    usual = {
        "file": f"{name}.csv",
        "licence": "ours",
        "purposes": ("commercial",),
        "basis": "contract",
        "observed_on": date(2026, 1, 1),
        "territory": "DE",
        "identifiers": {"customer": "id"},
    }
    return Source(name=name, **(usual | mapping))


def consent(column: str, channel: str = "email", **evidence: Any) -> ConsentColumn:
    """A column with consent to commercial messages, and evidence of it unless told otherwise."""
    usual = {"wording": "Yes, write to me.", "capture": "web form", "said_at": date(2025, 12, 1)}
    return ConsentColumn(column=column, purpose="commercial", channel=channel, **(usual | evidence))


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Tables]:
    """Ingest files and publish profiles; called again it is a later ingest of the same workspace."""

    def published(*parts: tuple[Source, str], catalogue: dict[str, Trait] = CATALOGUE) -> Tables:
        ledger, sources = Ledger.open(tmp_path / "ledger.db"), [one for one, _ in parts]
        for one, content in parts:
            (tmp_path / one.file).write_text(content, encoding="utf-8")
        with running(ledger, tmp_path / "lake", "ingest", NOW) as run:
            known = run.read("identities", "ingest") if "identities" in run.versions else None
            found = {one.name: read(one, tmp_path, types(catalogue)) for one in sources}
            who = resolve({name: records.records for name, records in found.items()}, known)
            store_profiles(run, sources, found, who, catalogue)
        return reading(ledger, tmp_path / "lake")

    return published


@pytest.fixture(scope="session")
def make_source() -> Callable[..., Source]:
    """The function ``source``."""
    return source


@pytest.fixture(scope="session")
def make_consent() -> Callable[..., ConsentColumn]:
    """The function ``consent``."""
    return consent


@pytest.fixture(scope="session")
def catalogue() -> dict[str, Trait]:
    """Five traits, one of each type."""
    return CATALOGUE
