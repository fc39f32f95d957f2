"""Whatever a trait holds, the elements, attributes and links of a message stay those that were written."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError
from suasion.messages import Message, Writer
from suasion.messages.markup import REFUSED, markup_faults


class Seen(HTMLParser):
    """What a reader of HTML sees: the shape, the texts, the values of attributes."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.shape: list[tuple] = []
        self.text = ""
        self.values: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.shape.append(("start", tag, tuple(name for name, _ in attrs)))
        self.values += [value for _, value in attrs if value is not None]
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        self.shape.append(("end", tag))

    def handle_comment(self, data):
        self.shape.append(("comment", data))

    def handle_decl(self, decl):
        self.shape.append(("declaration", decl))

    def handle_pi(self, data):
        self.shape.append(("instruction", data))

    def handle_data(self, data):
        self.text += data


def html_of(source: str, **traits) -> str:
    html = Writer(Message(name="m", variants={"a": {"text": "a", "html": source}})).render(traits).html
    assert html is not None
    return html


NASTY = st.sampled_from(
    [
        *("<b>", "</p>", '"', "'", "><script>alert(1)</script>", " onclick=x ", "-->", "]]>", "`", "&lt;"),
        *("&", "&amp", "{{ name }}", "{% raw %}", "javascript:alert(1)", "\n", "\x00", "<", "/>", "b", "="),
    ]
)
TEXTS = st.text(max_size=30) | st.lists(NASTY | st.text(max_size=3), max_size=8).map("".join)


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_what_a_person_is_called_stays_what_a_person_is_called(name: str):
    source = '<p title="{{ n }}" class=\'{{ n }}\'>[{{ n }}]</p><a href="https://a.example/?n={{ n }}">x</a>'
    seen = Seen(html_of(source, n=name))
    assert seen.text == f"[{name}]x"
    assert seen.values == [name, name, f"https://a.example/?n={name}"]
    assert seen.shape == Seen(source).shape


WHOLE = [
    *(
        "Dear {{ n }}, ",
        "<p>",
        "</p>",
        '<p title="{{ n }}">',
        "<b class='a{{ n }}' id=b>",
        "</b>",
        "<br/>",
        " & ",
        "\n",
    ),
    *(
        "{% if n %}<i>{% else %}<b>{% endif %}",
        "<a href='https://a.example/{{ n }}'>x</a>",
        "<!-- a -->",
        "{{- n -}}",
    ),
    *(
        "<style>p { color: red }</style>",
        "<title>a</title>",
        "{#- -#}",
        "<p style='color: red'>",
        "&lt;",
        "<!doctype html>",
    ),
]
PIECES = [
    *(
        "<",
        ">",
        "</",
        "/>",
        "<!--",
        "-->",
        "<!",
        "<?",
        "&",
        "&#",
        ";",
        '"',
        "'",
        "=",
        " ",
        "/",
        "script",
        "p",
        "<style>",
    ),
    *(
        "title=",
        "href=",
        "style=",
        "onclick=",
        "javascript:",
        "{{ n }}",
        "{{- n -}}",
        "{#- -#}",
        "{% if n %}x{% endif %}",
    ),
]


@st.composite
def html(draw: st.DrawFn) -> str:
    """Ordinary HTML with up to three cuts, each mended with a piece or with nothing."""
    source = "".join(draw(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=4)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(source)))
        end = at + draw(st.integers(0, 2))
        source = source[:at] + draw(st.sampled_from(["", *PIECES])) + source[end:]
    return source or "a"


@settings(deadline=None, max_examples=500)
@given(
    html(), st.sampled_from(["script", " onclick=x ", '"><b>', "'><b>", "--><b>", "javascript:x", "/", "lt"])
)
def test_no_value_changes_the_shape_of_html_that_is_taken(source: str, nasty: str):
    try:
        plain, written = html_of(source, n="n"), html_of(source, n=nasty)
    except CampaignError:
        return
    assert Seen(written).shape == Seen(plain).shape
    assert [urlsplit(link)[:2] for link in Seen(written).links] == [
        urlsplit(link)[:2] for link in Seen(plain).links
    ]


