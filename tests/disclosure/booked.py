"""A ledger with a campaign in the middle: receipts of two claims, one of them undone and made again."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import pyarrow as pa
from sqlalchemy import Select, select

from suasion.ledger import Ledger, checkpoints, schema, sends

BOOK = run_path(str(Path(__file__).parents[1] / "ledger" / "book.py"))
NOW, KEY, NAME = BOOK["NOW"], BOOK["KEY"], "town.example/log"
VKEY = checkpoints.verifier_key(KEY, NAME)
PERSONS = (5, 3, 9, 1, 7)
LATER = NOW + timedelta(minutes=5)


def booked(folder: Path) -> Any:
    """Five sends, three of one claim and two of another that was made twice; a checkpoint in between."""
    folder.mkdir(exist_ok=True)
    book = BOOK["Book"](folder)
    book.plan("flu", dict.fromkeys(PERSONS, 0.05))
    book.plan("measles", {5: 0.05})
    terms, cleared = book.terms("flu"), book.clear("flu", PERSONS)
    first = book.claim(terms, cleared, limit=3)
    book.hand_over(terms, first.sends, sends.State.ACCEPTED)
    checkpoints.latest(book.ledger, KEY, NAME, NOW)
    book.claim(terms, cleared, after=first.last)
    sends.release(book.ledger, NOW)
    again = book.claim(terms, cleared, LATER, after=first.last)
    book.hand_over(terms, again.sends, sends.State.ACCEPTED)
    sends.set_paused(book.ledger, "flu", LATER, paused=True)
    return book


def copied(ledger: Ledger, folder: Path) -> Ledger:
    """Another ledger that begins as this one is."""
    folder.mkdir()
    source: Any = ledger.place
    for file in source.path.parent.glob("ledger.db*"):
        shutil.copy(file, folder / file.name)
    return Ledger.open(folder / "ledger.db")


def the_send(number: int) -> Select[Any]:
    """A query for the number of one send."""
    return select(schema.sends.c.id).where(schema.sends.c.id == number)


def facts(**said: Any) -> pa.Table:
    """The facts of one person."""
    return pa.table({"person": [5], **{name: [value] for name, value in said.items()}})
