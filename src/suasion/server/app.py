"""The web application of a workspace, and the process that serves it."""

from __future__ import annotations

import logging
import socket

import uvicorn
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from suasion.errors import SuasionError
from suasion.ledger import tokens
from suasion.server.page import note
from suasion.server.public import campaign, index, log_lines
from suasion.server.recipients import OptOut, why
from suasion.workspace import Workspace

MOST_BODY = 64 * 1024
"""Octets of a request; what an opt-out says besides its token is not read."""
RETRY_AFTER = 60
"""Seconds."""

_REFUSALS = {404: "There is no such page.", 405: "This cannot be done here.", 413: "That is too much."}
_log = logging.getLogger("uvicorn.error")


def app(workspace: Workspace) -> Starlette:
    """Make the web application of a workspace.

    ``POST /o/TOKEN`` opts out in one step (RFC 8058), ``GET`` there asks first, ``/why/TOKEN`` tells a
    recipient why. ``/``, ``/campaigns/NAME`` and ``/log.jsonl`` are for everybody. No cookie, no script, no
    redirect. Tokens are in paths, and who has a token may opt out: serve it without an access log.

    Parameters
    ----------
    workspace : Workspace

    Returns
    -------
    Starlette

    Raises
    ------
    WorkspaceError
        Without the workspace's key no token would be known, or anybody could make one.
    """
    tokens.require_key(workspace.ledger, workspace.key)
    made = Starlette(
        routes=[
            Route("/", index),
            Route("/campaigns/{name}", campaign),
            Route("/log.jsonl", log_lines),
            Route("/o/{token}", OptOut),
            Route("/why/{token}", why),
            Route("/health", _health),
        ],
        exception_handlers={
            HTTPException: _refused,
            SuasionError: _unavailable,
            DBAPIError: _unavailable,
            ClientDisconnect: _gone,
        },
        max_body_size=MOST_BODY,
    )
    made.router.redirect_slashes = False
    made.state.workspace = workspace
    return made


def serve(workspace: Workspace, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve a workspace until the process is asked to end; requests under way are answered first.

    Parameters
    ----------
    workspace : Workspace
        Its `say` is told the address.
    host : str
    port : int
        0 for any that is free.

    Raises
    ------
    WorkspaceError
        See `app`.
    OSError
        The address is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    config = uvicorn.Config(
        app(workspace),
        access_log=False,
        log_level="warning",
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=15,
    )
    with socket.create_server((host, port), family=family) as listener:
        shown = f"[{host}]" if ":" in host else host
        workspace.say(f"serving on http://{shown}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return note("Sorry", _REFUSALS.get(error.status_code, error.detail), error.status_code, error.headers)


async def _unavailable(_request: Request, error: Exception) -> Response:
    """The ledger did not take it: say so, and never that it did."""
    _log.warning("a request was answered with 503: %s", type(error).__name__)  # its text may hold values
    said = "Our records are busy. Nothing has changed yet. Please try again in a minute."
    return note("Please try again", said, 503, {"Retry-After": str(RETRY_AFTER)})


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)
