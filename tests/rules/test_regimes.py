"""The shipped packs: what each regime asks, alone and together, and that nobody slips between them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.expressions import parse
from suasion.rules import Category, Effect, Purpose, Use, load_packs
from suasion.rules.facts import FACTS
from suasion.rules.pack import Pack, Rule
from suasion.rules.places import GROUPS

Make = Callable[..., Any]
Row = dict[str, Any]

HOMES = {
    "house": set(),
    "eu_gdpr": {"EEA"},
    "eu_eprivacy": {"EEA"},
    "eu_political": {"EU", "ES", "FR", "IT", "PL", "PT"},
    "eu_dsa": {"EU"},
    "eu_ai": {"EU"},
    "eu_consumer": {"EEA"},
    "uk": {"GB"},
    "us_canspam": {"US"},
    "us_tcpa": {"US", "US-FL"},
    "us_ca": {"US-CA"},
    "us_political": {"US"},
    "us_fair": {"US"},
    "us_hipaa": {"US"},
    "us_wa": {"US-WA"},
    "us_coppa": {"US"},
    "ca_casl": {"CA"},
    "platforms": {"EU"},
}
"""Every regime that suasion ships, and where its rules hold; those of the house hold everywhere."""
PACKS = load_packs([], Path("nowhere"))
RULES = [rule for pack in PACKS for rule in pack.rule]
EVERY_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)

SPECIAL = ["health", "belief", "politics", "origin", "union", "sex_life", "genetic", "biometric"]
PROTECTED = ["age", "sex", "family", "disability", "nationality"]
CHANCES = [Purpose.CREDIT, Purpose.EMPLOYMENT, Purpose.HOUSING]
CONTACT, LEARN = frozenset({Use.CONTACT}), frozenset({Use.LEARN, Use.EVALUATE})
PLACES = ["DE", "FR", "GB", "US", "US-CA", "US-WA", "US-FL", "CA", "MW", "NO", "ZZ"]

YES = {
    "restricted": False,
    "adult": True,
    "basis": "consent",
    "consent": True,
    "purpose_permitted": True,
}
BUYER = {
    "restricted": False,
    "adult": True,
    "basis": "contract",
    "purpose_permitted": True,
    "customer": True,
}
MAIL = {"opt_out": True, "people": 800}
CALM = {
    **dict.fromkeys(["exposes_third_persons", "discourages_voting", "threat"], False),
    "scarcity_unproven": False,
    "claims_unsourced": 0,
    "dates_wrong": 0,
}
"""What must be known of any message; that it does not threaten is enough to know of its pressure."""
REVIEWED = CALM | dict.fromkeys(["fear", "urgency", "guilt", "vulnerable_group", "subject_misleading"], False)


class Situation(NamedTuple):
    """Somebody writes to somebody, somewhere; all that is said is needed, and nothing else is."""

    occasion: Row
    person: Row
    campaign: Row
    message: Row


SITUATIONS = {
    "the health office of a German town mails adults who said yes": Situation(
        {"purpose": Purpose.PUBLIC_HEALTH, "channel": "email", "territory": "DE"},
        YES | {"noticed": True},
        MAIL,
        CALM,
    ),
    "a German shop mails its buyers": Situation(
        {"purpose": Purpose.COMMERCIAL, "channel": "email", "territory": "DE"},
        BUYER | {"opt_out_offered": True, "collected_from_person": True, "noticed": True},
        MAIL | {"imprint": True},
        CALM | {"subject_misleading": False, "vulnerable_group": False},
    ),
    "a German party mails those who said yes to politics": Situation(
        {"purpose": Purpose.POLITICAL, "channel": "email", "territory": "DE"},
        YES | {"noticed": True, "consent_separate": True, "collected_from_person": True},
        MAIL
        | dict.fromkeys(["imprint", "payer_named", "process_linked", "labelled", "notice", "published"], True)
        | dict.fromkeys(["sponsor_legal_name", "sponsor_postal", "sponsor_email", "origin_declared"], True)
        | dict.fromkeys(["amounts_declared", "complaint_channel", "policy_url", "risk_assessment"], True)
        | {"dpia": True, "keep_years": 7, "sponsor_place": "DE", "sponsor_controlled_from": "DE"},
        CALM | {"second_person": True},
    ),
    "a British charity mails those who said yes": Situation(
        {"purpose": Purpose.FUNDRAISING, "channel": "email", "territory": "GB"},
        YES | {"noticed": True},
        MAIL | {"imprint": True},
        CALM,
    ),
    "an American party mails those who said yes": Situation(
        {"purpose": Purpose.POLITICAL, "channel": "email", "territory": "US-MI"},
        YES,
        MAIL
        | dict.fromkeys(["imprint", "payer_named", "authorization_said", "committee", "published"], True)
        | {"sponsor_place": "US-MI", "sponsor_controlled_from": "US"},
        CALM | {"second_person": True},
    ),
    "an American charity mails those who said yes": Situation(
        {"purpose": Purpose.FUNDRAISING, "channel": "email", "territory": "US"},
        YES | {"election_filing": False},
        MAIL,
        CALM,
    ),
    "an American shop texts those who signed": Situation(
        {"purpose": Purpose.COMMERCIAL, "channel": "sms", "territory": "US"},
        YES | {"consent_written": True, "hour": 12, "contacts_today": 0},
        {"opt_out": True},
        CALM,
    ),
    "an American landlord mails those who said yes": Situation(
        {"purpose": Purpose.HOUSING, "channel": "email", "territory": "US-NY"},
        YES,
        MAIL
        | {"imprint": True, "sponsor_postal": True, "opt_out_days": 30, "personal_price": False}
        | {"lookalike": False},
        CALM | {"subject_misleading": False, "states_preference": False, "advertisement_marked": True},
    ),
    "a clinic in Washington mails those who said yes to that alone": Situation(
        {"purpose": Purpose.PUBLIC_HEALTH, "channel": "email", "territory": "US-WA"},
        YES | {"consent_separate": True},
        MAIL,
        CALM,
    ),
    "a Canadian shop mails those who bought within two years": Situation(
        {"purpose": Purpose.COMMERCIAL, "channel": "email", "territory": "CA"},
        BUYER | {"opt_out_offered": True, "customer_days": 700},
        MAIL | {"imprint": True, "sponsor_postal": True, "opt_out_days": 60},
        CALM | {"subject_misleading": False},
    ),
    "a clinic in Malawi writes letters": Situation(
        {"purpose": Purpose.PUBLIC_HEALTH, "channel": "post", "territory": "MW"},
        {"restricted": False, "adult": True, "basis": "public_task", "purpose_permitted": True},
        {},
        CALM,
    ),
}
EVERY_SITUATION = pytest.mark.parametrize("situation", SITUATIONS.values(), ids=list(SITUATIONS))
PARTS = ("person", "campaign", "message")


def _refused(asked: Any, subject: str, facts: Row, place: str | None = None) -> set[str]:
    """The rules against it."""
    return {reason.rule for reason in asked.judge_one(subject, facts, place).reasons}


@pytest.fixture
def at(gate: Make) -> Make:
    """A gate of all packs, for a contact unless it says otherwise."""
    return lambda **occasion: gate(PACKS, **({"uses": CONTACT} | occasion))


# What every pack is.


def test_every_regime_has_a_pack_and_none_is_more_than_a_draft():
    assert {pack.id for pack in PACKS} == set(HOMES)
    assert {pack.status for pack in PACKS} == {"draft"}


def test_the_packs_cover_targeting_content_sending_records_deadlines_and_publication():
    assert len(RULES) >= 60
    assert {rule.kind for rule in RULES} == {
        *("targeting", "content", "sending"),
        *("records", "deadline", "publication"),
    }
    assert {rule.subject for rule in RULES} == set(FACTS)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_a_pack_speaks_of_its_own_places_only(pack: Pack):
    said = {place for rule in pack.rule for place in rule.territories}
    assert said == HOMES[pack.id]
    assert all(rule.id.startswith(f"{pack.id}.") for rule in pack.rule)
    everywhere = {rule.id for rule in pack.rule if not rule.territories}
    assert not everywhere or pack.id in ("house", "platforms")


@EVERY_RULE
def test_a_rule_has_a_source_and_two_cases_of_each_kind(rule: Rule):
    named = rule.cite.startswith(("suasion", "Google", "Meta"))
    assert named or any(letter.isdigit() for letter in rule.cite)
    allowed = [case.facts for case in rule.case if case.allowed]
    refused = [case.facts for case in rule.case if not case.allowed]
    assert min(len(allowed), len(refused)) >= 2
    assert all(one not in refused for one in allowed)


@EVERY_RULE
def test_a_rule_says_in_plain_words_what_it_wants(rule: Rule):
    jargon = ["_", " null", "basis", "proxy", "auc", "opt-in", "opt-out", "dpia", "rule ", "fact", "Art."]
    assert rule.message[0].isupper()
    assert rule.message.endswith(".")
    assert len(rule.message.split()) <= 40
    assert not [word for word in jargon if word in rule.message]


@EVERY_RULE
def test_the_cases_of_a_rule_try_every_fact_it_asks_for(rule: Rule):
    asked: set[str] = set()
    for text in (rule.applies, rule.require):
        asked |= set(parse(text, FACTS[rule.subject]).names)
    tried = {name for case in rule.case for name in case.facts}
    assert asked <= tried | {"due", "answered"}


@EVERY_RULE
def test_what_a_rule_applies_to_is_tried_by_its_cases(rule: Rule):
    bolder = rule.model_copy(update={"applies": "true"})
    outcomes = {(bolder.reason(case.facts) is None) is case.allowed for case in rule.case}
    assert rule.applies == "true" or outcomes == {True, False}, "nothing changes where it applies to all"


@EVERY_RULE
def test_a_rule_that_lists_special_or_protected_traits_forgets_none(rule: Rule):
    listed = set(re.findall("'([a-z_]+)'", f"{rule.applies} {rule.require}"))
    special, protected = set(SPECIAL) & listed, set(PROTECTED) & listed
    known = {"house.special_outcome": set(SPECIAL) - {"health"}, "house.health_outcome": {"health"}}
    known["us_wa.health"] = {"health", "genetic", "biometric", "sex_life"}
    assert special in (set(), known.get(rule.id, set(SPECIAL)))
    assert protected in (set(), set(PROTECTED))


def test_the_sponsor_of_a_political_message_may_be_in_any_country_of_the_union(at: Make):
    asked = at(purpose=Purpose.POLITICAL, territory="DE", channel="post")
    for place, here in [*((code, True) for code in GROUPS["EU"]), ("GB", False), ("CH", False)]:
        sponsor = {"sponsor_place": place, "sponsor_controlled_from": place, "sponsor_may_vote": False}
        near = {"process_linked": True, "days_to_vote": 30}
        assert ("eu_political.sponsor" in _refused(asked, "campaign", sponsor | near)) is not here


def test_what_lasts_is_asked_of_the_person_by_the_day():
    """A yes or a deal that grows old is judged by its age, not by a flag that somebody must remember."""
    said = {name for rule in RULES for name in parse(rule.require, FACTS[rule.subject]).names}
    assert {"customer_days", "inquiry_days", "authorization_days", "broker_days"} <= said


# Whole situations.


@EVERY_SITUATION
def test_what_is_lawful_can_be_sent(at: Make, situation: Situation):
    asked = at(**situation.occasion)
    for subject in PARTS:
        assert _refused(asked, subject, getattr(situation, subject)) == set()


@EVERY_SITUATION
@pytest.mark.parametrize("subject", PARTS)
def test_whatever_is_left_unsaid_stops_it(at: Make, situation: Situation, subject: str):
    asked, said = at(**situation.occasion), getattr(situation, subject)
    stays = {name for name in said if asked.judge_one(subject, said | {name: None}).allowed}
    assert stays == set()


@EVERY_SITUATION
def test_no_situation_reaches_a_child_or_one_who_said_no(at: Make, situation: Situation):
    asked = at(**situation.occasion)
    for no in ({"age": 17}, {"adult": False}, {"consent": False}, {"restricted": True}):
        assert not asked.judge_one("person", situation.person | no).allowed


@EVERY_SITUATION
def test_no_situation_is_lawful_without_knowing_where(at: Make, situation: Situation):
    """An unknown place is under the rules of every place."""
    anywhere = at(**situation.occasion | {"territory": "ZZ"})
    assert not all(anywhere.judge_one(part, getattr(situation, part)).allowed for part in PARTS)


@pytest.mark.parametrize("purpose", [Purpose.CIVIC, Purpose.COMMERCIAL])
@pytest.mark.parametrize("place", ["US", "US-MI"])
def test_a_finished_public_experiment_may_be_learned_from_and_nobody_in_it_written_to(
    at: Make, purpose: Purpose, place: str
):
    held = {"adult": True, "basis": "research_replay", "purpose_permitted": True}
    held |= {"objected": False, "restricted": False}
    learning = at(uses=LEARN, purpose=purpose, territory=place)
    assert learning.judge_one("person", held).allowed
    assert learning.judge_one("campaign", {}).allowed
    assert learning.judge_one("message", REVIEWED).allowed
    for category in ("behavior", "age", "sex", "place", "family"):
        learning.admit_traits("score", [("it", Category(category), None)])
    assert "house.replay" in _refused(at(purpose=purpose, territory=place, channel="post"), "person", held)


@pytest.mark.parametrize(
    ("name", "subject", "change", "rule"),
    [
        ("a German party", "person", {"basis": "public_task"}, "eu_political.consent"),
        ("a German party", "person", {"consent_separate": False}, "eu_political.consent"),
        ("a German party", "person", {"collected_from_person": False}, "eu_political.consent"),
        ("a German party", "campaign", {"labelled": False}, "eu_political.label"),
        ("a German party", "campaign", {"keep_years": 6}, "eu_political.records"),
        ("a German party", "campaign", {"published": False}, "eu_political.repository"),
        (
            "a German party",
            "campaign",
            {"days_to_vote": 30, "sponsor_place": "US", "sponsor_may_vote": False},
            "eu_political.sponsor",
        ),
        ("a German party", "message", {"second_person": False}, "house.second_person"),
        ("a German shop", "person", {"opt_out_offered": False}, "eu_eprivacy.soft_opt_in"),
        ("a German shop", "campaign", {"tracking": True}, "eu_eprivacy.tracking"),
        ("a German shop", "campaign", {"personal_price": True}, "eu_consumer.price"),
        ("a German shop", "campaign", {"outside_transfer": True}, "eu_gdpr.transfer"),
        ("a German shop", "message", {"scarcity_unproven": True}, "eu_consumer.scarcity"),
        ("a German shop", "message", {"vulnerable_group": True, "fear": True}, "eu_consumer.vulnerable"),
        ("a British charity", "person", {"consent": None, "customer": True}, "uk.consent"),
        ("an American party", "campaign", {"payer_named": False}, "us_political.paid_for"),
        ("an American party", "campaign", {"sponsor_controlled_from": "FR"}, "us_political.sponsor"),
        ("an American charity", "person", {"election_filing": True}, "us_political.donors"),
        ("an American charity", "person", {"patient": True}, "us_hipaa.authorization"),
        ("an American shop", "person", {"consent_written": False}, "us_tcpa.written"),
        ("an American shop", "person", {"hour": 21}, "us_tcpa.hours"),
        ("an American shop", "person", {"hour": 8}, "house.quiet_hours"),
        ("an American shop", "person", {"contacts_today": 3}, "us_tcpa.florida"),
        ("an American landlord", "campaign", {"radius_km": 24.0}, "us_fair.radius"),
        ("an American landlord", "campaign", {"lookalike": True}, "us_fair.alike_campaign"),
        ("an American landlord", "campaign", {"personal_price": True}, "house.credit_terms"),
        ("an American landlord", "message", {"states_preference": True}, "us_fair.wording"),
        ("a clinic in Washington", "campaign", {"radius_km": 0.5}, "us_wa.fence"),
        ("a clinic in Washington", "person", {"authorization": True}, "us_wa.authorization"),
        ("a Canadian shop", "person", {"customer_days": 731}, "ca_casl.consent"),
        ("a Canadian shop", "campaign", {"opt_out_days": 59}, "ca_casl.way_out"),
        ("a clinic in Malawi", "message", {"directed_to_children": True}, "house.children"),
        ("a clinic in Malawi", "message", {"ai_made": True, "ai_marked": False}, "house.ai_text"),
        ("a clinic in Malawi", "message", {"claims_unsourced": 1}, "house.claims"),
        ("a clinic in Malawi", "message", {"dates_wrong": 1}, "house.dates"),
    ],
)
def test_one_thing_wrong_is_one_too_many(at: Make, name: str, subject: str, change: Row, rule: str):
    (situation,) = [one for said, one in SITUATIONS.items() if said.startswith(name)]
    asked = at(**situation.occasion)
    assert rule in _refused(asked, subject, getattr(situation, subject) | change)


@pytest.mark.parametrize("gone", ["threat", "urgency", "vulnerable_group"])
def test_threat_hurry_and_weakness_together_stop_any_message(at: Make, gone: str):
    pressed = REVIEWED | dict.fromkeys(["threat", "urgency", "vulnerable_group"], True)
    for place in PLACES:
        assert "house.pressure" in _refused(at(territory=place), "message", pressed)
        assert "house.pressure" not in _refused(at(territory=place), "message", pressed | {gone: False})


# Several regimes at once.

KNOWN = ("consent_separate", "consent_written", "collected_from_person", "noticed", "parental_consent")
TOLD = (
    *("adult", "consent", "customer", "opt_out_offered", "member"),
    *("election_filing", "sale_opted_out", "objected", "patient", "authorization"),
)
values: dict[str, list[Any]] = {
    "age": [None, 12, 15, 40],
    "basis": ["consent", "contract", "public_task", None],
    "purpose_permitted": [True],
    "customer_days": [3, 900, None],
    "authorization_days": [3, 900, None],
    "hour": [8, 12, 20, None],
    **{name: [True, None] for name in KNOWN},
    **{name: [True, False, None] for name in TOLD},
}
people = st.fixed_dictionaries({name: st.sampled_from(found) for name, found in values.items()})
occasions = st.fixed_dictionaries(
    {"purpose": st.sampled_from(list(Purpose)), "channel": st.sampled_from(["email", "sms", "post"])}
)
codes = st.sampled_from([place for place in PLACES if place != "ZZ"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(person=people, occasion=occasions, here=codes, there=codes)
def test_where_two_places_may_be_meant_the_rules_of_both_must_be_met(
    at: Make, person: Row, occasion: Row, here: str, there: str
):
    asked = at(**occasion)
    both = "|".join(sorted({here, there}))
    found = {place: _refused(asked, "person", person, place) for place in (here, there, both)}
    assert found[both] == found[here] | found[there]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(person=people, occasion=occasions, here=codes)
def test_no_regime_allows_what_the_house_refuses(gate: Make, at: Make, person: Row, occasion: Row, here: str):
    house = gate(PACKS[:1], uses=CONTACT, territory=here, **occasion)
    assert _refused(house, "person", person) <= _refused(at(territory=here, **occasion), "person", person)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(person=people, occasion=occasions, here=codes)
def test_an_unknown_place_is_under_every_rule_that_any_place_has(
    at: Make, person: Row, occasion: Row, here: str
):
    asked = at(**occasion)
    assert _refused(asked, "person", person, here) <= _refused(asked, "person", person, "ZZ")


def test_a_table_of_people_is_judged_each_by_the_law_of_their_place(at: Make, facts: Make):
    buyer = BUYER | {"opt_out_offered": True, "customer_days": 900}
    rows = [buyer | {"place": place} for place in ("US-NY", "DE", "CA", "CA|US", "MW", None)]
    asked = at(purpose=Purpose.COMMERCIAL, channel="email", territory="ZZ")
    judged = asked.judge(facts(*rows), "v")
    assert judged.clearance.persons.tolist() == [1, 5]


def test_somebody_known_to_be_somewhere_in_the_states_may_be_in_california(at: Make):
    asked = at(purpose=Purpose.COMMERCIAL, channel="email")
    opted_out = BUYER | {"opt_out_offered": True, "sale_opted_out": True}
    refused = {place: _refused(asked, "person", opted_out, place) for place in ("US", "US-CA", "US-NY")}
    assert refused == {"US": {"us_ca.sale"}, "US-CA": {"us_ca.sale"}, "US-NY": set()}


# Ways around, that are none.


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", ["segment", "score", "lookalike", "message", "group", "parity", "exclude"])
@pytest.mark.parametrize("category", SPECIAL)
def test_a_special_category_selects_nobody_under_whatever_name_of_its_use(
    at: Make, place: str, role: str, category: str
):
    for purpose in Purpose:
        asked = at(purpose=purpose, territory=place, channel="email")
        facts = {"role": role, "category": category, "basis": "consent", "purpose": purpose.value}
        assert not asked.judge_one("trait", facts).allowed


@pytest.mark.parametrize("purpose", CHANCES)
@pytest.mark.parametrize("category", [*PROTECTED, "place", "name"])
@pytest.mark.parametrize("role", ["segment", "score", "lookalike", "parity", None])
def test_for_credit_homes_and_jobs_in_america_neither_traits_nor_places_select(
    at: Make, purpose: Purpose, category: str, role: str | None
):
    for place in ("US", "US-NY", "PR", "ZZ", "DE|US"):
        facts = {"role": role, "category": category, "basis": "consent", "purpose": purpose.value}
        assert not at(purpose=purpose, territory=place).judge_one("trait", facts).allowed


@pytest.mark.parametrize("purpose", CHANCES)
def test_homes_and_jobs_find_nobody_alike_by_harmless_traits_either(at: Make, purpose: Purpose):
    for category in ("behavior", "interest", "income", "education"):
        facts = {"role": "lookalike", "category": category, "basis": "consent", "purpose": purpose.value}
        assert _refused(at(purpose=purpose, territory="US"), "trait", facts) == {"us_fair.alike"}


@pytest.mark.parametrize("category", SPECIAL)
@pytest.mark.parametrize("purpose", [Purpose.POLITICAL, Purpose.ADVOCACY])
def test_in_the_union_politics_by_stand_ins_is_blocked_whatever_it_is_called(
    at: Make, purpose: Purpose, category: str
):
    for place, blocked in (("DE", True), ("DE|US", True), ("ZZ", True), ("RE", True), ("US", False)):
        found = at(purpose=purpose, territory=place).judge_proxy(Category(category), 0.85)
        assert (Effect.BLOCK in [effect for effect, _ in found]) is blocked


@pytest.mark.parametrize("purpose", CHANCES)
@pytest.mark.parametrize("category", [*SPECIAL, *PROTECTED])
def test_features_that_all_but_tell_a_protected_trait_are_blocked_for_homes_and_jobs(
    at: Make, purpose: Purpose, category: str
):
    asked = at(purpose=purpose, territory="US")
    for auc, blocked in ((0.89, False), (0.9, True), (None, True)):
        found = asked.judge_proxy(Category(category), auc)
        assert (Effect.BLOCK in [effect for effect, _ in found]) is blocked


def test_voters_are_not_left_out_by_what_their_names_or_features_tell(at: Make):
    for purpose in (Purpose.CIVIC, Purpose.POLITICAL):
        asked = at(purpose=purpose, territory="US")
        for category in ("origin", "belief", "name", "politics", "literacy", "disability"):
            facts = {"role": "lookalike", "category": category, "basis": "consent", "purpose": purpose.value}
            assert not asked.judge_one("trait", facts).allowed
        found = [effect for effect, _ in asked.judge_proxy(Category.ORIGIN, 0.85)]
        assert Effect.APPROVAL in found


def test_politics_called_advocacy_is_under_the_same_rules_in_the_union(at: Make):
    situation = SITUATIONS["a German party mails those who said yes to politics"]
    for subject in PARTS:
        politics, advocacy = (
            {rule for rule in _refused(asked, subject, {}) if rule.startswith("eu_")}
            for asked in (at(**situation.occasion), at(**situation.occasion | {"purpose": Purpose.ADVOCACY}))
        )
        assert politics == advocacy


def test_a_list_about_health_goes_to_no_platform_and_politics_in_the_union_to_neither_of_two(at: Make):
    for place in PLACES:
        asked = at(territory=place, channel="email")
        assert "platforms.health" in _refused(asked, "campaign", {"platform": "meta", "health_data": True})
    politics = at(territory="FR", purpose=Purpose.POLITICAL, channel="email")
    for spelled in ("google", "Google", "meta", "facebook", ""):
        assert "platforms.politics" in _refused(politics, "campaign", {"platform": spelled})
    for declared in ({}, {"platform": "other"}):
        assert "platforms.politics" not in _refused(politics, "campaign", declared)


@pytest.mark.parametrize("place", ["ES", "FR", "IT", "PL", "PT"])
def test_before_a_vote_there_is_silence(at: Make, place: str):
    asked = at(territory=place, purpose=Purpose.POLITICAL, channel="post")
    for days, silent in ((2, False), (1, True), (0, True), (-1, False), (None, True)):
        found = _refused(asked, "campaign", {"process_linked": True, "days_to_vote": days})
        assert ("eu_political.silence" in found) is silent


@pytest.mark.parametrize("days", ["customer_days", "inquiry_days", "authorization_days", "broker_days"])
def test_a_deal_or_paper_of_a_day_to_come_is_none(at: Make, days: str):
    asked = at(purpose=Purpose.COMMERCIAL, channel="email", territory="CA|US-CA|US-WA")
    row = BUYER | {"opt_out_offered": True, "customer": days == "customer_days", "patient": True}
    row |= {"authorization": True, "authorization_days": 3, "customer_days": None, "inquiry_days": None}
    row |= {"customer_days" if days != "inquiry_days" else "inquiry_days": 3}
    now, to_come = (_refused(asked, "person", row | {days: value}) for value in (3, -1))
    assert now < to_come


# Time.


@pytest.mark.parametrize(
    ("rule", "first", "place", "purpose"),
    [
        ("eu_political.consent", date(2025, 10, 10), "DE", Purpose.POLITICAL),
        ("eu_gdpr.notice", date(2018, 5, 25), "NO", Purpose.COMMERCIAL),
        ("eu_ai.elections", date(2027, 12, 2), "DE", Purpose.POLITICAL),
        ("us_ca.deletion_list", date(2026, 8, 1), "US-CA", Purpose.COMMERCIAL),
        ("us_wa.consent", date(2024, 3, 31), "US-WA", Purpose.PUBLIC_HEALTH),
        ("uk.imprint", date(2023, 11, 1), "GB", Purpose.POLITICAL),
        ("us_coppa.separate", date(2026, 4, 22), "US", Purpose.COMMERCIAL),
        ("eu_dsa.special", date(2024, 2, 17), "IE", Purpose.COMMERCIAL),
    ],
)
def test_a_rule_is_law_from_its_day_on_and_at_its_place_only(
    at: Make, rule: str, first: date, place: str, purpose: Purpose
):
    (subject,) = [one.subject for one in RULES if one.id == rule]
    for on, where, holds in (
        (first, place, True),
        (date.fromordinal(first.toordinal() - 1), place, False),
        (first, "MW", False),
    ):
        asked = at(on=on, territory=where, purpose=purpose, channel="email")
        assert (rule in {one.id for one in asked.rules(subject)}) is holds


NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("request_", "place", "known", "due"),
    [
        ("access", "DE", {}, date(2026, 2, 28)),
        ("access", "GB", {}, date(2026, 2, 28)),
        ("access", "MW", {}, date(2026, 2, 28)),
        ("access", "DE|US-CA", {}, date(2026, 2, 28)),
        ("erasure", "US-WA", {}, date(2026, 2, 28)),
        ("broker_deletion", "US-CA", {}, date(2026, 3, 16)),
        ("breach", "DE", {}, date(2026, 2, 2)),
        ("opt_out", "US", {}, date(2026, 1, 30)),
        ("opt_out", "MW", {}, date(2026, 1, 30)),
        ("sale_opt_out", "US-CA", {}, date(2026, 1, 30)),
        ("complaint", "DE", {"near_vote": False}, date(2026, 2, 28)),
        ("authority", "DE", {"near_vote": False}, date(2026, 2, 11)),
        ("authority", "DE", {"near_vote": True}, date(2026, 2, 1)),
        ("authority", "DE", {}, date(2026, 2, 1)),
        ("complaint", "DE", {"near_vote": True}, date(2026, 2, 1)),
        ("researcher", "DE", {}, date(2026, 2, 28)),
        ("publication", "DE", {}, date(2026, 2, 2)),
    ],
)
def test_a_request_is_due_when_the_strictest_law_says(
    at: Make, request_: str, place: str, known: Row, due: date
):
    asked = at(purpose=Purpose.POLITICAL, territory="MW", uses=CONTACT)
    assert asked.deadline(request_, NOON, place, **known).due == due


@pytest.mark.parametrize(
    ("rule", "request_", "last"),
    [
        ("us_canspam.opt_out", "opt_out", date(2026, 2, 13)),
        ("us_tcpa.opt_out", "opt_out", date(2026, 2, 13)),
        ("ca_casl.opt_out", "opt_out", date(2026, 2, 13)),
        ("platforms.opt_out", "opt_out", date(2026, 2, 1)),
        ("us_ca.sale_opt_out", "sale_opt_out", date(2026, 2, 20)),
        ("us_ca.requests", "access", date(2026, 3, 16)),
        ("us_wa.requests", "erasure", date(2026, 3, 16)),
        ("us_hipaa.breach", "breach", date(2026, 3, 31)),
        ("uk.requests", "objection", date(2026, 2, 28)),
        ("eu_gdpr.breach", "breach", date(2026, 2, 2)),
    ],
)
def test_a_law_gives_its_own_time_and_not_a_day_more(rule: str, request_: str, last: date):
    (law,) = [one for one in RULES if one.id == rule]
    said = {"request": request_, "received": NOON.date()}
    assert law.reason(said | {"answered": last}) is None
    assert law.reason(said | {"answered": date.fromordinal(last.toordinal() + 1)}) is not None
    assert law.reason(said) is not None
