"""From a file to a stored trait that segments use; judged, expiring, and refused where it tells nothing."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from suasion.errors import CampaignError, SourceError, TraitRefusedError, UndefinedError, WorkspaceError
from suasion.rules import Purpose
from suasion.workspace import Workspace, examine, open_workspace

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = {"SUASION_KEY": "a secret of the test"}
PEOPLE, ASKED = 1800, 1200
SETTINGS = 'name = "Club"\nterritory = "US"\ncurrency = "USD"\npurpose = "commercial"\n'
SOURCE = """
file = "{name}.csv"
licence = "ours"
purposes = ["commercial"]
basis = "contract"
observed_on = 2026-11-01
territory = "US"
identifiers = {{ member = "id" }}
"""
PEOPLE_TOML = (
    SOURCE.format(name="people")
    + """
household = { column = "home" }
traits = { age = "age", visits = "visits", spent = "spent", sex = "sex", ill = "ill" }
"""
)
SURVEY_TOML = (
    SOURCE.format(name="survey")
    + """
traits = { weight = "weight" }
outcomes = { leaves = { column = "leaves", category = "behavior" }, party = { column = "party", \
category = "politics" }, lot = { column = "lot", category = "behavior" }, score = { column = "score", \
category = "behavior" } }
"""
)
TRAITS = {
    "age": ("integer", "age", 'fact = "age"'),
    "visits": ("integer", "behavior", ""),
    "spent": ("number", "behavior", ""),
    "sex": ("text", "sex", ""),
    "ill": ("boolean", "health", ""),
    "weight": ("number", "behavior", ""),
    "leaving": ("number", "behavior", 'provenance = "inferred"'),
    "spending_like": ("number", "behavior", 'provenance = "inferred"'),
}
SEGMENTS = {
    "everybody": "true",
    "leavers": "leaving >= 0.5",
    "stayers": "leaving < 0.5",
    "big": "spent > 60",
    "women": "sex = 'f' AND spent > 0",
    "ill": "ill",
}
PROPENSITY = """
trait = "leaving"
purpose = "commercial"
segment = "everybody"
features = ["visits", "spent"]
groups = ["sex"]
days = 30

[propensity]
source = "survey"
outcome = "leaves"
weight = "weight"
"""
ARMS = """
[treatment]
column = "lot"
randomized = true
arms = { none = "lot = '0'", mail = "lot = '1'" }
"""
LOOKALIKE = """
trait = "spending_like"
purpose = "commercial"
segment = "everybody"
features = ["visits", "age"]
days = 30

[lookalike]
segment = "big"
"""


def write(folder: Path) -> None:
    """A club of members, most of them asked in a survey whether they will leave."""
    luck = np.random.default_rng(7)
    for part in ("sources", "traits", "segments", "inferences"):
        (folder / part).mkdir(parents=True)
    visits, spent = luck.poisson(4, PEOPLE), np.round(luck.gamma(2, 20, PEOPLE), 2)
    spent = np.where(visits > 4, spent + 20, spent)
    leaves = luck.random(PEOPLE) < expit(2.4 - 0.7 * visits)
    age = luck.integers(15, 80, PEOPLE)
    members = [f"R{i:07}" for i in range(PEOPLE)]
    home = [i // 2 for i in range(PEOPLE)]
    sex, ill = luck.choice(["f", "m"], PEOPLE), luck.random(PEOPLE) < 0.1
    table(
        folder / "sources" / "people.csv",
        id=members,
        home=home,
        age=age,
        visits=visits,
        spent=spent,
        sex=sex,
        ill=ill,
    )
    asked = np.sort(luck.permutation(PEOPLE)[:ASKED])
    table(
        folder / "sources" / "survey.csv",
        id=[members[i] for i in asked],
        weight=["" if i % 40 == 0 else round(1 + i % 3, 1) for i in asked],
        leaves=leaves[asked].astype(int),
        party=luck.integers(0, 2, ASKED),
        lot=luck.integers(0, 2, ASKED),
        score=luck.integers(0, 9, ASKED),
    )
    (folder / "suasion.toml").write_text(SETTINGS, "utf-8")
    (folder / "sources" / "people.toml").write_text(PEOPLE_TOML, "utf-8")
    (folder / "sources" / "survey.toml").write_text(SURVEY_TOML, "utf-8")
    declared = (
        f'[traits.{name}]\ntype = "{kind}"\ncategory = "{category}"\nlabel = "{name}"\n{more}\n'
        for name, (kind, category, more) in TRAITS.items()
    )
    (folder / "traits" / "people.toml").write_text("\n".join(declared), "utf-8")
    for name, where in SEGMENTS.items():
        (folder / "segments" / f"{name}.toml").write_text(f'label = "{name}"\nwhere = "{where}"\n', "utf-8")
    (folder / "inferences" / "leaving.toml").write_text(PROPENSITY, "utf-8")
    (folder / "inferences" / "alike.toml").write_text(LOOKALIKE, "utf-8")


def table(path: Path, **columns: object) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The club, ingested and inferred once; copied for each test."""
    folder = tmp_path_factory.mktemp("made") / "club"
    write(folder)
    workspace = open_workspace(folder, lambda: NOW, environment=KEY)
    workspace.ingest()
    workspace.infer("leaving")
    return folder


