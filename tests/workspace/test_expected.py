"""A placement's policy begins from what a campaign's scores expect, if a person wrote that into its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from suasion.cli.app import app
from suasion.errors import CampaignError, OrderError
from suasion.ledger import schema
from suasion.workspace import Workspace, deciding
from suasion.workspace.deciding.choose import policy_of
from suasion.workspace.deciding.prepare import prepare

placed = SimpleNamespace(**run_path(str(Path(__file__).with_name("placed.py"))))
TOWN = 4_000
PLACEMENT = """
label = "Top of the home page"
purpose = "public_health"
sponsor = "Town Health Office"
generic = "plain"
features = ["age", "visits"]
outcome = "Booked"

[variants.plain]
value = "Welcome."
[variants.reminder]
value = "Your check-up is due."
[variants.invitation]
value = "A place is kept free for you."

[review]
by = "Ada"
on = 2026-10-01
exposes_third_persons = false
discourages_voting = false

[policy]
kind = "thompson"
scales = { age = [45, 15], visits = [1, 2] }
"""


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town whose campaign was scored, with a placement that names the same treatments."""
    folder = placed.declared(tmp_path_factory.mktemp("expected") / "town", TOWN)
    (folder / "placements" / f"{placed.NAME}.toml").write_text(PLACEMENT)
    ws = placed.opened(folder)
    ws.ingest()
    ws.score("checkup")
    return folder


@pytest.fixture
def town(scored: Path, tmp_path: Path) -> Workspace:
    return placed.opened(placed.copy(scored, tmp_path / "town"))


def change(town: Workspace, edit: Callable[[str], str]) -> None:
    path = town.folder / "placements" / f"{placed.NAME}.toml"
    path.write_text(edit(path.read_text()))


def test_the_prior_foresees_what_the_scores_do(town: Workspace):
    found = deciding.expected(town, placed.NAME, "checkup")
    forecast = town.tables().read("forecasts.checkup", "score")
    assert 1_000 < found.people <= len(forecast)
    assert list(found.means) == ["reminder", "invitation"]
    for number, arm in enumerate(found.means, 1):
        scores = forecast[f"expected:came:{number}"].to_numpy()
        # The regression of scores that are linear but for bends and their noise, near the mean of features.
        assert found.means[arm][0] == pytest.approx(scores.mean(), abs=0.1)
        assert all(float(f"{one:.2g}") == one for one in found.means[arm])


