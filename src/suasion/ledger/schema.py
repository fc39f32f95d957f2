"""The ledger's tables."""

from sqlalchemy import (
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("command", String, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
)

table_versions = Table(
    "table_versions",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("file", String, nullable=False, unique=True),
    Column("rows", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("inputs", String, nullable=False),
    Column("run", ForeignKey("runs.id"), nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("name", String, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("declared", String, nullable=False),
    Column("declared_at", DateTime(timezone=True), nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("terms", String, nullable=False),
    Column("keyed", Integer, nullable=False),
    Column("run", ForeignKey("runs.id"), nullable=False),
)

draws = Table(
    "draws",
    metadata,
    Column("plan", ForeignKey("plans.id"), primary_key=True),
    Column("person", Integer, primary_key=True),
    Column("treatment", String, nullable=False),
    Column("probability", Float, nullable=False),
    sqlite_with_rowid=False,
)

assignments = Table(
    "assignments",
    metadata,
    Column("experiment", String, primary_key=True),
    Column("person", Integer, primary_key=True),
    Column("arm", String, nullable=False),
    Column("chance", Float, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)
"""The arm in which a person was first exposed, its chance, and when, seconds since 1970; never changed."""

consents = Table(
    "consents",
    metadata,
    Column("person", Integer, primary_key=True),
    Column("purpose", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("given", Integer, nullable=False),
    Column("expires_on", String),
    sqlite_with_rowid=False,
)
"""What each source says of a person's yes or no; dates as ISO 8601 text, which sorts."""

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", Integer),
    Column("address", LargeBinary),
    Column("channel", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""A standing never: of a person, and by keyed hash of a contact detail, whoever comes to hold it."""
Index("suppressed_persons", suppressions.c.person)
Index("suppressed_addresses", suppressions.c.address)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("content", String, nullable=False),
    Column("by", String, nullable=False),
    Column("why", String, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

sends = Table(
    "sends",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("person", Integer, nullable=False),
    Column("channel", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("plan", ForeignKey("plans.id"), nullable=False),
    Column("treatment", String, nullable=False),
    Column("cost", Float, nullable=False),
    Column("address", LargeBinary, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("at", Float),
    UniqueConstraint("campaign", "person", "channel", "step"),
    sqlite_autoincrement=True,
)
"""`at`: when it was claimed, seconds since 1970. An id, once erased, is not given out again."""
Index("sends_of_person", sends.c.person, sends.c.channel)
Index("sends_to_address", sends.c.address, sends.c.channel)

spend = Table(
    "spend",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("amount", Float, nullable=False),
    Column("sends", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""Money committed by claims, and given back (both numbers below 0) by those that were undone."""
Index("spend_of_campaign", spend.c.campaign)

pauses = Table(
    "pauses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("paused", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

log = Table(
    "log",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("campaign", String, nullable=False),
    Column("body", String, nullable=False),
    Column("at", String, nullable=False),
    Column("hash", String, nullable=False),
)
"""Append-only: each hash is over the hash before and the row; triggers refuse changes."""

replies = Table(
    "replies",
    metadata,
    Column("send", Integer, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""What came back to a send: bounced, complained, opted out."""

erasing = Table("erasing", metadata, Column("person", Integer, primary_key=True))
"""Persons erased whose rows in the lake have not been rewritten yet; nothing returns them any more."""

secrets = Table("secrets", metadata, Column("fingerprint", LargeBinary, primary_key=True))
"""By which the key of the environment is known again."""
