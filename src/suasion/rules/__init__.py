"""Judge what is permitted by dated, cited rules over facts: an unknown fact means no."""

from suasion.rules.clearance import Clearance
from suasion.rules.facts import PERSON_FACTS
from suasion.rules.gate import Gate
from suasion.rules.judging import Judgement
from suasion.rules.loading import load_packs
from suasion.rules.pack import Rule
from suasion.rules.purpose import Basis, Category, Channel, Effect, Jurisdiction, Purpose, Use
from suasion.rules.scope import Occasion
from suasion.rules.verdict import Reason, Verdict

__all__ = [
    "PERSON_FACTS",
    "Basis",
    "Category",
    "Channel",
    "Clearance",
    "Effect",
    "Gate",
    "Judgement",
    "Jurisdiction",
    "Occasion",
    "Purpose",
    "Reason",
    "Rule",
    "Use",
    "Verdict",
    "load_packs",
]