def test_what_the_command_prints_is_what_the_file_takes(town: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUASION_KEY", placed.SECRET["SUASION_KEY"])
    asked = [
        "placement",
        "prior",
        placed.NAME,
        "--campaign",
        "checkup",
        "--worth",
        "50",
        "-w",
        str(town.folder),
    ]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert done.exit_code == 0
    before = prepare(town.folder, town.settings, placed.NAME, town.now())
    change(town, lambda text: text + "\n" + done.stdout)
    after = prepare(town.folder, town.settings, placed.NAME, town.now())
    assert after.content != before.content
    policy, found = policy_of(after.placement), deciding.expected(town, placed.NAME, "checkup")
    assert policy.prior == tuple(found.means.values())
    assert policy.worth == 50


def test_deciding_begins_from_the_prior(town: Workspace):
    change(
        town,
        lambda text: (
            text
            + """
[policy.prior]
worth = 5000
[policy.prior.means]
reminder = [0.1, 0.0, 0.0]
invitation = [0.4, 0.0, 0.0]
"""
        ),
    )
    deciding.approve(town, placed.NAME, "Bea", "read the prior, too")
    decider = placed.decider(town)
    answers = [decider.decide(placed.NAME, one) for one in placed.everybody(400)]
    chances = [one.probability for one in answers if one.variant == "invitation"]
    assert len(chances) > 50
    assert np.min(chances) > 0.9


@pytest.mark.parametrize(
    ("change_of", "said"),
    [
        (lambda text: text.replace("thompson", "fixed"), "learns nothing"),
        (lambda text: text.replace("public_health", "commercial"), "same purpose"),
        (lambda text: text.replace("invitation", "letter"), "no treatment 'letter'"),
        (lambda text: text.replace("age = [45, 15], ", ""), r"scales = \{ age = \[\d\d, \d\d\] \}"),
        (lambda text: text + '[goals]\n"Unsubscribed" = -30\n', "goals beside the outcome"),
    ],
)
def test_no_prior_is_made_where_scores_say_nothing_of_it(
    town: Workspace, change_of: Callable[[str], str], said: str
):
    change(town, change_of)
    with pytest.raises(CampaignError, match=said):
        deciding.expected(town, placed.NAME, "checkup")


def test_a_prior_that_would_tell_one_person_s_score_is_not_made(town: Workspace):
    path = town.folder / "sources" / "residents.csv"
    lines = path.read_text().splitlines()
    found = deciding.expected(town, placed.NAME, "checkup")
    assert found.people > 1_000
    of_one = [f"{line},{'rare' if not n else 9.0 if n == 7 else 0.0}" for n, line in enumerate(lines)]
    path.write_text("\n".join(of_one) + "\n")
    mapping = path.with_suffix(".toml")
    mapping.write_text(mapping.read_text().replace("[traits]\n", '[traits]\nrare = "rare"\n', 1))
    traits = 'type = "number"\ncategory = "behavior"\nlabel = "Rare"\n'
    (town.folder / "traits" / "rare.toml").write_text(f"[traits.rare]\n{traits}")
    change(town, lambda text: text.replace('"visits"]', '"visits", "rare"]'))
    change(town, lambda text: text.replace("visits = [1, 2]", "visits = [1, 2], rare = [0, 0.3]"))
    town.ingest()
    town.score("checkup")
    with pytest.raises(CampaignError, match="unlike anybody's"):
        deciding.expected(town, placed.NAME, "checkup")


def test_who_opted_out_or_is_not_in_the_segment_gives_no_score(town: Workspace):
    everybody = deciding.expected(town, placed.NAME, "checkup").people
    traits = town.tables().read("traits", "ingest")
    forecast = town.tables().read("forecasts.checkup", "score")["person"].to_numpy()
    at = town.now()
    with town.ledger.writing() as connection:
        for person in forecast[:300].tolist():
            row = {"person": person, "channel": "email", "reason": "opted_out", "at": at}
            connection.execute(insert(schema.suppressions).values(**row))
    fewer = deciding.expected(town, placed.NAME, "checkup").people
    assert everybody - 300 <= fewer < everybody
    (town.folder / "segments" / "young.toml").write_text('label = "Young"\nwhere = "age < 60"\n')
    change(town, lambda text: text.replace('generic = "plain"', 'generic = "plain"\nsegment = "young"'))
    young = deciding.expected(town, placed.NAME, "checkup").people
    assert young < fewer
    ages = dict(zip(traits["person"].to_pylist(), traits["age"].to_pylist(), strict=True))
    assert young <= sum(ages[person] < 60 for person in forecast.tolist())


def test_a_prior_for_a_challenger_goes_by_its_own_scales(town: Workspace):
    with pytest.raises(CampaignError, match="no challenger"):
        deciding.expected(town, placed.NAME, "checkup", challenger=True)
    change(
        town,
        lambda text: (
            text.replace("thompson", "fixed")
            + '\n[challenger]\nkind = "squarecb"\nscales = { age = [30, 30], visits = [1, 2] }\n'
        ),
    )
    found = deciding.expected(town, placed.NAME, "checkup", challenger=True)
    change(town, lambda text: text.replace("fixed", "thompson"))
    own = deciding.expected(town, placed.NAME, "checkup")
    for arm, means in own.means.items():
        assert found.means[arm][1] == pytest.approx(2 * means[1], rel=0.1, abs=0.002)


def test_without_scores_there_is_no_prior(town: Workspace):
    (town.folder / "campaigns" / "other.toml").write_text(
        (town.folder / "campaigns" / "checkup.toml").read_text()
    )
    with pytest.raises(OrderError, match="suasion score other"):
        deciding.expected(town, placed.NAME, "other")


def test_few_people_make_no_prior(tmp_path: Path):
    folder = placed.declared(tmp_path / "town", 1_200)
    (folder / "placements" / f"{placed.NAME}.toml").write_text(PLACEMENT)
    ws = placed.opened(folder)
    ws.ingest()
    ws.score("checkup")
    with pytest.raises(CampaignError, match="1,000 are needed"):
        deciding.expected(ws, placed.NAME, "checkup")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("reminder = [0.1, 0.0, 1e308]\ninvitation = [0.1, 0.0, 0.0]", "less than or equal"),
        ("reminder = [0.1, 0.0]\ninvitation = [0.1, 0.0]", "give 3 for each variant"),
        ("reminder = [0.1, 0.0, inf]\ninvitation = [0.1, 0.0, 0.0]", "less than or equal"),
    ],
)
def test_a_prior_that_does_not_fit_its_placement_is_refused(town: Workspace, written: str, said: str):
    prior = f"\n[policy.prior]\nworth = 50\n[policy.prior.means]\n{written}\n"
    change(town, lambda text: text + prior)
    with pytest.raises(CampaignError, match=said):
        deciding.show(town, placed.NAME)


def test_a_variant_of_which_the_prior_says_nothing_is_taken_for_the_mean_of_the_others(town: Workspace):
    prior = (
        "\n[policy.prior]\nworth = 50\n[policy.prior.means]\nreminder = [0.1, 0, 0]\ngone = [0.3, 0, 0.2]\n"
    )
    change(town, lambda text: text + prior)
    placement = prepare(town.folder, town.settings, placed.NAME, town.now()).placement
    assert np.allclose(policy_of(placement).prior, [[0.1, 0, 0], [0.2, 0, 0.1]])


def test_shares_that_stay_have_no_prior(town: Workspace):
    prior = (
        "\n[policy.prior]\nworth = 50\n[policy.prior.means]\nreminder = [0.1, 0, 0]\ninvitation = [0, 0, 0]\n"
    )
    change(town, lambda text: text.replace("thompson", "fixed") + prior)
    with pytest.raises(CampaignError, match="for what learns"):
        deciding.show(town, placed.NAME)
