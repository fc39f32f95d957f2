"""What is acknowledged is on disk, once."""

import json
import multiprocessing
import resource
import sqlite3
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import BusyError, DamageError, SuasionError, WorkspaceError
from suasion.ingest import inbox
from suasion.ingest.inbox import Inbox, Stored
from suasion.ingest.inbox.seen import KEPT, Seen
from suasion.ingest.tracking import Parsed, parse
from suasion.ledger import Ledger

NOW = 1_800_000_000.0


@pytest.fixture
def opened(where: Path | str, tmp_path: Path) -> Callable[[], Inbox]:
    """Opens the inbox of the test, in a file or beside a ledger; again, it is the same."""
    if isinstance(where, Path):
        return lambda: Inbox.open(tmp_path / "inbox.db")
    return lambda: Inbox.beside(Ledger.open(where))


@pytest.fixture
def box(opened: Callable[[], Inbox]) -> Generator[Inbox]:
    made = opened()
    yield made
    made.close()


def request(*ids: str, at: float = NOW, **more: Any) -> Parsed:
    events = [{"type": "track", "event": "Seen", "userId": "u", "messageId": one, **more} for one in ids]
    return parse(json.dumps({"batch": events}).encode(), "batch", at)


def put(box: Inbox, *ids: str, stream: str = "site", at: float = NOW, **more: Any) -> Stored:
    return box.offer(stream, request(*ids, at=at, **more), at).result(30)


def stored(box: Inbox) -> list[str]:
    return [event.message_id for batch in box.batches(0, 10**6) for event in batch.events]


def everything(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.iterdir() if one.name.startswith(path.name))


def test_what_is_stored_comes_out_as_it_went_in(box: Inbox):
    body = {
        "batch": [{"type": "identify", "userId": 7, "messageId": "m", "context": {"traits": {"a": 1}}}],
        "sentAt": "2026-01-01T00:00:00Z",
        "context": {"ip": "::1"},
    }
    parsed = parse(json.dumps(body).encode(), "batch", NOW)
    assert box.offer("site", parsed, NOW).result(30) == Stored(1, 0, 0)
    [batch] = box.batches(0, 10)
    assert (batch.stream, batch.received_at) == ("site", NOW)
    for ours, theirs in zip(batch.events, parsed.events, strict=True):
        for name in ours.__struct_fields__:
            one, other = getattr(ours, name), getattr(theirs, name)
            assert (bytes(one) == bytes(other)) if name in ("payload", "context") else one == other


def test_a_single_event_keeps_the_type_of_its_route(box: Inbox):
    box.offer("site", parse(b'{"userId": "u", "messageId": "m"}', "page", NOW), NOW).result(30)
    assert box.batches(0, 1)[0].events[0].type == "page"


def test_a_message_is_stored_once(box: Inbox):
    assert put(box, "a", "b") == Stored(2, 0, 0)
    assert put(box, "b", "c", "c") == Stored(1, 2, 0)
    assert put(box, "a", "b", "c") == Stored(0, 3, 0)
    assert stored(box) == ["a", "b", "c"]


def test_the_same_message_id_in_another_stream_is_another_message(box: Inbox):
    assert put(box, "a", stream="site").new == 1
    assert put(box, "a", stream="app").new == 1
    assert put(box, "b\0", stream="a").new + put(box, "b", stream="a\0").new == 1  # NUL makes the first dead


def test_messages_are_known_again_after_a_restart(opened: Callable[[], Inbox]):
    for expected in (Stored(2, 0, 0), Stored(0, 2, 0)):
        box = opened()
        assert put(box, "a", "b") == expected
        box.close()


def test_messages_are_known_again_after_they_were_used(box: Inbox):
    put(box, "a")
    box.forget(box.batches(0, 1)[0].position)
    assert put(box, "a", at=NOW + 86_400) == Stored(0, 1, 0)
    assert stored(box) == []


def test_digests_are_let_go_when_nobody_needs_them(opened: Callable[[], Inbox]):
    box = opened()
    put(box, "a")
    put(box, "b", at=NOW + KEPT + 1)
    box.forget(2)
    box.close()
    box = opened()
    with closing(box.place.connect()) as other:
        assert len([*other.seen_after(0)]) == 1
    assert put(box, "b", at=NOW + KEPT + 2) == Stored(0, 1, 0)
    assert put(box, "a", at=NOW + KEPT + 2) == Stored(1, 0, 0)
    box.close()


