"""Rule packs: dated, cited, and each rule with cases that hold."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from suasion.errors import PackError
from suasion.rules import load_packs
from suasion.rules.loading import SHIPPED
from suasion.rules.pack import Rule

PACKS = Path(str(resources.files("suasion.rules"))) / "packs"
ALL = load_packs([], Path("nowhere"))
RULES = [rule for pack in ALL for rule in pack.rule]
HEAD = 'id = "own"\ntitle = "Our own"\nstatus = "draft"\n'
RULE = """
[[rule]]
id = "own.rule"
subject = "person"
kind = "targeting"
message = "Adults only."
cite = "Our own, paragraph 1"
valid_from = 2020-01-01
require = "adult"
case = [
    { facts = { adult = true }, allowed = true },
    { facts = { age = 9, adult = true }, allowed = true },
    { facts = { adult = false }, allowed = false },
    { facts = {}, allowed = false },
]
"""


def _edited(*edits: tuple[str, str]) -> str:
    text = HEAD + RULE
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], tuple[Any, ...]]:
    """Write ``own.toml`` and load it beside the house rules."""

    def loaded(text: str) -> tuple[Any, ...]:
        (tmp_path / "own.toml").write_text(text, "utf-8")
        return load_packs(["own"], tmp_path)

    return loaded


def test_every_pack_in_the_folder_is_loaded_and_the_house_is_first():
    assert {pack.id for pack in ALL} == {path.stem for path in PACKS.glob("*.toml")} == set(SHIPPED)
    assert ALL[0].id == "house"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_shipped_rule_holds_its_cases(rule: Rule):
    for case in rule.case:
        assert (rule.reason(case.facts) is None) is case.allowed, case.facts
    allowed = {repr(sorted(case.facts.items())) for case in rule.case if case.allowed}
    refused = {repr(sorted(case.facts.items())) for case in rule.case if not case.allowed}
    assert min(len(allowed), len(refused)) >= 2
    assert not allowed & refused


def test_there_are_sixty_rules_and_each_of_them_has_a_source():
    assert len(RULES) >= 60
    assert all(rule.cite.strip() and rule.message.endswith(".") for rule in RULES)


def test_only_a_rule_that_says_so_passes_what_is_unknown():
    lenient = {rule.id for rule in RULES if rule.reason({}) is None}
    assert all("IS NOT NULL" in rule.applies for rule in RULES if rule.id in lenient), lenient


def test_a_workspace_may_bring_its_own_pack(load: Callable[[str], Any]):
    assert [pack.id for pack in load(HEAD + RULE)] == [*SHIPPED, "own"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_workspace_cannot_replace_a_shipped_pack(tmp_path: Path, name: str):
    (tmp_path / f"{name}.toml").write_text(HEAD + RULE, "utf-8")
    for asked in ([], [name]):
        with pytest.raises(PackError, match="rename yours"):
            load_packs(asked, tmp_path)


def test_a_shipped_pack_may_be_named_and_changes_nothing(tmp_path: Path):
    assert load_packs(["house", SHIPPED[-1]], tmp_path) == ALL


def test_a_pack_is_named_by_its_file(tmp_path: Path):
    (tmp_path / "ours.toml").write_text(HEAD + RULE, "utf-8")
    with pytest.raises(PackError, match="the id 'own'"):
        load_packs(["ours"], tmp_path)


@pytest.mark.parametrize("name", ["../own", "/own", ".own", ""])
def test_a_pack_is_no_path(tmp_path: Path, name: str):
    (tmp_path / "own.toml").write_text(HEAD + RULE, "utf-8")
    with pytest.raises(PackError):
        load_packs([name], tmp_path / "rules")


def test_an_edit_counts_at_once(load: Callable[[str], Any]):
    before = load(HEAD + RULE)[-1].digest
    assert load(_edited(("Adults only.", "Elders only.")))[-1].digest != before


BREAK = """
import re, sys
from pathlib import Path
from suasion.errors import PackError
from suasion.rules import load_packs
from suasion.rules.loading import SHIPPED

load_packs([], Path("none"))
packs = Path(sys.argv[1])
for name in SHIPPED:
    path = packs / f"{name}.toml"
    text = path.read_text("utf-8")
    harms = ["", text + "[[rule", text.replace(f'id = "{name}"', 'id = "other"', 1)]
    harms += [text.replace("[[rule]]", "[[rule]]\\nx = 1", 1)]
    harms += [re.sub('require = ".*"', 'require = "true"', text)]
    for harm in [None, *harms]:
        path.unlink() if harm is None else path.write_text(harm, "utf-8")
        try:
            load_packs([], Path("none"))
        except PackError:
            print("refused")
        else:
            print("loaded", name, harm)
    path.write_text(text, "utf-8")
    load_packs([], Path("none"))
