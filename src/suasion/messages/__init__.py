"""Keep what is said and what review found in it, prove that it can be written to everybody, and write it."""

from suasion.messages import harm
from suasion.messages.harm import Claim
from suasion.messages.message import Message, Review, Variant, fields, message_from, used_traits
from suasion.messages.proof import Proof, proof
from suasion.messages.writer import Rendered, Writer

__all__ = [
    "Claim",
    "Message",
    "Proof",
    "Rendered",
    "Review",
    "Variant",
    "Writer",
    "fields",
    "harm",
    "message_from",
    "proof",
    "used_traits",
]
