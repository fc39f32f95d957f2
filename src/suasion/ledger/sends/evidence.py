"""Evidence: the facts that persons were judged by, written down to be sealed in receipts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import ClearanceError
from suasion.ledger.log import canonical


@dataclass(frozen=True, eq=False)
class Evidence:
    """The facts that persons were judged by.

    Parameters
    ----------
    key : bytes
        The workspace's, from which salts are made.
    persons : array of int64, shape (n,)
        Sorted.
    facts : pyarrow.Array of string, shape (n,)
        The facts of each as JSON.
    """

    key: bytes
    persons: npt.NDArray[np.int64]
    facts: pa.Array

    @staticmethod
    def of(key: bytes, facts: pa.Table) -> Evidence:
        """Write facts down.

        Parameters
        ----------
        key : bytes
        facts : pyarrow.Table
            Column ``person`` and one for each fact; one row a person.

        Examples
        --------
        >>> told = Evidence.of(b"key", pa.table({"person": [9, 3], "age": [40, None], "adult": [True, None]}))
        >>> told.texts([9, 3])
        ['{"adult":true,"age":40}', '{"adult":null,"age":null}']
        """
        ordered = facts.sort_by("person")
        names = sorted(name for name in facts.column_names if name != "person")
        parts = [_fragments(name, ordered[name].combine_chunks()) for name in names]
        joined = (
            pc.binary_join_element_wise(*parts, ",") if parts else pa.array([""] * len(ordered), pa.string())
        )
        braces = pa.scalar("{"), joined, pa.scalar("}"), pa.scalar("")
        return Evidence(key, ordered["person"].to_numpy(), pc.binary_join_element_wise(*braces))

    def texts(self, persons: Sequence[int]) -> list[str]:
        """The facts of persons.

        Raises
        ------
        ClearanceError
            There are none of one of them: nobody judged that person.
        """
        wanted = np.asarray(persons, np.int64)
        places = np.searchsorted(self.persons, wanted)
        known = places < len(self.persons)
        known[known] = self.persons[places[known]] == wanted[known]
        if not known.all():
            found = f"there are no facts of {int((~known).sum())} person(s) to be sealed in receipts"
            raise ClearanceError("a claim", found, "Judge the persons again.")
        return self.facts.take(pa.array(places)).to_pylist()


def _fragments(name: str, column: pa.Array) -> pa.Array:
    """``"name":value`` for each value, as JSON; each different value is written once."""
    coded = column.dictionary_encode("encode")
    said = [f"{json.dumps(name)}:{canonical(value)}" for value in _plain(coded.dictionary)]
    return pa.array(said, pa.string()).take(coded.indices)


def _plain(values: pa.Array) -> list[Any]:
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.string())
    return values.to_pylist()
