"""One person is told why: what moved the score, what part chance had, and what would alter the decision."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.allocation import Options, Plan, plan, plan_from
from suasion.errors import CampaignError, InputError
from suasion.expressions import Type
from suasion.ledger import Campaign
from suasion.profiles import Trait
from suasion.rules import Category
from suasion.scores import Model
from suasion.scores.learned import save
from suasion.stats import Estimate
from suasion.town import Effects, Town, create
from suasion.workspace import Workspace
from suasion.workspace.decided import decided
from suasion.workspace.drawn import Drawn
from suasion.workspace.wording import CHANGEABLE, naming

TOWN = run_path(str(Path(__file__).with_name("livetown.py")))
NAME, SECRET = TOWN["NAME"], TOWN["SECRET"]
edit, opened, rows = TOWN["edit"], TOWN["opened"], TOWN["rows"]
PEOPLE, SEED = 2000, 3
LIFT = 0.6
FAR = "950.0"
COSTS = np.array([0.05, 0.2])


def reads(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def writes(path: Path, table: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def made(folder: Path, lift: float) -> Workspace:
    """A town where a reminder helps those alone who came before, by `lift`, and an invitation nobody."""
    create(folder, Town(PEOPLE, SEED, Effects.NONE))
    residents, pilot = reads(folder / "sources" / "residents.csv"), reads(folder / "sources" / "pilot.csv")
    for one in residents[::20]:
        one["visits"] = ""
    remote_from(residents, {one["member"] for one in pilot})["distance"] = FAR
    writes(folder / "sources" / "residents.csv", residents)
    came_before = {one["member"] for one in residents if int(one["visits"] or 0) > 0}
    luck = np.random.default_rng(1)
    for one in pilot:
        helped = one["arm"] == "reminder" and one["member"] in came_before
        one["came"] = str(int(luck.random() < 0.1 + lift * helped))
    writes(folder / "sources" / "pilot.csv", pilot)
    edit(folder / "campaigns" / f"{NAME}.toml", r"budget = .*", "budget = 20.00")
    workspace = opened(folder)
    workspace.ingest()
    workspace.score()
    return workspace


def remote_from(residents: list[dict[str, str]], pilot: set[str]) -> dict[str, str]:
    """A grown-up who said yes and was not in the experiment."""
    free = (one for one in residents if one["member"] not in pilot and one["email_ok"] == "yes")
    return next(one for one in free if int(one["age"] or 0) > 30)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("scored") / "town", LIFT).folder


@pytest.fixture(scope="module")
def town(scored: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The same with a plan; nobody may change it."""
    workspace = opened(Path(shutil.copytree(scored, tmp_path_factory.mktemp("planned") / "town")))
    workspace.plan()
    return workspace


def plan_of(town: Workspace) -> tuple[Plan, dict[str, int]]:
    """The plan, and the row in it of each member."""
    made, _ = plan_from(town.tables().read(f"plans.{NAME}", "plan"))
    places = {person: row for row, person in enumerate(made.options.persons.tolist())}
    identities = town.tables().read("identities", "ingest").to_pylist()
    members = {one["value"]: one["person"] for one in identities if one["kind"] == "member"}
    return made, {name: places[who] for name, who in sorted(members.items()) if who in places}


def asked(town: Workspace) -> set[str]:
    return {one["member"] for one in reads(town.folder / "sources" / "pilot.csv")}


def outsiders(town: Workspace) -> list[str]:
    """Members of the plan who were not in the experiment, and are not unlike it."""
    made, places = plan_of(town)
    known, others = ~np.isnan(made.options.effects).any(axis=1), asked(town)
    return [member for member, row in places.items() if known[row] and member not in others]


def told(why: object) -> str:
    return "\n".join(why.sentences)


def test_what_was_decided_and_drawn_is_what_plan_and_ledger_hold(town: Workspace):
    made, places = plan_of(town)
    drawn = {who: (*had,) for who, *had in rows(town, "SELECT person, treatment, probability FROM draws")}
    by_chance, by_rule = list[tuple[str, str]](), list[tuple[str, str]]()
    for member, row in places.items():
        gains = made.options.effects[row] - made.shadow_price * COSTS
        best = ("reminder", "invitation")[np.argmax(gains)] if (gains > 0).any() else "none"
        as_said = drawn[int(made.options.persons[row])][0] == best
        (by_rule if as_said else by_chance).append((member, best))
    assert len(by_chance) >= 8
    for one in (*by_rule[:8], *by_chance[:8]):
        why = town.explain(f"member={one[0]}")
        assert (why.drawn, why.probability) == drawn[int(made.options.persons[places[one[0]]])]
        assert why.chosen == one[1]
        assert ("Chance had a part" in told(why)) == (one in by_chance and not why.by_lot)


