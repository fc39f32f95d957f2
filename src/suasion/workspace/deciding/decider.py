"""The decider: what to show to whom, from snapshots that are made anew in the background."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread

import numpy as np
from sqlalchemy import func, select

from suasion.declarations import closest, read
from suasion.errors import CampaignError, DamageError, SuasionError, WorkspaceError
from suasion.learning import newest
from suasion.ledger import Ledger, Tables, draws, replay, schema, tokens
from suasion.workspace.deciding.answer import Answer
from suasion.workspace.deciding.choose import Chooser, policy_of
from suasion.workspace.deciding.known import Index, index_of, plain_kind, with_added
from suasion.workspace.deciding.lanes import is_tried, renewed, trial_of
from suasion.workspace.deciding.prepare import FOLDER, Prepared, names, prepare
from suasion.workspace.deciding.revoked import Revoked
from suasion.workspace.deciding.served import Served
from suasion.workspace.deciding.snapshot import judged_anew, refreshed, snapshot
from suasion.workspace.deciding.standing import PAUSED, is_paused, journaled, standing_of
from suasion.workspace.deciding.touched import added, touched
from suasion.workspace.funds import FOLDER as BUDGETS
from suasion.workspace.funds import funded
from suasion.workspace.settings import Settings
from suasion.workspace.workspace import Workspace

POLL = 0.25
"""Seconds between looks at what is declared and published."""
REJUDGED = timedelta(minutes=10)
"""A snapshot lives as long as a clearance; it is made anew before that ends."""
AGAIN = 2.0
"""Seconds until what could not be served is tried again."""
_DECLARED = (2, 5)
"""Where approvals and the public log are among what `_counted` counts."""
_FEW, _FEW_OF = 1_000, 4
"""So many persons are few, or one part of so many of all."""
_SHARE = 20
"""A look at who was exposed meanwhile takes at most one part of so many of the time."""
_FOLDERS = (FOLDER, BUDGETS, "messages", "segments", "traits", "sources", "rules", "streams")
_log = logging.getLogger("suasion.deciding")


@dataclass(frozen=True)
class _Seen:
    """By what snapshots were made; where any of it is another, they are made anew."""

    files: tuple[tuple[str, int, int], ...]
    ledger: tuple[int, ...]
    day: date

    def allows(self, other: _Seen) -> bool:
        """Whether nothing differs but what is published, and said by persons."""
        same = (self.ledger[i] == other.ledger[i] for i in _DECLARED)
        return self.files == other.files and self.day == other.day and all(same)


@dataclass(frozen=True)
class _Made:
    """Everything that answers are made of, replaced as a whole."""

    served: Mapping[str, Served]
    broken: Mapping[str, SuasionError]
    index: Index | None
    identities: str
    seen: _Seen | None
    at: float = 0.0
    tables: Tables | None = None


@dataclass
class Decider:
    """Decides; safe to be called from several threads.

    Parameters
    ----------
    workspace : Workspace
        With its key.
    """

    workspace: Workspace
    _made: _Made = field(default=_Made({}, {}, None, "", None), init=False)
    _revoked: Revoked = field(init=False)
    _ended: Event = field(default_factory=Event, init=False)
    _threads: tuple[Thread, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        tokens.require_key(self.workspace.ledger, self.workspace.key)
        path = self.workspace.folder / replay.journal.NAME
        self._revoked = Revoked(path, time.monotonic)

    def decide(
        self, placement: str, named: str | None, candidates: Iterable[str] | None = None, count: int = 1
    ) -> Answer:
        """What to show to one person.

        Parameters
        ----------
        placement : str
        named : str or None
            ``KIND=VALUE`` or an identifier of the first stream's kind; None for nobody in particular.
        candidates : iterable of str, optional
            Variants that can be shown; all, if left out. Their order makes no difference.
        count : int
            At most so many variants.

        Returns
        -------
        Answer
            The generic variant for everybody who is unknown or has not permitted it.

        Raises
        ------
        CampaignError
            There is no such placement, or its file is wrong.
        """
        return self.decide_all(placement, [named], candidates, count)[0]

    def decide_all(
        self,
        placement: str,
        named: Iterable[str | None],
        candidates: Iterable[str] | None = None,
        count: int = 1,
    ) -> list[Answer]:
        """As `decide`, for several persons."""
        gone = (
            self._revoked.now()
        )  # before anything else: a snapshot that is newer knows what it no longer says
        made, broken = self._made, self._revoked.broken
        served = made.served.get(placement)
        if served is None:
            raise self._unknown(placement, made)
        index, at, is_open = made.index, self.workspace.now().timestamp(), served.mask(candidates)
        answers = list[Answer]()
        for name in named:
            person = None if name is None or index is None or broken else index.person(name)
            if person is None or person in gone:
                answers.append(served.generic())
            else:
                answers.append(served.answer(person, is_open, count, at))
        return answers

    def names(self) -> tuple[str, ...]:
        """Placements that can be asked for, sorted."""
        return tuple(sorted(self._made.served))

    def served(self) -> Mapping[str, Served]:
        """What is served now, by name of the placement."""
        return self._made.served

    def broken(self) -> Mapping[str, SuasionError]:
        """Placements that cannot be served, and why."""
        return self._made.broken

    def refresh(self) -> None:
        """Make everything anew, from what is declared and published now."""
        ws, seen = self.workspace, self._look()
        settings = read(ws.folder / "suasion.toml", Settings, WorkspaceError)
        done = journaled(ws.ledger)  # before the tables: what is read after it knows these lines
        tables, at = ws.tables(), ws.now().astimezone(settings.zone)
        served, broken = dict[str, Served](), dict[str, SuasionError]()
        index, identities = self._made.index, tables.version("identities")
        for name in names(ws.folder):
            try:
                prepared = prepare(ws.folder, settings, name, at)
                prepared = replace(prepared, placement=funded(ws.folder, ws.ledger, prepared.placement))
                standing = standing_of(ws.ledger, prepared.placement.record, prepared.content)
                chooser = self._chooser(prepared)
                made = (
                    snapshot(prepared, ws.ledger, tables, standing, ws.key, at)
                    if standing.stop is None
                    else None
                )
                trial = trial_of(ws.ledger, prepared)
                served[name] = Served.of(prepared, standing.stop, made, chooser, ws.key, trial)
            except Exception as error:  # whatever is wrong with one, the others are served
                broken[name] = _told(name, error)
                _log.warning("placement '%s' cannot be served: %s", name, broken[name])
                if isinstance(error, DamageError) and name in self._made.served:
                    served[name] = self._made.served[name]  # a run that ends now replaced what was read
        if served and "identities" in tables.versions:
            sources = next(iter(served.values())).prepared.brief.sources
            plain = plain_kind(ws.folder, sources)
            if index is None or (identities, plain) != (self._made.identities, index.plain):
                index = index_of(tables.read("identities", "ingest"), ws.key, plain)
        self._made = _Made(served, broken, index, identities, seen, time.monotonic(), tables)
        self._revoked.keep_after(done)

    def renew(self) -> None:
        """As `refresh`; where nothing changed but what streams told of persons, these alone are judged."""
        ws, made, seen = self.workspace, self._made, self._look()
        if made.tables is None or made.index is None or made.seen is None or not made.seen.allows(seen):
            self.refresh()
            return
        gone, done = self._revoked.now(), journaled(ws.ledger)
        tables, at = ws.tables(), ws.now().astimezone(ws.settings.zone)
        persons = touched(made.tables, tables)
        if made.broken or persons is None or len(persons) > max(_FEW, len(made.index.persons) // _FEW_OF):
            self.refresh()
            return
        persons = np.union1d(persons, np.array([*gone], np.int64))
        served = dict(made.served)
        for name, one in made.served.items():
            if one.snapshot is not None:
                new = judged_anew(one.snapshot, one.prepared, ws.ledger, tables, ws.key, persons, at)
                served[name] = replace(one, snapshot=new)
        index = made.index
        for name in added(made.tables, tables):
            index = with_added(index, tables.piece(name))
        if self._made is made:  # or the next look does it
            told = {"identities": tables.version("identities"), "seen": seen, "tables": tables}
            self._made = replace(made, served=served, index=index, **told)
            self._revoked.keep_after(done)

    def refresh_exposed(self) -> None:
        """Take in who was exposed meanwhile, and what policies learned."""
        made = self._made
        served = {name: self._with_exposed(one) for name, one in made.served.items()}
        if self._made is made:
            self._made = replace(made, served=served)

    def heed_log(self) -> None:
        """Decide nothing where the log says pause, and by the champion where a challenger returned."""
        made, ledger = self._made, self.workspace.ledger
        stopped = dict[str, Served]()
        for name, one in made.served.items():
            if one.stop is None and is_paused(ledger, one.prepared.placement.record):
                stopped[name] = replace(one, stop=PAUSED)
            elif one.trial is not None and not is_tried(ledger, one.prepared):
                stopped[name] = replace(one, trial=None)
        if stopped and self._made is made:
            self._made = replace(made, served={**made.served, **stopped})

    def is_stale(self) -> bool:
        """Whether what is declared, published or judged is newer than the snapshots, or they grow old."""
        return self._is_old() or self._differs()

    def _differs(self, *, written: bool = True) -> bool:
        """Whether what is declared is another; and what is published, where anything was written."""
        seen = self._made.seen
        if written or seen is None:
            return self._look() != seen
        return (_stamps(self.workspace.folder), self._today()) != (seen.files, seen.day)

    def _is_old(self) -> bool:
        """Whether everybody must be judged anew, whatever changed."""
        judged = [one.snapshot.at for one in self._made.served.values() if one.snapshot is not None]
        oldest = min(judged, default=None)
        if oldest is not None and abs(self.workspace.now() - oldest) > REJUDGED:  # clocks are put back, too
            return True
        return bool(self._made.broken) and time.monotonic() - self._made.at > AGAIN

    def start(self) -> None:
        """Make snapshots, and go on making them anew in the background until `stop`."""
        self.refresh()
        works = (self._watch, "deciding"), (self._watch_log, "heeding")
        self._threads = tuple(Thread(target=work, name=name, daemon=True) for work, name in works)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the background work."""
        self._ended.set()
        for thread in self._threads:
            thread.join(10)

    def _watch(self) -> None:
        rest, looked, took = POLL, time.monotonic(), 0.0
        changes, written = self.workspace.ledger.changes(), True
        while not self._ended.wait(rest):
            begun = time.monotonic()
            try:
                written = changes() or written
                if self._is_old():
                    self.refresh()
                elif self._differs(written=written):
                    self.renew()
                elif written and begun - looked > _SHARE * took:
                    self.refresh_exposed()
                    looked, took, written = time.monotonic(), time.monotonic() - begun, False
            except Exception as error:  # whatever it is: old snapshots end by themselves
                _log.warning("snapshots are as they were: %s", type(error).__name__)
            rest = max(POLL, time.monotonic() - begun)
        changes.close()

    def _watch_log(self) -> None:
        """Apart from `_watch`: what must stop does within a second, however long snapshots take, or fail."""
        while not self._ended.wait(POLL):
            try:
                self.heed_log()
            except Exception as error:  # the ledger was busy, say
                _log.warning("pauses and challengers are as they were: %s", type(error).__name__)

    def _with_exposed(self, served: Served) -> Served:
        if served.snapshot is None:
            return served
        ledger, prepared = self.workspace.ledger, served.prepared
        made, chooser = refreshed(served.snapshot, prepared, ledger), served.chooser
        if draws.policies.newest_number(ledger, prepared.placement.name) != chooser.state.version:
            chooser = self._chooser(prepared)
        trial = None if served.trial is None else renewed(served.trial, ledger, prepared)
        return Served.of(served.prepared, served.stop, made, chooser, served.key, trial)

    def _chooser(self, prepared: Prepared) -> Chooser:
        policy = policy_of(prepared.placement)
        return Chooser.of(policy, newest(self.workspace.ledger, prepared.placement.name, policy))

    def _look(self) -> _Seen:
        return _Seen(_stamps(self.workspace.folder), _counted(self.workspace.ledger), self._today())

    def _today(self) -> date:
        return self.workspace.now().astimezone(self.workspace.settings.zone).date()

    def _unknown(self, placement: str, made: _Made) -> SuasionError:
        if placement in made.broken:
            return made.broken[placement]
        return CampaignError(f"placement '{placement}'", "there is none", closest(placement, made.served))


