"""Who did what was done: events of streams become events of persons."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Key = tuple[str, str]
"""Kind of an identifier, and the text by which it links; see `hashed.links`."""

Logins = list[tuple[float, int]]
"""Since when which person used a browser or a phone, by time; seconds since 1970."""

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Sign:
    """By what an event says whose it is.

    Parameters
    ----------
    at : float
        When it happened, corrected; seconds since 1970.
    user, anonymous : (str, str) or None
        The identifier of the person, and of the browser or phone; one of them at least.
    before, was : (str, str) or None
        Of an alias, what `user` was called before, read as an anonymous identifier, and as one of a person;
        where a person is known by it, it is no alias.
    joins : bool
        Whether it says that both are of one person, as `identify` and `alias` do.
    order : str
        Tells events of one time apart.
    """

    at: float
    user: Key | None
    anonymous: Key | None
    before: Key | None = None
    was: Key | None = None
    joins: bool = False
    order: str = ""


@dataclass
class Known:
    """Who is who so far.

    Parameters
    ----------
    persons : dict of (str, str) to int
        Person of each identifier that is not anonymous.
    devices : dict of (str, str) to list of (float, int)
        Of each anonymous identifier since when which person used it. One on which nobody logged in has a
        person of its own, since ever.
    """

    persons: dict[Key, int] = field(default_factory=dict[Key, int])
    devices: dict[Key, Logins] = field(default_factory=dict[Key, Logins])


@dataclass(frozen=True)
class Stitched:
    """Whose events are whose, and what was learned of it.

    Parameters
    ----------
    persons : tuple of int
        Person of each sign, in their order.
    known : Known
        Who is who now, of the identifiers that occur.
    moved : dict of int to int
        Persons who turned out to be another: only such that nobody knew but by one anonymous identifier.
    last : int
        The largest number given out.
    """

    persons: tuple[int, ...]
    known: Known
    moved: dict[int, int]
    last: int


def stitch(signs: Sequence[Sign], known: Known, last: int) -> Stitched:
    """Give every event a person, by time, keeping the numbers of persons known before.

    An event with a user is the user's. One without is of whoever had logged in last on its browser or phone
    when it happened; before the first login, of the first to log in; where nobody ever did, of a person of
    its own, whose number goes when somebody logs in. Two persons are never made one: not by a shared device,
    nor by an alias of two known ones.

    Parameters
    ----------
    signs : sequence of Sign
    known : Known
        Of the identifiers in `signs`; it is not changed.
    last : int
        The largest number of a person ever given out.

    Returns
    -------
    Stitched

    Examples
    --------
    >>> user, phone = ("member", "R1"), ("app.anonymous", "p")
    >>> signs = [Sign(2.0, user, phone, joins=True), Sign(1.0, None, phone), Sign(3.0, None, phone)]
    >>> stitch(signs, Known(), 6).persons
    (7, 7, 7)
    """
    work = _Work(dict(known.persons), {key: list(found) for key, found in known.devices.items()})
    order = sorted(range(len(signs)), key=lambda place: (signs[place].at, signs[place].order))
    for place in order:
        work.see(signs[place])
    # Whose it is can be told only now: a login tells of what went before it.
    found = [0] * len(signs)
    for place in order:
        found[place] = work.person_of(signs[place])
    numbers = {temporary: last + n for n, temporary in enumerate(_new(found, work), 1)}
    persons = {key: numbers.get(one, one) for key, one in work.persons.items()}
    devices = {key: [(at, numbers.get(p, p)) for at, p in rows] for key, rows in work.devices.items()}
    moved = {old: numbers.get(new, new) for old, new in work.moved.items() if old > 0}
    return Stitched(
        tuple(numbers.get(one, one) for one in found), Known(persons, devices), moved, last + len(numbers)
    )


def _new(found: Iterable[int], work: _Work) -> list[int]:
    """The temporary numbers that stay, those of events first."""
    held = [*work.persons.values(), *(one for rows in work.devices.values() for _, one in rows)]
    return list(dict.fromkeys(one for one in (*found, *held) if one < 0))


@dataclass
class _Work:
    """Who is who, while events are looked at; new persons have temporary numbers below 0."""

    persons: dict[Key, int]
    devices: dict[Key, Logins]
    moved: dict[int, int] = field(default_factory=dict[int, int])
    made: int = 0

    def see(self, sign: Sign) -> None:
        """Learn what an event tells of who is who."""
        if sign.user is None:
            if sign.anonymous is not None and sign.anonymous not in self.devices:
                self.devices[sign.anonymous] = [(_NEVER, self._another())]
            return
        joined = [sign.anonymous] if sign.joins and sign.anonymous is not None else []
        if sign.before is not None and sign.was not in self.persons:
            joined.append(sign.before)
        if sign.user not in self.persons:
            free = (self.devices[one][0][1] for one in joined if self._is_free(one))
            self.persons[sign.user] = next(free, None) or self._another()
        for device in joined:
            self._log_in(device, self.persons[sign.user], sign.at)

    def person_of(self, sign: Sign) -> int:
        """Whose an event is, as far as is known now."""
        if sign.user is not None:
            return self.persons[sign.user]
        return user_at(self.devices[sign.anonymous or ("", "")], sign.at)

    def _log_in(self, device: Key, person: int, at: float) -> None:
        if self._is_free(device):
            alone = self.devices.pop(device)[0][1]
            if alone != person:
                self.moved[alone] = person
        self.devices[device] = logged_in(self.devices.get(device, []), person, at)

    def _is_free(self, device: Key) -> bool:
        """Whether a device has a person of its own, since nobody ever logged in."""
        return device in self.devices and self.devices[device][0][0] == _NEVER

    def _another(self) -> int:
        self.made += 1
        return -self.made


def logged_in(logins: Sequence[tuple[float, int]], person: int, at: float) -> Logins:
    """The logins on a device with one more; of several in a row by one person the first stays.

    Examples
    --------
    >>> logged_in([(1.0, 7), (9.0, 7)], 8, 5.0), logged_in([(1.0, 7)], 7, 5.0)
    ([(1.0, 7), (5.0, 8), (9.0, 7)], [(1.0, 7)])
    """
    rows = [*logins]
    rows.insert(bisect_right([since for since, _ in rows], at), (at, person))
    return [row for place, row in enumerate(rows) if not place or rows[place - 1][1] != row[1]]


def user_at(logins: Sequence[tuple[float, int]], at: float) -> int:
    """Who used a device at a time: whoever had logged in last, or else was the first to."""
    return logins[max(0, bisect_right([since for since, _ in logins], at) - 1)][1]


def renamed(known: Known, numbers: Mapping[int, int]) -> Known:
    """The same where persons have other numbers."""
    persons = {key: numbers.get(one, one) for key, one in known.persons.items()}
    devices = {key: [(at, numbers.get(p, p)) for at, p in rows] for key, rows in known.devices.items()}
    return Known(persons, devices)
