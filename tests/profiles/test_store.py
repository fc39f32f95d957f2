"""Traits come from the newest source that knows them, and identifiers go nowhere but to one table."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from suasion.ingest.source import HouseholdColumn, OutcomeColumn, PastTreatment
from suasion.ledger import Tables

OLD, NEW = date(2025, 1, 1), date(2026, 1, 1)
AGE_AND_TOWN = {"age": "age", "town": "town"}


def traits(tables: Tables, *names: str) -> list[dict[str, Any]]:
    return tables.read("traits", "ingest").select(["person", *names]).to_pylist()


def test_where_sources_differ_the_newest_counts_and_the_older_fills_gaps(publish, make_source):
    old = make_source("old", observed_on=OLD, traits=AGE_AND_TOWN)
    new = make_source("new", observed_on=NEW, traits=AGE_AND_TOWN)
    old_file = "id,age,town\n1,30,Ulm\n2,40,Ulm\n3,50,Ulm\n"
    new_file = "id,age,town\n1,31,Bonn\n2,,Bonn\n4,60,\n"
    wanted = [
        {"person": 1, "age": 31, "town": "Bonn"},
        {"person": 2, "age": 40, "town": "Bonn"},
        {"person": 3, "age": 50, "town": "Ulm"},
        {"person": 4, "age": 60, "town": None},
    ]
    assert traits(publish((old, old_file), (new, new_file)), "age", "town") == wanted
    # The ids are known now, so the other order of files must give the same.
    assert traits(publish((new, new_file), (old, old_file)), "age", "town") == wanted


def test_a_person_linked_across_files_has_the_traits_of_all(publish, make_source):
    shop = make_source("shop", identifiers={"customer": "id"}, traits={"spend": "spend"})
    club = make_source("club", identifiers={"member": "no"}, traits={"age": "age"})
    bridge = make_source("bridge", identifiers={"customer": "c", "member": "m"}, traits={"town": "town"})
    found = publish((shop, "id,spend\n7,1.5\n"), (club, "no,age\n9,44\n"), (bridge, "c,m,town\n7,9,Ulm\n"))
    assert traits(found, "spend", "age", "town") == [{"person": 1, "spend": 1.5, "age": 44, "town": "Ulm"}]


def test_of_two_records_in_one_file_the_first_that_knows_a_trait_counts(publish, make_source):
    shop = make_source("shop", traits=AGE_AND_TOWN)
    bridge = make_source("bridge", identifiers={"customer": "id", "member": "m"})
    found = publish((shop, "id,age,town\n1,,Ulm\n2,30,Bonn\n3,9,\n"), (bridge, "id,m\n1,x\n2,y\n"))
    assert [one["person"] for one in traits(found)] == [1, 2, 3]
    glue = make_source("glue", identifiers={"customer": "a", "member": "m"})
    found = publish((shop, "id,age,town\n1,,Ulm\n2,30,Bonn\n3,9,\n"), (glue, "a,m\n1,y\n"))
    assert traits(found, "age", "town") == [
        {"person": 1, "age": 30, "town": "Ulm"},
        {"person": 3, "age": 9, "town": None},
    ]


def test_every_trait_of_the_catalogue_has_its_type_known_or_not(publish, make_source, catalogue):
    found = publish((make_source("bare"), "id\n1\n")).read("traits", "ingest")
    wanted = [pa.int64(), pa.int64(), pa.float64(), pa.string(), pa.date32(), pa.bool_()]
    assert found.column_names == ["person", *catalogue]
    assert found.schema.types == wanted
    assert found.drop_columns("person").to_pylist() == [dict.fromkeys(catalogue)]
    mapped = make_source("full", traits={name: name for name in catalogue})
    found = publish((mapped, "id,age,spend,town,joined,active\n1,30,2,Ulm,2024-02-29,yes\n")).read(
        "traits", "ingest"
    )
    assert found.schema.types == wanted
    values = {"age": 30, "spend": 2.0, "town": "Ulm", "joined": date(2024, 2, 29), "active": True}
    assert found.to_pylist() == [{"person": 1} | values]


def test_records_keep_what_was_done_and_what_came_of_it(publish, make_source):
    treated = make_source(
        "trial",
        treatment=PastTreatment(
            column="mail", arms={"none": "mail = 'no'", "letter": "mail = 'yes'"}, probability="p"
        ),
        outcomes={"bought": OutcomeColumn(column="bought", category="behavior")},
        household=HouseholdColumn(column="home"),
    )
    content = (
        "id,mail,p,bought,home\n7,yes,0.25,1,Elm St 1\n8,,,0,Elm St 1\n9,no,0.75,,\n6,no,0.75,1,Oak St 2\n"
    )
    rows = publish((treated, content)).read("records.trial", "ingest").to_pylist()
    assert [(one["person"], one["arm"], one["probability"], one["outcome:bought"]) for one in rows] == [
        (1, "letter", 0.25, 1.0),
        (2, None, None, 0.0),
        (3, "none", 0.75, None),
        (4, "none", 0.75, 1.0),
    ]
    homes = [one["household"] for one in rows]
    assert homes[0] == homes[1] != homes[3]
    assert homes[2] is None
    assert all(isinstance(home, int) for home in (homes[0], homes[3]))


def test_a_source_without_households_or_treatment_has_empty_columns(publish, make_source):
    table = publish((make_source("shop"), "id\n1\n2\n")).read("records.shop", "ingest")
    for name in ("household", "arm", "probability"):
        assert table[name].null_count == 2


def test_rejects_are_kept_without_their_values(publish, make_source):
    shop = make_source("shop", traits={"age": "age"})
    found = publish((shop, "id,age\n1,30\n2,secret-age\n")).read("rejects.shop", "ingest")
    assert found.to_pylist() == [{"line": 3, "column": "age", "reason": "not a whole number"}]


def test_identifiers_are_in_one_table_only_and_contact_details_in_none_without_a_key(
    publish, make_source, make_consent, tmp_path: Path
):
    planted = {
        "id": "zq-voter-4711",
        "card": "zq-card-0815",
        "mail": "zq.mail@example.org",
        "phone": "+49-zq-555",
        "street": "Zq-Street 12",
        "home": "Zq-Household 9",
    }
    # A bad cell beside them: rejects must not hold them either. Plain text, so that bytes can be searched.
    shop = make_source(
        "shop",
        identifiers={"voter": "id", "card": "card"},
        contacts={"email": "mail", "phone": "phone", "postal": "street"},
        household=HouseholdColumn(column="home"),
        consents=(make_consent("yes"),),
        traits={"age": "age", "town": "town"},
    )
    head = [*planted, "yes", "age", "town"]
    rows = [
        [*planted.values(), "yes", "30", "Visible"],
        [*(f"{v}x" for v in planted.values()), "no", "bad", "Lost"],
    ]
    tables = publish((shop, "\n".join(",".join(cells) for cells in [head, *rows]) + "\n"))
    files = {name: tmp_path / "lake" / version.stored.file for name, version in tables.versions.items()}
    assert set(files) == {"identities", "records.shop", "rejects.shop", "known_from", "traits"}
    assert {path.name for path in (tmp_path / "lake").iterdir()} == {path.name for path in files.values()}
    kept = {name: _texts(pq.read_table(path)) for name, path in files.items()}
    assert set(planted.values()) & kept.pop("identities") == {planted["id"], planted["card"]}
    assert "Visible" in kept["traits"]
    for name, texts in kept.items():
        leaked = [value for value in planted.values() if any(value in text for text in texts)]
        assert not leaked, name
        # Statistics, dictionaries and metadata are stored beside the values.
        content = files[name].read_bytes()
        assert not [value for value in planted.values() if value.encode() in content], name
    ledger = (tmp_path / "ledger.db").read_bytes() + b"".join(
        p.read_bytes() for p in tmp_path.glob("ledger.db-*")
    )
    assert b"zq" not in ledger.lower()


def _texts(table: pa.Table) -> set[str]:
    """Every value, column name and metadata of a table, as text."""
    metadata = [str(entry) for entry in (table.schema.metadata or {}).items()]
    return {str(value) for row in table.to_pylist() for value in row.values()} | {
        *table.column_names,
        *metadata,
    }
