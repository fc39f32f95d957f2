"""What would fail in sending fails in the proof, and the proof names nobody."""

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError, InputError
from suasion.expressions import Type
from suasion.messages import Message, Proof, Writer, fields, proof

TYPES = {
    "first_name": Type.TEXT,
    "town": Type.TEXT,
    "age": Type.INTEGER,
    "share": Type.NUMBER,
    "vip": Type.BOOLEAN,
    "born": Type.DATE,
}
MANY = 30_000


def message(fallbacks: dict | None = None, **parts: str) -> Message:
    return Message(name="m", variants={"a": {"text": "a"} | parts}, fallbacks=fallbacks or {})


def proved(what: Message, **columns) -> Proof:
    return proof(what, None, TYPES, pa.table({"person": range(len(next(iter(columns.values())))), **columns}))


def test_a_message_that_suits_everybody_has_no_problems():
    what = message(subject="{{ first_name }}", html="<p>{{ first_name }}, {{ born }}</p>", text="{{ age }}")
    people = {"first_name": ["Åsa", "Bo"], "born": [date(2000, 1, 31)] * 2, "age": [1, 2]}
    assert proved(what, **people) == Proof((), 2, len("<p>Åsa, 2000-01-31</p>"))


def test_a_message_without_fields_is_written_to_everybody():
    assert proved(message(text="Come."), age=[1, 2, None]) == Proof((), 3, 5)
    assert proved(message(text="Come."), age=[]) == Proof((), 0, 0)


def test_a_variant_that_is_not_there_is_an_error():
    with pytest.raises(CampaignError, match="unknown variant 'b'"):
        proof(message(), "b", TYPES, pa.table({}))


@pytest.mark.parametrize(
    ("parts", "fallbacks", "found"),
    [
        ({"text": "{{ fist_name }}"}, {}, "text: unknown trait 'fist_name'. Did you mean 'first_name'?"),
        ({"text": "{% if age > 1 %}"}, {}, "text, line 1: unexpected end of input, expected end of block"),
        ({"text": "\n{{ age|uper }}"}, {}, "text, line 2: unknown filter 'uper'. Did you mean 'upper'?"),
        ({"html": "\n<form>"}, {}, "html, line 2: <form> is refused"),
        ({"html": "{{ age > 'x' }}"}, {}, "html, line 1: a number > a text is never meant"),
        ({}, {"fist_name": "x"}, "[fallbacks]: unknown trait 'fist_name'. Did you mean 'first_name'?"),
        ({}, {"age": "old"}, "[fallbacks]: age is integer, and its fallback a text"),
        ({}, {"first_name": 1}, "[fallbacks]: first_name is text, and its fallback a number"),
        ({}, {"vip": 1}, "[fallbacks]: vip is boolean, and its fallback a number"),
        ({}, {"share": True}, "[fallbacks]: share is number, and its fallback a boolean"),
    ],
)
def test_a_fault_of_the_message_is_found_with_nobody_to_write_to(parts: dict, fallbacks: dict, found: str):
    assert proved(message(fallbacks, **parts), age=[]) == Proof((found,), 0, 0)


def test_a_fallback_of_the_kind_of_its_trait_is_taken():
    fallbacks = {"first_name": "x", "age": 1.5, "share": 1, "vip": False, "born": "soon"}
    assert proved(message(fallbacks), age=[1]).problems == ()
    assert proved(message({"born": date(2000, 1, 1)}), age=[1]).problems == ()


def test_all_faults_are_told_at_once():
    what = message({"nobody": 1}, subject="{{ a.b }}", text="{% set %}", html="<script>{{ c }}")
    assert len(proved(what, age=[1]).problems) >= 6


def test_a_field_without_fallback_that_is_not_known_is_counted_and_the_others_are_written_to():
    what = message(text="{{ first_name }}{{ age }}")
    found = proved(what, first_name=["Åsa", None, None], age=[1, None, 3])
    assert found == Proof(
        (
            "age: not known of 1 of 3 people, and [fallbacks] does not give it",
            "first_name: not known of 2 of 3 people, and [fallbacks] does not give it",
        ),
        1,
        len("Åsa1"),
    )
    assert Writer(what).render({"first_name": "Åsa", "age": 1}).text == "Åsa1"


def test_a_trait_without_a_column_is_known_of_nobody():
    found = proved(message(text="{{ town }}"), age=[1, 2])
    assert found.problems == ("town: not known of 2 of 2 people, and [fallbacks] does not give it",)
    assert proved(message({"town": "here"}, text="{{ town }}"), age=[1, 2]) == Proof((), 2, 4)


def test_a_fallback_is_tried_even_if_everybody_is_known():
    found = proved(message({"town": "a\nb"}, subject="{{ town }}"), town=["here"])
    assert found.problems == ("a line break or control character in the subject, where fallbacks stand in",)


