"""Keep the arm in which a person was first exposed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "assignments",
        sa.Column("experiment", sa.String(), nullable=False),
        sa.Column("person", _NUMBER, nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("chance", sa.Float(), sa.CheckConstraint("chance < 'Infinity'"), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("experiment", "person"),
        sqlite_with_rowid=False,
    )
