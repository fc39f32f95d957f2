"""Designs are those of the books, and effects those of an independent program."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import UndefinedError
from suasion.experiments.factorial import Factorial, Part, fraction, full, main_effects, optimal
from suasion.experiments.factorial.parts import d_efficiency, measured


def two_level(names: str) -> list[Part]:
    return [Part(name, ("-", "+")) for name in names]


MIXED = [
    Part("subject", ("short", "long", "none")),
    Part("opener", ("you", "we")),
    Part("ask", ("give", "join", "come", "tell")),
]


def words(made: Factorial) -> set[str]:
    return {"".join(word) for word in made.words or ()}


def signs(made: Factorial) -> set[str]:
    return {"".join(run) for run in made.runs}


# Box, Hunter, Hunter 2005, Statistics for Experimenters, 2nd ed., chapter 6 and table 6.22.
BOOKS = [
    ("ABC", 4, 3, {"ABC"}),
    ("ABCD", 8, 4, {"ABCD"}),
    ("ABCDE", 16, 5, {"ABCDE"}),
    ("ABCDE", 8, 3, {"ABD", "ACE", "BCDE"}),
    ("ABCDEF", 8, 3, {"ABD", "ACE", "BCF", "BCDE", "ACDF", "ABEF", "DEF"}),
    ("ABCDEF", 16, 4, {"ABCE", "BCDF", "ADEF"}),
]


@pytest.mark.parametrize(("names", "size", "resolution", "defining"), BOOKS)
def test_a_fraction_has_the_published_resolution_and_defining_relation(names, size, resolution, defining):
    made = fraction(two_level(names), size)
    assert len(made.runs) == len(set(made.runs)) == size
    assert made.resolution == resolution
    assert made.efficiency == pytest.approx(1)
    lengths = sorted(map(len, words(made)))
    assert lengths == sorted(map(len, defining))
    if (names, size) != ("ABCDEF", 16):  # the same up to the names of parts
        assert words(made) == defining


@pytest.mark.parametrize(
    ("names", "size", "resolution"),
    [("ABCDEF", 32, 6), ("ABCDEFG", 8, 3), ("ABCDEFG", 16, 4), ("ABCDEFG", 32, 4), ("ABCDEFGH", 16, 4)],
)
def test_a_fraction_has_the_resolution_of_the_table(names: str, size: int, resolution: int):
    assert fraction(two_level(names), size).resolution == resolution


def test_the_half_of_four_parts_has_the_published_runs_and_aliases():
    made = fraction(two_level("ABCD"), 8)
    assert signs(made) == {"----", "+--+", "-+-+", "++--", "--++", "+-+-", "-++-", "++++"}
    assert made.aliases("A") == (("B", "C", "D"),)
    assert made.aliases("D") == (("A", "B", "C"),)
    assert made.aliases("A", "B") == (("C", "D"),)
    assert made.aliases("A", "D") == (("B", "C"),)
    assert not any(made.mixed.values())
    assert "A x B = C x D; A x C = B x D; A x D = B x C" in made.sentence


def test_the_sixteenth_of_seven_parts_has_the_published_runs_and_aliases():
    made = fraction(two_level("ABCDEFG"), 8)
    assert signs(made) == {
        "---+++-", "+----++", "-+--+-+", "++-+---", "--++--+", "+-+-+--", "-++--+-", "+++++++",
    }  # fmt: skip
    short = {name: {"".join(pair) for pair in pairs} for name, pairs in made.mixed.items()}
    assert short == {
        "A": {"BD", "CE", "FG"},
        "B": {"AD", "CF", "EG"},
        "C": {"AE", "BF", "DG"},
        "D": {"AB", "CG", "EF"},
        "E": {"AC", "BG", "DF"},
        "F": {"AG", "BC", "DE"},
        "G": {"AF", "BE", "CD"},
    }
    assert (
        "resolution III: what a part does is mixed with what pairs do together: A with B x D" in made.sentence
    )


def test_the_quarter_of_five_parts_has_the_published_aliases():
    made = fraction(two_level("ABCDE"), 8)
    assert made.aliases("A") == (("B", "D"), ("C", "E"), ("A", "B", "C", "D", "E"))
    assert made.aliases("B", "C") == (("D", "E"), ("A", "B", "E"), ("A", "C", "D"))


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 7), st.data())
def test_the_words_hold_in_the_runs(count: int, data: st.DataObject):
    parts = two_level("ABCDEFG"[:count])
    size = 2 ** data.draw(st.integers(count.bit_length(), count - 1))
    made = fraction(parts, size)
    plus = 2 * made.levels - 1
    for size_of in range(1, count + 1):
        for word in combinations(range(count), size_of):
            constant = len(set(plus[:, word].prod(axis=1).tolist())) == 1
            assert constant == (tuple(parts[i].name for i in word) in (made.words or ()))


def test_a_forbidden_combination_is_avoided_by_the_other_half():
    forbidden = [{"A": "+", "B": "+", "C": "+", "D": "+"}]
    made = fraction(two_level("ABCD"), 8, forbidden)
    assert "++++" not in signs(made)
    assert made.resolution == 4
    with pytest.raises(UndefinedError, match="Take `optimal`"):
        fraction(two_level("ABCD"), 8, [{"A": "+", "B": "+"}])


def test_all_combinations_tell_everything_apart():
    made = full(MIXED)
    assert len(made.runs) == len(set(made.names)) == 24
    assert made.efficiency == pytest.approx(1)
    assert made.aliases("subject") == ()
    assert not any(made.mixed.values())


def test_forbidden_combinations_are_left_out_and_what_that_mixes_is_said():
    made = full(MIXED, [{"subject": "none", "ask": "tell"}, {"opener": "we", "ask": "tell"}])
    assert len(made.runs) == 24 - 2 - 3 + 1
    assert not [run for run in made.runs if run[2] == "tell" and (run[0] == "none" or run[1] == "we")]
    assert made.efficiency < 1
    assert ("subject", "ask") in made.mixed["subject"]
    assert "mixed in part with what pairs do together" in made.sentence


@pytest.mark.parametrize("size", [4, 5, 6, 7])
def test_the_optimal_choice_is_the_best_of_all_choices(size: int):
    parts = [Part("a", ("0", "1", "2")), *two_level("BC")][: 3 if size > 4 else 2]
    every = full(parts).levels
    best = max(d_efficiency(parts, every[list(rows)]) for rows in combinations(range(len(every)), size))
    assert optimal(parts, size, seed=1).efficiency == pytest.approx(best)


def test_where_a_regular_fraction_exists_the_optimal_choice_is_as_good():
    assert optimal(two_level("ABCDEFG"), 8, seed=3, starts=30).efficiency == pytest.approx(1)
    assert optimal(MIXED, 24, seed=0).efficiency == pytest.approx(1)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 100), st.integers(7, 18))
def test_an_optimal_choice_is_of_allowed_and_different_treatments(seed: int, size: int):
    forbidden = [{"subject": "none", "ask": "tell"}]
    made = optimal(MIXED, size, seed, forbidden, starts=2)
    assert len(made.runs) == len(set(made.runs)) == size
    assert not [run for run in made.runs if run[0] == "none" and run[2] == "tell"]
    assert 0 < made.efficiency <= 1 + 1e-12
    assert made == optimal(MIXED, size, seed, forbidden, starts=2)


def some_trial(made: Factorial, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels and outcomes in which parts add up, of very unequal variances."""
    rng = np.random.default_rng(seed)
    arms = rng.permutation(np.arange(n) % len(made.runs))
    levels = made.levels[arms]
    worth = levels @ np.arange(1, levels.shape[1] + 1) / 4
    return levels, worth + rng.normal(size=n) * (0.2 + (levels[:, 0] == 0))


