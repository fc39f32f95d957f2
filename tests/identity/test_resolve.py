"""Records that share an identifier, directly or through others, are one person, for good."""

from collections import defaultdict
from collections.abc import Mapping

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.identity import Resolution, resolve

Row = dict[str, str | None]
Files = dict[str, list[Row]]


def tables(files: Mapping[str, list[Row]]) -> dict[str, pa.Table]:
    """Each file as a table of text columns, all rows with the same keys."""
    made: dict[str, pa.Table] = {}
    for name, rows in files.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        made[name] = pa.table({c: pa.array([row.get(c) for row in rows], pa.string()) for c in columns})
    return made


def resolved(files: Mapping[str, list[Row]], known: Resolution | None = None) -> Resolution:
    return resolve(tables(files), known.identities if known else None)


def ids(files: Mapping[str, list[Row]], known: Resolution | None = None) -> dict[str, list[int]]:
    return {name: found.tolist() for name, found in resolved(files, known).persons.items()}


def test_the_same_identifier_in_two_files_is_one_person():
    assert ids({"a": [{"id:voter": "7"}, {"id:voter": "8"}], "b": [{"id:voter": "8"}]}) == {
        "a": [1, 2],
        "b": [2],
    }


def test_only_the_exact_identifier_counts():
    spellings = ["x7", "X7", " x7", "x7 ", "07", "7", "7.0", "é", "e\u0301"]
    assert ids({"a": [{"id:voter": value} for value in spellings]}) == {"a": list(range(1, 10))}


def test_the_same_value_of_another_kind_is_another_person():
    assert ids({"a": [{"id:voter": "7"}], "b": [{"id:member": "7"}]}) == {"a": [1], "b": [2]}


def test_links_reach_through_other_files():
    files: Files = {
        "voters": [{"id:voter": "v1"}],
        "members": [{"id:member": "m1", "id:phone": "p1"}],
        "bridge": [{"id:voter": "v1", "id:card": "c1"}],
        "cards": [{"id:card": "c1", "id:member": "m1"}, {"id:card": "c2", "id:member": None}],
    }
    assert ids(files) == {"voters": [1], "members": [1], "bridge": [1], "cards": [1, 2]}


def test_contact_details_do_not_link():
    shared = {"contact:email": "family@example.org", "contact:phone": "+49 1"}
    files: Files = {
        "a": [{"id:voter": "1", **shared}, {"id:voter": "2", **shared}],
        "b": [{"id:member": "3", **shared}],
    }
    assert ids(files) == {"a": [1, 2], "b": [3]}
    first = resolved(files)
    assert ids({"b": [{"id:member": "4", **shared}]}, first) == {"b": [4]}


def test_an_identifier_and_a_contact_detail_of_one_kind_do_not_link():
    files: Files = {
        "a": [{"id:email": "x@example.org"}],
        "b": [{"id:voter": "1", "contact:email": "x@example.org"}],
    }
    assert ids(files) == {"a": [1], "b": [2]}


def test_missing_identifiers_link_nobody():
    rows: list[Row] = [{"id:voter": None, "id:member": "1"}, {"id:voter": None, "id:member": "2"}]
    assert ids({"a": rows}) == {"a": [1, 2]}


def test_identities_hold_each_value_once_with_its_role_and_source():
    row: Row = {"id:voter": "7", "contact:email": "x@example.org"}
    found = resolved({"a": [row, row], "b": [{"id:voter": "7"}]})
    again = resolved({"a": [row]}, found)
    wanted = {
        (1, "identifier", "voter", "7", "a"),
        (1, "identifier", "voter", "7", "b"),
        (1, "contact", "email", "x@example.org", "a"),
    }
    for identities in (found.identities, again.identities):
        rows = [tuple(one.values())[:5] for one in identities.to_pylist()]
        assert len(rows) == len(wanted)
        assert set(rows) == wanted


def test_a_known_person_keeps_the_id_in_any_order_of_files():
    files: Files = {"a": [{"id:voter": "1"}, {"id:voter": "2"}], "b": [{"id:member": "x"}, {"id:voter": "2"}]}
    first = resolved(files)
    turned = {name: rows[::-1] for name, rows in reversed(files.items())}
    again = resolved(turned, first)
    assert again.merged == 0
    for name, found in again.persons.items():
        assert found[::-1].tolist() == first.persons[name].tolist()


def test_a_person_whose_file_is_gone_is_still_known():
    first = resolved({"a": [{"id:voter": "1"}, {"id:voter": "2"}]})
    second = resolved({"b": [{"id:voter": "9"}]}, first)
    assert second.persons["b"].tolist() == [3]
    assert ids({"c": [{"id:voter": "2"}]}, second) == {"c": [2]}


