"""Look at everything that can go wrong while it runs, every minute, and move money when it is time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from suasion.allocation import placement as declared
from suasion.allocation import policies
from suasion.errors import SuasionError
from suasion.learning import steering
from suasion.ledger import Ledger, Tables, reading
from suasion.workspace.brief import sources_from
from suasion.workspace.funds import SharedBudget, shared_budgets
from suasion.workspace.streaming.lessons import lessons_of
from suasion.workspace.streaming.steering.facts import Minutes, approved_at, mailed, refusing_since, seen_of
from suasion.workspace.streaming.steering.moving import move
from suasion.workspace.streaming.steering.raised import Key, Raised, said, settle
from suasion.workspace.streams import streams_of

EVERY = 60.0
"""Seconds from one look to the next, at least."""
MOST_COMPLAINTS = 0.003
"""Of mails. Mailbox providers turn away senders who reach it (Google, Email sender guidelines, 2024)."""
MOST_OPT_OUTS = 0.01
"""Of persons who were shown something, afterwards."""
DAY = 86_400.0
_log = logging.getLogger("suasion.streaming")

Looked = tuple[Key, steering.Alarm | None]
Foreseen = dict[str, tuple[Any, steering.Alarm | None]]
"""What was found last of each placement's predictions, and of which blocks."""


@dataclass
class Steering:
    """Watches what a workspace does by itself.

    Parameters
    ----------
    folder : Path
        The workspace.
    ledger : Ledger
    lake : Path
    """

    folder: Path
    ledger: Ledger
    lake: Path
    _minutes: Minutes = field(default_factory=Minutes, init=False)
    _foreseen: Foreseen = field(default_factory=dict[str, tuple[Any, steering.Alarm | None]], init=False)
    _looked: float = field(default=float("-inf"), init=False)

    def turn(
        self, placements: Mapping[str, declared.Placement], now: datetime, behind: bool = False
    ) -> tuple[Raised, ...]:
        """Look, if a minute has passed since the last time; what changed is in the log.

        Parameters
        ----------
        placements : mapping of str to Placement
            By name, each with the money that it has now.
        now : datetime
        behind : bool
            Whether events wait that are not published yet: then nobody is silent for sure.

        Returns
        -------
        tuple of Raised
            Alarms that were raised, and those that ended.
        """
        if 0 <= now.timestamp() - self._looked < EVERY:  # a clock that was put back is no reason to wait
            return ()
        self._looked = now.timestamp()
        tables, seen = reading(self.ledger, self.lake), dict[Key, steering.Alarm | None]()
        for look in self._looks(tables, placements, now.timestamp(), behind):
            try:
                seen.update(look)
            except SuasionError as error:
                _log.error("something is not looked at: %s", error)
            except Exception as error:  # one placement keeps no other from being looked at
                _log.error("something is not looked at: %s", type(error).__name__)
        self._move(tables, placements, now)
        changed = settle(self.ledger, seen, now)
        for one in changed:
            _log.warning("alarm %s of %s %s", one.name, one.about, "raised" if one.stands else "ended")
        return changed

    def _looks(
        self, tables: Tables, placements: Mapping[str, declared.Placement], now: float, behind: bool
    ) -> Iterator[Iterator[Looked]]:
        before = said(self.ledger)
        for placement in placements.values():
            yield _of_placement(self.ledger, tables, placement, before, self._foreseen, now)
        if not behind:
            yield _with_gone("silence", self._of_streams(tables, now), before)
        yield _with_gone("stale_file", _of_files(self.folder, now), before)
        yield _of_mails(self.ledger, self.folder, before)

    def _of_streams(self, tables: Tables, now: float) -> Iterator[Looked]:
        for name, active in self._minutes.of(tables, streams_of(self.folder)).items():
            about = f"stream:{name}"
            yield ("silence", about), steering.silence(about, active, now)

    def _move(self, tables: Tables, placements: Mapping[str, declared.Placement], now: datetime) -> None:
        for budget in self._budgets():
            try:
                moved = move(self.ledger, tables, budget, placements, now)
            except SuasionError as error:
                _log.error("money is not moved: %s", error)
                continue
            if moved is not None:
                _log.warning("budget %s: %s", budget.name, moved.reason)

    def _budgets(self) -> tuple[SharedBudget, ...]:
        try:
            return tuple(shared_budgets(self.folder).values())
        except SuasionError as error:
            _log.error("money is not moved: %s", error)
            return ()


