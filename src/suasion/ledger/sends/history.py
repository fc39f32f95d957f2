"""What people were sent before, in all campaigns: for caps and plurality, when a plan is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.lake import query
from suasion.ledger.database import Ledger
from suasion.ledger.rows import read_rows
from suasion.ledger.sends.send import NEVER_HANDED
from suasion.rules import Channel

Ids = npt.NDArray[np.int64]

_CLAIMED = f"""
SELECT id, person, address, campaign, treatment, at FROM sends
WHERE at > ? AND channel = coalesce(?, channel)
    AND coalesce(reason, '') NOT IN ({", ".join("?" * len(NEVER_HANDED))})
"""
"""What `claim` counts: claimed, and perhaps handed over. What is planned, or planned again, has no time."""

_SENDS = pa.schema(
    [
        ("id", pa.int64()),
        ("person", pa.int64()),
        ("address", pa.binary()),
        ("campaign", pa.string()),
        ("treatment", pa.string()),
        ("at", pa.float64()),
    ]
)

_HAD = """
WITH own AS (SELECT p.row, s.* FROM p JOIN s ON s.person = p.person),
theirs AS (SELECT p.row, s.* FROM p JOIN s ON s.address = p.address WHERE s.person <> p.person)
SELECT h.row, h.id, t.said FROM (FROM own UNION ALL FROM theirs) h JOIN t USING (campaign, treatment)
ORDER BY h.row, h.at, h.id
"""


@dataclass(frozen=True)
class History:
    """Messages that people had, or may have had: one entry a person and message, oldest first.

    A message to a contact detail that several persons have is an entry of each of them.

    Parameters
    ----------
    people : int
        How many persons were asked for.
    rows : array of int64, shape (m,)
        Whose: the position among the persons asked for; in rising order.
    sends : array of int64, shape (m,)
        Which message: the id of the send.
    said : array of int64, shape (m,)
        What it said: the position in `treatments`.
    treatments : tuple of (campaign, treatment)
    """

    people: int
    rows: Ids
    sends: Ids
    said: Ids
    treatments: tuple[tuple[str, str], ...]

    def had(self, households: Ids | None = None) -> Ids:
        """How many messages each person had, or all of the person's household together.

        Parameters
        ----------
        households : array of int64, shape (n,), optional
            Of each person asked for; whoever has none has a number of their own. A household's messages
            are all there only if all its persons were asked for. One message to a shared contact detail
            is one message to the household.

        Returns
        -------
        array of int64, shape (n,)

        Examples
        --------
        >>> entries = np.array([0, 1, 1]), np.array([7, 7, 8]), np.zeros(3, np.int64)
        >>> told = History(3, *entries, (("flu", "call"),))
        >>> told.had().tolist(), told.had(np.array([5, 5, 6])).tolist()
        ([1, 2, 0], [2, 2, 0])
        """
        if households is None:
            return np.bincount(self.rows, minlength=self.people)
        homes, home = np.unique(households, return_inverse=True)
        messages, message = np.unique(self.sends, return_inverse=True)
        pairs = np.sort(home[self.rows] * len(messages) + message)
        different = pairs[np.diff(pairs, prepend=-1) > 0]
        return np.bincount(different // max(len(messages), 1), minlength=len(homes))[home]


def history(
    ledger: Ledger,
    persons: Ids,
    addresses: Sequence[bytes | None],
    since: datetime,
    channel: Channel | None = None,
) -> History:
    """Look up what people were sent since a time, over all campaigns, counting as `claim` does.

    Parameters
    ----------
    ledger : Ledger
    persons : array of int64, shape (n,)
        Each once.
    addresses : sequence of bytes or None, length n
        Keyed hash of each one's contact detail: what others got at it counts, too.
    since : datetime
    channel : Channel, optional
        All channels, if left out.

    Returns
    -------
    History

    Raises
    ------
    DamageError
        The ledger is not what was written.
    """
    sent = _claimed(ledger, since, channel)
    said = query("SELECT DISTINCT campaign, treatment FROM s ORDER BY ALL", {"s": sent})
    numbered = said.append_column("said", pa.array(np.arange(said.num_rows)))
    rows = np.arange(len(persons))
    asked = pa.table({"row": rows, "person": persons, "address": pa.array(addresses, pa.binary())})
    had = query(_HAD, {"s": sent, "t": numbered, "p": asked})
    names = tuple(zip(said["campaign"].to_pylist(), said["treatment"].to_pylist(), strict=True))
    row, send, told = (had[name].to_numpy() for name in ("row", "id", "said"))
    return History(len(persons), row, send, told, names)


def _claimed(ledger: Ledger, since: datetime, channel: Channel | None) -> pa.Table:
    asked = None if channel is None else str(channel)
    batches: list[pa.RecordBatch] = []
    with ledger.reading() as connection:
        for rows in read_rows(connection, _CLAIMED, (since.timestamp(), asked, *NEVER_HANDED)):
            batches.append(pa.record_batch([list(column) for column in zip(*rows, strict=True)], _SENDS))
    return pa.Table.from_batches(batches, _SENDS)
