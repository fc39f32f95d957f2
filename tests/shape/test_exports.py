"""What each stage promises at its front door."""

import pytest

from exports import PINNED, exports
from house import Stage, built

ABOUT_FIFTEEN = 16
stages = pytest.mark.parametrize("stage", built(), ids=lambda stage: stage.name)


def test_exports_are_pinned():
    assert exports() == PINNED.read_text(encoding="utf-8"), "Meant? Then: python scripts/exports.py --write"


@stages
def test_a_front_door_is_small(stage: Stage):
    assert 1 <= len(stage.exports) <= ABOUT_FIFTEEN


@stages
def test_a_front_door_says_what_the_stage_does(stage: Stage):
    assert stage.summary.endswith(".")


@stages
def test_what_is_exported_is_documented(stage: Stage):
    definitions = {name: stage.definition(name) for name in stage.exports}
    bare = [name for name, node in definitions.items() if node and not _says_something(node)]
    assert not bare, f"without a docstring: {bare}"


def _says_something(node) -> bool:
    first = node.body[0]
    return hasattr(first, "value") and isinstance(getattr(first.value, "value", None), str)
