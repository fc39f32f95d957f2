"""The documents say what the code says."""

import ast
import re
from functools import cache

import pytest

from house import ROOT, built, modules, planned, road, sections, tree_of
from road import README, table, written

SECTIONS = sections("road.md")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "vocabulary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| **")
]
WORDS = [(word.strip("*"), stage.strip("`"), status) for word, _, stage, status in ROWS]
FRONT_DOORS = {stage.name: stage for stage in built()}
NOT_USED = ("Audience", "Contact", "Lead", "User")

each_word = pytest.mark.parametrize(("word", "stage", "status"), WORDS, ids=[word for word, _, _ in WORDS])
each_section = pytest.mark.parametrize(("stage", "text"), SECTIONS.items(), ids=SECTIONS)


def test_the_readme_shows_the_road():
    readme = README.read_text(encoding="utf-8")
    assert table() in readme
    assert readme == written(), "python scripts/road.py --write"


def test_the_road_is_described_in_order_of_travel():
    assert list(SECTIONS) == [stage.name for stage in road()]


def test_the_road_says_what_is_planned():
    assert [stage for stage, text in SECTIONS.items() if text.startswith("*Planned.*")] == planned()


@each_section
def test_a_noun_is_born_where_the_vocabulary_says(stage: str, text: str):
    assert set(re.findall(r"\*\*(\w+)\*\*", text)) == {word for word, born, _ in WORDS if born == stage}


@each_section
def test_a_table_of_a_built_stage_exists(stage: str, text: str):
    missing = {name for name in _tables(text) if name.removesuffix("NAME") not in _texts_in_code()}
    assert stage in planned() or not missing, f"no string in src names {missing}"


def test_a_word_has_one_meaning():
    assert len({word for word, _, _ in WORDS}) == len(WORDS)
    assert {stage for _, stage, _ in WORDS} <= set(SECTIONS)


@each_word
def test_a_word_is_built_stored_or_planned(word: str, stage: str, status: str):
    names = {word, f"{word}s"}
    exported = any(names & set(other.exports) for other in built())
    if status == "built":
        found = [FRONT_DOORS[stage].definition(name) for name in names & set(FRONT_DOORS[stage].exports)]
        assert any(isinstance(node, ast.ClassDef) for node in found), f"{stage} exports no such class"
    elif status == "stored":
        assert not exported, "some stage exports it: mark it built"
        assert any(word.lower() in _table_line(text) for text in SECTIONS.values())
    else:
        assert status == "planned"
        assert not exported, "some stage exports it: mark it built"


def test_words_we_do_not_use_name_no_class():
    classes = [n.name for path in modules() for n in ast.walk(tree_of(path)) if isinstance(n, ast.ClassDef)]
    assert not [name for name in classes if name.removesuffix("s").endswith(NOT_USED)]


def _table_line(section: str) -> str:
    (line,) = re.findall(r"^- Tables: (.*(?:\n  .*)*)$", section, re.MULTILINE)
    return line


def _tables(section: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", _table_line(section))


@cache
def _texts_in_code() -> set[str]:
    nodes = (node for path in modules() for node in ast.walk(tree_of(path)))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
