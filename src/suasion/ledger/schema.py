"""The ledger's tables."""

from sqlalchemy import Column, DateTime, Float, ForeignKey, Integer, MetaData, String, Table

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
