"""A workspace in the middle of a campaign, served by a process of its own."""

from __future__ import annotations

import fcntl
import http.client
import socket
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from sqlalchemy import event, text

from suasion.allocation import Options, plan
from suasion.disclosure import Entry, counts, entry_of, record
from suasion.ingest import load_source
from suasion.ledger import campaign_from, draws, running, sends, tokens
from suasion.messages import message_from
from suasion.profiles import catalogue_from
from suasion.rules import Channel, Gate, Jurisdiction, Occasion, Use, load_packs
from suasion.segments import segment_from
from suasion.server import serve
from suasion.workspace import Workspace, open_workspace

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEOPLE = 60
FIRST = 711_000_000
FILES = {
    "suasion.toml": """
        name = "{name}"
        territory = "DE"
        currency = "EUR"
        purpose = "public_health"
    """,
    "campaigns/{campaign}.toml": """
        sponsor = "{sponsor}"
        purpose = "public_health"
        source = "register"
        segment = "adults"
        control = "none"
        outcome = "came"
        features = ["visits"]
        budget = 1234.5
        holdout = 0.1
        exploration = 0.02
        [treatments."{treatment}"]
        message = "due"
        cost = 0.05
        [delivery]
        channel = "email"
        sender = "Town <health@town.example>"
        imprint = "{imprint}"
        not_after = 2027-01-31T20:00:00+01:00
    """,
    "messages/due.toml": """
        [variants.plain]
        subject = "{subject}"
        text = "{text}"
        html = "<p>Dear <b>{{{{ first_name }}}}</b></p>"
        [fallbacks]
        first_name = "neighbor"
    """,
    "segments/adults.toml": """
        label = "{label}"
        where = "age >= 18"
    """,
    "sources/register.toml": """
        file = "x.csv"
        licence = "{licence}"
        purposes = ["public_health"]
        basis = "public_task"
        observed_on = 2026-01-31
        territory = "DE"
        identifiers = {{ id = "id" }}
        traits = {{ age = "age", visits = "visits", first_name = "first_name" }}
    """,
    "traits/people.toml": """
        traits.age = {{ type = "integer", category = "age", label = "{trait}" }}
        traits.visits = {{ type = "integer", category = "behavior", label = "Past visits" }}
        traits.first_name = {{ type = "text", category = "name", label = "First name" }}
    """,
}
PLAIN = {
    "name": "Town Health Office",
    "campaign": "checkup",
    "sponsor": "Town Health Office",
    "treatment": "reminder",
    "imprint": "Town Health Office, Market Square 1, 12345 Town",
    "subject": "Your check-up is due",
    "text": "Dear {{ first_name }}, it is time for your yearly check-up.",
    "label": "Adults of the town",
    "licence": "Town act, section 4",
    "trait": "Age, years",
}


class Page(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._style else data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for name, attrs in self.elements if name == tag and attribute in attrs]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def page(self) -> Page:
        return Page(self.body.decode())


@dataclass(frozen=True)
class Site:
    """A server that runs."""

    port: int
    process: BaseProcess

    @property
    def children(self) -> list[int]:
        """The processes that it keeps."""
        first = self.process.pid
        return [int(one) for one in Path(f"/proc/{first}/task/{first}/children").read_text().split()]

    @property
    def processes(self) -> list[int]:
        assert self.process.pid is not None
        return [self.process.pid, *self.children]

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)


