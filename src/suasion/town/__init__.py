"""Simulate a town whose true effects are known, to walk the whole road with people who do not exist.

Imports no other stage: it writes files as a real source would give them, and answers the mail it gets.
"""

from suasion.town.answer import Answers, answer
from suasion.town.create import create
from suasion.town.town import Effects, Town, town_from
from suasion.town.truth import chances

__all__ = ["Answers", "Effects", "Town", "answer", "chances", "create", "town_from"]
