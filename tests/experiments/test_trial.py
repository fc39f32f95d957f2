"""A trial holds each permitted person of an experiment once, and says who was left out and why."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from suasion.errors import CampaignError
from suasion.experiments import Assignment, Design, Treatment, Trial, assemble

DESIGN = Design((Treatment("none"), Treatment("mail")), Assignment.RANDOMIZED)
FEW = 20


def records(rows: list[dict[str, Any]]) -> pa.Table:
    """Records: person, arm, outcome ``bought`` and, if given, the rest."""
    schema = pa.schema(
        [
            ("line", pa.int64()),
            ("person", pa.int64()),
            ("arm", pa.string()),
            ("probability", pa.float64()),
            ("household", pa.int64()),
            ("outcome:bought", pa.float64()),
            ("outcome:odd \"name'; --", pa.float64()),
        ]
    )
    blank = dict.fromkeys(schema.names) | {"line": 2}
    return pa.Table.from_pylist([blank | row for row in rows], schema)


def row(person: int, arm: str | None, bought: float | None = 1.0, **more: Any) -> dict[str, Any]:
    return {"person": person, "arm": arm, "outcome:bought": bought, **more}


def enough(start: int = 1000) -> list[dict[str, Any]]:
    """Just enough good rows of both arms."""
    return [row(start + i, ("none", "mail")[i % 2], float(i % 3)) for i in range(2 * FEW)]


def traits(persons: list[int], **columns: list[Any]) -> pa.Table:
    return pa.table({"person": pa.array(persons, pa.int64()), **(columns or {"age": [40] * len(persons)})})


def assembled(
    rows: list[dict[str, Any]], persons: list[int] | None = None, **more: Any
) -> tuple[Trial, dict]:
    found = sorted({one["person"] for one in rows})
    allowed = np.array(found if persons is None else persons, np.int64)
    known = more.pop("traits", traits(found))
    design, features = more.pop("design", DESIGN), more.pop("features", ["age"])
    return assemble(design, allowed, records(rows), known, features, more.pop("outcomes", ["bought"]))


def test_persons_come_sorted_with_what_they_got_and_did():
    rows = enough()
    trial, dropped = assembled(rows[::-1])
    assert dropped == {}
    assert trial.persons.tolist() == [one["person"] for one in rows]
    assert [DESIGN.names[arm] for arm in trial.arms] == [one["arm"] for one in rows]
    assert trial.outcomes["bought"].tolist() == [one["outcome:bought"] for one in rows]
    assert trial.features.to_pydict() == {"age": [40] * len(rows)}
    assert np.isnan(trial.received).all()
    assert trial.households is None


def test_everybody_who_is_left_out_is_counted_by_reason():
    rows = [
        *enough(),
        row(1, None),
        row(2, None, None),
        row(3, "mail", None),
        row(4, "phone"),
        row(5, "mail"),
    ]
    rows += [row(6, "mail"), row(6, "none"), row(7, None), row(7, "mail"), row(8, "mail", None), row(8, None)]
    asked = [one["person"] for one in enough()] + [1, 2, 3, 4, 6, 7, 8, 90, 91]
    trial, dropped = assembled(rows, asked)
    assert dropped == {
        "not in the experiment's source": 2,
        "more than one record in the experiment": 3,
        "no recorded treatment": 3,
        "no recorded outcome": 1,
    }
    assert len(trial.persons) == len(asked) - sum(dropped.values()) == len(enough())


def test_a_person_without_permission_is_not_in_the_trial():
    allowed = [one["person"] for one in enough()]
    trial, dropped = assembled([*enough(), row(5, "mail")], allowed)
    assert trial.persons.tolist() == allowed
    assert dropped == {}


def test_every_outcome_asked_for_must_be_known():
    other = "odd \"name'; --"
    rows = [one | {f"outcome:{other}": 2.0} for one in enough()] + [row(1, "mail")]
    trial, dropped = assembled(rows, outcomes=["bought", other])
    assert dropped == {"no recorded outcome": 1}
    assert trial.outcomes[other].tolist() == [2.0] * len(enough())


def test_a_trait_may_be_called_what_a_column_is_called():
    names = ["arm", "household", "probability", "known", "line", "traits", "r", "select"]
    persons = [one["person"] for one in enough()]
    known = traits(persons, **{name: [f"{name} {p}" for p in persons] for name in names})
    trial, _ = assembled(enough(), traits=known, features=names)
    assert trial.features.column_names == names
    assert trial.features["arm"].to_pylist() == [f"arm {p}" for p in persons]


def test_a_person_without_traits_stays_with_unknown_ones():
    trial, dropped = assembled(enough(), traits=traits([1000]))
    assert dropped == {}
    assert trial.features["age"].to_pylist() == [40] + [None] * (len(enough()) - 1)


def test_no_feature_is_fine():
    assert assembled(enough(), features=[])[0].features.num_columns == 0


def test_known_probabilities_are_those_of_the_arm_received():
    known = Design(DESIGN.treatments, Assignment.KNOWN, (0.75, 0.25))
    trial, _ = assembled(enough(), design=known)
    assert trial.received.tolist() == [0.25 if arm else 0.75 for arm in trial.arms]


def test_recorded_probabilities_are_kept_and_missing_ones_unknown():
    rows = [one | {"probability": 0.4 if i else None} for i, one in enumerate(enough())]
    trial, _ = assembled(rows)
    assert np.isnan(trial.received[0])
    assert (trial.received[1:] == 0.4).all()


def test_a_person_without_household_is_a_household_of_one():
    rows = [one | {"household": i // 4 if i < 20 else None} for i, one in enumerate(enough())]
    trial, _ = assembled(rows)
    assert trial.households is not None
    assert np.unique(trial.households[:20], return_counts=True)[1].tolist() == [4] * 5
    assert len(np.unique(trial.households)) == 5 + 20


def test_one_arm_only_is_refused():
    with pytest.raises(CampaignError, match="one arm only: none"):
        assembled(enough(), design=Design((Treatment("none"),), Assignment.RANDOMIZED))


def test_an_arm_that_nobody_got_is_refused_by_name():
    three = Design((*DESIGN.treatments, Treatment("call")), Assignment.RANDOMIZED)
    with pytest.raises(CampaignError, match="'call' has 0"):
        assembled(enough(), design=three)


def test_an_arm_without_outcomes_is_refused_by_name():
    rows = [one | ({"outcome:bought": None} if one["arm"] == "mail" else {}) for one in enough()]
    with pytest.raises(CampaignError, match=r"outcome bought are too few: 'mail' has 0\. Every arm"):
        assembled(rows)


def test_one_person_less_than_enough_is_too_few():
    with pytest.raises(CampaignError, match=f"'mail' has {FEW - 1}"):
        assembled(enough()[:-1])


@pytest.mark.parametrize("asked", [[], [1]])
def test_nobody_permitted_is_refused_clearly(asked: list[int]):
    with pytest.raises(CampaignError, match="'none' has 0, 'mail' has 0"):
        assembled(enough(), asked)
