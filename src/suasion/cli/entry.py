"""Write the public record of a campaign for machines."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from suasion.cli.steps import HERE, Folder, work
from suasion.disclosure import export
from suasion.errors import OrderError


class Format(StrEnum):
    """What the record is written as."""

    JSON = "json"
    JSONLD = "jsonld"
    CSV = "csv"


_WRITE = {Format.JSON: export.as_json, Format.JSONLD: export.as_json_ld, Format.CSV: export.as_csv}


def entry(
    campaign: Annotated[str, typer.Argument(help="Name of a campaign that is on record.")],
    written: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.JSON,
    workspace: Folder = HERE,
) -> None:
    """Write a campaign's public record, one for each of its parts, to standard output."""
    found = export.records(work(workspace, lambda ws: ws.log()), campaign)
    if not found:
        todo = f"It is on record once `suasion send {campaign}` has begun."
        raise OrderError(f"the record of '{campaign}'", "there is none", todo)
    print(_WRITE[written](found), end="")
