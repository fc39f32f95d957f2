"""A yes counts with evidence only; the newest word counts, and a person's own no always."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from suasion.ingest.source import ConsentColumn
from suasion.ledger import Ledger, Tables, consents, opt_in
from suasion.ledger.sends.refused import REFUSED
from suasion.profiles.consents import consents_of_persons
from suasion.rules import Channel, Jurisdiction, Occasion, Purpose, Use

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAIR = (Purpose.COMMERCIAL, Channel.EMAIL)
WORDS = "Yes, write to me."


def occasion(at: datetime = NOW, purpose: Purpose = Purpose.COMMERCIAL, channel: str = "email") -> Occasion:
    uses = frozenset({Use.CONTACT})
    return Occasion(uses, purpose, "spring", Jurisdiction("DE", at.date()), at, Channel(channel))


def consent(**mapping: Any) -> ConsentColumn:
    """The column ``ok`` with its time in ``on``, unless told otherwise."""
    usual = {"column": "ok", "purpose": "commercial", "channel": "email"}
    proof = {"wording": WORDS, "capture": "web form", "said_at": "on"}
    return ConsentColumn(**(usual | proof | mapping))


@pytest.fixture
def facts(publish, make_source):
    """Ingest rows ``id,ok,on[,...]`` of one source or several, and tell what is true of consent."""

    def told(*parts: tuple[ConsentColumn, str], at: datetime = NOW, own: Any = None, **mapping: Any) -> Any:
        sources = [
            (make_source(f"s{i}", consents=(one,), **mapping), content)
            for i, (one, content) in enumerate(parts)
        ]
        tables: Tables = publish(*sources)
        rows = consents_of_persons(tables, [one for one, _ in sources], occasion(at), own)
        return {row.pop("person"): row for row in rows.to_pylist()}

    return told


def said(facts: Any, *parts: Any, **known: Any) -> dict[int, bool | None]:
    return {person: row["consent"] for person, row in facts(*parts, **known).items()}


@pytest.mark.parametrize("lacking", [{"wording": None}, {"capture": None}, {"said_at": None}])
def test_a_yes_without_evidence_is_none_and_a_no_needs_none(facts: Any, lacking: dict[str, None]):
    rows = "id,ok,on\n1,yes,2026-01-01\n2,no,\n3,yes,2026-01-01\n"
    assert said(facts, (consent(**lacking), rows)) == {1: None, 2: False, 3: None}
    assert said(facts, (consent(), rows)) == {1: True, 2: False, 3: True}


def test_a_yes_without_its_time_is_none(facts: Any):
    assert said(facts, (consent(), "id,ok,on\n1,yes,\n2,yes,2026-01-01\n")) == {1: None, 2: True}


def test_one_day_for_all_counts_where_the_mapping_says_it(facts: Any):
    assert facts((consent(said_at=date(2026, 11, 1)), "id,ok\n1,yes\n"))[1]["consent_days"] == 20


def test_a_yes_of_the_future_is_none_until_then(facts: Any):
    row = (consent(), "id,ok,on\n1,yes,2026-11-22\n2,yes,2026-11-21T12:00:01Z\n3,yes,2026-11-21T12:00Z\n")
    assert said(facts, row) == {1: None, 2: None, 3: True}
    assert said(facts, row, at=NOW + timedelta(days=1)) == {1: True, 2: True, 3: True}


@pytest.mark.parametrize(("days", "yes"), [(-1, True), (0, True), (1, False)])
def test_a_yes_holds_to_the_end_of_its_last_day(facts: Any, days: int, yes: bool):
    rows = "id,ok,on,until\n1,yes,2026-01-01,2026-11-21\n"
    assert said(facts, (consent(expires="until"), rows), at=NOW + timedelta(days=days)) == {1: yes}


def test_an_expired_yes_is_a_no_even_without_evidence(facts: Any):
    rows = "id,ok,on,until\n1,yes,2020-01-01,2021-01-01\n"
    assert said(facts, (consent(expires="until", wording=None), rows)) == {1: False}


def test_full_days_count_of_days_and_of_times(facts: Any):
    rows = (
        "id,ok,on\n1,yes,2026-11-21\n2,yes,2026-11-20\n3,yes,2026-11-20T12:00:01Z\n4,yes,2026-11-20T12:00Z\n"
    )
    found = facts((consent(), rows))
    assert {person: row["consent_days"] for person, row in found.items()} == {1: 0, 2: 1, 3: 0, 4: 1}


def test_times_of_all_zones_are_compared_as_times(facts: Any):
    old = (consent(), "id,ok,on\n1,yes,2026-11-20T23:30:00-05:00\n")
    new = (consent(separate=True), "id,ok,on\n1,yes,2026-11-21T05:00:00+00:00\n")
    assert facts(old, new)[1]["consent_separate"] is True
    assert facts(new, old)[1]["consent_separate"] is True


def test_how_it_was_said_is_that_of_the_newest_yes(facts: Any):
    paper = (
        consent(separate=True, written=True, confirmed="sure"),
        "id,ok,on,sure\n1,yes,2026-01-01,2026-01-02\n",
    )
    form = (consent(), "id,ok,on\n1,yes,2026-02-01\n")
    kept = ("consent_separate", "consent_written", "consent_confirmed")
    assert [facts(paper)[1][name] for name in kept] == [True] * 3
    assert [facts(paper, form)[1][name] for name in kept] == [False] * 3
    again = (paper[0], paper[1].replace("2026-01", "2026-03"))
    assert [facts(form, again)[1][name] for name in kept] == [True] * 3


def test_of_two_yeses_of_one_time_the_weaker_counts(facts: Any):
    rows = "id,ok,on\n1,yes,2026-01-01\n"
    found = facts((consent(separate=True), rows), (consent(written=True), rows))
    assert (found[1]["consent_separate"], found[1]["consent_written"]) == (False, False)


def test_how_a_refused_consent_was_said_is_nothing(facts: Any):
    rows = "id,ok,on\n1,yes,2026-01-01\n"
    found = facts((consent(separate=True), rows), (consent(), "id,ok,on\n1,no,\n"))[1]
    assert found == {"consent": False} | dict.fromkeys(list(found)[1:])


def test_a_double_opt_in_of_the_future_is_none_yet(facts: Any):
    rows = "id,ok,on,sure\n1,yes,2026-01-01,2026-11-22\n2,yes,2026-01-01,\n"
    found = facts((consent(confirmed="sure"), rows))
    assert [row["consent_confirmed"] for row in found.values()] == [False, False]


def test_other_words_have_another_hash_and_old_answers_keep_theirs(facts: Any, tmp_path: Path):
    """Who swaps the words in the mapping does not change what people said yes to."""
    rows = "id,ok,on\n1,yes,2026-01-01\n2,yes,2026-01-01\n"
    assert facts((consent(), rows))[1]["consent_separate"] is False
    other = consent(wording="Yes, and sell my data.", separate=True)
    asked_again = rows.replace("2,yes,2026-01-01", "2,yes,2026-02-01")
    found = facts((other, asked_again))
    assert {person: row["consent_separate"] for person, row in found.items()} == {1: False, 2: True}
    assert {row["consent"] for row in found.values()} == {True}
    kept = _rows(tmp_path, "SELECT c.person, w.text FROM consents c JOIN wordings w ON w.digest = c.wording")
    assert sorted(kept) == [(1, WORDS), (2, "Yes, and sell my data.")]
    found = facts((other, asked_again))  # and so it stays
    assert {person: row["consent_separate"] for person, row in found.items()} == {1: False, 2: True}


def test_words_that_were_missing_can_be_added(facts: Any):
    rows = "id,ok,on\n1,yes,2026-01-01\n"
    assert said(facts, (consent(wording=None), rows)) == {1: None}
    assert said(facts, (consent(), rows)) == {1: True}


def test_what_is_declared_of_the_same_words_can_be_mended(facts: Any):
    rows = "id,ok,on\n1,yes,2026-01-01\n"
    assert facts((consent(), rows))[1]["consent_separate"] is False
    assert facts((consent(separate=True), rows))[1]["consent_separate"] is True


# What a person told us.


def own(given: bool, said_at: str, confirmed: str | None = "2026-11-20T00:00:00Z", **more: Any) -> pa.Table:
    row = {"person": 1, "given": given, "said_at": said_at, "confirmed_at": confirmed}
    proof = {"wording": "w", "capture": "mail", "purpose": "commercial", "channel": "email"}
    schema = pa.schema([*consents.SAID, ("purpose", pa.string()), ("channel", pa.string())])
    return pa.Table.from_pylist([{**row, **proof, **more}], schema)


@pytest.mark.parametrize("imported", ["2020-01-01", "2026-11-20", "2026-11-21T11:59Z"])
def test_no_import_undoes_a_persons_no(facts: Any, imported: str):
    row = (consent(separate=True), f"id,ok,on\n1,yes,{imported}\n")
    assert said(facts, row, own=own(False, "2026-06-01T00:00:00Z", None)) == {1: False}


@pytest.mark.parametrize(
    ("imported", "yes"),
    [
        ("no,2026-05-31", True),
        ("no,2026-06-01", False),
        ("no,2026-06-01T09:59Z", True),
        ("no,2026-06-02", False),
    ],
)
def test_a_persons_own_yes_outweighs_older_words_of_sources(facts: Any, imported: str, yes: bool):
    row = (consent(), f"id,ok,on\n1,{imported}\n")
    assert said(facts, row, own=own(True, "2026-06-01T10:00:00Z")) == {1: yes}
    assert said(facts, row) == {1: False}


def test_a_no_without_a_date_is_of_the_day_its_source_was_observed(facts: Any):
    row = (consent(), "id,ok,on\n1,no,\n")
    told = own(True, "2026-06-01T10:00:00Z")
    assert said(facts, row, own=told, observed_on=date(2026, 5, 31)) == {1: True}
    assert said(facts, row, own=told, observed_on=date(2026, 6, 1)) == {1: False}


def test_a_persons_yes_that_is_not_confirmed_counts_for_nothing(facts: Any):
    row = (consent(), "id,ok,on\n1,no,2026-01-01\n")
    assert said(facts, row, own=own(True, "2026-06-01T10:00:00Z", None)) == {1: False}


def test_of_an_expired_yes_of_the_person_and_a_newer_one_on_paper_the_newer_counts(facts: Any):
    row = (consent(), "id,ok,on\n1,yes,2026-08-01\n")
    assert said(facts, row, own=own(True, "2025-01-01T00:00:00Z", expires_on=date(2026, 1, 1))) == {1: True}
    assert said(facts, row, own=own(True, "2026-09-01T00:00:00Z", expires_on=date(2026, 10, 1))) == {1: False}


def test_words_about_another_purpose_or_channel_are_not_heard(facts: Any):
    row = (consent(), "id,ok,on\n1,yes,2026-08-01\n")
    for other in ({"purpose": "political"}, {"channel": "sms"}):
        assert said(facts, row, own=own(False, "2026-09-01T00:00:00Z", None, **other)) == {1: True}


# The claim says the same.

WORD = st.tuples(
    st.booleans(),
    st.sampled_from([None, "2026-01-01", "2026-01-01T10:00:00Z", "2026-02-01", "2026-02-01T10:00:00Z"]),
    st.booleans(),
    st.sampled_from([None, date(2026, 11, 20), date(2026, 11, 21)]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORD, max_size=3), st.one_of(st.none(), WORD))
def test_facts_and_claims_agree_on_who_refused(
    tmp_path: Path, imported: list[tuple[Any, ...]], person: tuple[Any, ...] | None
):
    """The claim refuses where facts say no, and where all that was said is a yes without evidence."""
    words = [(f"s{i}", one) for i, one in enumerate(imported)]
    words += [("#person", person)] if person is not None else []
    ledger = Ledger.open(tmp_path / "ledger.db")
    with ledger.writing() as connection:
        connection.execute(text("DELETE FROM consents"))
    tables = {}
    with ledger.writing() as connection:
        for source, (yes, at, proven, until) in words:
            at = at or (None if yes else "2026-01-15")
            own_at = "2026-02-01T10:00:01Z" if source == "#person" else None
            row = {"person": 1, "given": yes, "said_at": at, "expires_on": until, "confirmed_at": own_at}
            table = pa.Table.from_pylist(
                [row | {"wording": "w", "capture": "c" if proven else None}], consents.SAID
            )
            consents.record_consents(source, {PAIR: table})(connection, 1)
            tables[source] = table
    refused = _refused(ledger)
    imports = pa.concat_tables(
        [consents.SAID.empty_table(), *(t for s, t in tables.items() if s != "#person")]
    )
    found = _judged(imports, consents.told(ledger))
    nothing = not found or (found[0]["consent"] is None)
    assert refused is (bool(words) and (nothing or found[0]["consent"] is False))


def _refused(ledger: Ledger) -> bool:
    asked = {"purpose": "commercial", "channel": "email", "today": NOW.date().isoformat()}
    with ledger.engine.connect() as connection:
        return bool(connection.execute(text(f"SELECT {REFUSED} FROM (SELECT 1 AS person) s"), asked).scalar())


def _judged(imports: pa.Table, told: pa.Table) -> list[dict[str, Any]]:
    columns = {f"{n}:commercial:email": imports[c] for n, c in RECORD.items()}
    records = pa.table({"person": imports["person"], **columns})

    class Stored:
        def read(self, _name: str, _made_by: str) -> pa.Table:
            return records

    class Mapped:
        name, consents = "s", (consent(),)

    return consents_of_persons(Stored(), [Mapped()], occasion(), told).to_pylist()  # type: ignore[arg-type]


RECORD = {"consent": "given", "expires": "expires_on", "said": "said_at", "confirmed": "confirmed_at"}
RECORD |= {name: name for name in ("wording", "capture", "separate", "written")}


def _rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with Ledger.open(folder / "ledger.db").engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_who_is_told_of_evidence_that_lacks(facts: Any, tmp_path: Path):
    facts((consent(capture=None), "id,ok,on\n1,yes,2026-01-01\n2,yes,2026-01-01\n3,no,\n"))
    ledger = Ledger.open(tmp_path / "ledger.db")
    assert consents.unproven(ledger) == (consents.Unproven("s0", "commercial", "email", 2),)


def test_signals_that_opt_out_become_wishes_and_stay(publish, make_source, tmp_path: Path):
    source = make_source("web", signals=({"kind": "gpc", "column": "gpc"},))
    publish((source, "id,gpc\n1,1\n2,0\n3,\n"))
    publish((source, "id,gpc\n1,0\n2,0\n3,\n"))
    assert _rows(tmp_path, "SELECT person, kind, source FROM wishes") == [(1, "sale_opted_out", "#gpc")]


@pytest.mark.slow
def test_a_million_persons_are_judged_in_seconds():
    n = 1_000_000
    row = {"person": pa.array(range(n)), "consent:commercial:email": pa.repeat(True, n)}
    texts = {"said": "2026-01-01", "wording": "w" * 64, "capture": "form"}
    row |= {f"{name}:commercial:email": pa.repeat(value, n) for name, value in texts.items()}
    records = pa.table(row)

    class Stored:
        def read(self, _name: str, _made_by: str) -> pa.Table:
            return records

    class Mapped:
        name, consents = "s", (consent(),)

    start = perf_counter()
    found = consents_of_persons(Stored(), [Mapped()], occasion(), None)  # type: ignore[arg-type]
    assert perf_counter() - start < 10
    assert found["consent"].to_pylist() == [True] * n


def test_a_confirmed_yes_of_the_person_is_what_facts_are_made_of(facts: Any, tmp_path: Path):
    row = (consent(), "id,ok,on\n1,no,2026-01-01\n")
    assert said(facts, row) == {1: False}
    ledger = Ledger.open(tmp_path / "ledger.db")
    token = opt_in.ask(ledger, b"key", 1, PAIR, WORDS, "web form", NOW - timedelta(hours=1), separate=True)
    assert said(facts, row, own=consents.told(ledger)) == {1: False}
    assert opt_in.confirm(ledger, b"key", token, NOW) is not None
    found = facts(row, own=consents.told(ledger))[1]
    assert found == {
        "consent": True,
        "consent_separate": True,
        "consent_written": False,
        "consent_confirmed": True,
        "consent_days": 0,
    }
    opt_in.withdraw(ledger, 1, PAIR, NOW)
    assert said(facts, row, own=consents.told(ledger)) == {1: False}