def test_positions_grow_and_are_never_given_twice(box: Inbox):
    put(box, "a")
    box.forget(1)
    put(box, "b")
    assert [batch.position for batch in box.batches(1, 10)] == [2]


def test_batches_come_in_order_from_where_one_stopped(box: Inbox):
    for n in range(10):
        put(box, str(n))
    first = box.batches(0, 4)
    rest = box.batches(first[-1].position, 100)
    assert [event.message_id for batch in first + rest for event in batch.events] == [
        str(n) for n in range(10)
    ]
    assert box.waiting() == 10
    box.forget(first[-1].position)
    assert stored(box) == [str(n) for n in range(4, 10)]
    assert box.waiting() == 6


def test_many_batches_are_forgotten_at_once(box: Inbox):
    for wait in [box.offer("site", request(str(n)), NOW) for n in range(200)]:
        wait.result(30)
    box.forget(150)
    assert [batch.position for batch in box.batches(0, 1000)] == list(range(151, 201))
    box.forget(10**9)
    assert box.waiting() == 0


def test_what_could_not_be_used_is_told_newest_first(box: Inbox):
    events = [{"type": "?", "messageId": "bad"}, {"type": "track", "event": "x", "userId": "u"}, 3]
    parsed = parse(json.dumps({"batch": events}).encode(), "batch", NOW)
    assert box.offer("site", parsed, NOW).result(30) == Stored(1, 0, 2)
    last, first = box.dead(10)
    assert (first.reason, first.message_id, first.stream) == ("no type that is known", "bad", "site")
    assert last.message_id is None
    assert len(box.dead(1)) == 1


def test_a_request_without_events_is_stored_as_nothing(box: Inbox):
    assert box.offer("site", parse(b'{"batch": []}', "batch", NOW), NOW).result(30) == Stored(0, 0, 0)
    assert box.waiting() == 0


def test_an_error_of_one_caller_does_not_stop_the_writer(box: Inbox):
    box.check()
    for n in range(50):
        box.offer("site", request(str(n)), NOW).cancel()
    assert put(box, "last") == Stored(1, 0, 0)


