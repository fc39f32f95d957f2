"""From a TOML file to a frozen, validated value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from suasion.errors import InputError


class Declared(BaseModel):
    """Base of what a file declares: frozen, and without keys that nobody asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


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
        you mean) or of the wrong type.
    """
    asked = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        there = sorted(p.stem for p in path.parent.glob("*.toml"))
        raise error(asked, "no such file", closest(path.stem, there))
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise error(asked, f"not valid TOML: {cause}", "Correct the file.") from None
    try:
        return kind.model_validate({**given, **content})
    except ValidationError as cause:
        first = cause.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            todo = closest(str(first["loc"][-1]), kind.model_fields)
            raise error(asked, f"unknown key '{where}'", todo) from None
        raise error(asked, f"key '{where}': {first['msg']}", "Correct the file.") from None


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
