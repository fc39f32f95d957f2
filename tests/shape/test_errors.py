"""The error tree is drawn as it is."""

import re
from collections import Counter

import pytest

from suasion import errors
from suasion.errors import SuasionError

LINE = re.compile(r"^([ │├└─]*)(\w+Error)\b(.*)$", re.MULTILINE)
DRAWN = [(len(prefix), name, rest) for prefix, name, rest in LINE.findall(errors.__doc__ or "")]
CLASSES = {n: c for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, SuasionError)}

each_line = pytest.mark.parametrize(("depth", "name", "rest"), DRAWN, ids=[name for _, name, _ in DRAWN])


def test_every_error_is_drawn_once():
    assert sorted(name for _, name, _ in DRAWN) == sorted(CLASSES)


def test_every_error_has_a_code_of_its_own():
    codes = Counter(vars(error).get("code") for error in CLASSES.values())
    assert None not in codes
    assert codes.most_common(1)[0][1] == 1


@each_line
def test_an_error_hangs_under_its_parent(depth: int, name: str, rest: str):
    above = DRAWN[: [drawn for _, drawn, _ in DRAWN].index(name)]
    parent = next((drawn for at, drawn, _ in reversed(above) if at < depth), "Exception")
    assert CLASSES[name].__base__.__name__ == parent


@each_line
def test_an_error_is_drawn_with_its_code(depth: int, name: str, rest: str):
    is_leaf = not CLASSES[name].__subclasses__()
    assert not is_leaf or re.search(rf"(?<!\S){re.escape(CLASSES[name].code)}(?![\w.])", rest)


@each_line
def test_a_drawn_exit_code_holds(depth: int, name: str, rest: str):
    drawn = re.search(r"exit code (\d)", rest)
    assert not drawn or CLASSES[name].exit_code == int(drawn[1])
