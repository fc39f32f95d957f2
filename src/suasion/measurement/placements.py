"""A reproducible account of what a placement changed, as data and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from suasion.measurement import exposed as told
from suasion.measurement.exposed import Change, Exposed
from suasion.measurement.figures import NONE, Cell, Figure, changes
from suasion.measurement.pages import written
from suasion.measurement.units import COUNT, PER, Shown, Unit, change, digits, money, price
from suasion.stats import Estimate

ALL = "all together"
"""What all that was shown is called beside the variants."""


@dataclass(frozen=True)
class About:
    """What a placement declares, as its report names it.

    Parameters
    ----------
    placement, label, sponsor, purpose, outcome, generic, currency : str
    horizon_hours, holdout, exploration : float
    """

    placement: str
    label: str
    sponsor: str
    purpose: str
    outcome: str
    generic: str
    currency: str
    horizon_hours: float
    holdout: float
    exploration: float


@dataclass(frozen=True)
class PlacementReport:
    """All that the page shows and the JSON holds.

    Parameters
    ----------
    about : About
    at : str
        When it was made, ISO 8601.
    sentences : tuple of str
        The result in words, the most important first.
    exposed, waiting, measured : int
        People who saw it first; of them, those whose horizon has not passed; those who are compared.
    generic : int
        Of the measured, those who saw the generic variant.
    together : Change
        What all that was shown changed.
    extra : Estimate or None
        Outcomes more of all the measured.
    spent : float
        On the measured.
    variants : tuple of Change
    caveats : tuple of str
    inputs : str
        Versions of the tables that it was made from.
    """

    about: About
    at: str
    sentences: tuple[str, ...]
    exposed: int
    waiting: int
    measured: int
    generic: int
    together: Change
    extra: Estimate | None
    spent: float
    variants: tuple[Change, ...]
    caveats: tuple[str, ...]
    inputs: str

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON: everything the page shows."""
        return asdict(self)


def report(
    about: About,
    seen: Exposed,
    exposed: int,
    waiting: int,
    at: str,
    inputs: str,
    unlike: str | None = None,
) -> PlacementReport:
    """Write the report of a placement.

    Parameters
    ----------
    about : About
    seen : Exposed
        Those whose horizon has passed.
    exposed, waiting : int
        All first exposures; those whose horizon has not passed.
    at, inputs : str
        When it is made, and from what.
    unlike : str, optional
        What speaks against comparing at all, if something was found: then nothing is told but that.

    Returns
    -------
    PlacementReport
    """
    wrong = told.filled(seen, about.holdout) or unlike
    found, each = told.together(seen, about.holdout), told.variants(seen, about.holdout, about.exploration)
    if wrong is not None:
        found, each = told.unknown(found, wrong), tuple(told.unknown(one, wrong) for one in each)
    extra = None if found.effect is None else found.effect.times(seen.n)
    return PlacementReport(
        about=about,
        at=at,
        sentences=tuple(_sentences(about, found, extra, seen.spent, waiting)),
        exposed=exposed,
        waiting=waiting,
        measured=seen.n,
        generic=int(seen.of(0).sum()),
        together=found,
        extra=extra,
        spent=seen.spent,
        variants=each,
        caveats=_caveats(about),
        inputs=inputs,
    )


def _sentences(
    about: About, found: Change, extra: Estimate | None, spent: float, waiting: int
) -> Iterator[str]:
    hoped, effect = f"'{about.outcome}'", found.effect
    against = f"than '{about.generic}' alone would have"
    if effect is None or extra is None:
        yield f"What it changed is not known. {found.text.removeprefix('Not known: ')}"
    else:
        each = f"{change([effect], share=True).shown(effect)} {hoped} per {PER:,} people who saw it"
        if not effect.excludes_zero:
            yield f"Whether it changed anything cannot be told yet: {each}. {found.text}"
        else:
            brought = f"It brought {'more' if effect.value > 0 else 'fewer'} {hoped} {against}"
            yield f"{brought}: {each}."
            yield f"That is {_count(extra)} {hoped} of all who were measured."
    if found.cost_per_extra is not None:
        each = price([found.cost_per_extra.value]).shown(found.cost_per_extra)
        yield f"{money(spent)} {about.currency} were spent: {each} for one {hoped} more."
    if waiting:
        ago = f"less than {about.horizon_hours:g} hours ago"
        yield f"{waiting:,} more people saw it {ago}, and do not count yet."


