"""Connections, and how they end: who keeps a place and asks nothing loses it; who asked is answered."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from suasion.server.answers import JSON, OPEN, Pairs, lines
from suasion.server.application import Quick, Served

PATIENCE = 10.0
"""Seconds for the head of a request, and for what is left of one that is answered."""
MOST_HEAD = 64 * 1024
"""Octets of a head that is not complete."""


_FINE = b"HTTP/1.1 200 OK\r\n"
_KNOWN = 16
"""Heads that a connection remembers."""


class _Known(NamedTuple):
    """A head that was read before, as it came: the same octets say the same again."""

    head: bytes
    headers: Pairs
    quick: Quick


class Protocol(HttpToolsProtocol):
    """A connection that knows since when it owes the rest of a request.

    What an application can answer at once is answered before the call that brings the whole request returns:
    a scope, a task, two messages and a clock for each request would take longer than the answer. Of clients
    that ask again and again, heads are the same to the last octet: they are read once. Everything else goes
    the way of ASGI: a request that comes in parts, is queued behind another, or is refused.
    """

    owes_since = math.inf
    _headed = False
    _head = 0
    _quick: Quick | None = None
    _held: list[bytes] | None = None
    """The body of a request that may be answered at once; None where there is none."""
    _fine: tuple[Pairs, bytes] = [], b""
    """Headers that the server adds, and the beginning of an answer with them."""
    _heard_at = -math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._known: dict[int, _Known] = {}
        self._answered: list[tuple[Quick, bytes]] = []
        self._owe()

    def data_received(self, data: bytes) -> None:
        is_between = self.owes_since == math.inf
        if is_between and self._answers_known(data):
            return
        self._answered.clear()
        super().data_received(data)
        if is_between and len(self._answered) == 1:
            self._remember(data, *self._answered[0])
        if self._held is not None:
            self._let_go()
        if not self._headed:
            self._head += len(data)
            if self._head > MOST_HEAD:
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._owe()

    def on_headers_complete(self) -> None:
        self._headed = True
        self._quick = self._quick_way()
        if self._quick is None:
            super().on_headers_complete()
        else:
            self._held = []

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        self.owes_since = math.inf
        if self._held is not None and self._quick is not None:
            made = self._quick(self.headers, b"".join(self._held))
            if made is not None:
                self._answered.append((self._quick, b"".join(self._held)))
                self._held = None
                self._write(made)
                self.on_response_complete()
                return
            self._let_go()
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection on which nothing is asked any more."""
        left = self._heard_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def end_if_late(self, now: float) -> None:
        """End a connection on which nobody waits for an answer."""
        if now - self.owes_since > PATIENCE and (not self._headed or self.cycle.response_complete):
            self.transport.close()

    def _owe(self) -> None:
        self.owes_since = self.loop.time()
        self._headed = False
        self._head = 0

    def _quick_way(self) -> Quick | None:
        """What may answer at once; only to whom the answer can be written, and nobody waits before it."""
        quick = self.app.quick.get(self.url) if isinstance(self.app, Served) else None
        parser = self.parser
        if quick is None or parser is None:
            return None
        is_plain = parser.get_method() == b"POST" and parser.get_http_version() == "1.1"
        stays = parser.should_keep_alive() and not parser.should_upgrade() and not self.expect_100_continue
        return quick if is_plain and stays and self._is_free() else None

    def _is_free(self) -> bool:
        """Whether nobody waits on this connection, and there are not too many of them."""
        last = cast("RequestResponseCycle | None", self.cycle)
        is_next = (last is None or last.response_complete) and not self.flow.write_paused
        return is_next and (self.limit_concurrency is None or len(self.connections) < self.limit_concurrency)

    def _answers_known(self, data: bytes) -> bool:
        """Answer a whole request whose head came before, octet by octet; it says how long the body is."""
        known = self._known.get(len(data))
        if known is None or not data.startswith(known.head) or not self._is_free():
            return False
        made = known.quick(known.headers, data[len(known.head) :])
        if made is None:
            return False
        self._heard_at = self.loop.time()
        self._write(made)
        return True

    def _remember(self, data: bytes, quick: Quick, body: bytes) -> None:
        """Remember the head of a request that came as a whole, alone, and not in chunks."""
        head = data.removesuffix(body)
        if head.find(b"\r\n\r\n") == len(head) - 4 and len(self._known) < _KNOWN:
            self._known[len(data)] = _Known(head, self.headers, quick)

    def _write(self, made: bytes) -> None:
        self.transport.write(self._begun() + b"%d\r\n\r\n%b" % (len(made), made))

    def _let_go(self) -> None:
        """Give a request to the application after all, as far as it has come."""
        held, self._held = self._held or [], None
        if not self.transport.is_closing():
            super().on_headers_complete()
            for part in held:
                super().on_body(part)

    def _begun(self) -> bytes:
        """All of an answer before its length; the server changes the date once a second."""
        added = self.server_state.default_headers
        if self._fine[0] is not added:
            self._fine = added, _FINE + lines([*added, JSON, *OPEN]) + b"content-length: "
        return self._fine[1]


class Server(uvicorn.Server):
    """A server of uvicorn that looks after its connections, and ends when it is asked to.

    Parameters
    ----------
    config : uvicorn.Config
    ending : callable
        Called when it begins to end.
    is_asked : callable
        Whether it was asked to end, by other ways than the signals that uvicorn knows.
    """

    def __init__(
        self, config: uvicorn.Config, ending: Callable[[], None], is_asked: Callable[[], bool]
    ) -> None:
        super().__init__(config)
        self._ending = ending
        self._is_asked = is_asked

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if self._is_asked():
            self.should_exit = True
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Protocol):
                    connection.end_if_late(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Answer what is under way, and end."""
        self._ending()
        await super().shutdown(sockets)  # pyright: ignore[reportArgumentType]