"""


def test_where_a_shipped_pack_is_missing_or_broken_nothing_is_permitted(tmp_path: Path):
    """In a copy of the installed package, for no other process may see it broken."""
    copy = tmp_path / "suasion"
    shutil.copytree(PACKS.parents[1], copy, ignore=shutil.ignore_patterns("__pycache__"))
    asked = [sys.executable, "-c", BREAK, str(copy / "rules" / "packs")]
    ended = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.split("\n")[:-1] == ["refused"] * 6 * len(SHIPPED)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (
            ("{ facts = {}, allowed = false }", "{ facts = {}, allowed = true }"),
            "its case [] should be allowed",
        ),
        (("adult = true }, allowed = true", "adult = true }, allowed = false"), "should be refused"),
        (
            ("facts = {}, allowed = false", "facts = { adult = true }, allowed = true"),
            "too few cases that are refused: 1",
        ),
        (("    { facts = {}, allowed = false },\n", ""), "case"),
        (("facts = {}, allowed", "facts = { adult = false }, allowed"), "too few cases that are refused: 1"),
        (("adult = true", "adlut = true"), "Did you mean 'adult'?"),
        (("adult = true", 'adult = "yes"'), "Python's type str"),
        (('require = "adult"', 'require = "adlut"'), "Did you mean 'adult'?"),
        (('require = "adult"', 'require = "age"'), "own.rule"),
        (('require = "adult"', 'require = "adult AND"'), "own.rule"),
        (('require = "adult"', 'require = "adult; DROP TABLE facts"'), "own.rule"),
        (('require = "adult"', 'applies = "role = 1"\nrequire = "adult"'), "own.rule"),
        (('cite = "Our own, paragraph 1"', 'cite = ""'), "cite"),
        (('cite = "Our own, paragraph 1"\n', ""), "rule.0.cite"),
        (('message = "Adults only."', 'massage = "Adults only."'), "Did you mean 'message'?"),
        (("valid_from = 2020-01-01", "valid_from = 2020-01-01\nvalid_to = 2019-01-01"), "valid_to"),
        (("valid_from = 2020-01-01\n", ""), "valid_from"),
        (('require = "adult"', 'purposes = ["advertising"]\nrequire = "adult"'), "purposes"),
        (('require = "adult"', 'uses = ["send"]\nrequire = "adult"'), "uses"),
        (('require = "adult"', 'territories = ["Germany"]\nrequire = "adult"'), "territories"),
        (('require = "adult"', 'territories = ["UK"]\nrequire = "adult"'), "territories"),
        (('require = "adult"', 'territories = ["de"]\nrequire = "adult"'), "territories"),
        (('require = "adult"', 'territories = ["ZZ"]\nrequire = "adult"'), "territories"),
        (('require = "adult"', 'territories = ["US-ZZ"]\nrequire = "adult"'), "territories"),
        (('require = "adult"', 'territories = ["DE|FR"]\nrequire = "adult"'), "territories"),
        (('kind = "targeting"', 'kind = "gate"'), "kind"),
        (('kind = "targeting"\n', ""), "kind"),
        (('kind = "targeting"', 'kind = "deadline"'), "a deadline without 'within'"),
        (('kind = "targeting"', 'kind = "targeting"\nwithin = { days = 2 }'), "'within' for a person"),
        (('kind = "targeting"', 'kind = "targeting"\nwithin = { days = 2, hours = 1 }'), "exactly one"),
        (('kind = "targeting"', 'kind = "targeting"\nwithin = { days = 0 }'), "within"),
        (("cite =", "known_from = 2020-01-02\nknown_to = 2020-01-01\ncite ="), "known_to before known_from"),
        (('subject = "person"', 'subject = "household"'), "subject"),
        (('id = "own.rule"', 'id = "house.adult"'), "another rule of that id"),
        (('status = "draft"', 'status = "binding"'), "status"),
        (("[[rule]]", "[[rules]]"), "Did you mean 'rule'?"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_pack_that_says_something_wrong_is_refused(
    load: Callable[[str], Any], edit: tuple[str, str], says: str
):
    with pytest.raises(PackError) as refused:
        load(_edited(edit))
    assert says in str(refused.value)


def test_a_pack_without_rules_is_refused(load: Callable[[str], Any]):
    with pytest.raises(PackError, match="rule"):
        load(HEAD)


def test_two_rules_of_one_id_are_refused(load: Callable[[str], Any]):
    with pytest.raises(PackError, match=r"own\.rule: another rule of that id"):
        load(HEAD + RULE + RULE)


def test_a_pack_that_nobody_wrote_is_refused(tmp_path: Path):
    with pytest.raises(PackError, match="rule pack 'usa'"):
        load_packs(["usa"], tmp_path)
