"""Events become events of persons: nobody is lost, and nobody is made one with somebody else."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from suasion.identity import Sealing, stored, told
from suasion.identity.stitch import Key, Known, Sign, Stitched, logged_in, renamed, stitch, user_at
from suasion.ledger import Ledger, tokens

USERS: list[Key] = [("member", f"R{n}") for n in range(3)]
DEVICES: list[Key] = [("site.anonymous", f"d{n}") for n in range(3)]


def track(user: int | None = None, device: int | None = None, at: float = 0.0) -> Sign:
    return Sign(at, None if user is None else USERS[user], None if device is None else DEVICES[device])


def login(user: int, device: int, at: float = 0.0) -> Sign:
    return Sign(at, USERS[user], DEVICES[device], joins=True)


def alias(user: int, before: str, at: float = 0.0) -> Sign:
    return Sign(at, USERS[user], None, ("site.anonymous", before), ("member", before), joins=True)


def turns(*parts: list[Sign], known: Known | None = None, last: int = 100) -> tuple[list[int], Stitched]:
    """Persons of all signs as they are known after the last part, which are stitched one after the other."""
    persons, made = list[int](), Stitched((), known or Known(), {}, last)
    for part in parts:
        made = stitch(part, made.known, made.last)
        persons = [made.moved.get(one, one) for one in persons] + [*made.persons]
    return persons, made


def test_who_is_known_keeps_the_number():
    assert turns([track(0), track(1)], known=Known({USERS[0]: 7}))[0] == [7, 101]


def test_what_went_before_a_login_is_of_who_logged_in_within_a_turn_and_between_turns():
    before, after = [track(device=0, at=1)], [login(0, 0, at=2), track(device=0, at=3)]
    known = Known({USERS[0]: 7})
    assert turns([*before, *after], known=known)[0] == turns(before, after, known=known)[0] == [7, 7, 7]


def test_a_new_user_keeps_the_number_of_their_device():
    persons, made = turns([track(device=0, at=1)], [login(0, 0, at=2)])
    assert persons == [101, 101]
    assert made.moved == {}


def test_on_a_shared_device_the_newest_login_has_what_comes_after_it():
    first = [login(0, 0, at=1), track(device=0, at=2), login(1, 0, at=3), track(device=0, at=4)]
    persons, _ = turns(
        first, [track(device=0, at=2.5), track(device=0, at=9)], known=Known({USERS[0]: 7, USERS[1]: 8})
    )
    assert persons == [7, 7, 8, 8, 7, 8]


def test_a_login_that_comes_late_takes_nothing_from_a_newer_one():
    _, made = turns([login(1, 0, at=5)], [login(0, 0, at=1)], known=Known({USERS[0]: 7, USERS[1]: 8}))
    assert made.known.devices[DEVICES[0]] == [(1, 7), (5, 8)]


def test_an_alias_joins_what_was_anonymous():
    persons, _ = turns([track(device=0, at=1), alias(0, "d0", at=2)], known=Known({USERS[0]: 7}))
    assert persons == [7, 7]


def test_an_alias_of_a_known_person_joins_nobody():
    persons, made = turns([track(0), track(1), alias(0, "R1", at=2), track(1, at=3)])
    assert persons == [101, 102, 101, 102]
    assert made.known.persons == {USERS[0]: 101, USERS[1]: 102}


def test_a_loop_of_aliases_joins_nobody():
    persons, made = turns([alias(0, "R1", at=1)], [alias(1, "R0", at=2)], [track(0, at=3), track(1, at=4)])
    assert persons[2] != persons[3]
    assert made.moved == {}


def test_a_track_with_both_identifiers_is_no_login():
    persons, _ = turns([track(0, 0, at=1), track(device=0, at=2)], known=Known({USERS[0]: 7}))
    assert persons == [7, 101]


@st.composite
def histories(draw: st.DrawFn) -> list[list[Sign]]:
    """Any events of three users on three devices, cut into turns."""
    user, device = st.integers(0, 2), st.integers(0, 2)
    at = st.integers(0, 20).map(float)
    one = st.one_of(
        st.builds(track, user=user, at=at),
        st.builds(track, device=device, at=at),
        st.builds(track, user=user, device=device, at=at),
        st.builds(login, user, device, at),
        st.builds(alias, user, st.sampled_from(["d0", "d1", "R0", "R1", "R2"]), at),
    )
    signs = draw(st.lists(one, max_size=25))
    cuts = sorted(draw(st.lists(st.integers(0, len(signs)), max_size=4)))
    ends = [0, *cuts, len(signs)]
    return [signs[a:b] for a, b in pairwise(ends)]


@given(histories())
def test_two_users_are_never_one_person_and_nobody_gets_the_number_of_another(parts: list[list[Sign]]):
    persons, made = turns(*parts)
    signs = [sign for part in parts for sign in part]
    by_user = {
        sign.user: person for sign, person in zip(signs, persons, strict=True) if sign.user is not None
    }
    assert len(set(by_user.values())) == len(by_user)
    for sign, person in zip(signs, persons, strict=True):
        assert sign.user is None or person == by_user[sign.user]
        assert 100 < person <= made.last
    free = {rows[0][1] for rows in made.known.devices.values() if rows[0][0] == float("-inf")}
    assert not free & set(made.known.persons.values()), "a person of a device alone is nobody's"


@given(histories(), st.randoms())
def test_where_each_device_has_one_user_neither_order_nor_cut_matters(parts: list[list[Sign]], chance):
    def owned(sign: Sign) -> Sign:
        """The same on a device of the user's own."""
        if sign.user is None or not sign.joins:
            return sign
        mine = ("site.anonymous", f"d{sign.user[1][1:]}")
        return replace(sign, anonymous=mine, before=None, was=None)

    signs = [replace(owned(sign), order=str(n)) for n, sign in enumerate(s for part in parts for s in part)]
    mixed = [*signs]
    chance.shuffle(mixed)
    cut = chance.randint(0, len(mixed))

    def told(persons: list[int], of: list[Sign]) -> dict[str, frozenset[str]]:
        """Which events each event shares its person with: numbers may differ."""
        groups: dict[int, set[str]] = {}
        for sign, person in zip(of, persons, strict=True):
            groups.setdefault(person, set()).add(sign.order)
        return {sign.order: frozenset(groups[person]) for sign, person in zip(of, persons, strict=True)}

    assert told(turns(signs)[0], signs) == told(turns(mixed[:cut], mixed[cut:])[0], mixed)


