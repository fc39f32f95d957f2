"""What a placement may declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from suasion.allocation.placement import Placement, placement_from
from suasion.errors import CampaignError

SAID = """
label = "Home"
purpose = "commercial"
sponsor = "Shop"
generic = "plain"
features = ["age"]
outcome = "Bought"
holdout = 0.1
exploration = 0.05
policy = { kind = "fixed", shares = { bus = 0.6, walk = 0.4 } }
[variants.bus]
value = { title = "Bus", more = ["a", { b = "c" }, 3] }
[variants.plain]
value = "Hello"
[variants.walk]
value = 3
"""


def _read(tmp_path: Path, said: str) -> Placement:
    path = tmp_path / "placements" / "home.toml"
    path.parent.mkdir()
    path.write_text(said, "utf-8")
    return placement_from(path)


def test_the_generic_variant_is_first_and_no_treatment(tmp_path: Path):
    made = _read(tmp_path, SAID)
    assert made.arms == ("plain", "bus", "walk")
    assert made.treatments == ("bus", "walk")
    assert made.record == "placement:home"
    assert made.variants["bus"].words == "Bus\na\nc"
    assert made.variants["walk"].words == "3"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('generic = "plain"', 'generic = "plane"', "Did you mean 'plain'"),
        ("holdout = 0.1", "holdout = 0.01", "holdout"),
        ("exploration = 0.05", "exploration = 0.5", "sum to more than 1"),
        ("exploration = 0.05", "exploration = 0", "exploration"),
        ("walk = 0.4", "walk = 0.3", "sum to 1"),
        ("walk = 0.4", "plain = 0.4", "but the generic one"),
        ("walk = 0.4", "tram = 0.4", "no variant 'tram'"),
        ("bus = 0.6, walk = 0.4", "bus = 0.99, walk = 0.01", "below the exploration"),
        ('"fixed"', '"thompson"', "are for the kind 'fixed'"),
        ('"fixed"', '"greedy"', "policy.kind"),
        ("[variants.bus]", 'challenger = { kind = "thompson", margin = 0.06 }\n[variants.bus]', "margin"),
        ('["age"]', '["age", "age"]', "twice"),
        ('{ kind = "fixed", ', '{ kind = "fixed", scales = { size = [0, 1] }, ', "no feature 'size'"),
        ('{ kind = "fixed", ', '{ kind = "fixed", scales = { age = [0, 0] }, ', "scales"),
        ('purpose = "commercial"', 'purpose = "espionage"', "purpose"),
        ("[variants.walk]", "[variants.Walk]", "variants"),
        ("value = 3", "", "value"),
        ("value = 3", "value = 3\nvalu = 4", "Did you mean 'value'"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, old: str, new: str, said: str):
    assert old in SAID
    with pytest.raises(CampaignError, match=said):
        _read(tmp_path, SAID.replace(old, new, 1))


def test_every_edit_is_another_placement(tmp_path: Path):
    one = _read(tmp_path / "a", SAID) if (tmp_path / "a").mkdir() is None else None
    other = (
        _read(tmp_path / "b", SAID.replace("Hello", "Hallo")) if (tmp_path / "b").mkdir() is None else None
    )
    assert one is not None
    assert other is not None
    assert one.digest != other.digest


TERMS = """
[policy]
kind = "thompson"
keep = 0.98
[budget]
amount = 100
begins = 2026-11-01
ends = 2026-11-30
[goals]
Subscribed = 0.3
Returned = -1
[guardrails."Unsubscribed"]
limit = 0.01
"""
FACTORED = """
label = "Home"
purpose = "commercial"
sponsor = "Shop"
generic = "plain"
outcome = "Bought"
[variants.plain]
value = "Hello"
[factors.headline.a]
value = { title = "A" }
[factors.headline.b]
value = { title = "B" }
cost = 0.5
[factors.image.x]
value = { url = "/x" }
cost = 0.25
[factors.image.y]
value = { url = "/y" }
"""
COSTLY = "\n".join(line for line in SAID.splitlines() if "policy" not in line) + "\ncost = 0.05\n" + TERMS


def test_money_goals_and_harms_are_read(tmp_path: Path):
    made = _read(tmp_path, COSTLY)
    assert made.budget is not None
    assert (made.budget.until - made.budget.since) == 30 * 86_400
    assert made.weights == {"Bought": 1.0, "Subscribed": 0.3, "Returned": -1.0}
    assert made.events == {"Bought", "Subscribed", "Returned", "Unsubscribed"}
    assert (made.variants["walk"].cost, made.policy.keep) == (0.05, 0.98)
    assert made.guardrails["Unsubscribed"].confidence == 0.99


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cost = 0.05", "", "no variant has a cost"),
        ("cost = 0.05", "cost = -1", "cost"),
        ("ends = 2026-11-30", "ends = 2026-10-30", "ends before it begins"),
        ("amount = 100", "amount = 0", "amount"),
        ("Subscribed = 0.3", "Subscribed = 0", "a weight that is 0"),
        ("Subscribed = 0.3", "Subscribed = 1e300", "a weight that is 0, or beyond"),
        ("Subscribed = 0.3", "Bought = 0.3", "the outcome is one already"),
        ("limit = 0.01", "limit = 1", "limit"),
        ("keep = 0.98", "keep = 0", "keep"),
        ('value = "Hello"', 'value = "Hello"\ncost = 1', "the generic variant costs nothing"),
        ("[variants.walk]", '[variants."walk+on"]', "a combination of factors"),
    ],
)
def test_terms_that_do_not_fit_are_refused(tmp_path: Path, old: str, new: str, said: str):
    assert old in COSTLY
    with pytest.raises(CampaignError, match=said):
        _read(tmp_path, COSTLY.replace(old, new, 1))


def test_factors_become_all_combinations(tmp_path: Path):
    made = _read(tmp_path, FACTORED)
    assert made.treatments == ("a+x", "a+y", "b+x", "b+y")
    assert made.variants["b+x"].value == {"title": "B", "url": "/x"}
    assert [made.variants[name].cost for name in made.treatments] == [0.25, 0, 0.75, 0.5]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('{ url = "/x" }', '{ title = "X" }', "sets 'title', which another factor sets, too"),
        ("[factors.image.y]", "[factors.other.y]", "factors"),
        ('{ url = "/x" }', '"/x"', "factors"),
        (
            "[variants.plain]",
            "[variants.more]\nvalue = 1\n[variants.plain]",
            "no variant but the generic one",
        ),
        ("[factors.headline.a]", "[factors.headline.A]", "factors"),
    ],
)
def test_factors_that_do_not_fit_are_refused(tmp_path: Path, old: str, new: str, said: str):
    assert old in FACTORED
    with pytest.raises(CampaignError, match=said):
        _read(tmp_path, FACTORED.replace(old, new, 1))


def test_too_many_combinations_are_refused(tmp_path: Path):
    more = "".join(f"[factors.f{n}.l{m}]\nvalue = {{ k{n} = {m} }}\n" for n in range(5) for m in range(3))
    with pytest.raises(CampaignError, match="972 combinations; 99 at most"):
        _read(tmp_path, FACTORED + more)
