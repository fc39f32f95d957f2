"""Real logs: one policy judged on another's, and headlines shown by a bandit instead of evenly."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from suasion.allocation import policies
from suasion.allocation.policies import Kind, Policy
from suasion.learning import learn
from suasion.learning.ope import Evaluation, Logged, Method, evaluate, exact_sequence
from suasion.stats import Estimate, mean, proportion

DATA = Path(os.environ.get("SUASION_DATA", Path(__file__).parents[3] / "shared" / "data"))
ITEMS = 34


def columns(name: str, *wanted: str) -> list[np.ndarray]:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{name} is not in {DATA}")
    table = pq.read_table(path, columns=list(wanted))
    return [table[column].to_numpy() for column in wanted]


# --- the Open Bandit sample -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop() -> tuple[Logged, np.ndarray, Logged]:
    """The uniform log, what the Thompson policy would show there, and the log of that policy itself.

    Its probabilities hang on the place on the page and drift with time; their average by place is how often
    it showed each item there.
    """
    wanted = ("item_id", "position", "click", "propensity_score")
    items, places, clicks, received = columns("obd_random_men.parquet", *wanted)
    other = columns("obd_bts_men.parquet", *wanted)
    counts = np.zeros((3, ITEMS))
    np.add.at(counts, (other[1] - 1, other[0]), 1)
    target = (counts / counts.sum(axis=1, keepdims=True))[places - 1]
    even = np.full((len(items), ITEMS), 1 / ITEMS)
    bounds, features = (0.0, 1.0), np.eye(3)[places - 1]
    uniform = Logged(items, clicks.astype(float), received, even, features, bounds=bounds)
    own = Logged(other[0], other[2].astype(float), other[3], bounds=bounds, adaptive=True)
    return uniform, target, own


@pytest.mark.parametrize(
    ("method", "clip"), [("ips", None), ("snips", None), ("dr", None), ("switch", None), ("ips", 5.0)]
)
def test_thompson_is_told_from_the_uniform_log(
    shop: tuple[Logged, np.ndarray, Logged], method: Method, clip: float | None
):
    log, target, own = shop
    found, truth = evaluate(log, target, method, clip), proportion(int(own.rewards.sum()), own.n)
    assert found.estimate is not None, found.reason
    apart = abs(found.estimate.value - truth.value)
    side = found.estimate.high - found.estimate.value, truth.value - truth.low
    assert apart <= np.hypot(*side)
    assert found.estimate.low <= truth.value <= found.estimate.high
    assert found.unsupported == 0
    assert 1000 < found.ess < log.n
    assert found.largest_weight == pytest.approx(clip or ITEMS * target.max())
    if clip:
        assert found.clipped_share == pytest.approx((log.weights(target) > clip).mean())
        assert 0 < found.clipped_share < 0.2


def test_thompson_is_told_from_the_uniform_log_exactly(shop: tuple[Logged, np.ndarray, Logged]):
    log, target, own = shop
    looks = np.array([2500, 5000, 10_000])
    found = exact_sequence(log, target, looks, largest=ITEMS * float(target.max()))
    assert all(one.low <= own.rewards.mean() <= one.high for one in found)
    assert found[-1].high < 0.02


def test_the_uniform_policy_is_told_from_the_log_of_thompson_or_not_at_all(
    shop: tuple[Logged, np.ndarray, Logged],
):
    log, _, own = shop
    target = np.full((own.n, ITEMS), 1 / ITEMS)
    found: list[Evaluation] = [evaluate(own, target, method) for method in ("ips", "snips", "dr")]
    for one in found:
        assert one.unsupported is None  # the log holds no probabilities of what it did not show
        assert one.largest_weight > 100
        if one.estimate is None:
            assert one.reason
        else:
            assert one.estimate.low <= log.rewards.mean() <= one.estimate.high


# --- Upworthy's headlines -----------------------------------------------------------------------------

BROKEN = 1372118400, 1389398399
"""25 June 2013 to 10 January 2014: the archive's authors know its randomization to be broken."""
BATCHES, FLOOR, THIRD = 15, 0.1, 3


@dataclass(frozen=True)
class Tests:
    """Tests of headlines, padded to the most arms; the impressions of an arm come in random order."""

    __test__ = False
    impressions: np.ndarray
    clicks: np.ndarray

    @property
    def open(self) -> np.ndarray:
        return self.impressions > 0


@pytest.fixture(scope="module")
def headlines() -> Tests:
    return read(every=THIRD)


def read(every: int) -> Tests:
    """Every test, or every third, with two arms or more and 500 impressions of each."""
    names, shown, clicked = columns("upworthy_dev.parquet", "clickability_test_id", "impressions", "clicks")
    born = np.array([int(name[:8], 16) for name in names])
    sound = (born < BROKEN[0]) | (born > BROKEN[1])
    _, test = np.unique(names[sound], return_inverse=True)
    order = np.argsort(test, kind="stable")
    test, place = test[order], np.zeros(len(order), np.int64)
    firsts = np.flatnonzero(np.append(True, np.diff(test) > 0))
    place = np.arange(len(test)) - np.repeat(firsts, np.diff(np.append(firsts, len(test))))
    wide = np.zeros((2, test.max() + 1, place.max() + 1), np.int64)
    wide[0, test, place], wide[1, test, place] = shown[sound][order], clicked[sound][order]
    fit = ((wide[0] > 0).sum(axis=1) >= 2) & (np.where(wide[0] > 0, wide[0], 10**9).min(axis=1) >= 500)
    return Tests(wide[0, fit][::every], wide[1, fit][::every])


