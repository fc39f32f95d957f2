"""A small workspace that a site and an app send events to, and what is told of persons afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import suasion
from suasion.ingest.inbox import Inbox
from suasion.ingest.tracking import parse
from suasion.profiles import catalogue_from, traits_of
from suasion.rules import Jurisdiction, Occasion, Purpose, Use
from suasion.workspace import Workspace
from suasion.workspace.streaming import Streamer, Turn

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = {"SUASION_KEY": "a secret of the test"}
MEMBERS = ("R0000001", "R0000002", "R0000003", "R0000004")
DECLARED = {
    "suasion.toml": 'name = "Shop"\nterritory = "DE"\ncurrency = "EUR"\npurpose = "commercial"\n',
    "sources/members.toml": """
file = "members.csv"
licence = "our own members"
purposes = ["commercial"]
basis = "contract"
observed_on = 2026-10-01
territory = "DE"
identifiers = { member = "member" }
contacts = { email = "email" }
traits = { year_of_birth = "year_of_birth" }
""",
    "sources/members.csv": "member,email,year_of_birth\n"
    + "".join(f"{one},{one.lower()}@mail.example,{1970 + n}\n" for n, one in enumerate(MEMBERS)),
    "streams/site.toml": """
write_key = "wk_site_0123456789"
user_id = "member"
basis = "contract"
purposes = ["commercial"]
territory = "DE"
[consent.advertising]
purpose = "commercial"
channel = "email"
""",
    "streams/app.toml": """
write_key = "wk_app_0123456789"
user_id = "member"
basis = "contract"
purposes = ["commercial", "public_health"]
territory = "DE"
""",
    "traits/all.toml": """
[traits.year_of_birth]
type = "integer"
category = "age"
label = "Year of birth"
[traits.orders]
type = "integer"
category = "behavior"
label = "Orders"
computed = { event = "Order Completed", of = "count" }
[traits.orders_30]
type = "integer"
category = "behavior"
label = "Orders of 30 days"
computed = { event = "Order Completed", of = "count", days = 30 }
[traits.spent]
type = "number"
category = "behavior"
label = "Spent"
computed = { event = "Order Completed", of = "sum", property = "total" }
[traits.first_item]
type = "text"
category = "behavior"
label = "First item"
computed = { event = "Order Completed", of = "first", property = "item" }
[traits.last_item]
type = "text"
category = "behavior"
label = "Last item"
computed = { event = "Order Completed", of = "last", property = "item" }
[traits.idle]
type = "integer"
category = "behavior"
label = "Days without an order"
computed = { event = "Order Completed", of = "days_since" }
""",
}


def declare(folder: Path, **more: str) -> Path:
    """Write a workspace; nothing is read yet."""
    for name, content in {**DECLARED, **more}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder


@dataclass
class Site:
    """The workspace, its inbox and its streamer."""

    folder: Path
    sent: int = 0
    now: datetime = NOW
    ws: Workspace = field(init=False)
    inbox: Inbox = field(init=False)
    streamer: Streamer = field(init=False)

    def __post_init__(self) -> None:
        self.ws = suasion.open(self.folder, now=lambda: self.now, environment=SECRET)
        self.inbox = Inbox.open(self.folder / "inbox.db")
        self.streamer = Streamer(self.folder, self.ws.ledger, self.ws.lake, self.inbox, self.ws.key)

    def send(
        self, *told: dict[str, Any], stream: str = "site", context: dict[str, Any] | None = None
    ) -> None:
        """Send a batch; each event has a message id, and happened when the batch came unless it says so."""
        batch = []
        for one in told:
            self.sent += 1
            batch.append({"messageId": f"m{self.sent}", "type": "track", **one})
        body = {"batch": batch} | ({"context": context} if context else {})
        at = self.now.timestamp()
        parsed = parse(json.dumps(body).encode(), "batch", at)
        assert not parsed.dead, parsed.dead
        self.inbox.offer(stream, parsed, at).result()

    def turn(self) -> Turn:
        return self.streamer.turn(self.now)

    def person(self, kind: str, value: str) -> int:
        """The number of whom one identifier names; there must be exactly one."""
        (found,) = self.persons(kind, value)
        return found

    def persons(self, kind: str, value: str) -> set[int]:
        table = self.ws.tables().read("identities", "ingest").to_pylist()
        return {row["person"] for row in table if (row["kind"], row["value"]) == (kind, value)}

    def traits(self, purpose: Purpose = Purpose.COMMERCIAL) -> dict[int, dict[str, Any]]:
        """The traits of everybody, by person."""
        table = traits_of(
            self.ws.tables(), catalogue_from(self.folder / "traits"), occasion(self.now, purpose)
        )
        return {row.pop("person"): row for row in table.to_pylist()}

    def of(self, member: str) -> dict[str, Any]:
        return self.traits()[self.person("member", member)]

    def events(self, stream: str = "site") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name in self.tables(f"events.{stream}."):
            found += self.ws.tables().read(name, "serve").to_pylist()
        return found

    def tables(self, prefix: str) -> list[str]:
        return [name for name in self.ws.tables().versions if name.startswith(prefix)]

    def close(self) -> None:
        self.inbox.close()
        self.ws.ledger.engine.dispose()


def occasion(at: datetime, purpose: Purpose) -> Occasion:
    return Occasion(
        purpose=purpose,
        uses=frozenset({Use.LEARN}),
        jurisdiction=Jurisdiction("DE", date(2026, 11, 21)),
        at=at,
        campaign="a test",
    )


def order(
    member: str | None = None, anonymous: str | None = None, at: datetime | None = None, **what: Any
) -> dict[str, Any]:
    """An order, with the properties `what`."""
    told: dict[str, Any] = {"type": "track", "event": "Order Completed", "properties": what}
    told |= {"userId": member} if member else {}
    told |= {"anonymousId": anonymous} if anonymous else {}
    return told | ({"timestamp": at.isoformat()} if at else {})


def login(member: str, anonymous: str, at: datetime | None = None) -> dict[str, Any]:
    told = {"type": "identify", "userId": member, "anonymousId": anonymous}
    return told | ({"timestamp": at.isoformat()} if at else {})