def test_the_trait_that_truly_decides_is_told_first_and_shares_add_up(town: Workspace):
    for member in outsiders(town)[:8]:
        why = town.explain(f"member={member}")
        assert why.treatment == "reminder"
        assert "visits" in why.reasons[0].label
        assert why.average + sum(one.share for one in why.reasons) == pytest.approx(why.effect, abs=1e-6)
        assert why.interval.low < why.effect < why.interval.high
        assert "forest" in why.interval.method
        assert "without your own answer" not in told(why)


def test_the_change_that_is_told_alters_the_decision_where_it_is_made(town: Workspace, tmp_path: Path):
    chosen = ((member, town.explain(f"member={member}")) for member in outsiders(town))
    member, why = next(
        (m, w) for m, w in chosen if w.change and w.chosen == "none" and w.reasons[0].value == 0
    )
    assert 'Had your "Past visits to the health office" been' in told(why)
    assert [why.reasons[0].column] == list(why.change.columns)
    changed = opened(Path(shutil.copytree(town.folder, tmp_path / "town")))
    residents = reads(changed.folder / "sources" / "residents.csv")
    for one in residents:
        if one["member"] == member:
            one["visits"] = str(int(why.change.after[0]))
    writes(changed.folder / "sources" / "residents.csv", residents)
    changed.ingest()
    changed.score()
    made, places = plan_of(town)
    forecast = changed.tables().read(f"forecasts.{NAME}", "score")
    row = forecast["person"].to_pylist().index(made.options.persons[places[member]])
    after = np.array([forecast["effect:0"][row].as_py(), forecast["effect:1"][row].as_py()])
    before = made.options.effects[places[member]]
    assert (before - made.shadow_price * COSTS).max() < 0 < (after - made.shadow_price * COSTS).max()


def test_age_is_told_and_never_proposed(town: Workspace):
    for member in outsiders(town)[:10]:
        why = town.explain(f"member={member}")
        ages = [one for one in why.reasons if one.label == "age"]
        assert ages[0].fixed
        assert why.change is None or ages[0].column not in why.change.columns
        assert why.by_lot or "No change was looked for in what cannot change: your age." in why.sentences


