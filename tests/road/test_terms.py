"""What a placement costs and what must not happen in it: money, goals, harms and factors, on a whole road."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import msgspec
import numpy as np
import pytest

from suasion.allocation.policies import State
from suasion.disclosure import verify
from suasion.learning import newest
from suasion.ledger import draws, log
from suasion.workspace import asked, deciding, streaming
from suasion.workspace.deciding.choose import policy_of

LOOP = run_path(str(Path(__file__).with_name("test_loop.py")))
PLACED, NAME = LOOP["PLACED"], LOOP["NAME"]
PEOPLE, COST = 600, 0.5
RECORD = f"placement:{NAME}"
POLICY = '[policy]\nkind = "thompson"\nkeep = 0.98\nscales = { age = [50, 15] }\n\n'
BUDGET = "[budget]\namount = {}\nbegins = 2026-11-20\nends = 2026-12-20\n"
GOALS = "[goals]\nPraised = 0.5\nReturned = -0.8\n"
GUARD = "[guardrails.Complained]\nlimit = 0.02\n"
FACTORS = """
[factors.headline.bus]
value = { title = "Come by bus" }
[factors.headline.foot]
value = { title = "Come on foot" }
[factors.image.map]
value = { image = "/map" }
[factors.image.photo]
value = { image = "/photo" }
[factors.image.none]
value = { image = "" }
cost = 0.1
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town that is read, whose placement nobody has approved yet."""
    folder = PLACED["declared"](tmp_path_factory.mktemp("terms") / "town", PEOPLE)
    PLACED["edit"](_placement(folder), r"(?s)\[policy\].*?\n\n", POLICY)
    PLACED["edit"](_placement(folder), r"\[variants.bus\]", f"[variants.bus]\ncost = {COST}")
    (folder / "streams").mkdir()
    (folder / "streams" / "site.toml").write_text(LOOP["STREAM"], "utf-8")
    PLACED["opened"](folder).ingest()
    return folder


@pytest.fixture
def opened(town: Path, tmp_path: Path) -> Iterator[Any]:
    """A site whose placement says more."""
    sites = list[Any]()

    def open_with(terms: str) -> Any:
        folder = PLACED["copy"](town, tmp_path / "town")
        path = _placement(folder)
        path.write_text(path.read_text("utf-8") + terms, "utf-8")
        deciding.approve(PLACED["opened"](folder), NAME, "Bea", "read it aloud")
        sites.append(LOOP["Site"](folder))
        return sites[-1]

    yield open_with
    for site in sites:
        site.inbox.close()


def _placement(folder: Path) -> Path:
    return folder / "placements" / f"{NAME}.toml"


def _people(site: Any) -> list[tuple[str, deciding.Answer]]:
    told = [(named, site.ask(named)) for named in PLACED["everybody"](PEOPLE)]
    return [(named, answer) for named, answer in told if answer.decision_id]


def _did(named: str, event: str) -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": named.partition("=")[2]}


def _see(site: Any, people: Sequence[tuple[str, deciding.Answer]], harmful: str = "") -> None:
    """All see what was decided; some do what is hoped for, and after `harmful` what is feared."""
    luck = np.random.default_rng(len(people))
    for named, answer in people:
        events = [LOOP["viewed"](named, answer)]
        for event, rate in (("Booked", 0.4), ("Praised", 0.3), ("Returned", 0.2)):
            events += [_did(named, event)] if luck.random() < rate else []
        events += [_did(named, "Complained")] if answer.variant == harmful and luck.random() < 0.5 else []
        site.tell(*events)


def _state(site: Any) -> State:
    return newest(site.ws.ledger, NAME, policy_of(streaming.placements_of(site.folder)[NAME]))


def _closings(site: Any) -> list[dict[str, Any]]:
    with site.ws.ledger.reading() as connection:
        return [row.content for row in log.about(connection, "closed", RECORD)]


def test_money_goals_and_harms_are_learned_to_the_bit_however_turns_are_cut(opened: Any):
    site = opened(BUDGET.format(60) + GOALS + GUARD)
    people = _people(site)[:160]
    for start in range(0, 160, 20):
        _see(site, people[start : start + 20], harmful="bus")
        site.learn()
        site.now += timedelta(minutes=7)
        for named, _ in people[start : start + 20 : 4]:
            site.tell(_did(named, "Praised"), _did(named, "Returned"))  # later than the first lesson
        site.learn()
        site.now += timedelta(hours=3)
    site.now += timedelta(hours=48)
    site.learn()
    learned, state, said = draws.policies.newest(site.ws.ledger, NAME), _state(site), _closings(site)
    assert learned is not None
    buses = sum(answer.variant == "bus" for _, answer in people)
    assert state.spent == buses * COST
    assert state.price > 0
    assert state.closed.tolist() == [True, False]
    assert [one["variant"] for one in said] == ["bus"]
    with site.ws.ledger.writing() as connection:
        connection.exec_driver_sql("DELETE FROM policies")
    site.learn()
    again = draws.policies.newest(site.ws.ledger, NAME)
    assert again is not None
    assert (again.version, again.digest) == (1, learned.digest)
    assert _closings(site) == said


def test_each_goal_counts_once_a_person_and_a_return_takes_away_what_it_weighs(opened: Any):
    site = opened(GOALS)
    (named, answer), *_ = [one for one in _people(site) if one[1].variant == "bus"]
    site.tell(LOOP["viewed"](named, answer), _did(named, "Booked"), _did(named, "Booked"))
    site.learn()
    assert _state(site).moment[0, 0] == 1.0
    site.now += timedelta(hours=2)
    site.tell(_did(named, "Returned"), _did(named, "Returned"))
    site.learn()
    assert _state(site).moment[0, 0] == pytest.approx(0.2, abs=1e-12)
    site.now += timedelta(hours=30)
    site.tell(_did(named, "Praised"))  # too late to be of this exposure
    site.learn()
    state = _state(site)
    assert (state.count.sum(), state.moment[0, 0]) == (1, pytest.approx(0.2, abs=1e-12))


def test_when_money_is_spent_the_dear_variant_is_shown_to_nobody_any_more(opened: Any):
    site = opened(BUDGET.format(10 * COST))
    with site.ws.ledger.reading() as connection:
        assert {row.content["budget"] for row in log.about(connection, "campaign", RECORD)} == {10 * COST}
    people = _people(site)
    dear = [one for one in people if one[1].variant == "bus"][:10]
    _see(site, dear[:9])
    site.learn()
    assert "bus" in {answer.variant for _, answer in _people(site)}
    site.now += timedelta(seconds=2)
    _see(site, dear[9:])
    site.learn()
    assert _state(site).spent == 10 * COST
    after = _people(site)
    assert {answer.variant for _, answer in after} == {"plain", "walk"}
    left = [answer for _, answer in after if answer.variant == "walk"]
    assert [answer.probability for answer in left] == pytest.approx([1 - PLACED["HOLDOUT"]] * len(left))
    assert site.ask(dear[0][0]).variant == "plain"


@pytest.mark.parametrize(
    ("said", "now"),
    [(f"cost = {COST}", "cost = 0.01"), (r"\[variants.bus\]", "[variants.coach]")],
)
def test_what_was_spent_stays_spent_whatever_is_declared_later(opened: Any, said: str, now: str):
    site = opened(BUDGET.format(60))
    people = _people(site)[:40]
    _see(site, people)
    site.learn()
    spent = sum(answer.variant == "bus" for _, answer in people) * COST
    assert _state(site).spent == spent > 0
    PLACED["edit"](_placement(site.folder), said, now)
    deciding.approve(site.ws, NAME, "Bea", "cheaper now")
    site.learn()
    assert _state(site).spent == spent


def test_before_and_after_its_time_a_budget_shows_everybody_the_generic_variant(opened: Any):
    site = opened(BUDGET.format(1000).replace("2026-11-20", "2026-11-22").replace("2026-12-20", "2026-11-22"))
    assert _people(site) == []
    site.now += timedelta(hours=12)
    site.decider.refresh()
    assert len(_people(site)) > 50
    site.now += timedelta(hours=24)
    site.decider.refresh()
    assert _people(site) == []


def test_a_variant_that_harms_is_closed_the_log_says_why_and_an_approval_opens_it(opened: Any):
    site = opened(GUARD)
    site.now += timedelta(minutes=1)
    people = _people(site)
    _see(site, people[:120], harmful="walk")
    site.learn()
    assert _closings(site) == [], "not before the clock shows the next look"
    site.now += timedelta(minutes=5)
    site.learn()
    (said,) = _closings(site)
    assert (said["variant"], said["event"], said["limit"]) == ("walk", "Complained", 0.02)
    assert said["rate"]["low"] > 0.02
    assert "did what is feared, 'Complained'" in said["reason"]
    assert verify(site.ws.ledger).problems == ()
    assert "walk" not in {answer.variant for _, answer in _people(site)}
    harmed = next(named for named, answer in people[:120] if answer.variant == "walk")
    site.ws.erase_person(harmed)
    with site.ws.ledger.writing() as connection:
        connection.exec_driver_sql("DELETE FROM policies")
    site.now += timedelta(hours=30)
    site.learn()
    assert "walk" not in {answer.variant for _, answer in _people(site)}, "whoever is forgotten"
    assert len(_closings(site)) == 1
    deciding.approve(site.ws, NAME, "Cem", "its words were changed on the site")
    site.learn()
    assert _state(site).harms.sum() == 0
    assert "walk" in {answer.variant for _, answer in _people(site)}


def test_who_objects_is_learned_nothing_from_and_counts_as_harmed(opened: Any):
    site = opened(GUARD)
    named, answer = next(one for one in _people(site) if one[1].variant == "bus")
    site.tell(LOOP["viewed"](named, answer), _did(named, "Complained"))
    site.learn()
    asked.wish(site.ws, LOOP["wishes"].WishKind.OBJECTED, named)
    site.now += timedelta(minutes=10)
    site.learn()
    state = _state(site)
    assert (state.count.sum(), state.shown.tolist(), state.harms.tolist()) == (0, [1, 0], [[1, 0]])


def test_factors_are_decided_and_learned_as_their_combinations(opened: Any):
    def combined(folder: Path) -> None:
        path = _placement(folder)
        text = path.read_text("utf-8")
        start, end = text.index("[variants.bus]"), text.index("[policy]")
        path.write_text(text[:start] + text[end:] + FACTORS, "utf-8")

    site = opened("")
    combined(site.folder)
    PLACED["edit"](_placement(site.folder), "exploration = 0.05", "exploration = 0.02")
    deciding.approve(site.ws, NAME, "Bea", "saw all six")
    site.decider.refresh()
    people = _people(site)
    shown = {answer.variant for _, answer in people} - {"plain"}
    assert shown == {f"{one}+{two}" for one in ("bus", "foot") for two in ("map", "photo", "none")}
    answer = next(answer for _, answer in people if answer.variant == "bus+photo")
    assert msgspec.json.decode(answer.value) == {"title": "Come by bus", "image": "/photo"}
    for one, told in people:
        site.tell(LOOP["viewed"](one, told), *([_did(one, "Booked")] if "bus" in told.variant else []))
    site.now += timedelta(hours=25)
    site.learn()
    state = _state(site)
    treated = sum(answer.variant != "plain" for _, answer in people)
    assert (state.count[:2].sum(), state.count[2:].sum()) == (treated, treated)
    assert state.mean[0, 0] > state.mean[1, 0] + 0.5
