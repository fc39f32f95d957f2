"""What was tested: known effects are found, chances are honored, wrong arms are seen, looks are paid for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest, false_discovery_control

from suasion.errors import CampaignError
from suasion.ledger import Campaign
from suasion.measurement.analysis import (
    Evidence,
    Grouping,
    Registered,
    Sent,
    alarms,
    analyze,
    findings,
    groupings,
    own_chance,
)
from suasion.measurement.analysis.course import course_of
from suasion.measurement.analysis.families import adjusted
from suasion.measurement.analysis.ratio import ratio_of
from suasion.measurement.analysis.tested import Tested as Row
from suasion.measurement.analysis.tested import effects
from suasion.measurement.analysis.way import Way
from suasion.profiles import Trait
from suasion.stats import Estimate, difference_in_means, multiplicity

ONCE = Way("fixed", 0.05)
DAY = 86_400.0


def campaign(purpose="commercial", **analysis):
    declared = {
        "name": "demo",
        "sponsor": "a test",
        "purpose": purpose,
        "source": "trial",
        "segment": "all",
        "control": "none",
        "outcome": "y",
        "also": ("money",),
        "features": ("age", "sex", "visits"),
        "budget": 1.0,
        "treatments": {"mail": {}, "call": {}},
        "analysis": analysis,
    }
    return Campaign.model_validate(declared)


def trial(seed, n, effect=0.0, chances=(0.5, 0.5), base=0.3):
    """Yes or no of people drawn for arms, by one chance for all; the first treatment has an effect."""
    luck = np.random.default_rng(seed)
    arms = luck.choice(len(chances), n, p=chances)
    y = (luck.random(n) < base + effect * (arms == 1)).astype(float)
    names = ("none", "mail", "call")[: len(chances)]
    return Evidence(names, arms, np.tile(chances, (n, 1)), {"y": y, "money": 5 * y})


def sent_plan(seed, n, effect, days=10):
    """A plan that treats those most likely to say yes anyway; chances differ from person to person."""
    luck = np.random.default_rng(seed)
    keen = luck.random(n)
    treated = np.where(keen > 0.5, 0.8, 0.2)
    arms = (luck.random(n) < treated).astype(np.int64)
    y = (luck.random(n) < 0.2 + 0.4 * (keen > 0.5) + effect * arms).astype(float)
    chances = np.column_stack([1 - treated, treated])
    at = 1.7e9 + DAY * np.floor(np.arange(n) * days / n)
    guess = {"y": np.full(n, 0.4), "money": np.zeros(n)}
    return Evidence(
        ("none", "mail"), arms, chances, {"y": y, "money": y}, own_chance(chances, arms), guess, at=at
    )


def row(p, status="planned"):
    return Row("y", "mail", "", "", 100, status, None, None, p, p, None, "")


def test_with_one_chance_for_all_the_effect_is_the_difference_in_means():
    drawn = trial(1, 2000, 0.1)
    (found,) = effects(drawn, "y", ONCE, "planned")
    y, arms = drawn.outcomes["y"], drawn.arms
    known = difference_in_means(y[arms == 1], y[arms == 0])
    assert found.effect is not None
    assert (found.effect.value, found.effect.low) == pytest.approx((known.value, known.low))


def test_intervals_hold_the_effect_as_often_as_they_say():
    held = sum(
        found.effect.low <= 0.1 <= found.effect.high
        for seed in range(300)
        for found in effects(trial(seed, 400, 0.1, (0.3, 0.7)), "y", ONCE, "")
        if found.effect
    )
    assert binomtest(held, 300, 0.95).pvalue > 0.001


def test_people_whom_the_plan_preferred_do_not_make_it_look_good():
    naive = held = 0
    for seed in range(200):
        drawn = sent_plan(seed, 800, effect=0.0)
        (found,) = effects(drawn, "y", ONCE, "")
        y = drawn.outcomes["y"]
        naive += y[drawn.arms == 1].mean() - y[drawn.arms == 0].mean() > 0.1
        held += found.effect is not None and found.effect.low <= 0 <= found.effect.high
    assert naive > 190, "the obvious comparison is wrong, or this test is"
    assert binomtest(held, 200, 0.95, alternative="less").pvalue > 0.001


def test_nobody_without_a_chance_of_both_is_compared():
    drawn = sent_plan(1, 1000, 0.0)
    closed = np.arange(1000) < 300
    chances = np.where(closed[:, None], [1.0, 0.0], drawn.chances)
    arms = np.where(closed, 0, drawn.arms)
    y = np.where(closed, 1.0, drawn.outcomes["y"])
    closed_too = replace(drawn, chances=chances, arms=arms, own=own_chance(chances, arms), outcomes={"y": y})
    (found,) = effects(closed_too, "y", ONCE, "")
    assert found.people == 700


def test_a_number_from_before_sharpens():
    luck = np.random.default_rng(2)
    before, arms = luck.normal(size=3000), luck.integers(0, 2, 3000)
    y = 2 * before + luck.normal(size=3000) + 0.2 * arms
    drawn = Evidence(("none", "mail"), arms, np.full((3000, 2), 0.5), {"y": y, "money": y})
    before[:100] = np.nan
    plain, sharp = (
        analyze(campaign(before="visits"), replace(drawn, before=x), (), live=False).effects[0]
        for x in (None, before)
    )
    assert plain.reduction is None
    assert sharp.reduction is not None
    assert 0.6 < sharp.reduction < 0.85, "4 of 5 parts of the variance, less the hundred unknown"
    assert sharp.effect is not None
    assert sharp.effect.low <= 0.2 <= sharp.effect.high


def test_an_arm_of_nobody_is_told_without_an_effect():
    drawn = replace(trial(3, 400), names=("none", "mail", "call"), chances=np.full((400, 3), 1 / 3))
    found = analyze(campaign(), drawn, (), live=False)
    assert found.effects[0].effect is not None
    assert found.effects[1].effect is None
    assert any(said.startswith("Nothing is said about 'call', because") for said in findings(found))


def test_arms_that_lost_people_are_seen_and_said_first():
    drawn = trial(4, 6000)
    lost = (drawn.arms == 1) & (np.arange(6000) % 5 == 0)
    outcomes = {"y": np.where(lost, np.nan, drawn.outcomes["y"]), "money": drawn.outcomes["money"]}
    found = analyze(campaign(), replace(drawn, outcomes=outcomes), (), live=False)
    assert found.ratio is not None
    assert found.ratio.alarm
    assert alarms(found, "demo")[0].startswith("Do not believe these effects: ")


def test_right_arms_raise_no_alarm():
    alarmed = 0
    for seed in range(1000):
        found = ratio_of(trial(seed, 200, chances=(0.2, 0.8)), np.ones(200, bool))
        alarmed += found is not None and found.alarm
    assert alarmed <= 6, "one in a thousand"


def homes_of(seed, *, together):
    luck = np.random.default_rng(seed)
    homes = np.repeat(np.arange(2000), 2)
    arms = np.repeat(luck.integers(0, 2, 2000), 2) if together else luck.integers(0, 2, 4000)
    y = luck.random(4000)
    return Evidence(("none", "mail"), arms, np.full((4000, 2), 0.5), {"y": y}, households=homes)


def test_households_are_counted_where_households_were_drawn():
    everybody = np.ones(4000, bool)
    whole = ratio_of(homes_of(5, together=True), everybody)
    assert whole is not None
    assert (whole.unit, sum(whole.counts), whole.left_out) == ("households", 2000, 0)
    drawn = homes_of(5, together=True)
    drawn.arms[:20:2] = 1 - drawn.arms[1:20:2]
    torn = ratio_of(drawn, everybody)
    assert torn is not None
    assert (torn.unit, sum(torn.counts), torn.left_out) == ("households", 1990, 10)
    alone = ratio_of(homes_of(5, together=False), everybody)
    assert alone is not None
    assert (alone.unit, sum(alone.counts)) == ("people", 4000)


def test_people_of_whom_chance_decided_nothing_are_not_counted():
    drawn = sent_plan(6, 500, 0.0)
    chances = np.where(np.arange(500)[:, None] < 200, [1.0, 0.0], drawn.chances)
    arms = np.where(np.arange(500) < 200, 0, drawn.arms)
    found = ratio_of(replace(drawn, chances=chances, arms=arms), np.ones(500, bool))
    assert found is not None
    assert sum(found.counts) == 300
    assert ratio_of(replace(drawn, chances=None), np.ones(500, bool)) is None


def test_p_values_count_the_tests_of_their_family():
    luck = np.random.default_rng(7)
    p = luck.random(12) ** 2
    found = adjusted([row(one) for one in p], multiplicity.benjamini_hochberg)
    assert [one.adjusted for one in found] == pytest.approx(false_discovery_control(p).tolist())
    three = adjusted([row(0.01), row(0.04), row(0.03)], multiplicity.holm)
    assert [one.adjusted for one in three] == pytest.approx([0.03, 0.06, 0.06])


def test_what_was_added_changes_nothing_of_what_was_planned():
    planned = [row(0.01), row(0.03)]
    added = [row(1e-9, "added"), row(0.9, "added")]
    for by in (multiplicity.holm, multiplicity.benjamini_hochberg):
        alone, both = adjusted(planned, by), adjusted([*planned, *added], by)
        assert [one.adjusted for one in both[:2]] == [one.adjusted for one in alone]
        assert both[3].adjusted is not None
        assert both[3].adjusted >= 0.9


def test_what_is_not_told_is_no_test():
    none = replace(row(0.5), p_value=None, adjusted=None)
    found = adjusted([none, row(0.04)], multiplicity.holm)
    assert [one.adjusted for one in found] == [None, pytest.approx(0.04)]


@pytest.mark.parametrize("kind", ["sequence", "group_sequential"])
@pytest.mark.parametrize("fractions", [(0.4,), (0.3, 0.6, 1.0)])
def test_an_interval_leaves_out_zero_where_the_p_value_says_so(kind, fractions):
    way = Way(kind, 0.05, fractions)
    for seed in range(40):
        for found in effects(trial(seed, 500, 0.1), "y", way, ""):
            if found.effect is not None and found.p_value is not None:
                assert found.effect.excludes_zero is (found.p_value < 0.05)


def test_looking_more_than_once_is_paid_for():
    drawn = trial(8, 2000, 0.1)
    (once,) = effects(drawn, "y", ONCE, "")
    for way in (Way("sequence", 0.05, (1.0,)), Way("group_sequential", 0.05, (0.5, 1.0))):
        (often,) = effects(drawn, "y", way, "")
        for narrow, wide in ((once.effect, often.effect), (once.relative, often.relative)):
            assert narrow is not None
            assert wide is not None
            assert wide.low < narrow.low < narrow.value == pytest.approx(wide.value)
        assert once.p_value is not None
        assert often.p_value is not None
        assert often.p_value >= once.p_value


def alarms_of(kind, runs, n=600, days=20):
    return sum(
        course_of(sent_plan(seed, n, 0.0, days), "y", kind, 0.05, n).decided_at is not None
        for seed in range(runs)
    )


def test_daily_looks_at_nothing_rarely_alarm():
    assert binomtest(alarms_of("sequence", 100), 100, 0.05, alternative="greater").pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sequence", "group_sequential"])
def test_looks_at_nothing_alarm_at_most_as_often_as_they_say(kind):
    assert binomtest(alarms_of(kind, 2000), 2000, 0.05, alternative="greater").pvalue > 0.001


def test_a_large_effect_is_decided_before_the_end():
    found = course_of(sent_plan(1, 4000, 0.2), "y", "sequence", 0.05, 4000)
    assert len(found.looks) == 10
    assert [look.people for look in found.looks] == list(range(400, 4001, 400))
    assert found.decided_at is not None
    assert found.decided_at < 9
    assert found.longer == ""


def test_what_is_not_decided_says_how_much_longer():
    found = analyze(campaign(looks="sequence"), sent_plan(1, 400, 0.02), (), live=True)
    assert found.course is not None
    assert found.course.longer.startswith("If the effect is")
    assert any(said.startswith("How much longer?") for said in findings(found))


def test_a_fixed_analysis_says_nothing_before_its_end():
    drawn = sent_plan(2, 1000, 0.3)
    some = np.arange(1000) < 600
    early = replace(drawn, outcomes={o: np.where(some, v, np.nan) for o, v in drawn.outcomes.items()})
    waiting = analyze(campaign(looks="fixed", people=800), early, (), live=True)
    assert waiting.waiting
    assert waiting.effects == ()
    assert waiting.course is not None
    assert waiting.course.latest is None
    assert "600 of 800 have" in alarms(waiting, "demo")[0]
    done = analyze(campaign(looks="fixed", people=600), early, (), live=True)
    assert not done.waiting
    assert done.effects[0].effect is not None


def test_nobody_has_answered():
    drawn = sent_plan(3, 100, 0.0)
    silent = replace(drawn, outcomes={o: np.full(100, np.nan) for o in drawn.outcomes}, at=None)
    found = analyze(campaign(), silent, (), sent=Sent(50, 0, {}, False), live=True)
    assert (found.answered, found.effects, alarms(found, "demo")) == (0, (), ())


def test_an_outcome_without_a_time_is_known_from_the_first_look_on():
    drawn = sent_plan(4, 1000, 0.0)
    assert drawn.at is not None
    untimed = replace(drawn, at=np.where(np.arange(1000) >= 900, np.nan, drawn.at))
    found = course_of(untimed, "y", "sequence", 0.05, 1000)
    assert [look.people for look in found.looks] == list(range(200, 1001, 100))
    one = course_of(replace(drawn, at=None), "y", "sequence", 0.05, 1000)
    assert [(look.at, look.people) for look in one.looks] == [("", 1000)]


def test_too_few_left_alone_give_no_interval():
    found = analyze(campaign(), sent_plan(5, 60, 0.0), (), live=True)
    assert found.course is not None
    assert found.course.latest is None
    assert all(one.effect is None and one.why_not for one in found.effects)


def watching(watches, most, drawn, sent=None, live=True, **terms):
    rails = [{"watches": watches, "most": most, **terms}]
    return analyze(campaign(guardrails=rails), drawn, (), sent=sent, live=live)


@pytest.mark.parametrize(
    ("events", "most", "state"),
    [(40, 0.01, "harm"), (0, 0.01, "fine"), (12, 0.01, "unknown"), (30, 0.0, "harm"), (0, 0.0, "unknown")],
)
def test_replies_are_held_against_what_may_be(events, most, state):
    sent = Sent(1000, 500, {"complained": events}, False)
    found = watching("complained", most, sent_plan(6, 400, 0.0), sent)
    assert [rail.state for rail in found.guardrails] == [state]
    told = alarms(found, "demo")
    assert bool(told) is (state == "harm")
    if told:
        assert told[0].startswith(f"Harm is shown: of 1,000 messages {events}")
        assert "`suasion pause demo`" in told[1]


def test_nobody_is_told_to_pause_what_is_paused_or_over():
    drawn = sent_plan(6, 400, 0.0)
    paused = watching("complained", 0.01, drawn, Sent(1000, 500, {"complained": 90}, True))
    assert alarms(paused, "demo")[1:] == ("The campaign is paused.",)
    over = watching("complained", 0.01, drawn, Sent(1000, 0, {"complained": 90}, False))
    assert len(alarms(over, "demo")) == 1


@pytest.mark.parametrize(("effect", "lower_is_worse"), [(-0.2, True), (0.2, False)])
def test_an_outcome_that_gets_worse_than_in_the_holdout_is_harm(effect, lower_is_worse):
    drawn = sent_plan(7, 3000, effect)
    for live in (True, False):
        worse = watching("y", 0.02, drawn, live=live, lower_is_worse=lower_is_worse)
        better = watching("y", 0.02, drawn, live=live, lower_is_worse=not lower_is_worse)
        assert [rail.state for rail in worse.guardrails] == ["harm"]
        assert [rail.state for rail in better.guardrails] == ["fine"]


def test_a_guardrail_that_watches_nothing_we_know_is_refused():
    with pytest.raises(CampaignError, match="unknown 'complaint'"):
        watching("complaint", 0.1, trial(1, 100))


CATALOGUE = {
    "age": Trait.model_validate({"type": "integer", "category": "age", "label": "Age"}),
    "sex": Trait.model_validate({"type": "text", "category": "sex", "label": "Sex"}),
    "visits": Trait.model_validate({"type": "integer", "category": "behavior", "label": "Visits"}),
}


def recorded(made):
    said = {"outcome": made.outcome, "also": list(made.also)} | made.analysis.model_dump(mode="json")
    return Registered("2026-11-21T12:00:00+00:00", made.analysis.digest, said)


def test_groups_of_sex_and_age_are_always_told_where_people_vote():
    told = groupings(campaign("civic"), None, CATALOGUE)
    assert [(one.trait, one.status) for one in told] == [
        ("age", "not registered"),
        ("sex", "not registered"),
    ]
    assert groupings(campaign("commercial"), None, CATALOGUE) == ()
    named = groupings(campaign("civic", subgroups=("visits",)), None, CATALOGUE)
    assert [one.trait for one in named] == ["visits"]


def test_naming_other_groups_later_hides_none_that_were_due():
    found = recorded(campaign("civic"))
    told = {
        one.trait: one.status for one in groupings(campaign("civic", subgroups=("visits",)), found, CATALOGUE)
    }
    assert told == {"age": "planned", "sex": "planned", "visits": "added"}


def test_a_group_that_is_gone_is_an_error_and_not_left_out():
    with pytest.raises(CampaignError, match="unknown trait 'visitz'"):
        groupings(campaign(subgroups=("visitz",)), None, CATALOGUE)


def test_rows_say_what_was_planned_and_what_was_added():
    drawn = sent_plan(8, 1000, 0.1)
    drawn = replace(drawn, traits=pa.table({"age": np.arange(1000) % 70, "sex": ["m", "w"] * 500}))
    then = campaign(subgroups=("age",), guardrails=[{"watches": "opted_out", "most": 0.1}])
    found = recorded(then.model_copy(update={"also": ()}))
    now = campaign(
        alpha=0.2,
        looks="fixed",
        subgroups=("sex",),
        guardrails=[{"watches": "opted_out", "most": 0.2}, {"watches": "bounced", "most": 0.1}],
    )
    groups = (Grouping("age", "Age", "planned"), Grouping("sex", "Sex", "added"))
    made = analyze(now, drawn, groups, found, Sent(100, 0, {}, False), live=True)
    assert (made.alpha, made.looks) == (0.05, "sequence"), "as it was registered"
    assert sum("alpha = 0.2" in note or "looks = fixed" in note for note in made.notes) == 2
    assert {one.status for one in made.effects} == {"planned"}
    assert {one.status for one in made.also} == {"added"}
    assert {(one.trait, one.status) for one in made.groups} == {("Age", "planned"), ("Sex", "added")}
    rails = [(rail.watches, rail.most, rail.status) for rail in made.guardrails]
    assert rails == [("opted_out", 0.1, "planned"), ("opted_out", 0.2, "added"), ("bounced", 0.1, "added")]
    unregistered = analyze(now, drawn, groups, None, live=True)
    assert {one.status for one in (*unregistered.effects, *unregistered.also)} == {"not registered"}


def test_an_outcome_that_is_declared_no_more_is_missed_aloud():
    found = recorded(campaign())
    now = campaign().model_copy(update={"also": ()})
    made = analyze(now, sent_plan(9, 400, 0.0), (), found, live=True)
    assert any("'money' was registered" in note for note in made.notes)


def test_groups_of_too_few_people_are_not_told():
    drawn = trial(10, 500)
    place = ["here"] * 490 + ["there"] * 10
    made = analyze(
        campaign(),
        replace(drawn, traits=pa.table({"place": place})),
        (Grouping("place", "Place", "planned"),),
        live=False,
    )
    assert {one.group for one in made.groups} == {"here"}


def test_an_interval_for_many_looks_never_is_shorter_than_that_for_one():
    drawn = sent_plan(11, 2000, 0.1)
    made = analyze(campaign(), drawn, (), live=True)
    assert made.course is not None
    latest = made.course.latest
    assert isinstance(latest, Estimate)
    fixed = effects(drawn, "y", ONCE, "")[0].effect
    assert fixed is not None
    assert made.effects[0].effect is not None
    assert made.effects[0].effect.high - made.effects[0].effect.low > fixed.high - fixed.low
