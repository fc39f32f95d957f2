"""What everybody may read: the campaigns, the record of each, and the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from suasion.disclosure import line_of
from suasion.errors import DamageError
from suasion.ledger import log
from suasion.server.page import PUBLIC, SECURITY, page
from suasion.workspace import Workspace

Rows = Sequence[log.LogRow]


def newest(rows: Rows, kind: str, campaign: str) -> dict[str, Any] | None:
    """What the newest row of a kind says of a campaign."""
    found = [row for row in rows if (row.kind, row.campaign) == (kind, campaign)]
    return found[-1].content if found else None


def index(request: Request) -> Response:
    """All campaigns, and the newest hash of the log."""
    workspace: Workspace = request.app.state.workspace
    rows = log.rows(workspace.ledger)
    begun = {row.campaign: row.at for row in reversed(rows) if row.kind == "campaign"}
    listed = [{"entry": newest(rows, "campaign", name), "since": begun[name]} for name in begun]
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
    """The record of one campaign: its newest entry, its newest result, its history."""
    workspace: Workspace = request.app.state.workspace
    rows, name = log.rows(workspace.ledger), request.path_params["name"]
    entry = newest(rows, "campaign", name)
    if entry is None:
        raise HTTPException(404)
    history = [row for row in reversed(rows) if row.campaign == name]
    result = newest(rows, "result", name)
    treated = sum(told["people"] for told in entry["treatments"])
    return page("campaign", PUBLIC, entry=entry, result=result, history=history, treated=treated)


def log_lines(request: Request) -> Response:
    """The log as JSON lines."""
    workspace: Workspace = request.app.state.workspace
    lines = (f"{line_of(row)}\n" for row in log.rows(workspace.ledger))
    return StreamingResponse(lines, headers={**SECURITY, **PUBLIC}, media_type="application/jsonl")


def _checked(rows: Rows) -> tuple[str, str]:
    """The newest hash; or what is wrong with the log."""
    try:
        return log.verify(rows), ""
    except DamageError as error:
        return "", str(error)
