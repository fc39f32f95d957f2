"""The ASGI application of a workspace: hot paths go to bare callables, the rest to pages and their data."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suasion.ingest import inbox
from suasion.ledger import tokens
from suasion.server.answers import Application, Pairs, Receive, RequestError, Scope, Send, refuse
from suasion.server.app import app
from suasion.server.background import Background, alone
from suasion.server.bodies import LONGEST, Bodies, hurried
from suasion.server.decisions import Decisions, endpoints
from suasion.server.keys import keys_of
from suasion.server.limits import Limits
from suasion.server.metrics import Metrics
from suasion.server.settings import ProjectSettings, is_settings
from suasion.server.standing import Standing
from suasion.server.streams import streams_of
from suasion.server.tracking import ROUTES, Tracking
from suasion.server.troubles import Troubles
from suasion.workspace import Workspace, streaming

STREAMING = "server.streaming"
"""File whose lock has the one process that drains the inbox."""
Quick = Callable[[Pairs, bytes], bytes | None]
"""From headers and body to the JSON of a good answer, without waiting; None is for the way of ASGI."""
_log = logging.getLogger("suasion.server")


@dataclass(frozen=True)
class Shared:
    """What the processes of a server have together; made before they are.

    Parameters
    ----------
    metrics : Path, optional
        Folder of what they count; None for one process.
    limits : Limits
    is_drained : bool
        Whether a process of its own drains the inbox; where none does, a thread of one of these does.
    """

    metrics: Path | None = None
    limits: Limits = field(default_factory=Limits)
    is_drained: bool = False


class Served:
    """A bare ASGI callable; `close` when it is done with.

    Parameters
    ----------
    hot : dict of str to Application
        By exact path.
    settings : Application
        For browsers.
    decisions : Decisions
        For ``/v1/decide`` and what begins with ``/ofrep/``.
    pages : Application
        All else.
    standing : Standing
    closing : sequence of callables
        Called in this order at the end.
    """

    def __init__(
        self,
        hot: dict[str, Application],
        settings: Application,
        decisions: Decisions,
        pages: Application,
        standing: Standing,
        closing: Sequence[Callable[[], object]],
    ) -> None:
        self._hot = hot
        self._settings = settings
        self._decisions = decisions
        self._pages = pages
        self._standing = standing
        self._closing = list(closing)
        self.quick: Mapping[bytes, Quick] = {b"/v1/decide": self._decided}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._live(scope, receive, send)
            return
        path = scope["path"]
        taken = self._hot.get(path)
        if taken is not None:
            await taken(scope, receive, send)
        elif path.startswith(("/v1/decide", "/ofrep/")):
            await self._timed("decisions", self._decisions, scope, receive, send)
        elif is_settings(path):
            await self._settings(scope, receive, send)
        elif path.startswith("/v1/"):
            await nothing(scope, receive, send)
        else:
            quick = (
                receive if scope["method"] in ("GET", "HEAD") else hurried(receive, LONGEST, time.monotonic)
            )
            await self._timed("pages", self._pages, scope, quick, send)

    def drain(self) -> None:
        """Say that it is about to end."""
        self._standing.draining = True

    def close(self) -> None:
        """Write what was taken, and let go of all files; a second time does nothing."""
        self.drain()
        while self._closing:
            self._closing.pop(0)()

    def _decided(self, headers: Pairs, body: bytes) -> bytes | None:
        """A decision; what fails, fails again on the way of ASGI, which tells of it."""
        begun = time.perf_counter()
        try:
            made = self._decisions.at_once(headers, body)
        except Exception:
            return None
        if made is not None:
            self._standing.metrics.took("decisions", time.perf_counter() - begun)
        return made

    async def _timed(
        self, route: str, application: Application, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Count how long it takes, and tell of what failed: the part of the road, never the path."""
        begun, status = time.perf_counter(), 500

        async def counting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await application(scope, receive, counting)
        finally:
            took = time.perf_counter() - begun
            self._standing.metrics.took(route, took)
            if status >= 400:
                self._standing.metrics.refused(route, str(status))
            if status >= 500:
                told = {"route": route, "status": status, "ms": round(1000 * took)}
                _log.error("a request failed", extra={"told": told})

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Servers that are not ours say when they end."""
        while scope["type"] == "lifespan":
            said = (await receive())["type"]
            if said == "lifespan.shutdown":
                self.close()
            await send({"type": f"{said}.complete"})
            if said == "lifespan.shutdown":
                return


def application(workspace: Workspace, shared: Shared | None = None) -> Served:
    """Make the ASGI application of a workspace.

    Parameters
    ----------
    workspace : Workspace
    shared : Shared, optional
        Where other processes serve it, too.

    Returns
    -------
    Served

    Raises
    ------
    WorkspaceError
        Without the workspace's key no token would be known; or keys or streams are malformed.
    """
    shared = shared or Shared()
    pages = app(workspace)
    streams, keys, metrics = streams_of(workspace.folder), keys_of(workspace.folder), Metrics(shared.metrics)
    taken = streaming.inbox_of(workspace.folder, workspace.ledger)
    taken.check()
    take = Tracking(streams, taken, shared.limits, Bodies(), metrics, lambda: workspace.now().timestamp())
    settings = ProjectSettings(streams, workspace.settings.public_url, metrics)
    decided = endpoints(workspace, keys, metrics)
    troubles = Troubles(workspace.folder, workspace.ledger, decided.decider.broken)
    standing = Standing({"ledger": _ledger(workspace), "inbox": taken.check}, keys, metrics, troubles)
    standing.mount(pages)
    closing = [decided.close, taken.close]
    if not shared.is_drained:
        beside = Background(workspace.folder / STREAMING, _streamer(workspace, taken).run)
        closing.insert(0, beside.close)
    return Served(dict.fromkeys(ROUTES, take), settings, decided, pages, standing, closing)


def drain(workspace: Workspace, asked: threading.Event) -> None:
    """Drain the inbox, and let policies learn, until asked to end; as long as no other process does.

    Parameters
    ----------
    workspace : Workspace
    asked : threading.Event
    """
    taken = streaming.inbox_of(workspace.folder, workspace.ledger)
    try:
        alone(workspace.folder / STREAMING, _streamer(workspace, taken).run, asked)
    finally:
        taken.close()


def check(workspace: Workspace) -> None:
    """Raise what `application` would, without beginning anything."""
    tokens.require_key(workspace.ledger, workspace.key)
    streams_of(workspace.folder)
    keys_of(workspace.folder)
    streaming.inbox_of(workspace.folder, workspace.ledger).close()


async def nothing(_scope: Scope, _receive: Receive, send: Send) -> None:
    """There is nothing at the path."""
    await refuse(send, RequestError(404, "not_found", "There is nothing at this path."))


def _streamer(workspace: Workspace, taken: inbox.Inbox) -> streaming.Streamer:
    return streaming.Streamer(workspace.folder, workspace.ledger, workspace.lake, taken, workspace.key)


def _ledger(workspace: Workspace) -> Callable[[], object]:
    def opens() -> None:
        with workspace.ledger.reading() as connection:
            connection.exec_driver_sql("SELECT 1").all()

    return opens
