"""From a TOML file to a frozen, validated value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from suasion.errors import InputError


class Declared(BaseModel):
    """Base of what a file declares: frozen, and without keys that nobody asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, content: Any) -> Any:
        """Name an unknown key where it stands, beside the keys known there."""
        unknown = sorted(set(content) - set(cls.model_fields)) if isinstance(content, dict) else []
        if unknown:
            known = {"key": unknown[0], "todo": closest(unknown[0], cls.model_fields)}
            raise PydanticCustomError("unknown_key", "a key that is not known", known)
        return content


T = TypeVar("T", bound=Declared)


def read(path: Path, kind: type[T], error: type[InputError], **given: Any) -> T:
    """Read one file.

    Parameters
    ----------
    path : Path
        A TOML file in UTF-8.
    kind : type
        The `Declared` class it is an instance of.
    error : type of InputError
        What to raise.
    **given
        Values that are not written in the file, such as its name.

    Returns
    -------
    instance of `kind`

    Raises
    ------
    InputError
        As given: no such file (names those there are), not TOML, or a key that is missing, unknown (did
        you mean), of the wrong type, or one of `given`.
    """
    asked = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        there = sorted(p.stem for p in path.parent.glob("*.toml"))
        raise error(asked, "no such file", closest(path.stem, there))
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise error(asked, f"not valid TOML: {cause}", "Correct the file.") from None
    if said := sorted(given.keys() & content.keys()):
        raise error(asked, f"a key '{said[0]}'", "Leave it out: the name of the file says it.")
    try:
        return kind.model_validate({**given, **content})
    except ValidationError as cause:
        raise _first(asked, error, cause) from None


def _first(asked: str, error: type[InputError], cause: ValidationError) -> InputError:
    """The first error as ours, an unknown key before a missing one, and how many others there are."""
    errors = cause.errors(include_input=False, include_url=False)
    first = min(errors, key=lambda one: one["type"] != "unknown_key")
    where = ".".join(str(part) for part in first["loc"] if part != "[key]")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if first["type"] == "unknown_key":
        where = ".".join(part for part in (where, first["ctx"]["key"]) if part)  # pyright: ignore[reportTypedDictNotRequiredAccess]
    if first["type"] == "missing":
        return error(f"{asked}: {where}", f"the key is missing{more}", "Add it.")
    todo = first.get("ctx", {}).get("todo", "Correct it.")
    return error(f"{asked}: {where}" if where else asked, f"{first['msg']}{more}", todo)


def named(folder: Path, name: str, error: type[InputError]) -> Path:
    """The file ``FOLDER/NAME.toml``; a name that leads out of the folder is refused.

    Examples
    --------
    >>> named(Path("segments"), "adults", InputError).name
    'adults.toml'
    """
    if not name or name.startswith(".") or set(name) & set("/\\\0"):
        raise error(
            f"{folder.name}/", "a name that is a path", "Give the name of a file in it, without .toml."
        )
    return folder / f"{name}.toml"


def closest(name: str, known: Iterable[str]) -> str:
    """A "did you mean" sentence, or the list of what there is.

    Examples
    --------
    >>> closest("agee", ["age", "sex"])
    "Did you mean 'age'?"
    >>> closest("AGE", ["age", "sex"])
    "Did you mean 'age'?"
    >>> closest("zip", ["age", "sex"])
    'Known: age, sex.'
    """
    names = {one.casefold(): one for one in sorted(known, reverse=True)}
    near = get_close_matches(name.casefold(), names, n=1)
    listed = ", ".join(sorted(names.values())[:12]) or "none"
    return f"Did you mean '{names[near[0]]}'?" if near else f"Known: {listed}."
