"""The Python API: what the command line does, as functions that return values."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from suasion.declarations import closest, named, read
from suasion.delivery import Letter
from suasion.disclosure import Verified, counts, record_result, result_of, verify
from suasion.errors import BusyError, CampaignError, DamageError, WorkspaceError
from suasion.ledger import Ledger, Run, Tables, checkpoints, log, reading, replay, running, sends, tokens
from suasion.measurement import Report, budgets
from suasion.messages import harm
from suasion.profiles import FACT_TABLES, assemble_facts, catalogue_from, traits_of
from suasion.rights import Certificate, Holdings, Package, audits, erase, passed, stages
from suasion.rules import Channel, Judgement, Purpose, Use
from suasion.scores import inferences
from suasion.segments import CHANNELS, Counts, count, members, segment_from
from suasion.workspace.account import account, write, write_card
from suasion.workspace.brief import Brief, brief, gate_for, sources_from
from suasion.workspace.budget import budget
from suasion.workspace.desk import known_person, previews
from suasion.workspace.drawn import drawn_plan
from suasion.workspace.hinted import hints_of
from suasion.workspace.inference import infer
from suasion.workspace.live import check
from suasion.workspace.packed import package_of
from suasion.workspace.parts import parts_of
from suasion.workspace.planned import PlanSummary, make_plan
from suasion.workspace.record import (
    OutcomeSummary,
    ReplySummary,
    pause_if_harmed,
    record_outcomes,
    record_replies,
)
from suasion.workspace.reviewed import reviewed
from suasion.workspace.sending import SendSummary, approve, sending, unless_changed
from suasion.workspace.settings import Settings
from suasion.workspace.steps import IngestSummary, ScoreSummary, ingest, score
from suasion.workspace.study import study
from suasion.workspace.waiting import erase_waiting, waiting_of
from suasion.workspace.why import Explained, why

KEY = "SUASION_KEY"
"""Environment variable with the secret of draws, links and suppressions."""
SMTP_USER, SMTP_PASSWORD = "SUASION_SMTP_USER", "SUASION_SMTP_PASSWORD"

_audits = logging.getLogger("suasion.audits")


def _now() -> datetime:
    return datetime.now(UTC)


def _silent(_line: str) -> None:
    return None


@dataclass(frozen=True)
class Workspace:
    """A folder that holds everything about one sponsor's people and campaigns.

    Parameters
    ----------
    folder : Path
    settings : Settings
    ledger : Ledger
    key : bytes
        Secret of draws, links and suppressions; empty where the environment gives none, which suffices for a
        replay.
    now : callable
        The clock.
    say : callable
        Called with a line about each step of long work.
    smtp : (str, str)
        User and password at the mail server.
    who : str
        Who reads data of persons by it, for the audit.
    patience : float
        Seconds that a command waits for another run to end, such as a turn of the streams.
    """

    folder: Path
    settings: Settings
    ledger: Ledger
    key: bytes = field(repr=False)
    now: Callable[[], datetime] = _now
    say: Callable[[str], None] = _silent
    smtp: tuple[str, str] = field(default=("", ""), repr=False)
    who: str = "API"
    patience: float = 10.0

    @property
    def lake(self) -> Path:
        """Folder of the analytical tables."""
        return self.folder / "lake"

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Names of the declared campaigns."""
        return tuple(sorted(path.stem for path in (self.folder / "campaigns").glob("*.toml")))

    def tables(self) -> Tables:
        """The published tables as they stand now."""
        return reading(self.ledger, self.lake)

    def _clock(self) -> datetime:
        """Now, by the clock of the workspace."""
        return self.now().astimezone(self.settings.zone)

    def ingest(self) -> tuple[IngestSummary, ...]:
        """Read all sources and publish what is known of persons.

        Returns
        -------
        tuple of IngestSummary
            One a source.

        Raises
        ------
        SourceError
            A file or mapping cannot be read; nothing is published.
        BusyError
            Another run is under way, and was for as long as `patience`.
        """
        with self._running("ingest") as run:
            done = ingest(self.folder, run, self.ledger, self.key, self.say, self._clock())
        if self.key:
            with suppress(BusyError):  # the next run will
                self.finish_erasures()
        return done

    def segment(self, name: str, purpose: Purpose | None = None) -> Counts:
        """Count a segment: matches, permitted now, reachable by channel.

        Parameters
        ----------
        name : str
        purpose : Purpose, optional
            The workspace's own if not given.

        Returns
        -------
        Counts

        Raises
        ------
        TraitRefusedError
            The segment uses a trait that may not select people for the purpose.
        """
        return _counts(self, name, purpose or self.settings.purpose)

    def score(self, campaign: str | None = None) -> ScoreSummary:
        """Estimate effects for the permitted persons of a campaign's experiment.

        Parameters
        ----------
        campaign : str, optional
            May be left out where there is only one.

        Returns
        -------
        ScoreSummary
        """
        prepared = self._brief(campaign)
        with self._running(f"score {prepared.campaign.name}") as run:
            return score(run, prepared, self.say)

    def infer(self, name: str) -> inferences.Card:
        """Learn a propensity or a lookalike, and store it as a trait.

        Parameters
        ----------
        name : str
            File in ``inferences/``, without ``.toml``.

        Returns
        -------
        Card
            Also written to ``reports/card-NAME.html`` and ``.json``.

        Raises
        ------
        TraitRefusedError
            The rules refuse what it is learned from, or what it would tell of people.
        UndefinedError
            These data do not tell; nothing is published.
        """
        made = study(self.folder, self.settings, name, self.now())
        with self._running(f"infer {name}") as run:
            card = infer(run, made, self.say)
        write_card(self.folder / "reports", card)
        return card

    def plan(self, campaign: str | None = None) -> PlanSummary:
        """Plan a campaign within its budget and draw once.

        Parameters
        ----------
        campaign : str, optional

        Returns
        -------
        PlanSummary

        Raises
        ------
        OrderError
            There are no scores, or they are older than people, rules or declaration.
        """
        prepared = self._planned(campaign)
        with self._running(f"plan {prepared.campaign.name}") as run:
            return make_plan(run, self.ledger, prepared, self.settings, self.folder, self.key)

    def budget(self, campaign: str | None = None) -> budgets.Advice:
        """What other budgets would buy of a campaign, and where to stop; nothing is planned or spent.

        Parameters
        ----------
        campaign : str, optional

        Returns
        -------
        budgets.Advice

        Raises
        ------
        OrderError
            There are no scores, or they are older than people, rules or declaration.
        """
        prepared = self._brief(campaign)
        return budget(self.tables(), self.ledger, prepared, self.settings)

    def report(self, campaign: str | None = None) -> Report:
        """Judge the published plan on people not learned from.

        Parameters
        ----------
        campaign : str, optional

        Returns
        -------
        Report
            Also written to ``reports/CAMPAIGN.html`` and ``.json``; of a campaign that was sent, what it cost
            and changed goes into the log.
        """
        prepared = self._brief(campaign)
        tables = self.tables()
        made = account(tables, self.ledger, prepared, self.settings)
        write(self.folder / "reports", made)
        if made.delivery is not None:
            effect = None if made.lift is None else made.lift.effect
            planned = drawn_plan(tables, self.ledger, prepared).plan.options.persons
            for part in parts_of(tables, prepared, self.now(), planned):
                told = counts.figures(self.ledger, prepared.campaign, part.name, self.now(), part.persons)
                result = result_of(prepared.campaign, part.name, told, self.settings.currency, effect)
                record_result(self.ledger, made.campaign, result, self.now())
        return made

    def run(self, campaign: str | None = None) -> Report:
        """Ingest, score, plan and report in one go; the tables are published together.

        Parameters
        ----------
        campaign : str, optional

        Returns
        -------
        Report
        """
        prepared = self._planned(campaign)
        with self._running(f"run {prepared.campaign.name}") as run:
            ingest(self.folder, run, self.ledger, self.key, self.say, self._clock())
            score(run, prepared, self.say)
            self.say("planning")
            make_plan(run, self.ledger, prepared, self.settings, self.folder, self.key)
        self.say("judging the plan")
        return self.report(prepared.campaign.name)

    def preview(self, person: str, campaign: str | None = None) -> dict[str, Letter]:
        """What a person would read, by treatment, with links that lead nowhere.

        Parameters
        ----------
        person : str
            ``KIND=VALUE``, for example ``member=R0000123``.
        campaign : str, optional

        Returns
        -------
        dict of str to Letter
        """
        prepared = self._brief(campaign)
        check(prepared, self.settings)
        tables = self.tables()
        who = known_person(tables, person, self.key)
        self.reads(f"preview {prepared.campaign.name}")
        return previews(tables, self.ledger, prepared, self.settings, self.key, who)

    def review(self, campaign: str | None = None) -> tuple[harm.Reviewed, ...]:
        """What words find in the messages of a campaign, and which rules refuse them.

        Parameters
        ----------
        campaign : str, optional

        Returns
        -------
        tuple of Reviewed
            One a treatment.
        """
        return reviewed(self._brief(campaign))

    def explain(self, person: str, campaign: str | None = None) -> Explained:
        """Why a campaign does to a person what it does: what moved the score, and what would alter it.

        Parameters
        ----------
        person : str
            ``KIND=VALUE``, for example ``member=R0000123``.
        campaign : str, optional

        Returns
        -------
        Explained
            Its sentences are for the person to read.

        Raises
        ------
        InputError
            Nobody, or more than one, is known by it.
        OrderError
            There are no scores, or they are older than people, rules or declaration.
        """
        prepared, tables = self._brief(campaign), self.tables()
        self.reads(f"explain {prepared.campaign.name}")
        return why(tables, self.ledger, prepared, known_person(tables, person, self.key))

    def hints(self, campaign: str, person: int) -> tuple[str, ...]:
        """Why a campaign does to a person what it does, in words that hold no value of theirs.

        Parameters
        ----------
        campaign : str
        person : int
            Number of the person.

        Returns
        -------
        tuple of str
            For a page that others may read, too.

        Raises
        ------
        OrderError
            There are no scores, or they are older than people, rules or declaration.
        """
        return hints_of(why(self.tables(), self.ledger, self._brief(campaign), person))

    def approve(self, by: str, why: str, campaign: str | None = None) -> str:
        """Approve exactly what a campaign says now, after a proof for everybody it was drawn for.

        Parameters
        ----------
        by, why : str
        campaign : str, optional

        Returns
        -------
        str
            Digest of the content.

        Raises
        ------
        CampaignError
            The proof found problems.
        """
        tokens.require_key(self.ledger, self.key)
        prepared = self._brief(campaign)
        return approve(self.tables(), self.ledger, prepared, self.settings, by, why, self.now())

    def send(self, campaign: str | None = None) -> SendSummary:
        """Send what is planned of a campaign, or what a sender that died left of it.

        Parameters
        ----------
        campaign : str, optional

        Returns
        -------
        SendSummary

        Raises
        ------
        CampaignError
            It cannot be delivered as declared, or nobody approved what it says.
        BusyError
            Another sender is at work.
        """
        points = self.sending(campaign)
        while True:
            try:
                self.say(next(points))
            except StopIteration as end:
                return end.value

    def sending(self, campaign: str | None = None) -> Generator[str, None, SendSummary]:
        """The sender as a generator of the points it passes; `send` runs it to its end."""
        tokens.require_key(self.ledger, self.key)
        replay.catch_up(self.ledger, self.now())
        name = campaign or _only(self.campaigns)

        def read_again() -> tuple[Brief, Settings]:
            settings = read(self.folder / "suasion.toml", Settings, WorkspaceError)
            return brief(self.folder, settings, name, self.now()), settings

        again = unless_changed(self.folder, read_again)
        return sending(self.folder, self.ledger, self.tables, again, self.key, self.now, self.smtp)

    def pause(self, campaign: str | None = None, *, paused: bool = True) -> None:
        """Pause a campaign, or let it go on; once this returns, nothing more is handed over."""
        sends.set_paused(self.ledger, self._brief(campaign).campaign.name, self.now(), paused=paused)

    def record(self, path: Path, campaign: str | None = None) -> OutcomeSummary | ReplySummary:
        """Take in what came back: outcomes from a file, or replies from a Maildir.

        Parameters
        ----------
        path : Path
            A CSV or Parquet file with the identifier and outcome columns of the campaign's experiment; or
            the folder of a Maildir with delivery reports, complaints and requests to stop.
        campaign : str, optional

        Returns
        -------
        OutcomeSummary or ReplySummary
        """
        if path.is_dir():
            tokens.require_key(self.ledger, self.key)
            return record_replies(self.ledger, self.key, path, self.now)
        prepared = self._brief(campaign)
        with self._running(f"record {prepared.campaign.name}") as run:
            done = record_outcomes(run, prepared, path, self.now(), self.key)
        return replace(done, paused=pause_if_harmed(self.tables(), self.ledger, prepared, self.now()))

    def export_person(self, person: str) -> dict[str, Any]:
        """Everything that is held of a person, over all stages.

        Parameters
        ----------
        person : str
            ``KIND=VALUE``, an identifier or a contact detail, or the person's number.

        Returns
        -------
        dict
            What JSON can hold.
        """
        return self.access(person).as_dict()

    def access(self, person: str) -> Package:
        """The same as a package, which can be written as a page to read.

        Parameters
        ----------
        person : str
            ``KIND=VALUE``, an identifier or a contact detail, or the person's number.

        Returns
        -------
        Package
        """
        self.reads("export")
        return package_of(self.holdings(), self.settings, person, self.now())

    def reads(self, what: str, people: int = 1) -> None:
        """Write down that data of persons are read; an alarm is told where warnings go.

        Parameters
        ----------
        what : str
        people : int
            Whose data.
        """
        made = audits.read(self.ledger, self.who, what, people, self.now())
        if made.alarm:
            _audits.warning("ALARM: %s. Look at `suasion audits`.", made.said)

    def erase_person(self, person: str) -> Certificate:
        """Erase a person along the whole road; erasing again completes what was interrupted.

        Parameters
        ----------
        person : str
            ``KIND=VALUE``, an identifier or a contact detail, or the person's number.

        Returns
        -------
        Certificate
            What is done, and what is due and by when.
        """
        return erase(self.holdings(), person, self.now())

    def finish_erasures(self) -> tuple[Certificate, ...]:
        """Take every erasure that is not complete as far as it can be taken now.

        Returns
        -------
        tuple of Certificate
            Of those that were not complete, oldest first.
        """
        return stages.finish(self.holdings(), self.now())

    def passed(self) -> tuple[passed.Passed, ...]:
        """What others were asked to delete, oldest first."""
        return passed.requests(self.ledger)

    def answered(self, request: int, state: Literal["confirmed", "refused"]) -> passed.Passed:
        """Note what a recipient answered to a request."""
        return passed.answer(self.ledger, self.folder, request, state, self.now())

    def restore_journal(self, path: Path) -> int:
        """Put a copy of the journal of opt-outs and erasures in its place, and do again what it knows.

        Returns
        -------
        int
            How many lines the journal has now.
        """
        tokens.require_key(self.ledger, self.key)
        return replay.take_in(self.ledger, replay.journal.Journal(path, self.key), self.now())

    def restore_without_journal(self, by: str, why: str) -> None:
        """Begin the journal anew where no copy is left; who answers for it, and why, goes into the log."""
        tokens.require_key(self.ledger, self.key)
        replay.go_without(self.ledger, by, why, self.now())

    def log(self) -> tuple[log.LogRow, ...]:
        """The public log, first row first."""
        return log.rows(self.ledger)

    def log_key(self) -> str:
        """The public key by which everybody can check checkpoints of the log, proofs and receipts.

        Raises
        ------
        WorkspaceError
            ``SUASION_KEY`` is not set, or is not the workspace's.
        """
        tokens.require_key(self.ledger, self.key)
        return checkpoints.verifier_key(self.key, self.settings.log_name)

    def checkpoint(self) -> str:
        """The log as it stands, signed; who keeps it can prove a later change.

        Raises
        ------
        WorkspaceError
            ``SUASION_KEY`` is not set, or is not the workspace's.
        DamageError
            The log does not continue what was signed before.
        """
        tokens.require_key(self.ledger, self.key)
        return checkpoints.latest(self.ledger, self.key, self.settings.log_name, self.now())

    def verify(self, notes: Sequence[str] = ()) -> Verified:
        """Check the log, and that nothing was sent before its record and its receipt were in it.

        Parameters
        ----------
        notes : sequence of str
            Checkpoints that somebody kept.

        Returns
        -------
        Verified
        """
        return verify(self.ledger, self.key, notes)

    def holdings(self) -> Holdings:
        """All places in which the workspace may hold a person."""
        outbox = self.folder / "outbox"
        return Holdings(
            self.folder,
            self.lake,
            self.ledger,
            sources_from(self.folder),
            outbox,
            self.key,
            self.settings.recipients,
            self.score,
            partial(waiting_of, self.folder, self.ledger),
            partial(erase_waiting, self.folder, self.ledger),
            self.patience,
        )

    def _planned(self, campaign: str | None) -> Brief:
        """A campaign about to be planned; people who may be written to are drawn with the secret only."""
        prepared = self._brief(campaign)
        if prepared.campaign.delivery is not None:
            check(prepared, self.settings)
            tokens.require_key(self.ledger, self.key)
        return prepared

    def _brief(self, campaign: str | None) -> Brief:
        name = campaign or _only(self.campaigns)
        return brief(self.folder, self.settings, name, self.now())

    @contextmanager
    def _running(self, command: str) -> Generator[Run]:
        if self.key:
            tokens.require_key(self.ledger, self.key)
            replay.catch_up(self.ledger, self.now())
        with running(self.ledger, self.lake, command, self.now(), self.patience) as run:
            yield run


