"""The whole road with the ledger in Postgres."""

from pathlib import Path
from typing import Any

import pytest

import suasion
from suasion.errors import DamageError, WorkspaceError
from suasion.ledger import sends
from suasion.town import Effects, Town, create

SECRET = {"SUASION_KEY": "a secret of the test"}


@pytest.fixture
def town(tmp_path: Path, postgres: Any) -> Path:
    create(tmp_path / "town", Town(600, 3, Effects.VARIED))
    path = tmp_path / "town" / "suasion.toml"
    path.write_text(f"{path.read_text('utf-8')}ledger = '{postgres.ledger()}'\n", "utf-8")
    return tmp_path / "town"


def test_a_campaign_is_sent_stopped_and_verified(town: Path):
    ws = suasion.open(town, environment=SECRET)
    ws.run()
    ws.approve("Ada", "read it aloud")
    done = ws.send()
    assert done.progress.states.get("accepted", 0) > 10
    assert sends.suppress(ws.ledger, 1, sends.Why.OPTED_OUT, ws.now())
    assert ws.verify().problems == ()
    assert not (town / "ledger.db").exists()
    again = suasion.open(town, environment=SECRET).send()
    assert again.progress.states == done.progress.states


def test_a_new_ledger_beside_an_old_lake_is_refused(town: Path, postgres: Any):
    suasion.open(town, environment=SECRET).ingest()
    path = town / "suasion.toml"
    lines = path.read_text("utf-8").splitlines()[:-1]
    path.write_text("\n".join([*lines, f"ledger = '{postgres.ledger()}'"]), "utf-8")
    with pytest.raises(DamageError, match="would forget opt-outs"):
        suasion.open(town, environment=SECRET)


def test_a_password_is_no_setting(town: Path):
    path = town / "suasion.toml"
    lines = path.read_text("utf-8").splitlines()[:-1]
    path.write_text("\n".join([*lines, "ledger = 'postgresql://ada:secret@localhost/x'"]), "utf-8")
    with pytest.raises(WorkspaceError, match="PGPASSWORD") as error:
        suasion.open(town, environment=SECRET)
    assert "secret@" not in str(error.value)