def effect_coded(levels: np.ndarray, parts: list[Part], pairs: list[tuple[int, int]]) -> np.ndarray:
    """By formulas' "Sum" contrasts, spelled out."""
    each = []
    for i, part in enumerate(parts):
        own = [(levels[:, i] == j).astype(float) - (levels[:, i] == len(part.levels) - 1)
               for j in range(len(part.levels) - 1)]  # fmt: skip
        each.append(np.stack(own, axis=1))
    both = [(each[a][:, :, None] * each[b][:, None, :]).reshape(len(levels), -1) for a, b in pairs]
    return np.column_stack([np.ones(len(levels)), *each, *both])


def test_effects_and_their_intervals_are_those_of_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    levels, outcomes = some_trial(full(MIXED), 240, 1)
    theirs = api.OLS(outcomes, effect_coded(levels, MIXED, [(0, 1)])).fit(cov_type="HC2", use_t=True)
    ours = main_effects(MIXED, levels, outcomes, pairs=[("subject", "opener")])
    assert ours.aliased == ()
    keys = [
        ("subject", "short"),
        ("subject", "long"),
        ("opener", "you"),
        *[("ask", a) for a in MIXED[2].levels[:3]],
    ]
    table = theirs.conf_int()
    for i, key in enumerate(keys, start=1):
        found = ours.levels[key]
        assert found.value == pytest.approx(theirs.params[i], abs=1e-9)
        assert (found.low, found.high) == pytest.approx(tuple(table[i]), abs=1e-9)
    last = theirs.t_test(np.array([0, -1, -1, 0, 0, 0, 0, 0, 0]))
    found = ours.levels["subject", "none"]
    assert found.value == pytest.approx(float(last.effect[0]), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(last.conf_int()[0]), abs=1e-9)
    pair = ours.pairs[("subject", "long"), ("opener", "you")]
    assert pair.value == pytest.approx(theirs.params[8], abs=1e-9)
    assert (pair.low, pair.high) == pytest.approx(tuple(table[8]), abs=1e-9)


