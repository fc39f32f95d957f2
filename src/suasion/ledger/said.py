"""What persons said: their consents with evidence, their double opt-ins, and what they wish us to keep to."""

from suasion.ledger import consents, heard, opt_in, wishes

__all__ = ["consents", "heard", "opt_in", "wishes"]