def test_what_is_unknown_is_told_as_unknown_and_is_null_in_json(town: Workspace, suasion_cli, monkeypatch):
    monkeypatch.setenv("SUASION_KEY", SECRET["SUASION_KEY"])
    unknown = {one["member"] for one in reads(town.folder / "sources" / "residents.csv") if not one["visits"]}
    member = next(one for one in outsiders(town) if one in unknown)
    ended = suasion_cli("explain", f"member={member}", "-w", town.folder, "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    (visits,) = [one for one in found["reasons"] if "visits" in one["label"]]
    assert visits["value"] is None
    assert visits["told"] == 'We do not know your "Past visits to the health office"'


def test_the_command_prints_the_sentences_of_the_library(town: Workspace, suasion_cli):
    member = outsiders(town)[3]
    ended = suasion_cli("explain", f"member={member}", NAME, "-w", town.folder)
    assert ended.code == 0, ended.err
    assert "".join(ended.out.split()) == "".join("".join(town.explain(f"member={member}").sentences).split())


def test_the_same_question_gets_the_same_answer(town: Workspace):
    member = outsiders(town)[5]
    assert town.explain(f"member={member}") == town.explain(f"member={member}")


def test_who_was_in_the_experiment_hears_that_the_own_answer_was_left_out(town: Workspace):
    member = next(one for one in plan_of(town)[1] if one in asked(town))
    assert sum("without your own answer" in one for one in town.explain(f"member={member}").sentences) == 1


def test_of_somebody_unlike_the_experiment_we_could_not_tell(town: Workspace):
    residents = reads(town.folder / "sources" / "residents.csv")
    (remote,) = [one["member"] for one in residents if one["distance"] == FAR]
    why = town.explain(f"member={remote}")
    assert why.sentences[0].startswith("We could not tell")
    assert (why.treatment, why.effect, why.reasons, why.change) == (None, None, (), None)
    assert why.chosen == why.drawn == "none"
    assert why.sentences[1:] == ("Nothing else could be drawn for you.",)


def test_of_a_child_no_score_was_made(town: Workspace):
    residents = reads(town.folder / "sources" / "residents.csv")
    young = next(one["member"] for one in residents if 0 < int(one["age"] or 0) < 16)
    (said,) = town.explain(f"member={young}").sentences
    assert said.startswith("No score was made of you")


def test_before_a_plan_the_score_is_explained_and_no_decision(scored: Path, town: Workspace):
    why = opened(scored).explain(f"member={outsiders(town)[0]}")
    assert why.sentences[0] == "Nothing was decided yet: there is no plan."
    assert (why.chosen, why.drawn, why.change) == (None, None, None)
    assert "visits" in why.reasons[0].label


def test_who_was_learned_from_and_not_planned_for_is_told_so(town: Workspace):
    forecast = town.tables().read(f"forecasts.{NAME}", "score")["person"].to_pylist()
    made, _ = plan_of(town)
    left = sorted(set(forecast) - set(made.options.persons.tolist()))
    identities = town.tables().read("identities", "ingest").to_pylist()
    (member,) = {one["value"] for one in identities if (one["kind"], one["person"]) == ("member", left[0])}
    why = town.explain(f"member={member}")
    assert why.sentences[0].startswith("You are not among the people")
    assert (why.chosen, why.change) == (None, None)
    assert why.reasons


def test_an_erased_person_gets_the_same_answer_as_in_a_preview(town: Workspace, tmp_path: Path):
    workspace = opened(Path(shutil.copytree(town.folder, tmp_path / "town")))
    gone, other = outsiders(town)[:2]
    workspace.erase_person(f"member={gone}")
    answers = []
    for ask in (workspace.preview, workspace.explain):
        with pytest.raises(InputError) as refused:
            ask(f"member={gone}")
        answers.append(str(refused.value))
    assert answers[0] == answers[1]
    assert gone not in answers[1]
    assert workspace.explain(f"member={other}").sentences


def test_where_nobody_can_be_ranked_everybody_was_treated_alike(tmp_path: Path):
    workspace = made(tmp_path / "town", 0.0)
    workspace.plan()
    why = workspace.explain(f"member={outsiders(workspace)[0]}")
    assert any(one.startswith("Everybody was treated alike") for one in why.sentences)
    assert (why.reasons, why.change, why.interval) == ((), None, None)


def test_what_is_no_model_is_not_read_as_one():
    with pytest.raises(CampaignError, match="Estimate, which is none"):
        Model.load(save(Estimate(1.0, 0.0, 2.0, 3, "none")))


CAMPAIGN = {
    "name": "c",
    "sponsor": "s",
    "purpose": "commercial",
    "source": "s",
    "segment": "all",
    "control": "none",
    "outcome": "came",
    "features": ("x",),
    "budget": 1.0,
    "treatments": {"a": {}, "b": {}},
}


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 2**32),
    st.integers(1, 60),
    st.integers(1, 3),
    st.floats(0, 1),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.sampled_from([0.0, 0.02, 0.3]),
)
def test_the_rule_that_is_told_is_how_the_plan_was_made(
    seed: int, n: int, k: int, wealth: float, holdout: float, exploration: float
):
    """Of people of all different effects the money ends at one at most; all others are as the rule says."""
    luck = np.random.default_rng(seed)
    effects, costs = luck.normal(0.1, 0.3, (n, k)), luck.uniform(0.1, 2, (n, k))
    names = ("a", "b", "c")[:k]
    options = Options(np.arange(n) * 3, "none", names, effects, costs, luck.random(k) < 0.8)
    drawn = plan(options, wealth * costs.sum(), holdout, exploration)
    campaign = Campaign.model_validate({**CAMPAIGN, "holdout": holdout, "exploration": exploration})
    lots = 0
    for row in range(n):
        found = decided(Drawn(drawn, "d", np.zeros(n, np.int64)), row * 3, campaign)
        chances = drawn.probabilities[row]
        lots += found.by_lot
        if not found.by_lot and found.chosen:
            assert chances[found.chosen] >= 1 - holdout - exploration - 1e-6
            assert found.effects[found.chosen - 1] > drawn.shadow_price * found.costs[found.chosen - 1]
        if not found.by_lot and not found.chosen:
            assert chances[0] >= 1 - exploration - 1e-6
    assert lots <= 1 or drawn.notes
    assert decided(Drawn(drawn, "d", np.zeros(n, np.int64)), 1, campaign) is None


