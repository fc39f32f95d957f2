"""Halves of characters in JSON text, as JavaScript leaves them where it cuts an emoji in two."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape in a text: a pair of surrogates, a half of one, or any other."""


def whole(body: bytes) -> bytes:
    r"""The body with the character U+FFFD in place of each surrogate that has no other half.

    Examples
    --------
    >>> whole(rb'["\ud83d", "\ud83d\ude00", "\\ud83d"]').decode()
    '["\\ufffd", "\\ud83d\\ude00", "\\\\ud83d"]'
    """
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
