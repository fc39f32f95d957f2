"""Write one variant to one person after another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from minijinja import Environment, TemplateError

from suasion.errors import CampaignError, InputError
from suasion.messages.language import faults
from suasion.messages.markup import markup_faults
from suasion.messages.message import MOST_VALUE, Message, fields

MOST_OUTPUT = 100_000
"""Characters of a written part; some mail programs cut longer ones."""
BREAKS = r"[\x00-\x1f\x7f-\x9f\x{2028}\x{2029}]"
"""What a subject may not hold, in RE2: whatever some program takes for the end of a header."""

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they turn the direction of a text: UAX 9, section 2
_NO_NAME = re.compile(r"://|\bwww\.|\w\.\w{2,}/|\bmailto:", re.IGNORECASE)
_TODO_DATA = "Mend the data of these people, or the message."
_TEMPLATES = {"subject": "subject.txt", "text": "text.txt", "html": "text.html"}
"""The engine escapes what it writes into a template whose name ends in ``.html``."""


@dataclass(frozen=True)
class Rendered:
    """A variant as one person reads it.

    Parameters
    ----------
    subject : str or None
        One line.
    text : str
    html : str or None
    """

    subject: str | None
    text: str
    html: str | None


class Writer:
    """A variant, compiled once, to be written to many persons.

    Parameters
    ----------
    message : Message
    variant : str, optional
        May be left out where there is only one.
    names : collection of str
        The traits that hold what people are called: written in one line, without characters that turn the
        direction of a text; one with an address of the web in it is no name, and takes its fallback.

    Raises
    ------
    CampaignError
        No such variant, or a template that says what it may not; the first fault of `template_faults`.

    Examples
    --------
    >>> note = Message(name="note", variants={"a": {"subject": "{{ name }}", "text": "Dear {{ name }}"}})
    >>> Writer(note).render({"name": "Åsa"})
    Rendered(subject='Åsa', text='Dear Åsa', html=None)
    """

    def __init__(self, message: Message, variant: str | None = None, names: Collection[str] = ()) -> None:
        chosen = message.variant(variant)
        self._names = frozenset(names)
        self._asked = f"message '{message.name}'" + (f", variant '{variant}'" if variant else "")
        self._parts = tuple(chosen.parts)
        self._fallbacks = {name: _plain(message.fallbacks.get(name)) for name in sorted(fields(chosen))}
        self._engine = _engine()
        for part, source in chosen.parts.items():
            if wrong := template_faults(part, source):
                raise CampaignError(self._asked, wrong[0], "Correct the message.")
            self._engine.add_template(_TEMPLATES[part], source)

    def render(self, traits: Mapping[str, Any]) -> Rendered:
        """Write to one person.

        Parameters
        ----------
        traits : mapping of str to bool, int, float, str, date or None
            The person's; a field that is absent or None takes its fallback.

        Returns
        -------
        Rendered

        Raises
        ------
        CampaignError
            A field with neither value nor fallback, a value that cannot be written, a subject that is not
            one line, or a part that is too long. It names fields and parts, not values.
        InputError
            No `CampaignError`: the fault is in the data of this person.
        """
        values = {name: self._value(name, traits.get(name)) for name in self._fallbacks}
        written = {part: self._write(part, values) for part in self._parts}
        if "subject" in written and _BREAKS.search(written["subject"]):
            found = "a line break or control character in the subject"
            if any(isinstance(value, str) and _BREAKS.search(value) for value in values.values()):
                raise InputError(self._asked, found, _TODO_DATA)
            raise self._refused(found, "Take it out.")
        return Rendered(written.get("subject"), written["text"], written.get("html"))

    def _value(self, name: str, value: object) -> bool | int | float | str:
        known = _plain(value)
        plain = _as_name(known) if name in self._names and isinstance(known, str) else known
        if plain is None:
            plain = self._fallbacks[name]
        if plain is None and known is not None:
            raise InputError(self._asked, f"{name} is no name, and there is no fallback for it", _TODO_DATA)
        if plain is None:
            raise self._refused(f"no {name} and no fallback for it", f"Give [fallbacks] a value of {name}.")
        if isinstance(plain, str) and len(plain) > MOST_VALUE:
            raise InputError(self._asked, f"{name} of more than {MOST_VALUE:,} characters", _TODO_DATA)
        return plain

    def _write(self, part: str, values: dict[str, bool | int | float | str]) -> str:
        try:
            written = self._engine.render_template(_TEMPLATES[part], **values)
        except TemplateError as cause:
            # The engine's own words may hold a value: only its kind of error is told.
            why = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cause.kind).lower()
            raise self._refused(f"{part}, line {cause.line}: {why}", "Correct the message.") from None
        if len(written) > MOST_OUTPUT:
            raise self._refused(f"{part} of more than {MOST_OUTPUT:,} characters", "Say it in less.")
        return written

    def _refused(self, found: str, todo: str) -> CampaignError:
        return CampaignError(self._asked, found, todo)


def template_faults(part: str, source: str) -> list[str]:
    """What is wrong with a template, whoever it is written to.

    Parameters
    ----------
    part : {"subject", "text", "html"}
    source : str

    Returns
    -------
    list of str
        Each beginning with the part and, where there is one, the line.

    Examples
    --------
    >>> template_faults("text", "Dear {{ first_name|uper }}")
    ["text, line 1: unknown filter 'uper'. Did you mean 'upper'?"]
    """
    found = faults(source)
    if not found:
        try:
            _engine().add_template(_TEMPLATES[part], source)
        except TemplateError as cause:
            found = [f"line {cause.line}: {cause.detail or cause.kind}"]
        else:
            found = markup_faults(source) if part == "html" else []
    return [f"{part}, {fault}" for fault in found]


def _engine() -> Environment:
    return Environment(undefined_behavior="strict", pycompat=False, debug=False, keep_trailing_newline=True)


def _as_name(text: str) -> str | None:
    """A name in one line, in the direction of its letters; None where it is none."""
    name = " ".join(_BREAKS.sub(" ", _TURNS.sub("", text)).split())
    return None if not name or _NO_NAME.search(unicodedata.normalize("NFKC", name)) else name


def _plain(value: object) -> bool | int | float | str | None:
    """A value without attributes or methods, as a template may see it."""
    # The very type: a str that says of itself that it is markup would not be escaped.
    if value is None or type(value) in (bool, int, float, str):
        return value  # pyright: ignore[reportReturnType]
    if isinstance(value, date):
        return value.isoformat()
    raise CampaignError("a value in a message", f"a {type(value).__name__}", "Give plain values.")