def test_equal_people_are_left_to_the_draw():
    ones = np.ones((4, 1))
    drawn = plan(Options(np.arange(4), "none", ("a",), ones, ones, np.array([True])), 2, 0.0, 0.0)
    campaign = Campaign.model_validate({**CAMPAIGN, "holdout": 0.0, "exploration": 0.0})
    found = decided(Drawn(drawn, "d", np.array([1, 0, 1, 0])), 0, campaign)
    assert found.by_lot
    assert found.sentences == (
        "A draw decided: not everybody for whom as much is expected could be chosen.",
        "The draw gave you 'a', with a chance of 50 %.",
    )
    rich = plan(drawn.options, 4, 0.3, 0.0)
    aside = decided(Drawn(rich, "d", np.zeros(4, np.int64)), 0, replaced(campaign, 0.3))
    assert not aside.by_lot
    assert "kept aside" in aside.sentences[-1]


def replaced(campaign: Campaign, holdout: float) -> Campaign:
    return campaign.model_copy(update={"holdout": holdout})


@given(st.sampled_from(Category), st.sampled_from(["observed", "inferred"]))
def test_what_a_person_has_or_is_protected_in_is_never_proposed(category: Category, provenance: str):
    trait = Trait(type=Type.NUMBER, category=category, label="It", provenance=provenance)
    harmless = {"behavior", "education", "income", "interest", "occupation", "place"}
    assert naming(trait, None).fixed == (provenance == "inferred" or str(category) not in harmless)
    assert {str(one) for one in CHANGEABLE} == harmless


@pytest.mark.parametrize(
    ("computed", "fixed"),
    [
        ({"of": "first", "property": "item"}, True),
        ({"of": "first", "property": "item", "days": 30}, True),
        ({"of": "count"}, True),
        ({"of": "sum", "property": "total"}, True),
        ({"of": "count", "days": 30}, False),
        ({"of": "sum", "property": "total", "days": 30}, False),
        ({"of": "last", "property": "item"}, False),
        ({"of": "days_since"}, False),
    ],
)
def test_what_events_have_settled_for_good_is_not_proposed_to_change(computed: dict[str, Any], fixed: bool):
    kind = Type.NUMBER if "property" in computed else Type.INTEGER
    how = {"type": kind, "category": "behavior", "label": "It", "computed": {"event": "Ordered", **computed}}
    assert naming(Trait.model_validate(how), None).fixed is fixed


@given(st.text(min_size=1), st.sampled_from(Type), st.sampled_from([0.0, 1.0, 12.5, float("nan")]))
def test_any_label_can_be_told(label: str, kind: Type, value: float):
    trait = Trait(type=kind, category=Category.PLACE, label=label)
    levels = ("{0}", "b") if kind is Type.TEXT else None
    assert label.rpartition(", ")[0] in naming(trait, levels).told(value)


def test_units_days_and_answers_are_spelled():
    def said(kind: Type, label: str, value: float, levels: tuple[str, ...] | None = None) -> str:
        return naming(Trait(type=kind, category=Category.BEHAVIOR, label=label), levels).told(value)

    assert said(Type.NUMBER, "Spent in a year, USD", 1234) == '"Spent in a year" is 1,234 USD for you'
    assert said(Type.NUMBER, "Spent, all in all", 3) == '"Spent, all in all" is 3 for you'
    assert said(Type.BOOLEAN, "Bought, online", 1) == '"Bought, online" is yes for you'
    assert said(Type.DATE, "Last visit", 19846) == '"Last visit" is 3 May 2024 for you'
    assert said(Type.TEXT, "Kind of {area}", 1, ("Urban", "Rural")) == '"Kind of {area}" is Rural for you'