def test_errors_of_households_are_those_of_the_definition():
    levels, outcomes = some_trial(fraction(two_level("ABCD"), 8), 90, 2)
    households = np.random.default_rng(3).integers(0, 40, 90) * 17
    x = effect_coded(levels, two_level("ABCD"), [])
    inverse = np.linalg.inv(x.T @ x)
    residuals = outcomes - x @ (inverse @ x.T @ outcomes)
    meat = np.zeros_like(inverse)
    for household in np.unique(households):
        rows = x[households == household]
        values, vectors = np.linalg.eigh(np.eye(len(rows)) - rows @ inverse @ rows.T)
        score = rows.T @ vectors @ np.diag(values**-0.5) @ vectors.T @ residuals[households == household]
        meat += np.outer(score, score)
    errors = np.sqrt(np.diag(inverse @ meat @ inverse))[1:]
    ours = main_effects(two_level("ABCD"), levels, outcomes, households)
    count = len(np.unique(households))
    from_t = pytest.importorskip("scipy.stats").t.ppf(0.975, count - 5)
    for name, error in zip("ABCD", errors, strict=True):
        found = ours.levels[name, "-"]
        assert found.n == count
        assert (found.high - found.low) / 2 == pytest.approx(error * from_t)
        assert "CR2" in found.method


def test_people_each_in_a_household_of_their_own_are_people():
    levels, outcomes = some_trial(full(MIXED), 100, 4)
    alone, housed = (main_effects(MIXED, levels, outcomes, units) for units in (None, np.arange(100)[::-1]))
    assert alone == housed


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_the_effects_of_a_part_sum_to_nothing(seed: int):
    levels, outcomes = some_trial(full(MIXED), 120, seed)
    found = main_effects(MIXED, levels, outcomes, pairs=[("ask", "opener")])
    for part in MIXED:
        assert sum(found.levels[part.name, level].value for level in part.levels) == pytest.approx(
            0, abs=1e-9
        )
    assert len(found.pairs) == 8
    assert sum(estimate.value for estimate in found.pairs.values()) == pytest.approx(0, abs=1e-9)


def test_effects_without_noise_are_the_truth_even_from_a_fraction():
    made = optimal(MIXED, 9, seed=1)
    truth = [
        {"short": 1.0, "long": 0.5, "none": -1.5},
        {"you": 2.0, "we": -2.0},
        dict.fromkeys(MIXED[2].levels, 0.0),
    ]
    worth = np.array([sum(t[level] for t, level in zip(truth, run, strict=True)) for run in made.runs])
    noise = np.tile([1.0, -1.0], 9 * 10)
    found = main_effects(MIXED, np.repeat(made.levels, 20, axis=0), np.repeat(worth, 20) + 7 + noise)
    for part, levels in zip(MIXED, truth, strict=True):
        for level, value in levels.items():
            assert found.levels[part.name, level].value == pytest.approx(value, abs=1e-9)


def test_intervals_hold_the_truth_as_often_as_they_say():
    parts, runs, held = two_level("ABC"), 300, 0
    made = fraction(parts, 4)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        levels = made.levels[rng.permutation(np.arange(40) % 4)]
        homes = np.arange(40) // 2
        outcomes = (2 * levels[:, 0] - 1) * 0.5 + rng.normal(size=20)[homes] + rng.normal(size=40)
        found = main_effects(parts, levels, outcomes, homes).levels["A", "+"]
        held += found.low <= 0.5 <= found.high
    assert 0.91 <= held / runs <= 0.99


