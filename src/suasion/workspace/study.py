"""An inference with all that it names, read and judged before any data are touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from suasion.declarations import closest, named
from suasion.errors import InputError, TraitRefusedError, WorkspaceError
from suasion.expressions import Type
from suasion.ingest import Source
from suasion.ledger import Tables
from suasion.profiles import FACT_TABLES, Trait, catalogue_from, inferred_tables
from suasion.rules import Category, Gate, Use
from suasion.scores import inferences
from suasion.segments import Segment, segment_from
from suasion.workspace.brief import gate_for, sources_from
from suasion.workspace.settings import Settings


@dataclass(frozen=True)
class Study:
    """An inference with all that it names, judged.

    Parameters
    ----------
    inference : Inference
    sources : tuple of Source
    catalogue : dict of str to Trait
    gate : Gate
        For learning and evaluation.
    segment : Segment
        Who gets the trait.
    seeds : Segment or None
        The list of a lookalike, where it is a segment.
    """

    inference: inferences.Inference
    sources: tuple[Source, ...]
    catalogue: dict[str, Trait]
    gate: Gate
    segment: Segment
    seeds: Segment | None

    @property
    def source(self) -> Source | None:
        """The source of outcomes, or of the list."""
        return next((one for one in self.sources if one.name == self.inference.source), None)

    @property
    def learned_from(self) -> str:
        """What is learned from, in words."""
        if self.inference.kind == "propensity":
            return f"'{self.inference.learns}' in source '{self.inference.source}'"
        seeds = (
            f"the list '{self.inference.source}'" if self.seeds is None else f"segment '{self.seeds.name}'"
        )
        return f"{seeds} and everybody else"

    def inputs(self, tables: Tables) -> str:
        """What the trait depends on: people, rules and declarations."""
        expressions = (self.segment, *([self.seeds] if self.seeds else []))
        used = {*self.inference.features, *self.inference.groups}
        used |= {name for one in expressions for name in one.expression.names}
        records = [f"records.{self.source.name}"] if self.source else []
        parts = [self.inference.digest, *(one.digest for one in expressions), self.gate.digest]
        digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
        read = (*FACT_TABLES, *records, *inferred_tables(self.catalogue, used))
        return f"{tables.version(*read)} {digest}"


def study(folder: Path, settings: Settings, name: str, at: datetime) -> Study:
    """Read an inference and all that it names, and judge what it uses and what it makes.

    Parameters
    ----------
    folder : Path
        The workspace.
    settings : Settings
    name : str
        Of the inference.
    at : datetime

    Returns
    -------
    Study

    Raises
    ------
    InputError
        Something named does not exist or contradicts something else.
    TraitRefusedError
        The rules refuse a feature, the outcome, the list, or the trait that would be made.
    """
    inference = inferences.inference_from(named(folder / "inferences", name, WorkspaceError))
    catalogue, sources = catalogue_from(folder / "traits"), sources_from(folder)
    uses = frozenset({Use.LEARN, Use.EVALUATE})
    gate = gate_for(folder, settings, inference.purpose, f"inference {name}", uses, at)
    segment = segment_from(named(folder / "segments", inference.segment, InputError), catalogue, gate)
    seeds = None
    if inference.lookalike is not None and inference.lookalike.segment is not None:
        path = named(folder / "segments", inference.lookalike.segment, InputError)
        seeds = segment_from(path, catalogue, gate)
    made = Study(inference, sources, catalogue, gate, segment, seeds)
    _admit(made)
    return made


def _admit(made: Study) -> None:
    """Judge what is learned from, what it is learned by, and what comes of it."""
    inference, gate = made.inference, made.gate
    weight = inference.weight
    scored = [*inference.features, *([weight] if weight else [])]
    for name in (inference.trait, *scored, *inference.groups):
        _known(inference, "trait", name, made.catalogue)
    for role, names in (("score", scored), ("group", inference.groups)):
        gate.admit_traits(role, [(name, made.catalogue[name].category, None) for name in names])
    _check_weight(made, weight)
    told = _outcome(made) if inference.propensity else _list(made)
    _admit_trait(made, told)


def _check_weight(made: Study, weight: str | None) -> None:
    if weight and made.catalogue[weight].type not in (Type.NUMBER, Type.INTEGER):
        raise WorkspaceError(f"weight '{weight}'", "a trait that is no number", "Name a number.")


def _admit_trait(made: Study, told: set[Category]) -> None:
    """What is made is judged by what it tells of people, not by what somebody calls it."""
    name = made.inference.trait
    target = made.catalogue[name]
    if target.provenance != "inferred":
        todo = 'Say provenance = "inferred" in traits/.'
        raise WorkspaceError(f"trait '{name}'", "it is not declared as inferred", todo)
    if target.category not in told:
        found = f"category {target.category}, but it would tell {', '.join(sorted(told))}"
        raise WorkspaceError(f"trait '{name}'", found, "Give it that category in traits/.")
    made.gate.admit_traits("score", [(name, category, None) for category in sorted(told)])


def _outcome(made: Study) -> set[Category]:
    """What the outcome tells of a person."""
    source, name = source_of(made), made.inference.learns
    _known(made.inference, "outcome", name, source.outcomes)
    category = source.outcomes[name].category
    made.gate.admit_traits("outcome", [(name, category, source.basis)])
    return {category}


def _list(made: Study) -> set[Category]:
    """What being on the list tells of a person; where nobody knows, it is refused."""
    told = _told_by_source(made) if made.seeds is None else _told_by_segment(made, made.seeds)
    if not told:
        facts = {"role": "lookalike", "purpose": str(made.inference.purpose)}
        reasons = "; ".join(map(str, made.gate.judge_one("trait", facts).reasons))
        found = f"nothing says what the list tells of people: {reasons}"
        todo = "Say the category of the source, or make the list of traits."
        raise TraitRefusedError(f"lookalikes of {made.learned_from}", found, todo)
    made.gate.admit_traits("lookalike", [(name, category, None) for name, category in told.items()])
    return set(told.values())


def _told_by_segment(made: Study, seeds: Segment) -> dict[str, Category]:
    if circular := sorted(seeds.expression.names & set(made.inference.features)):
        asked = f"inferences/{made.inference.name}.toml: features"
        found = f"'{circular[0]}' makes the list: who is on it would be learned from itself"
        raise WorkspaceError(asked, found, "Leave it out.")
    return {name: made.catalogue[name].category for name in sorted(seeds.expression.names)}


def _told_by_source(made: Study) -> dict[str, Category]:
    """Its declared category, and those of the outcomes that it recorded of everybody in it."""
    source, declared = source_of(made), made.inference.lookalike
    if declared is None or declared.category is None:
        return {}
    recorded = {name: one.category for name, one in source.outcomes.items()}
    return {f"list {source.name}": declared.category} | recorded


def source_of(made: Study) -> Source:
    """The source that the inference names; WorkspaceError where there is none."""
    if made.source is None:
        known = [one.name for one in made.sources]
        raise _unknown(made.inference, "source", made.inference.source or "", known)
    return made.source


def _known(inference: inferences.Inference, what: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise _unknown(inference, what, name, known)


def _unknown(inference: inferences.Inference, what: str, name: str, known: Iterable[str]) -> WorkspaceError:
    asked = f"inferences/{inference.name}.toml"
    return WorkspaceError(asked, f"unknown {what} '{name}'", closest(name, known))
