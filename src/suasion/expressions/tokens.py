"""Text -> tokens of sqlglot, within the limits of the language.

The tokenizer is sqlglot's with a closed list of keywords; what is outside of the list becomes a name, or a
token that `suasion.expressions.reading` does not take.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import Token, Tokenizer, TokenType
from sqlglot.errors import TokenError

from suasion.expressions.refusal import refuse

# A list of 10,000 conditions takes 40,000 tokens and a list of 10,000 values 20,000. Longer lists belong
# in a trait of their own: they would cost seconds to parse and to plan.
MAX_TOKENS = 60_000
MAX_CHARACTERS = 1_000_000

# Parentheses and NOTs around one condition. Nobody reads deeper, and each costs sqlglot's parser some 20 of
# the 1,000 frames Python allows: half of them stay with the caller.
MAX_DEPTH = 20


_WORDS = ["AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "IS", "NULL", "TRUE", "FALSE"]


class _Tokenizer(Tokenizer):
    KEYWORDS: ClassVar[dict[str, TokenType]] = {word: TokenType[word] for word in _WORDS} | {
        "<>": TokenType.NEQ,
        "!=": TokenType.NEQ,
        "<=": TokenType.LTE,
        ">=": TokenType.GTE,
        "==": TokenType.UNKNOWN,
        "<=>": TokenType.UNKNOWN,
    }
    SINGLE_TOKENS: ClassVar[dict[str, TokenType]] = {**Tokenizer.SINGLE_TOKENS, "!": TokenType.UNKNOWN}


def tokenize(text: object) -> list[Token]:
    """Split a text into tokens; `start` and `end` count characters from 0.

    Raises
    ------
    ExpressionError
        If the text is no text, empty, too long or nested too deeply, holds a comment, or leaves a quote open.
    """
    source = _checked(text)
    try:
        tokens: list[Token] = _Tokenizer().tokenize(source)
    except TokenError:
        raise refuse("a quote that is not closed") from None
    if len(tokens) > MAX_TOKENS:
        raise refuse(f"{len(tokens)} words", f"Stay within {MAX_TOKENS}: store a long list as a trait.")
    if not tokens or any(token.comments for token in tokens):
        raise refuse("a comment")
    for token in tokens:
        # sqlglot's upper() turns the name "ıs", with a dotless i, into IS.
        if token.token_type in _Tokenizer.KEYWORDS.values() and not token.text.isascii():
            token.token_type = TokenType.VAR
    _check_depth(tokens)
    return tokens


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
    return text


def _check_depth(tokens: list[Token]) -> None:
    """Count what makes sqlglot's parser recurse, before it does.

    A NOT nests all up to the next AND or OR, but the AND of a BETWEEN ends no NOT.
    """
    depth = 0
    opened = [(TokenType.L_PAREN, 0)]
    for token in tokens:
        match token.token_type:
            case TokenType.NOT:
                depth += 1
            case TokenType.L_PAREN:
                depth += 1
                opened.append((TokenType.L_PAREN, depth))
            case TokenType.BETWEEN:
                opened.append((TokenType.BETWEEN, depth))
            case TokenType.AND | TokenType.OR:
                depth = opened[-1][1]
                if opened[-1][0] is TokenType.BETWEEN:
                    opened.pop()
            case TokenType.R_PAREN if depth:
                while len(opened) > 1 and opened.pop()[0] is TokenType.BETWEEN:
                    pass
                depth = opened[-1][1]
            case _:
                pass
        if depth > MAX_DEPTH:
            raise refuse(f"parentheses and NOTs nested deeper than {MAX_DEPTH}", "Nest less deeply.")
