"""Find the sends to an address: one mailbox gets a campaign once, whoever has it."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the index."""
    op.create_index("sends_to_address", "sends", ["address", "channel"], unique=False)
