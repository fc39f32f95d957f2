"""Resolve records to persons and households by exact identifiers; nothing else ever sees an identifier."""

from suasion.identity.resolve import Resolution, resolve

__all__ = ["Resolution", "resolve"]
