"""From a file to a report: what is judged, on what permission, and what can be read back."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import suasion
from suasion.allocation import plan
from suasion.errors import ClearanceError
from suasion.measurement import page, replay
from suasion.measurement.figures import is_share

FILES = {
    "suasion.toml": """
name = "A shop"
territory = "US"
currency = "USD"
purpose = "commercial"
""",
    "sources/trial.toml": """
file = "trial.csv"
licence = "made up"
purposes = ["commercial"]
basis = "research_replay"
observed_on = 2026-01-31
territory = "US"
identifiers = { customer = "id" }
household = { column = "home" }
traits = { visits = "visits", area = "area", since = "since" }
outcomes = { bought = { column = "bought", category = "behavior" } }
[treatment]
column = "got"
arms = { none = "got = 'no'", letter = "got = 'letter'", call = "got = 'call'" }
probability = "chance"
[[attest]]
fact = "adult"
value = true
who = "a test"
why = "nobody is real"
""",
    "traits/people.toml": """
traits.visits = { type = "integer", category = "behavior", label = "Visits" }
traits.area = { type = "text", category = "place", label = "Area" }
traits.since = { type = "date", category = "behavior", label = "Customer since" }
""",
    "segments/all.toml": 'label = "Everybody"\nwhere = "true"\n',
    "messages/letter.toml": """
variants.a.text = "A letter."
[review]
by = "a test"
on = 2026-01-01
exposes_third_persons = false
discourages_voting = false
""",
    "messages/call.toml": """
variants.a.text = "A call that tells the neighbors."
[review]
by = "a test"
on = 2026-01-01
exposes_third_persons = true
discourages_voting = false
""",
    "campaigns/spring.toml": """
