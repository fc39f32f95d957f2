"""A correction changes one cell of the person's, in the type of its trait, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import InputError
from suasion.expressions import Type
from suasion.profiles import Trait
from suasion.rights.corrections import Correction, corrected, value_of
from suasion.rules import Category

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CATALOGUE = {
    "visits": Trait(type=Type.INTEGER, category=Category.BEHAVIOR, label="Visits"),
    "town": Trait(type=Type.TEXT, category=Category.PLACE, label="Town"),
}
ROWS = [{"person": 2 * i, "visits": i if i % 3 else None, "town": f"t{i}"} for i in range(1, 30)]
TABLE = pa.Table.from_pylist(ROWS)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 70),
            st.one_of(
                st.tuples(st.just("visits"), st.integers(-(2**62), 2**62).map(str)),
                st.tuples(st.just("town"), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
            ),
        ),
        max_size=20,
        unique_by=lambda one: (one[0], one[1][0]),
    )
)
def test_a_table_is_corrected_like_a_list(said: list[tuple[int, tuple[str, str]]]):
    expected = [dict(row) for row in ROWS]
    for person, (trait, text) in said:
        for row in expected:
            if row["person"] == person:
                value: Any = text.strip() or None
                row[trait] = int(value) if trait == "visits" else value
    made = corrected(TABLE, [Correction(p, trait, text, NOW) for p, (trait, text) in said], CATALOGUE)
    assert made.to_pylist() == expected
    assert made.schema == TABLE.schema


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Type.INTEGER, " 52 ", 52),
        (Type.NUMBER, "1.5", 1.5),
        (Type.BOOLEAN, "No", False),
        (Type.BOOLEAN, "yes", True),
        (Type.DATE, "1971-03-31", date(1971, 3, 31)),
        (Type.TEXT, "  Köln ", "Köln"),
        (Type.INTEGER, "  ", None),
    ],
)
def test_a_text_becomes_a_value_of_the_trait(kind: Type, text: str, value: Any):
    assert value_of("x", Trait(type=kind, category=Category.PLACE, label="X"), text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Type.INTEGER, "1.5"),
        (Type.INTEGER, str(2**63)),
        (Type.NUMBER, "nan"),
        (Type.NUMBER, "1e999"),
        (Type.BOOLEAN, "perhaps"),
        (Type.DATE, "31.3.1971"),
    ],
)
def test_a_value_of_another_type_is_refused_and_not_repeated(kind: Type, text: str):
    with pytest.raises(InputError) as refused:
        value_of("x", Trait(type=kind, category=Category.PLACE, label="X"), text)
    assert text not in str(refused.value)
