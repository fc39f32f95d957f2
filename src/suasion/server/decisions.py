"""What to show: ``POST /v1/decide``, and ``/ofrep`` for the SDKs of OpenFeature; bare ASGI.

A read is no exposure. Nothing is written, and nothing but memory is read, until somebody tells by an event
that a decision was seen.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Generator, Sequence
from typing import Annotated, Any

import msgspec

from suasion.errors import SuasionError
from suasion.server import ofrep
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
from suasion.server.keys import Keys, keys_of
from suasion.server.metrics import Metrics
from suasion.workspace import Workspace, deciding

PATHS = ("/v1/decide", "/ofrep/")
"""What `Decisions` answers: these, and what begins with the second."""
MOST_PERSONS = 1000
MOST_BODY = 1024 * 1024
"""Octets."""
AT_ONCE = 25
"""Persons decided for before others who wait are."""
RATE, BURST = 50_000.0, 2.0
"""Persons a second for each key and process, and how many seconds of that a client may be ahead."""
_ENCODER = msgspec.json.Encoder()


class Context(msgspec.Struct, gc=False):
    """Whom it is about; what else a client says of its users is not looked at."""

    targetingKey: str | int | None = None  # noqa: N815  the name of OpenFeature
    userId: str | int | None = None  # noqa: N815  the name of Segment

    @property
    def named(self) -> str | None:
        """An identifier."""
        said = self.targetingKey if self.targetingKey not in (None, "") else self.userId
        return None if said in (None, "") else str(said)


class Asked(msgspec.Struct, gc=False):
    """The body of ``/v1/decide``: a list of contexts gets a list of decisions."""

    placement: str
    context: Context | Annotated[list[Context], msgspec.Meta(max_length=MOST_PERSONS)] | None = None
    candidates: Annotated[list[str], msgspec.Meta(max_length=MOST_PERSONS)] | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


_DECODER = msgspec.json.Decoder(Asked)


class Decisions:
    """Answers what to show; a bare ASGI callable for `PATHS`; `close` when it is done with.

    Parameters
    ----------
    decider : Decider
        Started.
    keys : Keys
    metrics : Metrics
    clock : callable
        Seconds that never go back.
    """

    def __init__(
        self,
        decider: deciding.Decider,
        keys: Keys,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.decider = decider
        self._keys = keys
        self._metrics = metrics
        self._clock = clock
        self._bodies = Bodies(most=MOST_BODY)
        self._until: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = scope["headers"]
        if scope["method"] == "OPTIONS":
            await preflight(send, b"POST", header(headers, b"access-control-request-headers"))
            return
        try:
            await self._answer(scope, receive, send)
        except RequestError as refusal:
            await refuse(send, refusal)

    def at_once(self, headers: Headers, body: bytes) -> bytes | None:
        """The answer to a request at ``/v1/decide``; None where it is for several persons, or refused."""
        name = self._keys.name(headers, "decide")
        if name is None or self._late(name) > 0:
            return None
        try:
            asked = _DECODER.decode(body)
            return None if isinstance(asked.context, list) else self._for_one(name, asked, asked.context)
        except (msgspec.DecodeError, UnicodeDecodeError, RequestError):
            return None

    def close(self) -> None:
        """End the background work."""
        self.decider.stop()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, headers = scope["path"].rstrip("/"), scope["headers"]
        flag = path.removeprefix(f"{ofrep.PATH}/") if path.startswith(f"{ofrep.PATH}/") else None
        if flag is None and path not in ("/v1/decide", ofrep.PATH):
            raise RequestError(404, "not_found", "There is nothing at this path.")
        if scope["method"] != "POST":
            raise RequestError(405, "not_allowed", "POST what is asked here.")
        name = self._keys.name(headers, "decide")
        if name is None:
            said = "Send a key that may decide: Authorization: Bearer KEY, or X-API-Key: KEY."
            raise RequestError(401, "unknown_key", said)
        self._unless_early(name)
        body, held = await self._body(receive, headers)
        try:
            if path == "/v1/decide":
                await self._decide(name, body, send)
            elif flag is None:
                await self._every(name, body, header(headers, b"if-none-match"), send)
            else:
                self._take(name, 1)
                status, made, reason = ofrep.one(self.decider, flag, body)
                self._metrics.decided(reason)
                await answer(send, status, made)
        finally:
            self._bodies.done(held)

    async def _body(self, receive: Receive, headers: Headers) -> tuple[bytes, bytes]:
        """The body, and what `Bodies` holds of it: a clock is set only for whoever lets us wait.

        Nearly every body is there before it is asked for, and setting a clock takes as long as to decide.
        """
        waiting = receive().__await__()
        try:
            paused = next(waiting)
        except StopIteration as done:
            message = done.value
            if not message.get("more_body") and len(message.get("body", b"")) <= MOST_BODY:
                return message.get("body", b""), b""
            begun = _Answered(message)
        else:
            begun = _Waiting(waiting, paused)
        parts = iter((begun,))
        body = await self._bodies.read(
            lambda: next(parts, None) or receive(), header(headers, b"content-length")
        )
        return body, body

    async def _decide(self, name: str, body: bytes, send: Send) -> None:
        try:
            asked = _DECODER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RequestError(400, "invalid", f"{error}.") from None
        about = asked.context
        if isinstance(about, list):
            decided = await self._for_all(name, asked, about)
            made = _ENCODER.encode({"decisions": decided})
        else:
            made = self._for_one(name, asked, about)
        await answer(send, 200, made)

    def _for_one(self, name: str, asked: Asked, about: Context | None) -> bytes:
        self._take(name, 1)
        (one,) = self._decided(asked, (None if about is None else about.named,))
        self._metrics.decided(one.reason)
        return _ENCODER.encode(one)

    async def _for_all(self, name: str, asked: Asked, about: list[Context]) -> list[deciding.Answer]:
        self._take(name, len(about))
        decided = list[deciding.Answer]()
        for start in range(0, len(about), AT_ONCE):
            decided += self._decided(asked, [one.named for one in about[start : start + AT_ONCE]])
            await asyncio.sleep(0)
        for reason in {one.reason for one in decided}:
            self._metrics.decided(reason, sum(one.reason == reason for one in decided))
        return decided

    def _decided(self, asked: Asked, named: Sequence[str | None]) -> list[deciding.Answer]:
        try:
            return self.decider.decide_all(asked.placement, named, asked.candidates, asked.count)
        except SuasionError as error:
            if asked.placement in self.decider.broken():
                said = "The placement cannot be served: its declaration is wrong."
                raise RequestError(503, "unavailable", said, wait=10) from None
            raise RequestError(404, "unknown_placement", f"{error.found}. {error.todo}") from None

    async def _every(self, name: str, body: bytes, known: bytes, send: Send) -> None:
        status, made, reasons = ofrep.every(self.decider, body)
        self._take(name, len(reasons))
        for reason in set(reasons):
            self._metrics.decided(reason, reasons.count(reason))
        if status != 200:
            await answer(send, status, made)
            return
        tag = ofrep.etag(made)
        if ofrep.is_known(tag, known):
            await _unchanged(send, tag)
        else:
            await answer(send, 200, made, ((b"etag", tag),))

    def _unless_early(self, name: str) -> None:
        """Refuse whoever is too far ahead."""
        late = self._late(name)
        if late > 0:
            said = "More decisions a second than a key may ask for: ask again later."
            raise RequestError(429, "too_many", said, wait=max(1, math.ceil(late)))

    def _late(self, name: str) -> float:
        """Seconds that a key has to wait, if above zero."""
        return self._until.get(name, 0.0) - self._clock() - BURST

    def _take(self, name: str, persons: int) -> None:
        """Note what a key took, by the generic cell rate algorithm (ITU-T I.371, annex A)."""
        self._until[name] = max(self._until.get(name, 0.0), self._clock()) + persons / RATE


class _Answered:
    """What was received already, to be awaited."""

    def __init__(self, message: Any) -> None:
        self._message = message

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._message
        yield


class _Waiting:
    """What was awaited up to its first pause, to be awaited on."""

    def __init__(self, rest: Any, paused: Any) -> None:
        self._rest, self._paused = rest, paused

    def __await__(self) -> Generator[Any, Any, Any]:
        yield self._paused
        return (yield from self._rest)


def endpoints(workspace: Workspace, keys: Keys | None = None, metrics: Metrics | None = None) -> Decisions:
    """Begin to decide for a workspace.

    Parameters
    ----------
    workspace : Workspace
    keys : Keys, optional
        Those of its folder, if left out.
    metrics : Metrics, optional

    Returns
    -------
    Decisions
        Snapshots are there when this returns, and are made anew in the background until `close`.

    Raises
    ------
    WorkspaceError
        ``SUASION_KEY`` is not set, or is not the workspace's.
    """
    decider = deciding.Decider(workspace)
    decider.start()
    return Decisions(decider, keys or keys_of(workspace.folder), metrics or Metrics())


async def _unchanged(send: Send, tag: bytes) -> None:
    headers = [(b"etag", tag), (b"access-control-allow-origin", b"*")]
    headers.append((b"access-control-expose-headers", b"etag, retry-after"))
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
