"""``python -m suasion.cli``."""

from suasion.cli.app import main

main()