@settings(deadline=None, max_examples=250)
@given(html())
def test_what_is_added_below_html_that_is_taken_is_read(source: str):
    try:
        written = html_of(source, n="n")
    except CampaignError:
        return
    seen = Seen(written + "\n<a href='https://a.example/o/token'>Opt out</a>")
    assert seen.text.endswith("\nOpt out")
    assert seen.values[-1] == "https://a.example/o/token"


@pytest.mark.parametrize(
    "source",
    [
        "Plain",
        "a < b && c",
        "<!doctype html><html><head><meta charset='utf-8'><title>Hi</title><style>p { color: red }</style>",
        "<p>Smith & {{ n }}{# note #}</p><br/><img src='cid:logo' alt=''><hr>",
        "{% if n %}<p>{% else %}<p class=big>{% endif %}x</p>",
        "<a href=\"HTTPS://a.example/?n={{ n }}\">x</a><a href='mailto:a@b.example'>",
        "<a href='#top'>x</a><a href='https://a.example'>",
        "<p style='color: red' title='{% if n %}a{% endif %}{{ n }}'>",
        "<!--[if mso]><b>x</b><![endif]-->",
    ],
)
def test_ordinary_html_is_taken(source: str):
    assert markup_faults(source) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<a href='javascript:alert(1)'>", "a link in <a>"),
        ("<a href=' JavaScript:alert(1)'>", "a link in <a>"),
        ("<a href='java&#115;cript:x'>", "a link in <a>"),
        ("<a href='java\tscript:x'>", "a link in <a>"),
        ("<img src='data:text/html,x'>", "a link in <img>"),
        ("<a href='{{ n }}'>", "a link in <a>"),
        ("<a href='{% if n %}java{% endif %}script:x'>", "a link in <a>"),
        ("<a href='/here'>", "a link in <a>"),
        ("<a href='https://{{ n }}/x'>", "a link in <a>"),
        ("<a href='https://a.example{{ n }}/x'>", "a link in <a>"),
        ("<body background='x'>", "a link in <body>"),
        *((f"<{tag}>", f"<{tag}> is refused") for tag in REFUSED),
        ("<SCRIPT src='https://a.example'>", "<script> is refused"),
        ("<p onclick='x'>", "'onclick' in <p> is refused"),
        ("<p ONLOAD=x>", "'onload' in <p> is refused"),
        ("<p title={{ n }}>", "<p> is not written"),
        ("<p {{ n }}>", "<p> is not written"),
        ("<p {{ n }}='x'>", "<p> is not written"),
        ("<p{{ n }}>", "<p> is not written"),
        ("<p{# n #}>", "<p> is not written"),
        ('<p a\'b="{{ n }}">', "<p> is not written"),
        ("<p title='a'id='b'>", "<p> is not written"),
        ("<{{ n }}>", "right after '<' or '&'"),
        ("</{{ n }}>", "right after '<' or '&'"),
        ("< {{- n }}>", "right after '<' or '&'"),
        ("&{{ n }};", "right after '<' or '&'"),
        ("&#{{ n }};", "right after '<' or '&'"),
        ("</p{{ n }}>", "in an end tag"),
        ("<!-- {{ n }} -->", "in a comment"),
        ("<!doctype {{ n }}>", "in a declaration"),
        ("<?xml {{ n }}>", "in an instruction"),
        ("<style>p { color: {{ n }} }</style>", "in <style>"),
        ("<title>{{ n }}</title>", "in <title>"),
        ("<p style='color: {{ n }}'>", "in a style"),
        ("<!-- open", "left open at the end"),
        ("<p title='open", "left open at the end"),
        ("<style> p", "left open at the end"),
        ("<title>open", "left open at the end"),
    ],
)
def test_html_that_could_act_or_be_changed_by_a_value_is_refused(source: str, found: str):
    assert any(found in fault for fault in markup_faults(source)), markup_faults(source)


def test_a_fault_tells_its_line():
    assert markup_faults("<p>\n{{ n\n}}\n<p onclick='x'>") == ["line 4: 'onclick' in <p> is refused"]
