"""Bodies of requests: no larger, no slower and no more of them together than is good for the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from suasion.ingest import tracking
from suasion.server.answers import Receive, RequestError

LONGEST = 10.0
"""Seconds until all of a body must be there."""
TOGETHER = 256 * 1024 * 1024
"""Octets of all bodies under way."""


@dataclass
class Bodies:
    """Reads bodies.

    Parameters
    ----------
    most : int
        Octets of one, packed or not.
    longest : float
        Seconds of one.
    together : int
        Octets of all that were read and are not done with.
    """

    most: int = tracking.MOST_BODY
    longest: float = LONGEST
    together: int = TOGETHER
    _held: int = field(default=0, init=False)

    async def read(self, receive: Receive, announced: bytes) -> bytes:
        """Read a body; `done` must be told when it is no longer held.

        Parameters
        ----------
        receive : callable
        announced : bytes
            ``Content-Length``, or empty.

        Raises
        ------
        RequestError
            413 it is too large, 408 too slow or cut off, 503 there are too many.
        """
        if announced.isdigit() and int(announced) > self.most:
            raise self.too_large()
        try:
            async with asyncio.timeout(self.longest):
                return await self._all_of(receive)
        except TimeoutError:
            raise RequestError(408, "too_slow", f"Send the whole body within {self.longest:.0f} s.") from None

    async def _all_of(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestError(408, "cut_off", "The connection ended before the body did.")
                part, more = message.get("body", b""), message.get("more_body", False)
                parts.append(part)
                size += len(part)
                self._held += len(part)
                if size > self.most:
                    raise self.too_large()
                if self._held > self.together:
                    raise RequestError(503, "busy", "Too many bodies at once; try again.", wait=1)
        except BaseException:
            self._held -= size
            raise
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def done(self, body: bytes) -> None:
        """A body is no longer held."""
        self._held -= len(body)

    def too_large(self) -> RequestError:
        """413."""
        return RequestError(413, "too_large", f"At most {self.most} octets, unpacked: send smaller batches.")


def hurried(receive: Receive, longest: float, now: Callable[[], float]) -> Receive:
    """Let an application see a client that is too slow as one that has gone.

    Parameters
    ----------
    receive : callable
    longest : float
        Seconds for the whole body.
    now : callable
        A clock that never goes back.
    """
    end = now() + longest
    whole = False

    async def received() -> object:
        nonlocal whole
        if whole:
            return await receive()  # waits for the client to go, which may take as long as the answer
        try:
            message = await asyncio.wait_for(receive(), max(0.0, end - now()))
        except TimeoutError:
            return {"type": "http.disconnect"}
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return received  # pyright: ignore[reportReturnType]
