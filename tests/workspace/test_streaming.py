"""What waits in the inbox becomes events of persons, traits and refusals, turn by turn."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.errors import BusyError
from suasion.ingest.inbox import Inbox
from suasion.ingest.signals import gpp
from suasion.ledger import reading, running, said, subject
from suasion.profiles import assemble_facts, catalogue_from
from suasion.rules import Channel, Purpose
from suasion.workspace.brief import sources_from
from suasion.workspace.streaming import parts

STREAMED = run_path(str(Path(__file__).with_name("streamed.py")))
Site, declare, order, login = (STREAMED[name] for name in ("Site", "declare", "order", "login"))
NOW, MEMBERS, occasion = STREAMED["NOW"], STREAMED["MEMBERS"], STREAMED["occasion"]
ONE, TWO, *_ = MEMBERS
HOUR = timedelta(hours=1)


@pytest.fixture(scope="session")
def read(tmp_path_factory) -> Path:
    """The workspace after its first ingest, to be copied."""
    folder = declare(tmp_path_factory.mktemp("read") / "shop")
    site = Site(folder)
    site.ws.ingest()
    site.close()
    return folder


@pytest.fixture
def site(read: Path, tmp_path: Path):
    shutil.copytree(read, tmp_path / "shop")
    made = Site(tmp_path / "shop")
    yield made
    made.close()


def test_an_event_changes_traits_and_segments_with_the_next_turn(site):
    (site.folder / "segments").mkdir()
    (site.folder / "segments" / "buyers.toml").write_text(
        'label = "Buyers"\nwhere = "orders >= 1"\n', "utf-8"
    )
    site.send(order(ONE, total=10.5, item="tea"))
    assert site.turn().events == 1
    assert site.of(ONE) == {
        "year_of_birth": 1970,
        "orders": 1,
        "orders_30": 1,
        "spent": 10.5,
        "first_item": "tea",
        "last_item": "tea",
        "idle": 0,
    }
    assert site.of(TWO)["orders"] is None
    assert site.ws.segment("buyers").matches == 1


def test_traits_move_with_the_days_without_an_event(site):
    site.send(order(ONE))
    site.turn()
    site.now += timedelta(days=30)
    assert site.turn().events == 0
    assert [site.of(ONE)[name] for name in ("orders", "orders_30", "idle")] == [1, 0, 30]


def test_a_turn_without_events_publishes_nothing(site):
    site.turn()
    versions = site.ws.tables().versions
    assert site.turn().events == 0
    assert site.ws.tables().versions == versions


def test_what_is_published_has_left_the_inbox(site):
    site.send(order(ONE))
    site.turn()
    assert site.inbox.waiting() == 0
    site.send(order(ONE))
    assert (site.turn().events, len(site.events())) == (1, 2)


def test_a_visitor_who_logs_in_brings_what_they_did_before(site):
    site.send(order(anonymous="d1", total=3, item="tea"))
    assert site.turn().new == 1
    alone = site.person("site.anonymous", "d1")
    assert site.traits()[alone]["orders"] == 1
    site.send(login(ONE, "d1"), order(ONE, total=4, item="milk"))
    assert site.turn().new == 0
    assert site.of(ONE)["spent"] == 7
    assert alone not in site.traits()
    assert {row["person"] for row in site.events()} == {site.person("member", ONE)}


def test_who_shares_a_device_stays_who_they_are(site):
    at = [NOW - n * HOUR for n in range(6, 0, -1)]
    site.send(login(ONE, "d1", at[0]), order(anonymous="d1", at=at[1], total=1))
    site.turn()
    site.send(login(TWO, "d1", at[3]), order(anonymous="d1", at=at[4], total=10))
    site.turn()
    site.send(order(anonymous="d1", at=at[2], total=100))
    site.turn()
    assert (site.of(ONE)["spent"], site.of(TWO)["spent"]) == (101, 10)
    site.ws.ingest()
    assert site.person("member", ONE) != site.person("member", TWO)


def test_two_streams_know_one_person(site):
    site.send(order(ONE, total=1))
    site.send(order(ONE, total=2), login(ONE, "phone"), order(anonymous="phone", total=4), stream="app")
    site.turn()
    assert site.of(ONE)["spent"] == 7
    by_purpose = site.traits(Purpose.PUBLIC_HEALTH)[site.person("member", ONE)]
    assert by_purpose["spent"] == 6, "the site does not permit public health"


def test_the_same_anonymous_identifier_in_two_streams_is_two_persons(site):
    site.send(order(anonymous="d"))
    site.send(order(anonymous="d"), stream="app")
    assert site.turn().new == 2


def test_somebody_new_gets_a_number_that_nobody_had_and_an_ingest_keeps_it(site):
    site.send(order("R0000099", total=5))
    assert site.turn().new == 1
    number = site.person("member", "R0000099")
    assert number == len(MEMBERS) + 1
    with (site.folder / "sources" / "members.csv").open("a") as file:
        file.write("R0000099,nine@mail.example,1999\nR0000100,ten@mail.example,1999\n")
    site.ws.ingest()
    assert site.person("member", "R0000099") == number
    assert (site.of("R0000099")["spent"], site.of("R0000099")["year_of_birth"]) == (5, 1999)
    assert site.person("member", "R0000100") == number + 1


def test_of_whom_only_a_stream_knows_no_consent_is_known_and_its_terms_hold(site):
    site.send(order("R0000099"))
    site.turn()
    who, catalogue = site.person("member", "R0000099"), catalogue_from(site.folder / "traits")
    now = occasion(NOW, Purpose.PUBLIC_HEALTH)
    facts = assemble_facts(site.ws.tables(), sources_from(site.folder), catalogue, now).to_pylist()
    (mine,) = [row for row in facts if row["person"] == who]
    assert (mine["purpose_permitted"], mine["consent"], mine["adult"], mine["place"]) == (
        False,
        None,
        None,
        "DE",
    )


def test_events_follow_persons_whom_an_ingest_makes_one(site):
    (site.folder / "streams" / "till.toml").write_text(
        STREAMED["DECLARED"]["streams/site.toml"].replace("wk_site", "wk_till").replace('"member"', '"card"'),
        "utf-8",
    )
    site.send(order(ONE, total=1))
    site.send(order("C1", total=2), stream="till")
    site.turn()
    assert site.person("card", "C1") != site.person("member", ONE)
    (site.folder / "sources" / "cards.toml").write_text(
        STREAMED["DECLARED"]["sources/members.toml"]
        .replace("members.csv", "cards.csv")
        .replace("{ member =", '{ card = "card", member =')
        .replace('contacts = { email = "email" }\n', "")
        .replace('traits = { year_of_birth = "year_of_birth" }', ""),
        "utf-8",
    )
    (site.folder / "sources" / "cards.csv").write_text(f"card,member\nC1,{ONE}\n", "utf-8")
    site.ws.ingest()
    site.turn()
    assert site.of(ONE)["spent"] == 3
    assert {row["person"] for row in site.events("till")} == {site.person("card", "C1")}


def test_a_trait_that_is_declared_later_counts_what_came_before(site):
    site.send(order(ONE, total=2))
    site.turn()
    text = (site.folder / "traits" / "all.toml").read_text("utf-8")
    more = '\n[traits.biggest]\ntype = "number"\ncategory = "behavior"\nlabel = "B"\ncomputed = '
    for how in (
        '{ event = "Order Completed", of = "last", property = "total" }',
        '{ event = "Seen", of = "sum", property = "x" }',
    ):
        (site.folder / "traits" / "all.toml").write_text(text + more + how, "utf-8")
        site.turn()
    (site.folder / "traits" / "all.toml").write_text(
        text + more + '{ event = "Order Completed", of = "last", property = "total" }', "utf-8"
    )
    site.send(order(TWO, total=8))
    site.turn()
    assert (site.of(ONE)["biggest"], site.of(TWO)["biggest"], site.of(ONE)["orders"]) == (2, 8, 1)


def test_events_of_a_stream_that_is_gone_are_left_out(site):
    site.send(order(ONE))
    (site.folder / "streams" / "site.toml").unlink()
    assert site.turn().left_out == {"a stream that is not declared any more": 1}
    assert site.events() == []


def test_no_contact_detail_is_in_a_table_of_events(site):
    site.send({"type": "identify", "userId": ONE, "traits": {"email": "secret@canary.example"}})
    site.send({"type": "group", "userId": ONE, "groupId": "g", "traits": {"name": "Canary House"}})
    site.turn()
    assert [(row["type"], row["payload"], row["group_id"]) for row in site.events()] == [
        ("identify", None, None),
        ("group", None, "g"),
    ]


def test_a_stream_whose_users_are_addresses_keeps_them_sealed(site):
    path = site.folder / "streams" / "site.toml"
    path.write_text(path.read_text("utf-8").replace('"member"', '"email"'), "utf-8")
    site.send(order("new@canary.example", total=1), order(" NEW@canary.example", total=2))
    assert site.turn().new == 1
    (who,) = {row["person"] for row in site.events()}
    assert site.traits()[who]["spent"] == 3
    assert all(row["user_id"] is None for row in site.events())
    for path in site.ws.lake.iterdir():
        assert b"canary" not in path.read_bytes().lower()


def test_an_opt_out_by_the_browser_is_in_force_when_the_turn_ends(site):
    site.send(order(ONE, total=5), context={"gpc": True})
    turn = site.turn()
    assert (turn.events, turn.untracked, turn.refused) == (1, 1, 1)
    (wish,) = subject.rows_of(site.ws.ledger, [site.person("member", ONE)], [])["wishes"]
    assert (wish["kind"], wish["source"]) == ("sale_opted_out", "#gpc")
    assert site.of(ONE)["orders"] == 0
    assert site.events()[0]["payload"] is None
    site.send(order(ONE, total=5), context={"gpc": True})
    assert site.turn().refused == 0


def test_a_no_to_a_category_is_a_no_at_once_and_is_journaled_once(site):
    no = {"consent": {"categoryPreferences": {"advertising": False, "functional": True}}}
    site.send(order(ONE, total=5), context=no)
    assert site.turn().refused == 1
    told = said.consents.told(site.ws.ledger).to_pylist()
    assert [(row["person"], row["given"], row["purpose"], row["channel"]) for row in told] == [
        (site.person("member", ONE), False, "commercial", "email")
    ]
    assert site.of(ONE)["spent"] == 5, "it was not a no to everything"
    lines = [entry.kind for entry in site.ws.ledger.journal.entries()]
    site.send(order(ONE), context=no)
    assert site.turn().refused == 0
    assert [entry.kind for entry in site.ws.ledger.journal.entries()] == lines
    assert lines.count("refused") == 1


def test_a_no_to_everything_lets_nothing_be_tracked_nor_joined(site):
    no = {"consent": {"categoryPreferences": {"advertising": False, "functional": False}}}
    site.send(order(anonymous="d1", total=5))
    site.send(login(ONE, "d1"), order(ONE, total=7), context=no)
    turn = site.turn()
    assert (turn.untracked, turn.refused) == (2, 1)
    assert site.of(ONE)["orders"] == 0
    assert site.person("site.anonymous", "d1") != site.person("member", ONE)


def test_a_yes_is_none(site):
    site.send(order(ONE), context={"consent": {"categoryPreferences": {"advertising": True}}})
    assert site.turn().refused == 0
    assert said.consents.told(site.ws.ledger).num_rows == 0


NO_SIGNALS: list[dict[str, Any]] = [
    {"gpc": "true"},
    {"gpc": 0},
    {"consent": []},
    {"consent": {"categoryPreferences": {"advertising": "false"}}},
    {"consent": {"categoryPreferences": {}}},
    {"gppString": "not one"},
    {"tcfString": 7},
]


@pytest.mark.parametrize("context", NO_SIGNALS)
def test_what_is_no_signal_says_nothing(site, context: dict[str, Any]):
    site.send(order(ONE), context=context)
    turn = site.turn()
    assert (turn.refused, turn.untracked) == (0, 0)


def test_strings_of_consent_platforms_opt_out(site):
    (vectors,) = Path(__file__).parents[1].glob("ingest/**/signals.json")
    texts = [one["text"] for one in json.loads(vectors.read_text("utf-8"))["gpp"]]
    out = [text for text in texts if gpp.read(text).opted_out]
    others = [text for text in texts if not gpp.read(text).opted_out]
    assert out
    assert others
    site.send(order(ONE), context={"gppString": out[0]})
    site.send(order(TWO), context={"gppString": others[0]})
    assert site.turn().refused == 1
    (wish,) = subject.rows_of(site.ws.ledger, [site.person("member", ONE)], [])["wishes"]
    assert (wish["kind"], wish["source"]) == ("sale_opted_out", "#gpp")


def test_blanks_name_nobody(site):
    site.send(order("  "), order(" ", "d1"), {"type": "alias", "userId": ONE, "previousId": " "})
    turn = site.turn()
    assert (turn.events, turn.new, turn.left_out) == (2, 1, {"no identifier but blanks": 1})


def test_a_sum_beyond_all_numbers_is_unknown(site):
    site.send(order(ONE, total=1e308), order(ONE, total=1e308))
    site.turn()
    assert (site.of(ONE)["spent"], site.of(ONE)["orders"]) == (None, 2)


def test_times_at_the_ends_of_the_calendar_stop_no_turn(site):
    for time in ("0001-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        site.send(order(ONE) | {"timestamp": time}, context={"gpc": True})
    assert site.turn().events == 3


def test_while_another_run_is_under_way_everything_waits(site):
    site.send(order(ONE))
    with running(site.ws.ledger, site.ws.lake, "another", NOW), pytest.raises(BusyError):
        site.turn()
    assert site.inbox.waiting() == 1
    assert site.turn().events == 1


def test_an_inbox_that_took_the_place_of_another_is_read_from_its_start(site):
    for _ in range(3):
        site.send(order(ONE))
    site.turn()
    site.inbox.close()
    for path in site.folder.glob("inbox.db*"):
        path.unlink()
    site.now += HOUR
    site.inbox = Inbox.open(site.folder / "inbox.db")
    site.streamer = type(site.streamer)(site.folder, site.ws.ledger, site.ws.lake, site.inbox, site.ws.key)
    site.send(order(ONE))
    assert site.turn().events == 1
    assert site.of(ONE)["orders"] == 4


def test_many_small_parts_become_one_and_old_versions_go(site, monkeypatch):
    monkeypatch.setattr(parts, "MOST", 3)
    for n in range(9):
        site.send(order(ONE, total=1, item=str(n)), order(TWO, total=2))
        site.turn()
        site.now += timedelta(minutes=2)
    held = {name: version.stored.rows for name, version in site.ws.tables().versions.items()}
    assert sum(rows > 0 for name, rows in held.items() if name.startswith("events.site.")) <= 4
    assert sum(rows > 0 for name, rows in held.items() if name.startswith("computed.")) <= 4
    assert (site.of(ONE)["orders"], site.of(ONE)["last_item"], site.of(TWO)["spent"]) == (9, "8", 18)
    assert len(site.events()) == 18
    site.now += timedelta(minutes=20)
    site.send(order(ONE))
    site.turn()
    site.send(order(ONE))
    site.turn()
    with site.ws.ledger.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT name, count(*) FROM table_versions GROUP BY name").all()
        runs = connection.exec_driver_sql("SELECT count(*) FROM runs WHERE command = 'stream'").scalar()
    assert all(count <= 3 for _, count in rows)
    assert runs <= 12
    assert len(list(site.ws.lake.glob("*.parquet"))) <= 40
    assert site.of(ONE)["orders"] == 11


def test_somebody_new_is_added_and_nobody_else_is_written_anew(site):
    before = site.ws.tables()
    for n in range(3):
        site.send(order(f"N{n}"), order(anonymous=f"d{n}"))
        site.turn()
    now = site.ws.tables()
    assert now.versions["identities"] == before.versions["identities"]
    assert now.pieces("identities") == ["identities", "identities+1", "identities+2", "identities+3"]
    found = [site.person("member", f"N{n}") for n in range(3)]
    found += [site.person("site.anonymous", f"d{n}") for n in range(3)]
    assert len(set(found)) == 6
    site.ws.ingest()
    assert site.ws.tables().pieces("identities") == ["identities"]
    assert [site.person("member", f"N{n}") for n in range(3)] == found[:3]


def test_pieces_become_few_again_and_stay_who_they_are(site, monkeypatch):
    monkeypatch.setattr(parts, "MOST", 2)
    monkeypatch.setattr(parts, "SMALL", 4)
    numbers = dict[str, int]()
    for n in range(9):
        site.send(order(f"N{n}"), order(anonymous=f"d{n}"), login(MEMBERS[n % 2], f"d{n // 2}"))
        site.turn()
        numbers[f"N{n}"] = site.person("member", f"N{n}")
    tables = site.ws.tables()
    for name in ("identities", "visitors"):
        small = [one for one in tables.pieces(name)[1:] if tables.versions[one].stored.rows < 4]
        assert len(small) <= 3
    assert {name: site.person("member", name) for name in numbers} == numbers
    assert len(set(numbers.values())) == 9
    for n in range(5):
        assert site.person("site.anonymous", f"d{n}") in {site.person("member", one) for one in MEMBERS[:2]}
    site.send(order("N100"))
    assert site.turn().new == 1
    assert site.person("member", "N100") > max(numbers.values())


def test_a_streamer_that_begins_anew_knows_what_another_told(site):
    site.send(order(ONE, anonymous="d1"), login(ONE, "d1"), order("N1"))
    site.turn()
    made = site.person("member", "N1")
    site.streamer = type(site.streamer)(site.folder, site.ws.ledger, site.ws.lake, site.inbox, site.ws.key)
    site.send(order("N1"), order(anonymous="d1"), order("N2"))
    assert site.turn().new == 1
    assert site.person("member", "N1") == made
    assert {row["person"] for row in site.events() if row["anonymous_id"] == "d1"} == {
        site.person("member", ONE)
    }


def test_whoever_began_to_read_reads_on(site, monkeypatch):
    monkeypatch.setattr(parts, "MOST", 1)
    site.send(order(ONE))
    site.turn()
    before = reading(site.ws.ledger, site.ws.lake)
    for _ in range(4):
        site.now += timedelta(seconds=20)
        site.send(order(ONE))
        site.turn()
    assert before.read("events.site.1", "serve").num_rows == 1
    assert before.read("visitors", "serve").num_rows == 1


MIXED = st.lists(
    st.tuples(
        st.sampled_from(["order", "anonymous", "login"]),
        st.integers(0, 2),
        st.integers(0, 40),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MIXED, st.randoms(), st.integers(1, 3))
def test_whatever_came_when_and_twice_traits_are_what_a_loop_over_all_events_says(
    read: Path, tmp_path_factory, mixed, chance, turns
):
    folder = tmp_path_factory.mktemp("mixed") / "shop"
    shutil.copytree(read, folder)
    site = Site(folder)
    told = []
    for n, (kind, who, days, total) in enumerate(mixed):
        at, id = NOW - timedelta(days=days, seconds=n), {"messageId": f"x{n}"}
        one = {
            "order": order(MEMBERS[who], at=at, total=total, item=f"i{n}"),
            "anonymous": order(anonymous=f"d{who}", at=at, total=total, item=f"i{n}"),
            "login": login(MEMBERS[who], f"d{who}", at),
        }[kind]
        told.append(one | id)
    logged_in = {who for kind, who, _, _ in mixed if kind == "login"}
    mixed_up = [*told, *chance.choices(told, k=4)]  # some come twice
    chance.shuffle(mixed_up)
    for n in range(turns):
        for part in (mixed_up[n::turns][::2], mixed_up[n::turns][1::2]):
            if part:
                site.send(*part)
        site.turn()
    expected: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for n, (kind, who, days, total) in enumerate(mixed):
        if kind == "order" or (kind == "anonymous" and who in logged_in):
            expected[MEMBERS[who]].append((-days, -n, total, f"i{n}"))
    for member in MEMBERS[:3]:
        done, found = sorted(expected[member]), site.of(member)
        assert found["orders"] == len(done) or (found["orders"] is None and not done)
        assert found["orders_30"] == sum(days > -30 for days, *_ in done) or not done
        assert (found["spent"] or 0) == sum(total for *_, total, _ in done)
        if done:
            assert (found["first_item"], found["last_item"]) == (done[0][-1], done[-1][-1])
            assert found["idle"] == -done[-1][0]
    assert len(site.events()) == len(mixed)
    assert json.loads(site.ws.tables().versions["inbox"].inputs)["position"] > 0
    site.close()
    shutil.rmtree(folder)


def test_a_refusal_is_of_its_purpose_and_channel_alone(site):
    site.send(order(ONE), context={"consent": {"categoryPreferences": {"advertising": False, "x": True}}})
    site.turn()
    told = said.consents.told(site.ws.ledger).to_pylist()
    assert {(Purpose(row["purpose"]), Channel(row["channel"])) for row in told} == {
        (Purpose.COMMERCIAL, Channel.EMAIL)
    }