@pytest.fixture
def club(made: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made, tmp_path / "club")
    return open_workspace(tmp_path / "club", lambda: NOW, environment=KEY)


def declare(club: Workspace, name: str, text: str) -> None:
    (club.folder / "inferences" / f"{name}.toml").write_text(text, "utf-8")


def by_lot(club: Workspace) -> None:
    """Make an experiment of the survey."""
    path = club.folder / "sources" / "survey.toml"
    text = path.read_text("utf-8").replace('lot = { column = "lot", category = "behavior" }, ', "")
    path.write_text(text + ARMS, "utf-8")


def nothing_new(club: Workspace, before: dict[str, object]) -> None:
    assert club.tables().versions == before


def test_a_segment_uses_what_was_inferred(club: Workspace):
    leavers, stayers = club.segment("leavers"), club.segment("stayers")
    table = club.tables().read("inferred.leaving", "infer")
    values = table["value"].to_numpy()
    assert leavers.matches == (values >= 0.5).sum()
    assert 100 < leavers.matches < stayers.matches
    assert leavers.unknown == stayers.unknown == PEOPLE - table.num_rows
    assert set(table["expires_on"].to_pylist()) == {date(2026, 12, 21)}


def test_minors_are_neither_learned_from_nor_scored(club: Workspace):
    tables = club.tables()
    traits = tables.read("traits", "ingest")
    young = {row["person"] for row in traits.to_pylist() if row["age"] < 18}
    assert young
    assert not young & set(tables.read("inferred.leaving", "infer")["person"].to_pylist())
    card = json.loads((club.folder / "reports" / "card-leaving.json").read_text("utf-8"))
    assert card["scored"] == PEOPLE - len(young)
    assert card["left_out"]["no weight above 0"] > 10
    assert any("house.adult" in reason for reason in card["left_out"])
    assert list(card["quality"]["groups"]["sex"]) == ["f", "m"]
    assert next(iter(card["quality"]["importance"])) == "visits"
    assert "<svg" in (club.folder / "reports" / "card-leaving.html").read_text("utf-8")


def test_households_are_the_independent_units(club: Workspace):
    card = json.loads((club.folder / "reports" / "card-leaving.json").read_text("utf-8"))
    gain = card["quality"]["gain"]
    assert gain["n"] < card["quality"]["people"]
    assert "clustered" in gain["method"]


def test_after_its_last_day_it_is_unknown(club: Workspace):
    on_last = replace(club, now=lambda: NOW + timedelta(days=30))
    after = replace(club, now=lambda: NOW + timedelta(days=31))
    assert on_last.segment("leavers").matches == club.segment("leavers").matches
    assert after.segment("leavers").matches == 0
    assert after.segment("leavers").unknown == PEOPLE


def test_for_another_purpose_it_is_unknown(club: Workspace):
    assert club.segment("leavers", Purpose.FUNDRAISING).matches == 0


def test_it_outlives_an_ingest_and_no_source_may_map_it(club: Workspace):
    before = club.segment("leavers").matches
    club.ingest()
    assert club.segment("leavers").matches == before
    path = club.folder / "sources" / "people.toml"
    path.write_text(path.read_text("utf-8").replace('visits = "visits"', 'leaving = "visits"'), "utf-8")
    with pytest.raises(SourceError, match="inferred, not observed"):
        club.ingest()


