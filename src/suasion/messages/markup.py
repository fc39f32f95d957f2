"""HTML that stays as it was written: whatever a trait holds, no element, attribute or link comes of it.

Escaping alone does not do that: a name in ``<a title={{ first_name }}>`` is escaped and still an attribute.
So a tag of the template may stand in text and in quoted attributes, and nowhere else; the check is of the
template, so it holds for every branch and every person.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from suasion.messages.language import tags

REFUSED = (
    *("base", "embed", "form", "frameset", "iframe", "math", "noembed", "noframes", "noscript", "object"),
    *("plaintext", "script", "svg", "template", "textarea", "xmp"),
)
"""Elements that act on the reader's behalf, or whose content is read by other rules."""
LINKS = ("background", "href", "poster", "src", "srcset", "xlink:href")

_RAW = ("style", "title")
"""Elements that hold no elements."""
_MARK = "\ue000"
_END = "\ue001"
_LINK = re.compile(rf"https?://[^\s/?#{_MARK}]+(?:[/?#]|$)|mailto:|tel:|cid:|#", re.IGNORECASE)
_OPEN_BEFORE_MARK = re.compile(rf"(?:<[/!?]?\s*|&#?){_MARK}")
_VALUE = rf"\"[^\"]*\"|'[^']*'|[^\s\"'=<>`{_MARK}]+"
_START = re.compile(
    rf"<[A-Za-z][A-Za-z0-9:-]*+(?:\s++[^\s\"'<>/={_MARK}]++(?:\s*+=\s*+(?:{_VALUE}))?+)*+\s*+/?>"
)


def markup_faults(source: str) -> list[str]:
    """What is wrong with the HTML of a template, each fault once.

    Parameters
    ----------
    source : str
        A template without faults of language.

    Returns
    -------
    list of str

    Examples
    --------
    >>> markup_faults("<p title='{{ first_name }}'>Dear {{ first_name }}")
    []
    >>> markup_faults("<a href='javascript:alert(1)'>")
    ['line 1: a link in <a> that does not begin with https://HOST, mailto:, tel:, cid: or #']
    """
    masked = _masked(source)
    reader = _Reader()
    reader.feed(f"{masked}\n{_END}")  # not closed, for then it would read the rest of an open tag as text
    found = [
        f"line {1 + masked.count(chr(10), 0, match.start())}: a tag of the template right after '<' or '&'"
        for match in _OPEN_BEFORE_MARK.finditer(masked)
    ]
    unclosed = [] if reader.ended else ["an element, attribute or comment is left open at the end"]
    return list(dict.fromkeys([*found, *reader.faults, *unclosed]))


def _masked(source: str) -> str:
    """The template with one mark, and the same lines, in place of each of its tags."""
    parts: list[str] = []
    at = 0
    for tag in tags(source):
        parts += [source[at : tag.start], _MARK, "\n" * source.count("\n", tag.start, tag.end)]
        at = tag.end
    return "".join([*parts, source[at:]])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.ended = False
        self._raw = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = tag.split(_MARK)[0]
        if tag in REFUSED:
            self._fault(f"<{tag}> is refused")
        if not _START.fullmatch(self.get_starttag_text() or ""):
            self._fault(f'<{shown}> is not written name="value", or a tag of the template is not in quotes')
        for name, value in attrs:
            self._attribute(shown, name, value or "")
        if tag in _RAW:
            self._raw = tag

    def handle_endtag(self, tag: str) -> None:
        self._no_mark(tag, "an end tag")
        if tag == self._raw:
            self._raw = ""

    def handle_data(self, data: str) -> None:
        if self._raw:
            self._no_mark(data, f"<{self._raw}>")
        else:
            self.ended = data.endswith(_END)

    def handle_comment(self, data: str) -> None:
        self._no_mark(data, "a comment")

    def handle_decl(self, decl: str) -> None:
        self._no_mark(decl, "a declaration")

    def unknown_decl(self, data: str) -> None:
        self._no_mark(data, "a declaration")

    def handle_pi(self, data: str) -> None:
        self._no_mark(data, "an instruction")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self._fault(f"'{name.split(_MARK)[0]}' in <{tag}> is refused")
        elif name == "style":
            self._no_mark(value, "a style")
        elif name in LINKS and not _LINK.match(value.strip()):
            self._fault(f"a link in <{tag}> that does not begin with https://HOST, mailto:, tel:, cid: or #")

    def _no_mark(self, text: str, where: str) -> None:
        if _MARK in text:
            self._fault(f"a tag of the template in {where}")

    def _fault(self, fault: str) -> None:
        self.faults.append(f"line {self.getpos()[0]}: {fault}")
