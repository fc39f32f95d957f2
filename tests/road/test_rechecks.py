"""What changes between plan and send counts at the send, and whoever sends is told."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from functools import cached_property
from pathlib import Path
from runpy import run_path

import pytest

import suasion
from suasion.delivery import MaildirCarrier
from suasion.errors import BusyError, CampaignError, DeliveryError, OrderError, WorkspaceError
from suasion.ledger import sends, tokens
from suasion.workspace import SendSummary, Workspace

TOWN = run_path(str(Path(__file__).with_name("livetown.py")))
NAME, NOW, SECRET, approved, copy, edit, mails, rows = (
    TOWN[name] for name in ("NAME", "NOW", "SECRET", "approved", "copy", "edit", "mails", "rows")
)
BATCH = 40


@dataclass
class Clock:
    """Stands still until it is set."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Place:
    """A workspace that is approved and about to be sent, and its clock."""

    folder: Path
    clock: Clock = field(default_factory=Clock)

    @cached_property
    def ws(self) -> Workspace:
        return suasion.open(self.folder, now=self.clock, environment=SECRET)

    @property
    def campaign(self) -> Path:
        return self.folder / "campaigns" / f"{NAME}.toml"

    @property
    def settings(self) -> Path:
        return self.folder / "suasion.toml"

    @property
    def planned(self) -> int:
        """For how many a treatment was drawn."""
        ((n,),) = rows(self.ws, "SELECT count(*) FROM draws WHERE treatment <> 'none'")
        return n

    @property
    def costs(self) -> list[float]:
        """Of all sends, in the order in which they are claimed."""
        return [
            cost for (cost,) in rows(self.ws, f"SELECT cost FROM sends WHERE campaign = '{NAME}' ORDER BY id")
        ]

    def send(self, act: Callable[[], object] = lambda: None, at: str = "", times: int = 1) -> SendSummary:
        """Send; do something when a point is passed for the so manieth time."""
        seen = Counter[str]()

        def passed(point: str) -> None:
            seen[point] += 1
            if point == at and seen[at] == times:
                act()

        return walked(self.ws.sending(), passed)

    def is_sent(self, done: SendSummary, sent: int) -> None:
        """So many are in the outbox, the others planned still, and no more than these was paid."""
        assert len(mails(self.folder)) == sent
        states = {"accepted": sent, "planned": self.planned - sent}
        assert done.progress.states == {state: n for state, n in states.items() if n}
        assert done.progress.spent == pytest.approx(sum(self.costs[:sent]), abs=0.001)
        assert self.ws.verify().problems == ()


def walked(points: Generator[str, None, SendSummary], passed: Callable[[str], object]) -> SendSummary:
    """Run a sender to its end."""
    while True:
        try:
            passed(next(points))
        except StopIteration as end:
            return end.value


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(MaildirCarrier, "batch", BATCH)
    return Place(copy(approved(tmp_path_factory.getbasetemp()), tmp_path / "town"))


def drawn(place: Place) -> dict[int, dict[str, str]]:
    """What the register says of those for whom a treatment was drawn, by person, in the order of sends."""
    with (place.folder / "sources" / "residents.csv").open(newline="", encoding="utf-8") as file:
        by_member = {row["member"]: row for row in csv.DictReader(file)}
    known = place.ws.tables().read("identities", "ingest").to_pylist()
    members = {one["person"]: one["value"] for one in known if one["kind"] == "member"}
    chosen = rows(place.ws, "SELECT person FROM draws WHERE treatment <> 'none' ORDER BY person")
    return {person: by_member[members[person]] for (person,) in chosen}


def register(place: Place, member: str, column: str, value: str) -> None:
    """Change what the register says of a resident, and ingest it."""
    path = place.folder / "sources" / "residents.csv"
    with path.open(newline="", encoding="utf-8") as file:
        residents = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, residents[0].keys())
        writer.writeheader()
        writer.writerows({**one, column: value} if one["member"] == member else one for one in residents)
    place.ws.ingest()


def recipients(place: Place) -> list[str]:
    """To whom there is mail, in the order of sends."""
    found = {
        token: re.findall(rb"^To: (.*?)\r$", mail, re.MULTILINE)
        for token, mail in mails(place.folder).items()
    }
    by_send = {tokens.send_of(place.ws.key, token): one.decode() for token, (one,) in found.items()}
    return [by_send[send] for send in sorted(by_send)]


