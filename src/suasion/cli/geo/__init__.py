"""``suasion geo``: campaigns in places, for media in which nobody can be held out."""

from suasion.cli.geo.commands import app

__all__ = ["app"]
