"""A clearance is taken for what it was made for, by who made it, while it is true, and for nobody else."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from suasion.errors import ClearanceError
from suasion.rules import Clearance, Gate, Purpose, Use

Make = Callable[..., Any]
CONTACT = frozenset({Use.CONTACT})
NOBODY = np.array([], np.int64)


def ids(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Ids of persons."""
    return np.array(numbers, np.int64)


@pytest.fixture
def clearance(gate: Make, facts: Make, granted: dict[str, Any]) -> Clearance:
    """For the persons 1, 2 and 4; number 3 is a minor."""
    return gate().judge(facts(granted, granted, granted | {"age": 3}, granted), "v1").clearance


def _refused(found: str, gate: Gate, clearance: Any, persons: Any = None, version: str = "v1") -> None:
    with pytest.raises(ClearanceError) as refused:
        gate.admit(clearance, ids(1) if persons is None else persons, version)
    assert found in refused.value.found
    assert refused.value.asked == f"clearance for campaign '{gate.occasion.campaign}'"
    assert refused.value.todo == "Judge the persons again."


@pytest.mark.parametrize("persons", [ids(1, 2, 4), ids(4, 1), ids(2, 2, 2), NOBODY])
def test_a_genuine_clearance_passes_for_its_persons(gate: Make, clearance: Clearance, persons: Any):
    gate().admit(clearance, persons, "v1")


@pytest.mark.parametrize("again", [copy, deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_faithful_copy_in_the_same_process_is_as_good(
    gate: Make, clearance: Clearance, again: Callable[[Clearance], Clearance]
):
    gate().admit(again(clearance), ids(1, 2, 4), "v1")


@pytest.mark.parametrize(
    "change",
    [
        {"persons": ids(1, 2, 3, 4)},
        {"persons": ids(1, 2)},
        {"persons": np.array([1.0, 2.0, 4.0])},
        {"persons": np.array([1, 2, 4], np.uint64)},
        {"persons": [1, 2, 4]},
        {"persons": None},
        {"uses": frozenset(Use)},
        {"uses": None},
        {"purpose": Purpose.POLITICAL},
        {"purpose": "political"},
        {"campaign": "other"},
        {"territory": "DE"},
        {"channel": "email"},
        {"rules": ""},
        {"facts": "v2"},
        {"at": None},
        {"seal": b""},
        {"seal": bytes(64)},
        {"seal": "seal"},
        {"seal": None},
    ],
    ids=lambda change: "-".join(change),
)
def test_a_clearance_changed_in_any_field_is_forged(gate: Make, clearance: Clearance, change: dict[str, Any]):
    _refused("forged", gate(), replace(clearance, **change))


def test_a_clearance_made_younger_is_forged(gate: Make, clearance: Clearance):
    later = gate().occasion.at + timedelta(hours=1)
    _refused("forged", gate(at=later), replace(clearance, at=later))


def test_a_clearance_built_by_hand_is_forged(gate: Make):
    asked = gate()
    occasion, place = asked.occasion, asked.occasion.jurisdiction.territory
    made = Clearance(
        persons=ids(1, 2, 3, 4),
        uses=occasion.uses,
        purpose=occasion.purpose,
        campaign=occasion.campaign,
        territory=place,
        channel=occasion.channel,
        rules=asked.digest,
        facts="v1",
        at=occasion.at,
        seal=b"trust me",
    )
    _refused("forged", asked, made)


def test_a_seal_copied_from_another_clearance_is_forged(
    gate: Make, facts: Make, granted: dict[str, Any], clearance: Clearance
):
    other = gate().judge(facts(*[granted] * 9), "v1").clearance
    _refused("forged", gate(), replace(other, seal=clearance.seal))


def test_a_seal_does_not_run_one_field_into_the_next(gate: Make, facts: Make, granted: dict[str, Any]):
    made = gate(campaign="a', 'b").judge(facts(granted), "v1").clearance
    _refused("forged", gate(campaign="a"), replace(made, campaign="a", territory="b', 'MW"))


def test_the_persons_of_a_clearance_cannot_be_written_to(gate: Make, clearance: Clearance):
    with pytest.raises(ValueError, match="read-only"):
        clearance.persons[0] = 3
    gate().admit(clearance, ids(1, 2, 4), "v1")


def test_persons_written_over_by_force_are_forged(gate: Make, clearance: Clearance):
    clearance.persons.setflags(write=True)
    clearance.persons[2] = 3
    _refused("forged", gate(), clearance, ids(1, 2, 3))


def test_a_clearance_shares_no_memory_with_the_persons_that_were_judged(
    gate: Make, facts: Make, granted: dict[str, Any]
):
    judged = gate().judge(facts(granted, granted), "v1")
    assert not np.shares_memory(judged.persons, judged.clearance.persons)


def test_a_clearance_from_another_process_is_forged(gate: Make, clearance: Clearance):
    there = (
        "import pickle, sys\n"
        "from suasion.errors import ClearanceError\n"
        "gate, clearance = pickle.load(sys.stdin.buffer)\n"
        "try:\n    gate.admit(clearance, clearance.persons, 'v1')\n"
        "except ClearanceError as refused:\n    print(refused.found)\n"
        "else:\n    print('admitted')\n"
    )
    sent = pickle.dumps((gate(), clearance))
    ended = subprocess.run([sys.executable, "-c", there], input=sent, capture_output=True, check=True)
    assert ended.stdout.decode().strip().endswith("(absent or forged)")


@pytest.mark.parametrize("nothing", [None, [1, 2, 4], ids(1, 2, 4), True, "clearance"])
def test_no_clearance_at_all_is_refused(gate: Make, nothing: Any):
    _refused("absent", gate(), nothing)
    _refused("absent", gate(), nothing, NOBODY)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"campaign": "other"},
        {"purpose": Purpose.CIVIC},
        {"territory": "DE"},
        {"territory": "ZZ"},
        {"channel": "email"},
    ],
    ids=lambda change: "-".join(change),
)
def test_a_clearance_for_something_else_is_foreign(
    gate: Make, clearance: Clearance, elsewhere: dict[str, Any]
):
    _refused("foreign", gate(**elsewhere), clearance)
    _refused("foreign", gate(**elsewhere), clearance, NOBODY)


