"""What is written to a person is the template with that person's values in it, and nothing else."""

import email
import unicodedata
from contextlib import suppress
from datetime import date
from email.message import EmailMessage
from enum import StrEnum

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError, InputError
from suasion.messages import Message, Rendered, Writer


def writer(fallbacks: dict | None = None, names: tuple[str, ...] = (), **parts: str) -> Writer:
    message = Message(name="m", variants={"a": {"text": "a"} | parts}, fallbacks=fallbacks or {})
    return Writer(message, names=names)


LITERALS = st.text(st.characters(codec="utf-8", exclude_characters="{}%#"), max_size=10)
VALUES = {
    "age": st.integers(-(2**63), 2**63 - 1),
    "town": st.text(max_size=20),
    "born": st.dates(),
    "vip": st.booleans(),
}
PEOPLE = st.fixed_dictionaries(VALUES)
TEMPLATES = st.lists(st.tuples(LITERALS, st.sampled_from(sorted(VALUES))), max_size=6)


@settings(deadline=None, max_examples=100)
@given(TEMPLATES, LITERALS, PEOPLE)
def test_a_text_is_its_words_with_the_values_between(pieces: list, last: str, person: dict):
    source = "".join(f"{literal}{{{{ {field} }}}}" for literal, field in pieces) + last
    assume(source)
    expected = "".join(f"{literal}{person[field]}" for literal, field in pieces) + last
    assert writer(text=source).render(person).text == expected


@settings(deadline=None)
@given(st.integers(0, 120))
def test_a_condition_chooses_as_it_says(age: int):
    source = "{% if age < 18 %}child{% elif age >= 65 %}old{% else %}adult{% endif %}"
    assert (
        writer(text=source).render({"age": age}).text == ["child", "adult", "old"][(age >= 18) + (age >= 65)]
    )


def test_only_html_is_escaped():
    parts = dict.fromkeys(["subject", "text", "html"], "{{ n }}")
    assert writer(**parts).render({"n": "A & B"}) == Rendered("A & B", "A & B", "A &amp; B")


def test_parts_that_are_not_there_are_not_written():
    assert writer(text="a").render({}) == Rendered(None, "a", None)


def test_the_last_line_break_is_kept():
    assert writer(text="a\n").render({}).text == "a\n"


@pytest.mark.parametrize("person", [{}, {"n": None}, {"n": None, "other": object()}])
def test_what_is_not_known_takes_the_fallback(person: dict):
    assert writer({"n": "neighbor"}, text="Dear {{ n }}").render(person).text == "Dear neighbor"
    assert writer({"n": date(2026, 1, 31)}, text="{{ n }}").render(person).text == "2026-01-31"
    with pytest.raises(CampaignError, match="no n and no fallback for it"):
        writer(text="Dear {{ n }}").render(person)


@pytest.mark.parametrize("value", ["", 0, 0.0, False])
def test_what_is_known_to_be_nothing_is_not_replaced(value: object):
    assert writer({"n": "x"}, text="[{{ n }}]").render({"n": value}).text == f"[{value}]"


class Markup(str):
    """A text that says of itself that it needs no escape."""

    def __html__(self) -> str:
        return str(self)


class Color(StrEnum):
    RED = "red"


@pytest.mark.parametrize("value", [Markup("<b>"), Color.RED, ["a"], {"a": 1}, b"a", object(), 1j])
def test_a_template_sees_plain_values_only(value: object):
    with pytest.raises(CampaignError, match="plain values"):
        writer(html="{{ n }}").render({"n": value})


@settings(deadline=None, max_examples=150)
@given(
    st.text(max_size=20)
    | st.sampled_from(["a\nBcc: x@b.example", "a\r\n\r\nx", "a\u2028b", "a\x85b", "a\x0bb"])
)
def test_no_name_becomes_a_header(name: str):
    try:
        subject = writer(subject="Dear {{ n }}!").render({"n": name}).subject
    except InputError:
        assume(False)
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("a")
    read = email.message_from_bytes(message.as_bytes())
    assert sorted(read.keys()) == sorted(message.keys())
    assert len(f"Dear {name}!".splitlines()) == 1


def test_whatever_ends_a_line_or_controls_a_terminal_is_kept_out_of_a_subject():
    write = writer(subject="{{ n }}").render
    for code in range(0x3000):
        n = f"a{chr(code)}b"
        if len(n.splitlines()) > 1 or unicodedata.category(chr(code)) == "Cc":
            with pytest.raises(InputError, match="line break or control character in the subject"):
                write({"n": n})
        else:
            assert write({"n": n}).subject == n


def test_a_line_break_of_the_template_itself_is_kept_out_of_a_subject():
    with pytest.raises(CampaignError, match="line break"):
        writer(subject="a\n").render({})


