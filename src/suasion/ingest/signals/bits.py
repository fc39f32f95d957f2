"""Bits that were written as text: six a character, in the alphabet of base64url (RFC 4648, section 5)."""

from __future__ import annotations

import base64
import re

from suasion.errors import InputError

LONGEST = 1 << 15
"""Characters of a text; real ones have some hundreds."""

_TEXT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_TODO = "Take it from where it was made, whole and unchanged."


def malformed(asked: str, found: str) -> InputError:
    """The one error of all readers; it quotes nothing."""
    return InputError(asked, found, _TODO)


class Bits:
    """Bits, read from the front.

    Parameters
    ----------
    asked : str
        What they are of, for errors.
    text : str

    Raises
    ------
    InputError
        The text is empty, too long, or of other characters.

    Examples
    --------
    >>> bits = Bits("a segment", "D_")
    >>> bits.number(6), bits.number(4), bits.left
    (3, 15, 2)
    """

    def __init__(self, asked: str, text: str) -> None:
        if len(text) > LONGEST or not _TEXT.fullmatch(text):
            raise malformed(asked, "empty, too long, or of characters that are not base64url")
        whole = base64.urlsafe_b64decode(text + "A" * (-len(text) % 4))
        self._asked = asked
        self.left = 6 * len(text)
        self._value = int.from_bytes(whole, "big") >> (8 * len(whole) - self.left)

    def number(self, width: int) -> int:
        """The next bits as a number, the highest first; InputError where there are too few."""
        if width > self.left:
            raise malformed(self._asked, "it ends too early")
        self.left -= width
        found = self._value >> self.left
        self._value &= (1 << self.left) - 1
        return found

    def flag(self) -> bool:
        """The next bit."""
        return bool(self.number(1))

    def places(self, width: int) -> frozenset[int]:
        """Which of the next bits are set, counted from 1."""
        return members(int(f"{self.number(width):0{width}b}"[::-1], 2) << 1) if width else frozenset()

    def letters(self, count: int) -> str:
        """The next letters, six bits each, A being 0."""
        codes = [self.number(6) for _ in range(count)]
        if max(codes) > 25:
            raise malformed(self._asked, "a letter that is none")
        return "".join(chr(65 + code) for code in codes)

    def fibonacci(self) -> int:
        """The next number from 1 on in Fibonacci coding: it ends at the first two set bits in a row."""
        total, before, this, last = 0, 1, 1, False
        while True:
            bit = self.flag()
            if bit and last:
                return total
            total += this if bit else 0
            before, this, last = this, before + this, bit


def members(mask: int) -> frozenset[int]:
    """The places of the bits that are set, the lowest being 0.

    Examples
    --------
    >>> sorted(members(0b1010))
    [1, 3]
    """
    return frozenset(place for place, bit in enumerate(f"{mask:b}"[::-1]) if bit == "1")
