"""What clients send, good and bad."""

import contextlib
import gzip
import json
import math
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import InputError
from suasion.ingest.tracking import MOST_BODY, MOST_EVENT, Event, Parsed, inflated, parse

NOW = 1_800_000_000.0
YEAR = 365 * 86_400


def written(value: object) -> bytes:
    return json.dumps(value).encode()


def seen(**more: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": "m", "userId": "u", "event": "Seen", **more}


def batch(*events: object, **more: Any) -> Parsed:
    return parse(written({"batch": events, **more}), "batch", NOW)


def only(*events: object, **more: Any) -> Event:
    parsed = batch(*events, **more)
    assert parsed.dead == ()
    [event] = parsed.events
    return event


def reasons(*events: object) -> list[str]:
    return [dead.reason for dead in batch(*events).dead]


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def test_an_event_comes_out_as_it_was_sent():
    event = only(seen(anonymousId="a", properties={"price": 1.5}, context={"ip": "::1"}))
    assert (event.type, event.message_id, event.user_id, event.anonymous_id) == ("track", "m", "u", "a")
    assert event.name == "Seen"
    assert json.loads(bytes(event.payload)) == {"price": 1.5}
    assert json.loads(bytes(event.context)) == {"ip": "::1"}


@pytest.mark.parametrize(
    ("route", "kind"), [(kind[: n or None], kind) for kind in ("identify", "page", "screen") for n in (0, 1)]
)
def test_a_route_says_the_type_in_one_word_or_letter(route: str, kind: str):
    [event] = parse(b'{"userId": "u", "name": "Home", "writeKey": "k"}', route, NOW).events
    assert event.type == kind
    assert event.name == "Home"


def test_the_route_is_stronger_than_the_type_in_the_body():
    [event] = parse(written(seen(type="alias")), "track", NOW).events
    assert event.type == "track"


def test_group_and_alias_tell_whom_they_join():
    group, alias = batch(
        {"type": "group", "userId": "u", "groupId": 7, "traits": {"size": 3}},
        {"type": "alias", "userId": "u", "previousId": "a"},
    ).events
    assert (group.group_id, json.loads(bytes(group.payload))) == ("7", {"size": 3})
    assert alias.previous_id == "a"


def test_traits_may_stand_in_the_context_alone():
    traits = {"email": "a@town.example"}
    event = only({"type": "identify", "userId": "u", "context": {"traits": traits}})
    assert json.loads(bytes(event.payload)) == traits
    event = only({"type": "identify", "userId": "u", "traits": {"x": 1}, "context": {"traits": traits}})
    assert json.loads(bytes(event.payload)) == {"x": 1}


def test_the_traits_of_a_track_stay_in_its_context():
    event = only(seen(context={"traits": {"x": 1}}))
    assert bytes(event.payload) == b"{}"


def test_the_batch_s_context_lies_under_that_of_each_event():
    first, second = batch(
        seen(messageId="1", context={"a": 1}), seen(messageId="2"), context={"a": 0, "b": 2}
    ).events
    assert json.loads(bytes(first.context)) == {"a": 1, "b": 2}
    assert json.loads(bytes(second.context)) == {"a": 0, "b": 2}


@pytest.mark.parametrize(
    ("given_id", "text"),
    [
        (7, "7"),
        (7.0, "7"),
        (2**70, str(2**70)),
        (1.5, "1.5"),
        (-0.0, "0"),
        ("7", "7"),
        (0, "0"),
        (None, None),
    ],
)
def test_numbers_as_ids_become_text(given_id: object, text: str | None):
    assert only(seen(userId=given_id, anonymousId="a")).user_id == text


@pytest.mark.parametrize(
    "nobody", [{}, {"userId": None}, {"userId": ""}, {"userId": None, "anonymousId": ""}]
)
def test_an_event_of_nobody_is_dead(nobody: dict[str, object]):
    event = {"type": "track", "event": "Seen", "messageId": "m", **nobody}
    parsed = batch(event, seen(messageId="other"))
    assert [dead.reason for dead in parsed.dead] == ["neither userId nor anonymousId"]
    assert parsed.dead[0].message_id == "m"
    assert [event.message_id for event in parsed.events] == ["other"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (seen(type="click"), "no type"),
        (seen(type=None), "no type"),
        (seen(type=["track"]), "type"),
        (seen(event=None), "track without event"),
        (seen(event=""), "track without event"),
        ({"type": "group", "userId": "u"}, "group without groupId"),
        ({"type": "alias", "userId": "u"}, "alias without previousId"),
        (seen(userId=True), "userId"),
        (seen(userId={"id": 1}), "userId"),
        (seen(properties=[1]), "properties"),
        (seen(properties="price=1"), "properties"),
        (seen(context=3), "context"),
        (seen(timestamp="yesterday"), "timestamp"),
        (seen(timestamp=5), "timestamp"),
        (seen(userId="a\0b"), "NUL"),
        (seen(messageId="a\0b"), "NUL"),
        (seen(userId="u" * 1025), "user_id longer"),
        (seen(messageId="m" * 2000), "message_id longer"),
        (seen(properties={"text": "x" * MOST_EVENT}), "more than 32,768 bytes"),
        (seen(properties={f"trait_{n}": n for n in range(10_000)}), "more than 32,768 bytes"),
        ("not an object", "object"),
        (None, "object"),
        ([], "object"),
    ],
)
def test_a_bad_event_in_a_good_batch_is_dead_alone(bad: object, reason: str):
    parsed = batch(seen(messageId="first"), bad, seen(messageId="last"))
    assert parsed.ids == ["first", "last"]
    [dead] = parsed.dead
    assert reason in dead.reason
    assert len(dead.message_id or "") <= 1024


