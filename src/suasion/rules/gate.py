"""Judging: facts in, verdicts and clearances out; and the check of a clearance where it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.errors import ClearanceError, TraitRefusedError
from suasion.expressions import Value, to_sql
from suasion.rules.clearance import MAX_AGE, Clearance, PersonIds, is_genuine, seal
from suasion.rules.facts import PERSON_FACTS
from suasion.rules.pack import Facts, Pack, Rule, Subject
from suasion.rules.purpose import Basis, Category, Channel, Effect, Jurisdiction, Purpose, Use
from suasion.rules.verdict import Reason, Verdict

NO_RULE = Reason("house.default", "No rule in scope permits this.", "suasion: default deny", unknown=False)


@dataclass(frozen=True)
class Occasion:
    """What is about to be done, for whom, where and when: one purpose, one channel, one campaign.

    Parameters
    ----------
    uses : frozenset of Use
    purpose : Purpose
    campaign : str
        Name of the campaign; a segment that is only counted has its own name here.
    jurisdiction : Jurisdiction
    at : datetime
        Now, with time zone.
    channel : Channel, optional
        None where nobody is contacted.
    """

    uses: frozenset[Use]
    purpose: Purpose
    campaign: str
    jurisdiction: Jurisdiction
    at: datetime
    channel: Channel | None = None


@dataclass(frozen=True)
class Judgement:
    """The verdicts on a set of persons.

    Parameters
    ----------
    clearance : Clearance
        For those with a positive verdict.
    persons : array of int64, shape (n,)
        Everybody who was judged, sorted.
    drops : dict of Reason to int
        How many were refused, by the first rule that refused them.
    """

    clearance: Clearance
    persons: PersonIds
    drops: dict[Reason, int]


@dataclass(frozen=True)
class Gate:
    """Rule packs held against an occasion.

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

    def rules(self, subject: Subject) -> tuple[Rule, ...]:
        """The rules about `subject` that are in scope on this occasion."""
        return tuple(r for p in self.packs for r in p.rule if r.subject == subject and self._in_scope(r))

    def judge_one(self, subject: Subject, facts: Facts) -> Verdict:
        """Judge one subject.

        Parameters
        ----------
        subject : {"person", "trait", "message", "proxy"}
        facts : mapping of str to value or None
            A fact that is absent or None is unknown.

        Returns
        -------
        Verdict
            With a reason for each rule that is not met.
        """
        rules = self.rules(subject)
        if not rules:
            return Verdict((NO_RULE,))
        reasons = (rule.reason(facts) for rule in rules)
        return Verdict(tuple(reason for reason in reasons if reason is not None))

    def judge(self, facts: pa.Table, version: str) -> Judgement:
        """Judge every person of a facts table with one query.

        Parameters
        ----------
        facts : pyarrow.Table
            Column ``person`` (int64) and one column for each of `PERSON_FACTS`; one row a person.
        version : str
            Version of the tables the facts were assembled from.

        Returns
        -------
        Judgement

        Raises
        ------
        ClearanceError
            A row without a person, or several rows of one: which of them counts is nobody's guess.
        """
        rules = self.rules("person")
        persons, met, unknown = _judge_sql(facts, rules)
        if facts["person"].null_count or np.any(persons[1:] == persons[:-1]):
            raise self._refused("facts that are not one row a person")
        if not rules:
            drops = {NO_RULE: len(persons)} if len(persons) else {}
            return Judgement(self._clear(persons[:0], version), persons, drops)
        allowed = met.all(axis=1)
        first = np.where(allowed, len(rules), np.argmin(met, axis=1))
        drops = {}
        for index, rule in enumerate(rules):
            for flag in (False, True):
                if count := int(np.sum((first == index) & (unknown[:, index] == flag))):
                    drops[rule.because(unknown=flag)] = count
        return Judgement(self._clear(persons[allowed], version), persons, drops)

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

    def _in_scope(self, rule: Rule) -> bool:
        o = self.occasion
        # A contact that does not say by which channel is under the rules of every channel.
        anywhere = o.channel is None and Use.CONTACT in o.uses
        return (
            rule.valid_from <= o.jurisdiction.on
            and (rule.valid_to is None or o.jurisdiction.on <= rule.valid_to)
            and (not rule.uses or not o.uses.isdisjoint(rule.uses))
            and (not rule.purposes or o.purpose in rule.purposes)
            and (
                not rule.territories or o.jurisdiction.territory in (*rule.territories, Jurisdiction.UNKNOWN)
            )
            and (not rule.channels or o.channel in rule.channels or anywhere)
        )

    def _clear(self, persons: PersonIds, version: str) -> Clearance:
        o = self.occasion
        persons.setflags(write=False)
        content = (persons, o.uses, o.purpose, o.campaign, o.jurisdiction.territory, o.channel)
        made = (self.digest, version, o.at)
        return Clearance(*content, *made, seal=seal(*content, *made))


def _judge_sql(
    facts: pa.Table, rules: Sequence[Rule]
) -> tuple[PersonIds, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The persons, sorted; per person and rule: is it met, and is it unknown, both of shape (n, rules)."""
    columns = ["person"]
    parameters: list[Value] = []
    for rule in rules:
        applies, require = to_sql(rule.condition(rule.applies)), to_sql(rule.condition(rule.require))
        columns.append(f"CASE WHEN ({applies.text}) IS FALSE THEN true ELSE ({require.text}) END")
        parameters += [*applies.parameters, *require.parameters]
    with duckdb.connect() as connection:
        connection.register("facts", facts.select(["person", *PERSON_FACTS]))
        verdicts = connection.sql(
            f"SELECT {', '.join(columns)} FROM facts ORDER BY person", params=parameters
        ).to_arrow_table()
    shape = (facts.num_rows, len(rules))
    met, unknown = np.empty(shape, np.bool_), np.empty(shape, np.bool_)
    for index, column in enumerate(verdicts.columns[1:]):
        met[:, index] = column.fill_null(False).to_numpy()
        unknown[:, index] = column.is_null().to_numpy()
    return verdicts.column(0).to_numpy(), met, unknown