def saying(place: Place, word: str) -> int:
    """In how many mails a word is."""
    texts = [
        message_from_bytes(mail).get_payload(0).get_payload(decode=True)
        for mail in mails(place.folder).values()
    ]
    return sum(word.encode() in text for text in texts)


def planned_only(place: Place) -> None:
    """The sends are written down, and nothing is sent."""
    place.ws.pause()
    assert place.send().stop == "it is paused"
    place.ws.pause(paused=False)
    assert mails(place.folder) == {}


PACK = """
id = "own"
title = "Our own"
status = "reviewed"
[[rule]]
id = "own.rule"
subject = "{subject}"
kind = "sending"
message = "Not now."
cite = "our board"
valid_from = 2020-01-01
require = "{require}"
case = [
    {{ facts = {{ {fact} = {good} }}, allowed = true }},
    {{ facts = {{ {fact} = {good}, {more} }}, allowed = true }},
    {{ facts = {{ {fact} = {bad} }}, allowed = false }},
    {{ facts = {{ {fact} = {bad}, {more} }}, allowed = false }},
]
"""
ANYBODY = PACK.format(subject="person", require="age >= 18", fact="age", more="adult = true", good=18, bad=17)
YOUNG = PACK.format(subject="person", require="age < 40", fact="age", more="adult = true", good=39, bad=40)
SILENT = PACK.format(
    subject="message",
    require="discourages_voting",
    fact="discourages_voting",
    more="exposes_third_persons = false",
    good="true",
    bad="false",
)


def rule(place: Place, pack: str) -> None:
    """Put a pack of our own in force."""
    (place.folder / "rules").mkdir(exist_ok=True)
    (place.folder / "rules" / "own.toml").write_text(pack, "utf-8")
    if "rules" not in place.settings.read_text("utf-8"):
        edit(place.settings, "purpose = ", 'rules = ["own"]\npurpose = ')


def stops(place: Place, act: Callable[[], object], at: str, why: str, sent: int) -> None:
    """What is done at the second passing of a point stops the campaign after so many mails."""
    done = place.send(act, at, 2)
    assert done.stop == why
    place.is_sent(done, sent)


# Money.


def test_a_lowered_budget_is_not_overspent(place: Place):
    edit(place.campaign, "budget = .*", "budget = 1.23")
    done = place.send()
    assert done.stop == "its budget is spent"
    assert 1.23 - max(TOWN["COSTS"].values()) < done.progress.spent <= 1.23
    place.is_sent(done, len(mails(place.folder)))
    edit(place.campaign, "budget = .*", "budget = 12.00")
    place.is_sent(place.send(), place.planned)


def test_a_budget_lowered_while_it_is_spent_stops_at_what_is_spent(place: Place):
    stops(
        place,
        lambda: edit(place.campaign, "budget = .*", "budget = 0.10"),
        "settled",
        "its budget is spent",
        2 * BATCH,
    )


def test_a_budget_is_spent_to_the_cent(place: Place):
    planned_only(place)
    edit(place.campaign, "budget = .*", f"budget = {sum(place.costs[:50]):.2f}")
    done = place.send()
    assert done.stop == "its budget is spent"
    place.is_sent(done, 50)
    edit(place.campaign, "budget = .*", f"budget = {sum(place.costs[:51]) - 0.01:.2f}")
    place.is_sent(place.send(), 50)


# Caps.


def _wrote(place: Place, people: list[int], days_ago: int) -> None:
    """Another campaign has written to these people."""
    at = (place.clock.at - timedelta(days=days_ago)).timestamp()
    row = "'earlier', ?, 'email', 1, 1, 'x', 0.0, x'00', 'accepted', NULL, ?"
    with place.ws.ledger.writing() as connection:
        for person in people:
            connection.exec_driver_sql(f"INSERT INTO sends VALUES (NULL, {row})", (person, at))


def test_a_cap_that_was_added_holds_over_all_campaigns_until_its_days_are_over(place: Place):
    people = list(drawn(place))
    _wrote(place, people[:5], 3)
    _wrote(place, people[5:9], 8)
    edit(place.settings, "purpose = ", "cap = { sends = 1, days = 7 }\npurpose = ")
    done = place.send()
    assert done.left == {"had 1 within 7 days": 5}
    assert done.progress.states == {"accepted": place.planned - 5, "planned": 5}
    place.clock.at += timedelta(days=3, hours=23)
    assert place.send().left == {"had 1 within 7 days": 5}
    place.clock.at += timedelta(hours=2)
    assert place.send().progress.states == {"accepted": place.planned}