@dataclass(frozen=True)
class Course:
    """How a policy replayed the tests: decisions summed by batch, test and arm."""

    pulls: np.ndarray
    clicks: np.ndarray
    chances: np.ndarray


def replay(tests: Tests, luck: np.random.Generator, learns: bool) -> Course:
    """Each pull of an arm takes its next recorded impression: no impression is used twice, none is made up.

    As many in all as the smallest arm has, so that none runs out (Li, Chu, Langford, Wang 2011, WSDM, replay
    logs in this way). A Thompson policy of ours learns after every fifteenth part of a test.
    """
    n, k = tests.impressions.shape
    pulls, clicks, chances = (np.zeros((BATCHES, n, k)) for _ in range(3))
    for test in range(n):
        arms = int(tests.open[test].sum())
        names, even = tuple(map(str, range(arms))), np.full(arms, 1 / arms)
        policy = Policy(Kind.THOMPSON, names, exploration=FLOOR / arms, spread=0.12)
        state, left, won = policies.start(policy), tests.impressions[test, :arms], tests.clicks[test, :arms]
        size = left.min() // BATCHES
        for batch in range(BATCHES):
            chance = policies.probabilities(policy, state, NONE[:1], np.ones((1, arms), bool))[0]
            chance = chance if learns else even
            pull = luck.multinomial(size, chance)
            hit = luck.hypergeometric(won, left - won, pull)
            left, won = left - pull, won - hit
            if learns:
                shown = np.repeat(np.arange(arms), pull)
                clicked = np.concatenate([np.arange(p) < h for p, h in zip(pull, hit, strict=True)])
                state = learn(policy, state, NONE[: len(shown)], shown, clicked.astype(float), chance[shown])
            for kept, now in zip((pulls, clicks, chances), (pull, hit, chance), strict=True):
                kept[batch, test, :arms] = now
    return Course(pulls, clicks, chances)


NONE = np.zeros((100_000, 0))
"""Features of headlines' readers: nothing is known of them."""


def gain(tests: Tests, learning: Course) -> Estimate:
    """Clicks more than those of an equal split, as a share of them; tests are the independent units."""
    even = replay(tests, np.random.default_rng(2), learns=False)
    assert learning.pulls.sum() == even.pulls.sum()
    per_test = [one.clicks.sum(axis=(0, 2)) for one in (learning, even)]
    share = mean(per_test[0] - per_test[1]).times(1 / per_test[1].mean())
    print(f"clicks {per_test[0].sum():,.0f} against {per_test[1].sum():,.0f}: {share.scaled(100, 2)} %")
    return share


@pytest.fixture(scope="module")
def learning(headlines: Tests) -> Course:
    return replay(headlines, np.random.default_rng(1), learns=True)


def test_a_bandit_wins_clicks_over_an_equal_split_of_headlines(headlines: Tests, learning: Course):
    assert len(headlines.open) > 500
    assert gain(headlines, learning).low > 0


@pytest.mark.slow
def test_a_bandit_wins_clicks_over_an_equal_split_of_all_headlines():
    tests = read(every=1)
    assert len(tests.open) > 1500
    assert gain(tests, replay(tests, np.random.default_rng(1), learns=True)).low > 0.02


@pytest.mark.parametrize("method", ["ips", "snips", "dr"])
def test_the_equal_split_is_told_from_the_log_of_the_bandit(
    headlines: Tests, learning: Course, method: Method
):
    """What it would have earned is known: the mean of the arms. Tests are the persons of this log."""
    luck, take = np.random.default_rng(3), 40  # decisions of each batch and test that are looked at
    batches, n, k = learning.pulls.shape
    some = luck.permutation(n)[:150]
    rows = [
        one_batch(luck, learning, headlines, batch, test, take) for batch in range(batches) for test in some
    ]
    arms, clicks, chances, tests = (np.concatenate(part) for part in zip(*rows, strict=True))
    log = Logged(
        arms, clicks, chances[np.arange(len(arms)), arms], chances, clusters=tests, bounds=(0.0, 1.0),
        adaptive=True,
    )  # fmt: skip
    even = headlines.open / headlines.open.sum(axis=1, keepdims=True)
    rates = np.divide(headlines.clicks, headlines.impressions, out=np.zeros((n, k)), where=headlines.open)
    truth = float((even * rates).sum(axis=1)[tests].mean())
    found = evaluate(log, even[tests], method)
    assert found.estimate is not None, found.reason
    assert found.estimate.n == 150
    assert found.estimate.low <= truth <= found.estimate.high
    assert found.estimate.high - found.estimate.low < 0.02


def one_batch(
    luck: np.random.Generator, course: Course, tests: Tests, batch: int, test: int, take: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Decisions of one batch in random order, the first few: as if the batch had been so small."""
    pulls = course.pulls[batch, test].astype(int)
    arms = np.repeat(np.arange(len(pulls)), pulls)
    clicks = np.concatenate(
        [np.arange(pull) < hit for pull, hit in zip(pulls, course.clicks[batch, test], strict=True)]
    )
    picked = luck.permutation(len(arms))[:take]
    chances = np.tile(course.chances[batch, test], (len(picked), 1))
    return arms[picked], clicks[picked].astype(float), chances, np.full(len(picked), test)
