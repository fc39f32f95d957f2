"""The page says what the report says, harmlessly, and stands alone."""

import itertools
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.measurement import Delivered, Lift, Replay, Report, page
from suasion.measurement.budgets import BudgetPoint
from suasion.measurement.evaluation import AtShare, Evaluation, Helped, Ranked
from suasion.measurement.groups import Gain
from suasion.measurement.histogram import Cell
from suasion.measurement.rankings import extremes
from suasion.measurement.replay import Comparison, PolicyValue, Shares
from suasion.measurement.report import ArmSummary, Ground, Step
from suasion.measurement.who import TraitShift
from suasion.scores import Findings, Ranking
from suasion.scores.extremes import Extremes
from suasion.scores.pool import Compared
from suasion.stats import Estimate, calibration, proportion

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ report.at }}{% raw %}",
    "a & b]]></style><!--",
    "bell \x07 and nul \x00",
    'fill="#0f766e"',
    "\N{GRINNING FACE}" * 80,
    "W" * 300,
    "line\N{LINE SEPARATOR}separator \\ ' + alert(1) + '",
)
DRAWN = {"g", "path", "line", "text", "rect"}
VOID = {"meta", "br", "img", "link", "input", "hr"}


def estimate(value: float, half: float, method: str = "AIPW") -> Estimate:
    return Estimate(value, value - half, value + half, 30_000, method)


def way(name: str, shares: Shares, cost: float, half: float = 0.004, **values: float) -> PolicyValue:
    first = next(iter(values.values()))
    weighted = None if name == "by propensity" else estimate(first, half * 1.5, "self-normalized weighting")
    made = {outcome: estimate(value, half * (1 + 3 * i)) for i, (outcome, value) in enumerate(values.items())}
    return PolicyValue(name, shares, estimate(cost, 0.02 * cost, "expected cost"), made, weighted)


def shares(names: tuple[str, ...], *values: float) -> Shares:
    return Shares(names, (1 - sum(values), *values))


def ranked(outcome: str, gain: float, *, money: bool = False) -> Ranked:
    """A ranking whose top tenth gains twice the average."""
    steps = [(i + 1) / 10 for i in range(10)]
    return Ranked(
        outcome=outcome,
        money=money,
        average=estimate(gain, gain / 3),
        qini=estimate(gain / 6, gain / 12),
        auuc=estimate(gain * 0.66, gain / 4),
        top=(AtShare(0.1, estimate(2 * gain, gain)), AtShare(0.3, estimate(1.6 * gain, gain / 2))),
        over_propensity=estimate(gain / 10, gain / 8),
        curve=tuple(AtShare(q, estimate(gain * q * (2 - q), gain / 3)) for q in steps),
        by_propensity=tuple(AtShare(q, estimate(gain * q**1.5, gain / 4)) for q in steps),
    )


def helping(treatment: str, gain: float, ranking: Ranking, *others: Ranked) -> Helped:
    """Five tenths of the people, a number and a text."""
    said = [gain * (i - 2) / 2 for i in range(5)]
    return Helped(
        treatment=treatment,
        ranking=ranking,
        ranked=(ranked("vaccinated", gain), *others),
        calibration=tuple(calibration.Bin(s, estimate(0.9 * s, 0.02), 6_122) for s in said),
        effects=(
            Cell(None, -0.01, 812),
            Cell(-0.01, 0.0, 9_031),
            Cell(0.0, 0.01, None),
            Cell(0.01, 0.02, 0),
            Cell(0.02, None, 18_023),
        ),
        groups=(
            Gain("Age, years", "up to 66", 15_311, estimate(0.2 * gain, 0.01)),
            Gain("Age, years", "over 66", 15_301, estimate(1.8 * gain, 0.01)),
            *(Gain("District", f"{i}th", 3_000 + i, estimate(gain, 0.02)) for i in range(12)),
        ),
    )


RANKS = Ranking(
    True, 0.0004, estimate(0.93, 0.31), estimate(0.005, 0.002), "differences came true (p < 0.001)"
)
CHANCE = Ranking(
    False, 0.43, estimate(0.2, 2.1), estimate(0.0, 0.002), "differences may be chance (p = 0.43)"
)
UNTRIED = Ranking(False, 1.0, None, None, "no learner found a difference")


