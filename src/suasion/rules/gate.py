"""Judging: facts in, verdicts and clearances out; and the check of a clearance where it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa

from suasion.declarations import closest
from suasion.errors import ClearanceError, RefusedError, TraitRefusedError
from suasion.expressions import Value
from suasion.rules.clearance import MAX_AGE, Clearance, PersonIds, is_genuine, seal
from suasion.rules.deadlines import REQUESTS, Deadline
from suasion.rules.given import Facts, check_facts
from suasion.rules.judging import NO_RULE, Judgement, judge_all
from suasion.rules.pack import Pack, Rule, Subject
from suasion.rules.places import candidates, holds
from suasion.rules.purpose import Basis, Category, Effect
from suasion.rules.regimes import split
from suasion.rules.scope import Occasion, concerns, in_force, in_use
from suasion.rules.verdict import Reason, Verdict


@dataclass(frozen=True)
class Gate:
    """Rule packs held against an occasion.

    Where people are at several places, each is judged by the rules of their own; of several places that may
    be meant, by the rules of all.

    Parameters
    ----------
    packs : tuple of Pack
    occasion : Occasion
    """

    packs: tuple[Pack, ...]
    occasion: Occasion

    @cached_property
    def digest(self) -> str:
        """Digest of all rules, in and out of scope: any edit of a pack makes clearances stale."""
        return hashlib.blake2b("".join(p.digest for p in self.packs).encode(), digest_size=16).hexdigest()

    def rules(self, subject: Subject, place: str | None = None) -> tuple[Rule, ...]:
        """The rules about `subject` that are in scope on this occasion, in a place or where it is."""
        codes = candidates(self.occasion.jurisdiction.territory if place is None else place)
        if (subject, codes) not in self._placed:
            here = (rule for rule in self._anywhere(subject) if holds(rule.territories, codes))
            self._placed[subject, codes] = tuple(here)
        return self._placed[subject, codes]

    def regimes(self, place: str | None = None) -> tuple[str, ...]:
        """The packs with a rule about this purpose and channel in a place, whatever the use.

        Where the occasion has no channel and contacts nobody, rules about single channels do not count: ask
        the gate of the contact.
        """
        codes = candidates(self.occasion.jurisdiction.territory if place is None else place)
        if codes not in self._regimes:
            found = (p.id for p in self.packs if any(self._is_meant(rule, codes) for rule in p.rule))
            self._regimes[codes] = tuple(found)
        return self._regimes[codes]

    def parts(self, facts: pa.Table) -> dict[str, PersonIds]:
        """Split a campaign: the people under the same regimes are one part of it.

        Parameters
        ----------
        facts : pyarrow.Table
            Columns ``person`` and, perhaps, ``place``, as `judge` takes them.

        Returns
        -------
        dict of str to array of int64
            Ids of persons, sorted, by name of the part: its `regimes` but the house, sorted, joined by ``+``,
            or ``house``. Sorted by name; each person is in one part, and no part is empty.
        """
        return split(facts, self.regimes)

    def judge_one(self, subject: Subject, facts: Facts, place: str | None = None) -> Verdict:
        """Judge one subject.

        Parameters
        ----------
        subject : {"person", "trait", "message", "proxy", "campaign", "request"}
        facts : mapping of str to value or None
            A fact that is absent or None is unknown.
        place : str, optional
            Where it is; that of the occasion unless given.

        Returns
        -------
        Verdict
            With a reason for each rule that is not met.

        Raises
        ------
        RefusedError
            A fact that is not known, or not of its type.
        """
        check_facts(subject, facts)
        rules = self.rules(subject, place)
        if not rules:
            return Verdict((NO_RULE,))
        return Verdict(tuple([reason for rule in rules if (reason := rule.reason(facts)) is not None]))

    def judge(self, facts: pa.Table, version: str) -> Judgement:
        """Judge every person of a facts table, each by the rules of their place.

        Parameters
        ----------
        facts : pyarrow.Table
            Column ``person`` (int64), one row a person; a column for each of `PERSON_FACTS` that is known;
            and perhaps ``place``, as in `Jurisdiction`: where it is null, the place of the occasion counts.
        version : str
            Version of the tables the facts were assembled from.

        Returns
        -------
        Judgement

        Raises
        ------
        ClearanceError
            A row without a person, or several rows of one: which of them counts is nobody's guess.
        RefusedError
            A column that is no fact, or not of its type.
        """
        if facts["person"].null_count or not pa.types.is_integer(facts["person"].type):
            raise self._refused("facts that are not one row a person")
        found = judge_all(facts, self._anywhere("person"), lambda place: self.rules("person", place))
        if np.any(found.persons[1:] == found.persons[:-1]):
            raise self._refused("facts that are not one row a person")
        return Judgement(self._clear(found.persons[found.allowed], version), found.persons, found.drops)

    def deadline(
        self, request: str, received: datetime, place: str | None = None, **facts: Value | None
    ) -> Deadline:
        """By when a request must be answered: the earliest day that any rule in scope sets.

        Parameters
        ----------
        request : str
            One of `REQUESTS`.
        received : datetime
            The day counts in its own time zone.
        place : str, optional
            Of the person who asks; that of the occasion unless given.
        **facts
            What else is known, `near_vote` say.

        Returns
        -------
        Deadline
            Where no rule sets one, at once: the day on which it was received.

        Raises
        ------
        RefusedError
            A request that is none of those, or a fact that is not known.
        """
        if request not in REQUESTS:
            raise RefusedError(f"request '{request}'", "no such request", closest(request, REQUESTS))
        known: dict[str, Value | None] = {"request": request, "received": received.date(), **facts}
        check_facts("request", known)
        set_by = [
            Deadline(rule.within.due(received), rule.id, rule.cite)
            for rule in self.rules("request", place)
            if rule.within is not None and rule.is_about(known)
        ]
        at_once = Deadline(received.date(), NO_RULE.rule, NO_RULE.cite)
        return min(set_by, key=lambda deadline: deadline.due, default=at_once)

    def admit(self, clearance: Clearance, persons: PersonIds, version: str) -> None:
        """Check a clearance where it is used: each stage that learns, evaluates or contacts calls this.

        Parameters
        ----------
        clearance : Clearance
        persons : array of int64, shape (n,)
            The persons about to be used; all must be in the clearance.
        version : str
            Version of the facts as they stand now.

        Raises
        ------
        ClearanceError
            Absent, forged, foreign (another campaign, purpose, channel or place), for another use (a
            replay's clearance at a channel), stale (age, rules or facts changed), or too narrow.
        """
        wanted = self.occasion
        if not is_genuine(clearance):
            raise self._refused("not one that this process made (absent or forged)")
        if missing := wanted.uses - clearance.uses:
            raise self._refused(f"no permission to {', '.join(sorted(missing))}")
        held = (clearance.campaign, clearance.purpose, clearance.territory, clearance.channel)
        asked = (wanted.campaign, wanted.purpose, wanted.jurisdiction.territory, wanted.channel)
        if held != asked:
            raise self._refused(f"made for {held}, used for {asked} (foreign)")
        age = wanted.at - clearance.at
        if not timedelta(0) <= age <= MAX_AGE or clearance.rules != self.digest or clearance.facts != version:
            raise self._refused("its time, its rules or its facts are no longer those of now (stale)")
        outside = len(np.unique(persons[~clearance.covers(persons)]))
        if outside:
            raise self._refused(f"{outside} person(s) it does not name")

    def admit_traits(self, role: str, traits: Sequence[tuple[str, Category, Basis | None]]) -> None:
        """Refuse a segment, score or outcome that uses a trait it may not.

        Parameters
        ----------
        role : str
            ``segment``, ``score``, ``outcome``, or ``message`` where it is written in one.
        traits : sequence of (name, category, basis)

        Raises
        ------
        TraitRefusedError
            Naming the first such trait and every rule against it.
        """
        for name, category, basis in traits:
            facts: dict[str, Value | None] = {
                "category": str(category),
                "role": role,
                "basis": None if basis is None else str(basis),
                "purpose": str(self.occasion.purpose),
            }
            verdict = self.judge_one("trait", facts)
            if not verdict.allowed:
                raise TraitRefusedError(
                    f"{role} use of '{name}' ({category}) for {self.occasion.purpose}",
                    "; ".join(f"{reason}" for reason in verdict.reasons),
                    f"Leave '{name}' out.",
                )

    def judge_proxy(self, category: Category, auc: float | None) -> tuple[tuple[Effect, Reason], ...]:
        """What follows from how well the features tell a trait that is not among them.

        Parameters
        ----------
        category : Category
            Of the trait.
        auc : float, optional
            Area under the curve of the best guess; None where it could not be found, which meets no rule.

        Returns
        -------
        tuple of (Effect, Reason)
            One for each rule that is not met, in the order of the packs; empty where nothing follows.
        """
        rules = self.rules("proxy")
        if not rules:
            return ((Effect.BLOCK, NO_RULE),)
        facts: dict[str, Value | None] = {"category": str(category), "auc": auc}
        reasons = ((rule.effect, rule.reason(facts)) for rule in rules)
        return tuple((effect, reason) for effect, reason in reasons if reason is not None)

    def _refused(self, found: str) -> ClearanceError:
        asked = f"clearance for campaign '{self.occasion.campaign}'"
        return ClearanceError(asked, found, "Judge the persons again.")

    def _anywhere(self, subject: Subject) -> tuple[Rule, ...]:
        """The rules about `subject` that are in scope but for the place."""
        if subject not in self._timely:
            o = self.occasion
            rules = (r for p in self.packs for r in p.rule if r.subject == subject)
            self._timely[subject] = tuple(
                r for r in rules if in_force(r, o.jurisdiction) and concerns(r, o) and in_use(r, o)
            )
        return self._timely[subject]

    def _is_meant(self, rule: Rule, codes: frozenset[str]) -> bool:
        there = in_force(rule, self.occasion.jurisdiction) and concerns(rule, self.occasion)
        return there and holds(rule.territories, codes)

    @cached_property
    def _timely(self) -> dict[Subject, tuple[Rule, ...]]:
        return {}

    @cached_property
    def _placed(self) -> dict[tuple[Subject, frozenset[str]], tuple[Rule, ...]]:
        return {}

    @cached_property
    def _regimes(self) -> dict[frozenset[str], tuple[str, ...]]:
        return {}

    def _clear(self, persons: PersonIds, version: str) -> Clearance:
        o = self.occasion
        persons.setflags(write=False)
        content = (persons, o.uses, o.purpose, o.campaign, o.jurisdiction.territory, o.channel)
        made = (self.digest, version, o.at)
        return Clearance(*content, *made, seal=seal(*content, *made))
