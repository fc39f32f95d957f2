"""The live road on the command line: a town is planned for, written to, heard, measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from queue import Queue
from threading import Thread
from urllib.request import urlopen

import pytest

from suasion.cli.town import press
from suasion.ledger import tokens
from suasion.server import serve
from suasion.workspace import open_workspace

SECRET = "a secret"
Command = Callable[..., object]


@pytest.fixture
def town(tmp_path: Path, suasion_cli: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A town's workspace with a plan."""
    monkeypatch.setenv("SUASION_KEY", SECRET)
    folder = tmp_path / "town"
    assert suasion_cli("town", "create", folder, "--people", "600").code == 0
    assert suasion_cli("run", "-w", folder).code == 0
    return folder


@contextmanager
def served(folder: Path) -> Generator[str]:
    """The workspace's pages, and its links leading there."""
    told = Queue[str]()
    workspace = replace(open_workspace(folder), say=told.put)
    Thread(target=serve, args=(workspace,), kwargs={"port": 0}, daemon=True).start()
    url = told.get(timeout=60).removeprefix("serving on ")
    path = folder / "suasion.toml"
    lines = path.read_text("utf-8").splitlines()
    there = [f'public_url = "{url}"' if line.startswith("public_url") else line for line in lines]
    path.write_text("\n".join(there), "utf-8")
    yield url


def outbox(folder: Path) -> list[Path]:
    return sorted((folder / "outbox" / "new").iterdir())


def test_from_a_plan_to_mails_answers_lift_and_a_public_record(suasion_cli: Command, town: Path):
    with served(town) as url:
        assert "subject" in suasion_cli("preview", "member=R0000003", "-w", town, "--json").out
        refused = suasion_cli("send", "-w", town)
        assert refused.code == 2
        assert "nobody has approved" in refused.err
        assert suasion_cli("approve", "--by", "Ada", "--why", "read it", "-w", town).code == 0
        sent = json.loads(suasion_cli("send", "-w", town, "--json").out)
        mails = outbox(town)
        assert sent["fates"] == {"accepted": len(mails)}

        first = message_from_bytes(mails[0].read_bytes(), policy=policy.default)
        said = first.get_body(("plain",)).get_content()
        assert "Town Health Office pays for this message" in said
        assert f"{url}/why/{mails[0].name}" in said
        with urlopen(f"{url}/why/{mails[0].name}") as page:
            assert "Town Health Office" in page.read().decode()
        link = first["List-Unsubscribe"].split(">")[0].strip("<")
        assert press(link)

        assert suasion_cli("town", "answer", town).code == 0
        assert suasion_cli("record", town / "answers" / "mail", "-w", town).code == 0
        recorded = json.loads(
            suasion_cli("record", town / "answers" / "register.csv", "-w", town, "--json").out
        )
        assert recorded["persons"] == recorded["rows"] == 600
        assert json.loads(suasion_cli("send", "-w", town, "--json").out)["fates"] == {}

        report = json.loads(suasion_cli("report", "-w", town, "--json").out)
        assert report["lift"]["spent"] == pytest.approx(sent["progress"]["spent"])
        assert report["delivery"]["accepted"] == len(mails)
        with urlopen(f"{url}/campaigns/checkup") as page:
            assert "Town Health Office" in page.read().decode()
    lines = suasion_cli("log", "-w", town, "--json").out
    assert [json.loads(line)["kind"] for line in lines.splitlines()] == ["campaign", "sends", "result"]
    saved = town / "log.jsonl"
    saved.write_text(lines, "utf-8")
    assert suasion_cli("verify", "--log", saved, "-w", town).code == 0
    assert suasion_cli("verify", "-w", town).code == 0
    saved.write_text(lines.replace("Town Health Office", "Somebody Else"), "utf-8")
    assert suasion_cli("verify", "--log", saved, "-w", town).code == 1


def test_an_opt_out_between_plan_and_send_is_kept(suasion_cli: Command, town: Path):
    workspace = open_workspace(town)
    suasion_cli("approve", "--by", "Ada", "--why", "read it", "-w", town)
    suasion_cli("pause", "-w", town)
    assert "paused" in suasion_cli("send", "-w", town).out
    assert outbox(town) == []
    with served(town) as url:
        # Links have moved: what is said is another content, to be approved anew.
        suasion_cli("approve", "--by", "Ada", "--why", "the address", "-w", town)
        token = tokens.token_of(workspace.key, 1)
        assert press(f"{url}/o/{token}")
    suasion_cli("resume", "-w", town)
    suasion_cli("send", "-w", town)
    names = {mail.name for mail in outbox(town)}
    assert names
    assert token not in names


def test_a_person_sees_all_that_is_held_and_is_forgotten(suasion_cli: Command, town: Path):
    suasion_cli("approve", "--by", "Ada", "--why", "read it", "-w", town)
    suasion_cli("send", "-w", town)
    mail = message_from_bytes(outbox(town)[0].read_bytes(), policy=policy.default)
    named, address = f"email={mail['To']}", str(mail["To"]).encode()
    held = json.loads(suasion_cli("person", "export", named, "-w", town).out)
    assert held["ledger"]["sends"]
    assert suasion_cli("person", "erase", named, "-w", town).code != 0, "it asks first"
    done = json.loads(suasion_cli("person", "erase", named, "--yes", "-w", town, "--json").out)
    assert done["found"] == []
    assert not [path for path in town.rglob("*") if path.is_file() and address in path.read_bytes()]
    assert suasion_cli("person", "export", named, "-w", town).code == 2
    assert suasion_cli("report", "-w", town).code == 0
    assert suasion_cli("run", "-w", town).code in (0, 2)
    assert suasion_cli("person", "export", named, "-w", town).code == 2, "ingested again, still forgotten"


def test_without_a_key_nothing_live_happens(
    suasion_cli: Command, town: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SUASION_KEY")
    for words in (["send"], ["approve", "--by", "Ada", "--why", "x"], ["serve", "--port", "0"]):
        ended = suasion_cli(*words, "-w", town)
        assert ended.code == 2
        assert "SUASION_KEY is not set" in ended.err
    monkeypatch.setenv("SUASION_KEY", "another")
    for words in (["plan"], ["approve", "--by", "Ada", "--why", "x"], ["send"]):
        assert "not the key it was begun with" in suasion_cli(*words, "-w", town).err


def test_a_replay_cannot_be_sent(suasion_cli: Command, clinic: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUASION_KEY", SECRET)
    suasion_cli("run", "-w", clinic)
    ended = suasion_cli("send", "-w", clinic)
    assert ended.code == 2
    assert "[delivery]" in ended.err