def test_a_reason_tells_nothing_of_a_person():
    secret = "anna@town.example"
    bad = [seen(userId=[secret]), seen(type=secret), seen(timestamp=secret), seen(properties=secret)]
    assert not [reason for reason in reasons(*bad) if "anna" in reason]


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1E+400", b"1" * 400 + b"e10"])
@pytest.mark.parametrize("where", ["properties", "context", "traits", "userId"])
def test_a_number_beyond_all_is_dead(number: bytes, where: str):
    inside = number if where == "userId" else b'{"deep": [{"x": ' + number + b"}]}"
    event = written(seen())[:-1] + b', "' + where.encode() + b'": ' + inside + b"}"
    parsed = parse(b'{"batch": [' + event + b"]}", "batch", NOW)
    assert (parsed.ids, len(parsed.dead)) == ([], 1)
    assert parsed.dead[0].message_id == "m"


@pytest.mark.parametrize("more", [b"", b', "messageId": 7'])
def test_what_cannot_be_named_is_dead_alone(more: bytes):
    event = b'{"type": "track", "event": "S", "userId": "u", "else": 1e999' + more + b"}"
    parsed = parse(b'{"batch": [' + written(seen()) + b", " + event + b"]}", "batch", NOW)
    assert (parsed.ids, len(parsed.dead)) == (["m"], 1)


def test_an_event_does_not_depend_on_its_neighbors():
    odd = b'{"type":"track","event":"S","userId":"u","messageId":"o","context":5,"context":{}}'
    for rest in (b"", b", {}"):
        parsed = parse(b'{"batch": [' + written(seen()) + b", " + odd + rest + b"]}", "batch", NOW)
        assert parsed.ids == ["m"]


def test_a_number_too_small_is_zero_and_no_fault():
    event = written(seen())[:-1] + b', "properties": {"x": 1e-999}}'
    [one] = parse(event, "track", NOW).events
    assert json.loads(bytes(one.payload)) == {"x": 0.0}


def test_half_a_character_does_not_cost_the_batch():
    """JavaScript cuts an emoji in two, and writes down the half of it."""
    text = rb'{"x": "a\ud83d", "y": "\ude00b", "z": "\ud83d\ude00", "path": "c:\\ud83d"}'
    event = written(seen())[:-1] + b', "properties": ' + text + b"}"
    parsed = parse(b'{"batch": [' + event + b"," + written(seen(messageId="2")) + b"]}", "batch", NOW)
    assert parsed.ids == ["m", "2"]
    assert json.loads(bytes(parsed.events[0].payload)) == {
        "x": "a\ufffd",
        "y": "\ufffdb",
        "z": "\U0001f600",
        "path": "c:\\ud83d",
    }
    assert parse(event, "track", NOW).ids == ["m"]


def test_nul_in_the_properties_is_text_like_other():
    event = only(seen(properties={"text": "a\0b"}))
    assert json.loads(bytes(event.payload)) == {"text": "a\0b"}


