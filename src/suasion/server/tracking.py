"""The Tracking API of Segment and RudderStack: events are on disk before they are acknowledged."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from suasion.errors import BusyError, InputError, SuasionError
from suasion.ingest import Stream, inbox, tracking
from suasion.server.answers import (
    Headers,
    Receive,
    RequestError,
    Scope,
    Send,
    answer,
    header,
    preflight,
    refuse,
)
from suasion.server.bodies import Bodies
from suasion.server.limits import Limits
from suasion.server.metrics import Metrics
from suasion.server.streams import Streams, key_in

NAMES = ("identify", "track", "page", "screen", "group", "alias", "batch")
ROUTES = {f"/v1/{said}{slash}": name for name in NAMES for said in (name, name[0]) for slash in ("", "/")}
"""What is posted where; browsers post to the first letter."""
TAKEN = b'{"success":true}'
_BUSY_FOR, _BROKEN_FOR = 1, 10
"""Seconds until it is worth to try again: the queue is full; the disk is."""
_log = logging.getLogger("suasion.server")


@dataclass(frozen=True)
class Tracking:
    """Takes events into the inbox; a bare ASGI callable for the paths of `ROUTES`.

    Parameters
    ----------
    streams : Streams
    inbox : Inbox
    limits : Limits
        Of events, by stream.
    bodies : Bodies
    metrics : Metrics
    now : callable
        The clock: seconds since 1970.
    """

    streams: Streams
    inbox: inbox.Inbox
    limits: Limits
    bodies: Bodies
    metrics: Metrics
    now: Callable[[], float]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS":
            await preflight(send, b"POST", header(scope["headers"], b"access-control-request-headers"))
            return
        route, begun = ROUTES[scope["path"]], time.perf_counter()
        try:
            stored = await self._take(scope, receive, route)
        except RequestError as refusal:
            self.metrics.refused(route, refusal.code)
            await refuse(send, refusal)
        else:
            self.metrics.stored(stored.new, stored.again, stored.dead)
            await answer(send, 200, TAKEN)
        self.metrics.took(route, time.perf_counter() - begun)

    async def _take(self, scope: Scope, receive: Receive, route: str) -> inbox.Stored:
        if scope["method"] != "POST":
            raise RequestError(405, "not_allowed", "POST events here.")
        headers: Headers = scope["headers"]
        key = key_in(header(headers, b"authorization"))
        stream = None if key is None else self._stream(key)
        if stream is not None:
            self._unless_early(self.limits.wait(stream.name))
        body = await self.bodies.read(receive, header(headers, b"content-length"))
        try:
            parsed = self._parsed(body, header(headers, b"content-encoding"), route)
            return await self._store(stream or self._stream(parsed.write_key), parsed)
        finally:
            self.bodies.done(body)

    def _stream(self, key: str | None) -> Stream:
        stream = self.streams().get(key or "")
        if stream is None:
            said = "Send the write key of a stream: as user of Basic, as Bearer, or as writeKey of the body."
            raise RequestError(401, "unknown_key", said)
        return stream

    def _parsed(self, body: bytes, packed: bytes, route: str) -> tracking.Parsed:
        try:
            return tracking.parse(self._unpacked(body, packed.strip().lower()), route, self.now())
        except InputError as error:
            raise RequestError(400, "invalid", f"{error.found}. {error.todo}") from None

    def _unpacked(self, body: bytes, packed: bytes) -> bytes:
        if packed in (b"", b"identity"):
            return body
        if packed not in (b"gzip", b"x-gzip"):
            raise RequestError(415, "unknown_encoding", "Send bodies plain or packed by gzip.")
        unpacked = tracking.inflated(body, self.bodies.most)
        if len(unpacked) > self.bodies.most:
            raise self.bodies.too_large()
        return unpacked

    async def _store(self, stream: Stream, parsed: tracking.Parsed) -> inbox.Stored:
        """Wait until it is on disk."""
        many = len(parsed.ids) + len(parsed.dead)
        if not many:
            return inbox.Stored(0, 0, 0)
        self._unless_early(self.limits.take(stream.name, many, stream.events_per_second))
        try:
            return await _result(self.inbox.offer(stream.name, parsed, self.now()))
        except BusyError:
            raise RequestError(503, "busy", "Nothing was taken: send it again.", wait=_BUSY_FOR) from None
        except SuasionError as error:
            _log.error("no events are taken: %s", error)
            raise RequestError(
                503, "unavailable", "Nothing was taken: send it again.", wait=_BROKEN_FOR
            ) from None

    @staticmethod
    def _unless_early(wait: float) -> None:
        if wait:
            said = "More events a second than the stream may send; nothing was taken: send it again."
            raise RequestError(429, "too_many", said, wait=max(1, math.ceil(wait)))


async def _result(stored: Future[inbox.Stored]) -> inbox.Stored:
    """What the writer made of it; unlike by `asyncio.wrap_future`, who ends here cancels nothing there."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not waiting.done():
            waiting.set_result(None)

    stored.add_done_callback(lambda _: loop.call_soon_threadsafe(tell))
    await waiting
    return stored.result()