def test_nothing_is_taken_when_too_much_waits(tmp_path: Path):
    box = Inbox.open(tmp_path / "inbox.db")
    box.check()
    big = [request(f"{n}", properties={"text": "x" * 30_000}) for n in range(3_000)]
    with closing(sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waits = []
        with pytest.raises(BusyError):
            waits.extend(box.offer("site", parsed, NOW) for parsed in big)
        other.execute("ROLLBACK")
    assert 1_000 < len(waits) < 3_000
    assert {wait.result(60) for wait in waits} == {Stored(1, 0, 0)}
    assert put(box, "after").new == 1
    assert Counter(stored(box)) == Counter({**{f"{n}": 1 for n in range(len(waits))}, "after": 1})
    box.close()


def test_a_closed_inbox_takes_nothing_and_has_written_all(opened: Callable[[], Inbox]):
    box = opened()
    waits = [box.offer("site", request(str(n)), NOW) for n in range(100)]
    box.close()
    assert all(wait.result(0).new == 1 for wait in waits)
    with pytest.raises(BusyError):
        box.offer("site", request("late"), NOW)


def test_a_full_disk_is_told_and_nothing_is_acknowledged(tmp_path: Path):
    box = Inbox.open(tmp_path / "inbox.db")
    put(box, "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = (tmp_path / "inbox.db-wal").stat().st_size + 1_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        for _ in range(2):
            with pytest.raises(WorkspaceError, match="full"):
                put(box, "b", "c")
        with pytest.raises(SuasionError):
            box.check()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert put(box, "a", "b", "c") == Stored(2, 1, 0)
    assert stored(box) == ["a", "b", "c"]
    box.check()
    box.close()


def test_a_file_that_is_no_inbox_is_told(tmp_path: Path):
    path = tmp_path / "inbox.db"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(DamageError, match=r"inbox\.db"):
        Inbox.open(path)
    with pytest.raises(SuasionError):
        Inbox.open(tmp_path / "no folder" / "inbox.db")


def test_a_later_version_is_not_touched(tmp_path: Path):
    path = tmp_path / "inbox.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(WorkspaceError, match="version 9"):
        Inbox.open(path)


def test_damage_inside_is_told(tmp_path: Path):
    path = tmp_path / "inbox.db"
    box = Inbox.open(path)
    for n in range(40):
        put(box, str(n), properties={"text": "x" * 20_000})
    box.close()
    content = bytearray(path.read_bytes())
    content[16_384:] = bytes(len(content) - 16_384)
    path.write_bytes(content)
    box = Inbox.open(path)
    with pytest.raises(DamageError):
        box.batches(0, 100)
    with pytest.raises(DamageError):
        put(box, "a")
    box.close()


def _offer_all(opened: Callable[[], Inbox], start: Any, told: Any) -> None:
    box = opened()
    box.check()
    start.wait()
    waits = [box.offer("site", request(*(f"{n}-{k}" for k in range(10))), NOW) for n in range(200)]
    told.put(sum(wait.result(60).new for wait in waits))
    box.close()


def test_of_two_processes_only_one_stores_a_message(opened: Callable[[], Inbox]):
    spawn = multiprocessing.get_context("fork")
    start, told = spawn.Barrier(2), spawn.Queue()
    both = [spawn.Process(target=_offer_all, args=(opened, start, told)) for _ in range(2)]
    for one in both:
        one.start()
    counts = [told.get(timeout=100) for _ in both]
    for one in both:
        one.join()
    assert sum(counts) == 2_000
    box = opened()
    assert Counter(stored(box)) == Counter(f"{n}-{k}" for n in range(200) for k in range(10))
    box.close()


def test_a_person_s_events_are_found_and_erased(box: Inbox):
    events: list[dict[str, object]] = [
        {"userId": "anna-secret", "messageId": "1"},
        {"userId": "berta", "anonymousId": "phone-secret", "messageId": "2"},
        {"anonymousId": "phone-secret", "messageId": "3"},
        {"userId": "berta", "previousId": "phone-secret", "type": "alias", "messageId": "4"},
        {"userId": "berta", "messageId": "5"},
        {"userId": "anna-secre", "messageId": "6"},
    ]
    for event in events:
        event.setdefault("type", "track")
        event["event"] = "Seen"
    whole = parse(json.dumps({"batch": events}).encode(), "batch", NOW)
    box.offer("site", whole, NOW).result(30)
    put(box, "alone", userId="anna-secret")
    put(box, "elsewhere", stream="app", userId="anna-secret")
    who = ({"anna-secret"}, {"phone-secret"})
    assert [event.message_id for event in inbox.find(box, "site", *who)] == ["1", "3", "4", "alone"]
    assert inbox.erase(box, "site", *who) == 4
    assert inbox.find(box, "site", *who) == []
    assert stored(box) == ["2", "5", "6", "elsewhere"]
    assert put(box, "1", userId="anna-secret") == Stored(0, 1, 0)


def test_what_is_erased_or_forgotten_is_in_no_file_any_more(tmp_path: Path):
    box = Inbox.open(tmp_path / "inbox.db")
    for n in range(30):
        put(box, f"a{n}", userId="anna-secret", properties={"text": "x" * 900 * n})
        put(box, f"b{n}", userId="berta-secret")
    assert b"anna-secret" in everything(tmp_path / "inbox.db")
    assert inbox.erase(box, "site", {"anna-secret"}, ()) == 30
    assert b"anna-secret" not in everything(tmp_path / "inbox.db")
    assert b"berta-secret" in everything(tmp_path / "inbox.db")
    assert len(stored(box)) == 30
    box.forget(10**9)
    assert inbox.erase(box, "site", {"anna-secret"}, ()) == 0
    assert b"berta-secret" not in everything(tmp_path / "inbox.db")
    box.close()


def test_erasure_while_others_write_costs_nobody_else(box: Inbox):
    waits = []
    for n in range(100):
        waits.append(box.offer("site", request(f"a{n}", f"b{n}"), NOW))
        waits.append(box.offer("site", request(f"c{n}", userId="anna"), NOW))
        if n % 25 == 24:
            inbox.erase(box, "site", {"anna"}, ())
    assert all(wait.result(30).new for wait in waits)
    inbox.erase(box, "site", {"anna"}, ())
    assert sorted(stored(box)) == sorted(f"{one}{n}" for n in range(100) for one in "ab")


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=20))
def test_seen_is_a_set(groups: list[list[int]]):
    seen, known = Seen(), set[int]()
    for group in groups:
        digests = np.array([[n % 3, n + 1] for n in group], np.uint64).reshape(-1, 2)
        expected = []
        for n in group:
            expected.append(n not in known)
            known.add(n)
        assert seen.add(digests, 0.0).tolist() == expected


