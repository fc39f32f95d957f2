"""Places: codes, groups, doubts; who is where decides which rules count, and a doubt counts against."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from suasion.errors import RefusedError
from suasion.rules import Use
from suasion.rules.pack import Pack
from suasion.rules.places import COUNTRIES, GROUPS, STATES, candidates, holds, is_territory

Make = Callable[..., Any]
PLACES = ["DE", "FR", "IS", "GB", "US", "US-CA", "US-WA", "US-NY", "CA", "MW", "ZZ", "PR", "RE", "AX", "SJ"]
TERRITORIES = ["EU", "EEA", "GB", "US", "US-CA", "US-WA", "CA"]
HOLDS = {
    "EU": {"DE", "FR", "ZZ", "RE", "AX"},
    "EEA": {"DE", "FR", "IS", "ZZ", "RE", "AX"},
    "GB": {"GB", "ZZ"},
    "US": {"US", "US-CA", "US-WA", "US-NY", "PR", "ZZ"},
    "US-CA": {"US", "US-CA", "ZZ"},
    "US-WA": {"US", "US-WA", "ZZ"},
    "CA": {"CA", "ZZ"},
}


def _holds(territory: str, place: str) -> bool:
    return holds((territory,), candidates(place))


def test_there_are_the_countries_of_iso_3166_and_the_states_of_one():
    assert len(COUNTRIES) == 249
    assert len(STATES) == 50 + 1 + 6
    assert [len(GROUPS[name]) for name in ("EU", "EEA")] == [27, 30]
    assert set(GROUPS["EEA"]) < COUNTRIES
    assert not {"UK", "EL", "EU", "ZZ", "XK"} & COUNTRIES


@pytest.mark.parametrize("territory", TERRITORIES)
def test_a_rule_holds_in_its_territory_and_wherever_that_may_be(territory: str):
    assert {place for place in PLACES if _holds(territory, place)} == HOLDS[territory]


@pytest.mark.parametrize("places", list(combinations(PLACES, 2)))
def test_who_may_be_at_two_places_is_under_the_rules_of_both(places: tuple[str, str]):
    for territory in TERRITORIES:
        both = any(_holds(territory, place) for place in places)
        assert _holds(territory, "|".join(places)) is both


@pytest.mark.parametrize(
    "place",
    ["", "UK", "EU", "EL", "de", "DEU", "Germany", "XX", "-", "|", "DE|", "DE|nowhere", " DE", "'; --"],
)
def test_what_is_no_place_is_any_place(place: str):
    assert all(_holds(territory, place) for territory in TERRITORIES)


@pytest.mark.parametrize("place", ["US-", "US-XX", "US-California", "US-ca", "US-C", "US-CA-LA"])
def test_what_is_no_state_is_any_state(place: str):
    assert {territory for territory in TERRITORIES if _holds(territory, place)} == {"US", "US-CA", "US-WA"}


def test_a_rule_names_only_what_is_a_territory():
    assert all(map(is_territory, [*TERRITORIES, "DE-BY", *COUNTRIES]))
    assert not any(map(is_territory, ["ZZ", "UK", "EL", "", "de", "US-XX", "US-", "DE|FR", "Germany"]))


@pytest.fixture
def regimes(rule: Make, pack: Make) -> tuple[Pack, ...]:
    """The house knows age; Europe wants consent, the United States notice, California an offer to opt out."""

    def regime(name: str, require: str, **scope: Any) -> Pack:
        return pack(rule(require, id=f"{name}.rule", **scope)).model_copy(update={"id": name})

    return (
        regime("house", "age >= 18"),
        regime("eu", "consent", territories=["EU"]),
        regime("us", "noticed", territories=["US"]),
        regime("us_ca", "opt_out_offered", territories=["US-CA"]),
        regime("text", "do_not_call", channels=["sms"]),
    )


ROWS = [
    {"place": "MW", "age": 18},
    {"place": "MW", "age": 17},
    {"place": "DE", "age": 18, "consent": True},
    {"place": "DE", "age": 18, "noticed": True, "opt_out_offered": True},
    {"place": "US-NY", "age": 18, "noticed": True},
    {"place": "US-CA", "age": 18, "noticed": True},
    {"place": "US-CA", "age": 18, "noticed": True, "opt_out_offered": True},
    {"place": "US", "age": 18, "noticed": True},
    {"place": "DE|US-NY", "age": 18, "consent": True},
    {"place": "DE|US-NY", "age": 18, "consent": True, "noticed": True},
    {"place": "ZZ", "age": 18, "consent": True, "noticed": True},
    {"place": "ZZ", "age": 18, "consent": True, "noticed": True, "opt_out_offered": True},
    {"place": "nowhere", "age": 18, "consent": True, "noticed": True},
    {"place": None, "age": 18},
    {"place": None, "age": 18, "consent": True},
]
ALLOWED = [1, 3, 5, 7, 10, 12]


def test_each_person_is_judged_by_the_rules_of_their_own_place(
    gate: Make, facts: Make, regimes: tuple[Pack, ...]
):
    judged = gate(regimes, territory="FR").judge(facts(*ROWS), "v")
    assert judged.clearance.persons.tolist() == [*ALLOWED, 15]
    assert judged.persons.tolist() == list(range(1, 16))
    drops = {(reason.rule, reason.unknown): count for reason, count in judged.drops.items()}
    assert drops == {
        ("house.rule", False): 1,
        ("eu.rule", True): 2,
        ("us.rule", True): 1,
        ("us_ca.rule", True): 4,
    }
    assert [rule for rule, _ in drops] == ["house.rule", "eu.rule", "us.rule", "us_ca.rule"]


@pytest.mark.parametrize(("territory", "more"), [("FR", [15]), ("MW", [14, 15]), ("US", []), ("FR|MW", [15])])
def test_who_has_no_place_is_where_the_occasion_is(
    gate: Make, facts: Make, regimes: tuple[Pack, ...], territory: str, more: list[int]
):
    judged = gate(regimes, territory=territory).judge(facts(*ROWS), "v")
    assert judged.clearance.persons.tolist() == [*ALLOWED, *more]
    alone = facts(*({key: row[key] for key in row if key != "place"} for row in ROWS[13:]))
    without = gate(regimes, territory=territory).judge(alone, "v").clearance.persons + 13
    assert without.tolist() == more


def test_the_place_of_one_person_is_that_which_is_given(gate: Make, regimes: tuple[Pack, ...]):
    asked = gate(regimes, territory="DE")
    assert [r.rule for r in asked.judge_one("person", {}, "US-CA").reasons] == [
        "house.rule",
        "us.rule",
        "us_ca.rule",
    ]
    assert [r.rule for r in asked.judge_one("person", {}).reasons] == ["house.rule", "eu.rule"]


def test_where_nobody_has_a_place_a_column_of_nulls_says_so(
    gate: Make, facts: Make, regimes: tuple[Pack, ...]
):
    table = facts({"age": 18}, {"age": 18}).append_column("place", pa.nulls(2))
    assert gate(regimes, territory="MW").judge(table, "v").clearance.persons.tolist() == [1, 2]


@pytest.mark.parametrize("places", [pa.array([1]), pa.array([b"DE"]), pa.array([["DE"]])])
def test_places_that_are_no_texts_are_refused(gate: Make, facts: Make, places: Any):
    with pytest.raises(RefusedError, match="the place of persons"):
        gate().judge(facts({"age": 18}).append_column("place", places), "v")


def test_places_may_be_coded(gate: Make, facts: Make, regimes: tuple[Pack, ...]):
    table = facts(*ROWS)
    coded = table.set_column(1, "place", table["place"].dictionary_encode())
    asked = gate(regimes, territory="FR")
    assert asked.judge(coded, "v").clearance.persons.tolist() == [*ALLOWED, 15]


def test_where_no_rule_is_in_scope_at_a_place_the_answer_there_is_no(
    gate: Make, facts: Make, rule: Make, pack: Make
):
    packs = [pack(rule("true", territories=["US"]))]
    judged = gate(packs).judge(facts({"place": "US"}, {"place": "DE"}, {"place": "ZZ"}, {}), "v")
    assert judged.clearance.persons.tolist() == [1, 3]
    assert {(reason.rule, count) for reason, count in judged.drops.items()} == {("house.default", 2)}


def test_regimes_are_those_of_the_place_whatever_the_use(gate: Make, regimes: tuple[Pack, ...]):
    for uses in (frozenset({Use.LEARN}), frozenset({Use.CONTACT})):
        asked = gate(regimes, uses=uses, channel="email")
        assert asked.regimes("DE") == ("house", "eu")
        assert asked.regimes("US") == ("house", "us", "us_ca")
        assert asked.regimes("US-NY") == ("house", "us")
        assert asked.regimes("DE|US-NY") == ("house", "eu", "us")
        assert asked.regimes("ZZ") == ("house", "eu", "us", "us_ca")
        assert asked.regimes() == ("house",)
        assert gate(regimes, uses=uses, channel="sms").regimes() == ("house", "text")


def test_a_campaign_over_several_places_has_a_part_for_each_set_of_regimes(
    gate: Make, facts: Make, regimes: tuple[Pack, ...]
):
    found = gate(regimes, territory="FR", channel="email").parts(facts(*ROWS))
    assert {name: persons.tolist() for name, persons in found.items()} == {
        "eu": [3, 4, 14, 15],
        "eu+us": [9, 10],
        "eu+us+us_ca": [11, 12, 13],
        "house": [1, 2],
        "us": [5],
        "us+us_ca": [6, 7, 8],
    }
    assert list(found) == sorted(found)


def test_people_without_places_are_one_part(gate: Make, facts: Make, regimes: tuple[Pack, ...]):
    (one,) = gate(regimes, territory="DE").parts(facts({}, {})).items()
    assert (one[0], one[1].tolist()) == ("eu", [1, 2])
    assert gate(regimes).parts(facts()) == {}
    assert gate(regimes).parts(facts({"place": "DE"}).slice(0, 0)) == {}


def test_everybody_is_in_one_part_under_the_rules_that_judge_them(
    gate: Make, facts: Make, regimes: tuple[Pack, ...]
):
    rows = [{"place": place} for place in [*PLACES, *map("|".join, combinations(PLACES, 2)), None, "x"]]
    asked = gate(regimes, channel="email")
    found = asked.parts(facts(*rows))
    together = np.sort(np.concatenate(list(found.values())))
    assert together.tolist() == list(range(1, len(rows) + 1))
    for name, persons in found.items():
        for person in persons:
            rules = asked.rules("person", rows[person - 1]["place"])
            assert {rule.id.split(".")[0] for rule in rules} - {"house"} == set(name.split("+")) - {"house"}
