"""What browsers and consent platforms say for persons, in force with the turn that heard it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from suasion.ledger.consents import Pair
from suasion.ledger.database import Ledger
from suasion.ledger.journal import REFUSED, WISH
from suasion.ledger.opt_in import refuse
from suasion.ledger.schema import erasing
from suasion.ledger.wishes import Wish, WishKind, keep

Refused = Mapping[tuple[int, Pair], datetime]
"""When a person refused a purpose and channel."""

OptedOut = Mapping[int, tuple[str, datetime]]
"""By which signal, such as ``#gpc``, a person opted out of sale and sharing, and when."""


def record_heard(ledger: Ledger, refused: Refused, opted_out: OptedOut) -> Callable[[Connection, int], None]:
    """Prepare refusals and opt-outs of sale and sharing, each journaled before the transaction commits.

    Parameters
    ----------
    ledger : Ledger
    refused : mapping of (int, (Purpose, Channel)) to datetime
    opted_out : mapping of int to (str, datetime)

    Returns
    -------
    callable
        For `Run.writes`.
    """

    def write(connection: Connection, _run: int) -> None:
        gone = set(connection.execute(select(erasing.c.person)).scalars())
        for (person, pair), at in refused.items():
            if person not in gone:
                refuse(connection, person, pair, at)
                if ledger.journal is not None:
                    what = f"{pair[0]} {pair[1]}"
                    ledger.journal.append(connection, REFUSED, [person], (), what, at)
        for person, (signal, at) in opted_out.items():
            wish = Wish(WishKind.SALE_OPTED_OUT, None, signal, at)
            if keep(connection, person, wish) and ledger.journal is not None:
                ledger.journal.append(connection, f"{WISH}{wish.kind}", [person], (), "", at)

    return write
