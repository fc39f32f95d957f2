"""What a sponsor declares as limits holds in the plan that is drawn, from the file to the ledger."""

from __future__ import annotations

import shutil
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from suasion.errors import CampaignError, SuasionError, TraitRefusedError
from suasion.workspace import Workspace
from suasion.workspace.brief import brief
from suasion.workspace.drawn import drawn_plan
from suasion.workspace.homes import households_of

TOWN = run_path(str(Path(__file__).with_name("livetown.py")))
NAME, NOW = TOWN["NAME"], TOWN["NOW"]
edit, opened, rows = TOWN["edit"], TOWN["opened"], TOWN["rows"]
MAIL = '[treatments.reminder]\nchannel = "mail"\nday = 2026-12-01'
PLACE = '[treatments.invitation]\nchannel = "place"\nday = 2026-12-02'


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = TOWN["declared"](tmp_path_factory.mktemp("limits") / "town")
    path = folder / "campaigns" / f"{NAME}.toml"
    edit(path, r"\[treatments\.reminder\]", MAIL)
    edit(path, r"\[treatments\.invitation\]", PLACE)
    workspace = opened(folder)
    workspace.ingest()
    workspace.score()
    return folder


@pytest.fixture
def town(scored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scored, tmp_path / "town"))


def limited(town: Path, limits: str, **terms: str) -> Workspace:
    """The town with limits and other terms declared, scored as before."""
    path = town / "campaigns" / f"{NAME}.toml"
    for key, value in terms.items():
        there = f"\n{key} = " in path.read_text("utf-8")
        edit(
            path,
            rf"(?m)^{key} = .*" if there else r"(?m)^(?=budget)",
            f"{key} = {value}" + "\n" * (not there),
        )
    path.write_text(f"{path.read_text('utf-8')}\n{limits}\n", "utf-8")
    workspace = opened(town)
    workspace.score()
    return workspace


def drawn(workspace: Workspace):
    prepared = brief(workspace.folder, workspace.settings, NAME, NOW)
    return prepared, drawn_plan(workspace.tables(), workspace.ledger, prepared)


def test_money_and_places_by_channel_and_day_hold_in_what_is_drawn(town: Path):
    limits = '[limits.money]\nmail = 2.0\n"2026-12-02" = 4.0\n[limits.capacity.place]\nmost = 7'
    workspace = limited(town, limits)
    made = workspace.plan()
    assert made.drawn["reminder"] * 0.05 <= 2.0
    assert made.drawn["invitation"] * 0.2 <= 4.0
    assert made.drawn["invitation"] <= 7
    assert made.drawn["reminder"] > 0
    assert 0 <= made.gap < 1
    assert any("'came'" in price or "nothing" in price for price in made.prices)


def test_one_of_a_household_is_written_to(town: Path):
    workspace = limited(town, "[limits]\none_per_household = true", budget="1000.0")
    workspace.plan()
    prepared, found = drawn(workspace)
    homes = households_of(workspace.tables(), prepared, found.plan.options.persons)
    assert homes is not None
    assert len(np.unique(homes)) < len(homes)
    assert np.bincount(np.unique(homes, return_inverse=True)[1], found.chosen > 0).max() == 1


def test_districts_are_reached_alike_where_parity_is_asked_for(town: Path):
    workspace = limited(town, '[limits.parity]\nof = "district"\nleast_ratio = 0.3')
    made = workspace.plan()
    said = next(note for note in made.notes if note.startswith("Of the groups of district"))
    assert "Westfield" in said
    _, found = drawn(workspace)
    assert any(limit.name == "district" for limit in found.plan.limits)


def test_the_same_groups_may_only_be_measured(town: Path):
    workspace = limited(town, '[limits.parity]\nof = "district"\nmode = "measure"\nleast_ratio = 0.9')
    made = workspace.plan()
    assert any(note.startswith("Of the groups of district") for note in made.notes)
    _, found = drawn(workspace)
    assert [limit.name for limit in found.plan.limits] == ["budget"]


def test_a_blind_plan_reaches_them_alike_without_looking(town: Path):
    workspace = limited(town, '[limits.parity]\nof = "district"\nmode = "blind"\nleast_ratio = 0.5')
    made = workspace.plan()
    assert any("do not look at 'district'" in note for note in made.notes)
    assert made.cost <= 12
    _, found = drawn(workspace)
    assert [limit.name for limit in found.plan.limits] == ["budget"]


def test_groups_of_a_trait_that_rules_bar_steer_nothing(town: Path):
    edit(
        town / "traits" / "people.toml",
        r'category = "place"\nlabel = "District"',
        'category = "origin"\nlabel = "D"',
    )
    path = town / "campaigns" / f"{NAME}.toml"
    edit(path, r'"district", ', "")
    edit(town / "messages" / "checkup.toml", r"(?m)^district = .*\n", "")
    for _ in range(3):
        text = (town / "messages" / "checkup.toml").read_text("utf-8")
        (town / "messages" / "checkup.toml").write_text(
            text.replace("{{ district }}", "your district"), "utf-8"
        )
    workspace = opened(town)
    workspace.ingest()
    with pytest.raises(TraitRefusedError, match="parity use of 'district'"):
        limited(town, '[limits.parity]\nof = "district"\nleast_ratio = 0.9').plan()


