"""What harms in a message is found by words, however it is dressed, and a person must answer for the rest."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.messages import Claim, Message, Review, Variant, harm
from suasion.messages.harm.plain import plain

POLL = harm.Vote(
    name="Council",
    territory="DE",
    on=date(2027, 3, 14),
    source="notice of the town, 2 November 2026",
    days={"registration": date(2027, 2, 21)},
)
CALM = "Come to the free check-up. The office is open on any weekday."

SAID = {
    "fear": "Without us you may lose everything, and people will die.",
    "urgency": "This is your last chance!",
    "guilt": "How could you let your family down?",
    "threat": "Vote, or you will lose your benefits. We know where you live.",
    "scarcity_unproven": "Only 3 places left.",
    "vulnerable_group": "Are you deep in debt?",
    "exposes_third_persons": "Your neighbors will know whether you voted.",
    "discourages_voting": "Do not bother voting this time.",
    "subject_misleading": "Re: your invoice",
}
IN_OTHER_WORDS = {
    "urgency": [
        "Letzte Chance!",
        "Dernière chance !",
        "¡Última oportunidad!",
        "ACT  NOW",
        "Don\u2019t wait.",
    ],
    "threat": ["Sonst verlieren Sie alles.", "Nous savons où vous habitez.", "There will be consequences."],
    "guilt": ["Schämen Sie sich!", "Quelle honte !", "Shame on everybody who stays at home."],
    "discourages_voting": ["Gehen Sie nicht wählen!", "Ne votez pas.", "Your vote won't count anyway."],
}
DRESSES = {
    "markup between letters": lambda text: f"<p>{text[0]}<b>{text[1]}</b>{text[2:]}</p>",
    "an invisible character": lambda text: text.replace("t", "t\u200b"),
    "a soft hyphen": lambda text: text.replace("n", "n\u00ad"),
    "letters that look alike": lambda text: text.replace("a", "\u0430").replace("o", "\u043e"),
    "wide letters": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "a branch for few": lambda text: f"Hello.{{% if age > 90 %}} {text}{{% endif %}}",
    "capitals": str.upper,
    "line ends inside": lambda text: text.replace(" ", "   "),
}


def found(text: str, subject: str = "Your check-up", **more) -> harm.Harm:
    given = {"more": (), "claims": (), "votes": (POLL,), "reasons": {}, **more}
    return harm.review({"subject": subject, "text": text}, **given)


@pytest.mark.parametrize("appeal", harm.APPEALS)
def test_an_appeal_is_found(appeal: str):
    subject = SAID[appeal] if appeal == "subject_misleading" else "Your check-up"
    text = CALM if appeal == "subject_misleading" else SAID[appeal]
    assert found(text, subject).facts[appeal] is True


def test_a_calm_message_appeals_to_nothing():
    facts = found(CALM).facts
    assert not any(facts[appeal] for appeal in harm.APPEALS)
    assert facts["claims_unsourced"] == facts["dates_wrong"] == 0


@pytest.mark.parametrize(("appeal", "text"), [(a, t) for a, texts in IN_OTHER_WORDS.items() for t in texts])
def test_other_words_and_languages_are_known(appeal: str, text: str):
    assert found(text).facts[appeal] is True


@pytest.mark.parametrize("dress", DRESSES)
def test_a_threat_is_found_however_it_is_dressed(dress: str):
    assert found(DRESSES[dress]("Act now or you will lose your home")).facts["threat"] is True


def test_comfort_is_no_fear():
    assert found("Do not be afraid, we help and it is free.").facts["fear"] is False
    assert found("People will die and your home will be destroyed.").facts["fear"] is True


def test_what_stands_in_for_a_field_is_read_too():
    assert found(CALM, more=("last chance",)).facts["urgency"] is True


@pytest.mark.parametrize(
    "text",
    [
        "93 % of our patients are well.",
        "Nine out of ten doctors agree.",
        "A new study shows that it helps.",
        "We are the cheapest in town.",
        "The mayor voted against the bridge.",
        "Studien zeigen, dass es hilft.",
    ],
)
def test_a_fact_needs_a_source(text: str):
    assert found(text).facts["claims_unsourced"] == 1
    told = Claim(text=text.rstrip("."), source="Register of the town", on=date(2026, 11, 1))
    assert found(text, claims=(told,)).facts["claims_unsourced"] == 0


def test_a_source_for_one_number_is_none_for_another():
    told = Claim(text="20 % of people came", source="Register of the town", on=date(2026, 11, 1))
    assert (
        found("Last year 20 % of people came, and 90 % were happy.", claims=(told,)).facts["claims_unsourced"]
        == 1
    )


@pytest.mark.parametrize(
    "text",
    [
        "Vote on 14 March 2027!",
        "The election is on Sunday, March 14.",
        "Register until 21.02.2027 to vote.",
        "Die Wahl ist am 14. März 2027.",
        "Polls open on 2027-03-14.",
        "The election is on 03/14/2027.",
        "Our office is open on 15 March.",
    ],
)
def test_an_official_date_may_be_said(text: str):
    assert found(text).facts["dates_wrong"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "Vote on 15 March 2027!",
        "The election is on Monday, March 14.",
        "Democrats vote on Tuesday.",
        "Die Wahl ist am 16. März.",
        "Register to vote until 1.3.2027.",
        "The election is on 14 March 2028.",
        "Vote on 3/15!",
    ],
)
def test_a_wrong_date_is_found(text: str):
    assert found(text).facts["dates_wrong"] == 1


def test_without_an_official_table_no_date_of_a_vote_is_right():
    assert found("Vote on 14 March 2027!", votes=()).facts["dates_wrong"] == 1


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2050, 12, 31)))
def test_only_the_official_days_pass(day: date):
    facts = found(f"The election is on {day.day} {day:%B} {day.year}.").facts
    assert facts["dates_wrong"] == (day not in {POLL.on, *POLL.days.values()})


@pytest.mark.parametrize("text", ["This text was made with AI.", "KI-generiert", "AI-generated message"])
def test_the_mark_of_a_machine_is_known(text: str):
    assert found(text).facts["ai_marked"] is True


def test_a_reviewer_overrules_by_name_and_reason():
    told = found("This is your last chance!", reasons={"urgency": "The office closes for good that day."})
    assert told.facts["urgency"] is False
    assert [finding.overruled for finding in told.findings] == ["The office closes for good that day."]


def test_nobody_overrules_threat_haste_and_a_vulnerable_group_together():
    text = "You are in debt. Act now, or you will lose your home."
    told = found(text, reasons=dict.fromkeys(harm.APPEALS, "It is meant well."))
    assert [told.facts[fact] for fact in ("threat", "urgency", "vulnerable_group")] == [True] * 3


def test_nobody_overrules_a_wrong_date():
    assert found("Vote on 15 March!", reasons={"dates_wrong": "I am sure."}).facts["dates_wrong"] == 1


def test_a_review_is_no_shield_against_what_words_find():
    review = Review(by="Ada", on=date(2026, 11, 1), exposes_third_persons=False, discourages_voting=False)
    message = Message(name="m", variants={"a": Variant(text=SAID["exposes_third_persons"])}, review=review)
    assert message.harms("a").facts["exposes_third_persons"] is True


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str):
    facts = found(text, text[:80]).facts
    assert set(facts) >= set(harm.APPEALS)
    assert plain(plain(text)) is not None


def test_long_text_takes_no_long_time():
    assert found("a-" * 50_000 + "{{" * 1000).facts["threat"] is False
