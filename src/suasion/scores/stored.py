"""Frozen values of arrays and plain numbers, as bytes: an archive of arrays and a tree of names, no code."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from suasion.errors import CampaignError

VERSION = 1
TREE = "tree"


def dump(value: object, kinds: Sequence[type]) -> bytes:
    """Write a value.

    Parameters
    ----------
    value : object
        A dataclass of `kinds`; its fields are arrays, numbers, text, None, tuples, or such dataclasses.
    kinds : sequence of type

    Returns
    -------
    bytes
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = {"version": VERSION, "value": _written(value, {kind: kind.__name__ for kind in kinds}, arrays)}
    out = io.BytesIO()
    arrays[TREE] = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def restore(saved: bytes, kinds: Sequence[type]) -> object:
    """Read a value back.

    Parameters
    ----------
    saved : bytes
        As `dump` wrote them.
    kinds : sequence of type
        No other types are made.

    Returns
    -------
    object

    Raises
    ------
    CampaignError
        Not made by `dump`, damaged, or of another version.
    """
    try:
        with np.load(io.BytesIO(saved), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        tree = json.loads(arrays.pop(TREE).tobytes())
        version, value = tree["version"], tree["value"]
    except (
        ValueError,
        KeyError,
        TypeError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        NotImplementedError,
    ) as error:
        raise _unreadable(f"{len(saved)} bytes that are none") from error
    if version != VERSION:
        raise _unreadable(f"version {version}, not {VERSION}")
    try:
        return _read(value, {kind.__name__: kind for kind in kinds}, arrays)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _unreadable("parts that do not fit together") from error


def _written(value: object, names: dict[type, str], arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"array{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, tuple):
        return {"tuple": [_written(item, names, arrays) for item in value]}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {"pairs": [[_written(k, names, arrays), _written(v, names, arrays)] for k, v in value.items()]}  # pyright: ignore[reportUnknownVariableType]
    if is_dataclass(value) and type(value) in names:
        parts = {part.name: _written(getattr(value, part.name), names, arrays) for part in fields(value)}
        return {"kind": names[type(value)], "parts": parts}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def _read(tree: Any, kinds: dict[str, type], arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        return arrays[tree["array"]]
    if "tuple" in tree:
        return tuple(_read(item, kinds, arrays) for item in tree["tuple"])
    if "pairs" in tree:
        return {_read(k, kinds, arrays): _read(v, kinds, arrays) for k, v in tree["pairs"]}
    parts = {name: _read(part, kinds, arrays) for name, part in tree["parts"].items()}
    return kinds[tree["kind"]](**parts)


def _unreadable(found: str) -> CampaignError:
    return CampaignError("a model", found, "Learn again: run `suasion score`.")
