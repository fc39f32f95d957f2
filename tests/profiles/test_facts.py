"""The facts that rules judge: where sources differ the strictest counts, and unknown stays unknown."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
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
    tables: Tables, sources: list, catalogue: dict, channel: str | None = "email", **more: Any
) -> list[dict[str, Any]]:
    occasion = Occasion(
        frozenset({Use.CONTACT}), Purpose.COMMERCIAL, "spring", Jurisdiction("DE", NOW.date()), NOW, channel
    )
    return assemble_facts(tables, sources, catalogue, occasion, **more).to_pylist()


def trait(kind: Type, fact: str) -> Trait:
    return Trait(type=kind, category="behavior", label="Of the fact", fact=fact)


def attested(**said: bool) -> tuple[Attestation, ...]:
    return tuple(
        Attestation(fact=fact, value=value, who="Ada", why="she knows") for fact, value in said.items()
    )


@pytest.fixture
def found(publish, catalogue):
    """Publish files and assemble the facts."""

    def assembled(
        *parts, channel: str | None = "email", known=catalogue, wishes: pa.Table | None = None, **more
    ) -> list[dict[str, Any]]:
        tables, sources = publish(*parts, catalogue=known), [source for source, _ in parts]
        tables = replace(tables, wishes=wishes)
        return facts(tables, sources, known, channel, **more)

    return assembled


def test_there_is_one_row_a_person_with_every_fact_and_no_other(found, make_source):
    rows = found((make_source("shop"), "id\n1\n2\n"), (make_source("club"), "id\n2\n3\n"))
    assert [one["person"] for one in rows] == [1, 2, 3]
    assert set(rows[0]) == {"person", "place", *PERSON_FACTS}


def test_what_no_source_says_is_unknown(found, make_source):
    (row,) = found((make_source("shop"), "id\n1\n"))
    told = {"person": 1, "place": "DE", "basis": "contract", "purpose_permitted": True, "hour": 1}
    assert {name: value for name, value in row.items() if value is not None} == told


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


PERMITTING = [(("yes", "no"), False), (("yes", ""), True), (("", ""), None), (("no", "no"), False)]


@pytest.mark.parametrize(("said", "together"), PERMITTING)
@pytest.mark.parametrize("fact", ["customer", "noticed", "collected_from_person", "opt_out_offered"])
def test_of_what_permits_one_no_counts(found, make_source, fact: str, said, together: bool | None):
    traits = {name: trait(Type.BOOLEAN, fact) for name in ("one", "two")}
    shop = make_source("shop", traits={"one": "a", "two": "b"})
    assert found((shop, f"id,a,b\n1,{','.join(said)}\n"), known=traits)[0][fact] is together


FORBIDDING = [(("yes", "no"), True), (("no", ""), False), (("", ""), None), (("yes", "yes"), True)]


@pytest.mark.parametrize(("said", "together"), FORBIDDING)
@pytest.mark.parametrize("fact", ["do_not_call", "election_filing", "objected", "sale_opted_out"])
def test_of_what_forbids_one_yes_counts(found, make_source, fact: str, said, together: bool | None):
    traits = {name: trait(Type.BOOLEAN, fact) for name in ("one", "two")}
    shop = make_source("shop", traits={"one": "a", "two": "b"})
    assert found((shop, f"id,a,b\n1,{','.join(said)}\n"), known=traits)[0][fact] is together


def test_every_fact_that_is_attested_is_one_where_sources_agree(found, make_source):
    yes = make_source("yes", attest=attested(noticed=True, do_not_call=False, customer=True))
    no = make_source("no", attest=attested(noticed=False, do_not_call=True))
    rows = found((yes, "id\n1\n2\n"), (no, "id\n2\n3\n"))
    told = [(row["noticed"], row["do_not_call"], row["customer"], row["member"]) for row in rows]
    assert told == [(True, False, True, None), (False, True, True, None), (False, True, None, None)]


def test_what_a_source_attests_does_not_outweigh_the_row(found, make_source):
    shop = make_source("shop", traits={"bought": "b"}, attest=attested(customer=True))
    rows = found((shop, "id,b\n1,no\n2,yes\n3,\n"), known={"bought": trait(Type.BOOLEAN, "customer")})
    assert [row["customer"] for row in rows] == [False, True, True]


def test_an_attestation_of_a_yes_and_a_no_is_the_one_that_forbids(found, make_source):
    both = (*attested(noticed=True, do_not_call=False), *attested(noticed=False, do_not_call=True))
    (row,) = found((make_source("shop", attest=both), "id\n1\n"))
    assert (row["noticed"], row["do_not_call"]) == (False, True)


def test_of_several_counts_of_days_the_largest_counts(found, make_source):
    traits = {"one": trait(Type.INTEGER, "customer_days"), "two": trait(Type.INTEGER, "customer_days")}
    shop = make_source("shop", traits={"one": "a", "two": "b"})
    rows = found((shop, "id,a,b\n1,10,700\n2,,3\n3,,\n"), known=traits)
    assert [row["customer_days"] for row in rows] == [700, 3, None]


def test_days_are_counted_from_a_date_and_not_from_one_to_come(found, make_source):
    known = {"last": trait(Type.DATE, "inquiry_days"), "paid": trait(Type.DATE, "customer_days")}
    shop = make_source("shop", traits={"last": "d", "paid": "p"})
    rows = found(
        (shop, "id,d,p\n1,2026-11-20,2025-11-21\n2,2026-11-21,\n3,2026-11-22,2026-11-01\n"), known=known
    )
    assert [row["inquiry_days"] for row in rows] == [1, 0, None]
    assert [row["customer_days"] for row in rows] == [365, None, 20]


def test_a_person_in_sources_of_several_places_may_be_in_any_of_them(found, make_source):
    de, us = make_source("de"), make_source("us", territory="US")
    at = make_source("at", territory="AT")
    rows = found((de, "id\n1\n2\n3\n"), (us, "id\n2\n3\n4\n"), (at, "id\n3\n"))
    assert [row["place"] for row in rows] == ["DE", "DE|US", "AT|DE|US", "US"]


def test_the_place_that_a_trait_tells_is_more_than_that_of_the_source(found, make_source):
    known = {"home": trait(Type.TEXT, "place"), "work": trait(Type.TEXT, "place")}
    shop = make_source("shop", territory="US", traits={"home": "h", "work": "w"})
    rows = found((shop, "id,h,w\n1,US-CA,\n2,US-CA,US-WA\n3,,\n4,nowhere,\n"), known=known)
    assert [row["place"] for row in rows] == ["US-CA", "US-CA|US-WA", "US", "nowhere"]


def test_a_wish_counts_and_who_has_none_has_none(found, make_source):
    wishes = pa.table({"person": [1, 1, 3, 9], "kind": ["objected", "fewer", "restricted", "objected"]})
    rows = found((make_source("shop"), "id\n1\n2\n3\n"), wishes=wishes)
    told = [(row["objected"], row["restricted"], row["sale_opted_out"]) for row in rows]
    assert told == [(True, False, False), (False, False, False), (False, True, False)]


def test_a_wish_is_not_outweighed_by_what_a_source_says(found, make_source):
    shop = make_source("shop", traits={"no": "n"})
    known = {"no": trait(Type.BOOLEAN, "objected")}
    wishes = pa.table({"person": [1], "kind": ["objected"]})
    rows = found((shop, "id,n\n1,no\n2,yes\n3,\n"), known=known, wishes=wishes)
    assert [row["objected"] for row in rows] == [True, True, False]


def test_wishes_that_nobody_read_are_unknown(found, make_source):
    (row,) = found((make_source("shop"), "id\n1\n"))
    assert (row["objected"], row["restricted"], row["sale_opted_out"]) == (None, None, None)


def test_contacts_are_unknown_unless_they_are_counted(found, make_source):
    shop = (make_source("shop"), "id\n1\n2\n")
    assert [row["contacts_today"] for row in found(shop)] == [None, None]
    counted = pa.table({"person": [2], "contacts_today": [3]})
    assert [row["contacts_today"] for row in found(shop, contacts=counted)] == [0, 3]


def test_the_hour_is_that_where_the_person_is(found, make_source):
    places = {"DE": 1, "US-CA": 16, "GB": 0, "BR": None}
    parts = [
        (make_source(f"s{number}", territory=place[:2], traits={"home": "h"}), f"id,h\n{number},{place}\n")
        for number, place in enumerate(places, 1)
    ]
    rows = found(*parts, known={"home": trait(Type.TEXT, "place")})
    assert [row["hour"] for row in rows] == list(places.values())
    rows = found(parts[3], known={"home": trait(Type.TEXT, "place")}, zones={"BR": ("America/Sao_Paulo",)})
    assert rows[-1]["hour"] == 21
