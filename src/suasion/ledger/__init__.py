"""Hold what must be true the moment it is said: table versions, draws, consents, sends, the log."""

from suasion.ledger import assignments, draws, log, sends, subject, tokens
from suasion.ledger.campaign import Campaign, DeliveryTerms, campaign_from, declare
from suasion.ledger.consents import record_consents
from suasion.ledger.database import Ledger
from suasion.ledger.run import Run, Tables, reading, running

__all__ = [
    "Campaign",
    "DeliveryTerms",
    "Ledger",
    "Run",
    "Tables",
    "assignments",
    "campaign_from",
    "declare",
    "draws",
    "log",
    "reading",
    "record_consents",
    "running",
    "sends",
    "subject",
    "tokens",
]