def _of_placement(
    ledger: Ledger,
    tables: Tables,
    placement: declared.Placement,
    before: Mapping[Key, Raised],
    foreseen: Foreseen,
    now: float,
) -> Generator[Looked]:
    """Everything about one placement; it is counted from its approval on, or the answer to an alarm."""
    about, begun = placement.record, approved_at(ledger, placement.record)
    everybody = seen_of(tables, placement)

    def since(name: str) -> float:
        one = before.get((name, about))
        answered = one.answered_at if one is not None else None
        return begun if answered is None else max(begun, answered.timestamp())

    def stands(name: str) -> bool:
        return (name, about) in before and before[name, about].stands

    seen = everybody.only(everybody.told_at >= since("sample_ratio"))
    terms = seen.shown, seen.chances, seen.holdouts, stands("sample_ratio")
    yield ("sample_ratio", about), steering.sample_ratio(about, placement.arms, *terms)
    yield from _of_lessons(tables, placement, since, foreseen, now)
    treated = everybody.only((everybody.told_at >= since("opt_outs")) & (everybody.shown > 0))
    refused, what = refusing_since(ledger, treated), "want no more messages since they were shown something"
    todo = f"Look at what is shown; `suasion placement pause {placement.name}` ends it at once."
    many = steering.too_many(
        "opt_outs", about, what, refused, len(treated.persons), MOST_OPT_OUTS, todo, stands("opt_outs")
    )
    yield ("opt_outs", about), many
    if placement.budget is not None:
        period = placement.budget.since, placement.budget.until
        paid = seen_of(tables, placement, by_all=True)
        paid = paid.only((paid.told_at >= period[0]) & (paid.told_at < period[1]))
        dearest = max(variant.cost for variant in placement.variants.values())
        money = placement.budget.amount, period, paid.costs, dearest, now
        yield ("pace", about), steering.pace(about, *money, stands("pace"))


def _of_lessons(
    tables: Tables,
    placement: declared.Placement,
    since: Callable[[str], float],
    foreseen: Foreseen,
    now: float,
) -> Iterator[Looked]:
    about, lessons = placement.record, lessons_of(tables, placement)
    told = lessons.exposures.told_at
    came = lessons.features[told >= since("population")]
    population = steering.population(about, placement.features, came.astype(np.float64))
    yield ("population", about), population
    over = lessons.over
    order = np.argsort(over, kind="stable")
    known = order[(over[order] <= now) & (told[order] >= since("predictions"))]
    rewards = lessons.earned(now)[known]
    rows = lessons.features[known].astype(np.float64), lessons.arms[known], rewards, lessons.chances[known]
    blocks = len(known) // steering.BLOCK, since("predictions"), placement.digest
    if about not in foreseen or foreseen[about][0] != blocks:  # else it would be found again
        foreseen[about] = blocks, steering.predictions(about, _plain(placement), *rows)
    yield ("predictions", about), foreseen[about][1]


def _plain(placement: declared.Placement) -> policies.Policy:
    """A policy that knows each variant by itself and forgets nothing: what it foresees should come true."""
    scales = [placement.policy.scales.get(feature, (0.0, 1.0)) for feature in placement.features]
    return policies.Policy(
        policies.Kind.THOMPSON,
        placement.treatments,
        center=tuple(center for center, _ in scales),
        scale=tuple(scale for _, scale in scales),
        features=placement.features,
    )


def _with_gone(name: str, looked: Iterator[Looked], before: Mapping[Key, Raised]) -> Iterator[Looked]:
    """Also what nobody declares any more: an alarm of it ends."""
    found = dict(looked)
    yield from found.items()
    yield from ((key, None) for key in before if key[0] == name and key not in found)


def _of_files(folder: Path, now: float) -> Iterator[Looked]:
    """Files of sources that are older than they are declared to be."""
    for source in sources_from(folder):
        path, about = folder / "sources" / source.file, f"source:{source.name}"
        if source.every_days is None or not path.is_file():
            continue
        days = (now - path.stat().st_mtime) / DAY
        found = f"the file is {days:.1f} days old, where a new one comes every {source.every_days:g} days"
        todo = "Fetch the new file, and run `suasion ingest`."
        late = steering.Alarm("stale_file", about, found, todo) if days > source.every_days else None
        yield ("stale_file", about), late


def _of_mails(ledger: Ledger, folder: Path, before: Mapping[Key, Raised]) -> Iterator[Looked]:
    """Complaints about the mails of campaigns."""
    for path in sorted((folder / "campaigns").glob("*.toml")):
        complained, got = mailed(ledger, path.stem)
        if not got:
            continue
        key = "complaints", path.stem
        standing = key in before and before[key].stands
        what, todo = (
            "who got a mail complained",
            f"Look at whom it goes to; `suasion pause {path.stem}` stops it.",
        )
        yield key, steering.too_many(*key, what, complained, got, MOST_COMPLAINTS, todo, standing)
