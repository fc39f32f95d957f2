"""Who may import what, beyond the order that import-linter keeps."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from house import PACKAGE, built, modules, tree_of

JUNK = {"base", "common", "constants", "core", "helpers", "misc", "models", "services", "types", "utils"}
EXPORTS = {stage.name: set(stage.exports) for stage in built()}

every_module = pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))


@every_module
def test_a_stage_is_entered_by_its_front_door(module: Path):
    own = module.relative_to(PACKAGE).with_suffix("").parts[0]
    wrong = [
        line
        for stage, line, names in _own_imports(module, tree_of(module))
        if stage != own and not names <= EXPORTS.get(stage, set())
    ]
    assert not wrong, f"not `from suasion.STAGE import NAME` with a NAME of its __all__: {wrong}"


@every_module
def test_own_modules_are_imported_at_the_top(module: Path):
    functions = (
        n for n in ast.walk(tree_of(module)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    late = [line for function in functions for _, line, _ in _own_imports(module, function)]
    assert not late, f"inside a function: {late}"


@every_module
def test_a_module_is_named_for_what_it_holds(module: Path):
    names = module.relative_to(PACKAGE).with_suffix("").parts
    assert not JUNK & {plural for name in names for plural in (name, f"{name}s")}


def _own_imports(module: Path, tree: ast.AST) -> Iterator[tuple[str, str, set[str]]]:
    """Stage, source line and names of each import of this package; "*" where more than names is taken."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in (alias.name for alias in node.names):
                if name.split(".")[0] == "suasion":
                    yield name.partition(".")[2].split(".")[0], ast.unparse(node), {"*"}
        elif isinstance(node, ast.ImportFrom):
            target = _absolute(module, node)
            if target[:1] == ["suasion"]:
                names = {alias.name for alias in node.names} if len(target) == 2 else {"*"}
                stage = target[1] if len(target) > 1 else ""
                yield stage, ast.unparse(node), names


def _absolute(module: Path, node: ast.ImportFrom) -> list[str]:
    named = node.module.split(".") if node.module else []
    if not node.level:
        return named
    package = ["suasion", *module.relative_to(PACKAGE).parent.parts]
    return package[: len(package) - node.level + 1] + named
