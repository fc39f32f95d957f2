"""The sender: claims, writes, stages, marks, and hands over, so that nothing is sent twice or after a no."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from suasion.delivery.carriers import Carrier, Fate, Mail
from suasion.errors import ClearanceError, DeliveryError
from suasion.ledger import Ledger, sends
from suasion.rules import Clearance, Gate

CHUNK = 50_000
"""Persons judged at once; a clearance lives long enough to send to so many."""
STATES = {
    Fate.ACCEPTED: sends.State.ACCEPTED,
    Fate.FAILED: sends.State.FAILED,
    Fate.AGAIN: sends.State.PLANNED,
    Fate.UNKNOWN: sends.State.UNKNOWN,
}
NO_SUCH_MAILBOX = "5.1."
"""Statuses of RFC 3463 that are about the address: whoever has it is not written to again."""


@dataclass(frozen=True)
class Dispatch:
    """All that sending a campaign takes; what may change meanwhile is asked for anew each time.

    Parameters
    ----------
    ledger : Ledger
    carrier : Carrier
    campaign : str
    facts : tuple of str
        Tables whose versions are the version of the facts.
    terms : callable
        The terms and the rules as they stand now.
    judge : callable
        From persons to a clearance for those who may be contacted now, and the facts that granted it.
    write : callable
        From claimed sends to mails; a send it leaves out cannot be written.
    token : callable
        From the number of a send to its token.
    now : callable
        The clock.
    """

    ledger: Ledger
    carrier: Carrier
    campaign: str
    facts: tuple[str, ...]
    terms: Callable[[], tuple[sends.Terms, Gate]]
    judge: Callable[[Sequence[int]], tuple[Clearance, sends.Evidence]]
    write: Callable[[Sequence[sends.Send]], list[Mail]]
    token: Callable[[int], str]
    now: Callable[[], datetime]


@dataclass
class Sent:
    """What one run of the sender did.

    Parameters
    ----------
    fates : Counter of str
        What became of mails handed over.
    left : Counter of str
        Planned sends that were not claimed, by reason.
    stop : sends.Stop or None
        Why the campaign could not send on.
    """

    fates: Counter[str] = field(default_factory=Counter[str])
    left: Counter[str] = field(default_factory=Counter[str])
    stop: sends.Stop | None = None

    def add(self, claimed: sends.Claimed) -> None:
        """Count what a claim left."""
        self.left.update(claimed.left)
        self.stop = claimed.stop


def send(dispatch: Dispatch) -> Generator[str, None, Sent]:
    """Send what is planned of a campaign, after settling what a dead sender left.

    One batch: a claim re-checks everything in its transaction; mails are written and staged, durable but
    seen by nobody; they are marked as handed over, durably, before they are; and then they are handed over
    while the ledger's write lock is held, which an opt-out needs to be acknowledged. After a crash, claimed
    sends of all campaigns are planned again, to be checked anew, and marked ones that are staged still, too;
    of other marked sends the carrier knows, or says `unknown`, which is not resent.

    Parameters
    ----------
    dispatch : Dispatch

    Yields
    ------
    str
        The name of each point it passes: ``claimed``, ``staged``, ``marked``, ``guarded`` (inside the lock),
        ``handed`` (inside the lock), ``settled``.

    Returns
    -------
    Sent

    Raises
    ------
    BusyError
        Another sender is at work on the workspace.
    ClearanceError
        The rules change faster than persons can be judged.
    DeliveryError
        The carrier takes no mail; what was claimed is planned again.
    """
    told = Sent()
    with sends.sending(dispatch.ledger):
        try:
            _recover(dispatch)
            yield from _forward(dispatch, told)
        except DeliveryError:
            sends.release(dispatch.ledger, dispatch.now())
            raise
        finally:
            dispatch.carrier.close()
    return told


def _recover(dispatch: Dispatch) -> None:
    """Settle what a dead sender left in hand."""
    ledger, carrier = dispatch.ledger, dispatch.carrier
    sends.release(ledger, dispatch.now())
    marked = {dispatch.token(number): number for number in sends.stranded(ledger)}
    staged = carrier.staged(marked.keys())
    if marked:
        gone = [number for token, number in marked.items() if token not in staged]
        sends.settle(ledger, gone, STATES[carrier.settled], dispatch.now())
        sends.settle(ledger, [marked[token] for token in staged], sends.State.PLANNED, dispatch.now())
    # Not before: what is marked and not staged counts as handed over.
    carrier.clear(frozenset())


def _forward(dispatch: Dispatch, told: Sent) -> Generator[str]:
    """Send what is planned, a chunk of people at a time."""
    after = 0
    while told.stop is None:
        ids, persons = sends.waiting(dispatch.ledger, dispatch.campaign, after, CHUNK)
        if not ids:
            return
        yield from _chunk(dispatch, after, ids[-1], persons, told)
        after = ids[-1]


def _chunk(dispatch: Dispatch, after: int, until: int, persons: Sequence[int], told: Sent) -> Generator[str]:
    (clearance, evidence), fresh = dispatch.judge(persons), True
    while True:
        terms, gate = dispatch.terms()
        at, batch = gate.occasion.at, dispatch.carrier.batch
        try:
            claimed = sends.claim(
                dispatch.ledger, terms, clearance, gate, dispatch.facts, at, after, until, batch, evidence
            )
        except ClearanceError:
            if fresh:
                raise
            (clearance, evidence), fresh = dispatch.judge(persons), True
            continue
        fresh = False
        told.add(claimed)
        yield "claimed"
        if claimed.sends:
            yield from _carry(dispatch, terms, claimed.sends, told)
        if told.stop is not None or claimed.last >= until or not claimed.looked:
            return
        after = claimed.last


def _carry(
    dispatch: Dispatch, terms: sends.Terms, claimed: Sequence[sends.Send], told: Sent
) -> Generator[str]:
    mails = dispatch.write(claimed)
    dispatch.carrier.stage(mails)
    yield "staged"
    written = {mail.send for mail in mails}
    unwritten = [one.id for one in claimed if one.id not in written]
    sends.mark(dispatch.ledger, sorted(written), unwritten, dispatch.now())
    told.fates["unwritten"] += len(unwritten)
    yield "marked"
    yield from _hand_over(dispatch, terms, mails, told)


def _hand_over(dispatch: Dispatch, terms: sends.Terms, mails: Sequence[Mail], told: Sent) -> Generator[str]:
    by_send: Mapping[int, Mail] = {mail.send: mail for mail in mails}
    with sends.handing_over(dispatch.ledger, terms, list(by_send), dispatch.now()) as guard:
        yield "guarded"
        handed = dispatch.carrier.hand_over([by_send[number] for number in guard.free])
        guard.settled.extend((one.send, STATES[one.fate], one.reason) for one in handed)
        yield "handed"
    told.fates.update(str(one.fate) for one in handed)
    told.stop = guard.stop or told.stop
    yield "settled"
    if len(guard.free) < len(mails):
        dispatch.carrier.clear(set())  # no mail to somebody who opted out, or was erased, stays behind
    refused = {one.reason for one in handed if one.fate is Fate.FAILED}
    for one in handed:
        if one.fate is Fate.FAILED and one.reason.startswith(NO_SUCH_MAILBOX):
            sends.suppress(dispatch.ledger, one.send, sends.Why.BOUNCED, dispatch.now())
    alike = len(refused) == 1 and all(one.fate is Fate.FAILED for one in handed)
    if len(handed) > 1 and alike and not min(refused).startswith(NO_SUCH_MAILBOX):
        # Not these people are the cause, and going on would use up everybody's one send.
        todo = "Ask whoever runs the mail server; the rest of the campaign is still planned."
        raise DeliveryError(
            "the carrier", f"it refused all {len(handed)} mails of a batch ({refused.pop()})", todo
        )
