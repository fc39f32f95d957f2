"""Find whom a message truly helps, send it only where that is lawful, and prove what it changed."""

import os
from importlib import import_module
from typing import TYPE_CHECKING

# Idle OpenMP threads must sleep: spinning costs LightGBM 3-13x on a shared machine. libgomp reads it at load.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from suasion.errors import SuasionError

if TYPE_CHECKING:
    from suasion.workspace import Workspace
    from suasion.workspace import open_workspace as open

__all__ = ["SuasionError", "Workspace", "open"]
_LATER = {"Workspace": "Workspace", "open": "open_workspace"}


def __getattr__(name: str) -> object:
    """Load the workspace, and with it the engines, when it is first asked for (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module 'suasion' has no attribute '{name}'")
    return getattr(import_module("suasion.workspace"), _LATER[name])
