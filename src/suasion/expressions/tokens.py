"""Text -> tokens: the closed vocabulary of the language, and its limits."""

from __future__ import annotations

import re
from typing import NamedTuple

from suasion.expressions.refusal import excerpt, refuse

# A list of 10,000 conditions takes 40,000 tokens and a list of 10,000 values 20,000. Longer lists belong
# in a trait of their own: they would cost seconds to parse and to plan.
MAX_TOKENS = 60_000
MAX_CHARACTERS = 1_000_000

KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "IS", "NULL", "TRUE", "FALSE"})

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<comment>--|/\*)
      | (?P<text>'(?:[^']|'')*+')
      | (?P<quoted>"(?:[^"]|"")*+")
      | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<foreign><=>|==)
      | (?P<symbol><>|!=|<=|>=|[=<>(),-])
      | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL,
)

_ABSENT = {
    "'": "a text whose quote is not closed",
    '"': "a name whose quote is not closed",
    ";": "';', but an expression is one condition",
    ".": "'.' outside of a number: write 0.5 for a half, and put a name with a dot in double quotes",
    "+": "arithmetic ('+')",
    "*": "arithmetic ('*')",
    "/": "arithmetic ('/')",
    "%": "arithmetic ('%')",
}


class Token(NamedTuple):
    """One word of the language.

    `kind` is a keyword, a symbol, or one of ``name``, ``text``, ``number``, ``end``; `content` is a
    name or text without its quotes; `at` counts characters from 1.
    """

    kind: str
    content: str
    at: int


def tokenize(text: object) -> list[Token]:
    """Split a text into tokens, the last one of kind ``end``.

    Raises
    ------
    ExpressionError
        If the text is no text, is empty or too long, or holds something that is not in the language.
    """
    source = _checked(text)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(source):
        tokens.append(_token(match))
        if len(tokens) > MAX_TOKENS:
            raise refuse(f"more than {MAX_TOKENS} words", "Store the long list as a trait, and ask for that.")
    return [*tokens, Token("end", "", len(source) + 1)]


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise refuse(f"a {type(text).__name__} instead of text", "Give the condition as text.")
    if len(text) > MAX_CHARACTERS:
        raise refuse(f"{len(text)} characters", f"Stay within {MAX_CHARACTERS}.")
    if not text.strip():
        raise refuse("an empty text", "Write a condition; true matches everybody.")
    # Neither character can be stored in every database we compile for.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise refuse("a NUL character or half of a surrogate pair", "Remove it: databases cannot hold it.")
    return text.rstrip()


def _token(match: re.Match[str]) -> Token:
    group = match.lastgroup or "other"
    content = match[group]
    at = match.start(group) + 1
    if group == "word":
        # Only ASCII letters make a keyword: upper() turns the name "ıs", with a dotless i, into IS.
        keyword = content.upper() if content.isascii() else ""
        return Token(keyword if keyword in KEYWORDS else "name", content, at)
    if group == "quoted":
        return Token("name", content[1:-1].replace('""', '"'), at)
    if group == "text":
        return Token("text", content[1:-1].replace("''", "'"), at)
    if group == "number":
        return Token("number", content, at)
    if group == "symbol":
        return Token("<>" if content == "!=" else content, content, at)
    raise refuse(f"{_absent(group, content)} at character {at}, which is not in the language")


def _absent(group: str, content: str) -> str:
    if group == "comment":
        return f"a comment ({content!r})"
    return _ABSENT.get(content, repr(excerpt(content)))
