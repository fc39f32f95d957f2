"""The declarations of a town fit its files, and suasion reads both."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from suasion.ingest import Records, load_source, read
from suasion.ledger import campaign_from
from suasion.messages import fields, message_from, proof
from suasion.profiles import catalogue_from, types
from suasion.town import Town


@pytest.fixture(scope="module")
def found(made: Path) -> dict[str, Records]:
    """What ingest reads of each source."""
    traits = types(catalogue_from(made / "traits"))
    sources = made / "sources"
    return {
        name: read(load_source(sources / f"{name}.toml"), sources, traits)
        for name in ("residents", "visits", "pilot")
    }


@pytest.mark.parametrize("source", ["residents", "pilot"])
def test_every_row_is_good_and_every_column_read(found: dict[str, Records], source: str):
    assert found[source].rejects.num_rows == 0
    assert found[source].ignored == ()


def test_of_the_visits_the_newest_is_kept(found: dict[str, Records], made: Path, rows):
    newest: dict[str, str] = {}
    for row in rows(made / "sources" / "visits.csv"):
        newest[row["member"]] = max(row["visited_on"], newest.get(row["member"], ""))
    kept = found["visits"].records
    dates = map(str, kept["trait:last_visit"].to_pylist())
    assert dict(zip(kept["id:member"].to_pylist(), dates, strict=True)) == newest


def test_the_pilot_is_an_experiment_with_known_chances(found: dict[str, Records], town: Town):
    records = found["pilot"].records
    assert records.num_rows == town.people // 2
    assert set(records["arm"].to_pylist()) == {"none", "reminder", "invitation"}
    assert records["outcome:came"].null_count == 0
    assert set(records["probability"].to_pylist()) == {0.333333333}


def test_a_campaign_names_what_there_is(made: Path):
    campaign = campaign_from(made / "campaigns" / "checkup.toml")
    source = load_source(made / "sources" / f"{campaign.source}.toml")
    catalogue = catalogue_from(made / "traits")
    assert source.treatment is not None
    assert {campaign.control, *campaign.treatments} == set(source.treatment.arms)
    assert campaign.outcome in source.outcomes
    assert set(campaign.features) <= set(catalogue)
    assert (made / "segments" / f"{campaign.segment}.toml").is_file()
    assert campaign.delivery is not None


def test_the_budget_grows_with_the_town_and_is_too_little_for_all(made: Path, town: Town):
    campaign = campaign_from(made / "campaigns" / "checkup.toml")
    assert campaign.budget == town.people / 100
    assert min(terms.cost for terms in campaign.treatments.values()) * town.people / 4 > campaign.budget


def test_both_messages_can_be_written_to_everybody(found: dict[str, Records], made: Path):
    catalogue = catalogue_from(made / "traits")
    records = found["residents"].records
    traits = pa.table({name: records[f"trait:{name}"] for name in ("first_name", "district")})
    assert pc.count(traits["first_name"], mode="only_null").as_py() > 0
    campaign = campaign_from(made / "campaigns" / "checkup.toml")
    for name, terms in campaign.treatments.items():
        assert terms.message is not None
        message = message_from(made / "messages" / f"{terms.message}.toml")
        assert "first_name" in fields(message.variant(terms.variant))
        shown = proof(message, terms.variant, types(catalogue), traits)
        assert shown.problems == (), name
        assert shown.people == records.num_rows
