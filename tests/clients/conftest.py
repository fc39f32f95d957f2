"""A workspace of which docs/live.md tells, followed block by block and served by a process of its own."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from typer.testing import CliRunner

import suasion
from suasion.cli.app import app
from suasion.errors import BusyError
from suasion.ingest.inbox import Inbox
from suasion.ingest.tracking import Event
from suasion.ledger import running

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "live.md"
BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
SECRET = {"SUASION_KEY": "a secret that only the office has"}
URL = "http://127.0.0.1:8000"
"""Of the page; the server of the tests has any port that is free."""
SLOW = """
write_key = "wk_slow_0123456789"
user_id = "member"
basis = "consent"
purposes = ["public_health"]
territory = "DE"
events_per_second = 0.5
"""
"""A stream that may send hardly anything."""


@dataclass
class Office:
    """The workspace, its server, and what the page was answered.

    Parameters
    ----------
    folder : Path
        Where the blocks were followed; the workspace is in it.
    url : str
    said : list of (str, str)
        Each line of the page that was run, and what it printed.
    shown : list of (str, str, str)
        Where the page shows an answer: the line, what it printed, what the page shows.
    """

    folder: Path
    url: str = URL
    said: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    shown: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    write_key: str = "wk_web_0123456789"
    secret: Mapping[str, str] = field(default_factory=lambda: SECRET)

    @property
    def workspace(self) -> Path:
        return self.folder / "office"

    @property
    def key(self) -> str:
        return (self.folder / "key.txt").read_text("utf-8").strip()

    def ask(self, path: str, said: Any, key: str | None = None) -> tuple[int, Any, dict[str, str]]:
        """Status, answer and headers of a request."""
        headers = {"Authorization": f"Bearer {self.key if key is None else key}"}
        request = Request(f"{self.url}{path}", json.dumps(said).encode(), headers)
        try:
            answer = urlopen(request, timeout=30)
        except HTTPError as refused:
            answer = refused
        with answer:
            named = {name.lower(): one for name, one in answer.headers.items()}
            return answer.status, json.load(answer), named

    def decide(self, who: str) -> Any:
        """What to show to somebody."""
        context = {"targetingKey": who}
        return self.ask("/v1/decide", {"placement": "banner", "context": context})[1]

    def residents(self, answered: str) -> list[str]:
        """Grown-ups of the register by what they answered: "yes", "expired" long ago, "no" or nothing."""
        with (self.workspace / "sources" / "residents.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if int(row["age"] or 0) >= 18]
        today = datetime.now(UTC).date().isoformat()
        for row in rows:
            if row["email_ok"] == "yes" and row["email_ok_until"] < today:
                row["email_ok"] = "expired"
        return [row["member"] for row in rows if row["email_ok"] == answered]

    def arrived(self) -> dict[str, list[Event]]:
        """What waits in the inbox, by the user's or else the anonymous id."""
        with closing(Inbox.open(self.workspace / "inbox.db")) as box:
            events = [event for batch in box.batches(0, 10_000) for event in batch.events]
        found: dict[str, list[Event]] = {}
        for event in events:
            found.setdefault(event.user_id or event.anonymous_id or "", []).append(event)
        return found

    def of(self, user: str) -> dict[str, Event]:
        """A user's events by type; there must be one of each."""
        events = self.arrived().get(user, [])
        found = {event.type: event for event in events}
        assert len(found) == len(events), f"stored twice: {[event.type for event in events]}"
        return found

    @staticmethod
    def until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
        """Wait for something; the kernels of a fresh installation compile meanwhile."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it never came to that"
            time.sleep(0.05)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The page, followed to its end; the server goes on."""
    if shutil.which("curl") is None:
        pytest.skip("Debian's package 'curl' is not installed")
    made = Office(tmp_path_factory.mktemp("live"))
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(made.folder)
            for block in BLOCK.finditer(PAGE.read_text("utf-8")):
                text = block["text"]
                match block["kind"]:
                    case "toml":
                        write(Path(block["file"]), text)
                    case "json":
                        made.shown.append((*made.said[-1], text))
                    case "python":
                        made.said.append((text, executed(text.replace(URL, made.url))))
                    case _:
                        _follow(made, text, patch, stack)
        yield made


def _follow(made: Office, text: str, patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    for line in text.splitlines():
        if line.startswith("suasion serve "):
            write(made.workspace / "streams" / "slow.toml", SLOW)
            made.url = stack.enter_context(served(made.workspace))
        else:
            made.said.append((line, followed(line.replace(URL, made.url), patch)))
        if line.startswith(("suasion placement pause ", "suasion placement resume ")):
            who, is_paused = made.residents("yes")[1], " pause " in line
            made.until(lambda: (made.decide(who)["reason"] == "DISABLED") == is_paused)  # noqa: B023


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")


def executed(program: str) -> str:
    """What a program prints."""
    with redirect_stdout(StringIO()) as printed:
        exec(compile(program, PAGE, "exec"), {})
    return printed.getvalue()


@contextmanager
def served(workspace: Path) -> Generator[str]:
    """Serve a workspace by the command that people use."""
    command = [sys.executable, "-m", "suasion.cli", "serve", "-w", str(workspace), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().removeprefix("serving on ").strip()
        server.terminate()


def followed(line: str, patch: pytest.MonkeyPatch) -> str:
    """Run a line of the page as a shell would, `suasion` in this process."""
    if line.startswith("export "):
        patch.setenv(*shlex.split(line)[1].split("=", 1))
        return ""
    if not line.startswith("suasion "):
        ran = subprocess.run(["/bin/sh", "-ec", line], check=True, stdout=subprocess.PIPE, text=True)
        return ran.stdout
    command, _, target = line.partition(" > ")
    done = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
    assert done.exit_code == 0, f"{line}: {done.output}"
    if target:
        Path(target).write_text(done.stdout, "utf-8")
    return done.stdout


@pytest.fixture
def still(office: Office) -> Iterator[Office]:
    """The office while nothing is taken out of its inbox: the one run that there may be is ours."""
    ws = suasion.open(office.workspace, environment=office.secret)
    with ExitStack() as stack:
        office.until(lambda: _entered(stack, running(ws.ledger, ws.lake, "a test", datetime.now(UTC))))
        yield office


def _entered(stack: ExitStack, run: Any) -> bool:
    try:
        stack.enter_context(run)
    except BusyError:
        return False
    return True


Node = Callable[..., Any]


@pytest.fixture(scope="session")
def node() -> Node:
    """Run a driver of clients for Node; what it prints last is JSON."""
    if shutil.which("node") is None:
        pytest.skip("Debian's package 'nodejs' is not installed")
    if not (HERE / "node_modules").is_dir():
        pytest.skip("run `npm ci --ignore-scripts` in tests/clients")

    def run(driver: str, told: Mapping[str, Any]) -> Any:
        command = ["node", str(HERE / f"{driver}.mjs"), json.dumps(told)]
        ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    return run
