"""Hold what must be true the moment it is said: table versions, draws, consents, sends, the log."""

from suasion.ledger import log, sends, tokens
from suasion.ledger.campaign import Campaign, TreatmentTerms, campaign_from, declare
from suasion.ledger.consents import record_consents
from suasion.ledger.database import Ledger, TableVersion
from suasion.ledger.draws import drawn, record_draws
from suasion.ledger.run import Run, Tables, reading, running

__all__ = [
    "Campaign",
    "Ledger",
    "Run",
    "TableVersion",
    "Tables",
    "TreatmentTerms",
    "campaign_from",
    "declare",
    "drawn",
    "log",
    "reading",
    "record_consents",
    "record_draws",
    "running",
    "sends",
    "tokens",
]
