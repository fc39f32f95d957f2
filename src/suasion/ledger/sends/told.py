"""What a page that others may read, too, tells of one message: cost, time, proof, and the words agreed to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from suasion.ledger.database import Ledger
from suasion.ledger.schema import consents, receipts, sends, wordings


def told(ledger: Ledger, send: int, purpose: str) -> dict[str, Any]:
    """Look up what may be told of a send.

    Parameters
    ----------
    ledger : Ledger
    send : int
        One that exists.
    purpose : str
        Of its campaign.

    Returns
    -------
    dict
        ``cost``; ``at``, ISO 8601, or None where it was not claimed; ``receipt``, whether there is one;
        ``consents`` of the person to the purpose in the channel, with the words; nothing that names or
        describes the person.
    """
    with ledger.engine.connect() as connection:
        row = connection.execute(select(sends).where(sends.c.id == send)).one()
        has_receipt = connection.execute(select(receipts.c.send).where(receipts.c.send == send)).first()
        said = connection.execute(_consents(row.person, purpose, row.channel)).mappings().all()
    return {
        "cost": row.cost,
        "at": None if row.at is None else datetime.fromtimestamp(row.at, UTC).isoformat(),
        "receipt": has_receipt is not None,
        "consents": [dict(one) for one in said],
    }


def _consents(person: int, purpose: str, channel: str) -> Any:
    said = consents.c
    columns = [said.purpose, said.channel, said.source, said.given, said.said_at, said.capture]
    chosen = select(*columns, wordings.c.text.label("words"))
    joined = chosen.select_from(consents.outerjoin(wordings, wordings.c.digest == said.wording))
    theirs = (said.person == person) & (said.purpose == purpose) & (said.channel == channel)
    return joined.where(theirs).order_by(said.source)
