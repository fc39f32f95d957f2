"""How what a person tells us is kept: sealed with the person's key, so that it goes when the key goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suasion.ledger import Ledger, tokens


@dataclass(frozen=True)
class Seals:
    """Two ways through the seal of a person.

    Parameters
    ----------
    seal : callable
        Of person, table and text; gives bytes, none where the person is being erased.
    unseal : callable
        Of person, table and bytes; gives the text, or None where the key is gone.
    """

    seal: Callable[[int, str, str], bytes]
    unseal: Callable[[int, str, bytes], str | None]


def seals_of(ledger: Ledger, secret: bytes) -> Seals:
    """The seals of a workspace's persons.

    Parameters
    ----------
    ledger : Ledger
    secret : bytes
        The workspace's.

    Returns
    -------
    Seals
        Which raise WorkspaceError where the secret is absent or another one.
    """

    def seal(person: int, table: str, text: str) -> bytes:
        own = tokens.keys.keys_for(ledger, secret, [person]).get(person)
        return b"" if own is None else tokens.keys.seal(own, table, person, "", text)

    def unseal(person: int, table: str, sealed: bytes) -> str | None:
        own = tokens.keys.keys_of(ledger, secret, [person]).get(person)
        return None if own is None or not sealed else tokens.keys.unseal(own, table, person, "", sealed)

    return Seals(seal, unseal)
