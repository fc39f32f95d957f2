"""Read the house without importing it: the order of the stages, their front doors, their modules."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "suasion"


@dataclass(frozen=True)
class Stage:
    """One stage of the road: a folder, or a single file, of the package."""

    name: str

    @property
    def front_door(self) -> Path:
        """The file other stages import from."""
        folder = PACKAGE / self.name
        return folder / "__init__.py" if folder.is_dir() else PACKAGE / f"{self.name}.py"

    @property
    def is_built(self) -> bool:
        """Whether there is anything to import."""
        return self.front_door.is_file()

    @property
    def modules(self) -> list[Path]:
        """Its Python files."""
        door = self.front_door
        return sorted(door.parent.rglob("*.py")) if door.name == "__init__.py" else [door]

    @property
    def summary(self) -> str:
        """First line of its docstring."""
        return (ast.get_docstring(tree_of(self.front_door)) or "").partition("\n")[0]

    @property
    def exports(self) -> list[str]:
        """The names in `__all__`; of a single file without one, its public classes and functions."""
        body = tree_of(self.front_door).body
        for node in body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return sorted(ast.literal_eval(node.value))
        if self.front_door.name == "__init__.py":
            return []
        return sorted(n.name for n in body if isinstance(n, DEFINITIONS) and not n.name.startswith("_"))

    def definition(self, name: str) -> ast.ClassDef | ast.FunctionDef | None:
        """Where the stage defines a class or function, if it does."""
        nodes = (node for module in self.modules for node in tree_of(module).body)
        return next((n for n in nodes if isinstance(n, DEFINITIONS) and n.name == name), None)


DEFINITIONS = (ast.ClassDef, ast.FunctionDef)


@cache
def tree_of(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def road() -> list[Stage]:
    """The stages in the order a person's data travels."""
    return [Stage(layer.strip("()")) for layer in reversed(_layers())]


@cache
def planned() -> list[str]:
    """Names of the stages that the order marks as not opened yet."""
    return [layer.strip("()") for layer in reversed(_layers()) if layer.startswith("(")]


@cache
def built() -> list[Stage]:
    """The stages that can be imported, in the same order."""
    return [stage for stage in road() if stage.is_built]


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def sections(document: str) -> dict[str, str]:
    """The text below each second-level heading of a file in docs/, in order."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {heading.strip(): body.strip() for heading, _, body in parts}


def _layers() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["importlinter"]["contracts"][0]["layers"]
