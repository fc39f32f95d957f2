"""Versions of a policy follow one another, whoever writes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text

from suasion.errors import DamageError, InputError
from suasion.ledger import Ledger
from suasion.ledger.draws import policies

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _states(place: Any) -> list[bytes | None]:
    """The bytes of all versions, None where they are kept no more."""
    return [state for (state,) in place.rows("SELECT state FROM policies ORDER BY version")]


def test_the_newest_version_is_what_was_written_last(place: Any):
    assert policies.newest(place.ledger, "banner") is None
    assert policies.newest_number(place.ledger, "banner") == 0
    for version in (1, 2, 3):
        made = policies.append(place.ledger, "banner", version - 1, b"state %d" % version, version * 10, NOW)
        assert made == policies.newest(place.ledger, "banner")
    found = policies.newest(Ledger.open(place.where), "banner")
    assert found is not None
    assert (found.version, found.state, found.learned_until, found.at) == (3, b"state 3", 30, NOW)
    assert found.digest == sha256(b"state 3").hexdigest()
    assert policies.newest_number(place.ledger, "banner") == 3
    assert _states(place) == [b"state 1", b"state 2", b"state 3"]


def test_placements_count_for_themselves(place: Any):
    for placement in ("banner", "basket"):
        assert policies.append(place.ledger, placement, 0, placement.encode(), 1, NOW) is not None
    assert policies.newest(place.ledger, "basket").state == b"basket"


@pytest.mark.parametrize("after", [0, 2, 7, -1])
def test_who_learned_from_another_version_than_the_newest_writes_nothing(place: Any, after: int):
    policies.append(place.ledger, "banner", 0, b"first", 5, NOW)
    assert policies.append(place.ledger, "banner", after, b"other", 9, NOW) is None
    assert policies.newest(place.ledger, "banner").state == b"first"


def test_of_many_writers_at_once_one_is_first(place: Any):
    ledgers = [Ledger.open(place.where) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda i: policies.append(ledgers[i], "banner", 0, b"%d" % i, 1, NOW), range(6)))
    (first,) = [one for one in made if one is not None]
    assert policies.newest(place.ledger, "banner") == first


def test_nothing_is_learned_twice(place: Any):
    policies.append(place.ledger, "banner", 0, b"first", 5, NOW)
    with pytest.raises(InputError, match="learned up to 4"):
        policies.append(place.ledger, "banner", 1, b"second", 4, NOW)
    assert policies.newest_number(place.ledger, "banner") == 1


def test_of_old_versions_the_digest_is_kept_and_the_bytes_are_not(place: Any):
    last = policies.KEPT + 3
    for version in range(1, last + 1):
        policies.append(place.ledger, "banner", version - 1, b"state %d" % version, version, NOW)
    kept = [state is not None for state in _states(place)]
    assert kept == [False] * 3 + [True] * policies.KEPT
    (digest,) = place.rows("SELECT digest FROM policies WHERE version = 1")
    assert digest == (sha256(b"state 1").hexdigest(),)


def test_bytes_that_were_changed_are_refused(place: Any):
    policies.append(place.ledger, "banner", 0, b"first", 5, NOW)
    with place.ledger.engine.begin() as connection:
        connection.execute(text("UPDATE policies SET state = :other"), {"other": b"other"})
    with pytest.raises(DamageError, match="placement 'banner'"):
        policies.newest(place.ledger, "banner")
