"""A sender, opt-outs, pauses and crashes on one small ledger, in an order that a seed decides."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Generator, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from runpy import run_path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, QueuePool, event, text

from suasion.delivery import Dispatch, Fate, Mail, send
from suasion.delivery.carriers import Handed
from suasion.errors import BusyError, DeliveryError
from suasion.ledger import Ledger, log, postgres, sends, sqlite
from suasion.ledger.sends import State, Terms, Why
from suasion.rules import Channel, Clearance, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs

WILLING = run_path(str(Path(__file__).parents[1] / "ledger" / "book.py"))["WILLING"]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
EMAIL, HEALTH = Channel.EMAIL, Purpose.PUBLIC_HEALTH
SIZES = {"spring": (1, 3), "autumn": (0, 1)}
CAMPAIGNS = tuple(SIZES)
ADDRESSES = {
    "spring": {1: b"ada", 2: b"the smiths", 3: b"the smiths", 4: b"eve"},
    "autumn": {1: b"ada at work", 2: b"bob", 3: b"the smiths", 4: b"eve"},
}
"""By campaign and person: two share one, and two have moved between the campaigns."""
PERSONS = (1, 2, 3, 4)
COST = 0.1
EVIDENCE = sends.Evidence.of(b"key", pa.table({"person": PERSONS}))
TABLES = ("receipts", "sends", "suppressions", "replies", "spend", "pauses")
PLANNED = """
INSERT INTO sends (campaign, person, channel, step, plan, treatment, cost, address, state)
VALUES (:name, :person, 'email', 1, :plan, 'call', :cost, :address, 'planned')
"""
QUICK = {
    "sqlite": ["PRAGMA busy_timeout=0", "PRAGMA synchronous=OFF"],
    "postgresql": ["SET lock_timeout='1ms'"],
}
FORGETFUL = {
    "sqlite": ["DROP TRIGGER log_delete"],
    "postgresql": ["DROP TRIGGER log_changed ON log"],
}
"""So that the log of one schedule does not slow all that come after it."""


class Killed(BaseException):
    """The sender's process ends here, whatever it was doing."""


@dataclass(frozen=True, kw_only=True)
class Watched(Ledger):
    """The sender's ledger: `point` is called with the name of each point that a transaction passes."""

    point: Callable[[str], None]

    @contextmanager
    def writing(self) -> Generator[Connection]:
        with super().writing() as connection:
            self.point("begin")  # the lock is held, nothing is read
            yield connection
            self.point("claim")  # all is written, nothing committed
        self.point("commit")


@dataclass(frozen=True, kw_only=True)
class WatchedGate(Gate):
    """The sender's gate: `point` is called when a claim has read everything and is about to check it."""

    point: Callable[[str], None]

    def admit(self, clearance: Clearance, persons: Any, version: str) -> None:
        self.point("check")
        super().admit(clearance, persons, version)


class World:
    """One ledger that all schedules share, emptied before each. Nobody waits for its locks, nor for disks."""

    def __init__(self, folder: Path, where: Path | str) -> None:
        with ExitStack() as stack:
            for module in (sqlite, postgres):  # connections are made once
                stack.enter_context(patch.object(module, "NullPool", QueuePool))
            self.ledger = Ledger.open(where)
        self.watched = Watched(self.ledger.place, self.ledger.engine, point=lambda name: self.point(name))
        kind = self.ledger.engine.dialect.name
        event.listen(self.ledger.engine, "connect", lambda one, _: _say(one, QUICK[kind]))
        self.ledger.engine.dispose()
        self.gates = {name: _gate(name, folder, lambda name: self.point(name)) for name in CAMPAIGNS}
        self.clearances = {name: _clearance(gate) for name, gate in self.gates.items()}
        with self.ledger.writing() as connection:
            connection.execute(text("INSERT INTO runs VALUES (1, 'plan', :at)"), {"at": NOW})
            for place, name in enumerate(CAMPAIGNS, 1):
                plan = {"id": place, "name": name}
                connection.execute(text("INSERT INTO plans VALUES (:id, :name, :name, 'terms', 1, 1)"), plan)
                log.append(connection, "campaign", name, {"content": "content"}, NOW)
            for statement in FORGETFUL[kind]:
                connection.execute(text(statement))
        for name in CAMPAIGNS:
            sends.approve(self.ledger, name, "content", "Ada", "read it", NOW)
        self.point: Callable[[str], None] = lambda _: None

    def reset(self, persons: dict[str, list[int]]) -> None:
        """Nothing is sent yet; these are planned."""
        with self.ledger.writing() as connection:
            for table in TABLES:
                connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(text("DELETE FROM log WHERE kind <> 'campaign'"))
            rows = [
                {
                    "name": name,
                    "person": person,
                    "plan": plan,
                    "cost": COST,
                    "address": ADDRESSES[name][person],
                }
                for plan, (name, chosen) in enumerate(persons.items(), 1)
                for person in chosen
            ]
            connection.execute(text(PLANNED), rows)

    def tidy(self) -> None:
        """Give back the room of deleted rows, which a server does when it finds the time."""
        with self.ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]


