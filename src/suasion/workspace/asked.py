"""What persons ask for: taken in, proved, carried out as far as a machine can, and told honestly."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from suasion.delivery import Carrier, Fate, Mail, MaildirCarrier, SmtpCarrier, check_sender
from suasion.errors import InputError, OrderError, WorkspaceError
from suasion.ledger import Campaign, campaign_from, running, said, sends, tokens
from suasion.profiles import catalogue_from
from suasion.rights import Package, corrections, erase, person_named, proofs, requests, seals_of
from suasion.workspace.brief import gate_for, sources_from
from suasion.workspace.live import public_url
from suasion.workspace.packed import package_of
from suasion.workspace.workspace import Workspace

NEAR = timedelta(days=31)
"""The last month before a vote, in which complaints are answered within 48 hours."""
_WISHES = {
    requests.RequestKind.RESTRICTION: said.wishes.WishKind.RESTRICTED,
    requests.RequestKind.OBJECTION: said.wishes.WishKind.OBJECTED,
}


def due_of(
    workspace: Workspace, kind: requests.RequestKind, near_vote: bool | None = None
) -> tuple[date, str]:
    """By when a request that comes now must be answered, and which rule says so.

    The earliest of what holds for any purpose of the workspace: who asks need not say about which campaign.
    """
    at, settings = workspace.now().astimezone(workspace.settings.zone), workspace.settings
    near = _near_vote(workspace) if near_vote is None else near_vote
    purposes = sorted({settings.purpose, *(one.purpose for one in _declared(workspace))})
    gates = [gate_for(workspace.folder, settings, one, "requests", frozenset(), at) for one in purposes]
    found = min((gate.deadline(str(kind), at, near_vote=near) for gate in gates), key=lambda one: one.due)
    return found.due, found.rule


def open_request(
    workspace: Workspace, kind: requests.RequestKind, named: str, detail: str | None = None
) -> requests.Request:
    """Take in a request that reached the sponsor some other way; who asks is still to be shown.

    What is told to whoever asks must be the same whether or not somebody is known by `named`.

    Parameters
    ----------
    workspace : Workspace
    kind : requests.RequestKind
    named : str
        ``KIND=VALUE``.
    detail : str, optional
        What they wrote.

    Returns
    -------
    requests.Request
        Of person None where nobody is known by it.
    """
    person = person_named(workspace.holdings(), named)
    asked = (workspace.ledger, person, kind, workspace.now(), due_of(workspace, kind), detail)
    return requests.receive(
        *asked, seals=seals_of(workspace.ledger, workspace.key) if workspace.key else None
    )


def ask_for_proof(workspace: Workspace) -> dict[int, str]:
    """Send a link to the address on file of everybody whose request waits to be confirmed.

    Returns
    -------
    dict of int to str
        By the number of the request, why no link went: there is no address that is the person's alone, or
        the mail was not taken. An operator has to find out who asks in another way.

    Raises
    ------
    WorkspaceError
        The key is absent, or nobody is declared who sends mail.
    """
    ledger, at = workspace.ledger, workspace.now()
    tokens.require_key(ledger, workspace.key)
    waiting = [one for one in requests.queue(ledger, at) if one.state is requests.RequestState.RECEIVED]
    if not waiting:
        return {}
    known = [one.person for one in waiting if one.person is not None]
    to = proofs.addresses_of(workspace.holdings(), known)
    failed = {one.id: "nobody is known by what was given" for one in waiting if one.person is None}
    failed |= {n.id: "no e-mail address of theirs alone" for n in waiting if n.person in set(known) - set(to)}
    ready = [(one, to[one.person]) for one in waiting if one.person is not None and one.person in to]
    if ready:
        failed |= _mailed(workspace, ready)
    for one in waiting:
        if one.id not in failed:
            requests.move(ledger, one.id, requests.RequestState.REQUESTED_PROOF, at)
    return failed


def confirm(workspace: Workspace, token: str) -> requests.Request | None:
    """Believe whoever has the link; None where the token is wrong, over, or was used."""
    number = tokens.proved(workspace.key, token, workspace.now())
    return None if number is None else requests.confirm(workspace.ledger, number, workspace.now())


def waiting_for(workspace: Workspace, token: str) -> requests.Request | None:
    """The request that a link would confirm; None where it is wrong, over, or was used."""
    number = tokens.proved(workspace.key, token, workspace.now())
    found = None if number is None else requests.find(workspace.ledger, number)
    return found if found is not None and found.state in requests.UNPROVED else None


def told_of(workspace: Workspace, send: int, purpose: str) -> dict[str, Any]:
    """What a recipient may be told of a message besides the campaign: nothing that names or describes them.

    Parameters
    ----------
    workspace : Workspace
    send : int
    purpose : str
        Of its campaign.

    Returns
    -------
    dict
        ``cost``; ``at``, when it was handed over, or None; ``receipt``, whether the log holds one; ``dates``
        of the sources; ``consents`` for its purpose and channel, with the words.
    """
    said = sends.told(workspace.ledger, send, purpose)
    return {
        **said,
        "dates": {one.name: one.observed_on.isoformat() for one in sources_from(workspace.folder)},
    }


def do(
    workspace: Workspace, number: int, trait: str | None = None, value: str | None = None
) -> requests.Request:
    """Carry out what a machine can of a request whose asker is known.

    Access and portability write files, which are still to be handed over; a correction, a wish and an
    erasure are in force when this returns. A complaint is for people.

    Parameters
    ----------
    workspace : Workspace
    number : int
    trait, value : str, optional
        What to correct, and to what, where the request does not say it so that a machine can tell.

    Returns
    -------
    requests.Request
        As it stands afterwards.

    Raises
    ------
    OrderError
        Nobody has shown who asks, or it is answered already.
    InputError
        There is no such request, or it is for people.
    """
    asked = requests.request(workspace.ledger, number)
    if (
        asked.state not in (requests.RequestState.VERIFIED, requests.RequestState.IN_WORK)
        or asked.person is None
    ):
        todo = "Run `suasion requests prove`, or `suasion requests verify` where you know who asks."
        raise OrderError(f"request {number}", f"it is {asked.state}", todo)
    match asked.kind:
        case requests.RequestKind.ACCESS | requests.RequestKind.PORTABILITY:
            return _packed(workspace, asked, str(asked.person))
        case requests.RequestKind.RECTIFICATION:
            return _corrected(workspace, asked, asked.person, trait, value)
        case requests.RequestKind.ERASURE:
            return _erased(workspace, asked, str(asked.person))
        case requests.RequestKind.RESTRICTION | requests.RequestKind.OBJECTION:
            kind = _WISHES[asked.kind]
            said.wishes.keep_to(workspace.ledger, asked.person, kind, f"request {number}", workspace.now())
            return _answered(workspace, number, f"In force: {kind.replace('_', ' ')}.")
        case requests.RequestKind.COMPLAINT:
            todo = f"Answer it, then run `suasion requests answered {number} --outcome ...`."
            raise InputError(f"request {number}", "a complaint is answered by people", todo)


def wish(
    workspace: Workspace,
    kind: said.wishes.WishKind,
    named: str,
    amount: int | None = None,
    *,
    take_back: bool = False,
) -> bool:
    """Keep to what a person told the sponsor some other way, from now on; or take it back at their word.

    Parameters
    ----------
    workspace : Workspace
    kind : WishKind
    named : str
        ``KIND=VALUE``.
    amount : int, optional
        Of ``fewer``: messages in 30 days.
    take_back : bool

    Returns
    -------
    bool
        Whether it is kept now; of what is taken back, whether there was any.

    Raises
    ------
    InputError
        Nobody is known by it.
    """
    person = person_named(workspace.holdings(), named)
    if person is None:
        raise InputError("a person", "nobody is known by it", "Check kind and value, or name another.")
    if take_back:
        return said.wishes.lift(workspace.ledger, person, kind)
    tokens.require_known_key(workspace.ledger, workspace.key)
    said.wishes.keep_to(workspace.ledger, person, kind, "operator", workspace.now(), amount)
    return True


def write_package(package: Package, folder: Path) -> None:
    """Write ``data.json`` and ``index.html`` into a folder of their own, readable by us alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / "data.json", json.dumps(package.as_dict(), ensure_ascii=False, indent=1))
    _write(folder / "index.html", package.html())


