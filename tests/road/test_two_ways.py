"""The command line and the Python API walk the same road."""

from __future__ import annotations

import dataclasses
import json
import shutil

import suasion


def plain(value: object) -> object:
    return json.loads(json.dumps(dataclasses.asdict(value)))


def test_command_line_and_python_give_the_same_answers(clinic, tmp_path, suasion_cli) -> None:
    other = tmp_path / "other" / "clinic"
    shutil.copytree(clinic, other)
    workspace = suasion.open(other)

    def said(*words: str) -> object:
        ended = suasion_cli(*words, "-w", clinic, "--json")
        assert ended.code == 0, ended.out + ended.err
        return json.loads(ended.out)

    assert said("ingest") == [plain(one) for one in workspace.ingest()]
    counts = workspace.segment("everybody")
    drops = {str(reason): n for reason, n in counts.drops.items()}
    assert said("segment", "everybody") == plain(dataclasses.replace(counts, drops=drops))
    assert said("score") == plain(workspace.score())
    assert said("plan") == plain(workspace.plan())
    by_command, by_python = said("report"), plain(workspace.report())
    assert by_command.pop("at") <= by_python.pop("at")
    assert by_command == by_python
    assert by_command["steps"][-1]["people"] == 2511


def test_run_is_its_steps_in_order(clinic, tmp_path) -> None:
    other = tmp_path / "other" / "clinic"
    shutil.copytree(clinic, other)
    at_once = plain(suasion.open(clinic).run())
    by_steps = suasion.open(other)
    by_steps.ingest()
    by_steps.score()
    by_steps.plan()
    stepped = plain(by_steps.report())
    for report in (at_once, stepped):
        report.pop("at")
    assert at_once == stepped
