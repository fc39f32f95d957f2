"""A yes waits for its confirmation, a no does not; no link can be made, bent or used too late."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.errors import InputError
from suasion.ledger import consents, opt_in, sends, subject, tokens
from suasion.ledger.schema import suppressions
from suasion.rules import Channel, Purpose

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = b"a key of the test"
WORDS = "Yes, write to me."
PAIR = (Purpose.COMMERCIAL, Channel.EMAIL)
SMS = (Purpose.COMMERCIAL, Channel.SMS)
CIVIC = (Purpose.CIVIC, Channel.EMAIL)


def ask(place: Any, person: int = 7, pair: Any = PAIR, at: datetime = NOW, **more: Any) -> str:
    given = {"words": WORDS, "capture": "web form"} | more
    words, capture = given.pop("words"), given.pop("capture")
    return opt_in.ask(place.ledger, KEY, person, pair, words, capture, at, **given)


def confirm(place: Any, token: str, at: datetime = NOW + HOUR, key: bytes = KEY) -> bool:
    return opt_in.confirm(place.ledger, key, token, at) is not None


def told(place: Any) -> dict[tuple[int, str, str], bool]:
    rows = consents.told(place.ledger).to_pylist()
    return {(row["person"], row["purpose"], row["channel"]): row["given"] for row in rows}


YES = {(7, "commercial", "email"): True}


def test_a_yes_counts_once_it_is_confirmed(place: Any):
    token = ask(place, separate=True, expires_on=date(2027, 1, 1))
    assert told(place) == {}
    assert opt_in.asked(place.ledger, KEY, token, NOW) == opt_in.Asked(7, *PAIR, WORDS, confirmed=False)
    assert told(place) == {}
    assert confirm(place, token)
    (row,) = consents.told(place.ledger).to_pylist()
    assert row == {
        "person": 7,
        "given": True,
        "purpose": "commercial",
        "channel": "email",
        "capture": "web form",
        "wording": consents.digest_of(WORDS),
        "said_at": "2026-11-21T12:00:00Z",
        "confirmed_at": "2026-11-21T13:00:00Z",
        "separate": True,
        "written": False,
        "expires_on": date(2027, 1, 1),
    }


def test_a_second_press_changes_nothing(place: Any):
    token = ask(place)
    assert confirm(place, token)
    before = place.rows("SELECT * FROM consents")
    assert confirm(place, token, NOW + 2 * HOUR)
    assert place.rows("SELECT * FROM consents") == before


@pytest.mark.parametrize(("after", "good"), [(48 * HOUR, True), (48 * HOUR + timedelta(seconds=1), False)])
def test_a_link_holds_for_two_days(place: Any, after: timedelta, good: bool):
    assert confirm(place, ask(place), NOW + after) is good
    assert bool(told(place)) is good


def test_a_token_of_another_workspace_or_use_is_none(place: Any):
    token = ask(place)
    content = tokens.unsealed(KEY, b"consent", token)
    assert content is not None
    others = [tokens.sealed(b"another", b"consent", content), tokens.sealed(KEY, b"other", content)]
    others += [tokens.token_of(KEY, 7), tokens.proof_of(KEY, 7, NOW + HOUR), "", "x", "é", "AAAA" * 30]
    assert not any(confirm(place, other) for other in others)
    assert not confirm(place, token, key=b"another")
    assert told(place) == {}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_other_text_is_the_token(place: Any, data: st.DataObject):
    token = ask(place)
    at = data.draw(st.integers(0, len(token)))
    change = data.draw(st.text("ABab01-_=.é ", max_size=3))
    other = token[:at] + change + token[at + data.draw(st.integers(0, 3)) :]
    assert (opt_in.asked(place.ledger, KEY, other, NOW) is not None) is (other == token)


def test_another_spelling_of_the_same_bytes_is_none(place: Any):
    token = ask(place)
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    spellings = [token + "=" * (-len(token) % 4), base64.b64encode(raw).decode(), f" {token}", f"{token}\n"]
    assert not any(confirm(place, one) for one in spellings if one != token)


def test_an_old_link_does_not_undo_what_was_withdrawn_since(place: Any):
    token = ask(place)
    assert confirm(place, token)
    opt_in.withdraw(place.ledger, 7, PAIR, NOW + 2 * HOUR)
    assert not confirm(place, token, NOW + 3 * HOUR)
    waiting = ask(place, at=NOW + 4 * HOUR)
    opt_in.withdraw(place.ledger, 7, PAIR, NOW + 5 * HOUR)
    assert not confirm(place, waiting, NOW + 6 * HOUR)
    assert told(place) == {(7, "commercial", "email"): False}


def test_only_a_new_confirmed_yes_undoes_a_no(place: Any):
    opt_in.withdraw(place.ledger, 7, PAIR, NOW - HOUR)
    token = ask(place)
    assert told(place) == {(7, "commercial", "email"): False}
    assert confirm(place, token)
    assert told(place) == YES


def test_a_no_to_one_purpose_and_channel_is_none_to_another(place: Any):
    for pair in (PAIR, SMS, CIVIC):
        assert confirm(place, ask(place, pair=pair))
    opt_in.withdraw(place.ledger, 7, PAIR, NOW + HOUR)
    assert told(place) == {
        (7, "commercial", "email"): False,
        (7, "commercial", "sms"): True,
        (7, "civic", "email"): True,
    }


def test_the_link_confirms_the_words_that_were_asked_with_it(place: Any):
    """Whoever is asked again with other words must press the newer link."""
    old, new = ask(place), ask(place, words="Yes, and sell my data.", at=NOW + HOUR)
    assert not confirm(place, old)
    assert told(place) == {}
    assert confirm(place, new)
    assert not confirm(place, old)


def test_what_was_not_confirmed_is_forgotten(place: Any):
    ask(place, person=1)
    ask(place, person=2, at=NOW + 49 * HOUR)
    assert place.rows("SELECT person, source FROM consents") == [(2, "#asked")]


def test_an_import_takes_nothing_of_it_away(place: Any):
    assert confirm(place, ask(place))
    ask(place, person=8)
    said = pa.Table.from_pylist([{"person": 7, "given": False}], consents.SAID)
    with place.running() as run:
        run.writes.append(consents.record_consents("shop", {PAIR: said}))
    with place.running() as run:
        run.writes.append(consents.record_consents("shop", {}))
    assert place.rows("SELECT person, source FROM consents ORDER BY person") == [
        (7, "#person"),
        (8, "#asked"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"words": " "}, {"capture": ""}, {"expires_on": date(2026, 11, 20)}],
    ids=lambda one: next(iter(one)),
)
def test_what_could_never_be_proved_is_not_asked(place: Any, wrong: dict[str, Any]):
    with pytest.raises(InputError):
        ask(place, **wrong)
    assert place.rows("SELECT * FROM consents") == []


def test_nobody_who_is_being_erased_is_asked_or_confirmed(place: Any):
    token = ask(place)
    with subject.forgetting(place.ledger, [7], [b"hash"], NOW):
        pass
    assert not confirm(place, token)
    with pytest.raises(InputError, match="being erased"):
        ask(place)
    opt_in.withdraw(place.ledger, 7, PAIR, NOW)
    assert place.rows("SELECT * FROM consents") == []


# Opt-outs by link.


def opted_out(place: Any, at: datetime, why: sends.Why = sends.Why.OPTED_OUT, person: int = 7) -> None:
    with place.ledger.writing() as connection:
        row = {"person": person, "address": b"hash", "channel": "email", "reason": str(why), "at": at}
        connection.execute(suppressions.insert().values(**row))


def suppressed(place: Any) -> frozenset[int]:
    return sends.suppressed(place.ledger, Channel.EMAIL)


def test_a_newer_confirmed_yes_lifts_an_opt_out_for_its_purpose_alone(place: Any):
    assert confirm(place, ask(place, pair=CIVIC, at=NOW - 9 * HOUR), NOW - 8 * HOUR)
    opted_out(place, NOW - HOUR)
    assert confirm(place, ask(place))
    assert suppressed(place) == frozenset()
    answers = {purpose: yes for (_, purpose, channel), yes in told(place).items() if channel == "email"}
    assert answers == {str(purpose): purpose is Purpose.COMMERCIAL for purpose in Purpose}


def test_what_was_agreed_to_after_the_opt_out_stays(place: Any):
    opted_out(place, NOW - 9 * HOUR)
    first = ask(place, pair=CIVIC, at=NOW - 8 * HOUR)
    second = ask(place)
    assert confirm(place, first, NOW - 7 * HOUR)
    assert confirm(place, second)
    yes = {purpose for (_, purpose, _), given in told(place).items() if given}
    assert yes == {"civic", "commercial"}


def test_an_opt_out_that_is_newer_than_the_yes_stays(place: Any):
    token = ask(place)
    opted_out(place, NOW + timedelta(minutes=1))
    assert confirm(place, token)
    assert suppressed(place) == {7}


@pytest.mark.parametrize("why", [sends.Why.COMPLAINED, sends.Why.BOUNCED])
def test_no_yes_lifts_a_complaint_or_a_bounce(place: Any, why: sends.Why):
    token = ask(place)
    opted_out(place, NOW - HOUR, why)
    assert confirm(place, token)
    assert suppressed(place) == {7}
    with pytest.raises(InputError, match="complained"):
        ask(place)


def test_the_opt_out_of_another_with_the_same_mailbox_stays(place: Any):
    opted_out(place, NOW - HOUR, person=8)
    assert confirm(place, ask(place))
    assert suppressed(place) == {8}