def test_many_small_traits_pass():
    traits = {f"t{n}": n for n in range(2_000)}
    event = only({"type": "identify", "userId": "u", "traits": traits})
    assert json.loads(bytes(event.payload)) == traits


def test_an_event_may_be_as_long_as_said():
    event = written(seen(properties={"text": ""}))
    fill = MOST_EVENT - len(event)
    good = event.replace(b'"text": ""', b'"text": "' + b"x" * fill + b'"')
    bad = event.replace(b'"text": ""', b'"text": "' + b"x" * (fill + 1) + b'"')
    assert (len(good), len(bad)) == (MOST_EVENT, MOST_EVENT + 1)
    parsed = parse(b'{"batch": [' + good + b"," + bad + b"]}", "batch", NOW)
    assert (len(parsed.ids), len(parsed.dead)) == (1, 1)


@pytest.mark.parametrize("opened", [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_deep_is_dead_and_what_passes_can_be_read(opened: tuple[str, str]):
    def nested(depth: int) -> bytes:
        inside = opened[0] * depth + "1" + opened[1] * depth
        return written(seen())[:-1] + b', "properties": {"x": ' + inside.encode() + b"}}"

    assert len(parse(nested(200), "track", NOW).events) == 1
    parsed = parse(nested(600), "track", NOW)
    assert "nested" in parsed.dead[0].reason
    with pytest.raises(InputError, match="nested too deep"):
        parse(nested(100_000), "track", NOW)


def test_many_flat_objects_are_not_deep():
    event = only(seen(properties={"products": [{"id": n} for n in range(900)]}))
    assert len(json.loads(bytes(event.payload))["products"]) == 900


def test_of_two_equal_keys_the_last_counts():
    event = b'{"userId": "a", "userId": "b", "event": "Seen", "messageId": "m"}'
    assert parse(event, "track", NOW).events[0].user_id == "b"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b'{"batch": [',
        b'{"batch": [{}],}',
        b'{"batch": {}}',
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b'{"batch": NaN}',
        b"\xff\xfe",
        '{"batch": []}'.encode("utf-16"),
        b'{"batch": [{"properties": {"x": "\xff"}}]}',
        b'{"batch": []} trailing',
    ],
)
def test_only_what_cannot_be_used_at_all_is_refused(body: bytes):
    with pytest.raises(InputError):
        parse(body, "batch", NOW)


def test_a_refusal_does_not_repeat_what_was_sent():
    with pytest.raises(InputError) as told:
        parse(b'{"batch": "anna@town.example"}', "batch", NOW)
    assert "anna" not in str(told.value)


def test_a_body_may_be_as_long_as_said():
    body = b'{"batch": []' + b" " * (MOST_BODY - 13) + b"}"
    assert len(body) == MOST_BODY
    assert parse(body, "batch", NOW).ids == []
    with pytest.raises(InputError, match="bytes"):
        parse(body + b" ", "batch", NOW)


def test_an_unknown_route_is_refused():
    with pytest.raises(InputError, match="route"):
        parse(b"{}", "import", NOW)


def test_the_write_key_of_the_body_is_told():
    assert batch(seen(), writeKey="k").write_key == "k"
    assert parse(written(seen(writeKey="k")), "t", NOW).write_key == "k"
    assert batch(seen(), writeKey=7).write_key is None
    assert batch(seen()).write_key is None


def test_fields_of_the_batch_that_make_no_sense_do_not_cost_its_events():
    event = only(seen(), sentAt="soon", timestamp=[], context="x", integrations=None)
    assert (event.at, event.sent_at, bytes(event.context)) == (NOW, None, b"{}")


def test_a_clock_a_year_off_is_corrected():
    for off in (-YEAR, YEAR):
        event = only(seen(timestamp=at(NOW + off - 60)), sentAt=at(NOW + off))
        assert event.at == pytest.approx(NOW - 60, abs=1e-3)
        assert event.original_at == pytest.approx(NOW + off - 60, abs=1e-3)
        assert event.sent_at == pytest.approx(NOW + off, abs=1e-3)
        assert event.received_at == NOW


def test_without_a_time_of_sending_the_event_s_time_holds():
    assert only(seen(timestamp=at(NOW - YEAR))).at == pytest.approx(NOW - YEAR)


def test_nothing_happens_after_it_was_told():
    assert only(seen(timestamp=at(NOW + YEAR))).at == NOW
    assert only(seen(timestamp=at(NOW + 60)), sentAt=at(NOW)).at == NOW


