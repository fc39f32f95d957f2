"""What a recipient can do with the token of a message: see why it came, and say what is to be otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from suasion.errors import InputError
from suasion.ledger import log, said, sends, tokens
from suasion.rights import proofs, requests, seals_of
from suasion.rules import Category
from suasion.server.page import PRIVATE, note, page
from suasion.server.public import newest
from suasion.server.reasons import Reasons
from suasion.workspace import Workspace, asked

FEWEST = (1, 2, 4, 8)
"""What may be chosen as "no more than so many in 30 days"."""
MOST_FIELDS = 20
WISHED = {
    said.wishes.WishKind.OBJECTED: "You are not targeted any more. What was planned for you was taken back, "
    "and we do not learn from your data. You stay subscribed: you may still get what is sent to all alike.",
    said.wishes.WishKind.FEWER: "You get no more than {} of our messages in 30 days, whatever the campaign.",
}
PROVE = (
    "So that nobody else can ask it in your name, we send a link to the address that we have of you: please "
    "confirm it there."
)


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
    """Tell why a message came. A mail may be forwarded: no value that is known of the person is shown."""
    workspace, send = _asked(request)
    about = sends.about(workspace.ledger, send)
    if about is None:
        return _erased()
    entry = newest(log.rows(workspace.ledger), "campaign", about.campaign)
    if entry is None:
        raise HTTPException(404)
    return page(
        "why",
        PRIVATE,
        about=about,
        entry=entry,
        token=request.path_params["token"],
        reasons=_reasons(request.app.state.reasons, workspace, about),
        told=asked.told_of(workspace, send, entry["purpose"]),
        unused=_unused(entry),
        others=[one for one in entry["treatments"] if one["treatment"] != about.treatment],
        mine=[one for one in entry["treatments"] if one["treatment"] == about.treatment],
        fewest=FEWEST,
    )


async def wish(request: Request) -> Response:
    """``POST /why/TOKEN/wish``: in force before it is confirmed."""
    said = await _fields(request)
    return await run_in_threadpool(_keep, request, said)


async def ask(request: Request) -> Response:
    """``POST /why/TOKEN/ask``: into the queue, with its clock."""
    said = await _fields(request)
    return await run_in_threadpool(_receive, request, said)


class Proof(HTTPEndpoint):
    """``/proof/TOKEN``: the link that went to the address on file; a POST confirms one request, once."""

    def get(self, request: Request) -> Response:
        """Ask."""
        workspace: Workspace = request.app.state.workspace
        found = asked.waiting_for(workspace, request.path_params["token"])
        if found is None:
            raise HTTPException(404)
        said = proofs.ASKED[found.kind]
        return page("proof", PRIVATE, said=said, received=found.received_at.isoformat())

    async def post(self, request: Request) -> Response:
        """Believe it, whatever the body says."""
        async for _ in request.stream():
            pass
        return await run_in_threadpool(_confirm, request)


def _asked(request: Request) -> tuple[Workspace, int]:
    """The workspace, and the send that the token names; whatever is wrong with a token, the answer is one."""
    workspace: Workspace = request.app.state.workspace
    send = tokens.send_of(workspace.key, request.path_params["token"])
    if send is None:
        raise HTTPException(404)
    return workspace, send


async def _fields(request: Request) -> dict[str, str]:
    """What a form says; the last of several values counts."""
    body = b"".join([part async for part in request.stream()])
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(413) from None
    return dict(pairs)


def _suppress(request: Request) -> Response:
    workspace, send = _asked(request)
    if not sends.suppress(workspace.ledger, send, sends.Why.OPTED_OUT, workspace.now()):
        return _erased()
    said = "You will get no more e-mail from us. This is in force now."
    return note("Done", said)


def _keep(request: Request, form: Mapping[str, str]) -> Response:
    workspace, send = _asked(request)
    kind, amount = form.get("kind", ""), form.get("amount", "")
    if kind not in WISHED or (kind == said.wishes.WishKind.FEWER) is not (
        amount.isascii() and amount.isdecimal()
    ):
        return _unclear()
    wished = said.wishes.WishKind(kind)
    number = int(amount[:9]) if amount else None
    at = workspace.now()
    try:
        known = said.wishes.keep_to_recipient(workspace.ledger, send, wished, "page", at, number)
    except InputError:
        return _unclear()
    told = WISHED[wished].format(number)
    return note("Done", f"{told} This is in force now.") if known else _erased()


def _receive(request: Request, form: Mapping[str, str]) -> Response:
    workspace, send = _asked(request)
    try:
        kind = requests.RequestKind(form.get("kind", ""))
    except ValueError:
        return _unclear()
    if kind is requests.RequestKind.OBJECTION:
        return _keep(request, {"kind": str(said.wishes.WishKind.OBJECTED)})
    due = asked.due_of(workspace, kind)
    seals = seals_of(workspace.ledger, workspace.key)
    text = _detail(kind, form)
    if kind is requests.RequestKind.COMPLAINT and text is None:
        return _unclear()
    found = requests.receive_from_recipient(workspace.ledger, send, kind, workspace.now(), due, text, seals)
    if found is None:
        return _erased()
    if not found.is_open:
        return note("Requested", "We had this from you before, and answered it.")
    until = f"You will have an answer by {found.due_on.day} {found.due_on:%B %Y}."
    proof = "" if kind in requests.PROTECTS else f" {PROVE}"
    return note("Requested", f"We have your request; it is not done yet. {until}{proof}")


def _detail(kind: requests.RequestKind, form: Mapping[str, str]) -> str | None:
    """What the person wrote; of a correction as a machine reads it, too."""
    text = form.get("text", "").strip() or None
    if kind is not requests.RequestKind.RECTIFICATION:
        return text
    named = {key: form[key].strip() for key in ("trait", "value") if form.get(key, "").strip()}
    return json.dumps({**named, "text": text}, ensure_ascii=False) if named or text else None


def _confirm(request: Request) -> Response:
    workspace: Workspace = request.app.state.workspace
    found = asked.confirm(workspace, request.path_params["token"])
    if found is None:
        raise HTTPException(404)
    until = f"You will have an answer by {found.due_on.day} {found.due_on:%B %Y}."
    return note("Confirmed", f"Thank you. We know now that it was you; it is not done yet. {until}")


def _reasons(reasons: Reasons, workspace: Workspace, about: sends.About) -> tuple[str, ...] | None:
    """Sentences without a value of the person; None where they cannot be told, or not in time."""
    tables, name = workspace.tables(), about.campaign
    version = tables.version(f"forecasts.{name}", f"plans.{name}", "traits")
    if f"forecasts.{name}" not in tables.versions:
        return None
    return reasons.told((name, about.person, version), partial(workspace.hints, name, about.person))


def _unused(entry: Mapping[str, Any]) -> list[str]:
    """Kinds of data that the campaign does not look at."""
    used = {one["category"] for one in entry["traits"]}
    return [str(category) for category in Category if category not in used]


def _unclear() -> Response:
    return note("Sorry", "This cannot be asked in this way. Please go back and fill in the form again.", 400)


def _erased() -> Response:
    return note(
        "Nothing is held about you", "Nothing is held about you any more, and nothing will be sent to you."
    )
