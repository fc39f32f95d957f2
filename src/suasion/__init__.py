"""Find whom a message truly helps, send it only where that is lawful, and prove what it changed."""

import os

# Idle OpenMP threads must sleep: spinning costs LightGBM 3-13x on a shared machine. libgomp reads it at load.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from suasion.errors import SuasionError
from suasion.workspace import Workspace
from suasion.workspace import open_workspace as open

__all__ = ["SuasionError", "Workspace", "open"]