@dataclass(frozen=True)
class World:
    """A workspace whose campaign has 60 sends, numbered from 1, the last half still planned."""

    workspace: Workspace
    entry: Entry

    def token(self, send: int) -> str:
        return tokens.token_of(self.workspace.key, send)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.workspace.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def change(self, sql: str) -> None:
        with self.workspace.ledger.writing() as connection:
            connection.execute(text(sql))

    @property
    def suppressed(self) -> set[int]:
        """Numbers of the sends whose persons are suppressed."""
        return {person - FIRST for person in sends.suppressed(self.workspace.ledger, Channel.EMAIL)}


Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a world; what is declared may be given."""

    def made(**declared: str) -> World:
        said = PLAIN | declared
        for name, content in FILES.items():
            path = tmp_path / name.format(**said)
            path.parent.mkdir(exist_ok=True)
            quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in said.items()}
            path.write_text(content.format(**quoted), "utf-8")
        workspace = open_workspace(tmp_path, lambda: NOW, environment={"SUASION_KEY": "of the test"})
        entry = _entry(workspace, said["campaign"])
        record(workspace.ledger, entry, NOW)
        _send(workspace, said["campaign"], said["treatment"])
        return World(workspace, entry)

    return made


@pytest.fixture
def world(make: Make) -> World:
    return make()


def _entry(workspace: Workspace, name: str) -> Entry:
    folder = workspace.folder
    campaign = campaign_from(folder / "campaigns" / f"{name}.toml")
    where = Jurisdiction("DE", NOW.date())
    occasion = Occasion(frozenset({Use.CONTACT}), campaign.purpose, name, where, NOW, Channel.EMAIL)
    gate = Gate(load_packs((), folder), occasion)
    catalogue = catalogue_from(folder / "traits")
    column = np.full((PEOPLE, 1), 0.618)
    options = Options(_persons(), "none", tuple(campaign.treatments), column, 0 * column, np.array([True]))
    segment = segment_from(folder / "segments" / "adults.toml", catalogue, gate)
    made = plan(options, budget=1234.5, holdout=0.382, exploration=0.0)
    part = ("house", ("DE",))
    return entry_of(
        campaign,
        segment,
        {"due": message_from(folder / "messages" / "due.toml")},
        catalogue,
        [load_source(folder / "sources" / "register.toml")],
        counts.planned(workspace.ledger, campaign, segment, *part, made, PEOPLE, NOW),
        None,
        gate,
        "EUR",
        "https://town.example",
        ("Ada Lovelace", NOW),
    )


def _persons() -> Any:
    return np.arange(FIRST + 1, FIRST + 1 + PEOPLE)


def _send(workspace: Workspace, campaign: str, treatment: str) -> None:
    with running(workspace.ledger, workspace.lake, "test", NOW) as run:
        drawn, chances = [treatment] * PEOPLE, np.full(PEOPLE, 0.618)
        run.writes.append(
            draws.record_draws(campaign, "plan", "terms", _persons(), drawn, chances, keyed=True)
        )
    rows = [(person, treatment, 0.05, person.to_bytes(16, "big")) for person in _persons().tolist()]
    sends.plan_sends(workspace.ledger, "plan", campaign, Channel.EMAIL, rows)
    with workspace.ledger.writing() as connection:
        half = text("UPDATE sends SET state = 'accepted', at = :at WHERE id <= :half")
        connection.execute(half, {"at": NOW.timestamp(), "half": PEOPLE // 2})


Start = Callable[..., Site]


@pytest.fixture
def start() -> Generator[Start]:
    """Serve a workspace; `pragma` is set on every connection of the server to its ledger."""
    with ExitStack() as stack:
        yield lambda workspace, pragma=None, workers=1: stack.enter_context(
            _serving(workspace, pragma, workers)
        )


@pytest.fixture
def site(start: Start, world: World) -> Site:
    return start(world.workspace)


@contextmanager
def _serving(workspace: Workspace, pragma: str | None, workers: int) -> Generator[Site]:
    # A fork, because importing the package anew takes longer than all tests.
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(workspace, pragma, workers, there), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: other threads sleep meanwhile
        process.start()
    assert here.poll(30), "the server does not start"
    yield Site(int(here.recv().rpartition(":")[2]), process)
    process.terminate()
    process.join(20)
    process.kill()


def _serve(workspace: Workspace, pragma: str | None, workers: int, told: Any) -> None:
    if pragma:
        event.listen(
            workspace.ledger.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA {pragma}").close()
        )
    settings, ledger = workspace.settings, workspace.ledger
    spoken = Workspace(workspace.folder, settings, ledger, workspace.key, workspace.now, told.send)
    serve(spoken, port=0, workers=workers)


@pytest.fixture
def taken() -> Generator[int]:
    """A port at which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@dataclass
class Wire:
    """A connection on which every octet is ours."""

    connection: socket.socket
    read: bytes = b""

    def send(self, octets: bytes) -> None:
        self.connection.sendall(octets)

    def answer(self) -> Answer:
        """The next answer; its status is 0 where the connection ends first."""
        while b"\r\n\r\n" not in self.read:
            if not self._more():
                return Answer(0, {}, self.read)
        head, _, self.read = self.read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = int(headers.get("content-length", 0))
        while len(self.read) < size:
            assert self._more(), "cut off"
        body, self.read = self.read[:size], self.read[size:]
        return Answer(int(first.split()[1]), headers, body)

    def _more(self) -> bool:
        try:
            got = self.connection.recv(65_536)
        except ConnectionResetError:
            got = b""
        self.read += got
        return bool(got)


WRITE_KEY = "wk_site_0123456789"
"""Of the stream `site`; that of `shop` is the next."""
OTHER_KEY = "wk_shop_0123456789"


@pytest.fixture
def wired() -> Generator[Callable[[Site], Wire]]:
    """Connect to a site; each connection is closed at the end."""
    with ExitStack() as stack:
        yield lambda site: Wire(
            stack.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=30))
        )


@pytest.fixture(scope="session")
def streamed() -> Generator[Callable[..., Workspace]]:
    """Make a workspace that takes events; so many a second of each stream. Nobody drains its inbox."""
    locks: list[IO[str]] = []

    def made(folder: Path, events_per_second: float = 1e9) -> Workspace:
        (folder / "streams").mkdir(parents=True)
        (folder / "suasion.toml").write_text(
            'name = "Town"\nterritory = "DE"\ncurrency = "EUR"\npurpose = "public_health"\n'
        )
        for name, key in (("site", WRITE_KEY), ("shop", OTHER_KEY)):
            (folder / "streams" / f"{name}.toml").write_text(
                f'write_key = "{key}"\nuser_id = "member"\nbasis = "consent"\nterritory = "DE"\n'
                f'purposes = ["public_health"]\nevents_per_second = {events_per_second}\n'
            )
        locks.append((folder / "server.streaming").open("w"))
        fcntl.flock(locks[-1], fcntl.LOCK_EX)
        return open_workspace(folder, environment={"SUASION_KEY": "of the test"})

    yield made
    for lock in locks:
        lock.close()


@pytest.fixture(scope="module")
def taking(
    streamed: Callable[..., Workspace], tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Workspace, Site]]:
    """A workspace that takes any number of events, and a server of it in one process."""
    workspace = streamed(tmp_path_factory.mktemp("taking") / "town")
    with _serving(workspace, None, 1) as site:
        yield workspace, site
