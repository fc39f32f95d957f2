"""A segment has three counts, and everybody who drops out has a reason."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.expressions import Type, parse
from suasion.identity import resolve
from suasion.rules import Gate, Judgement, Jurisdiction, Occasion, Purpose, Use, load_packs
from suasion.segments import CHANNELS, Counts, Segment, count, members

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TYPES = {"age": Type.INTEGER, "town": Type.TEXT, 'odd "name"; --': Type.TEXT}
PACKS = load_packs([], Path("none"))
FACTS = pa.schema(
    [
        ("person", pa.int64()),
        ("adult", pa.bool_()),
        ("age", pa.int64()),
        ("basis", pa.string()),
        ("consent", pa.bool_()),
        ("purpose_permitted", pa.bool_()),
        ("objected", pa.bool_()),
        ("restricted", pa.bool_()),
        ("hour", pa.int64()),
    ]
)


def segment(where: str) -> Segment:
    return Segment("some", "Some", parse(where, TYPES), "digest")


def traits(rows: list[tuple]) -> pa.Table:
    schema = pa.schema(
        [("person", pa.int64()), ("age", pa.int64()), ("town", pa.string()), (list(TYPES)[2], pa.string())]
    )
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


PEOPLE = traits(
    [(4, 17, "Ulm", None), (2, 40, None, "O'Neil"), (3, None, "Ulm", "x"), (1, None, None, "'; --")]
)

MEMBERS = [
    ("true", [1, 2, 3, 4], 0),
    ("false", [], 0),
    ("age >= 18", [2], 2),
    ("NOT age >= 18", [4], 2),
    ("age >= 18 OR town = 'Ulm'", [2, 3, 4], 1),
    ("age IS NULL", [1, 3], 0),
    ("(age >= 18) IS NOT TRUE", [1, 3, 4], 0),
    ("town <> 'Ulm'", [], 2),
    ('"odd ""name""; --" = \'O\'\'Neil\'', [2], 1),
    ('"odd ""name""; --" = \'\'\'; --\'', [1], 1),
]


@pytest.mark.parametrize(("where", "matching", "unknown"), MEMBERS)
def test_only_those_match_for_whom_it_is_true(where: str, matching: list[int], unknown: int):
    found, in_doubt = members(segment(where), PEOPLE)
    assert found.tolist() == matching
    assert in_doubt == unknown


def test_nobody_is_in_a_segment_of_nobody():
    found, unknown = members(segment("age > 1"), PEOPLE.slice(0, 0))
    assert (found.tolist(), unknown) == ([], 0)


people = st.fixed_dictionaries(
    {
        "adult": st.sampled_from([True, False, None]),
        "age": st.sampled_from([None, 15, 18, 70]),
        "basis": st.sampled_from(["contract", "consent", "research_replay"]),
        "consent": st.sampled_from([True, False, None]),
        "purpose_permitted": st.sampled_from([True, True, False]),
        "email": st.booleans(),
        "phone": st.booleans(),
        "postal": st.booleans(),
    }
)


def judged(rows: list[dict], use: Use, channel: str | None) -> Judgement:
    jurisdiction = Jurisdiction("MW", NOW.date())  # under the rules of the house alone
    gate = Gate(PACKS, Occasion(frozenset({use}), Purpose.COMMERCIAL, "segment", jurisdiction, NOW, channel))
    usual = {"objected": False, "restricted": False, "hour": 12}
    facts = [{name: (usual | row)[name] for name in FACTS.names} for row in rows]
    return gate.judge(pa.Table.from_pylist(facts, FACTS), "v1")


def counted(rows: list[dict], unknown: int = 0) -> Counts:
    """Count people who all match, with their contact details in identities."""
    columns = {
        f"contact:{k}": pa.array(["somewhere" if r[k] else None for r in rows], pa.string())
        for k in CHANNELS.values()
    }
    records = pa.table({"id:no": pa.array([str(r["person"]) for r in rows], pa.string()), **columns})
    identities = resolve({"s": records}, None).identities
    contact = {channel: judged(rows, Use.CONTACT, channel) for channel in CHANNELS}
    return count(len(rows) + unknown, unknown, identities, judged(rows, Use.LEARN, None), contact)


def is_adult(row: dict) -> bool:
    return row["age"] >= 18 if row["age"] is not None else bool(row["adult"])


@settings(deadline=None, max_examples=12)
@given(st.lists(people, max_size=40))
def test_counts_add_up_and_are_those_of_an_oracle(rows: list[dict]):
    rows = [row | {"person": number} for number, row in enumerate(rows, 1)]
    found = counted(rows)
    assert found.matches == len(rows) == found.permitted + sum(found.drops.values())
    allowed = [row for row in rows if row["purpose_permitted"] and is_adult(row)]
    assert found.permitted == len(allowed)
    assert set(found.reachable) == set(found.unreachable) == {"email", "sms", "post"}
    for channel, kind in CHANNELS.items():
        silent_is_yes = channel == "post"
        reached = [
            row
            for row in allowed
            if row["basis"] != "research_replay"
            and row[kind]
            and (row["consent"] or (silent_is_yes and row["consent"] is None))
        ]
        assert found.reachable[channel] == len(reached)
        assert found.reachable[channel] + sum(found.unreachable[channel].values()) == found.matches
        assert all(found.unreachable[channel].values())


def person(number: int, **facts) -> dict:
    usual = {"adult": True, "age": None, "basis": "contract", "consent": True, "purpose_permitted": True}
    return {"person": number, "email": True, "phone": False, "postal": True} | usual | facts


def test_every_drop_has_its_reason():
    rows = [person(1), person(2, age=17), person(3, adult=None), person(4, purpose_permitted=False)]
    found = counted([*rows, person(5, consent=False), person(6, email=False)], unknown=7)
    assert (found.people, found.matches, found.unknown, found.permitted) == (13, 6, 7, 3)
    drops = {(reason.rule, reason.unknown): n for reason, n in found.drops.items()}
    assert drops == {("house.adult", False): 1, ("house.adult", True): 1, ("house.purpose", False): 1}
    assert found.reachable == {"email": 1, "sms": 0, "post": 2}
    email = found.unreachable["email"]
    assert email.pop("no email on record") == 1
    assert sorted(n for text, n in email.items() if "house." in text) == [1, 1, 1, 1]
    assert found.unreachable["sms"]["no phone on record"] == 2
    assert "no postal on record" not in found.unreachable["post"]


def test_an_identifier_of_a_kind_is_no_contact_detail():
    rows = [person(1)]
    judgement = judged(rows, Use.CONTACT, "email")
    identities = resolve({"s": pa.table({"id:email": ["x@example.org"]})}, None).identities
    found = count(1, 0, identities, judgement, {"email": judgement})
    assert found.reachable == {"email": 0}


def test_of_nobody_there_is_nobody_to_count():
    found = counted([])
    assert (found.matches, found.permitted, found.drops) == (0, 0, {})
    assert found.reachable == {"email": 0, "sms": 0, "post": 0}