def test_a_pair_that_a_fraction_mixes_with_a_part_is_said_and_not_estimated():
    levels, outcomes = some_trial(fraction(two_level("ABC"), 4), 40, 1)
    found = main_effects(two_level("ABC"), levels, outcomes, pairs=[("A", "B")])
    assert {name for name, _ in found.levels} == {"A", "B"}
    assert not found.pairs
    assert "C is not estimated: these messages cannot tell it from A x B." in found.aliased
    assert "A x B is not estimated: these messages cannot tell it from C." in found.aliased
    assert "A holds some of B x C, if there is such an effect." in found.aliased


def test_a_pair_that_another_pair_is_mixed_with_is_estimated_with_a_warning():
    levels, outcomes = some_trial(fraction(two_level("ABCD"), 8), 80, 1)
    found = main_effects(two_level("ABCD"), levels, outcomes, pairs=[("B", "A")])
    assert len(found.levels) == 8
    assert len(found.pairs) == 4
    assert found.aliased == ("A x B holds some of C x D, if there is such an effect.",)
    both = main_effects(two_level("ABCD"), levels, outcomes, pairs=[("A", "B"), ("C", "D")])
    assert not both.pairs
    assert len(both.aliased) == 2


def test_two_parts_that_always_came_together_are_not_told_apart():
    levels = np.array([[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]] * 5)
    outcomes = np.random.default_rng(1).normal(size=20)
    found = main_effects(two_level("ABC"), levels, outcomes)
    assert {name for name, _ in found.levels} == {"C"}
    assert found.aliased[:2] == (
        "A is not estimated: these messages cannot tell it from B.",
        "B is not estimated: these messages cannot tell it from A.",
    )


def test_a_part_with_one_level_sent_is_not_estimated():
    levels = np.array([[0, 0], [1, 0]] * 5)
    found = main_effects(two_level("AB"), levels, np.random.default_rng(1).normal(size=10))
    assert {name for name, _ in found.levels} == {"A"}
    assert "B is not estimated: these messages cannot tell it from the average." in found.aliased


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Part("a", ("x",)),
        lambda: Part("a", ("x", "x")),
        lambda: full([]),
        lambda: full([*two_level("A"), *two_level("A")]),
        lambda: full(two_level("AB"), [{"C": "+"}]),
        lambda: full(two_level("AB"), [{"A": "?"}]),
        lambda: full(two_level("AB"), [{}]),
        lambda: full(two_level("AB"), [{"A": "+"}]),
        lambda: full(two_level("ABCDEFGHIJKLMNOPQR")),
        lambda: fraction(MIXED, 8),
        lambda: fraction(two_level("ABCD"), 6),
        lambda: fraction(two_level("ABCD"), 16),
        lambda: fraction(two_level("ABCD"), 4),
        lambda: optimal(MIXED, 6, seed=0),
        lambda: optimal(MIXED, 25, seed=0),
        lambda: optimal(MIXED, 8, seed=0).aliases("subject"),
        lambda: measured(two_level("AB"), np.array([[0, 0], [1, 1]]), None),
        lambda: main_effects(two_level("AB"), np.zeros((3, 1), int), np.zeros(3)),
        lambda: main_effects(two_level("AB"), np.full((3, 2), 2), np.zeros(3)),
        lambda: main_effects(two_level("AB"), np.array([[0, 0], [0, 1], [1, 0]]), np.zeros(3)),
        lambda: main_effects(two_level("AB"), np.zeros((9, 2), int), np.full(9, np.nan)),
        lambda: main_effects(two_level("AB"), np.zeros((9, 2), int), np.zeros(9), pairs=[("A", "A")]),
        lambda: main_effects(two_level("AB"), np.zeros((9, 2), int), np.zeros(9), pairs=[("A", "C")]),
    ],
)
def test_what_has_no_answer_is_refused(ask):
    with pytest.raises(UndefinedError):
        ask()


def test_one_person_who_alone_decides_an_effect_is_no_evidence():
    levels = np.array([[0, 0], [0, 1], [1, 0]] + [[0, 0], [0, 1]] * 5)
    with pytest.raises(UndefinedError, match="alone decides"):
        main_effects(two_level("AB"), levels, np.random.default_rng(0).normal(size=13))


def test_dozens_of_messages_come_from_few_parts():
    parts = [
        Part("subject", tuple("abcd")),
        Part("opener", tuple("abc")),
        Part("ask", tuple("abc")),
        *two_level("PQ"),
    ]
    made = optimal(parts, 24, seed=1, starts=2)
    assert made.efficiency > 0.9
    assert len(list(product(*(part.levels for part in parts)))) == 144
