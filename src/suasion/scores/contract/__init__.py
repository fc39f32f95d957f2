"""What every learner of effects must do, as checks that anybody can run on theirs; pytest is not needed."""

from suasion.scores.contract.check import CHECKS, Breach, Check, check, keeps_when_reloaded

__all__ = ["CHECKS", "Breach", "Check", "check", "keeps_when_reloaded"]
