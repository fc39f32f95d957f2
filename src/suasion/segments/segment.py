"""A named, versioned expression over traits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from suasion.declarations import Declared, read
from suasion.errors import CampaignError
from suasion.expressions import Expression, canonical, parse
from suasion.profiles import Trait, types
from suasion.rules import Gate


class Declaration(Declared):
    """One file of ``segments/``."""

    label: str = Field(min_length=1)
    where: str


@dataclass(frozen=True)
class Segment:
    """A group of people by what they are or did.

    Parameters
    ----------
    name, label : str
    expression : Expression
    digest : str
        Changes when the meaning of the expression does, not when its spacing does.
    """

    name: str
    label: str
    expression: Expression
    digest: str


def segment_from(path: Path, catalogue: Mapping[str, Trait], gate: Gate) -> Segment:
    """Read a segment and have its traits judged.

    Parameters
    ----------
    path : Path
        ``segments/NAME.toml``.
    catalogue : mapping of str to Trait
    gate : Gate
        The occasion the segment is used on.

    Returns
    -------
    Segment

    Raises
    ------
    CampaignError, ExpressionError
        The file or the expression is wrong.
    TraitRefusedError
        The expression uses a trait that may not select people for this purpose.
    """
    declared = read(path, Declaration, CampaignError)
    expression = parse(declared.where, types(catalogue), asked=f"segment '{path.stem}'")
    used = [(name, catalogue[name].category, None) for name in sorted(expression.names)]
    gate.admit_traits("segment", used)
    digest = hashlib.blake2b(canonical(expression).encode(), digest_size=16).hexdigest()
    return Segment(path.stem, declared.label, expression, digest)
