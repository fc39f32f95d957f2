"""A campaign over several territories is split by regime; who objected is told only what is neutral."""

import json
import re
import shutil
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

import pytest

import suasion
from suasion.errors import CampaignError
from suasion.ledger import said
from suasion.town import Effects, Town, create
from suasion.workspace import Workspace

SECRET = {"SUASION_KEY": "a secret of the test"}
PEOPLE = 1500
PLACES = ["DE", "US-NY", "MW"]
DISCLOSED = """
[disclosure.sponsor]
postal = "Market Square 1, 12345 Town"
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with people in Germany, New York and Malawi; everything but the plan is made."""
    folder = tmp_path_factory.mktemp("parts") / "shop"
    create(folder, Town(PEOPLE, 5, Effects.VARIED))
    for path in folder.rglob("*.toml"):
        text = path.read_text("utf-8").replace("public_health", "commercial")
        path.write_text(text, "utf-8")
    rows = (f"R{number:07},{PLACES[number % 3]}" for number in range(PEOPLE))
    (folder / "sources" / "places.csv").write_text("member,place\n" + "\n".join(rows) + "\n", "utf-8")
    (folder / "sources" / "places.toml").write_text(
        """
file = "places.csv"
licence = "ours"
purposes = ["commercial"]
basis = "contract"
observed_on = 2026-10-01
territory = "DE"
identifiers = { member = "member" }
traits = { place = "place" }
[[attest]]
fact = "noticed"
value = true
who = "Ada"
why = "the form says so"
""",
        "utf-8",
    )
    (folder / "traits" / "places.toml").write_text(
        '[traits.place]\ntype = "text"\ncategory = "place"\nlabel = "Where"\nfact = "place"\n', "utf-8"
    )
    change(folder / "campaigns" / "checkup.toml", r"budget = .*", "budget = 200.0\nneutral = 'reminder'")
    with (folder / "campaigns" / "checkup.toml").open("a", encoding="utf-8") as file:
        file.write(DISCLOSED)
    opened(folder).ingest()
    return folder


@pytest.fixture
def shop(begun: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(begun, tmp_path / "shop"))


def opened(folder: Path) -> Workspace:
    return suasion.open(folder, environment=SECRET)


def change(path: Path, pattern: str, instead: str) -> None:
    text = path.read_text("utf-8")
    assert re.search(pattern, text)
    path.write_text(re.sub(pattern, instead, text), "utf-8")


def advertise(folder: Path) -> None:
    """Mark every message as an advertisement, as American law wants."""
    change(folder / "messages" / "checkup.toml", r"Your Town Health Office", "An advertisement of the Office")


def sent(folder: Path) -> list[str]:
    """The texts that were sent."""
    paths = sorted((folder / "outbox" / "new").iterdir())
    mails = (message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths)
    return [mail.get_body(("plain",)).get_content() for mail in mails]  # type: ignore[attr-defined]


def sent_to(folder: Path) -> Counter[str]:
    """Sends by place."""
    with opened(folder).ledger.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT person FROM sends WHERE state = 'accepted'").scalars().all()
    traits = opened(folder).tables().read("traits", "ingest")
    where = dict(zip(traits["person"].to_pylist(), traits["place"].to_pylist(), strict=True))
    return Counter(where[person] for person in rows)


def send(folder: Path) -> tuple[str, ...]:
    ws = opened(folder)
    ws.score()
    notes = ws.plan().notes
    ws.approve("Ben", "read it aloud")
    ws.send()
    return notes


def test_what_one_law_refuses_is_closed_for_those_under_it_and_said(shop: Path):
    notes = send(shop)
    assert any("us_canspam" in note and "closed" in note for note in notes)
    assert sent_to(shop)["US-NY"] == 0
    assert sent_to(shop)["DE"] > 10
    assert sent_to(shop)["MW"] > 10


def test_each_part_has_its_own_label_and_record(shop: Path):
    advertise(shop)
    send(shop)
    found = sent_to(shop)
    assert min(found[place] for place in PLACES) > 10
    labelled = [text for text in sent(shop) if "This message is an advertisement of" in text]
    assert len(labelled) == found["US-NY"]
    entries = [json.loads(row.body) for row in opened(shop).log() if row.kind == "campaign"]
    assert {tuple(entry["places"]) for entry in entries} == {("DE",), ("MW",), ("US-NY",)}
    assert len({entry["part"] for entry in entries}) == 3
    assert opened(shop).verify().problems == ()


def test_a_law_that_everybody_is_under_refuses_the_campaign(shop: Path):
    change(shop / "sources" / "places.csv", r",(DE|MW)\n", ",US-NY\n")
    change(shop / "campaigns" / "checkup.toml", r"\[disclosure.sponsor\]\npostal = .*\n", "")
    ws = opened(shop)
    ws.ingest()
    ws.score()
    with pytest.raises(CampaignError, match="us_canspam"):
        ws.plan()


def test_who_objected_is_not_learned_from_and_gets_only_what_is_neutral(shop: Path):
    ws, at = opened(shop), opened(shop).now()
    everybody = ws.tables().read("traits", "ingest")["person"].to_pylist()
    objectors = everybody[::4]
    for person in objectors:
        said.wishes.keep_to(ws.ledger, person, said.wishes.WishKind.OBJECTED, "page", at)
    advertise(shop)
    ws = opened(shop)
    ws.score()
    assert not set(ws.tables().read("scores.checkup", "score")["person"].to_pylist()) & set(objectors)
    assert not set(ws.tables().read("forecasts.checkup", "score")["person"].to_pylist()) & set(objectors)
    send(shop)
    with opened(shop).ledger.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT person, treatment FROM sends WHERE state = 'accepted'"
        ).all()
    theirs = {treatment for person, treatment in rows if person in set(objectors)}
    assert theirs == {"reminder"}
    assert {treatment for _, treatment in rows} > theirs
