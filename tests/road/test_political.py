"""docs/political.md: one European political campaign, block by block, and an outsider who checks it."""

import csv
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

import suasion
from suasion.cli.app import app
from suasion.disclosure import saved
from suasion.errors import CampaignError
from suasion.workspace import Workspace

PAGE = Path(__file__).parents[2] / "docs" / "political.md"
BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
SECRET = {"SUASION_KEY": "a secret that only the sponsor has"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where every block of the page was followed."""
    here = tmp_path_factory.mktemp("political")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for block in BLOCK.finditer(PAGE.read_text("utf-8")):
            if block["kind"] == "toml":
                Path(block["file"]).write_text(block["text"], "utf-8")
            for line in block["text"].splitlines() if block["kind"] == "sh" else []:
                followed(line, patch)
        yield here


@pytest.fixture
def party(folder: Path) -> Workspace:
    return suasion.open(folder / "party", environment=SECRET)


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    """Where the campaign's pages are served."""
    command = [sys.executable, "-m", "suasion.cli", "serve", "-w", str(folder / "party"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().removeprefix("serving on ").strip()
        server.terminate()


def read(url: str) -> str:
    with urlopen(url, timeout=30) as answer:
        return unescape(answer.read().decode())


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    made = shutil.copytree(
        folder / "party", tmp_path / "party", ignore=shutil.ignore_patterns("ledger.db*", "inbox.db*")
    )
    # A server may be at work there.
    with (
        closing(sqlite3.connect(folder / "party" / "ledger.db")) as there,
        closing(sqlite3.connect(Path(made) / "ledger.db")) as here,
    ):
        there.backup(here)
    return Path(made)


def followed(line: str, patch: pytest.MonkeyPatch) -> None:
    """Run a line of the page as a shell would, `suasion` in this process."""
    if line.startswith("export "):
        patch.setenv(*shlex.split(line)[1].split("=", 1))
    elif not line.startswith("suasion "):
        subprocess.run(["/bin/sh", "-ec", line], check=True)
    else:
        said = re.sub(r"\$\(cat (\S+)\)", lambda found: Path(found[1]).read_text("utf-8").strip(), line)
        command, _, target = said.partition(" > ")
        done = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
        assert done.exit_code == 0, f"{line}: {done.output}"
        if target:
            Path(target).write_text(done.stdout, "utf-8")


def mails(folder: Path) -> Iterator[EmailMessage]:
    for path in sorted((folder / "party" / "outbox" / "new").iterdir()):
        yield message_from_bytes(path.read_bytes(), policy=policy.default)  # type: ignore[misc]


def test_every_mail_says_that_it_is_a_political_advertisement_and_whose(folder: Path):
    texts = [mail.get_body(("plain",)).get_content() for mail in mails(folder)]
    assert len(texts) > 100
    for text in texts:
        assert "political advertisement" in text.casefold()
        assert "Bridge for All e. V." in text
        assert "Referendum on the bridge" in text
        assert "/campaigns/bridge/notice" in text


def test_the_record_was_in_the_log_before_the_first_mail(party: Workspace):
    kinds = [row.kind for row in party.log()]
    assert kinds.index("campaign") < kinds.index("sends")
    assert party.verify().problems == ()


def test_no_count_of_the_record_is_exact(folder: Path):
    sent = len(list(mails(folder)))
    said = (folder / "record.json").read_text("utf-8")
    assert str(sent) not in re.findall(r"\d+", said)


def test_the_record_is_for_machines_in_three_ways(folder: Path):
    plain = json.loads((folder / "record.json").read_text("utf-8"))
    linked = json.loads((folder / "record.jsonld").read_text("utf-8"))
    rows = list(csv.reader((folder / "record.csv").read_text("utf-8").splitlines()))
    assert plain
    assert "@context" in linked
    assert any("Bridge for All e. V." in cell for row in rows for cell in row)


def test_the_public_reads_record_notice_and_where_all_of_it_is(site: str):
    notice = read(f"{site}/campaigns/bridge/notice")
    for words in ("VR 12345", "https://town.example/referendum", "complaints@bridge.example", "private"):
        assert words in notice
    assert "Bridge for All" in read(f"{site}/campaigns/bridge")
    assert json.loads(read(f"{site}/.well-known/suasion-transparency.json"))


def test_an_outsider_finds_a_changed_log(folder: Path):
    key, note = ((folder / name).read_text("utf-8") for name in ("key.txt", "checkpoint.txt"))
    lines = (folder / "log.jsonl").read_text("utf-8").splitlines()
    assert saved.verify_lines(lines, [note], key.strip()).problems == ()
    changed = [line.replace("Bridge for All", "Nobody") for line in lines]
    assert saved.verify_lines(changed, [note], key.strip()).problems != ()
    assert saved.verify_lines(lines[:-1], [note], key.strip()).problems != ()


def test_a_recipient_checks_the_receipt_without_us(folder: Path, site: str):
    key, note = ((folder / name).read_text("utf-8") for name in ("key.txt", "checkpoint.txt"))
    (mail, *_) = mails(folder)
    token = re.search(r"/why/(\S+)", mail.get_body(("plain",)).get_content())
    assert token is not None
    receipt = read(f"{site}/receipt/{token[1]}")
    assert saved.verify_proof(receipt, key.strip(), [note]).problems == ()
    assert saved.verify_proof(receipt.replace("bridge", "ridge"), key.strip(), [note]).problems != ()


LEFT_OUT = {
    "who the sponsor is": (r"legal_name = .*\n", "eu_political.notice"),
    "where the money comes from": (r"inside_eu = .*\n", "eu_political.records"),
    "where to complain": (r"complaint_email = .*\n", "eu_political.complaints"),
    "which vote it is about": (r"\[disclosure.process\]\n(?:.+\n)*", "eu_political.declared"),
    "what it risks": (r"risk_assessment_url = .*\n", "eu_political.policy"),
    "that it is published": (r"publish = true", "eu_political.repository"),
}


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_is_left_out_of_the_declaration_stops_the_campaign(copied: Path, what: str):
    pattern, rule = LEFT_OUT[what]
    path = copied / "campaigns" / "bridge.toml"
    text = path.read_text("utf-8")
    path.write_text(re.sub(pattern, "publish = false" if "publish" in pattern else "", text), "utf-8")
    assert path.read_text("utf-8") != text
    with pytest.raises(CampaignError, match=rule):
        suasion.open(copied, environment=SECRET).plan()


REFUSED = {
    "without words that people agreed to": ("sources/residents.toml", r"wording = .*\n", ""),
    "with a yes to other things, too": ("sources/residents.toml", r"separate = true\n", ""),
}


@pytest.mark.parametrize("how", REFUSED)
def test_without_an_explicit_and_separate_yes_nobody_is_written_to(copied: Path, how: str):
    file, pattern, instead = REFUSED[how]
    path = copied / file
    path.write_text(re.sub(pattern, instead, path.read_text("utf-8")), "utf-8")
    (copied / "campaigns" / "bridge.toml").rename(copied / "campaigns" / "again.toml")
    ws = suasion.open(copied, environment=SECRET)
    ws.ingest()
    ws.score()
    assert ws.plan().people == 0


def test_a_foreign_sponsor_is_refused_in_the_months_before_the_vote(copied: Path):
    path = copied / "campaigns" / "bridge.toml"
    path.write_text(
        path.read_text("utf-8").replace('controlled_from = "DE"', 'controlled_from = "US"'), "utf-8"
    )
    near = datetime(2099, 2, 1, 12, tzinfo=UTC)
    with pytest.raises(CampaignError, match=r"eu_political\.sponsor"):
        suasion.open(copied, now=lambda: near, environment=SECRET).plan()


def test_who_wrote_a_message_does_not_approve_it(copied: Path):
    with pytest.raises(CampaignError, match=r"house\.second_person"):
        suasion.open(copied, environment=SECRET).approve("ben  beispiel", "it is mine")
