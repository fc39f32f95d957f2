"""Nobody hears only one side: the promise is kept in every window, however long, and nobody is locked out."""

from collections import Counter
from contextlib import suppress
from itertools import pairwise, product
from math import floor, log2

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from suasion.allocation.plurality import (
    Plurality,
    Rule,
    closed_by_plurality,
    plurality_notes,
    recent,
)
from suasion.errors import CampaignError

seeds = st.integers(0, 2**32)
shares = st.sampled_from([0.5, 1 / 3, 0.3, 0.25, 0.2, 1 / 7, 0.1, 0.011]) | st.floats(0.01, 0.5)
entropies = st.sampled_from([0.1, 0.3, 0.5, 0.6]) | st.floats(0.01, 1)
DAYS = 10.0

Message = tuple[float, frozenset[int]]
"""When, and its tags; without any, it is one that nobody tagged."""


def as_rows(tagged: list[frozenset[int]], tags: int) -> np.ndarray:
    return np.array([[tag in one for tag in range(tags)] for one in tagged], bool).reshape(-1, tags)


def closed_now(
    streams: list[list[Message]], options: list[frozenset[int]], tags: int, rule: Rule, now: float
):
    """What is closed for whom, looked up as a plan does."""
    seen = [(i, said) for i, stream in enumerate(streams) for at, said in stream if at > now - DAYS]
    rows = np.array([i for i, _ in seen], np.int64)
    had = recent(rows, as_rows([said for _, said in seen], tags), len(streams), rule)
    return closed_by_plurality(had, as_rows(options, tags), rule)


def live(rng: np.random.Generator, options: list[frozenset[int]], tags: int, rule: Rule, rounds: int = 35):
    """Rounds in which people stubbornly get the first option that is open; some messages are untagged."""
    streams: list[list[Message]] = [[] for _ in range(3)]
    now, locked = 0.0, 0
    for _ in range(rounds):
        now += rng.exponential(rng.choice([0.2, 3.0]))
        closed = closed_now(streams, options, tags, rule, now)
        now += rng.exponential(0.1)  # planned first, sent later
        wish = rng.permutation(len(options)) if rng.random() < 0.3 else np.arange(len(options))
        for stream, shut in zip(streams, closed, strict=True):
            if rng.random() < 0.1:
                stream.append((now, frozenset()))
                continue
            free = [i for i in wish if not shut[i]]
            locked += not free
            if free:
                stream.append((now, options[free[0]]))
    return streams, locked


def stretches(stream: list[Message]):
    """Tags of all messages in a row that a window of so many days can hold."""
    tagged = [message for message in stream if message[1]]
    for i in range(len(tagged)):
        for j in range(i, len(tagged)):
            if tagged[j][0] - tagged[i][0] < DAYS:
                yield [said for _, said in tagged[i : j + 1]]


def others(stretch: list[frozenset[int]]) -> int:
    """Messages without the most frequent tag."""
    return len(stretch) - max(Counter(tag for said in stretch for tag in said).values())


def mixed(stretch: list[frozenset[int]], tags: int) -> float:
    counts = Counter(tag for said in stretch for tag in said)
    shares = [count / counts.total() for count in counts.values()]
    return -sum(share * log2(share) for share in shares) / log2(tags)


def subsets(rng: np.random.Generator, tags: int) -> list[frozenset[int]]:
    drawn = (rng.choice(tags, rng.integers(1, tags + 1), replace=False) for _ in range(5))
    return [frozenset(map(int, one)) for one in drawn]


# The promise.


def test_of_five_messages_one_is_another():
    rule = Plurality(30, least_share=0.2).rule(2)
    told, stream = [frozenset({0}), frozenset({1})], list[Message]()
    for turn in range(11):
        shut = closed_now([stream], told, 2, rule, turn / 10)[0]
        stream.append((turn / 10, told[int(shut[0])]))
    assert [min(said) for _, said in stream] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]


@settings(max_examples=40, deadline=None)
@given(seeds, shares, st.integers(2, 5))
@example(0, 0.3, 2)
def test_a_share_is_kept_in_every_window_and_every_other_stance_stays_open(
    seed: int, share: float, tags: int
):
    rule = Plurality(10, least_share=share).rule(tags)
    streams, locked = live(np.random.default_rng(seed), [frozenset({i}) for i in range(tags)], tags, rule)
    assert locked == 0
    for stream in streams:
        assert all(others(one) >= floor(share * len(one)) for one in stretches(stream))


