"""Check what was saved, alone: a log, checkpoints, proofs and receipts, with nothing but the public key.

An outsider needs nothing of ours for it. The leaf of a row is SHA-256, over a 0 and the JSON array of kind,
campaign, body and at, in UTF-8, without spaces, in which only those characters are escaped that JSON
demands: ``"``, the backslash, and those below U+0020 (as ``\\n`` where there is such a short form, else as
``\\u001f``). The leaf of a receipt is the same over its JSON object, keys sorted. The tree and its proofs are
those of RFC 9162, section 2.1; checkpoints are those of C2SP.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from suasion.disclosure.lines import read_log
from suasion.errors import DamageError
from suasion.ledger import checkpoints, log, sends

Checkpoint = checkpoints.Checkpoint

_TODO = "Ask the sponsor; keep what you have."
_ROW = {"position": int, "kind": str, "campaign": str, "body": str, "at": str}
_SHOWN = {"row": dict, "path": list}
_INCLUSION = {"kind": str, **_SHOWN, "checkpoint": str}
_CONSISTENCY = {"kind": str, "size": int, "root": str, "path": list, "checkpoint": str}
_RECEIPT = {
    "kind": str,
    "receipt": dict,
    "place": int,
    "size": int,
    "root": str,
    "path": list,
    "batch": dict,
    "record": dict,
}
_TEXTS = ("campaign", "at", "rules", "send", "treatment", "facts", "consent")
_CONTENT = dict.fromkeys(_TEXTS, str) | {"record": int}


@dataclass(frozen=True)
class Verified:
    """What a check found.

    Parameters
    ----------
    rows : int
        Of the log, as far as it was seen.
    head : str
        Root of the tree over them, as checkpoints spell it. Empty where the rows do not hold.
    campaigns : tuple of str
        Those with a record; of a receipt or proof, the one that it is about.
    problems : tuple of str
        Empty where all is well.
    unchecked : tuple of str
        What could not be checked with what was given.
    """

    rows: int
    head: str
    campaigns: tuple[str, ...]
    problems: tuple[str, ...]
    unchecked: tuple[str, ...] = ()


def verify_lines(lines: Iterable[str], notes: Sequence[str] = (), vkey: str = "") -> Verified:
    """Check a log that was saved as JSON lines.

    Parameters
    ----------
    lines : iterable of str
        Such as an open file.
    notes : sequence of str
        Checkpoints that were saved, earlier or with it: the log must lead through each.
    vkey : str
        The public key of the log.

    Returns
    -------
    Verified

    Raises
    ------
    InputError
        There are checkpoints, and the key is none.

    Examples
    --------
    >>> verify_lines([]).problems
    ()
    >>> verify_lines(["{}"]).problems
    ('line 1 of the log: it is no row of a log. Download the log again.',)
    """
    kept, problems = _opened(notes, vkey)
    try:
        rows = read_log(lines)
    except DamageError as error:
        return Verified(0, "", (), (str(error), *problems))
    found = of_rows(rows, kept)
    most = max((one.size for one in kept), default=0)
    unsigned = f"{len(rows) - most} of {len(rows)} rows are under no checkpoint that was given"
    unchecked = () if most >= len(rows) else (unsigned,)
    return replace(found, problems=(*problems, *found.problems), unchecked=unchecked)


def verify_notes(notes: Sequence[str], vkey: str) -> Verified:
    """Hold checkpoints against each other: two of one size must have one root.

    Parameters
    ----------
    notes : sequence of str
    vkey : str
        The public key of the log.

    Returns
    -------
    Verified
        Of the longest.
    """
    kept, problems = _opened(notes, vkey)
    sizes = sorted({one.size for one in kept})
    unchecked = tuple(
        f"that the log of {size} rows only continued to {sizes[-1]}: that takes the log, "
        f"or the proof that the sponsor has at /proof/consistency/{size}"
        for size in sizes[:-1]
    )
    longest = max(kept, key=lambda one: one.size, default=None)
    rows, head = (longest.size, longest.head) if longest else (0, "")
    return Verified(rows, head, (), (*problems, *_forks(kept)), unchecked)


def verify_proof(text: str, vkey: str, notes: Sequence[str] = ()) -> Verified:
    """Check a receipt, or a proof of inclusion or consistency, that was saved as JSON.

    Parameters
    ----------
    text : str
    vkey : str
        The public key of the log.
    notes : sequence of str
        Checkpoints that were saved. One of another size than the proof's takes a proof of consistency from
        that size, or the log.

    Returns
    -------
    Verified
        Its rows and head are those of the checkpoint in the proof.

    Raises
    ------
    InputError
        The key is none.

    Examples
    --------
    >>> key = checkpoints.verifier_key(b"secret", "town.example/log")
    >>> verify_proof("{}", key).problems
    ('the proof: it is none, or was changed. Ask the sponsor; keep what you have.',)
    """
    kept, problems = _opened(notes, vkey)
    try:
        said = _read(text)
        now = checkpoints.opened(said["checkpoint"], vkey)
        campaigns, reached = _CHECKS[said["kind"]](said, now)
    except DamageError as error:
        return Verified(0, "", (), (str(error), *problems))
    known = [now, *([reached] if reached else [])]
    apart = [one for one in kept if one.size not in {known.size for known in known}]
    unchecked = tuple(
        f"whether the log led through the checkpoint of {one.size} rows: this proof does not say"
        for one in apart
    )
    return Verified(now.size, now.head, campaigns, (*problems, *_forks([*known, *kept])), unchecked)


def page() -> str:
    """The page that checks the same in a browser, without network."""
    return files("suasion.disclosure").joinpath("verify.html").read_text("utf-8")


def of_rows(rows: Sequence[log.LogRow], kept: Sequence[Checkpoint]) -> Verified:
    """Check rows, and that they lead through checkpoints."""
    campaigns = tuple(sorted({row.campaign for row in rows if row.kind == "campaign"}))
    try:
        levels = checkpoints.tree.levels(log.leaves(rows))
    except DamageError as error:
        return Verified(len(rows), "", campaigns, (str(error),))
    problems = [*_forks(kept), *filter(None, (_missed(levels, one) for one in kept))]
    now = Checkpoint("", len(rows), checkpoints.tree.root_of_first(levels, len(rows)))
    return Verified(len(rows), now.head, campaigns, tuple(problems))


def _opened(notes: Sequence[str], vkey: str) -> tuple[list[Checkpoint], list[str]]:
    kept, problems = list[Checkpoint](), list[str]()
    for note in notes:
        try:
            kept.append(checkpoints.opened(note, vkey))
        except DamageError as error:
            problems.append(str(error))
    return kept, problems


def _forks(kept: Sequence[Checkpoint]) -> list[str]:
    """Sizes for which two different roots were signed: nobody can do that by accident."""
    roots: dict[int, set[bytes]] = {}
    for one in kept:
        roots.setdefault(one.size, set()).add(one.root)
    return [
        f"the log was forked: two checkpoints of {size} rows are signed and have different roots. "
        "Keep both: together they prove it"
        for size, found in sorted(roots.items())
        if len(found) > 1
    ]


def _missed(levels: Sequence[Sequence[bytes]], kept: Checkpoint) -> str | None:
    """What is wrong where the log does not lead through a checkpoint."""
    rows = len(levels[0])
    if kept.size > rows:
        return f"the log has {rows} rows, and a checkpoint of {kept.size} was signed: rows were cut off"
    if checkpoints.tree.root_of_first(levels, kept.size) != kept.root:
        return (
            f"the log is not the one of the checkpoint of {kept.size} rows: rows were rewritten, or it was "
            "forked. Keep both: together they prove it"
        )
    return None


def _read(text: str) -> dict[str, Any]:
    """What a proof says, if it has the shape of one."""
    try:
        said: Any = json.loads(text)
        json.dumps(said, ensure_ascii=False).encode()  # no half of a character
    except (ValueError, RecursionError):
        raise _refused("the proof") from None
    shape = _SHAPES.get(str(said.get("kind"))) if isinstance(said, dict) else None
    if shape is None:
        raise _refused("the proof")
    _shaped(said, shape, f"the {said['kind']}")
    return said


def _shaped(said: Mapping[str, Any], shape: Mapping[str, type], asked: str) -> None:
    if {key: type(value) for key, value in said.items()} != shape:
        raise _refused(asked)
    if not all(log.is_hash(one) for one in said.get("path", [])):
        raise _refused(asked)


def _included(said: dict[str, Any], now: Checkpoint, asked: str) -> dict[str, Any]:
    """The row that a proof of inclusion is about, if it is in the log."""
    _shaped(said, _SHOWN, asked)
    row = said["row"]
    _shaped(row, _ROW, asked)
    leaf = log.leaf_of(row["kind"], row["campaign"], row["body"], row["at"])
    if not checkpoints.tree.includes(now.root, now.size, row["position"] - 1, leaf, _path(said)):
        raise DamageError(asked, "it is not in the log of the checkpoint", _TODO)
    return row


def _inclusion(said: dict[str, Any], now: Checkpoint) -> tuple[tuple[str, ...], None]:
    row = _included({"row": said["row"], "path": said["path"]}, now, "the row")
    return (row["campaign"],), None


def _consistency(said: dict[str, Any], now: Checkpoint) -> tuple[tuple[str, ...], Checkpoint]:
    if not log.is_hash(said["root"]):
        raise _refused("the consistency")
    before = Checkpoint(now.origin, said["size"], bytes.fromhex(said["root"]))
    if not checkpoints.tree.continues((before.size, before.root), (now.size, now.root), _path(said)):
        found = f"the log of {now.size} rows does not continue that of {before.size}"
        raise DamageError("the proof", found, _TODO)
    return (), before


def _receipt(said: dict[str, Any], now: Checkpoint) -> tuple[tuple[str, ...], None]:
    content = said["receipt"]
    _shaped(content, _CONTENT, "the receipt")
    batch = _included(said["batch"], now, "the row of the receipt's batch")
    record = _included(said["record"], now, "the record of the receipt's campaign")
    sealed, recorded = _body(batch), _body(record)
    held = {
        "campaign": batch["campaign"],
        "at": batch["at"],
        "record": sealed.get("record"),
        "rules": sealed.get("rules"),
    }
    same = held == {name: content[name] for name in held} and batch["kind"] == "sends"
    root = bytes.fromhex(said["root"]) if log.is_hash(said["root"]) and 0 < said["size"] < 2**63 else b""
    if not same or not root or sends.receipt.sealed_root(said["size"], root) != sealed.get("root"):
        raise DamageError("the receipt", "its row of the log says another thing", _TODO)
    if not checkpoints.tree.includes(
        root, said["size"], said["place"], sends.receipt.leaf_of(content), _path(said)
    ):
        raise DamageError("the receipt", "it is not one of those that the log holds", _TODO)
    on_record = (record["kind"], record["campaign"], record["position"]) == (
        "campaign",
        content["campaign"],
        content["record"],
    )
    before = record["position"] < batch["position"]
    if not (on_record and before and recorded.get("content") == sealed.get("content")):
        raise DamageError("the receipt", "the record that it names is not one of what was sent", _TODO)
    return (content["campaign"],), None


def _body(row: Mapping[str, Any]) -> dict[str, Any]:
    said: Any = json.loads(row["body"])
    return said if isinstance(said, dict) else {}


def _path(said: Mapping[str, Any]) -> list[bytes]:
    return [bytes.fromhex(one) for one in said["path"]]


def _refused(asked: str) -> DamageError:
    return DamageError(asked, "it is none, or was changed", _TODO)


_SHAPES: dict[str, Mapping[str, type]] = {
    "inclusion": _INCLUSION,
    "consistency": _CONSISTENCY,
    "receipt": _RECEIPT | {"checkpoint": str},
}
_CHECKS: dict[str, Callable[[dict[str, Any], Checkpoint], tuple[tuple[str, ...], Checkpoint | None]]] = {
    "inclusion": _inclusion,
    "consistency": _consistency,
    "receipt": _receipt,
}
