"""The columns of the records that a mapping asks for, and what each must look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suasion.declarations import closest
from suasion.errors import SourceError
from suasion.expressions import Type
from suasion.ingest.cells import Layout
from suasion.ingest.kinds import KINDS, OUTCOME, PROBABILITY, TIME, Kind
from suasion.ingest.source import LINE_NUMBER, ConsentColumn, Source

TREATMENT = "treatment"
PROBABILITY_OF_ARM = "probability"


@dataclass(frozen=True)
class Field:
    """One column of the records, and the column of the file it comes from."""

    output: str
    column: str
    kind: Kind

    @property
    def is_identifier(self) -> bool:
        """Whether the field tells who the row is about."""
        return self.output.startswith("id:")

    @property
    def is_line(self) -> bool:
        """Whether the line number stands in for a column."""
        return self.is_identifier and self.column == LINE_NUMBER


def fields_of(source: Source, trait_types: Mapping[str, Type]) -> tuple[Field, ...]:
    """All fields of a source, identifiers first; raises SourceError for a trait that has no type."""
    text, yes_no = KINDS[Type.TEXT], KINDS[Type.BOOLEAN]
    fields = [
        Field(f"id:{scoped(source, kind)}", column, text) for kind, column in source.identifiers.items()
    ]
    if source.household:
        fields.append(Field("household", source.household.column, text))
    fields += [Field(f"contact:{kind}", column, text) for kind, column in source.contacts.items()]
    fields += [field for one in source.consents for field in _of_consent(one)]
    fields += [
        Field(f"signal:{one.kind}", one.column, yes_no if one.kind == "gpc" else text)
        for one in source.signals
    ]
    fields += [
        Field(f"trait:{name}", column, _kind_of_trait(source, name, trait_types))
        for name, column in source.traits.items()
    ]
    if source.treatment:
        fields.append(Field(TREATMENT, source.treatment.column, KINDS[source.treatment.type]))
        if source.treatment.probability:
            fields.append(Field(PROBABILITY_OF_ARM, source.treatment.probability, PROBABILITY))
    fields += [Field(f"outcome:{name}", one.column, OUTCOME) for name, one in source.outcomes.items()]
    return tuple(fields)


def _of_consent(one: ConsentColumn) -> list[Field]:
    """The answer, and what is known of it by columns."""
    pair = f"{one.purpose}:{one.channel}"
    said_at = one.said_at if isinstance(one.said_at, str) else None
    known = (
        ("expires", one.expires, KINDS[Type.DATE]),
        ("said", said_at, TIME),
        ("confirmed", one.confirmed, TIME),
    )
    answer = Field(f"consent:{pair}", one.column, KINDS[Type.BOOLEAN])
    return [answer, *(Field(f"{what}:{pair}", column, kind) for what, column, kind in known if column)]


def scoped(source: Source, kind: str) -> str:
    """Its kind in the records: line 7 of one file and line 7 of another are not the same person."""
    return f"{source.name}.{kind}" if source.identifiers[kind] == LINE_NUMBER else kind


def columns_of(source: Source, fields: tuple[Field, ...], layout: Layout) -> tuple[str, ...]:
    """The columns of the file that the fields read, each once; raises SourceError for an absent one."""
    wanted = tuple(dict.fromkeys(field.column for field in fields if not field.is_line))
    known = [name for name in layout.names if name]
    for column in wanted:
        if column not in known:
            asked = f"source '{source.name}': column '{column}'"
            raise SourceError(asked, f"not in {layout.path.name}", closest(column, known))
    return wanted


def _kind_of_trait(source: Source, name: str, trait_types: Mapping[str, Type]) -> Kind:
    if name not in trait_types:
        found, todo = "a trait that is not in the trait catalogue", closest(name, sorted(trait_types))
        raise SourceError(f"source '{source.name}': traits.{name}", found, todo)
    return KINDS[trait_types[name]]
