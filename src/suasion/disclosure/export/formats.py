"""Records as JSON with a schema, as linked data, and as a table that is no formula to any spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from suasion.disclosure.export.records import SCHEMA_ID, Json

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CONTEXT: Json = {
    "@version": 1.1,
    "@vocab": f"{SCHEMA_ID}#",
    "schema": "https://schema.org/",
    "name": "schema:name",
    "legal_name": "schema:legalName",
    "email": "schema:email",
    "postal": "schema:address",
    "sponsor": "schema:sponsor",
    "payer": "schema:funder",
    "currency": "schema:currency",
    "text": "schema:text",
    "languages": "schema:inLanguage",
    "published_at": {"@id": "schema:datePublished", "@type": "schema:DateTime"},
    "permanent_url": {"@id": "schema:url", "@type": "@id"},
}


def schema() -> Json:
    """The JSON Schema (2020-12) of a record."""
    return json.loads(files("suasion.disclosure.export").joinpath("record.schema.json").read_text("utf-8"))


def as_json(made: Sequence[Json]) -> str:
    """Records as JSON."""
    return json.dumps({"schema": SCHEMA_ID, "records": list(made)}, ensure_ascii=False, indent=1) + "\n"


def as_json_ld(made: Sequence[Json]) -> str:
    """Records as linked data, with their context inside: nothing has to be loaded to read them."""
    kind = {True: "PoliticalAdvertisement", False: "Advertisement"}
    graph = [
        {"@id": one["ad"]["permanent_url"], "@type": kind[one["label"]["is_political"]]} | one for one in made
    ]
    return json.dumps({"@context": _CONTEXT, "@graph": graph}, ensure_ascii=False, indent=1) + "\n"


def as_csv(made: Sequence[Json]) -> str:
    """Records as a table of record, field and value, one line a value.

    Text that a spreadsheet would take for a formula begins with an apostrophe.

    Examples
    --------
    >>> print(as_csv([{"record_id": "x:house", "ad": {"text": "=1+1", "cost": -1}}]))
    "record","field","value"
    "x:house","record_id","x:house"
    "x:house","ad.text","'=1+1"
    "x:house","ad.cost",-1
    <BLANKLINE>
    """
    written = io.StringIO()
    table = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    table.writerow(["record", "field", "value"])
    for one in made:
        lines = ((safe(str(one["record_id"])), safe(field), safe(value)) for field, value in _flat("", one))
        table.writerows(lines)
    return written.getvalue()


def safe(value: Any) -> Any:
    """A cell that is no formula.

    Examples
    --------
    >>> safe("@SUM(A1)"), safe("plain"), safe(-3)
    ("'@SUM(A1)", 'plain', -3)
    """
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA) else value


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value with its path; lists by number from 0."""
    match value:
        case dict():
            for key, one in value.items():
                yield from _flat(f"{path}.{key}" if path else str(key), one)
        case list() | tuple():
            for number, one in enumerate(value):
                yield from _flat(f"{path}[{number}]", one)
        case None:
            yield path, ""
        case bool():
            yield path, "true" if value else "false"
        case _:
            yield path, value
