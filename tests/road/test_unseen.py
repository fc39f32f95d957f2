"""An experiment that suasion has never seen goes from init to report by mapping alone."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 10))]
)
def test_an_unseen_experiment_goes_from_init_to_report(seed, tmp_path, unseen, suasion_cli) -> None:
    made = unseen(seed)
    folder = tmp_path / "workspace"
    answers = ("--control", f"{made.treatment}={made.control}", "--outcome", made.outcome)
    more = ("--purpose", "commercial", "--vouched-by", "A. Tester")
    begun = suasion_cli("init", made.path, folder, *answers, *more)
    assert begun.code == 0, begun.err
    ended = suasion_cli("run", "-w", folder, "--json")
    assert ended.code == 0, ended.out + ended.err
    report = json.loads(ended.out)
    assert report["replay"]["people"] == made.people
    assert len(report["arms"]) == made.arms
    assert sum(arm["people"] for arm in report["arms"]) == made.people
    assert report["cost"] <= report["budget"] * (1 + 1e-9)
    for policy in report["replay"]["policies"]:
        assert sum(policy["shares"]["values"]) == pytest.approx(1)
    written = json.loads(next((folder / "reports").glob("*.json")).read_text("utf-8"))
    assert written["sentences"] == report["sentences"]


def test_without_somebody_who_vouches_nobody_is_permitted(tmp_path, unseen, suasion_cli) -> None:
    made = unseen(1)
    folder = tmp_path / "workspace"
    answers = ("--control", f"{made.treatment}={made.control}", "--outcome", made.outcome)
    assert suasion_cli("init", made.path, folder, *answers, "--purpose", "commercial").code == 0
    ended = suasion_cli("run", "-w", folder)
    assert ended.code == 2
    assert "house.adult" in ended.err
    assert "attest" in ended.err


def test_without_a_terminal_a_missing_answer_is_asked_for_by_option(unseen, tmp_path, suasion_cli) -> None:
    made = unseen(2)
    ended = suasion_cli("init", made.path, tmp_path / "workspace")
    assert ended.code == 2
    assert "--control" in ended.err
    assert not (tmp_path / "workspace").exists()


def test_init_leaves_a_folder_with_something_in_it_alone(unseen, tmp_path, suasion_cli) -> None:
    made = unseen(3)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    answers = ("--control", f"{made.treatment}={made.control}", "--outcome", made.outcome)
    ended = suasion_cli("init", made.path, tmp_path / "mine", *answers, "--purpose", "commercial")
    assert ended.code == 2
    assert "not empty" in ended.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_init_attests_no_adults_where_the_file_tells_ages(tmp_path, suasion_cli) -> None:
    rows = [f"{i},{'ctl' if i % 2 else 'letter'},{2012 if i % 3 else 1980},{i % 2}" for i in range(300)]
    file = tmp_path / "people.csv"
    file.write_text("\n".join(["id,arm,birth_year,bought", *rows]))
    answers = ("--control", "arm=ctl", "--outcome", "bought", "--purpose", "commercial")
    folder = tmp_path / "people"
    assert suasion_cli("init", file, folder, *answers, "--vouched-by", "A. Tester").code == 0
    ended = suasion_cli("run", "-w", folder)
    assert ended.code == 2
    assert "house.adult" in ended.err
