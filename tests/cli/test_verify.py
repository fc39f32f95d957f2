"""`suasion verify` checks what was saved without a workspace, and says plainly what does not hold."""

from __future__ import annotations

import json
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from typer.testing import CliRunner

from suasion.cli.app import app
from suasion.disclosure import line_of, proof, saved
from suasion.errors import InputError
from suasion.ledger import checkpoints, log

MADE = run_path(str(Path(__file__).parents[1] / "disclosure" / "booked.py"))
KEY, NAME, VKEY, LATER = (MADE[name] for name in ("KEY", "NAME", "VKEY", "LATER"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an outsider has saved."""
    folder = tmp_path_factory.mktemp("kept")
    ledger = MADE["booked"](folder / "book").ledger
    early = checkpoints.Checkpoint(
        NAME, 3, checkpoints.tree.root([bytes.fromhex(r.hash) for r in log.rows(ledger)[:3]])
    )
    forged = checkpoints.Checkpoint(NAME, 6, bytes(32))
    files: dict[str, Any] = {
        "log.jsonl": "".join(f"{line_of(row)}\n" for row in log.rows(ledger)),
        "now.txt": checkpoints.latest(ledger, KEY, NAME, LATER),
        "early.txt": checkpoints.sign(KEY, early),
        "fork.txt": checkpoints.sign(KEY, forged),
        "receipt.json": json.dumps(proof.receipt(ledger, KEY, NAME, 1, LATER)),
        "proof.json": json.dumps(proof.consistency(ledger, KEY, NAME, 3, LATER)),
    }
    files["bad.jsonl"] = files["log.jsonl"].replace("flu", "flo", 1)
    for name, said in files.items():
        (folder / name).write_text(said, "utf-8")
    return folder


def run(kept: Path, *said: str) -> Any:
    words = [str(kept / word) if (kept / word).is_file() else word for word in said]
    return CliRunner().invoke(app, ["verify", *words])


def main_of(kept: Path, *said: str) -> None:
    """As `run`, elsewhere than in a workspace; an error is raised."""
    words = [str(kept / word) if (kept / word).is_file() else word for word in said]
    app(["verify", *words, "-w", str(kept)], standalone_mode=False)


@pytest.mark.parametrize(
    "said",
    [
        ("--log", "log.jsonl"),
        ("--log", "log.jsonl", "--checkpoint", "now.txt", "--earlier", "early.txt", "--key", VKEY),
        ("--receipt", "receipt.json", "--key", VKEY),
        ("--proof", "proof.json", "--earlier", "early.txt", "--key", VKEY),
        ("--checkpoint", "now.txt", "--earlier", "early.txt", "--key", VKEY),
    ],
)
def test_what_is_sound_passes(kept: Path, said: tuple[str, ...]):
    found = run(kept, *said)
    assert found.exit_code == 0, found.output
    assert json.loads(run(kept, *said, "--json").stdout)["problems"] == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("--log", "bad.jsonl"), "row 1 of the log"),
        (("--log", "log.jsonl", "--earlier", "fork.txt", "--key", VKEY), "forked"),
        (("--checkpoint", "now.txt", "--earlier", "fork.txt", "--key", VKEY), "forked"),
        (("--receipt", "receipt.json", "--earlier", "fork.txt", "--key", VKEY), "forked"),
        (
            ("--receipt", "proof.json", "--key", checkpoints.verifier_key(b"x", NAME)),
            "not signed by this key",
        ),
        (("--proof", "log.jsonl", "--key", VKEY), "it is none"),
    ],
)
def test_what_is_not_is_told(kept: Path, said: tuple[str, ...], why: str):
    found = run(kept, *said, "--json")
    assert found.exit_code == 1
    assert why in " ".join(json.loads(found.stdout)["problems"])


@pytest.mark.parametrize(
    "said",
    [
        ("--receipt", "receipt.json"),
        ("--proof", "proof.json"),
        ("--checkpoint", "now.txt"),
        ("--earlier", "early.txt"),
        ("--log", "log.jsonl", "--checkpoint", "now.txt"),
    ],
)
def test_without_the_key_it_is_told_that_nothing_was_checked(kept: Path, said: tuple[str, ...]):
    with pytest.raises(InputError) as refused:
        main_of(kept, *said)
    assert said[-1] in refused.value.asked
    assert refused.value.found.startswith("nothing was checked: --key is missing")
    assert "suasion log-key" in refused.value.todo


def test_of_a_log_alone_it_is_told_what_was_not_checked_and_what_to_do(kept: Path):
    (first, second) = json.loads(run(kept, "--log", "log.jsonl", "--json").stdout)["unchecked"]
    assert first == "6 of 6 rows are under no checkpoint that was given"
    assert second.startswith("whose log it is")
    assert "--checkpoint" in second
    assert "--key" in second
    signed = ("--log", "log.jsonl", "--checkpoint", "now.txt", "--key", VKEY)
    assert json.loads(run(kept, *signed, "--json").stdout)["unchecked"] == []


def test_the_page_is_written_out(kept: Path, tmp_path: Path):
    assert run(kept, "--page", str(tmp_path / "verify.html")).exit_code == 0
    assert (tmp_path / "verify.html").read_text("utf-8") == saved.page()
