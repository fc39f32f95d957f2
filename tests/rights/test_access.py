"""A package says all of one person: what is held, why, what it cost; and nothing of anybody else."""

from __future__ import annotations

import hashlib
import json
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import insert, select

from suasion.errors import DamageError
from suasion.lake import load_about, store
from suasion.ledger import schema, sends, wishes
from suasion.rights import Package, access, seals_of


@pytest.fixture
def package(town: Any) -> Package:
    ws = town.open()
    wishes.keep_to(ws.ledger, town.person(), wishes.WishKind.FEWER, "page", town.now, 2)

    def explain(campaign: str, person: int) -> dict[str, Any]:
        assert person == town.person()
        return {
            "sentences": [f"Of {campaign}: <b>visits</b> raised it."],
            "effect": 0.1,
            "interval": [0, 0.2],
        }

    seals = seals_of(ws.ledger, ws.key)
    return access(town.holdings, town.named, town.now, currency="EUR", explain=explain, seals=seals)


class Text(HTMLParser):
    """What a reader sees, and which elements there are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen, self.tags = "", set[str]()
        self.addresses: list[str] = []
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self._hidden = tag == "style"

    def handle_data(self, data: str) -> None:
        self.seen += "" if self._hidden else data


def test_it_tells_data_with_source_and_date(town: Any, package: Package):
    told = {one["trait"]: one for one in package.told["data"]}
    born = told["year_of_birth"]
    assert (born["value"], born["how"], born["sources"]) == (1971, "observed", ["members"])
    assert born["dates"] == ["2026-10-01"]
    assert {one["value"] for one in package.told["details"]} >= {town.canary["email"], town.canary["member"]}
    assert package.told["sources"]["members"]["purposes"] == ["public_health"]


def test_it_tells_decisions_messages_and_costs(package: Package):
    (decision,), (message,) = package.told["decisions"], package.told["messages"]
    assert (decision["campaign"], decision["drawn"], decision["probability"]) == ("flu", "mail", 0.25)
    assert (message["cost"], message["currency"], message["replies"]) == (0.5, "EUR", ["opted_out"])
    (score,) = package.told["scores"]
    assert (score["campaign"], score["treatment"], score["version"]) == ("flu", "mail", 2)
    assert score["made_at"]


def test_a_receipt_comes_with_the_salt_that_opens_it(town: Any):
    ws = town.open()
    with ws.ledger.writing() as connection:
        (send,) = connection.execute(select(schema.sends.c.id).where(schema.sends.c.person == town.person()))
        salt = sends.receipt.salt_of(connection, ws.key, send.id)
        facts = sends.receipt.sealed_text(salt or b"", "the facts")
        connection.execute(
            insert(schema.receipts).values(batch=1, place=0, send=send.id, leaf=b"leaf", facts=facts)
        )
    (told,) = access(town.holdings, town.named, town.now).told["receipts"]
    assert hashlib.sha256(bytes.fromhex(told["salt"]) + b"the facts").digest() == facts


def test_a_machine_reads_it_and_nothing_that_is_stored_is_left_out(package: Package):
    made = package.as_dict()
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert {"tables", "ledger", "details", "data", "consents", "wishes", "requests", "passed"} <= set(made)
    assert made["wishes"][0]["kind"] == "fewer"
    assert "wrapped" not in json.dumps(made), "a key is no information"


def test_people_read_it_without_script_and_from_nowhere_else(town: Any, package: Package):
    html = package.html()
    page = Text(html)
    assert not {"script", "link", "img", "iframe", "form"} & page.tags
    assert page.addresses == []
    text = " ".join(page.seen.split())
    for said in (
        town.canary["email"],
        town.canary["first_name"],
        'Nonesuch "Löwen" Lane 99',
        "public health",
        "Year of birth",
        "1971",
        "25 %",
        "at most 2 messages in 30 days",
        "Of flu: <b>visits</b> raised it.",
    ):
        assert said in text
    assert "<b>visits" not in html


def test_it_is_about_one_person(town: Any, package: Package):
    text = json.dumps(package.as_dict(), ensure_ascii=False) + package.html()
    assert "@example.org" not in text
    assert "Person 7" not in text


def test_what_can_be_taken_elsewhere_is_what_the_person_gave(package: Package):
    portable = package.portable()
    assert {one["trait"] for one in portable["data"]} == {"first_name", "year_of_birth", "visits"}
    assert not {"scores", "decisions", "ledger", "messages"} & portable.keys()


@pytest.mark.parametrize("ordered", [True, False])
def test_a_few_rows_of_a_long_table_are_those_of_a_full_scan(tmp_path: Any, ordered: bool):
    rng = np.random.default_rng(1)
    persons = rng.integers(0, 50_000, 2_500_000)
    persons = np.sort(persons) if ordered else persons
    table = pa.table({"what": rng.integers(0, 9, len(persons)), "person": persons})
    stored = store(tmp_path, "events", table)
    for asked in ([7], [0, 49_999, 25_000], [-3, 50_001], []):
        found = load_about(tmp_path, stored, asked)
        assert found.equals(table.filter(pa.array(np.isin(persons, asked))))
    (tmp_path / stored.file).write_bytes(b"x" * stored.size)
    with pytest.raises(DamageError):
        load_about(tmp_path, stored, [7])


def test_a_table_about_nobody_has_no_rows(tmp_path: Any):
    stored = store(tmp_path, "models", pa.table({"model": [b"x"]}))
    assert load_about(tmp_path, stored, [1]).num_rows == 0
