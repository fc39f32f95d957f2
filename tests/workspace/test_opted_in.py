"""From a yes on a form to the mail, the link, and the facts; and no file undoes what a person said."""

from __future__ import annotations

import csv
import email
import email.policy
import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

import suasion
from suasion.errors import InputError, WorkspaceError
from suasion.ledger import consents, opt_in
from suasion.profiles.consents import consents_of_persons
from suasion.rights import requests
from suasion.rules import Channel, Jurisdiction, Occasion, Purpose, Use
from suasion.town import Effects, Town, create
from suasion.workspace import Workspace, asked, examine, opted_in
from suasion.workspace.brief import sources_from

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEALTH = Purpose.PUBLIC_HEALTH
PAIR = (HEALTH, Channel.EMAIL)
WORDS = "Yes, remind me of my check-up.\nI can stop it at any time."
SECRET = {"SUASION_KEY": "a secret of the test"}


def opened(folder: Path, environment: dict[str, str] = SECRET, at: datetime = NOW) -> Workspace:
    return suasion.open(folder, now=lambda: at, environment=environment)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    create(tmp_path / "town", Town(100, 3, Effects.VARIED))
    opened(tmp_path / "town").ingest()
    return tmp_path / "town"


def residents(folder: Path) -> list[dict[str, str]]:
    with (folder / "sources" / "residents.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rewritten(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "sources" / "residents.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    opened(folder).ingest()


def mails(folder: Path) -> list[EmailMessage]:
    policy = email.policy.default
    return [
        email.message_from_bytes(p.read_bytes(), policy=policy) for p in (folder / "outbox/new").glob("*")
    ]


def facts(folder: Path) -> dict[int, bool | None]:
    ws = opened(folder)
    where = Jurisdiction("DE", NOW.date())
    occasion = Occasion(frozenset({Use.CONTACT}), HEALTH, "c", where, NOW, Channel.EMAIL)
    told = consents.told(ws.ledger)
    rows = consents_of_persons(ws.tables(), sources_from(folder), occasion, told).to_pylist()
    return {row["person"]: row["consent"] for row in rows}


def one_who(folder: Path, said: str) -> dict[str, str]:
    return next(row for row in residents(folder) if row["email_ok"] == said)


def number(folder: Path, row: dict[str, str]) -> int:
    table = opened(folder).tables().read("identities", "ingest").to_pylist()
    return next(one["person"] for one in table if one["kind"] == "member" and one["value"] == row["member"])


def ask(folder: Path, row: dict[str, str], words: str = WORDS) -> str:
    """Ask, and read the token from the mail that came."""
    opted_in.ask(opened(folder), f"member={row['member']}", HEALTH, words, "web form", separate=True)
    (mail,) = mails(folder)
    found = re.search(r"http://127\.0\.0\.1:8000/consent/(\S+)", mail.get_content())
    assert found
    return found[1]


def test_the_mail_shows_the_words_and_offers_nothing_else(town: Path):
    row = one_who(town, "no")
    ask(town, row)
    (mail,) = mails(town)
    text = mail.get_content()
    assert mail["To"] == row["email"]
    assert mail["From"] == "Town Health Office <health@town.example>"
    assert mail.get_content_type() == "text/plain"
    assert WORDS in text.replace("\r\n", "\n")
    assert "Market Square 1" in text
    assert len(re.findall(r"https?://", text)) == 1
    assert not (town / "outbox" / "tmp").exists() or not list((town / "outbox" / "tmp").iterdir())


def test_a_confirmed_yes_outweighs_the_older_no_of_the_register(town: Path):
    row = one_who(town, "no")
    person, token = number(town, row), ask(town, row)
    assert facts(town)[person] is False
    ws = opened(town, at=NOW)
    assert opt_in.confirm(ws.ledger, ws.key, token, NOW)
    assert facts(town)[person] is True


def test_no_file_undoes_what_a_person_withdrew(town: Path):
    row = one_who(town, "yes")
    person = number(town, row)
    assert facts(town)[person] is True
    opted_in.withdraw(opened(town), f"member={row['member']}", HEALTH, Channel.EMAIL)
    rows = residents(town)
    for on in ("2020-01-01", "2026-11-20", "2026-11-21"):
        rewritten(
            town, [one | {"email_ok_on": on} if one["member"] == row["member"] else one for one in rows]
        )
        assert facts(town)[person] is False


def test_no_file_brings_a_yes_back_that_somebody_erased_had_given(town: Path):
    row, rows = one_who(town, "yes"), residents(town)
    person, token = number(town, row), ask(town, row)
    ws = opened(town)
    ws.erase_person(f"member={row['member']}")
    rewritten(town, rows)
    assert person not in facts(town)
    assert opt_in.confirm(ws.ledger, ws.key, token, NOW) is None
    with ws.ledger.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM consents WHERE person = ?", (person,))
        assert found.scalar() == 0
    with pytest.raises(InputError, match="nobody is known"):
        ask(town, row)


def test_whoever_cannot_be_reached_alone_is_not_asked(town: Path):
    rows = residents(town)
    rewritten(town, [one | {"email": "all@town.example"} for one in rows])
    with pytest.raises(InputError, match="theirs alone"):
        ask(town, rows[0])
    assert mails(town) == []


def test_a_mailbox_that_was_erased_gets_no_link_whoever_has_it(town: Path):
    """It is known by its folded spelling: somebody else has it by another one."""
    rows = residents(town)
    one, other = rows[:2]
    local, _, domain = one["email"].partition("@")
    changed = [row | {"email": f"{local}+news@{domain}"} if row is other else row for row in rows]
    rewritten(town, changed)
    ws = opened(town)
    wanted = asked.open_request(ws, requests.RequestKind.ACCESS, f"member={other['member']}")
    assert wanted.person is not None
    opted_in.ask(ws, f"member={other['member']}", HEALTH, WORDS, "web form")
    assert len(mails(town)) == 1, "before the erasure it gets one"
    ws.erase_person(f"member={one['member']}")
    with pytest.raises(InputError, match="may be written to"):
        opted_in.ask(ws, f"member={other['member']}", HEALTH, WORDS, "web form")
    assert asked.ask_for_proof(ws) == {wanted.id: "no e-mail address of theirs alone"}
    assert len(mails(town)) == 1


def test_without_the_key_nobody_is_asked(town: Path):
    with pytest.raises(WorkspaceError, match="SUASION_KEY"):
        opted_in.ask(opened(town, {}), "member=R0000001", HEALTH, WORDS, "web form")


def test_a_file_without_evidence_gives_nobody_and_says_so(town: Path):
    """By the summary of the ingest, and by the doctor."""
    mapping = town / "sources" / "residents.toml"
    text = mapping.read_text("utf-8")
    mapping.write_text(text.replace('capture = "form at the health office"\n', ""), "utf-8")
    ws = opened(town)
    yes = sum(one["email_ok"] == "yes" for one in residents(town))
    (note,) = next(one.notes for one in ws.ingest() if one.source == "residents")
    assert note.startswith(f"{yes} people said yes to public_health by email without evidence")
    told = {check.name: check.found for check in examine(ws)}["consents"]
    assert f"{yes} in residents (public_health by email)" in told
    assert True not in facts(town).values()
    mapping.write_text(text, "utf-8")
    assert [one.notes for one in opened(town).ingest()] == [()] * 3
    assert True in facts(town).values()


def test_a_yes_of_tomorrow_is_a_reject(town: Path):
    rows = residents(town)
    row = one_who(town, "yes")
    late = (NOW + timedelta(days=1)).date().isoformat()
    changed = [one | {"email_ok_on": late} if one["member"] == row["member"] else one for one in rows]
    rewritten(town, changed)
    (found,) = (one for one in opened(town).ingest() if one.source == "residents")
    assert found.reasons == {"email_ok_on: said in the future": 1}