def test_a_value_or_part_that_is_too_long_is_refused():
    write = writer(text="{{ n }}" * 101).render
    assert len(write({"n": "x" * 990}).text) == 99_990
    with pytest.raises(CampaignError, match="text of more than 100,000 characters"):
        write({"n": "x" * 1_000})
    with pytest.raises(InputError, match="n of more than 1,000 characters") as error:
        write({"n": "x" * 1_001})
    assert not isinstance(error.value, CampaignError), "the message is not at fault"


def test_a_break_that_a_person_brings_is_not_the_messages_fault():
    with pytest.raises(InputError) as error:
        writer(subject="{{ n }}").render({"n": "a\nb"})
    assert not isinstance(error.value, CampaignError)
    assert "data" in error.value.todo


TURNS = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]
PARTS = dict.fromkeys(("subject", "text"), "{{ n }}")


@settings(deadline=None, max_examples=200)
@given(
    st.text(st.sampled_from(["A", "ö", "ش", " ", "\n", "\r", "\x85", "\u2028", "\x00", *TURNS]), max_size=12)
)
def test_a_name_is_one_line_that_turns_nothing(name: str):
    said = writer({"n": "neighbor"}, ("n",), **PARTS).render({"n": name})
    letters = [one for one in name if one.isalpha()]
    assert said.subject == said.text
    assert [one for one in said.text if one.isalpha()] == (letters or list("neighbor"))
    assert len(said.text.splitlines()) == 1
    assert not set(said.text) & set(TURNS)


@pytest.mark.parametrize(
    "name", ["https://evil.example", "Ada http://x.example", "www.evil.example", "evil.example/pay", "a：//b"]
)
def test_a_name_with_an_address_of_the_web_is_no_name(name: str):
    assert writer({"n": "neighbor"}, ("n",), text="Dear {{ n }}").render({"n": name}).text == "Dear neighbor"
    with pytest.raises(InputError, match="n is no name") as error:
        writer(names=("n",), text="Dear {{ n }}").render({"n": name})
    assert not isinstance(error.value, CampaignError)
    assert writer(text="{{ n }}").render({"n": name}).text == name, "another trait may hold one"


@pytest.mark.parametrize(
    "name", ["Ada", "Dr. O'Brien-Śmiałek", "Jean-Luc", "J.R.R. Tolkien", "عائشة", "a/b", ":-)"]
)
def test_a_plain_name_stays_as_it_is(name: str):
    assert writer(names=("n",), text="{{ n }}").render({"n": name}).text == name


@pytest.mark.parametrize(
    ("part", "source", "found"),
    [
        ("text", "a\n{{ n.x }}", "text, line 2: '.' is not part"),
        ("text", "a\n{% if n %}", "text, line 2: unexpected end of input"),
        ("text", "{{ n n }}", "text, line 1: unexpected identifier"),
        ("html", "{{ n|safe }}", "html, line 1: unknown filter 'safe'"),
        ("html", "<script>", "html, line 1: <script> is refused"),
    ],
)
def test_a_template_with_a_fault_has_no_writer(part: str, source: str, found: str):
    with pytest.raises(CampaignError) as error:
        writer(**{part: source})
    assert error.value.found.startswith(found)


@pytest.mark.parametrize(
    "source",
    [
        *("{{ n|int }}", "{{ n - 1 }}", "{{ n[99] }}", "{{ n|round }}", "{{ n|upper(1) }}", "{{ n[::0] }}"),
        *("{{ n|round(99999999999) }}", "{{ n + 1 }}", "{{ -n }}", "{{ 1 in 2 }}", "{{ n[0][0][1] }}"),
    ],
)
def test_a_failure_in_writing_tells_part_and_line_and_not_the_value(source: str):
    with pytest.raises(CampaignError, match=r"text, line 2: [a-z ]+\. Correct") as error:
        writer(text=f"\n{source}").render({"n": "Zanzibar"})
    assert "Zanzibar" not in str(error.value)
    assert error.value.__cause__ is None


EXPRESSIONS = st.lists(
    st.sampled_from(
        [
            *("n", "i", "f", "b", "'a'", "1", "-", "+", "~", "[", "]", "(", ")", ",", ":", "|round", "|int"),
            *("|length", "|title", "|trim", "|urlencode", "|capitalize", " in ", " and ", "not ", "==", "<"),
            *(" if ", " else ", "[:1]", "[i:]", "[-1]", "9223372036854775807", "0"),
        ]
    ),
    min_size=1,
    max_size=9,
).map("".join)


@settings(deadline=None, max_examples=400)
@given(EXPRESSIONS, st.text(max_size=5), st.integers(-(2**63), 2**63 - 1), st.floats())
def test_an_expression_is_written_or_is_an_error_of_ours(source: str, n: str, i: int, f: float):
    with suppress(CampaignError):
        writer(text=f"{{{{ {source} }}}}").render({"n": n, "i": i, "f": f, "b": True})