def test_a_cap_that_is_lowered_meanwhile_holds_for_the_rest(place: Place):
    people = list(drawn(place))
    _wrote(place, people, 3)
    edit(place.settings, "purpose = ", "cap = { sends = 2, days = 7 }\npurpose = ")
    done = place.send(lambda: edit(place.settings, "sends = 2", "sends = 1"), "settled", 2)
    assert done.left == {"had 1 within 7 days": place.planned - 2 * BATCH}
    assert recipients(place) == [one["email"] for one in drawn(place).values()][: 2 * BATCH]


# Consent.

LATER = datetime(2098, 7, 1, 12, tzinfo=UTC)
LOST = "consent was withdrawn, has expired or lacks evidence"


def test_who_agreed_until_yesterday_gets_nothing(place: Place):
    gone = [one["email"] for one in drawn(place).values() if one["email_ok_until"] < "2098-07-01"]
    stay = [one["email"] for one in drawn(place).values() if one["email_ok_until"] >= "2098-07-01"]
    assert gone
    place.clock.at = LATER
    done = place.send()
    assert done.left == {LOST: len(gone)}
    assert recipients(place) == stay
    assert done.progress.states == {"accepted": len(stay), "planned": len(gone)}


def test_consent_that_runs_out_while_others_are_written_to_is_over(place: Place):
    people = list(drawn(place).values())
    place.clock.at = datetime(2097, 12, 31, 12, tzinfo=UTC)
    done = place.send(lambda: setattr(place.clock, "at", LATER), "settled", 1)
    rest = [one["email"] for one in people[BATCH:] if one["email_ok_until"] >= "2098-07-01"]
    assert recipients(place) == [one["email"] for one in people[:BATCH]] + rest
    assert done.left == {LOST: len(people) - BATCH - len(rest)}


@pytest.mark.parametrize("point", ["", "settled"])
def test_consent_withdrawn_in_a_file_that_was_read_again_is_withdrawn(place: Place, point: str):
    people = list(drawn(place).values())

    def act() -> None:
        register(place, people[-1]["member"], "email_ok", "no")

    if not point:
        act()
    done = place.send(act, point)
    assert done.left == {LOST: 1}
    assert recipients(place) == [one["email"] for one in people[:-1]]
    assert done.progress.states == {"accepted": len(people) - 1, "planned": 1}


def test_who_opts_out_between_plan_and_send_gets_nothing(place: Place):
    planned_only(place)
    for send in (1, 50, place.planned):
        assert sends.suppress(place.ws.ledger, send, sends.Why.OPTED_OUT, NOW)
    done = place.send()
    people = [one["email"] for one in drawn(place).values()]
    assert recipients(place) == people[1:49] + people[50:-1]
    assert done.progress.states == {"accepted": place.planned - 3, "failed": 3}
    assert done.progress.reasons == {"suppressed": 3}
    assert done.progress.spent == pytest.approx(sum(place.costs[1:49] + place.costs[50:-1]), abs=0.001)


# Rules.


def test_a_rule_that_was_added_is_obeyed(place: Place):
    rule(place, YOUNG)
    young = [one["email"] for one in drawn(place).values() if one["age"] and int(one["age"]) < 40]
    done = place.send()
    assert recipients(place) == young
    assert done.left == {"the rules do not permit it now": place.planned - len(young)}


def test_a_rule_that_is_replaced_meanwhile_is_obeyed(place: Place):
    rule(place, ANYBODY)
    done = place.send(lambda: rule(place, YOUNG), "settled", 1)
    rest = list(drawn(place).values())[BATCH:]
    young = [one["email"] for one in rest if one["age"] and int(one["age"]) < 40]
    assert recipients(place)[BATCH:] == young
    assert done.left == {"the rules do not permit it now": len(rest) - len(young)}


@pytest.mark.parametrize(("point", "sent"), [("", 0), ("settled", BATCH)])
def test_a_message_that_the_rules_refuse_now_is_not_sent(place: Place, point: str, sent: int):
    if not point:
        rule(place, SILENT)
    with pytest.raises(CampaignError) as refused:
        place.send(lambda: rule(place, SILENT), point)
    assert "Not now. [own.rule]" in refused.value.found
    assert len(mails(place.folder)) == sent