@given(st.lists(st.tuples(st.integers(0, 9).map(float), st.integers(1, 3)), min_size=1, max_size=8))
def test_whoever_logged_in_last_before_a_time_is_who_uses_the_device(rows: list[tuple[float, int]]):
    logins: list[tuple[float, int]] = []
    for at, person in sorted(rows):
        logins = logged_in(logins, person, at)
    for at, _ in rows:
        newest = max(since for since, _ in rows if since <= at)
        assert user_at(logins, at) in {person for since, person in rows if since == newest}
    assert all(a[1] != b[1] for a, b in pairwise(logins))


def test_other_numbers_change_nothing_else():
    known = Known({USERS[0]: 1}, {DEVICES[0]: [(2.0, 1), (3.0, 4)]})
    assert renamed(known, {1: 9}) == Known({USERS[0]: 9}, {DEVICES[0]: [(2.0, 9), (3.0, 4)]})


def identities(*rows: tuple[int, str, str]) -> pa.Table:
    made = [
        {"person": person, "role": "identifier", "kind": kind, "value": value, "source": "a"}
        for person, kind, value in rows
    ]
    return stored(
        pa.Table.from_pylist(
            made,
            pa.schema(
                [("person", pa.int64()), *((n, pa.string()) for n in ("role", "kind", "value", "source"))]
            ),
        )
    )


def test_who_is_new_is_added_to_identities_and_links_as_others_do(tmp_path):
    sealing = Sealing(Ledger.open(tmp_path / "ledger.db"), b"k" * 32, lambda _kind, _value: True)
    new = {("member", "R9"): (9, "R9", "#site"), ("email", "h"): (9, "ada@mail.example", "#site")}
    table = told.added(new, sealing)
    assert set(
        zip(table["person"].to_pylist(), table["kind"].to_pylist(), table["value"].to_pylist(), strict=True)
    ) == {(9, "member", "R9"), (9, "email", None)}
    assert told.last_number(table) == 9
    assert told.last_number(told.noting(table, 12)) == 12
    mail = ("email", tokens.hash_of(b"k" * 32, "email", "Ada@mail.example").hex())
    assert told.persons_of(told.links_of(table, b"k" * 32), [mail, ("member", "R9"), ("member", "R8")]) == {
        mail: 9,
        ("member", "R9"): 9,
    }


def test_an_identifier_is_found_however_it_is_spelled():
    table, key = identities((6, "member", " R6 ")), b""
    links = told.linked("member", ["R6 "], key)
    assert told.persons_of(told.links_of(table, key), [("member", links["R6 "])]) == {("member", "R6"): 6}
