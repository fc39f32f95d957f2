"""A file that people write is read whole, or refused with one clear sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from suasion.declarations import Declared, closest, read
from suasion.errors import PackError


class Leaf(Declared):
    """The innermost table."""

    weight: float = 1.0


class Tree(Declared):
    """A declaration with tables in tables and in arrays."""

    name: str
    height: int = Field(ge=0)
    leaf: tuple[Leaf, ...] = ()
    branches: dict[str, Leaf] = Field(default_factory=dict)
    root: Leaf | None = None


def _read(path: Path, text: str | bytes) -> Tree:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, Tree, PackError, name=path.stem)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where to write a declaration."""
    (tmp_path / "trees").mkdir()
    return tmp_path / "trees" / "oak.toml"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_a_file_is_read_with_what_is_given(path: Path, mark: bytes):
    tree = _read(path, mark + b"height = 3\r\n[[leaf]]\nweight = 2\n[branches.a]\n[root]\nweight = 0.5\n")
    leaves = (Leaf(weight=2.0),)
    assert tree == Tree(name="oak", height=3, leaf=leaves, branches={"a": Leaf()}, root=Leaf(weight=0.5))


def test_what_was_read_cannot_be_changed(path: Path):
    tree = _read(path, "height = 3")
    with pytest.raises(ValidationError, match="frozen"):
        tree.height = 4


@pytest.mark.parametrize(
    ("text", "found", "todo"),
    [
        ("", "height: the key is missing", "Add it."),
        ("heigth = 3", "heigth: a key that is not known", "Did you mean 'height'?"),
        ("height = 3\nzzz = 1", "zzz: a key that is not known", "Known: branches, height, leaf, name, root."),
        ("height = 3\n[[leaf]]\nwieght = 1", "leaf.0.wieght: a key that", "Did you mean 'weight'?"),
        ("height = 3\n[branches.b]\nheight = 1", "branches.b.height: a key that", "Did you mean 'weight'?"),
        ("height = 3\n[root]\nname = 1", "root.name: a key that is not known", "Known: weight."),
        ("height = 3\nname = 'elm'", "a key 'name'", "Leave it out: the name of the file says it."),
        ("height = -1", "height: ", "Correct it."),
        ("height = 2.5", "height: ", "Correct it."),
        ("leaf = 3\nheight = 'x'", "(and 1 more)", "Correct it."),
        ("height = ", "not valid TOML", "Correct the file."),
        ("height = 3\nheight = 4", "not valid TOML", "Correct the file."),
        (b"height = 3 # \xff", "not valid TOML", "Correct the file."),
        (b"\x00\x01", "not valid TOML", "Correct the file."),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(path: Path, text: str | bytes, found: str, todo: str):
    with pytest.raises(PackError) as refused:
        _read(path, text)
    assert str(refused.value).startswith("trees/oak.toml: ")
    assert found in str(refused.value)
    assert refused.value.todo == todo
    assert "\n" not in str(refused.value)
    assert "pydantic" not in str(refused.value)


def test_a_refusal_does_not_repeat_what_the_file_holds(path: Path):
    with pytest.raises(PackError) as refused:
        _read(path, "height = 'secret@example.org'")
    assert "secret" not in str(refused.value)


def test_a_missing_file_names_its_neighbors(path: Path):
    _read(path, "height = 3")
    with pytest.raises(PackError, match=r"trees/oka\.toml: no such file\. Did you mean 'oak'\?"):
        read(path.with_name("oka.toml"), Tree, PackError)
    with pytest.raises(PackError, match="Known: oak"):
        read(path.with_name("birch.toml"), Tree, PackError)
    with pytest.raises(PackError, match="Known: none"):
        read(path.parent / "nowhere" / "birch.toml", Tree, PackError)


def test_a_long_list_of_names_is_cut():
    assert closest("q", [f"name{i:02}" for i in range(50)]).endswith("name11.")