@settings(max_examples=40, deadline=None)
@given(seeds, entropies, st.integers(2, 7))
@example(0, 0.5, 4)
def test_an_entropy_is_kept_in_every_window_and_nobody_is_locked_out(seed: int, least: float, tags: int):
    try:
        rule = Plurality(10, least_entropy=least).rule(tags)
    except CampaignError:
        assume(False)
        return
    streams, locked = live(np.random.default_rng(seed), [frozenset({i}) for i in range(tags)], tags, rule)
    assert locked == 0
    long = [one for stream in streams for one in stretches(stream) if len(one) >= rule.within]
    assert all(mixed(one, tags) >= least - 1e-9 for one in long)


@settings(max_examples=40, deadline=None)
@given(seeds, shares, st.integers(2, 5))
def test_a_share_of_topics_is_kept_where_messages_have_several(seed: int, share: float, tags: int):
    rng, rule = np.random.default_rng(seed), Plurality(10, least_share=share, of="topics").rule(tags)
    streams, _ = live(rng, subsets(rng, tags), tags, rule)
    for stream in streams:
        assert all(others(one) >= floor(share * len(one)) for one in stretches(stream))


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.05, 0.6), st.integers(3, 6))
def test_an_entropy_of_topics_is_kept_where_messages_have_several(seed: int, least: float, tags: int):
    rng = np.random.default_rng(seed)
    try:
        rule = Plurality(10, least_entropy=least, of="topics").rule(tags)
    except CampaignError:
        assume(False)
        return
    streams, _ = live(rng, subsets(rng, tags), tags, rule)
    long = [one for stream in streams for one in stretches(stream) if len(one) >= rule.within]
    assert all(mixed(one, tags) >= least - 1e-9 for one in long)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 8), st.integers(2, 5))
def test_nothing_is_closed_that_would_keep_the_promise(seed: int, one_in: int, tags: int):
    """Where the share is one in so many, every closed option would make some window too one-sided."""
    rule = Plurality(10, least_share=1 / one_in).rule(tags)
    told = [frozenset({i}) for i in range(tags)]
    streams, _ = live(np.random.default_rng(seed), told, tags, rule, rounds=25)
    now = max((at for stream in streams for at, _ in stream), default=0.0)
    for stream, shut in zip(streams, closed_now(streams, told, tags, rule, now), strict=True):
        for i in np.flatnonzero(shut):
            after = [*stream, (now, told[i])]
            assert any(others(one) < len(one) // one_in for one in stretches(after))


@settings(max_examples=100, deadline=None)
@given(seeds, st.integers(2, 6))
def test_what_shares_no_topic_with_the_latest_message_stays_open(seed: int, tags: int):
    rng, rule = np.random.default_rng(seed), Plurality(10, least_share=0.25).rule(tags)
    options = subsets(rng, tags)
    streams, _ = live(rng, options, tags, rule, rounds=12)
    now = max((at for stream in streams for at, _ in stream), default=0.0)
    for stream, shut in zip(streams, closed_now(streams, options, tags, rule, now), strict=True):
        last = next((said for _, said in reversed(stream) if said), frozenset[int]())
        assert not any(closed for option, closed in zip(options, shut, strict=True) if not option & last)


def test_a_past_that_was_one_sided_is_not_made_more_so():
    rule = Plurality(10, least_share=0.2).rule(2)
    past = [(0.0, frozenset({0}))] * 20
    assert closed_now([past], [frozenset({0}), frozenset({1})], 2, rule, 1.0).tolist() == [[True, False]]
    assert not closed_now([past], [frozenset({0})], 2, rule, 10.0).any(), "what is older does not count"


# Untagged messages.


def test_an_option_that_nobody_tagged_is_closed_for_everybody_and_said_to_be():
    options = as_rows([frozenset({0}), frozenset(), frozenset({1})], 2)
    closed = closed_by_plurality(np.array([[0, 0], [4, 0]]), options, Rule(4, 5))
    assert closed.tolist() == [[False, True, False], [True, True, False]]
    notes = plurality_notes(("call", "letter", "visit"), options, closed, "stance")
    assert [("letter" in note, "call" in note) for note in notes] == [(True, False), (False, False)]
    assert "To 1 people" in notes[1]
    assert plurality_notes(("call",), options[:1], closed[:1, :1], "stance") == ()


def test_where_nothing_is_tagged_everything_is_closed():
    nothing = np.zeros((2, 0), bool)
    rule = Plurality(30, least_share=0.2).rule(0)
    had = recent(np.array([0, 0, 1]), np.zeros((3, 0), bool), 4, rule)
    assert closed_by_plurality(had, nothing, rule).tolist() == [[True, True]] * 4


def test_untagged_messages_between_do_not_make_a_window_mixed():
    rule = Plurality(10, least_share=0.2).rule(2)
    stream = [(0.1 * i, frozenset({0}) if i % 2 else frozenset[int]()) for i in range(8)]
    assert closed_now([stream], [frozenset({0})], 2, rule, 1.0).tolist() == [[True]]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 2))), max_size=40), st.integers(2, 6))
