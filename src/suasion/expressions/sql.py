"""Expression -> SQL: a sqlglot tree with quoted names and a placeholder for each value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from suasion.errors import ExpressionError
from suasion.expressions.nodes import (
    And,
    Between,
    Compare,
    Expression,
    In,
    IsNull,
    IsTruth,
    Like,
    Literal,
    Name,
    Node,
    Not,
    Operand,
    Operator,
    Or,
    Type,
    Value,
)
from suasion.expressions.spelling import in_order

DIALECTS = ("duckdb", "postgres", "spark")

_TYPES = {
    Type.BOOLEAN: exp.DType.BOOLEAN,
    Type.INTEGER: exp.DType.BIGINT,
    Type.NUMBER: exp.DType.DOUBLE,
    Type.TEXT: exp.DType.TEXT,
    Type.DATE: exp.DType.DATE,
}
OPERATORS: dict[Operator, type[exp.Binary]] = {
    Operator.EQUAL: exp.EQ,
    Operator.UNEQUAL: exp.NEQ,
    Operator.LESS: exp.LT,
    Operator.AT_MOST: exp.LTE,
    Operator.MORE: exp.GT,
    Operator.AT_LEAST: exp.GTE,
}


@dataclass(frozen=True)
class Sql:
    """A condition in SQL.

    Parameters
    ----------
    text : str
        The condition, free of values, with one placeholder for each parameter: ``?``, and ``%s`` in
        Postgres, where a percent sign in a name is doubled, as psycopg asks.
    parameters : tuple of values
        In the order of the placeholders.
    """

    text: str
    parameters: tuple[Value, ...]


def to_sql(expression: Expression, dialect: str = "duckdb") -> Sql:
    """The expression as a SQL condition that gives what `evaluate` gives, NULLs included.

    Parameters
    ----------
    expression : Expression
        A parsed expression.
    dialect : str
        ``"duckdb"``, ``"postgres"`` or ``"spark"``. Columns are expected as BOOLEAN, BIGINT, DOUBLE, text
        and DATE, without NaN, and in Spark with the default collation.

    Returns
    -------
    Sql
        Text and parameters.

    Raises
    ------
    ExpressionError
        If the dialect is none of the three.

    Examples
    --------
    >>> from suasion.expressions import parse
    >>> to_sql(parse("age >= 18", {"age": Type.INTEGER}))
    Sql(text='"age" >= CAST(? AS BIGINT)', parameters=(18,))
    """
    if dialect not in DIALECTS:
        raise ExpressionError(f"dialect {dialect!r}", "not one we compile to", f"Use {', '.join(DIALECTS)}.")
    writer = _Writer(dialect)
    tree = writer.condition(expression.root)
    return Sql(tree.sql(dialect=dialect, copy=False), tuple(writer.parameters))


def quote(name: str) -> str:
    """A name as a quoted SQL identifier, for DuckDB and Postgres.

    Examples
    --------
    >>> print(quote('a "quoted" name'))
    "a ""quoted"" name"
    """
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


@dataclass
class _Writer:
    """Builds the tree from left to right, so that parameters come in the order of their placeholders."""

    dialect: str
    parameters: list[Value] = field(default_factory=list[Value])

    def condition(self, node: Node) -> exp.Expr:
        match node:
            case And(items):
                return self.chain(exp.And, items)
            case Or(items):
                return self.chain(exp.Or, items)
            case Not(item):
                return exp.Not(this=self.part(item))
            case IsNull(item):
                return exp.Is(this=self.part(item), expression=exp.null())
            case IsTruth(item, truth):
                return exp.Is(this=self.part(item), expression=exp.Boolean(this=truth))
            case Name() | Literal():
                return self.operand(node, node.type)
            case _:
                return self.test(node)

    def test(self, node: Compare | Between | In | Like) -> exp.Expr:
        match node:
            case Compare(operator, left, right, shared):
                ordered = operator not in (Operator.EQUAL, Operator.UNEQUAL)
                read = self.ordered if ordered else self.operand
                return OPERATORS[operator](this=read(left, shared), expression=read(right, shared))
            case Between(item, low, high, shared):
                this = self.ordered(item, shared)
                return exp.Between(this=this, low=self.ordered(low, shared), high=self.ordered(high, shared))
            case In(item, values, shared):
                this = self.operand(item, shared)
                return exp.In(
                    this=this, expressions=[self.bound(value, shared) for value in in_order(values)]
                )
            case Like(item, pattern):
                this = self.operand(item, Type.TEXT)
                return exp.Like(this=this, expression=self.bound(pattern, Type.TEXT))

    def chain(self, kind: type[exp.Connector], items: Sequence[Node]) -> exp.Expr:
        parts = [self.part(item) if isinstance(item, And | Or) else self.condition(item) for item in items]
        tree, *rest = parts
        for right in rest:
            tree = kind(this=tree, expression=right)
        return tree

    def part(self, node: Node) -> exp.Expr:
        tree = self.condition(node)
        return tree if isinstance(node, Name | Literal) else exp.Paren(this=tree)

    def operand(self, part: Operand, shared: Type) -> exp.Expr:
        if isinstance(part, Literal):
            return self.bound(part.value, part.type)
        # psycopg reads a percent sign anywhere in the text, quoted names included.
        name = part.name.replace("%", "%%") if self.dialect == "postgres" else part.name
        column = exp.Column(this=exp.to_identifier(name, quoted=True))
        return column if part.type is shared else _cast(column, shared)

    def ordered(self, part: Operand, shared: Type) -> exp.Expr:
        """An operand whose order counts: Postgres would sort text by the language of the database."""
        tree = self.operand(part, shared)
        if shared is not Type.TEXT or self.dialect != "postgres":
            return tree
        return exp.Collate(this=tree, expression=exp.to_identifier("C", quoted=True))

    def bound(self, value: Value, kind: Type) -> exp.Expr:
        self.parameters.append(value)
        return _cast(exp.Placeholder(), kind)


def _cast(tree: exp.Expr, kind: Type) -> exp.Expr:
    return exp.Cast(this=tree, to=exp.DataType(this=_TYPES[kind]))