def test_whoever_is_erased_is_gone_from_it(club: Workspace):
    tables = club.tables()
    person = tables.read("inferred.leaving", "infer")["person"][0].as_py()
    assert "inferred.leaving" in club.export_person(str(person))["tables"]
    club.erase_person(str(person))
    assert person not in club.tables().read("inferred.leaving", "infer")["person"].to_pylist()


def test_a_lookalike_becomes_a_trait_for_those_not_on_the_list(club: Workspace):
    card = club.infer("alike")
    assert card.listed is not None
    assert any("random part" in sentence for sentence in card.sentences)
    tables = club.tables()
    big = {row["person"] for row in tables.read("traits", "ingest").to_pylist() if row["spent"] > 60}
    table = tables.read("inferred.spending_like", "infer")
    assert not big & set(table["person"].to_pylist())
    assert table["low"].null_count == table.num_rows
    assert card.scored == table.num_rows


def test_a_list_may_be_everybody_in_a_source(club: Workspace):
    by_source = LOOKALIKE.replace('segment = "big"', 'source = "survey"\ncategory = "behavior"')
    declare(club, "alike", by_source)
    with pytest.raises(TraitRefusedError, match=r"party.*politics.*house\.special_category"):
        club.infer("alike")
    path = club.folder / "sources" / "survey.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace('party = { column = "party", category = "politics" }, ', ""), "utf-8")
    club.ingest()
    with pytest.raises(UndefinedError, match="do not tell"):
        club.infer("alike")  # who was asked was drawn by lot


@pytest.mark.parametrize(
    ("seeds", "found"),
    [
        ('segment = "ill"', "house.special_category"),
        ('segment = "women"', "house.lookalike"),
        ('segment = "everybody"', "nothing says what the list tells"),
        ('source = "people"', "nothing says what the list tells"),
        ('source = "people"\ncategory = "belief"', "house.special_category"),
        ('source = "people"\ncategory = "debt"', "house.vulnerability"),
        ('source = "people"\ncategory = "age"', "house.lookalike"),
    ],
)
def test_lookalikes_of_what_nobody_may_be_chosen_by_are_refused(club: Workspace, seeds: str, found: str):
    before = club.tables().versions
    declare(club, "alike", LOOKALIKE.replace('segment = "big"', seeds))
    with pytest.raises(TraitRefusedError, match=found):
        club.infer("alike")
    nothing_new(club, before)


@pytest.mark.parametrize(
    ("old", "new", "error", "found"),
    [
        ('"leaves"', '"party"', TraitRefusedError, "house.special_outcome"),
        ('["visits", "spent"]', '["visits", "ill"]', TraitRefusedError, "house.special_category"),
        ('["sex"]', '["ill"]', TraitRefusedError, "house.special_category"),
        ('"everybody"', '"ill"', TraitRefusedError, "house.special_category"),
        ('"leaves"', '"lot"', UndefinedError, "these data do not tell"),
        ('"leaves"', '"score"', UndefinedError, "neither 0 nor 1"),
        ('"leaves"', '"leafs"', WorkspaceError, "Did you mean 'leaves'"),
        ('"survey"', '"surveys"', WorkspaceError, "Did you mean 'survey'"),
        ('["visits", "spent"]', '["visit"]', WorkspaceError, "Did you mean 'visits'"),
        ('["visits", "spent"]', '["leaving"]', WorkspaceError, "features"),
        ('["visits", "spent"]', '["weight"]', WorkspaceError, "features"),
        ('["visits", "spent"]', '["visits", "visits"]', WorkspaceError, "a name twice"),
        ('["visits", "spent"]', "[]", WorkspaceError, "features"),
        ('weight = "weight"', 'weight = "sex"', WorkspaceError, "no number"),
        ('trait = "leaving"', 'trait = "spent"', WorkspaceError, "features"),
        ('trait = "leaving"', 'trait = "age"', WorkspaceError, "not declared as inferred"),
        ("days = 30", "days = 0", WorkspaceError, "days"),
        ("[propensity]", "[likelihood]", WorkspaceError, "likelihood"),
    ],
)
def test_what_cannot_or_may_not_be_inferred_is_said_and_nothing_is_published(
    club: Workspace, old: str, new: str, error: type[Exception], found: str
):
    before = club.tables().versions
    declare(club, "leaving", PROPENSITY.replace(old, new))
    with pytest.raises(error, match=found):
        club.infer("leaving")
    nothing_new(club, before)


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", "not one of"),
        ('[propensity]\nsource = "s"\noutcome = "o"\n[lookalike]\nsegment = "big"', "not one of"),
        ("[lookalike]", "Name one list"),
        ('[lookalike]\nsegment = "big"\nsource = "people"', "Name one list"),
        ('[lookalike]\nsegment = "big"\ncategory = "behavior"', "its traits say it"),
    ],
)
def test_an_inference_says_once_from_what_it_is_learned(club: Workspace, more: str, found: str):
    declare(club, "alike", LOOKALIKE.partition("[lookalike]")[0] + more)
    with pytest.raises(WorkspaceError, match=found):
        club.infer("alike")


