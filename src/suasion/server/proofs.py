"""What outsiders check: the signed checkpoint, proofs about the log, receipts, and the page that does it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from suasion.disclosure import proof, saved
from suasion.ledger import Ledger, tokens
from suasion.server.page import PRIVATE, PUBLIC, SECURITY
from suasion.workspace import Workspace

OPEN = {"Access-Control-Allow-Origin": "*"}
"""What is for machines may be read by any page."""
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

Make = Callable[[Ledger, bytes, str, int, datetime], dict[str, Any] | None]


def checkpoint(request: Request) -> Response:
    """The log as it stands, signed."""
    workspace: Workspace = request.app.state.workspace
    return PlainTextResponse(workspace.checkpoint(), headers={**SECURITY, **PUBLIC, **OPEN})


def inclusion(request: Request) -> Response:
    """The proof that a row is in the log."""
    return _proof(request, proof.inclusion, _number(request), {**PUBLIC, **OPEN})


def consistency(request: Request) -> Response:
    """The proof that the log only continues its first rows."""
    return _proof(request, proof.consistency, _number(request), {**PUBLIC, **OPEN})


def receipt(request: Request) -> Response:
    """The receipt of a send, for whoever has its token; it names nobody and opens nothing."""
    workspace: Workspace = request.app.state.workspace
    send = tokens.send_of(workspace.key, request.path_params["token"])
    if send is None:
        raise HTTPException(404)
    return _proof(request, proof.receipt, send, PRIVATE)


def verify(_request: Request) -> Response:
    """The page that checks all of it in a browser."""
    text, policy = _page()
    return HTMLResponse(text, headers={**SECURITY, **PUBLIC, "Content-Security-Policy": policy})


def _number(request: Request) -> int:
    said = request.path_params["number"]
    if not re.fullmatch("[0-9]{1,18}", said):
        raise HTTPException(404)
    return int(said)


def _proof(request: Request, make: Make, about: int, kind: Mapping[str, str]) -> Response:
    workspace: Workspace = request.app.state.workspace
    made = make(workspace.ledger, workspace.key, workspace.settings.log_name, about, workspace.now())
    if made is None:
        raise HTTPException(404)
    return JSONResponse(made, headers={**SECURITY, **kind})


@cache
def _page() -> tuple[str, str]:
    """The page, and a policy that lets it run its own script and load nothing."""
    text = saved.page()
    (script,) = _SCRIPT.findall(text)
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = SECURITY["Content-Security-Policy"].replace("style-src", f"script-src 'sha256-{own}'; style-src")
    return text, policy
