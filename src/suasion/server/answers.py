"""Answers of the hot endpoints: bare ASGI, JSON, readable by any page, for no cookie is ever looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
Pairs = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
OPEN = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"etag, retry-after"),
    (b"x-content-type-options", b"nosniff"),
)
"""For every page, without credentials: whoever calls sends a key."""


class RequestError(Exception):
    """A request is not taken, and nothing of it was kept.

    Parameters
    ----------
    status : int
        Of HTTP.
    code : str
        For programs: short and stable.
    message : str
        For whoever reads the client's log; no values of the request.
    wait : int, optional
        Seconds after which to try again.
    """

    def __init__(self, status: int, code: str, message: str, wait: int | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.wait = wait


async def answer(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    """Answer with JSON."""
    sized = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [JSON, sized, *OPEN, *headers]})
    await send({"type": "http.response.body", "body": body})


def lines(headers: Headers) -> bytes:
    r"""Headers as HTTP/1.1 writes them.

    Examples
    --------
    >>> lines([JSON])
    b'content-type: application/json\r\n'
    """
    return b"".join(b"%b: %b\r\n" % header for header in headers)


async def refuse(send: Send, refusal: RequestError) -> None:
    """Answer with ``{"code", "message"}``, and after how many seconds to try again."""
    body = msgspec.json.encode({"code": refusal.code, "message": refusal.message})
    wait = () if refusal.wait is None else ((b"retry-after", b"%d" % refusal.wait),)
    ends = ((b"connection", b"close"),) if refusal.status == 408 else ()
    await answer(send, refusal.status, body, (*wait, *ends))


async def preflight(send: Send, methods: bytes, asked: bytes) -> None:
    """Answer what a browser asks before it asks (https://fetch.spec.whatwg.org/#cors-preflight-fetch).

    Parameters
    ----------
    send : callable
    methods : bytes
        As in ``Access-Control-Allow-Methods``.
    asked : bytes
        The headers that it wants to send; empty for those that clients are known to send.
    """
    known = b"authorization, content-type, content-encoding, x-api-key, x-retry-count, if-none-match"
    headers = [
        *OPEN,
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", asked or known),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"access-control-request-headers"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def header(headers: Headers, name: bytes) -> bytes:
    """The first header of a name, which is in lower case; empty where there is none."""
    return next((value for key, value in headers if key == name), b"")
