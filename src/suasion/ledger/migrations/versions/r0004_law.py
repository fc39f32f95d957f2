"""Keep evidence of consent, persons' keys and wishes, requests, receipts, checkpoints, reads and breaches."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables, and the evidence to consents."""
    for name in ("wording", "capture", "said_at"):
        op.add_column("consents", sa.Column(name, sa.String()))
    for name in ("separate", "written"):
        op.add_column("consents", sa.Column(name, sa.Integer()))
    op.add_column("consents", sa.Column("confirmed_at", sa.String()))
    _consents_and_keys()
    _rights()
    _proofs()


def _consents_and_keys() -> None:
    op.create_table(
        "wordings",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("text", sa.String(), nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("person", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("n", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("mac", sa.String(), nullable=False),
    )


def _rights() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person", sa.BigInteger()),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.String()),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("due_on", sa.String()),
        sa.Column("rule", sa.String()),
        sa.Column("verified_by", sa.String()),
        sa.Column("verified_at", _TIME),
        sa.Column("answered_at", _TIME),
        sa.Column("outcome", sa.String()),
    )
    op.create_index("requests_of_person", "requests", ["person"])
    op.create_table(
        "wishes",
        sa.Column("person", sa.BigInteger(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("amount", sa.Integer()),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "corrections",
        sa.Column("person", sa.BigInteger(), primary_key=True),
        sa.Column("trait", sa.String(), primary_key=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "passed",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("answered_at", _TIME),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "breaches",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("people", sa.Integer()),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("known_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("reported_at", _TIME),
        sa.Column("told_at", _TIME),
        sa.Column("note", sa.String()),
    )
    op.create_table(
        "audits",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("alarm", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )


def _proofs() -> None:
    op.create_table(
        "receipts",
        sa.Column("batch", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("send", sa.BigInteger()),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.LargeBinary()),
        sa.Column("consent", sa.LargeBinary()),
        sqlite_with_rowid=False,
    )
    op.create_index("receipts_of_send", "receipts", ["send"])
    op.create_index("log_of_campaign", "log", ["campaign", "kind", "position"])
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "noise",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("round", sa.String(), nullable=False),
        sa.Column("rho", sa.Float(), nullable=False),
        sa.Column("released", sa.String(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.UniqueConstraint("campaign", "part", "what", "round"),
    )
