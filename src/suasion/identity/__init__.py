"""Resolve records to persons by exact identifiers, and seal contact details with a key for each person."""

from suasion.identity import stitch, told
from suasion.identity.hashed import hashed, hashes, is_sealed, known_by, links, stored
from suasion.identity.resolve import Resolution, resolve
from suasion.identity.seal import Sealing, opened, seal, unsealed

__all__ = [
    "Resolution",
    "Sealing",
    "hashed",
    "hashes",
    "is_sealed",
    "known_by",
    "links",
    "opened",
    "resolve",
    "seal",
    "stitch",
    "stored",
    "told",
    "unsealed",
]
