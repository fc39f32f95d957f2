"""The desk where mails are written, each for one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.delivery import Letter, Mail, Skeleton, check_sender, skeleton
from suasion.disclosure import Notice, notice_of
from suasion.errors import InputError
from suasion.identity import known_by, opened, stored
from suasion.ledger import Ledger, Tables, sends, tokens
from suasion.messages import Writer, fields
from suasion.rules import Jurisdiction
from suasion.segments import CHANNELS
from suasion.workspace.brief import Brief
from suasion.workspace.live import called, contact_gate, details_of, public_url, said_by
from suasion.workspace.parts import Part, parts_of
from suasion.workspace.settings import Settings

Ids = npt.NDArray[np.int64]
ANYWHERE = "ZZ"
"""Names the notice for whoever is in no part."""
PREVIEW = "preview-of-nobodys-message-00000"
"""Stands where the token of a send goes; no key makes it."""


@dataclass(frozen=True)
class Desk:
    """Writes the mails of a campaign.

    Parameters
    ----------
    brief : Brief
    ledger : Ledger
        Where persons' keys are: contact details are opened when a mail is written, for it alone.
    key : bytes
    skeletons : dict of str to Skeleton
        By treatment, like `writers`.
    writers : dict of str to Writer
    notices : dict of str to Notice
        By part of the campaign.
    parts : tuple of Part
        Who is in which.
    details : pyarrow.Table
        As `details_of` gives them.
    traits : pyarrow.Table
        Sorted by person.
    """

    brief: Brief
    ledger: Ledger
    key: bytes
    skeletons: dict[str, Skeleton]
    writers: dict[str, Writer]
    notices: dict[str, Notice]
    parts: tuple[Part, ...]
    details: pa.Table
    traits: pa.Table

    def write(self, claimed: Sequence[sends.Send], at: datetime) -> list[Mail]:
        """The mails of claimed sends; one whose detail has changed, or that fails, is left out."""
        persons = np.array([one.person for one in claimed], np.int64)
        addresses = opened(_rows(self.details, persons), self.ledger, self.key)
        traits = _rows(self.traits, persons).to_pylist()
        mails = (self._mail(*one, at) for one in zip(claimed, addresses, traits, strict=True))
        return [mail for mail in mails if mail is not None]

    def letter(self, treatment: str, token: str, person: int, traits: Mapping[str, object]) -> Letter:
        """What one person reads, the notice of their part included."""
        said, notice = self.writers[treatment].render(traits), self.notices[self.part_of(person)]
        html = None if said.html is None else _within_body(said.html, notice.html(token))
        return Letter(said.subject or "", said.text + notice.text(token), html)

    def part_of(self, person: int) -> str:
        """The part that a person is in; who is in none is under the rules of every place."""
        for part in self.parts:
            place = int(np.searchsorted(part.persons, person))
            if place < len(part.persons) and part.persons[place] == person:
                return part.name
        return ANYWHERE

    def _mail(
        self, send: sends.Send, address: str | None, traits: Mapping[str, object], at: datetime
    ) -> Mail | None:
        kind = CHANNELS[self.brief.campaign.delivered.channel]
        if address is None or tokens.hash_of(self.key, kind, address, tokens.folded) != send.address:
            return None
        token = tokens.token_of(self.key, send.id)
        try:
            letter = self.letter(send.treatment, token, send.person, traits)
            content = self.skeletons[send.treatment].fill(token, address, letter, at)
        except InputError:
            return None
        return Mail(send.id, token, address, content)


def desk(tables: Tables, ledger: Ledger, brief: Brief, settings: Settings, key: bytes) -> Desk:
    """Lay out all that writing takes, once."""
    terms, url = brief.campaign.delivered, public_url(settings)
    sender = check_sender(terms.sender)
    names = list(brief.campaign.treatments)
    said = (said_by(brief, name) for name in names)
    used = {name for message, variant in said for name in fields(message.variant(variant))}
    traits = tables.read("traits", "ingest").select(["person", *sorted(used)])
    gate = contact_gate(brief, brief.gate.occasion.at)
    details = details_of(tables, terms.channel)
    parts = parts_of(tables, brief, gate.occasion.at, details["person"].to_numpy())
    anywhere = "+".join(sorted({*gate.regimes(Jurisdiction.UNKNOWN)} - {"house"}))
    notices = {part.name: part.name for part in parts} | {ANYWHERE: anywhere}
    return Desk(
        brief=brief,
        ledger=ledger,
        key=key,
        skeletons={name: skeleton(sender, url, brief.campaign.name, name) for name in names},
        writers={name: Writer(*said_by(brief, name), called(brief)) for name in names},
        notices={name: notice_of(brief.campaign, brief.segment, url, of) for name, of in notices.items()},
        parts=parts,
        details=details,
        traits=traits,
    )


def hashes(details: pa.Table, persons: Ids) -> list[bytes]:
    """Keyed hash of each person's contact detail."""
    return _rows(details, persons)["hash"].to_pylist()


def previews(
    tables: Tables, ledger: Ledger, brief: Brief, settings: Settings, key: bytes, person: int
) -> dict[str, Letter]:
    """What one person would read, by treatment."""
    writing = desk(tables, ledger, brief, settings, key)
    traits = _rows(writing.traits, np.array([person], np.int64)).to_pylist()[0]
    return {name: writing.letter(name, PREVIEW, person, traits) for name in writing.writers}


def known_person(tables: Tables, named: str, key: bytes) -> int:
    """The person whom ``KIND=VALUE`` names; InputError where that is not exactly one."""
    kind, given, value = named.partition("=")
    if not given:
        todo = "Name one by KIND=VALUE, for example member=R0000123."
        raise InputError("a person", "no kind of identifier is named", todo)
    identities = stored(tables.read("identities", "ingest"))
    found = identities.filter(known_by(identities, kind, value, key))["person"].unique().to_pylist()
    if len(found) != 1:
        todo = "Name one by KIND=VALUE, for example member=R0000123."
        raise InputError("a person", f"{len(found)} persons are known by this", todo)
    return int(found[0])


def _rows(table: pa.Table, persons: Ids) -> pa.Table:
    """One row for each of these persons, of nulls where the table has none; the table is sorted by person."""
    known = table["person"].to_numpy()
    places = np.minimum(np.searchsorted(known, persons), max(len(known) - 1, 0))
    found = known[places] == persons if len(known) else np.zeros(len(persons), np.bool_)
    return table.take(pa.array(places, mask=~found))


def _within_body(html: str, notice: str) -> str:
    """HTML with the notice at its end, inside the body where there is one."""
    body, end, rest = html.rpartition("</body>")
    return f"{body}{notice}{end}{rest}" if end else f"{html}{notice}"