SOURCES = [
    *(
        "{{ first_name|int }}",
        "{{ first_name[2] }}",
        "{{ first_name[0] }}",
        "{% if age > 3 %}{{ town[1] }}{% endif %}",
    ),
    *(
        "{{ town }}" * 120,
        "{{ first_name }}{{ age + 1 }}",
        "{{ age|round }}",
        "{{ 'x' if age else town[0] }}",
    ),
]
NAMES = st.none() | st.text(max_size=4) | st.sampled_from(["12", "a\nb", "x" * 900, "x" * 1_001])
ROWS = st.fixed_dictionaries({"first_name": NAMES, "town": NAMES, "age": st.none() | st.integers(-5, 5)})
FALLBACKS = st.fixed_dictionaries({}, optional={"first_name": st.just("you"), "town": st.just("here")})


def can_be_sent(what: Message, people: list[dict]) -> tuple[bool, int]:
    """Whether the message suits people, and how many it cannot be written to for their data alone."""
    write, needed, sound = Writer(what), fields(what.variant()) - what.fallbacks.keys(), []
    if any(person[name] is None for person in people for name in needed):
        return False, 0
    try:
        for person in people:
            try:
                write.render(person)
                sound.append(person)
            except InputError as error:
                if isinstance(error, CampaignError):
                    raise
        write.render((sound or people)[0] | dict.fromkeys(what.fallbacks))
    except InputError:
        return False, 0
    return bool(sound), len(people) - len(sound)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([*SOURCES, "Hi {{ first_name }}"]),
    st.sampled_from(["Hi", "{{ town }}"]),
    FALLBACKS,
    st.lists(ROWS, min_size=1, max_size=6),
)
def test_the_proof_holds_exactly_if_everybody_can_be_written_to_but_those_with_odd_data(
    text: str, subject: str, fallbacks: dict, people: list[dict]
):
    what = message(fallbacks, subject=subject, text=text)
    schema = pa.schema({"first_name": pa.string(), "town": pa.string(), "age": pa.int64()})
    found = proof(what, None, TYPES, pa.Table.from_pylist(people, schema))
    suits, odd = can_be_sent(what, people)
    assert (found.problems == ()) == suits
    assert not suits or bool(found.unwritable) == bool(odd)


@pytest.mark.parametrize("subject", ["Hi", "{{ town }}"])
@pytest.mark.parametrize("source", [*SOURCES, "{{ first_name - 1 }}", "{{ town }}"])
def test_a_problem_names_nobody(source: str, subject: str):
    what = message(subject=subject, text=source)
    told = "Zanzibar\n7731"
    found = proved(what, first_name=[told, None, "7731"], town=[told * 80, "", None], age=[4, 7731, 4])
    assert not [problem for problem in found.problems if "Zanzibar" in problem or "7731" in problem]


@settings(deadline=None, max_examples=8)
@given(st.integers(0, MANY - 1), st.sampled_from(["", "Ma\u2028ia", "Ma\x00ia", "M" * 1_001, None, "Ma"]))
def test_among_many_the_one_who_cannot_be_written_to_is_found(row: int, odd: str | None):
    names = ["Anna", "Maria", "Zoltan"] * (MANY // 3)
    names[row] = odd
    found = proved(message(subject="{{ first_name }}", text="{{ first_name[3] }}"), first_name=names)
    assert len(found.problems) + len(found.unwritable) == 1


def test_a_person_whose_data_cannot_be_written_fails_alone():
    what = message({"first_name": "you"}, text="{{ first_name }}")
    found = proved(what, first_name=["Ada", "x" * 1_001, "y" * 2_000])
    assert found.problems == ()
    assert found.unwritable == ("first_name of more than 1,000 characters, for 2 of 3 people",)
    nobody = proved(what, first_name=["x" * 1_001])
    assert nobody.problems == ("first_name of more than 1,000 characters, for 1 of 1 people",)


@settings(deadline=None, max_examples=4)
@given(st.integers(0, MANY - 1), st.sampled_from([0, 400, 2**63 - 1, -(2**63), None]))
def test_among_many_the_smallest_the_largest_and_the_unknown_are_written_to(row: int, odd: int | None):
    ages = [41] * MANY
    ages[row] = odd
    source = "{% if age != 41 %}{{ first_name|int }}{% endif %}"
    found = proved(message({"age": 7}, text=source), age=ages, first_name=["Maria"] * MANY)
    fallback = "text, line 1: invalid operation, where fallbacks stand in"
    assert found.problems == (
        f"text, line 1: invalid operation, for 1 of {found.people} people",
        fallback,
    )


def test_of_many_people_a_sample_that_is_always_the_same_is_written_to():
    names = [f"{i:07}" for i in range(MANY)]
    what = message(text="{{ first_name }}{% if first_name[6] == '7' %}{{ first_name[9] }}{% endif %}")
    first, second = (proved(what, first_name=names) for _ in range(2))
    assert first == second
    assert 20_000 <= first.people <= 20_010
    assert len(first.problems) == 1
