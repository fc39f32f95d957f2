"""Text -> expression: a descent over the tokens, one function for each level of precedence.

The grammar is SQL's, cut down to what is in our list of nodes. It is read here and not by sqlglot, whose
parser is made to be lenient over all of SQL: it takes ``x BETWEEN 1 2``, joins ``'a' 'b'``, turns names
such as ``symmetric`` into keywords by their place, and ends a deep nesting in a RecursionError. The tests
hold every reading against sqlglot's and DuckDB's.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from sqlglot.tokens import Tokenizer

from suasion.errors import ExpressionError
from suasion.expressions import typed
from suasion.expressions.literals import date, number
from suasion.expressions.nodes import And, Expression, IsNull, Literal, Name, Node, Not, Operator, Or, Type
from suasion.expressions.refusal import excerpt, refuse
from suasion.expressions.tokens import Token, tokenize

# Parentheses and NOTs around one condition. Nobody reads deeper, and each may cost some 20 of the 1,000
# frames Python allows when SQL is made of it: half of them stay with the caller.
MAX_DEPTH = 20

_OPERATORS = frozenset(operator.value for operator in Operator)
_TESTS = frozenset({"IN", "BETWEEN", "LIKE"})
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
        reader = _Reader(tokenize(text), catalogue)
        root = reader.condition()
        reader.take("end")
        typed.boolean(root, "the result")
    except ExpressionError as error:
        raise ExpressionError(asked, error.found, error.todo) from None
    return Expression(text, root, frozenset(reader.names))


class _Reader:
    """A place in the tokens, how deep it is nested, and the names met so far."""

    def __init__(self, tokens: list[Token], catalogue: Mapping[str, Type]) -> None:
        self.tokens = tokens
        self.catalogue = catalogue
        self.names: set[str] = set()
        self.place = 0
        self.depth = 0

    def condition(self) -> Node:
        return self.chain("OR", Or, self.conjunction)

    def conjunction(self) -> Node:
        return self.chain("AND", And, self.negation)

    def chain(self, word: str, kind: type[And] | type[Or], part: Callable[[], Node]) -> Node:
        """Parts joined by one word, flat: a part that is itself such a chain is taken apart."""
        first = part()
        if self.peek() != word:
            return first
        items = [first]
        while self.accept(word):
            items.append(part())
        flat: list[Node] = []
        for item in items:
            typed.boolean(item, word)
            flat.extend(item.items if isinstance(item, kind) else (item,))
        return kind(tuple(flat))

    def negation(self) -> Node:
        if not self.accept("NOT"):
            return self.test()
        return Not(typed.boolean(self.nested(self.negation), "NOT"))

    def test(self) -> Node:
        """An operand, alone or with one test; a second test would need parentheses."""
        item = self.primary()
        if self.peek() in _OPERATORS:
            return typed.compare(Operator(self.advance().kind), item, self.primary())
        if self.accept("IS"):
            return _negated(self.accept("NOT"), self.known(item))
        negated = self.peek(1) in _TESTS and self.accept("NOT")
        return _negated(negated, self.set_test(item))

    def known(self, item: Node) -> Node:
        if self.accept("NULL"):
            return IsNull(item)
        if self.accept("TRUE"):
            return typed.truth(item, True)
        if self.accept("FALSE"):
            return typed.truth(item, False)
        raise self.unexpected("NULL, TRUE or FALSE")

    def set_test(self, item: Node) -> Node:
        if self.accept("IN"):
            return typed.member(item, self.literals())
        if self.accept("BETWEEN"):
            low = self.primary()
            self.take("AND")
            return typed.between(item, low, self.primary())
        if self.accept("LIKE"):
            return typed.like(item, self.take("text").content)
        return item

    def literals(self) -> list[Literal]:
        self.take("(")
        found = [self.literal()]
        while self.accept(","):
            found.append(self.literal())
        self.take(")")
        return found

    def literal(self) -> Literal:
        node = self.primary()
        if isinstance(node, Literal):
            return node
        raise refuse("something other than a value in a list of IN", "List values; combine tests with OR.")

    def primary(self) -> Node:
        if self.accept("("):
            node = self.nested(self.condition)
            self.take(")")
            return node
        token = self.advance()
        if token.kind == "-" and self.peek() == "number":
            return number(token.at, "-" + self.advance().content)
        if token.kind == "name" and token.content.upper() == "DATE" and self.peek() == "text":
            return date(self.advance().content)
        match token.kind:
            case "name":
                return self.name(token)
            case "text":
                return Literal(token.content, Type.TEXT)
            case "number":
                return number(token.at, token.content)
            case "TRUE" | "FALSE":
                return Literal(token.kind == "TRUE", Type.BOOLEAN)
            case _:
                self.place -= 1
                raise self.unexpected("a trait name or a value")

    def name(self, token: Token) -> Name:
        if self.peek() == "(":
            raise refuse(
                f"a function ({excerpt(token.content)!r}) at character {token.at}, "
                "and functions are not in the language"
            )
        if token.content not in self.catalogue:
            raise _unknown(token.content, self.catalogue)
        self.names.add(token.content)
        return Name(token.content, self.catalogue[token.content])

    def nested(self, part: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise refuse(f"parentheses and NOTs nested deeper than {MAX_DEPTH}", "Nest less deeply.")
        node = part()
        self.depth -= 1
        return node

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[min(self.place + ahead, len(self.tokens) - 1)].kind

    def advance(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def accept(self, kind: str) -> bool:
        found = self.peek() == kind
        self.place += found
        return found

    def take(self, kind: str) -> Token:
        if self.peek() != kind:
            raise self.unexpected({"end": "AND, OR or the end", "text": "a 'text'"}.get(kind, repr(kind)))
        return self.advance()

    def unexpected(self, wanted: str) -> ExpressionError:
        token = self.tokens[self.place]
        found = "the end" if token.kind == "end" else repr(excerpt(token.content))
        return refuse(f"{found} at character {token.at}, where {wanted} should be")


def _negated(negated: bool, node: Node) -> Node:
    return Not(node) if negated else node


def _unknown(name: str, catalogue: Mapping[str, Type]) -> ExpressionError:
    by_lower = {known.lower(): known for known in catalogue}
    close = difflib.get_close_matches(name[:100].lower(), by_lower, n=1)
    hint = f"Did you mean {by_lower[close[0]]!r}? " if close else ""
    if not close and name.upper() in Tokenizer.KEYWORDS:
        return refuse(f"{excerpt(name)!r}, which is no trait and not in the language")
    shown = ", ".join(repr(known) for known in sorted(catalogue)[:_KNOWN_SHOWN]) or "none"
    more = ", …" if len(catalogue) > _KNOWN_SHOWN else ""
    return refuse(f"unknown trait {excerpt(name)!r}", f"{hint}Known: {shown}{more}.")
