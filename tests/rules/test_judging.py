"""Who may be used for what: the house rules, their scope, and what is counted of those who drop out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from suasion.errors import ClearanceError
from suasion.rules import Basis, Gate, Purpose, Use
from suasion.rules.pack import Pack

Make = Callable[..., Any]
CHANNELS = ["email", "sms", "post", "door", None]
CONTACT = frozenset({Use.CONTACT})


def test_a_person_whom_nothing_speaks_against_is_permitted(gate: Make, facts: Make, granted: dict[str, Any]):
    assert gate().judge(facts(granted), "v").clearance.persons.tolist() == [1]
    assert gate().judge_one("person", granted).allowed


@pytest.mark.parametrize("name", ["basis", "purpose_permitted"])
def test_an_unknown_fact_means_no(gate: Make, facts: Make, granted: dict[str, Any], name: str):
    row = granted | {name: None}
    assert gate().judge(facts(row), "v").clearance.persons.size == 0
    (reason,) = gate().judge_one("person", row).reasons
    assert reason.unknown
    assert "fact unknown" in str(reason)


def test_a_fact_that_nobody_mentions_is_as_unknown_as_a_null(gate: Make):
    reasons = gate().judge_one("person", {}).reasons
    assert {reason.rule for reason in reasons} == {"house.basis", "house.purpose", "house.adult"}
    assert all(reason.unknown for reason in reasons)


def test_a_false_fact_is_not_called_unknown(gate: Make, granted: dict[str, Any]):
    (reason,) = gate().judge_one("person", granted | {"purpose_permitted": False}).reasons
    assert not reason.unknown
    assert reason.cite in {rule.cite for rule in gate().rules("person")}


@pytest.mark.parametrize(
    ("age", "adult", "allowed"),
    [
        (18, None, True),
        (18, False, True),
        (17, True, False),
        (17, None, False),
        (0, True, False),
        (-1, True, False),
        (None, True, True),
        (None, False, False),
        (None, None, False),
    ],
)
@pytest.mark.parametrize("purpose", list(Purpose))
def test_minors_and_persons_of_unknown_age_are_left_out(
    gate: Make, granted: dict[str, Any], purpose: Purpose, age: int | None, adult: bool | None, allowed: bool
):
    verdict = gate(purpose=purpose).judge_one("person", granted | {"age": age, "adult": adult})
    assert verdict.allowed is allowed


@pytest.mark.parametrize("channel", CHANNELS)
def test_nobody_held_for_a_replay_is_contacted(
    gate: Make, facts: Make, granted: dict[str, Any], channel: str | None
):
    held = granted | {"basis": Basis.RESEARCH_REPLAY.value}
    contact = gate(uses=CONTACT, channel=channel)
    assert contact.judge(facts(held, granted), "v").clearance.persons.tolist() == [2]
    assert "house.replay" in {reason.rule for reason in contact.judge_one("person", held).reasons}


@pytest.mark.parametrize("use", [Use.LEARN, Use.EVALUATE])
def test_rows_held_for_a_replay_may_be_learned_from(
    gate: Make, facts: Make, granted: dict[str, Any], use: Use
):
    held = granted | {"basis": "research_replay", "consent": None}
    assert gate(uses=frozenset({use})).judge(facts(held), "v").clearance.persons.tolist() == [1]


@pytest.mark.parametrize(("consent", "email", "post"), [(True, 1, 1), (None, 0, 1), (False, 0, 0)])
def test_a_no_counts_on_every_channel_and_silence_is_no_yes(
    gate: Make, facts: Make, granted: dict[str, Any], consent: bool | None, email: int, post: int
):
    table = facts(granted | {"consent": consent})
    reached = {
        channel: gate(uses=CONTACT, channel=channel).judge(table, "v").clearance.persons.size
        for channel in ("email", "sms", "post")
    }
    assert reached == {"email": email, "sms": email, "post": post}


def test_a_contact_by_no_named_channel_is_under_the_rules_of_every_channel(
    gate: Make, granted: dict[str, Any]
):
    verdict = gate(uses=CONTACT).judge_one("person", granted | {"consent": None})
    assert [reason.rule for reason in verdict.reasons] == ["house.consent"]


def test_european_political_mail_needs_consent_as_its_ground(
    gate: Make, political: tuple[Pack, ...], granted: dict[str, Any]
):
    packs = political
    row = granted | {"basis": "legitimate_interest"}
    mail = {"uses": CONTACT, "channel": "email", "purpose": Purpose.POLITICAL}
    assert not gate(packs, territory="DE", **mail).judge_one("person", row).allowed
    assert not gate(packs, territory="ZZ", **mail).judge_one("person", row).allowed
    assert gate(packs, territory="MW", **mail).judge_one("person", row).allowed
    assert gate(packs, territory="DE", **mail).judge_one("person", granted).allowed


@pytest.mark.parametrize(
    ("scope", "occasion"),
    [
        ({"uses": ["contact"]}, {"uses": CONTACT}),
        ({"purposes": ["political", "civic"]}, {"purpose": Purpose.CIVIC}),
        ({"territories": ["DE", "FR"]}, {"territory": "FR"}),
        ({"channels": ["email"]}, {"channel": "email"}),
        ({"valid_to": date(2020, 6, 30)}, {"on": date(2020, 6, 30)}),
    ],
)
def test_a_rule_holds_inside_its_scope_only(
    gate: Make, rule: Make, pack: Make, scope: dict[str, Any], occasion: dict[str, Any]
):
    packs = [pack(rule("true"), rule("adult", id="own.scoped", **scope))]
    inside, outside = gate(packs, **occasion), gate(packs)
    assert [r.id for r in inside.rules("person")] == ["own.rule", "own.scoped"]
    assert [r.id for r in outside.rules("person")] == ["own.rule"]
    assert not inside.judge_one("person", {"adult": False}).allowed
    assert outside.judge_one("person", {"adult": False}).allowed


@pytest.mark.parametrize(
    ("on", "in_force"),
    [("2021-02-28", False), ("2021-03-01", True), ("2022-12-31", True), ("2023-01-01", False)],
)
def test_a_rule_is_in_force_from_its_first_day_to_its_last(
    gate: Make, rule: Make, pack: Make, on: str, in_force: bool
):
    dated = pack(rule(valid_from=date(2021, 3, 1), valid_to=date(2022, 12, 31)))
    assert bool(gate([dated], on=date.fromisoformat(on)).rules("person")) is in_force


@pytest.mark.parametrize(
    ("known", "rules"),
    [
        (None, ["own.new"]),
        ("2026-11-21", ["own.new"]),
        ("2026-06-30", ["own.old"]),
        ("2026-07-01", ["own.new"]),
        ("2019-12-31", ["own.old"]),
    ],
)
def test_what_was_lawful_then_is_told_by_the_text_of_then(
    gate: Make, rule: Make, pack: Make, known: str | None, rules: list[str]
):
    old = rule("adult", id="own.old", known_to=date(2026, 6, 30))
    new = rule("adult AND age >= 18", id="own.new", known_from=date(2026, 7, 1))
    day = None if known is None else date.fromisoformat(known)
    asked = gate([pack(old, new)], known=day)
    assert [one.id for one in asked.rules("person")] == rules
    assert asked.judge_one("person", {"adult": True}).allowed is (rules == ["own.old"])


def test_the_day_of_the_text_is_that_of_the_law_unless_it_is_said(gate: Make, rule: Make, pack: Make):
    new = pack(rule("adult", known_from=date(2026, 7, 1)))
    assert gate([new], on=date(2026, 7, 1)).rules("person")
    assert not gate([new], on=date(2026, 6, 30)).rules("person")
    assert gate([new], on=date(2026, 6, 30), known=date(2026, 7, 1)).rules("person")
    # A text that is known today says nothing of days on which the law did not hold yet.
    assert not gate([new], on=date(2019, 12, 31), known=date(2026, 7, 1)).rules("person")


def test_a_rule_for_one_of_several_uses_holds_for_all_of_them(gate: Make, rule: Make, pack: Make):
    packs = [pack(rule(uses=["contact"]))]
    assert gate(packs, uses=frozenset({Use.LEARN, Use.CONTACT})).rules("person")


def test_where_no_rule_is_in_scope_the_answer_is_no(gate: Make, facts: Make, granted: dict[str, Any]):
    before_all_rules = gate(on=date(2018, 5, 24))
    judged = before_all_rules.judge(facts(granted, granted), "v")
    assert judged.clearance.persons.size == 0
    assert [(reason.rule, count) for reason, count in judged.drops.items()] == [("house.default", 2)]
    for subject in ("person", "trait", "message", "campaign", "request"):
        (reason,) = before_all_rules.judge_one(subject, {}).reasons
        assert reason.rule == "house.default"


def test_where_nobody_is_asked_for_nobody_is_dropped(gate: Make, facts: Make):
    for asked in (gate(), gate(on=date(2018, 5, 24))):
        judged = asked.judge(facts(), "v")
        assert judged.drops == {}
        assert judged.clearance.persons.size == judged.persons.size == 0


def test_a_rule_that_does_not_apply_refuses_nobody_and_one_that_might_does(
    gate: Make, facts: Make, rule: Make, pack: Make
):
    minors = pack(rule("consent", applies="age < 18"))
    rows = facts({"age": 18}, {"age": 17, "consent": True}, {"age": 17}, {"consent": True}, {})
    judged = gate([minors]).judge(rows, "v")
    assert judged.clearance.persons.tolist() == [1, 2, 4]
    assert {reason.unknown: count for reason, count in judged.drops.items()} == {True: 2}


def test_every_refused_person_is_counted_once_by_the_first_rule(
    gate: Make, facts: Make, granted: dict[str, Any]
):
    rows = [
        granted,
        granted | {"basis": None, "age": 3},
        granted | {"basis": "because", "age": 3},
        granted | {"purpose_permitted": False, "age": 3},
        granted | {"age": 3},
        granted | {"age": 4},
    ]
    judged = gate().judge(facts(*rows), "v")
    assert [(reason.rule, reason.unknown, count) for reason, count in judged.drops.items()] == [
        ("house.basis", False, 1),
        ("house.basis", True, 1),
        ("house.purpose", False, 1),
        ("house.adult", False, 2),
    ]


def test_verdicts_stay_with_their_persons_whatever_the_order_of_the_rows(gate: Make, granted: dict[str, Any]):
    persons = np.random.default_rng(5).permutation(400_000)
    columns = {name: pa.array([value] * len(persons)) for name, value in granted.items()}
    columns["adult"] = pa.nulls(len(persons), pa.bool_())
    table = pa.table({"person": persons} | columns | {"age": 17 + persons % 2})
    judged = gate().judge(table, "v")
    assert np.array_equal(judged.clearance.persons, np.arange(1, 400_000, 2))
    assert np.array_equal(judged.persons, np.arange(400_000))
    assert list(judged.drops.values()) == [200_000]


@pytest.mark.parametrize("person", [7, None], ids=["twice", "nobody"])
def test_facts_that_are_not_one_row_a_person_clear_nobody(
    gate: Make, facts: Make, granted: dict[str, Any], person: int | None
):
    refused = granted | {"person": person, "age": 3}
    with pytest.raises(ClearanceError, match="not one row a person"):
        gate().judge(facts(granted | {"person": 7}, refused), "v")


def test_an_edit_of_any_pack_changes_the_digest_of_the_gate(gate: Make, rule: Make, pack: Make):
    edits = [rule(), rule("consent"), rule(message="Other."), rule(valid_to=date.max), rule(channels=["sms"])]
    edits += [rule(known_to=date(2030, 1, 1)), rule(kind="sending"), rule(territories=["EU"])]
    digests = {Gate((pack(edit),), gate().occasion).digest for edit in edits}
    later = gate(at=gate().occasion.at + timedelta(days=1)).digest
    assert len(digests) == len(edits)
    assert later == gate().digest


def test_the_order_of_packs_changes_no_verdict(
    gate: Make, facts: Make, political: tuple[Pack, ...], granted: dict[str, Any]
):
    house, eu = political
    occasion = {"uses": CONTACT, "channel": "sms", "purpose": Purpose.POLITICAL, "territory": "IE"}
    rows = facts(granted, granted | {"basis": "contract"}, granted | {"consent": None}, {})
    ways: list[tuple[Pack, ...]] = [(house, eu), (eu, house)]
    found = [gate(way, **occasion).judge(rows, "v") for way in ways]
    assert [judged.clearance.persons.tolist() for judged in found] == [[1], [1]]
    assert [sum(judged.drops.values()) for judged in found] == [3, 3]
