"""Hold what must be true the moment it is said: which table versions count, campaigns, plans and draws."""

from suasion.ledger.campaign import Campaign, TreatmentTerms, campaign_from, declare
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
    "reading",
    "record_draws",
    "running",
]