sponsor = "a test"
purpose = "commercial"
source = "trial"
segment = "all"
control = "none"
outcome = "bought"
features = ["visits", "area", "since"]
budget = 40.0
[treatments.letter]
message = "letter"
cost = 0.5
[treatments.call]
message = "call"
cost = 1.0
price = 1.0
price_if = "bought"
""",
}


def people(n=400):
    """Couples and singles who were drawn with unequal chances."""
    luck = np.random.default_rng(12)
    rows = []
    for i in range(n):
        got = luck.choice(3, p=[0.5, 0.3, 0.2])
        visits = int(luck.poisson(3))
        bought = int(luck.random() < 0.1 + 0.2 * got + 0.2 * got * (visits > 3))
        area, since = ("north", "south", "east")[i % 3], f"20{10 + i % 15}-03-01"
        known = (f"c{i}", f"h{i // 2}" if i % 4 < 2 else "", visits, area, since if i % 5 else "")
        rows.append((*known, ("no", "letter", "call")[got], (0.5, 0.3, 0.2)[got], bought))
    return rows


def write(folder, rows):
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with (folder / "sources" / "trial.csv").open("w", newline="") as file:
        header = ("id", "home", "visits", "area", "since", "got", "chance", "bought")
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    write(folder, people())
    return suasion.open(folder)


@pytest.fixture(scope="module")
def report(workspace):
    return workspace.run()


def test_a_report_survives_json(report):
    told = report.as_dict()
    again = json.loads(json.dumps(told, allow_nan=False))
    assert again == json.loads(json.dumps(again))
    assert again["replay"]["policies"][0]["name"] == "plan"
    lot = report.replay.comparisons[0].differences["bought"]
    assert again["replay"]["comparisons"][0]["differences"]["bought"] == lot.as_dict()
    assert again["sentences"] == list(report.sentences)
    assert set(again) == set(vars(report))


def test_the_file_of_the_report_is_the_report(workspace, report):
    stored = json.loads((workspace.folder / "reports" / "spring.json").read_text())
    assert stored == json.loads(json.dumps(report.as_dict()))


def test_intervals_know_the_households(report):
    homes = 400 - 100
    for policy in report.replay.policies:
        assert policy.values["bought"].n == homes
    for arm in report.arms:
        assert "clustered" in arm.means["bought"].method
        assert is_share(report, "bought")
        assert arm.people > arm.means["bought"].n
    assert not any("No household" in caveat for caveat in report.caveats)


def test_the_arms_are_the_rows_of_the_file(report):
    rows = people()
    for arm, got in zip(report.arms, ("no", "letter", "call"), strict=True):
        bought = [row[-1] for row in rows if row[5] == got]
        assert arm.people == len(bought)
        assert arm.means["bought"].value == pytest.approx(np.mean(bought))


def test_a_refused_message_is_in_no_plan_and_its_price_is_told(report):
    assert set(report.refused) == {"call"}
    shares = {policy.name: policy.shares.values for policy in report.replay.policies}
    assert all(shares[name][2] == 0 for name in ("plan", "by lot", "by propensity"))
    assert report.replay.refusal is not None
    assert any("Refusing the messages" in sentence for sentence in report.sentences)


def test_every_way_to_decide_adds_up_and_costs_what_the_plan_costs(report):
    by_name = {policy.name: policy for policy in report.replay.policies}
    assert next(iter(by_name)) == "plan"
    for policy in by_name.values():
        assert sum(policy.shares.values) == pytest.approx(1)
    for name in ("by lot", "by propensity"):
        assert by_name[name].cost.value == pytest.approx(by_name["plan"].cost.value, rel=1e-6)
    assert by_name["plan"].cost.value * 400 == pytest.approx(report.cost)
    assert report.cost <= report.budget
    assert by_name["nobody"].cost.value == 0
    assert by_name["everybody: letter"].cost.value == pytest.approx(0.5)


def test_comparisons_are_differences_of_values(report):
    values = {policy.name: policy.values["bought"].value for policy in report.replay.policies}
    for comparison in report.replay.comparisons:
        difference = values["plan"] - values[comparison.against]
        assert comparison.differences["bought"].value == pytest.approx(difference)


def test_more_money_never_promises_to_spend_less(report):
    budgets = [point.budget for point in report.replay.budgets]
    assert budgets == sorted(budgets)
    assert report.budget in budgets
    assert len(budgets) > 3


def test_every_treatment_is_evaluated_on_the_people_of_the_experiment(report):
    letter, call = report.evaluation.treatments
    assert (letter.treatment, call.treatment) == ("letter", "call")
    for helped in (letter, call):
        assert [told.outcome for told in helped.ranked] == ["bought"]
        average = report.replay.effects[helped.treatment]
        assert helped.ranked[0].average.value == pytest.approx(average.value)
        assert {gain.trait for gain in helped.groups} == {"Visits", "Area", "Customer since"}
        assert sum(gain.people for gain in helped.groups if gain.trait == "Area") == 400
        assert not helped.ranking.ranks
    assert report.sentences[0].startswith("These data do not tell whom a message helps")
    assert "fewer than 100" in report.sentences[0]


def test_scores_do_not_depend_on_the_order_of_the_file(tmp_path):
    """Persons keep their ids when the file comes again; all else follows from the person."""
    write(tmp_path, people(160))
    workspace = suasion.open(tmp_path)
    workspace.ingest()
    workspace.score()
    before = workspace.tables().read("scores.spring", "score")
    order = np.random.default_rng(3).permutation(160)
    write(tmp_path, [people(160)[i] for i in order])
    workspace.ingest()
    workspace.score()
    after = workspace.tables().read("scores.spring", "score")
    assert before.num_rows == 160
    assert after.drop_columns("household").equals(before.drop_columns("household"))


def test_judging_needs_a_clearance_for_exactly_these_people(bench):
    world = bench.simulate(2, 120, lambda x: x[:, 1])
    judged = bench.judge(world.trial, 0.5)
    gate, persons = bench.gate(), judged.scores.persons
    bad = (
        bench.clear(gate, persons[:-1]),
        bench.clear(bench.gate("another"), persons),
        replace(bench.clear(gate, persons[:-1]), persons=persons),
    )
    for clearance in bad:
        with pytest.raises(ClearanceError):
            replay(judged.campaign, judged.design, judged.scores, judged.made, clearance, gate, "traits@1")
    stale = bench.clear(gate, persons)
    with pytest.raises(ClearanceError):
        replay(judged.campaign, judged.design, judged.scores, judged.made, stale, gate, "traits@2")


def test_a_way_that_gives_what_nobody_got_has_no_weighted_value(bench):
    world = bench.simulate(3, 120, lambda x: x[:, 1], arms=3)
    scores = bench.fitted(world.trial)
    never = replace(scores, arms=np.where(scores.arms == 2, 1, scores.arms))
    judged = bench.judge(world.trial, 0.5, never)
    weighted = {policy.name: policy.weighted for policy in judged.replay.policies}
    assert weighted["everybody: mail 2"] is None
    assert weighted["everybody: mail 1"] is not None


def test_a_campaign_without_money_has_no_curve_of_budgets(bench):
    world = bench.simulate(4, 120, lambda x: x[:, 1])
    assert bench.judge(world.trial, 0.0).replay.budgets == ()


def test_the_gain_of_a_budget_is_the_gain_of_a_plan_for_it(bench):
    world = bench.simulate(5, 200, lambda x: x[:, 1])
    judged = bench.judge(world.trial, 0.2)
    for point in judged.replay.budgets:
        made = plan(judged.made.options, point.budget, 0, 0)
        gains = (made.probabilities[:, 1] * (judged.scores.aipw["y"] @ [-1, 1])).mean()
        assert point.plan.value == pytest.approx(gains)


def test_a_finished_experiment_was_never_registered(report):
    found = report.analysis
    assert found is not None
    assert (found.live, found.registered_at, found.course) == (False, "", None)
    assert {row.status for row in found.effects} == {"not registered"}
    assert [row.treatment for row in found.effects] == ["letter", "call"]
    for row, arm in zip(found.effects, report.arms[1:], strict=True):
        known = arm.means["bought"].value - report.arms[0].means["bought"].value
        assert row.effect is not None
        assert row.effect.value == pytest.approx(known)
        assert row.adjusted >= row.p_value
    assert found.ratio is not None
    assert (found.ratio.names, found.ratio.counts) == (
        ("none", "letter", "call"),
        tuple(arm.people for arm in report.arms),
    )
    assert found.ratio.expected == pytest.approx((200, 120, 80))
    assert found.ratio.unit == "people", "one of two who live together was drawn without the other"


def test_the_page_says_what_was_tested(report):
    html = page(report)
    start = html.index('<section id="tested">')
    told = html[start : html.index("</section>", start)]
    assert "nothing here was registered beforehand" in told
    assert told.count("<svg") == 1, "arms; no groups were asked for, and nothing was looked at"
    assert "Guardrails" not in told
    assert html.index('id="helps"') < start < html.index('id="who"')