def test_the_trait_must_say_what_it_tells(club: Workspace):
    path = club.folder / "traits" / "people.toml"
    text = path.read_text("utf-8")
    head, tail = text.split("[traits.leaving]")
    path.write_text(head + "[traits.leaving]" + tail.replace("behavior", "interest", 1), "utf-8")
    with pytest.raises(WorkspaceError, match="category interest, but it would tell behavior"):
        club.infer("leaving")


def test_a_list_is_not_learned_from_what_makes_it(club: Workspace):
    declare(club, "alike", LOOKALIKE.replace('"visits", "age"', '"visits", "spent"'))
    with pytest.raises(WorkspaceError, match="'spent' makes the list"):
        club.infer("alike")


@pytest.mark.parametrize(("trait", "how"), [("leaving", "inferred"), ("orders", "computed")])
def test_only_what_somebody_told_is_written_in_a_message(club: Workspace, trait: str, how: str):
    (club.folder / "traits" / "events.toml").write_text(
        '[traits.orders]\ntype = "integer"\ncategory = "behavior"\nlabel = "Orders"\n'
        'computed = { event = "Order Completed", of = "count" }\n',
        "utf-8",
    )
    for part in ("campaigns", "messages"):
        (club.folder / part).mkdir()
    (club.folder / "messages" / "hello.toml").write_text(
        f'[variants.only]\nsubject = "Hello"\ntext = "You: {{{{ {trait} }}}}"\n\n[review]\nby = "Ada"\n'
        "on = 2026-11-01\nexposes_third_persons = false\ndiscourages_voting = false\n",
        "utf-8",
    )
    by_lot(club)
    (club.folder / "campaigns" / "mail.toml").write_text(
        'sponsor = "Club"\npurpose = "commercial"\nsource = "survey"\nsegment = "leavers"\ncontrol = "none"\n'
        'outcome = "leaves"\nfeatures = ["visits"]\nbudget = 10.0\n[treatments.mail]\nmessage = "hello"\n',
        "utf-8",
    )
    club.ingest()
    with pytest.raises(CampaignError, match=rf"{how} trait \({trait}\)"):
        club.score("mail")


def test_of_an_experiment_only_the_control_is_learned_from(club: Workspace):
    by_lot(club)
    club.ingest()
    card = club.infer("leaving")
    assert 0.4 * ASKED < card.left_out["not in the control of the experiment"] < 0.6 * ASKED
    assert card.quality.people < 0.6 * ASKED


def test_the_command_says_what_the_library_says(club: Workspace, suasion_cli, monkeypatch):
    monkeypatch.setenv(*next(iter(KEY.items())))
    ended = suasion_cli("infer", "leaving", "-w", club.folder)
    assert ended.code == 0, ended.err
    assert "not whom a message changes" in ended.out
    assert "card-leaving.html" in ended.out.replace("\n", "")
    told = json.loads(suasion_cli("infer", "leaving", "-w", club.folder, "--json").out)
    assert told["trait"] == "leaving"
    assert told["quality"]["tells"] is True
    declare(club, "leaving", PROPENSITY.replace('"leaves"', '"lot"'))
    refused = suasion_cli("infer", "leaving", "-w", club.folder)
    assert refused.code == 2
    assert "these data do not tell" in refused.err
    names = {check.name: check for check in examine(club)}
    assert names["inference alike"].found == "a lookalike, stored as spending_like"
