"""What everybody may read: the campaigns, the record of each for people and machines, notices, the log."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from suasion.disclosure import export, line_of
from suasion.errors import DamageError
from suasion.ledger import checkpoints, log
from suasion.server.page import PUBLIC, SECURITY, page
from suasion.workspace import Workspace

Rows = Sequence[log.LogRow]
UNLISTED = {**PUBLIC, "X-Robots-Tag": "noindex"}
"""Of a campaign that is not published: who has its link reads it."""
OPEN = {"Access-Control-Allow-Origin": "*"}
"""What is for machines may be read by any page."""


def newest(rows: Rows, kind: str, campaign: str, part: str | None = None) -> dict[str, Any] | None:
    """What the newest row of a kind says of a campaign, or of one part of it."""
    for row in reversed(rows):
        if (row.kind, row.campaign) == (kind, campaign):
            said = row.content
            if part is None or said.get("part") == part:
                return said
    return None


def index(request: Request) -> Response:
    """All campaigns that are published, and the root of the log."""
    workspace: Workspace = request.app.state.workspace
    rows = log.rows(workspace.ledger)
    begun = {row.campaign: row.at for row in reversed(rows) if row.kind == "campaign"}
    entries = {name: newest(rows, "campaign", name) for name in begun}
    listed = [{"entry": said, "since": begun[name]} for name, said in entries.items() if _published(said)]
    head, problem = _checked(rows)
    return page(
        "index",
        PUBLIC,
        name=workspace.settings.name,
        campaigns=listed,
        rows=len(rows),
        head=head,
        problem=problem,
    )


def campaign(request: Request) -> Response:
    """The record of one campaign, by its parts: its newest entry, its newest result, its history."""
    rows, name = _rows(request), request.path_params["name"]
    part = request.query_params.get("part")
    entry = newest(rows, "campaign", name, part)
    if entry is None:
        raise HTTPException(404)
    history = [row for row in reversed(rows) if row.campaign == name and row.kind != "sends"]
    result = newest(rows, "result", name, entry["part"])
    parts = [one["ad"]["part"] for one in export.records(rows, name)]
    kind = PUBLIC if entry["published"] else UNLISTED
    return page("campaign", kind, entry=entry, result=result, history=history, parts=parts)


def notice(request: Request) -> Response:
    """The transparency notice of a part, with its numbered items."""
    record = _record(request)
    return page("notice", PUBLIC, record=record, items=export.items_of(record))


def notice_data(request: Request) -> Response:
    """The same for machines."""
    record = _record(request)
    items = [
        {"number": one.number, "title": one.title, "lines": one.lines} for one in export.items_of(record)
    ]
    said = {"schema": f"{export.SCHEMA_ID}:notice", "record_id": record["record_id"], "items": items}
    return JSONResponse(said, headers={**SECURITY, **PUBLIC, **OPEN})


def data(request: Request) -> Response:
    """The records of a campaign as JSON, JSON-LD or CSV, by the ending of the address."""
    write, kind = FORMATS[request.url.path.rpartition(".")[2]]
    text = write(_records(request))
    return Response(text, headers={**SECURITY, **PUBLIC, **OPEN}, media_type=kind)


def schema(_request: Request) -> Response:
    """The JSON Schema of records."""
    return JSONResponse(export.schema(), headers={**SECURITY, **PUBLIC, **OPEN})


def well_known(request: Request) -> Response:
    """Who sends from here, by which addresses, and where all of it is on record."""
    workspace: Workspace = request.app.state.workspace
    rows = _rows(request)
    names = dict.fromkeys(row.campaign for row in rows if row.kind == "campaign")
    entries = [entry for name in names if (entry := newest(rows, "campaign", name)) is not None]
    listed = [entry for entry in entries if _published(entry)]
    root = (workspace.settings.public_url or "").rstrip("/")
    said = {
        "schema": f"{export.SCHEMA_ID}:sender",
        "sponsor": workspace.settings.name,
        "sends_from": sorted({parseaddr(entry["sender"])[1] for entry in entries}),
        "log": f"{root}/log.jsonl",
        "records": [export.records(rows, entry["campaign"])[0]["ad"]["permanent_url"] for entry in listed],
        "record_schema": f"{root}/record.schema.json",
        "policies": sorted({url for entry in listed if (url := entry["disclosure"]["policy_url"])}),
        "opt_out": {"url": f"{root}/o/TOKEN", "method": "POST", "as_in": "RFC 8058"},
        "why_me": f"{root}/why/TOKEN",
    }
    return JSONResponse(said, headers={**SECURITY, **PUBLIC, **OPEN})


def log_lines(request: Request) -> Response:
    """The log as JSON lines."""
    lines = (f"{line_of(row)}\n" for row in _rows(request))
    return StreamingResponse(lines, headers={**SECURITY, **PUBLIC}, media_type="application/jsonl")


FORMATS = {
    "json": (export.as_json, "application/json"),
    "jsonld": (export.as_json_ld, "application/ld+json"),
    "csv": (export.as_csv, "text/csv; charset=utf-8"),
}


def _rows(request: Request) -> Rows:
    workspace: Workspace = request.app.state.workspace
    return log.rows(workspace.ledger)


def _records(request: Request) -> tuple[dict[str, Any], ...]:
    """The records of the campaign that is named, or of the part that is asked for."""
    found, part = (
        export.records(_rows(request), request.path_params["name"]),
        request.query_params.get("part"),
    )
    chosen = tuple(one for one in found if part is None or one["ad"]["part"] == part)
    if not chosen:
        raise HTTPException(404)
    return chosen


def _record(request: Request) -> dict[str, Any]:
    return _records(request)[0]


def _published(entry: dict[str, Any] | None) -> bool:
    return entry is not None and bool(entry["published"])


def _checked(rows: Rows) -> tuple[str, str]:
    """The root of the log; or what is wrong with it."""
    try:
        return base64.b64encode(checkpoints.tree.root(log.leaves(rows))).decode(), ""
    except DamageError as error:
        return "", str(error)