def test_seen_knows_millions_and_lets_old_tables_go():
    seen, luck = Seen(), np.random.default_rng(1)
    digests = luck.integers(1, 2**64, (1_500_000, 2), dtype=np.uint64)
    for part in np.split(digests, 15):
        assert seen.add(part, 0.0).all()
    assert not seen.add(digests[::-7], KEPT / 2).any()
    assert seen.add(digests[:10], 3 * KEPT).all()


KILLED = Path(__file__).with_name("killed.py")


def _killed(folder: Path, kills: int, where: Path | str) -> None:
    """Kill writers under load; then what was acknowledged must be there, once."""
    place = folder / "inbox.db" if isinstance(where, Path) else where
    call = [sys.executable, str(KILLED), str(folder), str(kills), str(place)]
    subprocess.run(call, check=True, timeout=1_500)
    acknowledged = {one for (one,) in struct.iter_unpack("<q", (folder / "acknowledged").read_bytes())}
    box = Inbox.open(place) if isinstance(place, Path) else Inbox.beside(Ledger.open(place))
    there = Counter(stored(box))
    box.close()
    assert len(acknowledged) > 2 * kills
    assert set(there.values()) == {1}
    lost = [n for n in acknowledged for k in range(20) if f"{n}-{k}" not in there]
    assert not lost


def test_ten_kills_lose_nothing_and_store_nothing_twice(tmp_path: Path, where: Path | str):
    _killed(tmp_path, 10, where)


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing_and_store_nothing_twice(tmp_path: Path, where: Path | str):
    _killed(tmp_path, 200, where)


@pytest.fixture
def beside(postgres: Any) -> Generator[Inbox]:
    made = Inbox.beside(Ledger.open(postgres.ledger()))
    yield made
    made.close()


def test_who_reads_on_misses_nothing_while_several_write(postgres: Any):
    """Positions are in the order of commits, whoever writes how much."""
    url = postgres.ledger()
    boxes = [Inbox.beside(Ledger.open(url)) for _ in range(3)]
    read, last, waits = list[str](), 0, list[Any]()
    for n in range(60):
        waits += [
            box.offer("site", request(*(f"{k}-{n}-{i}" for i in range(20))), NOW)
            for k, box in enumerate(boxes)
        ]
        for batch in boxes[n % 3].batches(last, 1_000):
            read += [event.message_id for event in batch.events]
            last = batch.position
    assert all(wait.result(60).new == 20 for wait in waits)
    for batch in boxes[0].batches(last, 10_000):
        read += [event.message_id for event in batch.events]
    assert Counter(read) == Counter(f"{k}-{n}-{i}" for k in range(3) for n in range(60) for i in range(20))
    for box in boxes:
        box.close()


def test_a_server_that_was_away_is_used_again(beside: Inbox, postgres: Any):
    assert put(beside, "a").new == 1
    postgres.stop()
    try:
        with pytest.raises(SuasionError):
            put(beside, "b")
        with pytest.raises(SuasionError):
            beside.check()
    finally:
        postgres.start()
    assert put(beside, "a", "b") == Stored(1, 1, 0)
    assert stored(beside) == ["a", "b"]
    beside.check()


def test_a_ledger_takes_no_notice_of_the_inbox_beside_it(beside: Inbox):
    ledger = beside.place.ledger
    assert (
        Ledger.open(ledger.place.url.render_as_string(hide_password=False).replace("+psycopg", "")).current()
        == {}
    )
    ledger.place.rebuild(ledger.engine)
    assert put(beside, "a").new == 1


def test_a_later_version_on_a_server_is_not_touched(beside: Inbox):
    with beside.place.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE inbox_version SET version = 9")
    with pytest.raises(WorkspaceError, match="version 9"):
        Inbox.beside(beside.place.ledger)
