"""The facts that rules judge: where sources differ the strictest counts, and unknown stays unknown."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from suasion.errors import OrderError
from suasion.expressions import Type
from suasion.ingest import Attestation
from suasion.ledger import Tables
from suasion.profiles import Trait, assemble_facts
from suasion.rules import PERSON_FACTS, Jurisdiction, Occasion, Purpose, Use

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ADULT = Attestation(fact="adult", value=True, who="Ada", why="the shop sells to adults only")
MINOR = Attestation(fact="adult", value=False, who="Ada", why="a school")


def facts(
    tables: Tables, sources: list, catalogue: dict, channel: str | None = "email"
) -> list[dict[str, Any]]:
    occasion = Occasion(
        frozenset({Use.CONTACT}), Purpose.COMMERCIAL, "spring", Jurisdiction("DE", NOW.date()), NOW, channel
    )
    return assemble_facts(tables, sources, catalogue, occasion).to_pylist()


@pytest.fixture
def found(publish, catalogue):
    """Publish files and assemble the facts."""

    def assembled(*parts, channel: str | None = "email", known=catalogue) -> list[dict[str, Any]]:
        return facts(publish(*parts, catalogue=known), [source for source, _ in parts], known, channel)

    return assembled


def test_there_is_one_row_a_person_with_every_fact_and_no_other(found, make_source):
    rows = found((make_source("shop"), "id\n1\n2\n"), (make_source("club"), "id\n2\n3\n"))
    assert [one["person"] for one in rows] == [1, 2, 3]
    assert set(rows[0]) == {"person", *PERSON_FACTS}


def test_what_no_source_says_is_unknown(found, make_source):
    assert found((make_source("shop"), "id\n1\n")) == [
        {
            "person": 1,
            "adult": None,
            "age": None,
            "basis": "contract",
            "consent": None,
            "purpose_permitted": True,
        }
    ]


BASES = [
    (("contract",), "contract"),
    (("consent",), "consent"),
    (("consent", "consent"), "consent"),
    (("consent", "legitimate_interest"), "legitimate_interest"),
    (("consent", "public_task", "research_replay"), "research_replay"),
    (("contract", "research_replay"), "research_replay"),
]


@pytest.mark.parametrize(("bases", "strictest"), BASES)
def test_the_strictest_basis_counts(found, make_source, bases: tuple[str, ...], strictest: str):
    for order in {bases, bases[::-1]}:
        parts = [(make_source(f"s{i}", basis=basis), "id\n1\n") for i, basis in enumerate(order)]
        assert [one["basis"] for one in found(*parts)] == [strictest]


def test_a_purpose_is_permitted_only_if_every_source_of_the_person_permits_it(found, make_source):
    yes = (make_source("yes", purposes=("commercial", "political")), "id\n1\n2\n")
    no = (make_source("no", purposes=("political",)), "id\n2\n3\n")
    assert [one["purpose_permitted"] for one in found(yes, no)] == [True, False, False]


def test_a_purpose_that_no_source_permits_is_refused_not_unknown(found, make_source):
    rows = found((make_source("no", purposes=("political",)), "id\n1\n"))
    assert [one["purpose_permitted"] for one in rows] == [False]


def test_a_declaration_that_changed_since_the_ingest_gives_no_facts(publish, make_source, catalogue):
    kept, other = make_source("kept"), make_source("other")
    tables = publish((kept, "id\n1\n"), (other, "id\n1\n2\n"))
    assert len(facts(tables, [kept, other], catalogue)) == 2
    edited = make_source("other", purposes=("commercial", "political"))
    fewer = {name: trait for name, trait in catalogue.items() if name != "town"}
    for sources, traits in (([kept], catalogue), ([kept, edited], catalogue), ([kept, other], fewer)):
        with pytest.raises(OrderError, match="Run `suasion ingest` again"):
            facts(tables, sources, traits)


CONSENTS = [(("yes", "yes"), True), (("yes", "no"), False), (("no", "no"), False), (("yes", ""), True)]
CONSENTS += [(("", "no"), False), (("", ""), None)]


@pytest.mark.parametrize(("said", "consent"), CONSENTS)
def test_one_refusal_outweighs_any_consent(found, make_source, make_consent, said, consent: bool | None):
    for answers in {said, said[::-1]}:
        parts = [
            (make_source(name, consents=(make_consent("ok"),)), f"id,ok\n1,{answer}\n2,yes\n")
            for name, answer in zip(("shop", "club"), answers, strict=True)
        ]
        assert [one["consent"] for one in found(*parts)] == [consent, True]


def test_two_records_of_one_person_in_one_file_are_both_heard(found, make_source, make_consent):
    shop = make_source("shop", consents=(make_consent("ok"),))
    bridge = make_source("bridge", identifiers={"customer": "id", "member": "m"})
    glue = make_source("glue", identifiers={"customer": "id", "member": "m"})
    rows = found((shop, "id,ok\n1,yes\n2,no\n"), (bridge, "id,m\n1,x\n"), (glue, "id,m\n2,x\n"))
    assert [(one["person"], one["consent"]) for one in rows] == [(1, False)]


def test_consent_counts_for_its_own_purpose_and_channel_only(found, make_source, make_consent):
    shop = make_source("shop", consents=(make_consent("e"), make_consent("s", "sms")))
    parts = (shop, "id,e,s\n1,yes,no\n")
    assert found(parts, channel="email")[0]["consent"] is True
    assert found(parts, channel="sms")[0]["consent"] is False
    assert found(parts, channel="post")[0]["consent"] is None
    assert found(parts, channel=None)[0]["consent"] is None


def test_an_attested_adult_is_one_unless_another_source_says_no(found, make_source):
    adults = (make_source("adults", attest=(ADULT,)), "id\n1\n2\n")
    pupils = (make_source("pupils", attest=(MINOR,)), "id\n2\n3\n")
    silent = (make_source("silent"), "id\n1\n4\n")
    rows = found(adults, pupils, silent)
    assert {one["person"]: one["adult"] for one in rows} == {1: True, 2: False, 3: False, 4: None}


def test_of_several_ages_the_smallest_counts(found, make_source, catalogue):
    stated = Trait(type=Type.INTEGER, category="age", label="Age as stated", fact="age")
    shop = make_source("shop", traits={"age": "age", "stated": "stated"})
    rows = found((shop, "id,age,stated\n1,30,17\n2,,40\n3,50,\n4,,\n"), known=catalogue | {"stated": stated})
    assert [one["age"] for one in rows] == [17, 40, 50, None]


def test_the_newest_age_counts(found, make_source):
    old = (make_source("old", observed_on=date(2024, 1, 1), traits={"age": "age"}), "id,age\n1,17\n")
    new = (make_source("new", observed_on=date(2026, 1, 1), traits={"age": "age"}), "id,age\n1,19\n")
    assert [one["age"] for one in found(old, new)] == [19]


def test_no_trait_need_say_how_old_people_are(found, make_source, catalogue):
    others = {name: trait for name, trait in catalogue.items() if trait.fact is None}
    assert [one["age"] for one in found((make_source("shop"), "id\n1\n"), known=others)] == [None]
