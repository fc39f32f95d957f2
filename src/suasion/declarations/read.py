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
            raise PydanticCustomError("unknown_key", "unknown key '{key}'", known)
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
        first = cause.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        todo = first.get("ctx", {}).get("todo", "Correct the file.")
        raise error(asked, f"key '{where}': {first['msg']}" if where else first["msg"], todo) from None


def closest(name: str, known: Iterable[str]) -> str:
    """A "did you mean" sentence, or the list of what there is.

    Examples
    --------
    >>> closest("agee", ["age", "sex"])
    "Did you mean 'age'?"
    >>> closest("zip", ["age", "sex"])
    'Known: age, sex.'
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names[:12]) or 'none'}."
