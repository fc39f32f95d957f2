"""A template says what the language has, and nothing by which the engine could be brought down."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minijinja import Environment, TemplateError

from suasion.errors import CampaignError
from suasion.messages import Message, Writer
from suasion.messages.language import FILTERS, MOST_PIECES, MOST_TOKENS, faults, mismatches, names

GOOD = [
    "",
    "plain { text } } % # \" '",
    "{{ x }}",
    "{{x|upper|trim}}",
    "{{- x -}}",
    "{{ '}}' ~ \"%}\" ~ '\\'}}' }}",
    "{% if x > 3 and y in ['a', 'b'] or not z %}{{ x + 1 - 2 }}{% elif (x) %}{% else %}{% endif %}",
    "{{ x|round(2) }}{{ y[:1] }}{{ 'a' if z else \"b\" }}",
    "{# {% for %} {{ #}x",
    "{{ true }}{{ 1.5 }}",
]


@pytest.mark.parametrize("source", GOOD)
def test_what_the_language_has_is_taken(source: str):
    assert faults(source) == []
    Environment(pycompat=False).add_template("a.txt", source)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{% for c in x %}{% endfor %}", "unknown statement 'for'. Known: elif, else, endif, if."),
        ("{%- set a = a ~ a -%}", "unknown statement 'set'"),
        ("{% include 'secret' %}", "unknown statement 'include'"),
        ("{% import 'a' as b %}", "unknown statement 'import'"),
        ("{% extends 'a' %}", "unknown statement 'extends'"),
        ("{% macro m() %}{% endmacro %}", "unknown statement 'macro'"),
        ("{% call m() %}{% endcall %}", "unknown statement 'call'"),
        ("{% raw %}{{ x }}{% endraw %}", "unknown statement 'raw'"),
        ("{% autoescape false %}{% endautoescape %}", "unknown statement 'autoescape'"),
        ("{% filter safe %}{% endfilter %}", "unknown statement 'filter'"),
        ("{% endfi %}", "unknown statement 'endfi'. Did you mean 'endif'?"),
        ("{% %}", "unknown statement ''"),
        ("{{ x|safe }}", "unknown filter 'safe'"),
        ("{{ x | replace('a', 'b') }}", "unknown filter 'replace'"),
        ("{{ x|uper }}", "Did you mean 'upper'?"),
        ("{% if false %}{{ x|nosuch }}{% endif %}", "unknown filter 'nosuch'"),
        ("{{ x.__class__ }}", "'.' is not part"),
        ("{{ first_name.upper() }}", "'.' is not part"),
        ("{{ range(10) }}", "'range' is called"),
        ("{{ super () }}", "'super' is called"),
        ("{{ x * 1000 }}", "'*' is not part"),
        ("{{ x / 0 }}", "'/' is not part"),
        ("{{ x % 2 }}", "'%' is not part"),
        ("{{ {'a': 1} }}", "'{' is not part"),
        ("{{ x is defined }}", "'is' is not part"),
        ("{{ x == none }}", "'none' is not part"),
        ("{{ x|round(precision=2) }}", "'=' is not part"),
        ("{{ größe }}", "'ö' is not part"),
        ("{{ x", "'{{', or a quote in it, is not closed"),
        ("{{ 'x }}", "'{{', or a quote in it, is not closed"),
        ("{# x", "'{#', or a quote in it, is not closed"),
    ],
)
def test_what_the_language_does_not_have_is_refused_with_its_line(source: str, found: str):
    (first, *_) = faults(f"1\n{{{{ two }}}}\n{source}")
    assert first.startswith("line 3: ")
    assert found in first


def test_lines_are_counted_through_tags_of_several_lines():
    assert faults("{{ a\n}}{#\n\n#}\n{{ b }}{{ c ! }}") == [
        "line 5: '!' is not part of the language of messages"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "{{ x }}" * (MOST_PIECES // 2 + 1),
        "{{" * 50_000,
        "{#" * 50_000,
        "{{ '" * 25_000,
        "{{ " + "\\" * 90_000,
        "{{ " + " ~ ".join(["x"] * 20_000) + " }}",
        "{{ " + "not " * 20_000 + "x }}",
        "{{ " + "(" * 40_000 + "x" + ")" * 40_000 + " }}",
        "{{ x" + "[0]" * 30_000 + " }}",
        "{{ x" + "|upper" * 14_000 + " }}",
        "{% if x %}" + "{% elif x %}" * 8_000 + "{% endif %}",
        "{% if x %}" * 5_000 + "{% endif %}" * 5_000,
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
        "{% for i in range(10**9) %}{% for j in range(10**9) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ 'a'" + "|replace('a', 'aaaaaaaaaa')" * 12 + " }}",
        "{{ '%1000000000s'|format(x) }}",
        "{{ x|indent(1000000000) }}",
    ],
)
def test_a_bomb_is_not_compiled(source: str):
    assert faults(source)


TOO_LONG = "text of more than 100,000 characters"
A, B = MOST_PIECES, MOST_TOKENS
WORST = {
    ("{{ " + " ~ ".join(["x"] * (B // 2)) + " }}") * (A // B): TOO_LONG,
    ("{{ x" + "|urlencode" * (B // 2 - 1) + " }}") * (A // B): TOO_LONG,
    "{{ " + "not " * (B - 1) + "x }}": "",
    "{{ " + "- " * (B - 1) + "1 }}": "",
    "{{ " + "(" * (B // 2 - 1) + "x" + ")" * (B // 2 - 1) + " }}": "",
    "{% if x %}" * (A // 5)
    + "{% endif %}" * (A // 5): "text, line 1: template exceeds maximum recursion limits",
    "{% if x %}" + "{% elif x %}" * (A // 3 - 2) + "{% endif %}": "",
    f"{'{% if x %}' * 50}{'{% elif x %}' * 180}{{% elif {'not ' * (B - 2)}x %}}{'{% endif %}' * 50}": "",
}


def written(source: str) -> str:
    """What is found in writing it."""
    try:
        Writer(Message(name="m", variants={"a": {"text": source}})).render({"x": "&" * 1_000})
    except CampaignError as error:
        return error.found
    return ""


def test_within_the_limits_no_template_takes_more_stack_than_the_smallest_thread_has():
    found: dict[str, str] = {}
    before = threading.stack_size(512 * 1024)
    thread = threading.Thread(target=lambda: found.update({source: written(source) for source in WORST}))
    thread.start()
    threading.stack_size(before)
    thread.join()
    assert found == WORST


PIECES = st.sampled_from(
    [
        *(
            "{{ ",
            " }}",
            "{% ",
            " %}",
            "{# ",
            " #}",
            "{",
            "}",
            "%",
            "#",
            "-",
            "+",
            "~",
            "|",
            "(",
            ")",
            "[",
            "]",
        ),
        *("'", '"', "\\", ",", ":", "==", "<", ".", "*", "=", "!", "1", "2.5", " ", "\n", "text", "x", "y"),
        *("{{ x }}", "{% if x %}", "{% else %}", "{% endif %}", "{{ y|upper }}", "'q'", "is", "set", "for"),
        *(
            " if ",
            " else ",
            "not ",
            " in ",
            " and ",
            "true",
            "none",
            "é",
            "\xa0",
            "\x00",
            "_z",
            "loop",
            "raw",
        ),
        *FILTERS,
    ]
)
SOURCES = st.lists(PIECES, max_size=14).map("".join) | st.lists(PIECES, max_size=8).map(
    lambda pieces: "{{ x " + "".join(pieces) + " }}"
)


@settings(deadline=None, max_examples=800)
@given(SOURCES)
def test_what_we_read_in_a_template_is_what_the_engine_reads(source: str):
    engine = Environment(pycompat=False, undefined_behavior="strict")
    try:
        engine.add_template("a.txt", source)
    except TemplateError:
        return
    if not faults(source):
        read = engine.undeclared_variables_in_str(source)
        assert names(source) == read - {"if", "else", "and", "or", "not", "in"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{% if age > 64 %}{% endif %}", []),
        ("{% if age > '64' %}{% endif %}", ["line 1: a number > a text is never meant"]),
        ("\n{{ 'a' == age }}", ["line 2: a text == a number is never meant"]),
        ("{{ age != town }}", ["line 1: a number != a text is never meant"]),
        ("{{ vip == 1 }}", ["line 1: a boolean == a number is never meant"]),
        ("{{ vip == true and born >= '2000-01-01' and town <= region }}", []),
        ("{{ 3 < town|length }}{{ 'x' == (age ~ '') }}{{ 'a' == town[0] }}", []),
        ("{{ unknown > 3 }}", []),
    ],
)
def test_a_comparison_that_the_engine_would_answer_at_random_is_found(source: str, found: list[str]):
    kinds = dict.fromkeys(["town", "region", "born"], "text") | {"age": "number", "vip": "boolean"}
    assert mismatches(source, kinds) == found
