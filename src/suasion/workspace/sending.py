"""Approve and send a live campaign; what may change meanwhile is read anew before each claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suasion.delivery import Carrier, Dispatch, MaildirCarrier, SmtpCarrier, check_sender, send
from suasion.disclosure import Entry, counts, entry_of, record
from suasion.errors import CampaignError
from suasion.ledger import Ledger, Tables, replay, sends, tokens
from suasion.profiles import FACT_TABLES, assemble_facts
from suasion.rules import Clearance, Gate
from suasion.workspace.brief import Brief
from suasion.workspace.desk import Desk, desk, hashes
from suasion.workspace.drawn import Drawn, drawn_plan
from suasion.workspace.live import (
    check,
    contact_gate,
    content_of,
    details_of,
    prove,
    public_url,
    unreachable,
)
from suasion.workspace.parts import Part, parts_of, refuse
from suasion.workspace.scored import learned
from suasion.workspace.settings import Settings

Read = Callable[[], tuple[Brief, Settings]]


def unless_changed(folder: Path, read: Read) -> Read:
    """Read declarations again only where one of their files is another than before."""
    known: dict[tuple[tuple[str, int, int], ...], tuple[Brief, Settings]] = {}

    def again() -> tuple[Brief, Settings]:
        files = [folder / "suasion.toml", *sorted(folder.glob("*/*.toml"))]
        stamp = tuple((str(path), (at := path.stat()).st_mtime_ns, at.st_size) for path in files)
        if stamp not in known:
            known.clear()
            known[stamp] = read()
        return known[stamp]

    return again


@dataclass(frozen=True)
class SendSummary:
    """What one `suasion send` did, and where the campaign stands.

    Parameters
    ----------
    campaign : str
    fates, left : dict of str to int
        What became of mails handed over; why planned sends were not claimed.
    stop : str or None
        Why the campaign could not send on.
    progress : Progress
    notes : tuple of str
        What the sponsor should know besides.
    """

    campaign: str
    fates: dict[str, int]
    left: dict[str, int]
    stop: str | None
    progress: sends.Progress
    notes: tuple[str, ...] = ()


def approve(
    tables: Tables, ledger: Ledger, brief: Brief, settings: Settings, by: str, why: str, at: datetime
) -> str:
    """Prove what the campaign says for everybody it is meant for, and record who agrees to exactly that.

    Returns
    -------
    str
        Digest of the content.

    Raises
    ------
    CampaignError
        The proof found problems, the plan writes to nobody, the rules refuse now what was planned, or who
        approves wrote the message and the rules want a second person; nothing is approved.
    """
    check(brief, settings)
    drawn = drawn_plan(tables, ledger, brief)
    if not drawn.chosen.any():
        found = f"its plan writes to nobody: of {len(drawn.chosen):,} people none was drawn for a treatment"
        raise CampaignError(f"campaign '{brief.campaign.name}'", found, "Look at `suasion plan`.")
    parts = parts_of(tables, brief, at, drawn.treated)
    refuse(parts, brief, settings, drawn.by_treatment, at)
    prove(tables, brief, drawn.by_treatment)
    _second(brief, parts, by, at)
    content = content_of(brief, settings)
    sends.approve(ledger, brief.campaign.name, content, by, why, at)
    return content


def _second(brief: Brief, parts: Sequence[Part], by: str, at: datetime) -> None:
    """See that who approves is another than who wrote it, where the rules want that."""
    gate = contact_gate(brief, at)
    for name, terms in brief.campaign.treatments.items():
        message = brief.messages[terms.message or ""]
        for part in parts:
            verdict = message.judge(gate, brief.votes, terms.variant, by, part.place)
            if (
                verdict.allowed
                or not message.judge(gate, brief.votes, terms.variant, None, part.place).allowed
            ):
                continue  # what is refused whoever approves it was never drawn
            asked = f"an approval of treatment '{name}' of campaign '{brief.campaign.name}'"
            raise CampaignError(
                asked, "; ".join(map(str, verdict.reasons)), "Have another person approve it."
            )


def sending(
    folder: Path,
    ledger: Ledger,
    tables: Callable[[], Tables],
    read: Read,
    key: bytes,
    now: Callable[[], datetime],
    smtp_login: tuple[str, str],
) -> Generator[str, None, SendSummary]:
    """Prove, record and send a campaign; yields the points that the sender passes.

    Raises
    ------
    CampaignError
        It cannot be delivered as declared, its proof has problems, the rules refuse a message, or nobody
        approved what it says.
    OrderError
        There is no plan for it as declared.
    """
    brief, settings = read()
    check(brief, settings)
    current, campaign = tables(), brief.campaign
    drawn = drawn_plan(current, ledger, brief)

    parts = parts_of(current, brief, now(), drawn.treated)

    def permitted() -> tuple[Brief, Settings]:
        now_said = read()
        refuse(parts, *now_said, drawn.by_treatment, now())
        return now_said

    permitted()
    notes = prove(current, brief, drawn.by_treatment)
    content = content_of(brief, settings)
    approval = sends.approved(ledger, campaign.name, content)
    if approval is None:
        todo = (
            f"Read it with `suasion preview`, then run `suasion approve {campaign.name} --by NAME --why WHY`."
        )
        raise CampaignError(f"campaign '{campaign.name}'", "nobody has approved what it says now", todo)
    lost = _plan_sends(current, ledger, brief, drawn)
    for part in parts_of(current, brief, now(), drawn.plan.options.persons):
        record(ledger, _entry(current, ledger, brief, settings, drawn, part, approval, now()), now())
    carrier = _carrier(folder, brief, settings, smtp_login)
    sent = yield from send(_dispatch(ledger, tables, permitted, key, now, carrier))
    progress = sends.progress(ledger, campaign.name)
    return SendSummary(
        campaign=campaign.name,
        fates={fate: n for fate, n in sent.fates.items() if n},
        left={reason: n for reason, n in (sent.left | lost).items() if n},
        stop=None if sent.stop is None else str(sent.stop),
        progress=progress,
        notes=notes if sent.fates.total() else (*notes, _why_nothing(progress)),
    )


def _why_nothing(progress: sends.Progress) -> str:
    """Say plainly that nothing was sent."""
    everybody, waiting = sum(progress.states.values()), progress.states.get(sends.State.PLANNED, 0)
    if not everybody:
        return "Nothing was sent: nobody was drawn for a treatment and can be reached."
    if not waiting:
        return f"Nothing was sent: nothing is left to send, all {everybody:,} sends are concluded."
    return f"Nothing was sent: {waiting:,} of {everybody:,} sends still wait."


def _entry(
    tables: Tables,
    ledger: Ledger,
    brief: Brief,
    settings: Settings,
    drawn: Drawn,
    part: Part,
    approval: tuple[str, datetime],
    at: datetime,
) -> Entry:
    """The record of one part of a campaign."""
    fitted, options = learned(tables, brief), drawn.plan.options
    rows = np.flatnonzero(np.isin(options.persons, part.persons))
    people = len(fitted.persons)
    counted = counts.planned(
        ledger, brief.campaign, brief.segment, part.name, part.places, drawn.plan, people, at, rows
    )
    return entry_of(
        brief.campaign,
        brief.segment,
        brief.messages,
        brief.catalogue,
        brief.sources,
        counted,
        fitted.findings,
        contact_gate(brief, at),
        settings.currency,
        public_url(settings),
        approval,
    )


def _plan_sends(tables: Tables, ledger: Ledger, brief: Brief, drawn: Drawn) -> Counter[str]:
    """Write down a send for everybody who was drawn for a treatment; count who cannot be reached now."""
    options, channel = drawn.plan.options, brief.campaign.delivered.channel
    details = details_of(tables, channel)
    reachable = np.isin(options.persons, details["person"].to_numpy())
    treated = np.flatnonzero((drawn.chosen > 0) & reachable)
    persons, which = options.persons[treated], drawn.chosen[treated] - 1
    sends.plan_sends(
        ledger,
        drawn.digest,
        brief.campaign.name,
        channel,
        zip(
            persons.tolist(),
            np.array(options.treatments)[which].tolist(),
            options.costs[treated, which].tolist(),
            hashes(details, persons),
            strict=True,
        ),
    )
    lost = options.persons[(drawn.chosen > 0) & ~reachable]
    begun = sends.planned_for(ledger, brief.campaign.name, channel) if len(lost) else frozenset[int]()
    return Counter({unreachable(tables, channel): len(begun.union(lost.tolist())) - len(begun)})


def _carrier(folder: Path, brief: Brief, settings: Settings, login: tuple[str, str]) -> Carrier:
    if settings.carrier == "outbox":
        return MaildirCarrier(folder / "outbox")
    return SmtpCarrier(settings.carrier, check_sender(brief.campaign.delivered.sender).address, *login)


@dataclass(frozen=True)
class _Facts:
    """Facts as they stand now, assembled once for all persons of a version and day."""

    tables: Callable[[], Tables]
    known: dict[tuple[str, date], pa.Table]

    def judge(
        self, brief: Brief, gate: Gate, persons: Sequence[int], key: bytes
    ) -> tuple[Clearance, sends.Evidence]:
        """Permission for those of the persons who have it, and by what facts."""
        tables = self.tables()
        version, day = brief.facts(tables), gate.occasion.at.date()
        if (version, day) not in self.known:
            self.known.clear()
            facts = assemble_facts(tables, brief.sources, brief.catalogue, gate.occasion)
            self.known[version, day] = facts
        facts = self.known[version, day]
        chosen = facts.filter(pc.is_in(facts["person"], value_set=pa.array(persons, pa.int64())))
        return gate.judge(chosen, version).clearance, sends.Evidence.of(key, chosen)


@dataclass(frozen=True)
class _Desks:
    """The desk for what is said and known now, laid out anew where one of them is another than before."""

    tables: Callable[[], Tables]
    ledger: Ledger
    key: bytes
    known: dict[str, tuple[Brief, Desk]]

    def now(self, brief: Brief, settings: Settings) -> Desk:
        """The desk; the same as before where declarations and tables are."""
        tables = self.tables()
        version = tables.version("identities", "traits")
        if version not in self.known or self.known[version][0] is not brief:
            self.known.clear()
            self.known[version] = brief, desk(tables, self.ledger, brief, settings, self.key)
        return self.known[version][1]


def _dispatch(
    ledger: Ledger,
    tables: Callable[[], Tables],
    read: Read,
    key: bytes,
    now: Callable[[], datetime],
    carrier: Carrier,
) -> Dispatch:
    said = read()
    facts, desks = _Facts(tables, {}), _Desks(tables, ledger, key, {})

    def terms() -> tuple[sends.Terms, Gate]:
        replay.catch_up(ledger, now())  # whoever restores a backup meanwhile forgets nobody's no
        nonlocal said
        brief, settings = said = read()
        campaign, delivery = brief.campaign, brief.campaign.delivered
        cap = None if settings.cap is None else sends.Cap(settings.cap.sends, settings.cap.days)
        content = content_of(brief, settings)
        here = (campaign.name, campaign.purpose, delivery.channel, content, campaign.budget)
        held = sends.Terms(*here, delivery.not_after, delivery.hours, cap, campaign.neutral)
        return held, contact_gate(brief, here_and_now())

    def here_and_now() -> datetime:
        return now().astimezone(said[1].zone)

    return Dispatch(
        ledger=ledger,
        carrier=carrier,
        campaign=said[0].campaign.name,
        facts=FACT_TABLES,
        terms=terms,
        judge=lambda persons: facts.judge(read()[0], terms()[1], persons, key),
        write=lambda claimed: desks.now(*said).write(claimed, now()),
        token=lambda number: tokens.token_of(key, number),
        now=here_and_now,
    )
