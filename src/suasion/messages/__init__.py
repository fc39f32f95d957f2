"""Keep what is said, and what review found in it."""

from suasion.messages.message import Message, Review, message_from

__all__ = ["Message", "Review", "message_from"]