def _told(name: str, error: Exception) -> SuasionError:
    """What is wrong with a placement; the text of what is no error of ours may tell of persons."""
    if isinstance(error, SuasionError):
        return error
    found = f"something that suasion does not understand ({type(error).__name__})"
    return CampaignError(f"placement '{name}'", found, "See what changed in its file, and in those it names.")


def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells declared files of now from those of before."""
    files = [folder / "suasion.toml", folder / "votes.toml"]
    files += [path for part in _FOLDERS for path in sorted((folder / part).glob("*.toml"))]
    found = ((str(path), path.stat()) for path in files if path.exists())
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


def _counted(ledger: Ledger) -> tuple[int, ...]:
    """What grows in the ledger whenever something is published, said or approved that snapshots know."""
    s, named = schema, schema.log.c.campaign
    newest = [
        select(func.max(s.runs.c.id)),
        select(func.max(s.suppressions.c.id)),
        select(func.max(s.approvals.c.id)),
        select(func.max(s.journal.c.n)),
        select(func.count()).select_from(s.wishes),
        select(func.max(s.log.c.position)).where(
            ((named >= "placement:") & (named < "placement;")) | ((named >= "budget:") & (named < "budget;"))
        ),
    ]
    with ledger.reading() as connection:
        return tuple(int(connection.execute(one).scalar() or 0) for one in newest)
