"""What a page that others may read says of a decision names traits, and no value of the person."""

from __future__ import annotations

from suasion.scores import explain
from suasion.stats import Estimate
from suasion.workspace.hinted import ALIKE, LOT, hints_of
from suasion.workspace.why import Explained


def _reason(column: int, label: str, share: float, told: str) -> explain.Reason:
    return explain.Reason(column, label, 777.0, share, 0.001, False, told)


REASONS = (
    _reason(0, '"Past visits"', 0.3, '"Past visits" is 777 for you'),
    _reason(1, "age", -0.2, "You are 777 years old"),
    _reason(2, '"Town"', 0.1, '"Town" is 777ville for you'),
    _reason(3, '"Income"', 0.0005, '"Income" is 777 for you'),
    _reason(4, '"Rest"', 0.05, '"Rest" is 777 for you'),
)
CHANGE = explain.Change((0, 2), (777.0, 777.0), (778.0, 1.0), 1.0, "If it were 778 instead of 777")
FOUND = Explained(
    "flu",
    "came",
    chosen="call",
    effect=777.7,
    average=0.1,
    interval=Estimate(777.7, 777.1, 777.9, 9, "m"),
    reasons=REASONS,
    change=CHANGE,
    sentences=("You are 777 years old: this lowered it.",),
)


def test_no_value_of_the_person_is_told():
    said = " ".join(hints_of(FOUND))
    assert "777" not in said
    assert "778" not in said


def test_the_strongest_reasons_and_the_change_are_told_by_name():
    assert hints_of(FOUND)[:5] == (
        "What a message is expected to change for you is above the average.",
        '"Past visits" raised it most.',
        "Your age lowered it too.",
        '"Town" raised it too.',
        'If "Past visits" and "Town" were other for you, the decision would have been another.',
    )


def test_what_hardly_mattered_is_not_told():
    assert "Income" not in " ".join(hints_of(FOUND))


def test_who_was_treated_like_everybody_hears_that():
    assert hints_of(Explained("flu", "came", effect=0.1, average=0.1, by_lot=True)) == (LOT, ALIKE)
    assert hints_of(Explained("flu", "came")) == ()
