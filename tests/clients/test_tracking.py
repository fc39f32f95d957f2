"""Clients of Segment and RudderStack, as they are published: what they send is in the inbox, once."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rudderstack import analytics as rudder
from segment import analytics as segment

from suasion.ingest.tracking import Event

Office = Any
Events = dict[str, Event]
AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
KINDS = {"identify", "track", "page", "screen", "group", "alias"}


def properties(event: Event) -> Any:
    return json.loads(bytes(event.payload))


def context(event: Event) -> Any:
    return json.loads(bytes(event.context))


def fail(error: Exception, _batch: Any) -> None:
    raise AssertionError(error)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("alone", [False, True], ids=["batches", "each at once"])
def test_segment_for_python(still: Office, packed: bool, alone: bool):
    user = f"segment-{packed}-{alone}"
    client = segment.Client(still.write_key, host=still.url, gzip=packed, sync_mode=alone, on_error=fail)
    client.identify(user, {"plan": "gold", "née": "Ärger"})
    client.track(user, "Booked", {"price": 12.5}, timestamp=AT, context={"ip": "0.0.0.0"})
    client.page(user, "docs", "Prices", {"path": "/prices"})
    client.screen(user, "app", "Start")
    client.group(user, "household-7", {"size": 3})
    client.alias("device-1", user)
    if not alone:
        client.shutdown()
    found = still.of(user)
    assert found.keys() == KINDS
    check(found, {"plan": "gold", "née": "Ärger"})
    assert context(found["track"])["library"]["name"] == "analytics-python"
    assert context(found["track"])["ip"] == "0.0.0.0"
    assert properties(found["page"]) == {"path": "/prices"}


def check(found: Events, traits: dict[str, Any]) -> None:
    """What all clients were told to say."""
    assert properties(found["identify"]) == traits
    assert found["track"].name == "Booked"
    assert properties(found["track"]) == {"price": 12.5}
    assert found["page"].name == "Prices"
    assert found["screen"].name == "Start"
    assert found["group"].group_id == "household-7"
    assert properties(found["group"]) == {"size": 3}
    assert found["alias"].previous_id == "device-1"
    original = found["track"].original_at
    assert original == AT.timestamp()
    assert abs(found["track"].at - original) < 60  # our clock and theirs are one
    assert all(len(event.message_id) >= 16 for event in found.values())


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_rudder_for_python(still: Office, packed: bool):
    user = f"rudder-{packed}"
    client = rudder.Client(still.write_key, host=still.url, gzip=packed, on_error=fail)
    client.identify(user, {"plan": "gold"})
    client.track(user, "Booked", {"price": 12.5}, timestamp=AT)
    client.page(user, "docs", "Prices", {"path": "/prices"})
    client.screen(user, "app", "Start")
    client.group(user, "household-7", {"size": 3})
    client.alias("device-1", user)
    client.shutdown()
    found = still.of(user)
    assert found.keys() == KINDS
    check(found, {"plan": "gold"})


def test_ids_that_are_numbers_and_none(still: Office):
    client = segment.Client(still.write_key, host=still.url, on_error=fail)
    client.track(4711, "Seen")
    client.track(None, "Seen", anonymous_id="device-9")
    client.shutdown()
    assert still.of("4711")["track"].user_id == "4711"
    assert still.of("device-9")["track"].user_id is None


def events(user: str, at: Any) -> list[tuple[str, dict[str, Any]]]:
    """One of each kind, as clients for Node are told."""
    said: list[tuple[str, dict[str, Any]]] = [
        ("identify", {"traits": {"plan": "gold"}}),
        ("track", {"event": "Booked", "properties": {"price": 12.5}, "timestamp": at}),
        ("page", {"name": "Prices", "properties": {"path": "/prices"}}),
        ("screen", {"name": "Start"}),
        ("group", {"groupId": "household-7", "traits": {"size": 3}}),
        ("alias", {"previousId": "device-1"}),
    ]
    return [(kind, {"userId": user, **one}) for kind, one in said]


def test_segment_for_node(still: Office, node: Callable[..., Any]):
    said = events("segment-node", AT.isoformat())
    said.append(("track", {"anonymousId": "device-node", "event": "Seen"}))
    done = node("segment", {"host": still.url, "writeKey": still.write_key, "events": said})
    assert done["failed"] == []
    found = still.of("segment-node")
    assert found.keys() == KINDS
    check(found, {"plan": "gold"})
    assert found["track"].message_id.startswith("node-next-")
    assert still.of("device-node")["track"].user_id is None


@pytest.mark.parametrize("packed", [True, False], ids=["gzip as a form", "plain"])
def test_rudder_for_node(still: Office, node: Callable[..., Any], packed: bool):
    user = f"rudder-node-{packed}"
    told = {"host": still.url, "writeKey": still.write_key, "gzip": packed}
    done = node("rudder", {**told, "events": events(user, None)})
    assert done["failed"] is None
    found = still.of(user)
    assert found.keys() == KINDS
    assert properties(found["identify"]) == {"plan": "gold"}
    assert properties(found["track"]) == {"price": 12.5}
    assert found["group"].group_id == "household-7"
    assert found["alias"].previous_id == "device-1"


def test_segment_for_python_waits_as_it_is_told_and_sends_again(still: Office):
    """The stream may send one event in two seconds: the second batch is refused with 429, and not lost."""
    client = segment.Client("wk_slow_0123456789", host=still.url, upload_size=1, on_error=fail)
    begun = time.monotonic()
    for number in range(3):
        client.track("slow-python", "Seen", {"number": number})
    client.shutdown()
    found = still.arrived()["slow-python"]
    assert sorted(properties(event)["number"] for event in found) == [0, 1, 2]
    assert time.monotonic() - begun > 2


def test_segment_for_node_waits_as_it_is_told_and_sends_again(still: Office, node: Callable[..., Any]):
    said = [("track", {"userId": "slow-node", "event": "Seen", "properties": {"n": n}}) for n in range(3)]
    told = {"host": still.url, "writeKey": "wk_slow_0123456789", "events": said, "flushAt": 1}
    assert node("segment", told)["failed"] == []
    found = still.arrived()["slow-node"]
    assert sorted(properties(event)["n"] for event in found) == [0, 1, 2]


def test_a_wrong_write_key_is_told_to_the_client(still: Office):
    said: list[Any] = []
    client = segment.Client(
        "wk_none_0123456789", host=still.url, on_error=lambda error, _: said.append(error)
    )
    client.track("nobody", "Seen")
    client.shutdown()
    assert [error.status for error in said] == [401]
    assert "nobody" not in still.arrived()