def test_what_the_rules_would_refuse_to_send_is_not_approved(place: Place):
    rule(place, SILENT)
    with pytest.raises(CampaignError) as refused:
        place.ws.approve("Grace", "read it")
    with pytest.raises(CampaignError) as unsent:
        place.send()
    assert refused.value.as_dict() == unsent.value.as_dict()
    assert "Grace" not in {by for (by,) in rows(place.ws, 'SELECT "by" FROM approvals')}


def test_a_source_that_was_declared_anew_must_be_read_again(place: Place):
    edit(place.folder / "sources" / "residents.toml", 'basis = "consent"', 'basis = "contract"')
    with pytest.raises(OrderError):
        place.send()
    assert mails(place.folder) == {}


# Words.


def _reword(place: Place, old: str = "free", new: str = "gratis") -> None:
    path = place.folder / "messages" / f"{NAME}.toml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def test_words_that_nobody_approved_are_not_sent(place: Place):
    _reword(place)
    with pytest.raises(CampaignError, match="nobody has approved what it says now"):
        place.send()
    assert mails(place.folder) == {}
    place.ws.approve("Ada", "read it again")
    place.is_sent(place.send(), place.planned)


def test_a_campaign_without_approval_is_not_sent(place: Place):
    with place.ws.ledger.writing() as connection:
        connection.exec_driver_sql("DELETE FROM approvals")
    with pytest.raises(CampaignError, match="nobody has approved what it says now"):
        place.send()
    assert mails(place.folder) == {}


@pytest.mark.parametrize("point", ["claimed", "marked"])
def test_words_that_are_edited_meanwhile_are_not_sent(place: Place, point: str):
    stops(place, lambda: _reword(place), point, "nobody has approved what it says now", 2 * BATCH)
    assert saying(place, "gratis") == 0


def test_words_that_are_edited_and_approved_meanwhile_wait_for_their_record(place: Place):
    def act() -> None:
        _reword(place)
        place.ws.approve("Ada", "read it again")

    stops(place, act, "settled", "its record is not in the log", 2 * BATCH)
    place.is_sent(place.send(), place.planned)
    assert saying(place, "gratis") == place.planned - 2 * BATCH


def test_what_is_sent_is_what_was_checked_even_if_words_change_back_and_forth(place: Place):
    planned_only(place)
    _reword(place)
    place.ws.approve("Ada", "read it again")
    done = place.send(lambda: _reword(place, "gratis", "free"), "settled", 1)
    place.is_sent(done, place.planned)
    assert saying(place, "gratis") == BATCH


# Times.


def test_after_its_last_day_a_campaign_is_over(place: Place):
    def late() -> None:
        place.clock.at = datetime(2099, 12, 31, 19, 0, 1, tzinfo=UTC)

    stops(place, late, "marked", "its last day is over", BATCH)
    stops(place, late, "", "its last day is over", BATCH)


@pytest.mark.parametrize(
    ("utc", "sends"),
    [("06:59", False), ("07:00", True), ("19:00", True), ("19:30", False)],
)
def test_hours_are_those_of_the_workspace_when_claimed_and_when_handed_over(
    place: Place, utc: str, sends: bool
):
    edit(place.campaign, "not_after", 'hours = ["08:00", "20:00"]\nnot_after')
    place.clock.at = datetime.fromisoformat(f"2026-11-21T{utc}:00+00:00")
    done = place.send()
    assert done.stop == (None if sends else "it is outside the hours in which it may send")
    place.is_sent(done, place.planned if sends else 0)


@pytest.mark.parametrize(("point", "sent"), [("marked", 1), ("settled", 2)])
def test_a_campaign_stops_when_its_hours_are_over(place: Place, point: str, sent: int):
    edit(place.campaign, "not_after", 'hours = ["08:00", "20:00"]\nnot_after')

    def late() -> None:
        place.clock.at = datetime(2026, 11, 21, 19, 1, tzinfo=UTC)

    stops(place, late, point, "it is outside the hours in which it may send", sent * BATCH)


def test_a_judgement_that_grew_old_is_made_anew(place: Place):
    def rest(point: str) -> None:
        place.clock.at += timedelta(minutes=16) * (point == "settled")

    place.is_sent(walked(place.ws.sending(), rest), place.planned)


# Pauses, and other senders.


