"""Load the packs that ship with suasion, all of them, and those of a workspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

from suasion.declarations import named, read
from suasion.errors import PackError
from suasion.rules.pack import Pack

SHIPPED = (
    *("house", "eu_gdpr", "eu_eprivacy", "eu_political", "eu_dsa", "eu_ai", "eu_consumer", "uk"),
    *("us_canspam", "us_tcpa", "us_ca", "us_political", "us_fair", "us_hipaa", "us_wa", "us_coppa"),
    *("ca_casl", "platforms"),
)
"""Always loaded, in this order: what applies is for their scope to say. A file that is gone is noticed."""


def load_packs(names: Sequence[str], folder: Path) -> tuple[Pack, ...]:
    """Load every pack that ships with suasion, then those of the workspace.

    A pack of the workspace can forbid more and allow nothing: all rules in scope must be met, a rule has an
    id of its own, and no pack is called as a shipped one.

    Parameters
    ----------
    names : sequence of str
        Packs of the workspace, ``FOLDER/NAME.toml``, without ``.toml``; shipped ones may be named too.
    folder : Path
        The workspace's own ``rules`` folder; may be absent.

    Returns
    -------
    tuple of Pack
        Each parsed, typed and with its cases run.

    Raises
    ------
    PackError
        Not found, malformed, named unlike its file or like a shipped one, a case does not hold, or two rules
        share an id.

    Examples
    --------
    >>> load_packs([], Path("rules"))[0].id
    'house'
    """
    if own := [name for name in SHIPPED if (folder / f"{name}.toml").exists()]:
        asked, todo = f"rules/{own[0]}.toml", "Shipped packs stay: rename yours."
        raise PackError(asked, "a pack named like one that ships with suasion", todo)
    shipped = Path(str(resources.files("suasion.rules"))) / "packs"
    packs = [_load(shipped / f"{name}.toml") for name in SHIPPED]
    packs += [_load(named(folder, name, PackError)) for name in dict.fromkeys(names) if name not in SHIPPED]
    ids = Counter(rule.id for pack in packs for rule in pack.rule)
    if twice := [name for name, count in ids.items() if count > 1]:
        raise PackError(f"rule {twice[0]}", "another rule of that id", "Give each rule an id of its own.")
    return tuple(packs)


def _load(path: Path) -> Pack:
    try:
        content = path.read_bytes()
    except OSError:
        todo = "Check the names in suasion.toml, or install suasion again: nothing is permitted without it."
        raise PackError(f"rule pack '{path.stem}'", f"no file {path}", todo) from None
    return _read(path.absolute(), content)


@lru_cache(maxsize=256)
def _read(path: Path, content: bytes) -> Pack:
    """The pack, read and its cases run once for as long as its file says the same."""
    pack = read(path, Pack, PackError)
    if pack.id != path.stem:
        raise PackError(f"{path.parent.name}/{path.name}", f"the id '{pack.id}'", "Name the file by its id.")
    pack.check()
    return pack