def test_the_latest_messages_are_those_of_each_person_with_tags(
    messages: list[tuple[int, set[int]]], within: int
):
    rows = np.array([who for who, _ in messages], np.int64)
    had = recent(rows, as_rows([frozenset(said) for _, said in messages], 3), 5, Rule(1, within))
    for person in range(5):
        theirs = [said for who, said in messages if who == person and said][-(within - 1) :]
        assert had[person].tolist() == [sum(tag in said for said in theirs) for tag in range(3)]


# Rules.


@pytest.mark.parametrize(
    ("share", "rule"),
    [(0.5, (1, 2)), (1 / 3, (2, 3)), (0.3, (2, 3)), (0.2, (4, 5)), (0.1, (9, 10)), (0.01, (99, 100))],
)
def test_a_share_is_one_in_so_many(share: float, rule: tuple[int, int]):
    assert Plurality(30, least_share=share).rule(2) == Rule(*rule)


@pytest.mark.parametrize(
    ("least", "tags", "rule"),
    [(0.5, 2, (4, 5)), (0.9, 2, (1, 2)), (0.5, 3, (1, 2)), (0.5, 4, (1, 3)), (0.5, 10, (1, 6))],
)
def test_an_entropy_is_the_loosest_rule_that_keeps_it(least: float, tags: int, rule: tuple[int, int]):
    """By hand: shares of 8/9 and 1/9 have 0.503 bits, 2/3 and 1/3 0.918; two halves 1; 2/7 and 1/7 1.95."""
    assert Plurality(30, least_entropy=least).rule(tags) == Rule(*rule)


@settings(deadline=None)
@given(entropies, st.integers(2, 30))
def test_a_rule_leaves_somebody_a_stance_and_half_of_the_entropy_can_always_be_promised(
    least: float, tags: int
):
    promised = Plurality(30, least_entropy=least)
    if least <= 0.5:
        promised.rule(tags)
    with suppress(CampaignError):
        rule = promised.rule(tags)
        assert tags > (rule.within - 1) // rule.most


@pytest.mark.parametrize(("least", "tags"), [(0.01, 0), (0.01, 1), (0.95, 2), (0.7, 3), (1, 20)])
def test_an_entropy_that_would_lock_people_out_is_refused(least: float, tags: int):
    with pytest.raises(CampaignError, match=f"with {tags} different stance"):
        Plurality(30, least_entropy=least).rule(tags)


@settings(deadline=None)
@given(st.integers(2, 12))
def test_more_entropy_is_never_a_looser_rule(tags: int):
    rules: list[Rule] = []
    for least in np.linspace(0.02, 1, 50):
        try:
            rules.append(Plurality(30, least_entropy=float(least)).rule(tags))
        except CampaignError:
            break
    assert rules
    assert all(before.largest_share >= after.largest_share for before, after in pairwise(rules))


@pytest.mark.parametrize("share", [None, 0.009, 0.2, 0.51, float("nan")])
@pytest.mark.parametrize("least", [None, 0.0, 0.2, 1.01, float("nan")])
def test_plurality_is_one_measure_within_its_range(share: float | None, least: float | None):
    if (share, least) in ((0.2, None), (None, 0.2)):
        Plurality(30, share, least)
        return
    with pytest.raises(CampaignError):
        Plurality(30, share, least)


@pytest.mark.parametrize("rule", [Rule(1, 2), Rule(2, 3), Rule(1, 3), Rule(3, 4), Rule(2, 4), Rule(4, 5)])
def test_the_largest_share_is_that_of_the_worst_window(rule: Rule):
    """Against all orders of messages, with the tag and without, that keep to the rule."""
    worst = 0.0
    for length in range(rule.within, 2 * rule.within + 2):
        for order in product([0, 1], repeat=length):
            blocks = (order[i : i + rule.within] for i in range(length - rule.within + 1))
            if all(sum(block) <= rule.most for block in blocks):
                worst = max(worst, sum(order) / length)
    assert rule.largest_share == pytest.approx(worst)


@settings(deadline=None)
@given(st.data(), entropies, st.integers(2, 12))
def test_shares_that_a_rule_allows_have_the_entropy_it_promises(data: st.DataObject, least: float, tags: int):
    try:
        largest = Plurality(30, least_entropy=least).rule(tags).largest_share
    except CampaignError:
        assume(False)
        return
    shares, left = list[float](), 1.0
    for part in data.draw(st.lists(st.sampled_from([1.0, 0.5]) | st.floats(0, 1), max_size=12)):
        shares.append(part * min(largest, left))
        left -= shares[-1]
    while left > 1e-12:
        shares.append(min(largest, left))
        left -= shares[-1]
    assert entropy(shares, base=2) >= least * log2(tags) - 1e-9