def test_worth_keeps_money_in_the_purse_where_one_more_visit_costs_more(town: Path):
    rich = limited(town, "", budget="1000.0", worth="0.01").plan()
    assert rich.cost < 1


def test_a_cautious_plan_believes_the_lower_end_of_each_effect(town: Path):
    cautious = limited(town, "", budget="1000.0", cautious="true")
    cautious.plan()
    options = drawn(cautious)[1].plan.options
    assert options.values is not None
    assert (options.values < options.effects).all()
    assert not options.open[options.values < 0].any()


@pytest.mark.parametrize(
    ("limits", "terms", "found"),
    [
        ("[limits.money]\npost = 2.0", {}, "no channel or day of its treatments"),
        ("[limits.parity]\nof = 'district'", {}, "least_ratio and most_gap"),
        ("[limits.parity]\nof = 'shoe_size'\nleast_ratio = 0.5", {}, "unknown trait 'shoe_size'"),
        ("[limits.parity]\nof = 'distance'\nleast_ratio = 0.5", {}, "values"),
        ("", {"neutral": '"nothing"'}, "unknown neutral treatment"),
        ("[limits.capacity.place]\nleast = 4000", {}, "people by place"),
        ("[limits.money]\nmail = -1.0", {}, "limits.money"),
    ],
)
def test_what_cannot_be_is_said_by_name(town: Path, limits: str, terms: dict[str, str], found: str):
    with pytest.raises(SuasionError, match=found):
        limited(town, limits, **terms).plan()


def test_fewer_who_vote_are_worth_nothing_to_a_civic_campaign(town: Path):
    path = town / "campaigns" / f"{NAME}.toml"
    edit(path, 'purpose = "public_health"', 'purpose = "civic"')
    with pytest.raises(CampaignError, match="negative worth"):
        limited(town, "", worth="-5.0")


def test_a_household_cap_counts_what_others_at_home_got(town: Path):
    edit(town / "suasion.toml", "timezone", "household_cap = { sends = 1, days = 30 }\ntimezone")
    first = limited(town, "", budget="1000.0")
    first.plan()
    first.approve("Ada", "read it aloud")
    first.send()
    sent = {person for (person,) in rows(first, "SELECT person FROM sends WHERE at IS NOT NULL")}
    assert sent
    path = town / "campaigns" / f"{NAME}.toml"
    (town / "campaigns" / "again.toml").write_text(path.read_text("utf-8"), "utf-8")
    first.score("again")
    made = first.plan("again")
    assert any("household" in note for note in made.notes)
    prepared = brief(town, first.settings, "again", NOW)
    found = drawn_plan(first.tables(), first.ledger, prepared)
    homes = households_of(first.tables(), prepared, found.plan.options.persons)
    everybody = np.sort(first.tables().read("traits", "ingest")["person"].to_numpy())
    all_homes = households_of(first.tables(), prepared, everybody)
    assert homes is not None
    assert all_homes is not None
    had = set(all_homes[np.isin(everybody, list(sent))].tolist())
    assert not had & set(homes[found.chosen > 0].tolist())


def test_who_is_held_out_of_all_campaigns_gets_nothing_by_any(town: Path):
    edit(town / "suasion.toml", "timezone", "held_out = 0.3\ntimezone")
    workspace = limited(town, "", budget="1000.0")
    path = town / "campaigns" / f"{NAME}.toml"
    (town / "campaigns" / "again.toml").write_text(path.read_text("utf-8"), "utf-8")
    workspace.score("again")
    aside = list[set[int]]()
    for name in (NAME, "again"):
        made = workspace.plan(name)
        assert any("held out of all campaigns" in note for note in made.notes)
        prepared = brief(town, workspace.settings, name, NOW)
        found = drawn_plan(workspace.tables(), workspace.ledger, prepared).plan
        aside.append(set(found.options.persons[found.probabilities[:, 0] == 1].tolist()))
    assert aside[0] == aside[1]
    assert 0.15 * made.people < len(aside[0]) < 0.45 * made.people


def test_plurality_refuses_messages_that_review_did_not_tag(town: Path):
    edit(town / "suasion.toml", "timezone", "plurality = { days = 30, least_share = 0.2 }\ntimezone")
    made = opened(town).plan()
    assert sum(n for name, n in made.drawn.items() if name != "none") == 0
    assert any("review says nothing of its stance" in note for note in made.notes)


def test_budgets_are_advised_and_nothing_is_spent(town: Path):
    workspace = limited(town, "", worth="3.0")
    advice = workspace.budget()
    assert advice.points[0].budget < advice.points[-1].budget
    assert "came" in advice.sentences[0]
    assert "plans." not in "".join(workspace.tables().versions)