def test_a_clearance_for_one_channel_is_foreign_to_another(gate: Make, facts: Make, granted: dict[str, Any]):
    mail = gate(uses=CONTACT, channel="email").judge(facts(granted), "v1").clearance
    gate(uses=CONTACT, channel="email").admit(mail, ids(1), "v1")
    _refused("foreign", gate(uses=CONTACT, channel="sms"), mail)


def test_a_clearance_to_learn_contacts_nobody(gate: Make, facts: Make, granted: dict[str, Any]):
    held = facts(granted | {"basis": "research_replay"})
    replay = gate().judge(held, "v1").clearance
    gate().admit(replay, ids(1), "v1")
    for channel in ("email", "sms", "post", None):
        _refused("no permission to contact", gate(uses=CONTACT, channel=channel), replay)


def test_a_clearance_for_more_uses_serves_each_of_them(
    gate: Make, facts: Make, granted: dict[str, Any], clearance: Clearance
):
    learning = gate(uses=frozenset({Use.LEARN}))
    learning.admit(clearance, ids(1), "v1")
    _refused("no permission to evaluate", gate(), learning.judge(facts(granted), "v1").clearance)


@pytest.mark.parametrize(
    ("minutes", "admitted"), [(0, True), (15, True), (15.001, False), (-0.001, False), (60 * 24, False)]
)
def test_a_clearance_lives_a_quarter_of_an_hour(
    gate: Make, clearance: Clearance, minutes: float, admitted: bool
):
    now = gate(at=gate().occasion.at + timedelta(minutes=minutes))
    if admitted:
        now.admit(clearance, ids(1), "v1")
    else:
        _refused("stale", now, clearance)


def test_a_clearance_under_edited_rules_is_stale(gate: Make, rule: Make, pack: Make, clearance: Clearance):
    edited = [*gate().packs, pack(rule("true", valid_from=date(2999, 1, 1)))]
    _refused("stale", gate(edited), clearance)


def test_a_clearance_over_older_facts_is_stale(gate: Make, clearance: Clearance):
    _refused("stale", gate(), clearance, version="v2")


@pytest.mark.parametrize(("persons", "outside"), [(ids(1, 3), 1), (ids(3), 1), (ids(0, 3, 5, 5), 3)])
def test_a_clearance_does_not_cover_persons_it_does_not_name(
    gate: Make, clearance: Clearance, persons: Any, outside: int
):
    _refused(f"{outside} person(s) it does not name", gate(), clearance, persons)


def test_a_clearance_for_nobody_covers_nobody(gate: Make, facts: Make):
    nobody = gate().judge(facts({}), "v1").clearance
    gate().admit(nobody, NOBODY, "v1")
    _refused("1 person(s)", gate(), nobody)


def test_a_refusal_names_no_person(gate: Make, clearance: Clearance):
    with pytest.raises(ClearanceError) as refused:
        gate().admit(clearance, ids(987654321), "v1")
    assert "987654321" not in str(refused.value)