def write_portable(package: Package, folder: Path) -> None:
    """Write ``portable.json`` and ``portable.csv``: what the person provided, and nothing of ours."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    portable = package.portable()
    _write(folder / "portable.json", json.dumps(portable, ensure_ascii=False, indent=1))
    rows = [("detail", one["kind"], one["value"]) for one in portable["details"]]
    rows += [("data", one["trait"], one["value"]) for one in portable["data"]]
    with (folder / "portable.csv").open("w", newline="", encoding="utf-8") as file:
        (folder / "portable.csv").chmod(0o600)
        csv.writer(file).writerows([("kind", "name", "value"), *rows])


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


def _packed(workspace: Workspace, asked: requests.Request, named: str) -> requests.Request:
    folder = workspace.folder / "answers" / str(asked.id)
    workspace.reads(f"{asked.kind} request {asked.id}")
    package = package_of(workspace.holdings(), workspace.settings, named, workspace.now())
    if asked.kind is requests.RequestKind.ACCESS:
        write_package(package, folder)
    else:
        write_portable(package, folder)
    outcome = f"Prepared in answers/{asked.id}; not yet in the person's hands."
    return requests.move(workspace.ledger, asked.id, requests.RequestState.IN_WORK, workspace.now(), outcome)


def _corrected(
    workspace: Workspace, asked: requests.Request, person: int, trait: str | None, value: str | None
) -> requests.Request:
    tokens.require_key(workspace.ledger, workspace.key)
    seals, at = seals_of(workspace.ledger, workspace.key), workspace.now()
    if trait is None or value is None:
        trait, value = _said(requests.detail_of(asked, seals), asked.id)
    catalogue = catalogue_from(workspace.folder / "traits")
    with running(workspace.ledger, workspace.lake, f"correct {trait}", at, workspace.patience) as run:
        corrections.correct(run, corrections.Correction(person, trait, value, at), catalogue, seals)
    said = f"Corrected, and in force: {trait}. Scores and plans that used it must be made anew."
    return _answered(workspace, asked.id, said)


def _said(detail: str | None, number: int) -> tuple[str, str]:
    """Trait and value, where the request says them so that a machine can tell."""
    try:
        said = json.loads(detail or "")
        return str(said["trait"]), str(said["value"])
    except (ValueError, KeyError, TypeError):
        todo = f"Read it (`suasion requests show {number}`), then give --trait and --value."
        raise InputError(f"request {number}", "it does not name a trait and a value", todo) from None


def _erased(workspace: Workspace, asked: requests.Request, named: str) -> requests.Request:
    erase(workspace.holdings(), named, workspace.now())
    said = "Erased from all that we read and hold; whoever we passed data on to was asked to do the same."
    return _answered(workspace, asked.id, said)


def _answered(workspace: Workspace, number: int, outcome: str) -> requests.Request:
    return requests.move(workspace.ledger, number, requests.RequestState.ANSWERED, workspace.now(), outcome)


def _mailed(workspace: Workspace, ready: Iterable[tuple[requests.Request, str]]) -> dict[int, str]:
    """Hand the links over; why some did not go, by the number of the request."""
    at, speaks = workspace.now(), sender_of(workspace)
    sponsor, terms = speaks.sponsor, speaks.delivered
    url, until = public_url(workspace.settings).rstrip("/"), at + proofs.VALID
    failed: dict[int, str] = {}
    with closing(carrier_of(workspace, terms.sender)) as carrier:
        for asked, to in ready:
            token = tokens.proof_of(workspace.key, asked.id, until)
            link = f"{url}/proof/{token}"
            said = (link, until, terms.sender, sponsor, terms.imprint, at)
            mail = Mail(0, token, to, proofs.mail_of(asked, to, *said))
            carrier.stage([mail])
            (handed,) = carrier.hand_over([mail])
            if handed.fate is not Fate.ACCEPTED:
                failed[asked.id] = f"the mail was not taken ({handed.reason or handed.fate})"
    return failed


def carrier_of(workspace: Workspace, sender: str) -> Carrier:
    """What carries mail of the workspace."""
    if workspace.settings.carrier == "outbox":
        return MaildirCarrier(workspace.folder / "outbox")
    return SmtpCarrier(workspace.settings.carrier, check_sender(sender).address, *workspace.smtp)


def sender_of(workspace: Workspace) -> Campaign:
    """Who writes: the first campaign that is delivered."""
    for campaign in _declared(workspace):
        if campaign.delivery is not None:
            return campaign
    todo = "Declare a campaign with a [delivery] table: its sender and imprint are used."
    raise WorkspaceError("a link by mail", "no campaign says who sends mail", todo)


def _near_vote(workspace: Workspace) -> bool:
    """Whether a vote that any campaign is linked to comes within a month."""
    today = workspace.now().astimezone(workspace.settings.zone).date()
    linked = (campaign.disclosure.process for campaign in _declared(workspace))
    votes = (one.on for one in linked if one and one.on and one.kind in ("election", "referendum"))
    return any(timedelta() <= day - today <= NEAR for day in votes)


def _declared(workspace: Workspace) -> list[Campaign]:
    return [campaign_from(workspace.folder / "campaigns" / f"{name}.toml") for name in workspace.campaigns]
