"""One turn: from batches of the inbox to events of persons, in a run that publishes all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime

from suasion.identity import Sealing, stitch
from suasion.ledger import Ledger, Run, said, subject
from suasion.profiles import computed
from suasion.workspace.streaming import parts, shown
from suasion.workspace.streaming.persons import follow, known_of, move, write_persons
from suasion.workspace.streaming.remembered import Remembered
from suasion.workspace.streaming.said import refusals
from suasion.workspace.streaming.signs import signed, without_erased
from suasion.workspace.streaming.state import Declared, State, Waiting, write_state
from suasion.workspace.streaming.write import catch_up, write_events, write_streams


@dataclass(frozen=True)
class Turn:
    """What a turn did.

    Parameters
    ----------
    events : int
        Published.
    untracked : int
        Of them, without their properties: whoever did them lets nothing be tracked.
    new : int
        Persons that nobody knew.
    left_out : dict of str to int
        Events that are not published, by reason.
    refused : int
        Persons' refusals and opt-outs that are in force now.
    position : int
        Up to where the inbox is drained.
    more : bool
        Whether more may wait.
    not_taken : dict of str to int
        Exposures that do not count, by reason.
    """

    events: int = 0
    untracked: int = 0
    new: int = 0
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    refused: int = 0
    position: int = 0
    more: bool = False
    not_taken: dict[str, int] = field(default_factory=dict[str, int])


def turning(
    run: Run,
    ledger: Ledger,
    sealing: Sealing,
    remembered: Remembered,
    declared: Declared,
    waiting: Waiting,
    at: datetime,
) -> Generator[str, None, Turn]:
    """Write what a turn publishes; the names of the points that it passes are yielded.

    Parameters
    ----------
    run : Run
    ledger : Ledger
    sealing : Sealing
    remembered : Remembered
    declared : Declared
    waiting : Waiting
    at : datetime
    """
    left_out, state = Counter[str](), State.of(run)
    yield "begun"
    follow(run, remembered, state, declared)
    ones = signed(waiting.events, declared, sealing.key, left_out)
    known = known_of(run, remembered, ones)
    ones = without_erased(ones, known, ledger, sealing.key, left_out)
    last = max(remembered.last(run), subject.last_person(ledger))
    found = stitch.stitch([one.sign for one in ones], known, last)
    yield "stitched"
    move(run, remembered, declared, found.moved)
    news = write_persons(run, remembered, ones, known, found, sealing)
    yield "persons written"
    write_streams(run, declared)
    write_events(run, declared, ones, found.persons)
    yield "events written"
    usable = [
        (one.event, whose) for one, whose in zip(ones, found.persons, strict=True) if one.heeded.tracked
    ]
    not_taken = shown.write(
        run, ledger, sealing.key, declared.placements, usable, remembered.everybody(run), at
    )
    catch_up(run, state, declared)
    parts.compact(run, computed.PREFIX, computed.added)
    for name in declared.streams:
        parts.compact(
            run, f"events.{name}", lambda table: table.sort_by([("person", "ascending"), ("at", "ascending")])
        )
    for prefix in shown.prefixes(declared.placements):
        parts.compact(run, prefix, lambda table: table.sort_by("person"))
    new = refusals(found.persons, [one.heeded for one in ones], [one.event.at for one in ones], run)
    run.writes.append(said.heard.record_heard(ledger, new.consents, new.opt_outs))
    untracked = sum(not one.heeded.tracked for one in ones)
    write_state(run, declared, waiting, len(ones), untracked, sum(left_out.values()))
    if not run.erasing:  # older versions tell who was meant
        run.writes.append(parts.expire(at))
    yield "written"
    refused = len(new.consents) + len(new.opt_outs)
    counts = dict(left_out), refused, waiting.position, waiting.more
    return Turn(len(ones), untracked, news, *counts, not_taken)
