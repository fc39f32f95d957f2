"""Champion and challenger: shown, approved, live on a share, and back by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from runpy import run_path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from suasion.errors import CampaignError, DamageError
from suasion.ledger import draws, log
from suasion.workspace import deciding, streaming

LOOP = run_path(str(Path(__file__).with_name("test_loop.py")))
PLACED, NAME, NOW, PEOPLE = LOOP["PLACED"], LOOP["NAME"], LOOP["NOW"], LOOP["PEOPLE"]
Site, viewed, permitted = LOOP["Site"], LOOP["viewed"], LOOP["permitted"]
RECORD, HOLDOUT = f"placement:{NAME}", PLACED["HOLDOUT"]
DAY = timedelta(hours=25)
GUARDRAIL = """
[guardrails."Unsubscribed"]
limit = 0.05
confidence = 0.999999999999
"""
EVEN = '[policy]\nkind = "fixed"\nshares = { bus = 0.5, walk = 0.5 }\n\n'
BUS = '[challenger]\nkind = "fixed"\nshares = { bus = 0.9, walk = 0.1 }\nshare = 0.5\n\n'
WALK = BUS.replace("bus = 0.9, walk = 0.1", "bus = 0.1, walk = 0.9")
LEARNS = '[challenger]\nkind = "thompson"\nscales = { age = [50, 15] }\nshare = 0.5\n\n'
People = Sequence[tuple[str, deciding.Answer]]


def rewrite(site: Any, *parts: str) -> None:
    """What the file says of policies from now on."""
    path = site.folder / "placements" / f"{NAME}.toml"
    PLACED["edit"](path, r"(?s)\[policy\].*?(?=\[review\])", "".join(parts))
    site.decider.refresh()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town whose champion has shown everything to half of its people; coming by bus is what helps."""
    folder = PLACED["declared"](tmp_path_factory.mktemp("challenge") / "town", PEOPLE)
    (folder / "streams").mkdir()
    (folder / "streams" / "site.toml").write_text(LOOP["STREAM"], "utf-8")
    PLACED["edit"](
        folder / "placements" / f"{NAME}.toml", r"(?s)\[policy\].*?(?=\[review\])", EVEN + GUARDRAIL
    )
    ws = PLACED["opened"](folder)
    ws.ingest()
    deciding.approve(ws, NAME, "Bea", "read it aloud")
    site = Site(folder)
    with closing(site.inbox):
        people = permitted(site)
        see(site, people[: len(people) // 2], bus_helps)
    return folder


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Iterator[Any]:
    site = Site(PLACED["copy"](made, tmp_path / "town"))
    site.now += DAY
    site.count = 100_000
    with closing(site.inbox):
        site.streamer.turn(site.now)
        site.decider.refresh()
        yield site


def bus_helps(answer: deciding.Answer, luck: float) -> list[str]:
    return ["Booked"] if luck < {"bus": 0.6, "walk": 0.1}.get(answer.variant, 0.1) else []


def see(site: Any, people: People, does: Callable[[deciding.Answer, float], list[str]]) -> None:
    """All of them see what was decided, and do what they do."""
    luck = np.random.default_rng(site.count)
    events = list[dict[str, Any]]()
    for named, answer in people:
        events.append(viewed(named, answer))
        user = named.partition("=")[2]
        done = does(answer, luck.random())
        events += [{"type": "track", "event": event, "userId": user} for event in done]
    site.tell(*events)
    site.streamer.turn(site.now)


def fresh(site: Any) -> People:
    """Those who were shown nothing yet."""
    return [(named, answer) for named, answer in permitted(site) if answer.reason == deciding.SPLIT]


def decided(site: Any, answer: deciding.Answer) -> deciding.Decided:
    found = deciding.decided_by(site.ws.key, answer.decision_id or "", site.now)
    assert found is not None
    return found


def rows(site: Any, kind: str) -> list[log.LogRow]:
    return [row for row in log.rows(site.ws.ledger) if (row.kind, row.campaign) == (kind, RECORD)]


def go_live(site: Any, *parts: str) -> streaming.Compared:
    """Declare a challenger, compare, and approve what was shown."""
    rewrite(site, EVEN, *parts)
    found = streaming.compare(site.ws, NAME)
    deciding.approve(site.ws, NAME, "Bea", "saw the comparison", found.digest)
    site.decider.refresh()
    return found


def look(site: Any, by: streaming.Returner | None = None) -> tuple[str, ...]:
    """A look at the next minute."""
    site.now += timedelta(minutes=1)
    returner = by or streaming.Returner(site.ws.ledger, site.ws.lake)
    gone = returner.turn(streaming.placements_of(site.folder), site.now)
    site.decider.heed_log()
    return gone


def test_a_better_challenger_goes_live_only_when_it_was_shown_and_approved(site: Any):
    rewrite(site, EVEN, BUS)
    with pytest.raises(CampaignError, match=f"suasion placement compare {NAME}"):
        deciding.approve(site.ws, NAME, "Bea", "it looks good")
    found = streaming.compare(site.ws, NAME)
    assert found.comparison.may_go_live, found.comparison.text
    gain = found.comparison.gain.estimate
    assert gain is not None
    assert gain.low < 0.4 * 0.5 < gain.high, "0.4 more by bus, and there half a booking more"
    for wrong in (None, "0" * 32, found.digest[:-1]):
        with pytest.raises(CampaignError, match="--shown"):
            deciding.approve(site.ws, NAME, "Bea", "it looks good", wrong)
    site.decider.refresh()
    assert not fresh(site), "its file changed, and nobody approved that yet"
    deciding.approve(site.ws, NAME, "Bea", "saw the comparison", found.digest)
    site.decider.refresh()
    people = fresh(site)
    lanes = [decided(site, answer).trial for _, answer in people]
    assert 0.35 < np.mean(lanes) < 0.65
    mixed = {"plain": HOLDOUT, "bus": 0.7 * (1 - HOLDOUT), "walk": 0.3 * (1 - HOLDOUT)}
    assert all(answer.probability == pytest.approx(mixed[answer.variant]) for _, answer in people)
    by_bus = [answer.variant == "bus" for (_, answer), tried in zip(people, lanes, strict=True) if tried]
    assert np.mean(by_bus) > 0.7
    assert [row.content["digest"] for row in rows(site, "compared")] == [found.digest]
    assert rows(site, "approved")[-1].content["shown"] == found.digest
    assert site.ws.verify().problems == ()


def test_a_holdout_that_was_changed_keeps_no_challenger_from_being_compared(site: Any):
    PLACED["edit"](site.folder / "placements" / f"{NAME}.toml", r"holdout = .*", "holdout = 0.02")
    deciding.approve(site.ws, NAME, "Bea", "there are enough in the holdout")
    go_live(site, BUS)
    assert any(decided(site, answer).trial for _, answer in fresh(site))


def test_a_worse_challenger_does_not_go_live_whoever_approves_it(site: Any):
    rewrite(site, EVEN, WALK)
    found = streaming.compare(site.ws, NAME)
    assert not found.comparison.may_go_live
    with pytest.raises(CampaignError, match="speaks against it: It may be worse"):
        deciding.approve(site.ws, NAME, "Bea", "I like to walk", found.digest)


def test_one_that_learns_is_judged_on_what_it_had_not_learned_from(site: Any):
    rewrite(site, EVEN, LEARNS)
    found = streaming.compare(site.ws, NAME)
    assert found.comparison.may_go_live, found.comparison.text
    assert found.judged < found.told
    deciding.approve(site.ws, NAME, "Bea", "saw the comparison", found.digest)
    site.learner.turn(streaming.placements_of(site.folder), site.now)
    site.decider.refresh()
    tried = [answer for _, answer in fresh(site) if decided(site, answer).trial]
    assert {answer.policy for answer in tried} == {1}, "it knows what the champion's log taught"
    assert np.mean([answer.variant == "bus" for answer in tried]) > 0.7


def test_a_change_of_what_was_compared_needs_another_comparison(site: Any):
    rewrite(site, EVEN, BUS)
    found = streaming.compare(site.ws, NAME)
    rewrite(site, EVEN, BUS.replace("0.9, walk = 0.1", "0.8, walk = 0.2"))
    with pytest.raises(CampaignError, match="no comparison of exactly what its file says"):
        deciding.approve(site.ws, NAME, "Bea", "nearly the same", found.digest)


def test_a_comparison_that_the_log_has_outgrown_lets_nothing_go_live(site: Any):
    found = go_live(site, BUS)
    people = fresh(site)
    see(site, people[:10], bus_helps)
    site.now += DAY
    deciding.approve(site.ws, NAME, "Bea", "about as many as there were", found.digest)
    site.decider.refresh()
    see(site, fresh(site), lambda answer, luck: ["Booked"] if answer.variant == "walk" else [])
    site.now += DAY
    with pytest.raises(CampaignError, match=r"exposures whose horizon(.|\n)*suasion placement compare"):
        deciding.approve(site.ws, NAME, "Bea", "it was good once", found.digest)


def test_a_comparison_from_before_a_variant_was_switched_off_lets_nothing_go_live(site: Any):
    rewrite(site, EVEN, BUS)
    found = streaming.compare(site.ws, NAME)
    with site.ws.ledger.writing() as connection:
        log.append(connection, "closed", RECORD, {"variant": "bus"}, site.now)
    with pytest.raises(CampaignError, match="no comparison since 'bus' was switched off"):
        deciding.approve(site.ws, NAME, "Bea", "it was good once", found.digest)


def test_another_champion_is_refused_unless_it_was_live_as_the_challenger(site: Any):
    champion = BUS.replace("challenger", "policy").replace("share = 0.5\n", "")
    rewrite(site, champion)
    with pytest.raises(CampaignError, match=r"declare this one as \[challenger\]"):
        deciding.approve(site.ws, NAME, "Bea", "it is better, I know")
    go_live(site, BUS)
    rewrite(site, champion)
    deciding.approve(site.ws, NAME, "Bea", "it has shown that it is better")
    site.decider.refresh()
    assert {decided(site, answer).trial for _, answer in fresh(site)} == {False}
    rewrite(site, EVEN)
    deciding.approve(site.ws, NAME, "Bea", "back to the one before")


def test_what_a_challenger_learned_is_not_lost_when_it_becomes_the_champion(site: Any):
    go_live(site, LEARNS, GUARDRAIL)
    placements = streaming.placements_of(site.folder)
    assert site.learner.turn(placements, site.now).keys() == {NAME, f"{NAME}#challenger"}
    champion = LEARNS.replace("challenger", "policy").replace("share = 0.5\n", "")
    rewrite(site, champion, GUARDRAIL)
    deciding.approve(site.ws, NAME, "Bea", "it has shown that it is better")
    site.learner.turn(streaming.placements_of(site.folder), site.now)
    assert draws.policies.newest_number(site.ws.ledger, f"{NAME}#challenger") == 0
    site.decider.refresh()
    drawn = [answer.variant for _, answer in fresh(site) if answer.variant != "plain"]
    assert np.mean([variant == "bus" for variant in drawn]) > 0.7


def test_a_digest_without_a_challenger_is_refused(site: Any):
    with pytest.raises(CampaignError, match="a comparison, but no challenger"):
        deciding.approve(site.ws, NAME, "Bea", "as before", "0" * 32)


def test_where_nobody_was_shown_anything_there_is_nothing_to_compare_and_any_policy_begins(tmp_path: Path):
    folder = PLACED["copy"](PLACED["on_record"](tmp_path), tmp_path / "town")
    ws = PLACED["opened"](folder)
    path = folder / "placements" / f"{NAME}.toml"
    PLACED["edit"](path, r"(?s)\[policy\].*?(?=\[review\])", '[policy]\nkind = "thompson"\n\n')
    deciding.approve(ws, NAME, "Bea", "nobody saw anything yet")
    PLACED["edit"](path, r"(?s)\[review\]", f"{BUS}\n[review]")
    with pytest.raises(CampaignError, match="0 exposures whose 24 hours have passed"):
        streaming.compare(ws, NAME)


def test_one_that_harms_returns_by_itself_and_the_log_says_why(site: Any):
    go_live(site, BUS, GUARDRAIL)
    people = fresh(site)

    def harmed(answer: deciding.Answer, luck: float) -> list[str]:
        limit = 0.4 if decided(site, answer).trial and answer.variant != "plain" else 0.02
        return ["Unsubscribed"] if luck < limit else []

    assert look(site) == ()
    seen = 0
    for start in range(0, len(people), 20):
        see(site, people[start : start + 20], harmed)
        seen += sum(decided(site, answer).trial for _, answer in people[start : start + 20])
        if look(site):
            break
    assert seen < 60, "a harm eight times too frequent shows within sixty exposures"
    (row,) = rows(site, "returned")
    assert "Unsubscribed: harm shown" in " ".join(row.content["reasons"])
    rate = row.content["guardrails"][0]["rate"]
    assert 0.05 < rate["low"] < rate["value"] < rate["high"]
    assert not any(decided(site, answer).trial for _, answer in fresh(site))
    assert look(site) == ()
    assert len(rows(site, "returned")) == 1
    assert site.ws.verify().problems == ()


def test_the_streamer_that_serves_does_all_of_it(site: Any):
    go_live(site, BUS, GUARDRAIL)
    tried = [(named, answer) for named, answer in fresh(site) if decided(site, answer).trial]
    see(site, tried[:80], lambda answer, luck: ["Unsubscribed"] if luck < 0.5 else [])
    stop = Event()
    running = Thread(target=site.streamer.run, args=(stop, 0.1))
    running.start()
    try:
        end = time.monotonic() + 60
        while not rows(site, "returned"):
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        stop.set()
        running.join(60)
    assert not deciding.show(site.ws, NAME).challenge.trial


def test_one_that_harms_nobody_stays(site: Any):
    go_live(site, BUS, GUARDRAIL)
    returner = streaming.Returner(site.ws.ledger, site.ws.lake)
    people = fresh(site)
    for start in range(0, len(people), 50):
        see(site, people[start : start + 50], bus_helps)
        assert look(site, returner) == ()
    site.now += DAY
    assert look(site, returner) == ()
    assert not rows(site, "returned")


def test_one_that_brings_less_than_it_did_returns_by_itself(site: Any):
    go_live(site, BUS)

    def world_is_another(answer: deciding.Answer, luck: float) -> list[str]:
        return ["Booked"] if luck < {"walk": 0.9}.get(answer.variant, 0.05) else []

    see(site, fresh(site), world_is_another)
    assert look(site) == (), "nobody's horizon has passed"
    site.now += DAY
    assert look(site) == (NAME,)
    (row,) = rows(site, "returned")
    assert "It earns less than the champion" in row.content["reasons"][0]
    assert row.content["gain"]["high"] < 0


def test_it_comes_back_only_by_a_new_comparison_and_a_new_approval(site: Any):
    found = go_live(site, BUS)
    see(site, fresh(site), lambda answer, luck: ["Booked"] if answer.variant == "walk" else [])
    site.now += DAY
    assert look(site) == (NAME,)
    with pytest.raises(CampaignError, match="no comparison since it was returned"):
        deciding.approve(site.ws, NAME, "Bea", "it was fine before", found.digest)
    rewrite(site, BUS.replace("challenger", "policy").replace("share = 0.5\n", ""))
    with pytest.raises(CampaignError, match="no challenger that is live"):
        deciding.approve(site.ws, NAME, "Bea", "I want it all the same")


def test_killed_right_after_the_row_everybody_has_the_champion(site: Any):
    go_live(site, BUS)
    (row,) = [row for row in rows(site, "approved") if row.content["challenger"]]
    with site.ws.ledger.writing() as connection:
        said = {"content": row.content["content"], "approved": row.position, "reasons": ["it harmed"]}
        log.append(connection, "returned", RECORD, said, site.now)
    again = deciding.Decider(PLACED["opened"](site.folder, lambda: site.now))
    again.refresh()
    answers = [again.decide(NAME, named) for named in PLACED["everybody"](PEOPLE)]
    drawn = [answer for answer in answers if answer.reason == deciding.SPLIT]
    assert drawn
    assert not any(decided(site, answer).trial for answer in drawn)
    half = {"plain": HOLDOUT, "bus": (1 - HOLDOUT) / 2, "walk": (1 - HOLDOUT) / 2}
    assert all(answer.probability == pytest.approx(half[answer.variant]) for answer in drawn)


def test_another_process_returns_it_within_a_second(site: Any):
    go_live(site, BUS)
    other = deciding.Decider(PLACED["opened"](site.folder, lambda: site.now))
    other.start()
    try:
        assert other.served()[NAME].trial is not None
        with site.ws.ledger.writing() as connection:
            log.append(connection, "returned", RECORD, {"content": "", "reasons": ["it harmed"]}, site.now)
        end = time.monotonic() + 1
        while other.served()[NAME].trial is not None:
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        other.stop()


def test_who_writes_into_the_log_what_was_not_appended_gains_nothing(site: Any):
    rewrite(site, EVEN, WALK)
    found = streaming.compare(site.ws, NAME)
    (row,) = rows(site, "compared")
    forged = row.body.replace('"may_go_live":false', '"may_go_live":true')
    assert forged != row.body
    with site.ws.ledger.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER log_update")
        connection.exec_driver_sql("UPDATE log SET body = ? WHERE position = ?", (forged, row.position))
    with pytest.raises(DamageError, match="is not what was appended"):
        deciding.approve(site.ws, NAME, "Bea", "the log says so", found.digest)
    assert site.ws.verify().problems


def test_approved_again_it_goes_on_and_what_was_seen_still_counts(site: Any):
    found = go_live(site, BUS, GUARDRAIL)
    since = deciding.show(site.ws, NAME).challenge.since
    site.now += timedelta(hours=2)
    deciding.approve(site.ws, NAME, "Bea", "once more", found.digest)
    assert deciding.show(site.ws, NAME).challenge.since == since


def test_the_commands_lead_from_a_comparison_to_the_approval(site: Any, suasion_cli: Any, monkeypatch: Any):
    # The command reads the clock of the test: exposures of the future cannot be judged.
    opened = partial(PLACED["opened"], now=lambda: site.now)
    monkeypatch.setattr("suasion.cli.steps.open_workspace", lambda folder, **_: opened(folder))
    rewrite(site, EVEN, BUS)

    def said(*words: str) -> str:
        ended = suasion_cli("placement", *words, "-w", site.folder)
        assert ended.code == 0, ended.err
        return " ".join(ended.out.split())

    assert "Challenger: 'fixed', 50% of persons, margin 0 a decision; not live." in said("show", NAME)
    printed = said("compare", NAME)
    assert "the challenger (fixed) may go live in place of the champion (fixed)" in printed
    digest = rows(site, "compared")[-1].content["digest"]
    assert f"--shown {digest}" in printed
    again = json.loads(said("compare", NAME, "--json"))
    assert again["digest"] == digest, "the same log tells the same"
    said("approve", NAME, "--by", "Bea", "--why", "saw it", "--shown", digest)
    assert "live since" in said("show", NAME)
    told = json.loads(said("show", NAME, "--json"))
    assert told["challenger_live"]
    assert told["compared"]["digest"] == digest
