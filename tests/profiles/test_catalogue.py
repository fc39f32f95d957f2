"""The trait catalogue: files in, traits out, and one clear error for everything else."""

from pathlib import Path

import pytest

from suasion.errors import WorkspaceError
from suasion.expressions import Type
from suasion.profiles import Trait, catalogue_from, types


def trait(name: str, **more: str) -> str:
    keys = {"type": "integer", "category": "place", "label": "A label"} | more
    return "\n".join([f"[traits.{name}]", *(f'{key} = "{value}"' for key, value in keys.items())]) + "\n"


def catalogue(folder: Path, **files: str) -> dict[str, Trait]:
    for name, content in files.items():
        (folder / f"{name}.toml").write_text(content, encoding="utf-8")
    return catalogue_from(folder)


def test_traits_come_in_the_order_of_files_and_lines(tmp_path: Path):
    found = catalogue(tmp_path, b=trait("z") + trait("a", type="text"), a=trait("m", type="date"))
    assert list(found) == ["m", "z", "a"]
    assert types(found) == {"m": Type.DATE, "z": Type.INTEGER, "a": Type.TEXT}
    assert found["m"].fact is None


def test_a_trait_may_be_any_fact_of_its_type_or_the_place(tmp_path: Path):
    told = [("age", "integer"), ("customer", "boolean"), ("customer_days", "integer"), ("place", "text")]
    told += [("broker_days", "date"), ("do_not_call", "boolean")]
    found = catalogue(tmp_path, a="".join(trait(f"x_{f}_{k}", fact=f, type=k) for f, k in told))
    assert [(one.fact, one.type) for one in found.values()] == told


def test_no_files_are_no_traits(tmp_path: Path):
    assert catalogue(tmp_path) == {}
    assert catalogue_from(tmp_path / "absent") == {}


def test_the_same_trait_twice_is_an_error(tmp_path: Path):
    folder = tmp_path / "traits"
    folder.mkdir()
    with pytest.raises(WorkspaceError, match=r"traits/b\.toml: a second trait 'age'"):
        catalogue(folder, a=trait("age"), b=trait("age"))


@pytest.mark.parametrize("name", ["Age", "1st", '"trait:x"', '"a b"', '"x\\"; DROP TABLE t; --"', '""'])
def test_a_name_that_no_source_could_map_is_an_error(tmp_path: Path, name: str):
    with pytest.raises(WorkspaceError, match="pattern"):
        catalogue(tmp_path, a=trait(name))


def test_the_column_of_ids_cannot_be_a_trait(tmp_path: Path):
    with pytest.raises(WorkspaceError, match="a trait named 'person'"):
        catalogue(tmp_path, a=trait("person"))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (trait("x", type="whole"), "type"),
        (trait("x", category=""), "category"),
        (trait("x", label=""), "label"),
        (trait("x", fact="sex"), "fact"),
        (trait("x", fact="adlut"), "Did you mean 'adult'?"),
        (trait("x", fact="adult"), "fact 'adult' of type integer, where rules read boolean"),
        (trait("x", fact="age", type="number"), "where rules read integer"),
        (trait("x", fact="age", type="date"), "where rules read integer"),
        (trait("x", fact="place"), "where rules read text"),
        (trait("x", fact="customer_days", type="boolean"), "where rules read integer or date"),
        (trait("x", fact="basis", type="text"), "no fact 'basis'"),
        (trait("x", fact="consent", type="boolean"), "no fact 'consent'"),
        (trait("x", fact="consent_days"), "no fact 'consent_days'"),
        (trait("x", fact="purpose_permitted", type="boolean"), "no fact 'purpose_permitted'"),
        (trait("x", fact="hour"), "no fact 'hour'"),
        (trait("x", unit="km"), "unit"),
        ("[traits.x]\n", "type"),
        ("[trait.x]\n", "trait"),
        ("traits = 3", "traits"),
        ("[traits", "not valid TOML"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_the_key(tmp_path: Path, content: str, found: str):
    with pytest.raises(WorkspaceError, match=found):
        catalogue(tmp_path, a=content)