def open_workspace(
    folder: str | Path,
    now: Callable[[], datetime] = _now,
    say: Callable[[str], None] = _silent,
    environment: Mapping[str, str] = os.environ,
) -> Workspace:
    """Open a workspace.

    Parameters
    ----------
    folder : path
        Holds ``suasion.toml``.
    now : callable
        The clock; must return times with a zone.
    say : callable
        Called with a line about each step of long work.
    environment : mapping
        Where secrets come from.

    Returns
    -------
    Workspace

    Raises
    ------
    WorkspaceError
        No workspace there, or ``suasion.toml`` is malformed.
    DamageError
        The ledger is damaged, or gone although people were ingested or written to.
    """
    folder = Path(folder)
    path = folder / "suasion.toml"
    if not path.is_file():
        raise WorkspaceError(
            str(folder), "no suasion.toml", "Run `suasion init FILE.csv`, or name the folder."
        )
    secret = environment.get(KEY, "").encode()
    key = hashlib.blake2b(secret, digest_size=32).digest() if secret else b""
    settings = read(path, Settings, WorkspaceError)
    smtp = (environment.get(SMTP_USER, ""), environment.get(SMTP_PASSWORD, ""))
    return Workspace(folder, settings, _ledger(folder, settings.ledger, key), key, now, say, smtp)


