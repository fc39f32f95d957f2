"""Rule packs: dated, cited, and each rule with cases that hold."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from suasion.errors import PackError
from suasion.rules import load_packs

SHIPPED = sorted(Path(str(resources.files("suasion.rules"))).glob("packs/*.toml"))
NOWHERE = Path("nowhere")
HEAD = 'id = "own"\ntitle = "Our own"\nstatus = "draft"\n'
RULE = """
[[rule]]
id = "own.rule"
subject = "person"
message = "Adults only."
cite = "Our own, paragraph 1"
valid_from = 2020-01-01
require = "adult"
case = [
    { facts = { adult = true }, allowed = true },
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


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_pack_holds_its_cases(path: Path):
    pack = load_packs([path.stem], NOWHERE)[-1]
    assert pack.id == path.stem
    for rule in pack.rule:
        for case in rule.case:
            assert (rule.reason(case.facts) is None) is case.allowed, f"{rule.id} {case.facts}"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_nothing_known_satisfies_no_rule_but_the_one_about_a_refusal(path: Path):
    rules = load_packs([path.stem], NOWHERE)[-1].rule
    assert [rule.id for rule in rules if rule.reason({}) is None] in ([], ["house.refusal"])


def test_a_workspace_may_bring_its_own_pack(load: Callable[[str], Any]):
    assert [pack.id for pack in load(HEAD + RULE)] == ["house", "own"]


def test_a_workspace_cannot_replace_the_house_rules(tmp_path: Path):
    (tmp_path / "house.toml").write_text(HEAD + RULE, "utf-8")
    with pytest.raises(PackError, match="rename yours"):
        load_packs([], tmp_path)


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
            "cases of one kind only",
        ),
        (("    { facts = {}, allowed = false },\n", ""), "case"),
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
