"""The pages of a workspace and their data; hot paths are beside them, in `application`."""

from __future__ import annotations

import logging
from importlib.metadata import version

from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from suasion.errors import SuasionError
from suasion.ledger import replay, tokens
from suasion.server import proofs
from suasion.server.consents import Consent
from suasion.server.described import described
from suasion.server.page import note
from suasion.server.public import (
    FORMATS,
    campaign,
    data,
    index,
    log_lines,
    notice,
    notice_data,
    schema,
    well_known,
)
from suasion.server.reasons import Reasons
from suasion.server.recipients import OptOut, Proof, ask, why, wish
from suasion.workspace import Workspace

MOST_BODY = 64 * 1024
"""Octets of a request; what an opt-out says besides its token is not read."""
MOST_HEARD = 256 * MOST_BODY
"""Octets after which whoever goes on is cut off; till then they are heard out, and told what is wrong."""
RETRY_AFTER = 60
"""Seconds."""

_REFUSALS = {404: "There is no such page.", 405: "This cannot be done here.", 413: "That is too much."}
_log = logging.getLogger("uvicorn.error")


def app(workspace: Workspace) -> FastAPI:
    """Make the web application of a workspace.

    ``POST /o/TOKEN`` opts out in one step (RFC 8058), ``GET`` there asks first. ``/why/TOKEN`` tells a
    recipient why; what they wish and ask is posted to ``/why/TOKEN/wish`` and ``/why/TOKEN/ask``, and
    ``/proof/TOKEN`` confirms it, as ``/consent/TOKEN`` does a double opt-in. ``/``, ``/campaigns/NAME``, the
    same with ``.json``, ``.jsonld``, ``.csv`` and ``/notice`` after it, the file under ``/.well-known`` and
    ``/log.jsonl`` are for everybody, and so are ``/checkpoint``, ``/proof/inclusion/POSITION`` and
    ``/proof/consistency/SIZE``, which ``/verify`` checks; ``/receipt/TOKEN`` is for the recipient. No cookie,
    no redirect, and no script but that of ``/verify``. ``/openapi.json`` describes what is for programs.
    Tokens are in paths, and who has one may act by it: serve it without an access log.

    Parameters
    ----------
    workspace : Workspace

    Returns
    -------
    FastAPI

    Raises
    ------
    WorkspaceError
        Without the workspace's key no token would be known, or anybody could make one.
    """
    tokens.require_key(workspace.ledger, workspace.key)
    _catch_up(workspace)
    made = FastAPI(
        title=f"suasion: {workspace.settings.name}",
        version=version("suasion"),
        docs_url=None,  # its page loads a script of others
        redoc_url=None,
        redirect_slashes=False,
        routes=[
            Route("/", index),
            Route("/record.schema.json", schema),
            Route("/.well-known/suasion-transparency.json", well_known),
            *(Route(f"/campaigns/{{name}}.{ending}", data) for ending in FORMATS),
            Route("/campaigns/{name}/notice", notice),
            Route("/campaigns/{name}/notice.json", notice_data),
            Route("/campaigns/{name}", campaign),
            Route("/log.jsonl", log_lines),
            Route("/checkpoint", proofs.checkpoint),
            Route("/proof/inclusion/{number}", proofs.inclusion),
            Route("/proof/consistency/{number}", proofs.consistency),
            Route("/receipt/{token}", proofs.receipt),
            Route("/verify", proofs.verify),
            Route("/o/{token}", OptOut),
            Route("/why/{token}", why),
            Route("/why/{token}/wish", wish, methods=["POST"]),
            Route("/why/{token}/ask", ask, methods=["POST"]),
            Route("/proof/{token}", Proof),
            Route("/consent/{token}", Consent),
            Route("/health", _health),
        ],
        exception_handlers={
            HTTPException: _refused,
            SuasionError: _unavailable,
            DBAPIError: _unavailable,
            OSError: _unavailable,
            ClientDisconnect: _gone,
        },
        middleware=[Middleware(_Measured)],
    )
    made.openapi = lambda: described(made)
    made.state.workspace = workspace
    made.state.reasons = Reasons()
    return made


def _catch_up(workspace: Workspace) -> None:
    """Do again what a restored ledger forgot; where that cannot be known, opt-outs are taken all the same."""
    try:
        replay.catch_up(workspace.ledger, workspace.now())
    except SuasionError as error:
        _log.warning("%s", error)


class _Measured:
    """Refuses a body beyond measure once it was heard out: who is cut off while writing sees no answer."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure what the application receives."""
        heard = 0

        async def next_part() -> Message:
            nonlocal heard
            message = await receive()
            heard += len(message.get("body", b""))
            return message

        async def measured() -> Message:
            message = await next_part()
            if heard > MOST_BODY:
                while message.get("more_body") and heard <= MOST_HEARD:
                    message = await next_part()
                raise HTTPException(413)
            return message

        await self.inner(scope, measured, send)


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
