"""What a cell must look like to be of a type. The one place where text becomes a value."""

from __future__ import annotations

from dataclasses import dataclass

from suasion.expressions import Type

_SPECIAL = "('nan', '-nan', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity')"
_NUMBER = r"'[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?'"
_INTEGER = r"'[+-]?\d+(\.0*)?'"
_DATE = r"'\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d(:?\d\d)?))?)?'"

_AS_NUMBER = (
    f"CASE WHEN regexp_full_match({{x}}, {_NUMBER}) AND NOT isinf(try_cast({{x}} AS DOUBLE)) "
    "THEN try_cast({x} AS DOUBLE) END"
)
_AS_INTEGER = f"CASE WHEN regexp_full_match({{x}}, {_INTEGER}) THEN try_cast({{x}} AS BIGINT) END"
_AS_BOOLEAN = (
    "CASE WHEN lower({x}) IN ('true', 't', 'yes', 'y', '1', '1.0') THEN true "
    "WHEN lower({x}) IN ('false', 'f', 'no', 'n', '0', '0.0') THEN false END"
)
_AS_DATE = (
    f"CASE WHEN regexp_full_match({{x}}, {_DATE}) AND (length({{x}}) = 10 OR "
    "try_cast(replace(substr({x}, 12, 5), ' ', '') || ':00' AS TIME) IS NOT NULL) "
    "THEN try_cast(substr({x}, 1, 10) AS DATE) END"
)
_AS_TIME = (
    f"CASE WHEN regexp_full_match({{x}}, {_DATE}) THEN CASE WHEN length({{x}}) = 10 "
    "THEN strftime(try_cast({x} AS DATE), '%Y-%m-%d') ELSE strftime(timezone('UTC', "
    r"try_cast(regexp_replace({x}, ' (Z|[+-])', '\1') AS TIMESTAMPTZ)), '%Y-%m-%dT%H:%M:%SZ') END END"
)
_COMMA = ("contains({x}, ',')", "has a comma; write a decimal point and no thousands separators")
_NUL = ("contains({x}, chr(0))", "holds a NUL byte")


@dataclass(frozen=True)
class Kind:
    """How text becomes a value, and why it may not.

    ``value`` is SQL over the text ``{x}`` that is null for text that is no such value. ``reasons`` are
    tried in order for such text: a condition over ``{x}``, and what to tell. ``blank`` says that NaN and
    infinity count as "not known".
    """

    name: str
    value: str
    reasons: tuple[tuple[str, str], ...]
    blank: bool = False

    def cell(self, text: str) -> str:
        """SQL of the text, null where the kind takes it for "not known"."""
        return f"CASE WHEN lower({text}) NOT IN {_SPECIAL} THEN {text} END" if self.blank else text

    def typed(self, text: str) -> str:
        """SQL of the value."""
        return self.value.replace("{x}", text)

    def fault(self, text: str, value: str) -> str:
        """SQL of the number of the reason, from 1; 0 for a good cell, null for no cell."""
        tests = " ".join(f"WHEN {test} THEN {i}" for i, (test, _) in enumerate(self.reasons, 1))
        found = tests.replace("{x}", text)
        return f"CASE WHEN {text} IS NULL THEN NULL WHEN {value} IS NOT NULL THEN 0 {found} END"


KINDS = {
    Type.TEXT: Kind("text", "CASE WHEN NOT contains({x}, chr(0)) THEN {x} END", (_NUL,)),
    Type.NUMBER: Kind("number", _AS_NUMBER, (_COMMA, ("true", "not a number")), blank=True),
    Type.INTEGER: Kind(
        "integer",
        _AS_INTEGER,
        (
            _COMMA,
            (f"regexp_full_match({{x}}, {_INTEGER})", "does not fit in 64 bits"),
            ("true", "not a whole number"),
        ),
        blank=True,
    ),
    Type.BOOLEAN: Kind("boolean", _AS_BOOLEAN, (("true", "neither yes nor no"),)),
    Type.DATE: Kind("date", _AS_DATE, (("true", "not a date like 2004-12-31"),)),
}
"""The kind of each type of the expression language."""

OUTCOME = Kind(
    "outcome",
    f"coalesce({_AS_NUMBER}, CAST({_AS_BOOLEAN} AS DOUBLE))",
    (_COMMA, ("true", "neither a number nor yes or no")),
    blank=True,
)
TIME = Kind(
    "day or time", _AS_TIME, (("true", "neither a date like 2004-12-31 nor a time like 2004-12-31T18:30Z"),)
)
"""As ISO 8601 text, which sorts: a day stays one, a time becomes one of UTC."""
PROBABILITY = Kind(
    "probability",
    f"CASE WHEN {_AS_NUMBER} > 0 AND {_AS_NUMBER} <= 1 THEN {_AS_NUMBER} END",
    (_COMMA, ("true", "not a probability above 0 and up to 1")),
    blank=True,
)
