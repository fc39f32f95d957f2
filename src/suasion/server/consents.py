"""``/consent/TOKEN``: the link of a double opt-in; a POST confirms, for robots follow every link."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from suasion.ledger import said
from suasion.server.page import PRIVATE, note, page
from suasion.workspace import Workspace


class Consent(HTTPEndpoint):
    """The words, and a button. Whatever is wrong with a token, the answer is one."""

    def get(self, request: Request) -> Response:
        """Show what is to be confirmed; nothing changes."""
        workspace: Workspace = request.app.state.workspace
        token = request.path_params["token"]
        found = said.opt_in.asked(workspace.ledger, workspace.key, token, workspace.now())
        if found is None:
            raise HTTPException(404)
        return _done() if found.confirmed else page("consent", PRIVATE, words=found.words, token=token)

    async def post(self, request: Request) -> Response:
        """Confirm, whatever the body says; 200 is said after it is on disk."""
        async for _ in request.stream():
            pass
        return await run_in_threadpool(_confirm, request)


def _confirm(request: Request) -> Response:
    workspace: Workspace = request.app.state.workspace
    token = request.path_params["token"]
    if said.opt_in.confirm(workspace.ledger, workspace.key, token, workspace.now()) is None:
        raise HTTPException(404)
    return _done()


def _done() -> Response:
    said = "You agreed, and confirmed it. Every message has a link by which you can stop them all."
    return note("Confirmed", said)
