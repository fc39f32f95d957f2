"""A small workspace with a canary in it: a person whose every detail occurs nowhere else."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

import suasion
from suasion.identity import opened
from suasion.ingest import load_source
from suasion.lake import load
from suasion.ledger import running, tokens
from suasion.rights import Certificate, Holdings, erase
from suasion.workspace import Workspace

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = {"SUASION_KEY": "a secret of the test"}
PEOPLE, PLACE, COST = 200, 77, 0.5
FIELDS = ("member", "first_name", "email", "phone", "street", "year_of_birth", "agrees", "note")
CANARY = {
    "member": "R7770001",
    "first_name": "Zephyrine-Quillfeather",
    "email": "Zephyrine.Quill@canary-mail.example",
    "phone": "+49 30 55507777",
    "street": 'Nonesuch "Löwen" Lane 99, 3rd floor',
    "year_of_birth": "1971",
    "agrees": "yes",
    "note": "likes marmots,\r\nand owls",
    "card": "880077001",
}
DECLARED = {
    "suasion.toml": """
name = "Canary town"
territory = "DE"
currency = "EUR"
purpose = "public_health"
""",
    "sources/members.toml": """
file = "members.csv"
licence = "our own members"
purposes = ["public_health"]
basis = "consent"
observed_on = 2026-10-01
territory = "DE"
encoding = "cp1252"
identifiers = { member = "member" }
contacts = { email = "email", phone = "phone", postal = "street" }
traits = { first_name = "first_name", year_of_birth = "year_of_birth" }
[[consents]]
column = "agrees"
purpose = "public_health"
channel = "email"
""",
    "sources/visits.toml": """
file = "visits.parquet"
licence = "our own desk"
purposes = ["public_health"]
basis = "contract"
observed_on = 2026-10-02
territory = "DE"
identifiers = { member = "member", card = "card" }
traits = { visits = "visits" }
""",
    "traits/all.toml": """
[traits.first_name]
type = "text"
category = "name"
label = "First name"
[traits.year_of_birth]
type = "integer"
category = "age"
label = "Year of birth"
[traits.visits]
type = "integer"
category = "behavior"
label = "Visits"
""",
}


@dataclass(frozen=True)
class Town:
    """The workspace, and what the canary is known by."""

    folder: Path
    canary: ClassVar[dict[str, str]] = CANARY
    people: ClassVar[int] = PEOPLE
    cost: ClassVar[float] = COST
    now: ClassVar[datetime] = NOW

    @property
    def named(self) -> str:
        return f"member={CANARY['member']}"

    def open(self, environment: dict[str, str] = SECRET) -> Workspace:
        return suasion.open(self.folder, now=lambda: NOW, environment=environment)

    @property
    def holdings(self) -> Holdings:
        ws = self.open()
        sources = tuple(load_source(path) for path in sorted((self.folder / "sources").glob("*.toml")))
        return Holdings(ws.folder, ws.lake, ws.ledger, sources, self.folder / "outbox", ws.key)

    def erase(self, named: str = f"member={CANARY['member']}") -> Certificate:
        return erase(self.holdings, named, NOW)

    def person(self, kind: str = "member", value: str = CANARY["member"]) -> int:
        """The number of the person who has an identifier or contact detail."""
        (found,) = {row["person"] for row in self.known() if _pair(row) == (kind, value)}
        return found

    def known(self) -> list[dict[str, Any]]:
        """The identities as they are read, contact details opened."""
        ws = self.open()
        table = ws.tables().read("identities", "ingest")
        texts = opened(table, ws.ledger, ws.key)
        return [
            row | {"value": row["value"] or text} for row, text in zip(table.to_pylist(), texts, strict=True)
        ]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A table as it is read."""
        return self.open().tables().read(name, "ingest").to_pylist()

    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """Every current table as it is in its file, whoever may read it."""
        ws = self.open()
        return {name: load(ws.lake, v.stored).to_pylist() for name, v in ws.tables().versions.items()}

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.open().ledger.engine.begin() as connection:
            found = connection.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def ledger_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All tables of the ledger's file, whatever the schema says."""
        names = [name for (name,) in self.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: self.sql(f'SELECT * FROM "{name}"') for name in names}

    def ledger_rows_about(self, person: int) -> dict[str, int]:
        """How many rows each table of the ledger's file with a column ``person`` has of one."""
        about = "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE c.name = 'person'"
        names = [name for (name,) in self.sql(about)]
        counted = {n: self.sql(f'SELECT count(*) FROM "{n}" WHERE person = :p', p=person) for n in names}
        return {name: count for name, [(count,)] in counted.items()}

    def mails(self) -> dict[str, bytes]:
        return {
            path.name: path.read_bytes() for path in (self.folder / "outbox").rglob("*") if path.is_file()
        }

    @staticmethod
    def members() -> list[bytes]:
        """The members' file, row by row, header first."""
        return [",".join(FIELDS).encode() + b"\r\n", *(_line(_member(i)) for i in range(PEOPLE))]

    def write_members(self, rows: list[bytes]) -> None:
        (self.folder / "sources" / "members.csv").write_bytes(b"".join(rows))

    def holding(self, *values: str) -> list[str]:
        """Files that hold a value, by a search of its own: bytes, and all texts of Parquet files."""
        needles = [v.encode(c).lower() for v in values for c in ("utf-8", "cp1252", "utf-16-le")]
        found = set[str]()
        for path in (path for path in self.folder.rglob("*") if path.is_file()):
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += b"".join(_cells(pq.read_table(path)))
            if any(needle in content.lower() for needle in needles):
                found.add(str(path.relative_to(self.folder)))
        return sorted(found)


