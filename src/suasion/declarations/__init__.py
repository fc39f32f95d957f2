"""Read the TOML files that people write: a typed value, or one clear error that names file and key."""

from suasion.declarations.read import Declared, closest, named, read

__all__ = ["Declared", "closest", "named", "read"]
