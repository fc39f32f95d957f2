"""Put the journey on the command line: one command for each step, one screen for each result."""

from suasion.cli.app import main

__all__ = ["main"]