def _say(connection: Any, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.cursor().execute(statement)
    connection.commit()


def _gate(campaign: str, folder: Path, point: Callable[[str], None]) -> Gate:
    there = Jurisdiction("DE", date(2026, 11, 21))
    occasion = Occasion(frozenset({Use.CONTACT}), HEALTH, campaign, there, NOW, EMAIL)
    return WatchedGate(load_packs((), folder), occasion, point=point)


def _clearance(gate: Gate) -> Clearance:
    facts = {name: [said] * len(PERSONS) for name, said in WILLING.items()}
    cleared = gate.judge(pa.table({"person": PERSONS, **facts}), "known_from@0").clearance
    assert cleared.persons.tolist() == list(PERSONS)
    return cleared


@dataclass
class Schedule:
    """One order of events, drawn from a seed.

    What happened is written down in `events`, in its order: ``seen`` (send), ``acknowledged`` (send),
    ``paused`` and ``resumed`` (campaign), and ``point`` (its name). Whoever needs the ledger's lock while the
    sender has it waits, and tries again at the next point.
    """

    world: World
    seed: int
    events: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.luck = random.Random(self.seed)
        self.calm = False
        self.world.reset(
            {name: self.luck.sample(PERSONS, self.luck.randint(*range_)) for name, range_ in SIZES.items()}
        )
        self.planned = {
            number: (campaign, person)
            for number, campaign, person in self.world.rows("SELECT id, campaign, person FROM sends")
        }
        self.presses, self.pauses = self.luck.randint(0, 3), self.luck.randint(0, 1)
        self.crashes = self.luck.randint(0, 2)
        self.rate = self.luck.choice([0.03, 0.1, 0.3])
        self.asked: list[Callable[[], None]] = []
        self.unwritten, self.waited = set[int](), 0
        self.carrier = self.luck.choice([Box, Server])(self, self.luck.choice([1, 2, 3, 3]))

    def run(self) -> Schedule:
        """Senders of both campaigns come and go while others act; then the rest is sent in peace."""
        for _ in range(self.luck.randint(1, 2)):
            self._send(self.luck.choice(sorted({campaign for campaign, _ in self.planned.values()})))
        self.calm = True
        self._act()
        waiting = "SELECT DISTINCT campaign FROM sends WHERE state IN ('planned', 'claimed', 'handed_over')"
        for (name,) in self.world.rows(waiting):
            self._send(name)
        return self

    def point(self, name: str) -> None:
        """The sender is somewhere: others act, as far as its lock lets them; or it is killed."""
        self.events.append(("point", name))
        if self.calm:
            return
        if self.presses and self.luck.random() < self.rate:
            self.presses -= 1
            number = self.luck.choice(sorted(self.planned))
            self.asked.append(lambda: self._press(number))
        if self.pauses and self.luck.random() < self.rate / 2:
            self.pauses -= 1
            name = self.luck.choice(CAMPAIGNS)
            self.asked += [lambda: self._pause(name, True), lambda: self._pause(name, False)]
        self._act()
        if self.crashes and self.luck.random() < self.rate / 2:
            self.crashes -= 1
            self.events.append(("killed", None))
            raise Killed

    def _act(self) -> None:
        """Whatever was asked for, first come first served."""
        while self.asked:
            if not self.calm and self.luck.random() < 0.2:
                return
            try:
                self.asked[0]()
            except BusyError:
                assert not self.calm
                self.waited += 1
                return
            self.asked.pop(0)

    def _press(self, number: int) -> None:
        assert sends.suppress(self.world.ledger, number, Why.OPTED_OUT, NOW)
        self.events.append(("acknowledged", number))

    def _pause(self, name: str, paused: bool) -> None:
        sends.set_paused(self.world.ledger, name, NOW, paused=paused)
        self.events.append(("paused" if paused else "resumed", name))

    def _send(self, campaign: str) -> None:
        points = send(self._dispatch(campaign))
        self.world.point = self.point
        try:
            for name in points:
                self.point(name)
        except Killed:
            points.close()
        except DeliveryError:  # a server that refuses everybody: the rest waits for the next sender
            assert isinstance(self.carrier, Server)
            assert not self.calm

    def _dispatch(self, campaign: str) -> Dispatch:
        budget = COST * sum(1 for name, _ in self.planned.values() if name == campaign)
        terms = Terms(campaign, HEALTH, EMAIL, "content", budget, END)

        def held() -> tuple[Terms, Gate]:
            self.point("terms")
            return terms, self.world.gates[campaign]

        def judged(_: Sequence[int]) -> tuple[Clearance, sends.Evidence]:
            self.point("judged")
            return self.world.clearances[campaign], EVIDENCE

        def token(number: int) -> str:
            return f"{number:032d}"

        def written(claimed: Sequence[sends.Send]) -> list[Mail]:
            self.point("written")
            spoiled = {one.id for one in claimed if not self.calm and self.luck.random() < 0.03}
            self.unwritten |= spoiled
            return [Mail(one.id, token(one.id), "", b"") for one in claimed if one.id not in spoiled]

        return Dispatch(
            ledger=self.world.watched,
            carrier=self.carrier,
            campaign=campaign,
            facts=("known_from",),
            terms=held,
            judge=judged,
            write=written,
            token=token,
            now=lambda: NOW,
        )


class Box:
    """An outbox: what is staged outlives its sender, and is seen once it is handed over."""

    settled = Fate.ACCEPTED

    def __init__(self, schedule: Schedule, batch: int) -> None:
        self.schedule, self.batch = schedule, batch
        self._staged, self._out = set[str](), set[str]()

    def stage(self, mails: Sequence[Mail]) -> None:
        for mail in mails:
            self.schedule.point("stage")
            self._staged.add(mail.token)

    def hand_over(self, mails: Sequence[Mail]) -> list[Handed]:
        assert len(mails) <= self.batch
        handed = [self._hand_over(mail) for mail in mails]
        self.schedule.point("handed over")
        return handed

    def _hand_over(self, mail: Mail) -> Handed:
        self.schedule.point("hand-off")
        if mail.token not in self._staged:
            return Handed(mail.send, Fate.ACCEPTED if mail.token in self._out else Fate.UNKNOWN)
        self._staged.remove(mail.token)
        self._out.add(mail.token)
        self.schedule.events.append(("seen", mail.send))
        return Handed(mail.send, Fate.ACCEPTED)

    def staged(self, tokens: Set[str]) -> set[str]:
        self.schedule.point("carrier")
        return self._staged & tokens

    def clear(self, keep: Set[str]) -> None:
        self.schedule.point("carrier")
        self._staged &= keep

    def close(self) -> None:
        pass


class Server(Box):
    """A mail server: it stages nothing, refuses now and then, and forgets to say whether it took a mail."""

    settled = Fate.UNKNOWN

    def stage(self, mails: Sequence[Mail]) -> None:
        self.schedule.point("carrier")

    def _hand_over(self, mail: Mail) -> Handed:
        self.schedule.point("hand-off")
        luck = 1.0 if self.schedule.calm else self.schedule.luck.random()
        if luck < 0.05:
            return Handed(mail.send, Fate.AGAIN, "450")
        if luck < 0.1:
            return Handed(mail.send, Fate.FAILED, self.schedule.luck.choice(["550", "5.1.1"]))
        self.schedule.events.append(("seen", mail.send))
        return Handed(mail.send, Fate.UNKNOWN if luck < 0.15 else Fate.ACCEPTED)


def fault(made: Schedule) -> str | None:
    """What a schedule did that it must not; None where it kept every promise of the test's docstring."""
    return _in_order(made) or _in_the_end(made)


def _in_order(made: Schedule) -> str | None:
    """The first thing that was seen and should not have been."""
    never, paused, seen = set[object](), set[str](), set[int]()
    for kind, about in made.events:
        if kind == "paused":
            paused.add(about)
        elif kind == "resumed":
            paused.discard(about)
        elif kind == "acknowledged":
            never |= _named(made, about)
        elif kind == "seen":
            campaign, _ = made.planned[about]
            if _named(made, about) & never:
                return f"send {about} was seen after an opt-out was acknowledged"
            if campaign in paused:
                return f"send {about} was seen while its campaign was paused"
            if about in seen:
                return f"send {about} was seen twice"
            if any(_shared(made, about, other) for other in seen):
                return f"send {about} was seen in a mailbox that had had its campaign"
            seen.add(about)
    return None


def _in_the_end(made: Schedule) -> str | None:
    """What the ledger says at the end that is not so."""
    seen = Counter(about for kind, about in made.events if kind == "seen")
    pressed = {about for kind, about in made.events if kind == "acknowledged"}
    never = set[object]().union(*(_named(made, about) for about in pressed))
    paid = Counter[str]()
    for number, state, reason in made.world.rows("SELECT id, state, reason FROM sends ORDER BY id"):
        campaign, _ = made.planned[number]
        asked = bool(_named(made, number) & never)
        said = (State(state), reason if state == "failed" else None)
        if said not in _possible(made, number, seen[number], asked):
            return f"send {number} was seen {seen[number]} times, and is said to be {said}"
        paid[campaign] += not (state == "failed" and reason in sends.NEVER_HANDED)
    money = dict(made.world.rows("SELECT campaign, sum(amount) FROM spend GROUP BY campaign"))
    for name in CAMPAIGNS:
        if not np.isclose(money.get(name, 0.0), COST * paid[name]):
            return f"'{name}' says it spent {money[name]:.2f} for {paid[name]} sends"
    return None


def _named(made: Schedule, number: int) -> set[object]:
    """The person and the contact detail of a send."""
    campaign, person = made.planned[number]
    return {person, ADDRESSES[campaign][person]}


def _shared(made: Schedule, one: int, other: int) -> bool:
    """Whether two sends bring one campaign to one mailbox."""
    (campaign, person), (another, neighbor) = made.planned[one], made.planned[other]
    same = campaign == another and ADDRESSES[campaign][person] == ADDRESSES[another][neighbor]
    return same and one != other


def _possible(made: Schedule, number: int, seen: int, asked: bool) -> set[tuple[State, str | None]]:
    """What may have become of a send that was seen so often, and whose person or address opted out or not."""
    if seen:
        return {(State.ACCEPTED, None)} | (
            {(State.UNKNOWN, None)} if isinstance(made.carrier, Server) else set()
        )
    possible: set[tuple[State, str | None]] = {(State.FAILED, "suppressed")} if asked else set()
    if any(_shared(made, number, other) for other in made.planned):
        possible.add((State.FAILED, "the address has had this campaign"))
    if number in made.unwritten:
        possible.add((State.FAILED, "unwritten"))
    if isinstance(made.carrier, Server):
        possible |= {(State.UNKNOWN, None), (State.FAILED, "550"), (State.FAILED, "5.1.1")}
        # A bounce suppresses the person, or who shares the address, as an opt-out does.
        possible.add((State.FAILED, "suppressed"))
    return possible
