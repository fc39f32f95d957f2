"""The file of a design: what was drawn, among which assignments, and a digest over all of it."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import ValidationError

from suasion.declarations import Declared
from suasion.errors import CampaignError
from suasion.experiments import geo
from suasion.stats import randomization


class Columns(Declared):
    """Which columns of a file say what."""

    place: str
    period: str
    outcome: str
    population: str | None


class Kept(Declared):
    """A design as it is written down.

    `kind` is that of periods, `last` the newest of the history from which the design was made, `history` the
    digest of its outcomes, and `lasts` the number of periods that the campaign is to have. `assignments` are
    bits in base64: for each of `count` assignments one for each of `places`. `usual` and `detectable` are
    outcomes per head and period.
    """

    what: Literal["suasion geo design 1"] = "suasion geo design 1"
    columns: Columns
    kind: str
    last: str
    history: str
    lasts: int
    salt: str
    threshold: float
    treated: tuple[str, ...]
    usual: float
    detectable: float
    places: tuple[str, ...]
    sizes: tuple[float, ...]
    count: int
    assignments: str
    digest: str = ""

    @property
    def signed(self) -> Kept:
        """The same with its digest."""
        return self.model_copy(update={"digest": self._sum})

    @property
    def _sum(self) -> str:
        return hashlib.blake2b(self.model_dump_json(exclude={"digest"}).encode(), digest_size=16).hexdigest()

    @property
    def design(self) -> geo.GeoDesign:
        """What the analysis compares with."""
        n = len(self.places)
        bits = np.frombuffer(b64decode(self.assignments), np.uint8)
        made = np.unpackbits(bits, count=self.count * n).reshape(self.count, n).astype(np.bool_)
        treated = np.isin(np.array(self.places), np.array(self.treated))
        return geo.GeoDesign(self.places, treated, randomization.Reference(made, True))

    def write(self, path: Path) -> None:
        """Write a new file.

        Raises
        ------
        CampaignError
            There is one: a design that was drawn is not drawn again.
        """
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(self.model_dump_json(indent=1) + "\n")
        except FileExistsError:
            found = "there is one already, and a draw is not repeated until it pleases"
            raise CampaignError(f"design {path}", found, "Use it, or name another file with --to.") from None


def read_kept(path: Path) -> Kept:
    """Read a design.

    Raises
    ------
    CampaignError
        No such file, no design, or one that is not as it was written.
    """
    asked = f"design {path}"
    if not path.is_file():
        raise CampaignError(asked, "no such file", "Run `suasion geo design` before the campaign.")
    try:
        kept = Kept.model_validate_json(path.read_bytes())
    except ValidationError:
        raise CampaignError(asked, "no design of places", "Give what `suasion geo design` wrote.") from None
    if kept.digest != kept.signed.digest:
        found = "its digest does not fit: it is not as it was written"
        raise CampaignError(asked, found, "Give the file that `suasion geo design` wrote.")
    return kept


def keep(
    columns: Columns,
    kind: str,
    before: geo.Panel,
    drawn: geo.GeoDesign,
    power: geo.Power,
    lasts: int,
    salt: str,
    threshold: float,
) -> Kept:
    """A design to write down."""
    made = drawn.reference.assignments
    return Kept(
        columns=columns,
        kind=kind,
        last=str(before.periods[-1]),
        history=history_of(before),
        lasts=lasts,
        salt=salt,
        threshold=threshold,
        treated=drawn.treated_places,
        usual=power.usual,
        detectable=power.detectable,
        places=before.places,
        sizes=tuple(before.sizes.tolist()),
        count=len(made),
        assignments=b64encode(np.packbits(made).tobytes()).decode(),
    ).signed


def history_of(panel: geo.Panel) -> str:
    """Digest of what was known before the campaign."""
    names = "\n".join([*panel.places, *map(str, panel.periods)])
    return hashlib.blake2b(names.encode() + panel.outcomes.tobytes(), digest_size=16).hexdigest()
