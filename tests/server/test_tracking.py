"""What clients of Segment and RudderStack send is on disk when they are told so; all by raw sockets."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest

from suasion.ingest import inbox

KEY, OTHER = "wk_site_0123456789", "wk_shop_0123456789"
TAKEN = b'{"success":true}'
KINDS = ("identify", "track", "page", "screen", "group", "alias")
NEEDED = {"track": {"event": "Seen"}, "group": {"groupId": "g"}, "alias": {"previousId": "p"}}
COUNT = iter(range(10**9))


def _event(kind: str = "track", **said: Any) -> dict[str, Any]:
    return {"type": kind, "messageId": f"m{next(COUNT)}", "userId": "u", **NEEDED.get(kind, {}), **said}


def _batch(*events: Any, **said: Any) -> bytes:
    return json.dumps({"batch": events, **said}).encode()


def _basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def _post(site: Any, path: str, body: bytes, headers: dict[str, str] | None = None) -> Any:
    return site.ask("POST", path, body, _basic(KEY) if headers is None else headers)


def _stored(workspace: Any) -> dict[str, tuple[str, Any]]:
    """Stream and event by message id."""
    with closing(inbox.Inbox.open(workspace.folder / "inbox.db")) as box:
        batches = box.batches(0, 100_000)
    pairs = [(batch.stream, event) for batch in batches for event in batch.events]
    found = {event.message_id: (stream, event) for stream, event in pairs}
    assert len(found) == len(pairs), "stored twice"
    return found


def _refused(answer: Any, status: int) -> None:
    said = json.loads(answer.body)
    assert answer.status == status
    assert set(said) == {"code", "message"}
    assert said["code"]
    assert said["message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("is_short", [True, False])
def test_every_route_takes_its_kind(taking: Any, kind: str, slash: str, is_short: bool):
    workspace, site = taking
    event = _event(kind)
    del event["type"]
    answer = _post(site, f"/v1/{kind[0] if is_short else kind}{slash}", json.dumps(event).encode())
    assert (answer.status, answer.body) == (200, TAKEN)
    assert _stored(workspace)[event["messageId"]][1].type == kind


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/b", "/v1/b/"])
def test_a_batch_is_taken_as_a_whole(taking: Any, path: str):
    workspace, site = taking
    events = [_event(kind) for kind in KINDS]
    assert _post(site, path, _batch(*events)).body == TAKEN
    assert {event["messageId"] for event in events} <= set(_stored(workspace))


@pytest.mark.parametrize("path", ["/v1/x", "/v1/batch//", "/v1/", "/v1/batches", "/v1/tracks", "/V1/batch"])
def test_there_are_no_other_routes(taking: Any, path: str):
    assert _post(taking[1], path, _batch()).status == 404


@pytest.mark.parametrize(
    ("headers", "in_body", "stream"),
    [
        (_basic(KEY), None, "site"),
        ({"Authorization": f"Bearer {OTHER}"}, None, "shop"),
        ({"authorization": f"bEARER {OTHER}"}, None, "shop"),
        ({}, OTHER, "shop"),
        (_basic(KEY), OTHER, "site"),
        ({"Authorization": f"Bearer {KEY}"}, OTHER, "site"),
        ({"Authorization": "Digest username=x"}, OTHER, "shop"),
        ({"Authorization": "Basic " + base64.b64encode(f"{KEY}:secret".encode()).decode()}, None, "site"),
        ({"Authorization": "Basic " + base64.b64encode(KEY.encode()).decode()}, None, "site"),
    ],
)
def test_the_key_is_looked_for_in_order(taking: Any, headers: Any, in_body: str | None, stream: str):
    workspace, site = taking
    event = _event()
    body = _batch(event) if in_body is None else _batch(event, writeKey=in_body)
    assert _post(site, "/v1/batch", body, headers).status == 200
    assert _stored(workspace)[event["messageId"]][0] == stream


@pytest.mark.parametrize(
    ("headers", "in_body"),
    [
        ({}, None),
        ({}, "wk_nobody_0123456789"),
        ({}, ""),
        ({}, 7),
        (_basic("wk_nobody_0123456789"), OTHER),
        (_basic(""), None),
        ({"Authorization": "Basic"}, OTHER),
        ({"Authorization": "Basic %%%"}, OTHER),
        ({"Authorization": "Basic /////w=="}, OTHER),
        ({"Authorization": f"Bearer {KEY}x"}, None),
        ({"Authorization": "Bearer"}, None),
        ({"X-API-Key": KEY}, None),
    ],
)
def test_an_unknown_key_is_refused(taking: Any, headers: Any, in_body: Any):
    workspace, site = taking
    event = _event()
    body = _batch(event) if in_body is None else _batch(event, writeKey=in_body)
    _refused(_post(site, "/v1/batch", body, headers), 401)
    assert event["messageId"] not in _stored(workspace)


@pytest.mark.parametrize("path", ["/metrics", "/v1/decide", "/ofrep/v1/evaluate/flags/x", "/inbox.db"])
@pytest.mark.parametrize("headers", [_basic(KEY), {"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}])
def test_a_write_key_reads_nothing(taking: Any, path: str, headers: dict[str, str]):
    for method in ("GET", "POST"):
        assert taking[1].ask(method, path, b"{}", headers).status in (401, 403, 404, 405)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_body_is_json_whatever_it_says(taking: Any, kind: str, is_packed: bool):
    workspace, site = taking
    event = _event()
    headers = _basic(KEY) | {"Content-Type": kind}
    body = _batch(event)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body)
    assert _post(site, "/v1/batch", body, headers).body == TAKEN
    assert event["messageId"] in _stored(workspace)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"null", {}, 400),
        (b"{}", {}, 400),
        (b'{"batch":{}}', {}, 400),
        (b'{"batch":[{"messageId":"\xff"}]}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"\x1f\x8b", {"Content-Encoding": "gzip"}, 400),
        (b"{}", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b'{"batch":[]}', mtime=0)[:-6], {"Content-Encoding": "gzip"}, 400),
        (b"{}", {"Content-Encoding": "br"}, 415),
        (gzip.compress(b"{" + b" " * 2**26, mtime=0), {"Content-Encoding": "gzip"}, 413),
        (gzip.compress(b"[" + b" " * 2**22, mtime=0), {"Content-Encoding": "gzip"}, 413),
        (b" " * (2**22 + 1), {}, 413),
        (b" " * 2**24, {}, 413),
    ],
    ids=lambda one: repr(one[:12]) if isinstance(one, bytes) else None,
)
def test_what_is_no_request_is_refused(taking: Any, body: bytes, headers: dict[str, str], status: int):
    _refused(_post(taking[1], "/v1/batch", body, _basic(KEY) | headers), status)


def test_four_megabytes_are_taken_and_one_octet_more_is_not(taking: Any):
    workspace, site = taking
    events = [_event(properties={"x": "y" * 30_000}) for _ in range(139)]
    body = _batch(*events)
    body += b" " * (2**22 - len(body))
    assert len(body) == 2**22
    _refused(_post(site, "/v1/batch", body + b" "), 413)
    assert not {event["messageId"] for event in events} & set(_stored(workspace))
    assert _post(site, "/v1/batch", body).body == TAKEN
    assert {event["messageId"] for event in events} <= set(_stored(workspace))


def test_a_size_that_nobody_announced_counts_too(taking: Any, wired: Any):
    wire = wired(taking[1])
    head = (
        f"POST /v1/b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    wire.send(head.encode())
    for _ in range(5):
        wire.send(b"100000\r\n" + b" " * 2**20 + b"\r\n")
    wire.send(b"0\r\n\r\n")
    _refused(wire.answer(), 413)
    wire.send(head.encode() + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")
    _refused(wire.answer(), 400)  # on the same connection


def test_octet_by_octet_is_fine(taking: Any, wired: Any):
    workspace, site = taking
    event = _event()
    body = _batch(event)
    wire = wired(site)
    said = (
        f"POST /v1/b HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    for octet in said + body:
        wire.send(bytes([octet]))
    assert wire.answer().body == TAKEN
    assert event["messageId"] in _stored(workspace)


def test_requests_may_follow_each_other_without_waiting(taking: Any, wired: Any):
    workspace, site = taking
    events = [_event() for _ in range(20)]
    wire = wired(site)
    for event in events:
        body = _batch(event)
        head = f"POST /v1/b HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        wire.send(head.encode() + body)
    assert [wire.answer().status for _ in events] == [200] * 20
    assert {event["messageId"] for event in events} <= set(_stored(workspace))


def test_a_client_may_ask_first(taking: Any, wired: Any):
    wire = wired(taking[1])
    head = f"POST /v1/b HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nExpect: 100-continue\r\n"
    wire.send(f"{head}Content-Length: 12\r\n\r\n".encode())
    assert wire.answer().status == 100
    wire.send(b'{"batch":[]}')
    assert wire.answer().body == TAKEN


def test_a_bad_event_is_put_aside_and_its_batch_taken(taking: Any):
    workspace, site = taking
    good = _event()
    bad = [
        {"type": "nonsense", "messageId": "bad-1", "userId": "u"},
        _event(userId=None),
        _event(properties={"x": "y" * 40_000}),
        7,
        None,
    ]
    assert _post(site, "/v1/batch", _batch(*bad, good)).body == TAKEN
    assert set(_stored(workspace)) >= {good["messageId"]}
    assert "bad-1" not in _stored(workspace)
    with closing(inbox.Inbox.open(workspace.folder / "inbox.db")) as box:
        assert "bad-1" in {dead.message_id for dead in box.dead(100)}


def test_the_same_event_is_stored_once_whatever_it_is_called_by(taking: Any):
    workspace, site = taking
    event = _event()
    for path, body in (
        ("/v1/batch", _batch(event)),
        ("/v1/b/", _batch(event, event)),
        ("/v1/track", json.dumps(event).encode()),
        ("/v1/t", json.dumps(event).encode()),
    ):
        assert _post(site, path, body).body == TAKEN
    assert event["messageId"] in _stored(workspace)  # which looks for twins


def test_two_streams_may_use_one_message_id(taking: Any):
    workspace, site = taking
    event = _event()
    before = len(_batches(workspace))
    for key in (KEY, OTHER):
        assert _post(site, "/v1/batch", _batch(event), _basic(key)).body == TAKEN
    assert len(_batches(workspace)) == before + 2
    assert _post(site, "/v1/batch", _batch(event), _basic(OTHER)).body == TAKEN
    assert len(_batches(workspace)) == before + 2
    with closing(sqlite3.connect(workspace.folder / "inbox.db")) as raw, raw:
        raw.execute("DELETE FROM batches WHERE position = (SELECT max(position) FROM batches)")


def _batches(workspace: Any) -> list[Any]:
    with closing(inbox.Inbox.open(workspace.folder / "inbox.db")) as box:
        return box.batches(0, 100_000)


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/t/", "/v1/p"])
def test_browsers_may_ask_whether_they_may(taking: Any, path: str):
    site = taking[1]
    plain = site.ask("OPTIONS", path)
    assert (plain.status, plain.body) == (204, b"")
    assert {"authorization", "content-type"} <= set(plain.headers["access-control-allow-headers"].split(", "))
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-own",
    }
    answer = site.ask("OPTIONS", path, None, asked)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "x-own"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_events_are_posted(taking: Any, method: str):
    answer = taking[1].ask(method, "/v1/batch", None, _basic(KEY))
    assert answer.status == 405
    assert taking[1].ask("HEAD", "/v1/batch").status == 405


def test_browsers_learn_where_to_send(taking: Any):
    site = taking[1]
    answer = site.get(f"/v1/projects/{KEY}/settings")
    said = json.loads(answer.body)["integrations"]["Segment.io"]
    assert said["apiKey"] == KEY
    assert answer.headers["access-control-allow-origin"] == "*"
    assert _post(site, f"/{said['apiHost'].partition('/')[2]}/t", json.dumps(_event()).encode()).body == TAKEN
    assert site.get(f"/v1/projects/{KEY}/settings/").status == 200
    _refused(site.get("/v1/projects/wk_nobody_0123456789/settings"), 401)
    _refused(site.get("/v1/projects//settings"), 401)
    assert site.get(f"/v1/projects/{KEY}").status == 404


def test_who_keeps_a_place_and_asks_nothing_loses_it(taking: Any, wired: Any):
    """All at once, for each takes ten seconds."""
    site = taking[1]
    begun = time.monotonic()
    head = f"POST /v1/b HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n".encode()
    silent, in_head, in_body, cut, dripping = (wired(site) for _ in range(5))
    in_head.send(head)
    in_body.send(head + b'Content-Length: 100\r\n\r\n{"batch":')
    cut.send(head + b'Content-Length: 100\r\n\r\n{"batch":')
    cut.connection.shutdown(1)
    dripping.send(head + b"Content-Length: 100\r\n\r\n")
    while time.monotonic() < begun + 9:
        dripping.send(b" ")
        time.sleep(0.5)
        assert _post(site, "/v1/batch", _batch(_event())).status == 200
    _refused(in_body.answer(), 408)
    assert in_body.answer().status == 0
    _refused(dripping.answer(), 408)
    assert [wire.answer().status for wire in (silent, in_head)] == [0, 0]
    assert cut.answer().status in (0, 408)
    assert 9 < time.monotonic() - begun < 14


def test_a_head_without_end_is_cut_off(taking: Any, wired: Any):
    wire = wired(taking[1])
    wire.send(b"POST /v1/b HTTP/1.1\r\n")
    lines = b"X: yyyyyyy\r\n" * 2_000_000
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        wire.send(lines)


def test_nothing_is_acknowledged_while_nothing_can_be_stored(taking: Any):
    workspace, site = taking
    event = _event()
    sql = "CREATE TRIGGER no BEFORE INSERT ON batches BEGIN SELECT RAISE(ABORT, 'full'); END"
    _in_file(workspace, sql)
    _refused(_post(site, "/v1/batch", _batch(event)), 503)
    _in_file(workspace, "DROP TRIGGER no")
    assert event["messageId"] not in _stored(workspace)
    assert _post(site, "/v1/batch", _batch(event)).body == TAKEN
    assert event["messageId"] in _stored(workspace)


def _in_file(workspace: Any, sql: str) -> None:
    with closing(sqlite3.connect(workspace.folder / "inbox.db")) as raw, raw:
        raw.execute(sql)


def test_a_stream_may_be_declared_and_taken_away_while_we_serve(taking: Any):
    workspace, site = taking
    path = workspace.folder / "streams" / "new.toml"
    text = (workspace.folder / "streams" / "site.toml").read_text()
    new = "wk_new_0123456789"
    headers = _basic(new)
    _refused(_post(site, "/v1/batch", _batch(_event()), headers), 401)
    path.write_text(text.replace(KEY, new))
    time.sleep(1.2)
    assert _post(site, "/v1/batch", _batch(_event()), headers).status == 200
    path.write_text("nonsense")
    time.sleep(1.2)
    assert _post(site, "/v1/batch", _batch(_event()), headers).status == 200
    path.unlink()
    time.sleep(1.2)
    _refused(_post(site, "/v1/batch", _batch(_event()), headers), 401)
