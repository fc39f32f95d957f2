"""What a template says to a reader: plain sentences, whatever it was dressed in."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

_TAGS = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_FIELD = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_BREAK = re.compile(r"<(?:br|hr|/p|/div|/li|/tr|/td|/h\d|p|div|li|tr|td|h\d)\b[^<>]*>", re.IGNORECASE)
_ELEMENT = re.compile(r"<!--.*?-->|<[^<>]*>", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?…])(?<!\d\.)\s+|\n+")
_LOOKALIKES = str.maketrans("аеорсухіјѕԁɡⅼοαρτνκ", "aeopcyxijsdgloaptvk")
"""Letters of other scripts that look Latin; a word of another script has others, too, and stays."""


def plain(source: str) -> str:
    """The words of a template without tags, markup, and what is there to hide words.

    Both branches of an ``if`` are read. A field counts as one unknown word.

    Parameters
    ----------
    source : str

    Returns
    -------
    str
        Case kept; compatible forms are one (NFKC), invisible characters gone (Unicode category Cf), and
        single look-alike letters in Latin words Latin.

    Examples
    --------
    >>> plain("<p>Act n<b>o</b>w,&nbsp;{{ first_name }}!{% if age > 64 %} H\\u200burry.{% endif %}</p>")
    'Act now, □! Hurry.'
    """
    text = _FIELD.sub("□", _TAGS.sub("", source))
    text = html.unescape(_ELEMENT.sub("", _BREAK.sub("\n", text)))
    text = "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")
    text = re.sub(r"\w+", lambda word: _latin(word[0]), text).replace("\u2019", "'")
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def sentences(text: str) -> list[str]:
    """Plain text cut into sentences; a line ends one, too; a number with a dot does not.

    Examples
    --------
    >>> sentences("Come today! It is free.\\nYour office")
    ['Come today!', 'It is free.', 'Your office']
    """
    return [one.strip() for one in _SENTENCE.split(text) if one.strip()]


def folded(text: str) -> str:
    """Lower case without accents, and without what is put between letters to part them.

    Examples
    --------
    >>> folded("H-U-R-R-Y, Désolé, l o s e!")
    'hurry, desole, lose!'
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return re.sub(r"\b(?:\w[\s.\-_*]){2,}\w\b", lambda found: re.sub(r"[\s.\-_*]", "", found[0]), bare)


def joined(sources: Iterable[str]) -> str:
    """Several templates as one plain text."""
    return "\n".join(map(plain, sources))


def _latin(word: str) -> str:
    if word.isascii() or not any("a" <= one <= "z" for one in word.lower()):
        return word
    return word.translate(_LOOKALIKES)
