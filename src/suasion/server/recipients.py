"""What a recipient can ask for with the token of a message: no further ones, and why it came."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from suasion.ledger import log, sends, tokens
from suasion.server.page import PRIVATE, note, page
from suasion.server.public import newest
from suasion.workspace import Workspace


class OptOut(HTTPEndpoint):
    """``/o/TOKEN``: only a POST acts, for robots and scanners follow every link (RFC 8058, section 3)."""

    def get(self, request: Request) -> Response:
        """Ask."""
        workspace, send = _asked(request)
        about = sends.about(workspace.ledger, send)
        if about is None:
            return _erased()
        entry = newest(log.rows(workspace.ledger), "campaign", about.campaign)
        return page("opt_out", PRIVATE, entry=entry, token=request.path_params["token"])

    async def post(self, request: Request) -> Response:
        """Act, whatever the body says; 200 is said after it is on disk."""
        async for _ in request.stream():
            pass
        return await run_in_threadpool(_suppress, request)


def why(request: Request) -> Response:
    """Tell why a message came. A mail may be forwarded: what is known of the person is not shown."""
    workspace, send = _asked(request)
    about = sends.about(workspace.ledger, send)
    if about is None:
        return _erased()
    entry = newest(log.rows(workspace.ledger), "campaign", about.campaign)
    if entry is None:
        raise HTTPException(404)
    return page("why", PRIVATE, about=about, entry=entry, token=request.path_params["token"])


def _asked(request: Request) -> tuple[Workspace, int]:
    """The workspace, and the send that the token names; whatever is wrong with a token, the answer is one."""
    workspace: Workspace = request.app.state.workspace
    send = tokens.send_of(workspace.key, request.path_params["token"])
    if send is None:
        raise HTTPException(404)
    return workspace, send


def _suppress(request: Request) -> Response:
    workspace, send = _asked(request)
    if not sends.suppress(workspace.ledger, send, sends.Why.OPTED_OUT, workspace.now()):
        return _erased()
    said = "You will get no more e-mail from us. This is in force now."
    return note("Done", said)


def _erased() -> Response:
    return note(
        "Nothing is held about you", "Nothing is held about you any more, and nothing will be sent to you."
    )
