"""The ledger as it was first laid out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER log_{change.lower()} BEFORE {change} ON log "
        "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
        for change in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION log_refuses() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the log is append-only' USING ERRCODE = '23000'; END $$",
        "CREATE TRIGGER log_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_refuses()",
    ],
}


def upgrade() -> None:
    """Make all tables; the log refuses to be changed."""
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "campaigns",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("declared", sa.String(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "digest"),
    )
    op.create_table(
        "consents",
        sa.Column("person", _NUMBER, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("person", "purpose", "channel", "source"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "erasing",
        sa.Column("person", _NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "log",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("paused", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "replies",
        sa.Column("send", _NUMBER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("send", "kind"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "secrets",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_table(
        "spend",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("amount", sa.Float(), sa.CheckConstraint("amount < 'Infinity'"), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("spend_of_campaign", "spend", ["campaign"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", _NUMBER, nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("suppressed_addresses", "suppressions", ["address"], unique=False)
    op.create_index("suppressed_persons", "suppressions", ["person"], unique=False)
    op.create_table(
        "plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("terms", sa.String(), nullable=False),
        sa.Column("keyed", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"],
            ["runs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "table_versions",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("rows", _NUMBER, nullable=False),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("inputs", sa.String(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"],
            ["runs.id"],
        ),
        sa.PrimaryKeyConstraint("name", "version"),
        sa.UniqueConstraint("file"),
    )
    op.create_table(
        "draws",
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.Column("person", _NUMBER, nullable=False),
        sa.Column("treatment", sa.String(), nullable=False),
        sa.Column("probability", sa.Float(), sa.CheckConstraint("probability < 'Infinity'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan"],
            ["plans.id"],
        ),
        sa.PrimaryKeyConstraint("plan", "person"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sends",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("person", _NUMBER, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.Column("treatment", sa.String(), nullable=False),
        sa.Column("cost", sa.Float(), sa.CheckConstraint("cost < 'Infinity'"), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan"],
            ["plans.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("campaign", "person", "channel", "step"),
        sqlite_autoincrement=True,
    )
    op.create_index("sends_of_person", "sends", ["person", "channel"], unique=False)
    for statement in _APPEND_ONLY[op.get_context().dialect.name]:
        op.execute(statement)