def _count(extra: Estimate) -> str:
    return str(Unit(1, digits([extra.high - extra.low], 1, least=0), signed=True).shown(extra))


def _caveats(about: About) -> tuple[str, ...]:
    return (
        "Who objected to learning, or was erased, is left out.",
        f"'{about.generic}' counts where 'Experiment Viewed' says that it was seen, as all variants do.",
        "Persons are taken as independent: what one does because another of the household saw something is "
        "counted as if both would have done it anyway.",
        "Intervals hold the truth at all looks at once in 95 of 100 placements, however often one looks. "
        "They are wider than those for a single look.",
    )


def page(made: PlacementReport) -> str:
    """Write a report for people: the page stands alone.

    Parameters
    ----------
    made : PlacementReport

    Returns
    -------
    str
        HTML.
    """
    return written(
        "placement.html",
        report=made,
        about=made.about,
        effects=_effects(made),
        counts=_counts(made),
        paid=_paid(made),
        unknown=[f"{one.variant}: {one.text}" for one in made.variants if one.effect is None],
        methods=sorted({one.effect.method for one in (made.together, *made.variants) if one.effect}),
    )


def _effects(made: PlacementReport) -> Figure | None:
    """What all together and each variant changed, where it is known."""
    all_of = {ALL: made.together, **{one.variant: one for one in made.variants}}
    known = {name: one.effect for name, one in all_of.items() if one.effect is not None}
    if not known:
        return None
    per, against = f"'{made.about.outcome}' per {PER:,} people", f"Against '{made.about.generic}' it gives"
    return changes(
        known,
        ("Shown", per, against),
        f"What was shown, and each variant if everybody saw it, against '{made.about.generic}': {per}.",
        f"{per}, minus '{made.about.generic}'",
        share=True,
    )


def _counts(made: PlacementReport) -> Figure:
    """Who saw what, and what it would cost to bring one more."""
    rows: list[tuple[Cell, ...]] = [(made.about.generic, Shown(COUNT.number(made.generic)), NONE, NONE)]
    rows += [
        (
            one.variant,
            Shown(COUNT.number(one.people)),
            Shown(COUNT.number(one.outcomes)),
            NONE
            if one.cost_per_extra is None
            else price([one.cost_per_extra.value]).shown(one.cost_per_extra),
        )
        for one in made.variants
    ]
    hoped = made.about.outcome
    head = ("Variant", "People", f"with '{hoped}'", f"One more costs, {made.about.currency}")
    return Figure("Who saw what, of those measured. These counts alone compare nothing.", head, tuple(rows))


def _paid(made: PlacementReport) -> Figure:
    found, hoped = made.together, made.about.outcome
    each = found.cost_per_extra
    rows: list[tuple[Cell, ...]] = [
        (f"Extra '{hoped}'", NONE if made.extra is None else Shown(_count(made.extra))),
        (f"Spent, {made.about.currency}", Shown(money(made.spent))),
        (
            f"Cost of one more '{hoped}', {made.about.currency}",
            NONE if each is None else price([each.value]).shown(each),
        ),
        ("People who saw it", Shown(COUNT.number(made.exposed))),
        ("of them with a horizon that has passed, where chance chose", Shown(COUNT.number(made.measured))),
        (f"of these shown '{made.about.generic}'", Shown(COUNT.number(made.generic))),
    ]
    return Figure("What the placement gave, and what it cost.", ("What", "Number (interval)"), tuple(rows))
