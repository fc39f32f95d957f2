"""A message is planned only if a named person reviewed it and found no harm."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError
from suasion.expressions import Type
from suasion.messages import Message, Variant, fields, message_from, used_traits
from suasion.profiles import Trait
from suasion.rules import Category, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COME = "[variants.a]\ntext = 'Come.'\n"
REVIEW = "[review]\nby = 'Ada'\non = 2026-11-01\n"
CLEAN = f"{REVIEW}exposes_third_persons = false\ndiscourages_voting = false\n"


def gate(purpose: Purpose = Purpose.COMMERCIAL, on: datetime = NOW) -> Gate:
    occasion = Occasion(frozenset({Use.LEARN}), purpose, "spring", Jurisdiction("DE", on.date()), on)
    return Gate(load_packs([], Path("none")), occasion)


def written(folder: Path, content: str) -> Message:
    path = folder / "letter.toml"
    path.write_text(content, encoding="utf-8")
    return message_from(path)


def judged(folder: Path, content: str, **occasion) -> dict[str, bool]:
    """The rules against the message, and whether for want of a fact."""
    return {
        reason.rule: reason.unknown for reason in written(folder, content).judge(gate(**occasion)).reasons
    }


@pytest.mark.parametrize("purpose", Purpose)
def test_a_message_that_nobody_reviewed_is_refused(tmp_path: Path, purpose: Purpose):
    found = judged(tmp_path, COME, purpose=purpose)
    assert found == {"house.third_persons": True, "house.demobilize": True}


def test_a_review_that_found_nothing_wrong_permits(tmp_path: Path):
    assert judged(tmp_path, COME + CLEAN) == {}


def test_a_review_that_does_not_say_is_refused(tmp_path: Path):
    assert judged(tmp_path, f"{COME}{REVIEW}exposes_third_persons = false") == {"house.demobilize": True}
    assert judged(tmp_path, COME + REVIEW) == {"house.third_persons": True, "house.demobilize": True}


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [("exposes_third_persons", "house.third_persons"), ("discourages_voting", "house.demobilize")],
)
def test_a_review_that_found_harm_is_refused(tmp_path: Path, wrong: str, rule: str):
    content = CLEAN.replace(f"{wrong} = false", f"{wrong} = true")
    assert judged(tmp_path, COME + content) == {rule: False}


TAGGED = f"{CLEAN}topics = ['buses', 'bikes']\nstance = 'for'\n"


def test_tags_say_what_a_message_is_about_and_no_rule_judges_them(tmp_path: Path):
    message = written(tmp_path, COME + TAGGED)
    assert message.tags("topics") == {"buses", "bikes"}
    assert message.tags("stance") == {"for"}
    clean, tagged = (written(tmp_path, COME + review) for review in (CLEAN, TAGGED))
    assert tagged.judge(gate()) == clean.judge(gate())
    assert tagged.digest == clean.digest
    only_tags = f"{REVIEW}stance = 'for'\n"
    assert judged(tmp_path, COME + only_tags) == {"house.third_persons": True, "house.demobilize": True}


@pytest.mark.parametrize("review", ["", CLEAN, f"{CLEAN}topics = []\n"])
def test_a_message_that_nobody_tagged_has_no_tags(tmp_path: Path, review: str):
    message = written(tmp_path, COME + review)
    assert message.tags("topics") == message.tags("stance") == frozenset()


def test_before_any_rule_is_in_force_nothing_is_permitted(tmp_path: Path):
    assert judged(tmp_path, COME + CLEAN, on=datetime(1900, 1, 1, tzinfo=UTC)) == {"house.default": False}


def test_a_message_keeps_what_it_says_and_the_name_of_its_file(tmp_path: Path):
    text = "Grüße, {{name}}; DROP TABLE \"x\" 'y' 🙂\n"
    fallbacks = "[fallbacks]\nname = 'you'\nage = 1\nshare = 1.0\nadult = true\nborn = 2000-01-31\n"
    message = written(tmp_path, f"[variants.a]\ntext = '''{text}'''\n{fallbacks}{CLEAN}")
    assert (message.name, message.variant().text) == ("letter", text)
    kept = {"name": "you", "age": 1, "share": 1.0, "adult": True, "born": date(2000, 1, 31)}
    assert {name: (value, type(value)) for name, value in message.fallbacks.items()} == {
        name: (value, type(value)) for name, value in kept.items()
    }
    assert message.review is not None
    assert message.review.by == "Ada"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "variants: the key is missing"),
        ("text = 'a'", "text: a key that is not known"),
        ("[variants]", "variants: "),
        ("[variants.a]\nsubject = 'a'", "variants.a.text: the key is missing"),
        ("[variants.a]\ntext = ''", "variants.a.text: "),
        ("[variants.a]\ntext = 'a'\nsubject = ''", "variants.a.subject: "),
        ("[variants.a]\ntext = 'a'\nhmtl = 'b'", "variants.a.hmtl: .*Did you mean 'html'"),
        (f"[variants.a]\ntext = '{'a' * 100_001}'", "variants.a.text: .*at most 100000 characters"),
        ("[variants.A]\ntext = 'a'", "variants.A: "),
        ("[variants.'a b']\ntext = 'a'", "variants.a b: "),
        (f"{COME}[fallbacks]\n'a.b' = 'x'", "fallbacks.a.b: "),
        (f"{COME}[fallbacks]\na = nan", "fallbacks.a"),
        (f"{COME}[fallbacks]\na = {2**63}", "fallbacks.a"),
        (f"{COME}[fallbacks]\na = '{'x' * 1_001}'", "fallbacks.a"),
        (f"{COME}[fallbacks]\na = ['x']", "fallbacks.a"),
        (f"{COME}[review]\nby = 'Ada'", "review.on: "),
        (f"{COME}[review]\nby = ''\non = 2026-11-01", "review.by: "),
        (f"{COME}[review]\non = 2026-11-01", "review.by: "),
        (f"{COME}{REVIEW}exposes_third_persons = 'perhaps'", "review.exposes_third_persons: "),
        (f"{COME}{REVIEW}exposed_third_persons = false", "Did you mean 'exposes_third_persons'"),
        (f"{COME}{REVIEW}stance = 'For it'", "review.stance: "),
        (f"{COME}{REVIEW}stance = ['for', 'against']", "review.stance: "),
        (f"{COME}{REVIEW}topics = 'buses'", "review.topics: "),
        (f"{COME}{REVIEW}topics = ['buses', '']", "review.topics.1: "),
        (f"{COME}stance = 'for'", "variants.a.stance: a key that is not known"),
        ("[variants.a]\ntext = 'a", "not valid TOML"),
    ],
)
def test_a_malformed_message_is_an_error_that_names_file_and_key(tmp_path: Path, content: str, found: str):
    with pytest.raises(CampaignError, match=found) as error:
        written(tmp_path, content)
    assert error.value.asked.split(": ")[0].endswith("letter.toml")


def test_a_message_that_is_not_there_names_those_that_are(tmp_path: Path):
    written(tmp_path, COME)
    with pytest.raises(CampaignError, match=r"no such file\. Did you mean 'letter'"):
        message_from(tmp_path / "leter.toml")


def test_a_variant_is_found_by_name_and_the_only_one_without(tmp_path: Path):
    one = written(tmp_path, COME)
    assert one.variant() == one.variant("a") == Variant(text="Come.")
    two = written(tmp_path, f"{COME}[variants.bus]\ntext = 'Come by bus.'\n")
    assert two.variant("bus").text == "Come by bus."
    with pytest.raises(CampaignError, match=r"several variants, and none is named\. Known: a, bus\."):
        two.variant()
    with pytest.raises(CampaignError, match=r"unknown variant 'buss'\. Did you mean 'bus'\?"):
        two.variant("buss")


SAID = st.text(max_size=30)
PARTS = st.fixed_dictionaries({"text": SAID.filter(bool)}, optional={"subject": SAID, "html": SAID})
VALUES = st.booleans() | st.integers(-9, 9) | st.sampled_from([0.0, 1.0, -1.5]) | st.text(max_size=5)
CONTENTS = st.fixed_dictionaries(
    {
        "variants": st.dictionaries(
            st.sampled_from(["a", "b", "c"]),
            PARTS.map(lambda parts: {k: v for k, v in parts.items() if v}),
            min_size=1,
        ),
        "fallbacks": st.dictionaries(st.sampled_from(["x", "y"]), VALUES),
    }
)


def kept(content: dict) -> str:
    """What is said, with the types that tell 1 from 1.0 and from true."""
    return repr([sorted((k, sorted(v.items())) for k, v in content["variants"].items())]) + repr(
        sorted(content["fallbacks"].items())
    )


@settings(deadline=None)
@given(CONTENTS, CONTENTS)
def test_two_messages_have_one_digest_exactly_if_they_say_the_same(one: dict, other: dict):
    same = kept(one) == kept(other)
    assert (Message(name="m", **one).digest == Message(name="m", **other).digest) == same


@settings(deadline=None)
@given(CONTENTS, st.data())
def test_any_character_of_what_is_said_changes_the_digest(content: dict, data: st.DataObject):
    before = Message(name="m", **content).digest
    parts = content["variants"][data.draw(st.sampled_from(sorted(content["variants"])))]
    part = data.draw(st.sampled_from(sorted(parts)))
    at = data.draw(st.integers(0, len(parts[part])))
    parts[part] = parts[part][:at] + data.draw(st.characters(codec="utf-8")) + parts[part][at:]
    assert Message(name="m", **content).digest != before


@pytest.mark.parametrize("pair", [(1, 1.0), (1, True), (1, "1"), (0, False)])
def test_a_fallback_of_another_type_is_another_message(pair: tuple):
    one, other = (Message(name="m", variants={"a": Variant(text="a")}, fallbacks={"x": x}) for x in pair)
    assert one.digest != other.digest


def test_neither_review_nor_order_changes_the_digest(tmp_path: Path):
    bus = "[variants.b]\ntext = 'Bus'\n"
    assert (
        written(tmp_path, COME + bus).digest
        == written(tmp_path, bus + COME).digest
        == written(tmp_path, COME + bus + CLEAN).digest
    )


def test_the_fields_are_the_traits_of_all_parts():
    variant = Variant(
        subject="{{ first_name }}",
        text="{% if age >= 65 and not 'town' in ['x', region] %}a{% elif vip %}b{% endif %}{# gone #} name",
        html="<a title=\"{{ street|title ~ 'x' }}\">{{ first_name[:1] }}",
    )
    assert fields(variant) == {"first_name", "age", "region", "vip", "street"}


def test_the_traits_of_a_message_come_with_their_categories():
    catalogue = {
        "age": Trait(type=Type.INTEGER, category=Category.AGE, label="Age"),
        "visits": Trait(type=Type.INTEGER, category=Category.BEHAVIOR, label="Visits"),
    }
    used = used_traits(Variant(text="{{ visits }}{{ age }}{{ visits }}"), catalogue)
    assert used == (("age", Category.AGE), ("visits", Category.BEHAVIOR))
    assert used_traits(Variant(text="visits"), catalogue) == ()
    with pytest.raises(CampaignError, match=r"unknown trait 'visit'\. Did you mean 'visits'\?"):
        used_traits(Variant(text="{{ visit }}"), catalogue)