@pytest.mark.parametrize(("point", "sent"), [("claimed", 1), ("marked", 1), ("settled", 2)])
def test_nothing_is_handed_over_after_a_pause(place: Place, point: str, sent: int):
    stops(place, place.ws.pause, point, "it is paused", sent * BATCH)
    place.ws.pause(paused=False)
    place.is_sent(place.send(), place.planned)


def test_a_pause_of_the_last_batch_is_told(place: Place):
    last = -(-place.planned // BATCH)
    done = place.send(place.ws.pause, "marked", last)
    assert done.stop == "it is paused"
    place.is_sent(done, (last - 1) * BATCH)


def test_two_senders_do_not_send_at_once(place: Place):
    first = place.ws.sending()
    while next(first) != "marked":
        pass
    with pytest.raises(BusyError, match="at work on this workspace"):
        place.ws.send()
    place.is_sent(walked(first, lambda _: None), place.planned)


def test_another_key_sends_nothing(place: Place):
    for environment in ({"SUASION_KEY": "another"}, {}):
        with pytest.raises(WorkspaceError):
            suasion.open(place.folder, now=place.clock, environment=environment).send()
    assert mails(place.folder) == {}
    place.is_sent(place.send(), place.planned)


# Addresses.


def test_who_moved_before_the_first_send_is_written_to_there(place: Place):
    people = list(drawn(place).values())
    register(place, people[3]["member"], "email", "zoe@town.example")
    place.is_sent(place.send(), place.planned)
    assert recipients(place)[3] == "zoe@town.example"
    assert people[3]["email"] not in recipients(place)


def test_who_has_no_address_is_told_of_and_written_to_once_there_is_one(place: Place):
    people = list(drawn(place).values())
    register(place, people[3]["member"], "email", "")
    done = place.send()
    assert done.left == {"no email on record": 1}
    assert done.progress.states == {"accepted": place.planned - 1}
    assert people[3]["email"] not in recipients(place)
    register(place, people[3]["member"], "email", "new@town.example")
    place.is_sent(place.send(), place.planned)
    assert recipients(place)[-1] == "new@town.example"


@pytest.mark.parametrize(
    ("point", "address"),
    [
        ("settled", "aaron@town.example"),
        ("settled", "zoe@town.example"),
        ("settled", ""),
        ("", "zoe@town.example"),
    ],
)
def test_who_moves_after_the_first_send_is_left_out_and_costs_nothing(place: Place, point: str, address: str):
    people = list(drawn(place).values())
    planned_only(place)

    def act() -> None:
        register(place, people[-2]["member"], "email", address)

    if not point:
        act()
    done = place.send(act, point)
    assert done.fates == {"accepted": place.planned - 1, "unwritten": 1}
    assert done.progress.states == {"accepted": place.planned - 1, "failed": 1}
    assert recipients(place) == [one["email"] for one in [*people[:-2], people[-1]]]
    assert done.progress.spent == pytest.approx(sum(place.costs) - place.costs[-2], abs=0.001)


# The outbox.


def _swapped(place: Place, part: str) -> None:
    """A file is where a folder of the outbox was."""
    (place.folder / "outbox" / part).rename(place.folder / "outbox" / f"{part} away")
    (place.folder / "outbox" / part).touch()


def _mended(place: Place, part: str) -> None:
    (place.folder / "outbox" / part).unlink()
    (place.folder / "outbox" / f"{part} away").rename(place.folder / "outbox" / part)


def test_without_an_outbox_nothing_is_sent(place: Place):
    (place.folder / "outbox").touch()
    with pytest.raises(DeliveryError):
        place.send()
    (place.folder / "outbox").unlink()
    place.is_sent(place.send(), place.planned)


@pytest.mark.parametrize(
    ("part", "point", "left"),
    [("tmp", "claimed", "planned"), ("new", "marked", "handed_over"), ("new", "guarded", "handed_over")],
)
def test_an_outbox_that_fails_loses_nothing(place: Place, part: str, point: str, left: str):
    with pytest.raises(DeliveryError):
        place.send(lambda: _swapped(place, part), point, 2)
    states = rows(place.ws, "SELECT state, count(*) FROM sends GROUP BY state")
    expected = {"accepted": BATCH, "planned": place.planned - BATCH - (left != "planned") * BATCH}
    assert dict(states) == expected | ({left: BATCH} if left != "planned" else {})
    _mended(place, part)
    place.is_sent(place.send(), place.planned)
