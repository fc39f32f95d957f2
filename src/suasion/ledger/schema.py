"""The ledger's tables, which two kinds of databases hold."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""64 bits; as `INTEGER`, which has as many there, SQLite gives it out by itself."""


class Moment(TypeDecorator[datetime]):
    """A moment; it comes back in UTC from either database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite would keep the hands of any clock."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite says no time zone."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _a_number(column: str) -> CheckConstraint:
    """SQLite takes what is no number for null; Postgres would store it."""
    return CheckConstraint(f"{column} < 'Infinity'")


runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("command", String, nullable=False),
    Column("published_at", Moment(), nullable=False),
)

table_versions = Table(
    "table_versions",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("file", String, nullable=False, unique=True),
    Column("rows", _NUMBER, nullable=False),
    Column("size", _NUMBER, nullable=False),
    Column("inputs", String, nullable=False),
    Column("run", ForeignKey("runs.id"), nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("name", String, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("declared", String, nullable=False),
    Column("declared_at", Moment(), nullable=False),
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
    Column("person", _NUMBER, primary_key=True),
    Column("treatment", String, nullable=False),
    Column("probability", Float, _a_number("probability"), nullable=False),
    sqlite_with_rowid=False,
)

assignments = Table(
    "assignments",
    metadata,
    Column("experiment", String, primary_key=True),
    Column("person", _NUMBER, primary_key=True),
    Column("arm", String, nullable=False),
    Column("chance", Float, _a_number("chance"), nullable=False),
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)
"""The arm in which a person was first exposed, its chance, and when, seconds since 1970; never changed."""

consents = Table(
    "consents",
    metadata,
    Column("person", _NUMBER, primary_key=True),
    Column("purpose", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("given", Integer, nullable=False),
    Column("expires_on", String),
    Column("wording", String),
    Column("capture", String),
    Column("said_at", String),
    Column("separate", Integer),
    Column("written", Integer),
    Column("confirmed_at", String),
    sqlite_with_rowid=False,
)
"""What each source says of a person's yes or no, with evidence; times as ISO 8601 text, which sorts.

`wording`: SHA-256 of the words agreed to; `capture`: how it was taken; without wording, capture and time a
yes is none. `source` is a source's name, or ``#person`` for what the person told us directly."""

wordings = Table(
    "wordings",
    metadata,
    Column("digest", String, primary_key=True),
    Column("text", String, nullable=False),
)
"""The words that people agreed to, by their SHA-256."""

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", _NUMBER),
    Column("address", LargeBinary),
    Column("channel", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", Moment(), nullable=False),
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
    Column("at", Moment(), nullable=False),
)

