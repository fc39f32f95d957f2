"""Hold what must be true the moment it is said: table versions, draws, consents, sends, the log."""

from suasion.ledger import checkpoints, draws, log, replay, said, schema, sends, subject, tokens
from suasion.ledger.campaign import Campaign, campaign_from
from suasion.ledger.database import Ledger
from suasion.ledger.run import Run, reading, running
from suasion.ledger.tables import Tables

__all__ = [
    "Campaign",
    "Ledger",
    "Run",
    "Tables",
    "campaign_from",
    "checkpoints",
    "draws",
    "log",
    "reading",
    "replay",
    "running",
    "said",
    "schema",
    "sends",
    "subject",
    "tokens",
]
