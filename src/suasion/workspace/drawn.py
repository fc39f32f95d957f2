"""The plan of a campaign as it was drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import Plan, plan_from
from suasion.errors import BusyError, DamageError, OrderError
from suasion.ledger import Ledger, Tables, draws, reading
from suasion.workspace.brief import Brief

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """A published plan and what was drawn from it.

    Parameters
    ----------
    plan : Plan
    digest : str
    chosen : array of int64, shape (n,)
        Index of the option of each person of the plan; 0 is nothing.
    """

    plan: Plan
    digest: str
    chosen: Ids

    @property
    def treated(self) -> Ids:
        """Who was drawn for any treatment."""
        return self.plan.options.persons[self.chosen > 0]

    @property
    def by_treatment(self) -> dict[str, Ids]:
        """Who was drawn for each treatment."""
        names = self.plan.options.treatments
        return {name: self.plan.options.persons[self.chosen == i + 1] for i, name in enumerate(names)}


def drawn_plan(tables: Tables, ledger: Ledger, brief: Brief) -> Drawn:
    """The campaign's plan as drawn.

    Raises
    ------
    OrderError
        There is none, or more than money and times was declared anew since.
    DamageError
        The ledger has other draws than the plan.
    BusyError
        Somebody was erased meanwhile.
    """
    name = brief.campaign.name
    made, digest = plan_from(tables.read(f"plans.{name}", f"plan {name}"))
    if draws.terms_of(ledger, digest) != brief.campaign.terms:
        raise OrderError(
            f"the plan of '{name}'",
            "the campaign was declared anew since",
            f"Undo the change, or run `suasion plan {name}` if nothing was sent yet.",
        )
    names = pa.array([made.options.control, *made.options.treatments])
    chosen = pc.index_in(draws_of(tables, ledger, name, made, digest)["treatment"], names)
    return Drawn(made, digest, chosen.to_numpy().astype(np.int64))


def draws_of(tables: Tables, ledger: Ledger, name: str, made: Plan, digest: str) -> pa.Table:
    """The draws of a plan, a row for each of its people, in their order; see `draws.drawn`.

    Raises
    ------
    DamageError
        The ledger has other draws than the plan.
    BusyError
        Somebody was erased meanwhile.
    """
    drawn, planned = draws.drawn(ledger, digest), made.options.persons
    known = pa.array([made.options.control, *made.options.treatments])
    odd = pc.sum(pc.invert(pc.is_in(drawn["treatment"], known))).as_py() or 0
    found = drawn["person"].to_numpy()
    if not np.array_equal(found, planned):
        # An erasure takes people out of both, and is seen in what is read now; damage is not.
        now, _ = plan_from(reading(ledger, tables.lake).read(f"plans.{name}", f"plan {name}"))
        missing = np.setdiff1d(np.intersect1d(planned, now.options.persons), found)
        odd += len(missing) + len(np.setdiff1d(found, planned))
        if not odd:
            raise BusyError(f"the plan of '{name}'", "somebody was erased while it was read", "Try again.")
    if odd:
        told = f"the ledger has another draw, or none, of {odd:,} of its {len(planned):,} people"
        raise DamageError(f"the plan of '{name}'", told, "Restore the workspace from a backup.")
    return drawn