sends = Table(
    "sends",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("person", _NUMBER, nullable=False),
    Column("channel", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("plan", ForeignKey("plans.id"), nullable=False),
    Column("treatment", String, nullable=False),
    Column("cost", Float, _a_number("cost"), nullable=False),
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
    Column("amount", Float, _a_number("amount"), nullable=False),
    Column("sends", Integer, nullable=False),
    Column("at", Moment(), nullable=False),
)
"""Money committed by claims, and given back (both numbers below 0) by those that were undone."""
Index("spend_of_campaign", spend.c.campaign)

pauses = Table(
    "pauses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("paused", Integer, nullable=False),
    Column("at", Moment(), nullable=False),
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
"""Append-only: each hash is of the row's leaf in a Merkle tree; triggers refuse changes."""
Index("log_of_campaign", log.c.campaign, log.c.kind, log.c.position)

replies = Table(
    "replies",
    metadata,
    Column("send", _NUMBER, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("at", Moment(), nullable=False),
)
"""What came back to a send: bounced, complained, opted out."""

erasing = Table("erasing", metadata, Column("person", _NUMBER, primary_key=True, autoincrement=False))
"""Persons erased whose rows in the lake have not been rewritten yet; nothing returns them any more."""

secrets = Table("secrets", metadata, Column("fingerprint", LargeBinary, primary_key=True))
"""By which the key of the environment is known again."""

keys = Table(
    "keys",
    metadata,
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""The key of each person, wrapped by the workspace's; who destroys it makes all that it seals unreadable."""

journal = Table(
    "journal",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("mac", String, nullable=False),
)
"""The line of the journal beside the ledger up to which the ledger has done what it says; one row."""

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", BigInteger),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("detail", String),
    Column("received_at", Moment(), nullable=False),
    Column("due_on", String),
    Column("rule", String),
    Column("verified_by", String),
    Column("verified_at", Moment()),
    Column("answered_at", Moment()),
    Column("outcome", String),
)
"""What persons and others ask for, each with its clock; an erasure leaves the row without its person."""
Index("requests_of_person", requests.c.person)

wishes = Table(
    "wishes",
    metadata,
    Column("person", BigInteger, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("amount", Integer),
    Column("source", String, nullable=False),
    Column("at", Moment(), nullable=False),
)
"""What a person told us to keep to: ``objected``, ``restricted``, ``sale_opted_out``, or ``fewer``, which is
`amount` in 30 days."""

corrections = Table(
    "corrections",
    metadata,
    Column("person", BigInteger, primary_key=True),
    Column("trait", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("at", Moment(), nullable=False),
)
"""What a person says is true of them, sealed with their key; stronger than any source."""

passed = Table(
    "passed",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", LargeBinary, nullable=False),
    Column("kind", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("state", String, nullable=False),
    Column("at", Moment(), nullable=False),
    Column("answered_at", Moment()),
)
"""Deletions and corrections passed on to whoever got data: ``requested``, ``confirmed`` or ``refused``."""

erasures = Table(
    "erasures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stage", Integer, nullable=False),
    Column("certificate", String, nullable=False),
    Column("at", Moment(), nullable=False),
)
"""Certificates of erasures, as signed; they hold keyed hashes only."""

breaches = Table(
    "breaches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("what", String, nullable=False),
    Column("people", Integer),
    Column("risk", String, nullable=False),
    Column("known_at", Moment(), nullable=False),
    Column("due_at", Moment(), nullable=False),
    Column("reported_at", Moment()),
    Column("told_at", Moment()),
    Column("note", String),
)
"""Breaches of personal data, with the clock of their report (GDPR, Art. 33 and 34)."""

audits = Table(
    "audits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("who", String, nullable=False),
    Column("what", String, nullable=False),
    Column("people", Integer, nullable=False),
    Column("alarm", Integer, nullable=False),
    Column("at", Moment(), nullable=False),
)
"""Who read data of persons: by whom, by which command, of how many."""

receipts = Table(
    "receipts",
    metadata,
    Column("batch", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("send", BigInteger),
    Column("leaf", LargeBinary, nullable=False),
    Column("facts", LargeBinary),
    Column("consent", LargeBinary),
    sqlite_with_rowid=False,
)
"""What claims were granted by: `batch` is the position in the log of the root over the receipts of a claim,
`place` the receipt's place there; `facts` and `consent` are salted hashes. Of who is erased the `leaf` stays,
a hash that nobody can make again, and keeps the proofs of the others whole."""
Index("receipts_of_send", receipts.c.send)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("note", String, nullable=False),
    Column("at", Moment(), nullable=False),
)
"""Signed heads of the log, as they were handed out."""

noise = Table(
    "noise",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("part", String, nullable=False),
    Column("what", String, nullable=False),
    Column("round", String, nullable=False),
    Column("rho", Float, nullable=False),
    Column("released", String, nullable=False),
    Column("at", Moment(), nullable=False),
    UniqueConstraint("campaign", "part", "what", "round"),
)
"""The budget of privacy: every noisy vector of counts that was let out, of what, and what it cost.

`rho` is its zero-concentrated divergence; these add up (Bun and Steinke 2016, arXiv 1605.02065)."""

policies = Table(
    "policies",
    metadata,
    Column("placement", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", String, nullable=False),
    Column("state", LargeBinary),
    Column("learned_until", BigInteger, nullable=False),
    Column("at", Moment(), nullable=False),
)
"""What a placement's policy learned, version by version: `state` as bytes, of the newest versions only;
`digest`, their SHA-256; `learned_until`, the place in the order of what is learned."""