def evaluated(
    treatments: tuple[str, str], rankings: tuple[Ranking, Ranking] = (RANKS, CHANCE), *others: Ranked
) -> Evaluation:
    compared = (
        Compared("forest", estimate(3.1e-5, 1.2e-5), (0.71, 0.0)),
        Compared("a learner of our own", estimate(-2e-6, 9e-6), (0.04, 0.35)),
    )
    found = zip(treatments, (0.03, 0.05), rankings, strict=True)
    return Evaluation(
        tuple(helping(*one, *others) for one in found), Findings(rankings, compared, Extremes(None, 0, None))
    )


def clinic(
    treatments: tuple[str, str] = ("reminder letter", "nurse call"), control: str = "nothing"
) -> Report:
    """One yes-or-no outcome, two treatments."""
    letter, call = treatments
    names = (control, *treatments)
    policies = (
        way("plan", shares(names, 0.52, 0.19), 0.98, vaccinated=0.3871),
        way("by lot", shares(names, 0.66, 0.12), 0.98, vaccinated=0.3705),
        way("by propensity", shares(names, 0.0, 0.28), 0.98, vaccinated=0.3622),
        way("nobody", shares(names, 0, 0), 0.0, vaccinated=0.3384),
        way(f"everybody: {letter}", shares(names, 1, 0), 0.6, vaccinated=0.3689),
        way(f"everybody: {call}", shares(names, 0, 1), 3.5, vaccinated=0.3951),
    )
    plan = policies[0].values["vaccinated"]
    comparisons = tuple(
        Comparison(p.name, {"vaccinated": estimate(plan.value - p.values["vaccinated"].value, half)})
        for p, half in zip(policies[1:], (0.0061, 0.0073, 0.0058, 0.0064, 0.0102), strict=True)
    )
    budgets = tuple(
        BudgetPoint(
            m * 30_000,
            m * 30_000,
            estimate(0.058 * m**0.6 / 1.19, 0.003 + 0.002 * m),
            estimate(0.032 * m, 0.004 * m),
            estimate(0.058 * m**0.6 / 1.19, 0.003 + 0.002 * m),
            None,
        )
        for m in (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
    )
    return Report(
        campaign="winter_vaccination",
        sponsor="Stadtgesundheitsamt Musterstadt",
        purpose="public_health",
        segment="Adults over 60 not yet vaccinated (age >= 60 AND NOT vaccinated_before)",
        outcome="vaccinated",
        currency="EUR",
        category={"vaccinated": "health"},
        at="2026-11-21T21:30:00+00:00",
        sentences=(
            "Choosing people by effect gains more than a lottery with the same money: 16.6 (10.5 to 22.7) "
            "'vaccinated' per 1,000 people.",
            "For 29,400 of 30,000 EUR the plan is expected to add 1,491 (1,317 to 1,665) 'vaccinated' among "
            "30,612 people, compared with treating nobody.",
            "The plan beats ranking by propensity: 24.9 (17.6 to 32.2) 'vaccinated' per 1,000 people.",
            "By the models, the next EUR would add 0.031 'vaccinated'.",
        ),
        budget=30_000,
        cost=29_400.4,
        shadow_price=0.0313,
        holdout=0.05,
        exploration=0.02,
        steps=(
            Step("rows in the file", 34_871, {}),
            Step("people", 34_502, {"rows without a usable identifier": 369}),
            Step("in the segment", 31_190, {"not in the segment": 3_300, "age unknown": 12}),
            Step("permitted to learn and evaluate", 30_612, {"house.minors: age unknown": 578}),
        ),
        grounds=(
            Ground(
                "trial_2024",
                "CC BY 4.0, https://example.org/licence",
                "research_replay",
                ("public_health",),
                "DE",
                "2024-03-31",
                ("adult = True: trial office, because enrollment checked age",),
            ),
        ),
        arms=tuple(
            ArmSummary(name, n, {"vaccinated": proportion(successes, n)})
            for name, n, successes in zip(names, (10_204, 10_210, 10_198), (3_453, 3_767, 4_029), strict=True)
        ),
        replay=Replay(
            people=30_612,
            policies=policies,
            comparisons=comparisons,
            effects={letter: estimate(0.0305, 0.0089), call: estimate(0.0567, 0.0091)},
            budgets=budgets,
            refusal=None,
        ),
        evaluation=evaluated(treatments),
        who=(
            TraitShift("Age, years", 74.31, 69.87, share=False),
            TraitShift("Lives alone", 0.412, 0.287, share=True),
            TraitShift("District: north", 0.31, 0.228, share=True),
            TraitShift("District: south", 0.158, 0.251, share=True),
            TraitShift("District: harbor", 0.201, 0.198, share=True),
            TraitShift("Visits last year", 2.9, 4.4, share=False),
        ),
        refused={},
        drawn={control: 8_878, letter: 15_921, call: 5_813},
        notes=(),
        caveats=(
            "Treatments were given by chance with shares taken from the data.",
            "Each person is judged by models fitted on other people (5 folds); intervals are 95 %.",
        ),
        inputs="facts 3, scores 2, rules 1f0e9c52a7",
    )


def shop() -> Report:
    """Two outcomes: a visit, and money spent."""
    names = ("no mail", "men's mail", "women's mail")
    told = {
        "plan": (0.31, 0.44, 0.1795, 1.402),
        "by lot": (0.5, 0.25, 0.1638, 1.217),
        "by propensity": (0.75, 0.0, 0.1651, 1.236),
        "nobody": (0.0, 0.0, 0.1062, 0.653),
        "everybody: men's mail": (1.0, 0.0, 0.1828, 1.423),
        "everybody: women's mail": (0.0, 1.0, 0.1514, 1.077),
    }
    policies = tuple(
        way(name, shares(names, men, women), 0.1 * (men + women), 0.0051, visit=visit, spend=spend)
        for name, (men, women, visit, spend) in told.items()
    )
    policies = tuple(
        replace(p, values={**p.values, "spend": estimate(p.values["spend"].value, 0.24)}) for p in policies
    )
    plan = policies[0].values
    comparisons = tuple(
        Comparison(
            p.name,
            {
                "visit": estimate(plan["visit"].value - p.values["visit"].value, 0.0049),
                "spend": estimate(plan["spend"].value - p.values["spend"].value, 0.21),
            },
        )
        for p in policies[1:]
    )
    base = clinic()
    return replace(
        base,
        campaign="autumn_mailing",
        sponsor="A shop",
        purpose="commercial",
        outcome="visit",
        currency="USD",
        category={"spend": "behavior", "visit": "behavior"},
        grounds=(replace(base.grounds[0], basis="legitimate_interest", attested=()),),
        arms=tuple(
            ArmSummary(
                name, 21_000, {"visit": proportion(visits, 21_000), "spend": estimate(spend, 0.16, "mean")}
            )
            for name, visits, spend in zip(names, (2_230, 3_839, 3_179), (0.653, 0.91, 0.88), strict=True)
        ),
        replay=replace(
            base.replay,
            policies=policies,
            comparisons=comparisons,
            effects={"men's mail": estimate(0.0766, 0.0066), "women's mail": estimate(0.0452, 0.0064)},
            budgets=base.replay.budgets[:1],
        ),
        evaluation=Evaluation(
            tuple(
                replace(helped, ranked=(ranked("visit", 0.05), ranked("spend", 0.412, money=True)))
                for helped in evaluated(("men's mail", "women's mail")).treatments
            ),
            evaluated(("", "")).findings,
        ),
        drawn={},
    )


def idle() -> Report:
    """A budget of 0: the plan treats nobody and differs from nobody by exactly nothing."""
    base = clinic()
    none = Estimate(0.0, 0.0, 0.0, 30_612, "AIPW, paired")
    names = base.replay.policies[0].shares.names
    policies = tuple(
        replace(p, values=base.replay.policies[3].values, shares=shares(names, 0, 0), cost=none)
        for p in base.replay.policies[:4]
    )
    return replace(
        base,
        sentences=("The plan treats nobody. A budget of 0 buys nothing but options that cost nothing.",),
        budget=0.0,
        cost=0.0,
        shadow_price=0.0,
        replay=replace(
            base.replay,
            policies=policies,
            comparisons=tuple(Comparison(p.name, {"vaccinated": none}) for p in policies[1:]),
            budgets=(),
        ),
        who=tuple(replace(shift, treated=None) for shift in base.who),
        evaluation=evaluated(names[1:], (CHANCE, UNTRIED)),
        steps=(Step("rows in the file", 0, {}),),
        notes=("A budget of 0 buys nothing but options that cost nothing.",),
    )


def refusing() -> Report:
    """A message that did not pass review, and what that costs."""
    base = clinic()
    refusal = Comparison("the plan without the refusal", {"vaccinated": estimate(-0.0042, 0.0021)})
    return replace(
        base,
        replay=replace(base.replay, refusal=refusal),
        refused={"call_script": ("Messages must not expose third persons [house.third_persons]",)},
    )


def sent() -> Report:
    """A campaign that was sent, with answers of most of its people."""
    effect = Estimate(0.0465, 0.0112, 0.0818, 1183, "AIPW by the plan's own draw, clustered")
    extra = effect.times(1240)
    lift = Lift(
        people=1240,
        measured=1183,
        treated=612,
        holdout=71,
        effect=effect,
        extra=extra,
        spent=58.4,
        cost_per_extra=Estimate(58.4 / extra.value, 58.4 / extra.high, 58.4 / extra.low, 1183, "cost"),
        naive=0.183,
        warnings=("The outcome of 57 of 1,240 people is unknown.",),
    )
    delivery = Delivered(643, 629, 9, 5, 4, 6, 2, "2027-01-18T08:00:04+01:00", "2027-01-18T11:42:51+01:00")
    return replace(clinic(), lift=lift, delivery=delivery, drawn={"nothing": 597, "reminder letter": 643})


def unsure() -> Report:
    """A sent campaign that may have changed nothing."""
    base = sent()
    effect = Estimate(0.0021, -0.0112, 0.0154, 1183, "AIPW by the plan's own draw")
    lift = replace(base.lift, effect=effect, extra=effect.times(1240), cost_per_extra=None, naive=None)
    return replace(base, lift=replace(lift, warnings=()), delivery=None)


REPORTS = {
    "clinic": clinic(),
    "shop": shop(),
    "idle": idle(),
    "refusing": refusing(),
    "sent": sent(),
    "unsure": unsure(),
}
each_report = pytest.mark.parametrize("name", REPORTS)


@cache
def written(name: str) -> str:
    return page(REPORTS[name])


class Reader(HTMLParser):
    """Reads a page strictly: every element must be closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.order: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.cells: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.order.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.order.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.open):
            self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@each_report
def test_every_element_is_closed_and_every_id_is_unique(name: str):
    found = read(written(name))
    ids = [value for _, name, value in found.attributes if name == "id"]
    targets = [value[1:] for _, name, value in found.attributes if name == "href"]
    assert len(ids) == len(set(ids))
    assert set(targets) <= set(ids)


@each_report
def test_nothing_is_fetched_and_nothing_runs(name: str):
    found = read(written(name))
    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & set(found.order)
    assert not [name for _, name, _ in found.attributes if name.startswith("on") or name == "src"]
    assert all(value.startswith("#") for _, name, value in found.attributes if name.endswith("href"))
    assert not re.search(r"url\(|@import", written(name))


@each_report
def test_every_chart_is_named_and_followed_by_a_table(name: str):
    found = read(written(name))
    drawn = [tag for tag in found.order if tag in ("svg", "table")]
    assert "svg" in drawn
    assert all(drawn[i + 1] == "table" for i, tag in enumerate(drawn) if tag == "svg")
    said = {
        tag: [v for t, name, v in found.attributes if (t, name) == ("svg", tag)]
        for tag in ("role", "aria-label")
    }
    assert said["role"] == ["img"] * drawn.count("svg")
    assert len([label for label in said["aria-label"] if label]) == drawn.count("svg")


@each_report
def test_headings_come_in_order(name: str):
    levels = [int(tag[1]) for tag in read(written(name)).order if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@each_report
def test_what_the_report_says_in_words_is_on_the_page(name: str):
    report = REPORTS[name]
    text = read(written(name)).text
    reasons = [reason for reasons in report.refused.values() for reason in reasons]
    dropped = [f"{why} ({count:,})" for step in report.steps for why, count in step.dropped.items()]
    attested = [line for ground in report.grounds for line in ground.attested]
    for words in (
        *report.sentences,
        *report.notes,
        *report.caveats,
        *report.refused,
        *reasons,
        *dropped,
        *attested,
        report.campaign,
        report.sponsor,
        report.segment,
        report.inputs,
        report.grounds[0].licence,
    ):
        assert words in text


@each_report
def test_every_policy_has_its_value_with_interval_in_a_table(name: str):
    report = REPORTS[name]
    cells = read(written(name)).cells
    for policy in report.replay.policies:
        for outcome, value in policy.values.items():
            if outcome == "spend":
                assert value.scaled(1, 2) in cells
            else:
                assert value.scaled(100, 1).replace(" (", " % (") in cells
        assert policy.name in cells
        assert policy.cost.scaled(1, 4 if name == "shop" else 2) in cells
        assert policy.weighted is None or policy.weighted.scaled(100, 1).replace(" (", " % (") in cells
        assert all(f"{100 * share:.1f} %" in cells for share in policy.shares.values)


@each_report
def test_every_difference_is_told_per_thousand_people(name: str):
    report = REPORTS[name]
    cells = [cell.removeprefix("+") for cell in read(written(name)).cells]
    differences = [
        d for other in report.replay.comparisons for o, d in other.differences.items() if o != "spend"
    ]
    gains = [gain for point in report.replay.budgets for gain in (point.plan, point.by_lot)]
    for one in (*differences, *gains, *report.replay.effects.values()):
        assert one.scaled(1000, 1) in cells


def test_money_per_thousand_people_has_no_false_digits():
    assert "+749 (539 to 959)" in read(written("shop")).cells


@each_report
def test_people_are_counted_with_separators(name: str):
    report = REPORTS[name]
    cells = read(written(name)).cells
    counts = [*(arm.people for arm in report.arms), *(s.people for s in report.steps), *report.drawn.values()]
    assert {f"{count:,}" for count in counts} <= set(cells)


def test_the_campaigns_outcome_comes_first():
    text = read(written("shop")).text
    assert text.index("'visit' per 1,000") < text.index("'spend' per 1,000")


def test_a_plan_that_treats_nobody_differs_by_nothing():
    found = read(written("idle"))
    assert found.cells.count("no difference") == 3
    assert "0.0 (0.0 to 0.0)" in found.cells
    assert not [cell for cell in found.cells if cell.startswith(("-0.0", "+0.0"))]
    assert "more money would add nothing" in found.text


def test_what_no_one_got_has_no_weighted_value():
    assert "–" in read(written("clinic")).cells


def test_a_replay_says_that_nobody_can_be_contacted():
    sentence = "Nobody in this source can be contacted."
    assert sentence in read(written("clinic")).text
    assert sentence not in read(written("shop")).text


def test_health_data_are_flagged():
    assert "health data" in read(written("clinic")).text
    assert "health data" not in read(written("shop")).text


def test_the_cost_of_a_refusal_is_told():
    assert "+4.2 (2.1 to 6.3)" in read(written("refusing")).cells
    assert "refused no message" in read(written("clinic")).text


def test_a_mean_between_0_and_1_of_something_counted_is_no_percentage():
    base = clinic()
    arms = tuple(replace(arm, means={"vaccinated": estimate(0.4, 0.05, "mean")}) for arm in base.arms)
    cells = read(page(replace(base, arms=arms))).cells
    assert base.replay.policies[0].values["vaccinated"].scaled(1, 3) in cells


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_comes_out_as_text(name: str):
    hostile = page(clinic((name, "call"), name + " control"))
    shown = re.sub("[\x00\x07]", "\N{REPLACEMENT CHARACTER}", name)
    found = read(hostile)
    assert found.order == read(written("clinic")).order
    assert shown in found.cells
    assert f"everybody: {shown}" in found.cells


def named(name: str, other: str) -> Report:
    """A report with a name in many places, and another where the same name twice would be one."""
    base = clinic((name, "call"))
    return replace(
        base,
        campaign=name,
        sponsor=name,
        segment=name,
        inputs=name,
        sentences=(name, other),
        refused={name: (other,)},
        steps=(*base.steps, Step(name, 7, {name: 3})),
        who=(*base.who, TraitShift(name, 0.2, 0.1, share=True)),
    )


@cache
def structure() -> list[str]:
    return [tag for tag in read(page(named("a", "b"))).order if tag not in DRAWN]


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.text(min_size=1, max_size=40))
def test_no_text_changes_the_structure_of_the_page(name: str):
    assert [tag for tag in read(page(named(name, name))).order if tag not in DRAWN] == structure()


def test_the_same_report_gives_the_same_page():
    assert page(clinic()) == written("clinic")


def test_a_replay_tells_of_no_campaign_that_was_sent():
    text = read(written("clinic")).text
    assert "Replay of a plan on a finished experiment" in text
    assert "What it changed" not in text


def test_what_a_sent_campaign_changed_is_told_before_all_else():
    found = read(written("sent"))
    assert "Replay of a plan" not in found.text
    assert found.text.index("What it changed") < found.text.index("What it is worth")
    links = [value for _, name, value in found.attributes if name == "href"]
    assert links[0] == "#changed"
    for cell in (
        "+48.7 (42.9 to 54.5)",
        "+46.5 (11.2 to 81.8)",
        "+58 (14 to 101)",
        "58.40",
        "1.01 (0.58 to 4.21)",
        "1,240",
        "1,183",
        "612",
        "71",
    ):
        assert cell in found.cells
    assert REPORTS["sent"].lift.warnings[0] in found.text
    assert "AIPW by the plan's own draw, clustered" in found.text


def test_the_comparison_that_misleads_is_on_the_same_scale_and_called_wrong():
    cells = read(written("sent")).cells
    assert cells[cells.index("by the chances of the draw") + 1] == "+89.9 (21.6 to 158.1)"
    wrong = cells.index("those drawn for a treatment minus everybody else")
    assert cells[wrong + 1 : wrong + 3] == ["+183.0", "no"]
    assert "misleads" not in read(written("unsure")).text


def test_a_cost_that_does_not_exist_is_not_told():
    found = read(written("unsure"))
    assert found.cells[found.cells.index("Cost of one more 'vaccinated', EUR") + 1] == "–"
    assert "there may have been no extra 'vaccinated' at all" in found.text
    assert "cannot be told apart" in found.cells
    assert "What speaks against it" not in found.text


def test_what_became_of_the_messages_is_counted():
    cells = read(written("sent")).cells
    counts = {"Handed over": "643", "accepted": "629", "failed": "9", "unknown, not sent again": "5"}
    counts |= {"People who opted out": "4", "Bounced": "6", "Complained": "2"}
    counts |= {
        "First handed over": "2027-01-18 08:00:04+01:00",
        "Last handed over": "2027-01-18 11:42:51+01:00",
    }
    assert {name: cells[cells.index(name) + 1] for name in counts} == counts
    assert "Handed over" not in read(written("unsure")).cells


def test_a_campaign_whose_answers_are_out_is_not_measured_yet():
    waiting = read(page(replace(sent(), lift=None)))
    assert "A sent campaign, not measured yet" in waiting.text
    assert "What it changed has not been measured." in waiting.text
    assert "Handed over" in waiting.cells
    assert "People in the plan1,240 " in waiting.text


def test_hostile_words_about_a_sent_campaign_come_out_as_text():
    base, name = sent(), "<script>alert(1)</script>"
    hostile = replace(
        base,
        lift=replace(base.lift, warnings=(name,)),
        delivery=replace(base.delivery, first_sent=name),
        currency=name,
    )
    found = read(page(hostile))
    assert found.order == read(written("sent")).order
    assert name in found.cells
    assert f"Spent, {name}" in found.cells


def test_where_nobody_is_ranked_the_section_says_so_first_and_shows_the_tests():
    found = read(written("idle"))
    section = found.text[found.text.index("Whom it helps Nobody is ranked") :]
    assert section.index("do not tell whom a treatment helps") < section.index(CHANCE.reason)
    assert UNTRIED.reason in section
    slope = [i for i, cell in enumerate(found.cells) if cell == "Slope of gains on predictions"]
    assert [found.cells[i + 1] for i in slope] == ["0.2 (-1.9 to 2.3)", "–"]
    assert [found.cells[i - 2] for i in slope] == ["0.43", "–"]


def test_what_ranks_people_and_what_does_not_is_said_of_each_treatment():
    text = read(written("clinic")).text
    assert "Nobody is ranked" not in text
    assert f"The effects of 'reminder letter' rank people: {RANKS.reason}." in text
    assert f"The effects of 'nurse call' do not rank people: {CHANCE.reason}." in text


def test_a_ranking_is_told_in_numbers_with_intervals():
    found = read(written("clinic"))
    told = ranked("vaccinated", 0.03)
    for one in (told.average, told.qini, told.auuc, told.over_propensity, *(t.gain for t in told.top)):
        assert f"+{one.scaled(1000, 1)}" in found.cells
    for at in (*told.curve, *told.by_propensity):
        assert f"+{at.gain.scaled(1000, 1)}" in found.cells
    assert found.cells[found.cells.index("Qini: over a random order") + 2] == "better than a random order"
    paired = found.cells.index("Qini minus that of ranking by propensity")
    assert found.cells[paired + 2] == "cannot be told from ranking by propensity"
    for part in evaluated(("a", "b")).treatments[0].calibration:
        assert part.observed.scaled(1000, 1) in [cell.removeprefix("+") for cell in found.cells]


def test_a_ranking_is_told_in_money_where_money_is_watched():
    cells = read(written("shop")).cells
    assert "USD of 'spend' (interval)" in cells
    assert f"+{ranked('spend', 0.412).average.scaled(1000, 0)}" in cells


def test_counts_that_are_not_shown_are_dashes_and_the_others_are_all_there():
    cells = read(written("clinic")).cells
    counts = {
        "below -10": "812",
        "-10 to 0": "9,031",
        "0 to 10": "–",
        "10 to 20": "0",
        "20 or more": "18,023",
    }
    assert {name: cells[cells.index(name) + 1] for name in counts} == counts


def test_who_gains_is_told_of_every_group_and_no_trait_is_cut_apart_in_the_chart():
    found = read(written("clinic"))
    at = found.cells.index("Age, years: over 66")
    assert found.cells[at + 1 : at + 3] == ["+54.0 (44.0 to 64.0)", "15,301"]
    assert {f"District: {i}th" for i in range(12)} <= set(found.cells)
    assert "The chart has the first 2." in found.text


def test_learners_are_compared_and_what_they_leave_is_the_average():
    cells = read(written("clinic")).cells
    assert cells[cells.index("causal forest") + 1 :][:3] == ["+31 (19 to 43)", "71 %", "0 %"]
    assert cells[cells.index("a learner of our own") + 1 :][:3] == ["-2 (-11 to 7)", "4 %", "35 %"]
    assert cells[cells.index("the average effect for everybody") + 1 :][:3] == ["–", "25 %", "65 %"]


def paying(found: Extremes, *, money: bool) -> Report:
    """A report on an outcome that is an amount."""
    base = shop()
    arms = tuple(
        replace(arm, means=dict.fromkeys(arm.means, estimate(0.9, 0.1, "mean"))) for arm in base.arms
    )
    told = tuple(replace(h, ranked=(ranked("visit", 0.4, money=money),)) for h in base.evaluation.treatments)
    findings = replace(base.evaluation.findings, extremes=found)
    return replace(base, arms=arms, evaluation=Evaluation(told, findings))


def test_what_was_done_with_the_largest_amounts_is_said_in_words():
    gain = estimate(0.2, 0.1)
    capped = paying(Extremes(499.0, 340, gain), money=True)
    assert "amounts beyond 499 USD counted as 499 (340 people had more)" in extremes(capped)
    assert extremes(capped) in read(page(capped)).text
    few = extremes(paying(Extremes(499.0, 7, gain), money=False))
    assert "amounts beyond 499 of 'visit' counted as 499 (fewer than 20 people had more)" in few
    assert "The largest amounts counted in full" in extremes(paying(Extremes(None, 0, None), money=True))
    assert extremes(clinic()) == ""


def test_hostile_traits_and_learners_come_out_as_text():
    name = "<script>alert(1)</script>"
    base = clinic()
    groups = tuple(replace(gain, trait=name) for gain in base.evaluation.treatments[0].groups)
    helped = replace(base.evaluation.treatments[0], groups=groups, ranking=replace(CHANCE, reason=name))
    findings = replace(base.evaluation.findings, compared=(Compared(name, estimate(0, 1), (0.5, 0.5)),))
    hostile = read(
        page(replace(base, evaluation=Evaluation((helped, base.evaluation.treatments[1]), findings)))
    )
    assert "script" not in hostile.order
    assert f"{name}: up to 66" in hostile.cells
    assert name in hostile.cells
