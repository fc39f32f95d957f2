"""The small language of a message: what a template may say, checked before the engine compiles it.

``{{ first_name }}`` writes a trait, ``{% if age >= 65 %} .. {% elif .. %} .. {% else %} .. {% endif %}``
chooses, ``{# .. #}`` is a comment. Expressions have traits, literals, lists, ``and or not in if else``,
``== != < <= > >= + - ~``, ``[ ]`` and `FILTERS`.

The list is closed because the engine (minijinja) bounds neither memory nor its stack, even with fuel: thirty
times ``{% set a = a ~ a %}`` takes gigabytes, and 20,000 times ``~`` ends the process. Without loops,
assignments and calls, what is written grows only with the template. And a filter such as ``safe``, by which
a name becomes markup, is not in the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from suasion.declarations import closest

FILTERS = ("capitalize", "int", "length", "lower", "round", "title", "trim", "upper", "urlencode")
STATEMENTS = ("if", "elif", "else", "endif")
MOST_PIECES = 1_000
"""Tags and tokens of a template."""
MOST_TOKENS = 100
"""In one tag. Both limits keep the engine, which recurses, within the half MB of a small thread's stack."""

Kind = Literal["text", "number", "boolean"]
"""What a value is to a template; a date is its ISO text."""

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_WORDS = ("if", "else", "and", "or", "not", "in")
_NOT_OURS = ("is", "none", "None")
"""Words of the engine: a field is never without a value, so nothing asks for that."""
_BOOLEANS = ("true", "True", "false", "False")
_TEXT = r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'"""
_OPENING = re.compile(r"\{[{%#]")
_REST = {
    "{{": re.compile(rf"(?P<inside>(?:{_TEXT}|[^\"'}}]|}}(?!}}))*+)}}}}", re.DOTALL),
    "{%": re.compile(rf"(?P<inside>(?:{_TEXT}|[^\"'%]|%(?!}}))*+)%}}", re.DOTALL),
    "{#": re.compile(r"(?P<inside>.*?)#}", re.DOTALL),
}
_TOKEN = re.compile(
    rf"(?P<text>{_TEXT})|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>[=!<>]=|[<>+\-~|()\[\],:])|(?P<odd>\S)",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """A piece of an expression: ``text``, ``number``, ``boolean``, ``field``, ``filter``, ``word``, ``sign``
    or ``odd``, which is none of them.
    """

    kind: str
    text: str


@dataclass(frozen=True)
class Tag:
    """One ``{{ }}``, ``{% %}`` or ``{# #}``: where it stands, and what is in it.

    `closed` is False where its end is missing; nothing after it was read.
    """

    opening: str
    start: int
    end: int
    line: int
    tokens: tuple[Token, ...]
    closed: bool = True


def tags(source: str) -> Iterator[Tag]:
    """The tags of a template, in order.

    Examples
    --------
    >>> [token.text for tag in tags("Dear {{ first_name|title }}") for token in tag.tokens]
    ['first_name', '|', 'title']
    """
    at, line = 0, 1
    while start := _OPENING.search(source, at):
        line += source.count("\n", at, start.start())
        rest = _REST[start[0]].match(source, start.end())
        if rest is None:
            yield Tag(start[0], start.start(), len(source), line, (), closed=False)
            return
        tokens = () if start[0] == "{#" else tuple(_tokens(rest["inside"]))
        yield Tag(start[0], start.start(), rest.end(), line, tokens)
        line += source.count("\n", start.start(), rest.end())
        at = rest.end()


def names(source: str) -> frozenset[str]:
    """The traits that a template names.

    Examples
    --------
    >>> sorted(names("{% if age > 64 %}{{ first_name|upper }}{% endif %}"))
    ['age', 'first_name']
    """
    return frozenset(token.text for tag in tags(source) for token in tag.tokens if token.kind == "field")


def faults(source: str) -> list[str]:
    """What a template says that the language does not have, with its line.

    Examples
    --------
    >>> faults("Dear {{ person.first_name }}")
    ["line 1: '.' is not part of the language of messages"]
    """
    found = list(tags(source))
    if (pieces := sum(1 + len(tag.tokens) for tag in found)) > MOST_PIECES:
        return [f"{pieces} tags and tokens in one template; the most is {MOST_PIECES}"]
    return [f"line {tag.line}: {fault}" for tag in found for fault in _faults(tag)]


def mismatches(source: str, kinds: Mapping[str, Kind]) -> list[str]:
    """Comparisons that never mean what they say, such as a number with a text; the engine orders the two.

    Parameters
    ----------
    source : str
        A template.
    kinds : mapping of str to Kind
        Of the traits.

    Returns
    -------
    list of str

    Examples
    --------
    >>> mismatches("{% if age > '64' %}", {"age": "number"})
    ['line 1: a number > a text is never meant']
    """
    found: list[str] = []
    for tag in tags(source):
        padded = [*tag.tokens, Token("sign", "")]
        for left, sign, right, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
            one, other = _kind(left, kinds), _kind(right, kinds)
            compares = sign.kind == "sign" and sign.text in _COMPARISONS and after.text not in ("|", "[")
            if compares and one and other and one != other:
                found.append(f"line {tag.line}: a {one} {sign.text} a {other} is never meant")
    return found


def _tokens(inside: str) -> Iterator[Token]:
    before = ""
    for match in _TOKEN.finditer(inside):
        kind, text = str(match.lastgroup), match[0]
        if kind == "name":
            kind = _kind_of_name(text, before)
        yield Token(kind, text)
        before = text


def _kind_of_name(name: str, before: str) -> str:
    if before == "|":
        return "filter"
    if name in _BOOLEANS:
        return "boolean"
    if name in _NOT_OURS:
        return "odd"
    return "word" if name in _WORDS or name in STATEMENTS else "field"


def _kind(token: Token, kinds: Mapping[str, Kind]) -> str | None:
    """What a literal or trait is; None where that cannot be told."""
    if token.kind == "field":
        return kinds.get(token.text)
    return token.kind if token.kind in ("text", "number", "boolean") else None


def _faults(tag: Tag) -> Iterator[str]:
    if not tag.closed:
        yield f"'{tag.opening}', or a quote in it, is not closed"
    elif len(tag.tokens) > MOST_TOKENS:
        yield f"{len(tag.tokens)} tokens in one tag; the most is {MOST_TOKENS}"
    else:
        yield from _wrong_words(tag)


def _wrong_words(tag: Tag) -> Iterator[str]:
    if tag.opening == "{%":
        statement = next((token.text for token in tag.tokens if token.text not in ("-", "+")), "")
        if statement not in STATEMENTS:
            yield f"unknown statement '{statement}'. {closest(statement, STATEMENTS)}"
    for before, token in zip((Token("sign", ""), *tag.tokens), tag.tokens, strict=False):
        if token.kind == "odd":
            yield f"'{token.text}' is not part of the language of messages"
        elif token.kind == "filter" and token.text not in FILTERS:
            yield f"unknown filter '{token.text}'. {closest(token.text, FILTERS)}"
        elif token.text == "(" and before.kind == "field":
            yield f"'{before.text}' is called, and nothing can be"
