"""Text -> expression: sqlglot reads the grammar, and a closed table turns its tree into our nodes.

sqlglot's parser is made to be lenient over all of SQL. So it sees a numbered name in the place of each
operand, and cannot take a name for a keyword or join ``'a' 'b'``; and what it reads, written back, must be
the tokens it was given, which refuses ``x BETWEEN 1 2`` and ``x IN (1,)``.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping

from sqlglot import Token, Tokenizer, TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError

from suasion.errors import ExpressionError
from suasion.expressions import typed
from suasion.expressions.literals import date, number
from suasion.expressions.nodes import (
    And,
    Expression,
    IsNull,
    Literal,
    Name,
    Node,
    Not,
    Operand,
    Or,
    Type,
)
from suasion.expressions.refusal import excerpt, refuse
from suasion.expressions.sql import OPERATORS
from suasion.expressions.tokens import tokenize

_GRAMMAR = {
    *(TokenType.AND, TokenType.OR, TokenType.NOT, TokenType.IS, TokenType.IN, TokenType.BETWEEN),
    *(TokenType.LIKE, TokenType.L_PAREN, TokenType.R_PAREN, TokenType.COMMA, TokenType.EQ, TokenType.NEQ),
    *(TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE),
}
_OPERATOR = {kind: operator for operator, kind in OPERATORS.items()}
_KNOWN_SHOWN = 8


def parse(text: str, catalogue: Mapping[str, Type], asked: str = "expression") -> Expression:
    """Read a condition and check its names and types.

    Parameters
    ----------
    text : str
        A condition in SQL syntax. Names match the catalogue exactly, capitals included; a name that is
        not one plain word, or is a keyword, goes in double quotes.
    catalogue : mapping of str to Type
        The known traits.
    asked : str
        What the condition is, for messages, for example ``"segment 'adults'"``.

    Returns
    -------
    Expression
        The typed tree and the names it reads.

    Raises
    ------
    ExpressionError
        If the text is not in the language, nests deeper than ``MAX_DEPTH``, names an unknown trait,
        compares different types, or is not a condition.

    Examples
    --------
    >>> found = parse("age >= 18 AND NOT moved", {"age": Type.INTEGER, "moved": Type.BOOLEAN})
    >>> sorted(found.names)
    ['age', 'moved']
    >>> parse("agee >= 18", {"age": Type.INTEGER}, "segment 'adults'")
    Traceback (most recent call last):
        ...
    suasion.errors.ExpressionError: segment 'adults': unknown trait 'agee'. Did you mean 'age'? Known: 'age'.
    """
    try:
        words, operands = _split(tokenize(text), catalogue)
        root = typed.boolean(_node(_tree(words, text), operands), "the result")
    except ExpressionError as error:
        raise ExpressionError(asked, error.found, error.todo) from None
    except RecursionError:
        raise ExpressionError(asked, "no room left on Python's stack", "Nest less deeply.") from None
    return Expression(
        text, root, frozenset(item.name for item in operands.values() if isinstance(item, Name))
    )


# By number; None is NULL.
Operands = dict[str, Operand | None]


def _split(tokens: list[Token], catalogue: Mapping[str, Type]) -> tuple[list[Token], Operands]:
    """The words of the grammar, each with its number as `line`, and the operands taken out of them."""
    words: list[Token] = []
    operands: Operands = {}
    pairs = zip(tokens, [*tokens[1:], Token(TokenType.SENTINEL, "")], strict=True)
    for token, after in pairs:
        kind, text, place = token.token_type, token.text, len(words)
        if kind is TokenType.NOT and after.token_type is TokenType.IS:
            raise refuse(f"NOT before IS at character {token.start + 1}", "Write IS NOT.")
        if kind not in _GRAMMAR:
            kind, text = TokenType.IDENTIFIER, str(place)
            operands[text] = _operand(token, after, catalogue)
            if token.token_type is TokenType.DASH or _is_date(token, after):
                next(pairs)
        words.append(Token(kind, text, place, start=token.start, end=token.end))
    return words, operands


def _operand(token: Token, after: Token, catalogue: Mapping[str, Type]) -> Operand | None:
    at = token.start + 1
    if _is_date(token, after):
        return date(after.text)
    match token.token_type:
        case TokenType.IDENTIFIER | TokenType.VAR:
            return _name(token, after, catalogue)
        case TokenType.STRING:
            return Literal(token.text, Type.TEXT)
        case TokenType.NUMBER:
            return number(at, token.text)
        case TokenType.DASH if after.token_type is TokenType.NUMBER:
            return number(at, "-" + after.text)
        case TokenType.TRUE | TokenType.FALSE:
            return Literal(token.token_type is TokenType.TRUE, Type.BOOLEAN)
        case TokenType.NULL:
            return None
        case _:
            raise refuse(f"{excerpt(token.text)!r} at character {at}, which is not in the language")


def _is_date(token: Token, after: Token) -> bool:
    spelled = token.token_type is TokenType.VAR and token.text.upper() == "DATE"
    return spelled and after.token_type is TokenType.STRING


def _name(token: Token, after: Token, catalogue: Mapping[str, Type]) -> Name:
    name, at = token.text, token.start + 1
    if after.token_type is TokenType.L_PAREN:
        raise refuse(
            f"a function ({excerpt(name)!r}) at character {at}, and functions are not in the language"
        )
    if token.token_type is TokenType.VAR and not re.fullmatch(r"[^\W\d]\w*", name):
        raise refuse(
            f"{excerpt(name)!r} at character {at}, which is no plain name", 'Write "it" in double quotes.'
        )
    if name not in catalogue:
        raise _unknown(name, catalogue)
    return Name(name, catalogue[name])


def _tree(words: list[Token], text: str) -> exp.Expr:
    """What sqlglot reads, if it read every word and made none up; it may move a NOT within its test."""
    try:
        (tree,) = DuckDB().parser().parse_into(exp.Condition, words, text)
    except ParseError as error:
        word = words[error.errors[0]["line"]]
        shown = excerpt(text[word.start : word.end + 1])
        found = f"{shown!r} at character {word.start + 1}, where the condition goes wrong or breaks off"
        raise refuse(found) from None
    written = DuckDB().tokenize(tree.sql("duckdb", identify=True, copy=False)) if tree else []
    if not tree or _count(written) != _count(words):
        raise refuse("an AND, NOT, comma or parenthesis too many or too few")
    return tree


def _count(words: list[Token]) -> Counter[tuple[str, str]]:
    named = TokenType.IDENTIFIER
    return Counter((word.token_type.name, word.text if word.token_type is named else "") for word in words)


def _node(tree: exp.Expr, operands: Operands) -> Node:
    """The node of a tree: the closed table. `typed` refuses a condition in the place of an operand."""

    def node(part: exp.Expr) -> Node:
        return _node(part, operands)

    match tree:
        case exp.Paren():
            return node(tree.this)
        case exp.Column():
            return _stated(operands[tree.name])
        case exp.And() | exp.Or():
            return _chain(tree, [node(item) for item in tree.flatten()])
        case exp.Not():
            return Not(typed.boolean(node(tree.this), "NOT"))
        case exp.Is(this=exp.Paren() | exp.Column(), expression=exp.Column()):
            return _known(node(tree.this), operands[tree.expression.name])
        case exp.Between():
            return typed.between(node(tree.this), node(tree.args["low"]), node(tree.args["high"]))
        case exp.In(expressions=[_, *_]):
            return typed.member(node(tree.this), [_value(node(item), "IN") for item in tree.expressions])
        case exp.Like():
            like = typed.like(node(tree.this), _value(node(tree.expression), "LIKE"))
            return Not(like) if tree.args.get("negate") else like
        case exp.Binary() if type(tree) in _OPERATOR:
            return typed.compare(_OPERATOR[type(tree)], node(tree.this), node(tree.expression))
        case _:
            raise refuse(f"{tree.key.upper()} in a form which is not in the language")


def _stated(operand: Operand | None) -> Operand:
    if operand is None:
        raise refuse("NULL without IS", "Ask for what is unknown with IS NULL.")
    return operand


def _chain(tree: exp.Connector, items: list[Node]) -> And | Or:
    """One flat chain: an item in parentheses that is itself such a chain is taken apart."""
    word, kind = ("AND", And) if isinstance(tree, exp.And) else ("OR", Or)
    flat: list[Node] = []
    for item in items:
        typed.boolean(item, word)
        flat.extend(item.items if isinstance(item, kind) else (item,))
    return kind(tuple(flat))


def _known(item: Node, wanted: Operand | None) -> Node:
    match wanted:
        case None:
            return IsNull(item)
        case Literal(bool() as truth):
            return typed.truth(item, truth)
        case _:
            raise refuse("IS before something other than NULL, TRUE or FALSE")


def _value(node: Node, where: str) -> Literal:
    if isinstance(node, Literal):
        return node
    raise refuse(f"something other than a value after {where}", "Give values; combine tests with OR.")


def _unknown(name: str, catalogue: Mapping[str, Type]) -> ExpressionError:
    by_lower = {known.lower(): known for known in catalogue}
    close = difflib.get_close_matches(name[:100].lower(), by_lower, n=1)
    hint = f"Did you mean {by_lower[close[0]]!r}? " if close else ""
    if not close and name.upper() in Tokenizer.KEYWORDS:
        return refuse(f"{excerpt(name)!r}, which is no trait and not in the language")
    shown = ", ".join(repr(known) for known in sorted(catalogue)[:_KNOWN_SHOWN]) or "none"
    more = ", …" if len(catalogue) > _KNOWN_SHOWN else ""
    return refuse(f"unknown trait {excerpt(name)!r}", f"{hint}Known: {shown}{more}.")