def _cells(table: pa.Table) -> Iterator[bytes]:
    yield str(table.schema.metadata).encode()
    for column in table.columns:
        for chunk in column.chunks:
            cells = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
            yield "\n".join(map(str, cells.to_pylist())).encode()


def _pair(row: dict[str, Any]) -> tuple[str, str]:
    return row["kind"], row["value"]


def _member(i: int) -> dict[str, str]:
    """Row `i` of the members' file."""
    if i == PLACE:
        return {key: CANARY[key] for key in FIELDS}
    return {
        "member": f"R{i:07}",
        "first_name": f"Person {i}",
        "email": f"person{i}@example.org",
        "phone": f"+49 40 {i:07}",
        "street": f"Market Square {i // 2}",
        "year_of_birth": str(1940 + i % 60),
        "agrees": "yes" if i % 3 else "no",
        "note": 'says "hello"\nand goes' if i % 5 == 0 else "",
    }


def _line(row: dict[str, str]) -> bytes:
    made = io.StringIO(newline="")
    csv.DictWriter(made, FIELDS).writerow(row)
    return made.getvalue().encode("cp1252")


def _visits() -> pa.Table:
    """The desk's file; the names of desks are held once for all rows."""
    rows = range(0, PEOPLE, 7)
    assert PLACE in rows
    cards = [int(CANARY["card"]) if i == PLACE else 100_000 + i for i in rows]
    desks = [f"desk of {CANARY['first_name']}" if i == PLACE else "desk 1" for i in rows]
    table = pa.table(
        {"member": [_member(i)["member"] for i in rows], "card": cards, "visits": [1] * len(rows)}
    )
    return table.append_column("desk", pa.array(desks).dictionary_encode())


def _campaign(town: Town) -> None:
    """Scores, plan and outcomes of everybody, two versions each; draws, sends and what came back."""
    ws = town.open()
    people = sorted({row["person"] for row in town.rows("traits")})
    for version in (1, 2):
        with running(ws.ledger, ws.lake, "by hand", NOW) as run:
            run.write("scores.flu", pa.table({"person": people, "effect:0": [i / 10 for i in people]}), "i")
            plan = pa.table({"person": people, "probability:0": [0.25] * PEOPLE})
            run.write("plans.flu", plan.replace_schema_metadata({"plan": '{"budget": 1}'}), f"s@{version}")
            run.write("outcomes.flu", pa.table({"person": people, "on": [date(2026, 11, 1)] * PEOPLE}), "o")
    terms = '{"sponsor": "Town", "purpose": "public_health", "control": "none", "treatments": {"mail": {}}}'
    town.sql("INSERT INTO campaigns VALUES ('flu', 'd', :terms, '2026-11-01 00:00:00')", terms=terms)
    town.sql("INSERT INTO plans VALUES (1, 'flu', 'digest', 'terms', 1, 1)")
    canary = town.person()
    rows = [
        {
            "person": person,
            "cost": COST,
            "address": tokens.hash_of(ws.key, "email", f"address of {person}"),
            "state": "accepted" if person % 2 else "claimed",
            "reason": CANARY["first_name"] if person == canary else None,
        }
        for person in people
    ]
    columns = "campaign, person, channel, step, plan, treatment, cost, address, state, reason"
    given = "'flu', :person, 'email', 1, 1, 'mail', :cost, :address, :state, :reason"
    with ws.ledger.engine.begin() as connection:
        connection.execute(text("INSERT INTO draws VALUES (1, :person, 'mail', 0.25)"), rows)
        connection.execute(text(f"INSERT INTO sends ({columns}) VALUES ({given})"), rows)
    town.sql("INSERT INTO spend VALUES (1, 'flu', :all, :n, '2026-11-01')", all=COST * PEOPLE, n=PEOPLE)
    town.sql("INSERT INTO replies SELECT id, 'opted_out', '2026-11-02 00:00:00' FROM sends")
    town.sql(
        "INSERT INTO suppressions (person, address, channel, reason, at) "
        "SELECT person, address, 'email', 'opted_out', '2026-11-02 00:00:00' FROM sends"
    )


def _mails(town: Town) -> None:
    """A mail to everybody: some staged, some handed over, some read."""
    key = town.open().key
    address = {row["person"]: row["value"] for row in town.known() if row["kind"] == "email"}
    for place, (send, person) in enumerate(town.sql("SELECT id, person FROM sends")):
        part, mark = [("tmp", ""), ("new", ""), ("cur", ":2,S")][place % 3]
        path = town.folder / "outbox" / part / f"{tokens.token_of(key, send)}{mark}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"To: {address[person]}\nSubject: Flu\n\nCome, number {person}!\n", "utf-8")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace, ingested twice; not to be written to."""
    town = Town(tmp_path_factory.mktemp("built") / "town")
    for name, content in DECLARED.items():
        path = town.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    town.write_members(town.members())
    pq.write_table(_visits(), town.folder / "sources" / "visits.parquet", compression="none")
    town.open().ingest()
    town.open().ingest()
    _campaign(town)
    _mails(town)
    return town.folder


@pytest.fixture
def town(built: Path, tmp_path: Path) -> Town:
    """A workspace of one's own."""
    return Town(Path(shutil.copytree(built, tmp_path / "town")))