def _ledger(folder: Path, url: str | None, key: bytes) -> Ledger:
    """The workspace's ledger; a new one only where nothing was ever ingested or sent."""
    path = folder / "ledger.db"
    made = replay.journal.Journal(folder / replay.journal.NAME, key) if key else None
    if url is None and (not path.exists() or not path.stat().st_size):
        _refuse_new(folder, str(path))
    ledger = Ledger.open(url or path, made)
    if url is not None and not ledger.current():
        _refuse_new(folder, ledger.place.name)
    return ledger


def _refuse_new(folder: Path, ledger: str) -> None:
    for name in ("lake", "outbox"):
        if any(one.is_file() for one in (folder / name).rglob("*")):
            found = f"missing or empty, and '{name}' is not: a new one would forget opt-outs and erasures"
            todo = "Restore it from a backup; or, to begin anew, move lake and outbox away."
            raise DamageError(ledger, found, todo)


def _only(campaigns: tuple[str, ...]) -> str:
    if len(campaigns) == 1:
        return campaigns[0]
    found = f"{len(campaigns)} campaigns" if campaigns else "no campaign"
    todo = closest("", campaigns) if campaigns else "Write campaigns/NAME.toml, or run `suasion init FILE`."
    raise CampaignError("a campaign", f"none was named and there are {found}", todo)


def _counts(workspace: Workspace, name: str, purpose: Purpose) -> Counts:
    catalogue = catalogue_from(workspace.folder / "traits")
    sources, tables, at = sources_from(workspace.folder), workspace.tables(), workspace.now()

    def judged(uses: frozenset[Use], channel: Channel | None) -> Judgement:
        gate = gate_for(workspace.folder, workspace.settings, purpose, f"segment {name}", uses, at, channel)
        facts = assemble_facts(tables, sources, catalogue, gate.occasion)
        chosen = facts.filter(pc.is_in(facts["person"], value_set=pa.array(matching)))
        return gate.judge(chosen, tables.version(*FACT_TABLES))

    learning = frozenset({Use.LEARN, Use.EVALUATE})
    gate = gate_for(workspace.folder, workspace.settings, purpose, f"segment {name}", learning, at)
    segment = segment_from(named(workspace.folder / "segments", name, CampaignError), catalogue, gate)
    traits = traits_of(tables, catalogue, gate.occasion)
    matching, unknown = members(segment, traits)
    contact = {channel: judged(frozenset({Use.CONTACT}), channel) for channel in CHANNELS}
    identities = tables.read("identities", "ingest")
    return count(traits.num_rows, unknown, identities, judged(learning, None), contact)