def test_whose_time_counts():
    def original(event: dict[str, Any], **more: Any) -> float:
        return only(seen(**event), **more).original_at

    first, second, third = at(NOW - 1), at(NOW - 2), at(NOW - 3)
    assert original({"timestamp": first, "originalTimestamp": second}, timestamp=third) == NOW - 1
    assert original({"originalTimestamp": second}, timestamp=third) == NOW - 2
    assert original({}, timestamp=third) == NOW - 3
    assert original({}) == NOW


def test_the_event_s_own_time_of_sending_counts_first():
    event = only(seen(timestamp=at(NOW - 20), sentAt=at(NOW - 10)), sentAt=at(NOW - 5))
    assert event.sent_at == NOW - 10
    assert event.at == NOW - 10


def test_a_time_without_a_zone_is_one_of_utc():
    assert (
        only(seen(timestamp="2026-01-01T00:00:00")).at == only(seen(timestamp="2026-01-01T01:00:00+01:00")).at
    )


def test_an_event_without_message_id_has_the_same_when_it_is_sent_again():
    def name(**more: Any) -> str:
        event = {key: value for key, value in seen(**more).items() if key != "messageId"}
        return parse(written(event), "track", NOW).ids[0]

    assert name(sentAt=at(NOW)) == name(sentAt=at(NOW + 5))
    assert name(properties={"a": 1, "b": 2}) == name(properties={"b": 2, "a": 1})
    assert name(properties={"a": 1}) != name(properties={"a": 2})
    assert name(userId="v") != name()
    event = only({"type": "track", "userId": "u", "event": "Seen", "messageId": None})
    assert event.message_id.startswith("content-")


def test_a_number_as_message_id_is_text():
    assert only(seen(messageId=12)).message_id == "12"


FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=6,
)
KEYS = ["type", "messageId", "userId", "anonymousId", "event", "properties", "context", "timestamp", "sentAt"]
ANY_EVENT = st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(["track", "u", at(NOW)]))


@given(st.binary(max_size=200), st.sampled_from(["batch", "track", "i"]))
def test_any_bytes_are_read_or_refused(body: bytes, route: str):
    with contextlib.suppress(InputError):
        parse(body, route, NOW)


@given(st.lists(ANY_EVENT | JSON, max_size=5), JSON, JSON)
def test_every_event_is_good_or_dead(events: list[Any], sent_at: object, context: object):
    body = written({"batch": events, "sentAt": sent_at, "context": context})
    parsed = parse(body, "batch", NOW)
    good = parsed.events
    assert len(good) + len(parsed.dead) == len(events)
    assert [event.message_id for event in good] == parsed.ids
    assert all(event.user_id or event.anonymous_id for event in good)
    assert all(event.message_id and math.isfinite(event.at) and event.at <= NOW for event in good)
    assert all(isinstance(json.loads(bytes(event.payload)), dict) for event in good)


WHOLE = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.none() | st.booleans() | st.integers() | FINITE | WHOLE | st.lists(WHOLE, max_size=3)


@given(
    st.dictionaries(WHOLE, PLAIN, max_size=5), st.integers() | st.from_regex(r"[^\x00]{1,50}", fullmatch=True)
)
def test_what_is_inside_is_left_as_it_was(properties: dict[str, Any], user: int | str):
    if not str(user).isprintable():
        return
    event = only(seen(properties=properties, userId=user))
    assert json.loads(bytes(event.payload)) == properties
    assert event.user_id == str(user)


def test_gzip_is_undone():
    body = written({"batch": [seen()]})
    assert inflated(gzip.compress(body), MOST_BODY) == body
    assert inflated(gzip.compress(body) + gzip.compress(b" "), MOST_BODY) == body + b" "
    assert inflated(b"", MOST_BODY) == b""


def test_a_bomb_is_not_blown_up():
    bomb = gzip.compress(bytes(200_000_000))
    assert len(inflated(bomb, MOST_BODY)) == MOST_BODY + 1
    assert len(inflated(gzip.compress(b"x") * 1000, 100)) == 101


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        zlib.compress(b"{}"),
        gzip.compress(b"{}" * 99, mtime=0)[:-9],
        gzip.compress(b"{}", mtime=0) + b"rest",
    ],
)
def test_what_is_not_gzip_is_refused(body: bytes):
    with pytest.raises(InputError, match="gzip"):
        inflated(body, MOST_BODY)