def test_persons_who_turn_out_to_be_one_are_counted_and_keep_the_smallest_id():
    first = resolved({"a": [{"id:voter": "1"}], "b": [{"id:member": "m"}, {"id:member": "n"}]})
    bridge: Files = {"c": [{"id:voter": "1", "id:member": "n"}, {"id:voter": "5", "id:member": None}]}
    second = resolved(bridge, first)
    assert (second.persons["c"].tolist(), second.merged) == ([1, 4], 1)
    assert set(second.identities["person"].to_pylist()) == {1, 2, 4}
    assert ids({"b": [{"id:member": "n"}]}, second) == {"b": [1]}


def test_a_number_that_a_merge_set_free_is_never_given_to_somebody_else():
    first = resolved({"a": [{"id:voter": "1"}], "b": [{"id:member": "m"}]})
    second = resolved({"c": [{"id:voter": "1", "id:member": "m"}]}, first)
    assert second.merged == 1
    assert ids({"d": [{"id:voter": "new"}]}, second) == {"d": [3]}


def test_a_person_known_by_contact_alone_keeps_the_number_to_themselves():
    first = resolved({"a": [{"id:voter": "1"}, {"id:voter": None, "contact:email": "x@example.org"}]})
    assert first.persons["a"].tolist() == [1, 2]
    assert ids({"b": [{"id:voter": "new"}]}, first) == {"b": [3]}


def test_no_files_and_empty_files_resolve_to_nobody():
    assert resolved({}).identities.num_rows == 0
    empty = resolve({"a": pa.table({"id:voter": pa.array([], pa.string())})}, None)
    assert empty.persons["a"].tolist() == []
    assert ids({"a": [{"id:voter": "1"}]}, empty) == {"a": [1]}


def test_an_id_says_nothing_about_the_identifier():
    one = ids({"a": [{"id:voter": "123456"}, {"id:voter": "9"}]})
    other = ids({"a": [{"id:voter": "9"}, {"id:voter": "123456"}]})
    assert one == other == {"a": [1, 2]}


values = st.sampled_from([None, None, "1", "2", "3", "4", "5", "6"])
row = st.fixed_dictionaries(
    {"id:voter": values, "id:member": values, "id:phone": values, "contact:email": values}
)
linked = row.filter(lambda one: any(one[c] for c in one if c.startswith("id:")))
ingest = st.dictionaries(st.sampled_from("abc"), st.lists(linked, min_size=1, max_size=6), max_size=3)


def groups(rows: list[Row]) -> list[set[tuple[str, str]]]:
    """Identifiers by person, found the slow way: join groups that touch until none do."""
    found: list[set[tuple[str, str]]] = []
    for one in rows:
        group = {(c, v) for c, v in one.items() if v and c.startswith("id:")}
        touching = [other for other in found if other & group]
        found = [other for other in found if not other & group] + [group.union(*touching)]
    return found


@settings(deadline=None)
@given(st.lists(ingest, min_size=1, max_size=4))
def test_after_any_history_persons_are_what_the_slow_way_finds(history: list[Files]):
    known: Resolution | None = None
    seen: list[Row] = []
    given_out = 0
    person_of: dict[tuple[str, str], int] = {}
    for files in history:
        seen += [one for rows in files.values() for one in rows]
        before, known = person_of, resolved(files, known)
        person_of = {
            (f"id:{one['kind']}", one["value"]): one["person"]
            for one in known.identities.to_pylist()
            if one["role"] == "identifier"
        }
        by_person = defaultdict(set)
        for key, person in person_of.items():
            by_person[person].add(key)
        expected = groups(seen)
        assert sorted(map(sorted, by_person.values())) == sorted(map(sorted, expected))
        for person, keys in by_person.items():
            old = {before[key] for key in keys if key in before}
            assert person == min(old) if old else person > given_out
        assert known.merged == len(set(before.values())) - len({person_of[key] for key in before})
        for name, rows in files.items():
            for one, person in zip(rows, known.persons[name], strict=True):
                assert {(c, v) for c, v in one.items() if v and c.startswith("id:")} <= by_person[person]
        given_out = max([given_out, *person_of.values()])


@settings(deadline=None)
@given(ingest, st.randoms(use_true_random=False))
def test_ingesting_again_in_any_order_changes_nothing(files: Files, random):
    first = resolved(files)
    orders = {name: random.sample(range(len(rows)), len(rows)) for name, rows in files.items()}
    names = random.sample(list(files), len(files))
    again = resolved({name: [files[name][i] for i in orders[name]] for name in names}, first)
    assert again.merged == 0
    for name in names:
        assert again.persons[name].tolist() == [first.persons[name][i] for i in orders[name]]
    assert sorted(map(str, again.identities.to_pylist())) == sorted(map(str, first.identities.to_pylist()))


def test_a_contact_detail_that_no_source_says_any_more_is_forgotten():
    first = resolved({"a": [{"id:voter": "1", "contact:email": "old@example.org"}]})
    then = resolved({"a": [{"id:voter": "1", "contact:email": "new@example.org"}]}, first)
    contacts = [row["value"] for row in then.identities.to_pylist() if row["role"] == "contact"]
    assert contacts == ["new@example.org"]
    assert then.persons["a"].tolist() == first.persons["a"].tolist()
