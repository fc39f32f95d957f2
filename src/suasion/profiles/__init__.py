"""Give persons traits, each with type, category, source and time, and assemble the facts that rules judge."""

from suasion.profiles import computed, events
from suasion.profiles.catalogue import Trait, catalogue_from, types
from suasion.profiles.consents import unproven
from suasion.profiles.facts import FACT_TABLES, assemble_facts
from suasion.profiles.inferred import inferred_tables, traits_of
from suasion.profiles.store import store_profiles

__all__ = [
    "FACT_TABLES",
    "Trait",
    "assemble_facts",
    "catalogue_from",
    "computed",
    "events",
    "inferred_tables",
    "store_profiles",
    "traits_of",
    "types",
    "unproven",
]
