"""A stream: a site or an app that sends events, and what they may be used for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from suasion.declarations import Declared, read
from suasion.errors import SourceError
from suasion.rules import Basis, Channel, Purpose

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
WriteKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~-]{16,128}$")]


class ConsentCategory(Declared):
    """What a no to a category of a consent banner is a no to."""

    purpose: Purpose
    channel: Channel


class Stream(Declared):
    """Where events come from, whom they are about, and what they may be used for.

    The fields are the keys of ``streams/NAME.toml``; ``name`` is ``NAME``. ``write_key`` stands in the source
    of every page that sends events: it is public, lets events in, and lets nobody read. ``user_id`` is the
    kind of identifier that the events' ``userId`` is, as the sources name it. ``events_per_second`` is what
    the stream may send on average before it is told to wait. ``consent`` says what a no to a category, in
    ``context.consent.categoryPreferences``, is a no to; ``vendor`` is our number in the list of those whom TC
    strings name.
    """

    name: Name
    write_key: WriteKey
    user_id: Name
    basis: Basis
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    territory: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    events_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1000
    consent: dict[str, ConsentCategory] = Field(default_factory=dict)
    vendor: Annotated[int, Field(ge=1, le=65_535)] | None = None


def load_stream(path: Path) -> Stream:
    """Read and check a declaration.

    Parameters
    ----------
    path : Path
        ``streams/NAME.toml``.

    Raises
    ------
    SourceError
        The declaration is absent, is not TOML, or has a missing, unknown or impossible key.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "site.toml"
    >>> _ = path.write_text('''
    ... write_key = "wk_site_0123456789"
    ... user_id = "member"
    ... basis = "consent"
    ... purposes = ["public_health"]
    ... territory = "DE"
    ... ''')
    >>> load_stream(path).events_per_second
    1000
    """
    return read(path, Stream, SourceError, name=path.stem)
