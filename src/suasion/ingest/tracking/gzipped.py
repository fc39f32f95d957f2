"""Bodies that come compressed, with a bound on what they may grow to."""

from __future__ import annotations

import zlib

from suasion.errors import InputError

_GZIP = 31
"""The window of zlib, and a gzip header: https://docs.python.org/3/library/zlib.html#zlib.decompressobj."""


def inflated(body: bytes, most: int) -> bytes:
    """What a gzip body holds, but never more than one byte above `most`.

    Parameters
    ----------
    body : bytes
        One or several gzip members (RFC 1952).
    most : int
        The greatest length that the caller takes.

    Returns
    -------
    bytes
        The content; where it is longer than `most`, its first ``most + 1`` bytes, so that its length tells.

    Raises
    ------
    InputError
        Not gzip, or cut off.

    Examples
    --------
    >>> import gzip
    >>> inflated(gzip.compress(b"{}"), 100)
    b'{}'
    >>> len(inflated(gzip.compress(bytes(10_000_000)), 100))
    101
    """
    parts: list[bytes] = []
    room = most + 1
    while body and room:
        reader = zlib.decompressobj(_GZIP)
        try:
            parts.append(reader.decompress(body, room))
        except zlib.error:
            raise _refused("not gzip") from None
        room -= len(parts[-1])
        if room and not reader.eof:
            raise _refused("gzip that is cut off")
        body = reader.unused_data
    return b"".join(parts)


def _refused(found: str) -> InputError:
    return InputError("body with Content-Encoding gzip", found, "Send it again, or uncompressed.")
