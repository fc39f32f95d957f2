"""Everybody can fetch checkpoint and proofs, a recipient their receipt, and what checks them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from suasion.disclosure import saved
from suasion.ledger import checkpoints, log, sends
from suasion.rules import Channel, Purpose


@pytest.fixture
def vkey(world: Any) -> str:
    return world.workspace.log_key()


def _claim(world: Any, numbers: range) -> None:
    """Receipts for sends, as a claim makes them."""
    ledger, at = world.workspace.ledger, world.workspace.now()
    terms = sends.Terms("checkup", Purpose.PUBLIC_HEALTH, Channel.EMAIL, world.entry.content, 1e6, at)
    columns = "SELECT id, person, treatment, cost, address FROM sends WHERE id BETWEEN :first AND :last"
    with ledger.writing() as connection:
        asked = {"first": numbers[0], "last": numbers[-1]}
        paid = [sends.Send(*row) for row in connection.execute(text(columns), asked)]
        known = pa.table({"person": [one.person for one in paid], "adult": [True] * len(paid)})
        evidence = sends.Evidence.of(world.workspace.key, known)
        sends.receipt.issue(connection, terms, "rules", evidence, paid, at)


def test_the_checkpoint_is_of_the_log_that_is_served(site: Any, world: Any, vkey: str):
    answer, lines = site.get("/checkpoint"), site.get("/log.jsonl").body.decode().splitlines()
    assert answer.headers["content-type"].startswith("text/plain")
    found = saved.verify_lines(lines, [answer.body.decode()], vkey)
    assert (found.problems, found.unchecked) == ((), ())
    assert checkpoints.opened(answer.body.decode(), vkey).origin == world.workspace.settings.log_name


def test_proofs_hold_with_what_was_kept(site: Any, world: Any, vkey: str):
    kept = site.get("/checkpoint").body.decode()
    size = checkpoints.opened(kept, vkey).size
    sends.set_paused(world.workspace.ledger, "checkup", world.workspace.now(), paused=True)
    grown = saved.verify_proof(site.get(f"/proof/consistency/{size}").body.decode(), vkey, [kept])
    assert (grown.rows, grown.problems, grown.unchecked) == (size + 1, (), ())
    row = saved.verify_proof(site.get(f"/proof/inclusion/{size + 1}").body.decode(), vkey)
    assert (row.campaigns, row.problems) == (("checkup",), ())


@pytest.mark.parametrize(
    "path",
    ["/proof/inclusion/0", "/proof/consistency/99", "/proof/inclusion/-1", f"/proof/inclusion/{'9' * 5000}"],
)
def test_there_is_no_proof_of_what_is_not(site: Any, world: Any, path: str):
    assert site.get(path).status == 404


def test_a_recipient_gets_the_receipt_and_nobody_else(site: Any, world: Any, vkey: str):
    _claim(world, range(1, 31))
    answer = site.get(f"/receipt/{world.token(7)}")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    found = saved.verify_proof(answer.body.decode(), vkey)
    assert (found.campaigns, found.problems) == (("checkup",), ())
    assert json.loads(answer.body)["size"] == 512, "30 were sent, and a receipt does not tell"
    assert b"salt" not in answer.body
    assert site.get(f"/receipt/{world.token(50)}").status == 404, "never claimed"
    assert site.get(f"/receipt/{world.token(7)[:-1]}x").status == 404


def test_nothing_is_signed_where_the_log_was_rewritten(site: Any, world: Any):
    site.get("/checkpoint")
    world.change("DROP TRIGGER log_update")
    world.change("UPDATE log SET body = replace(body, '1234.5', '9.0')")
    (row, *_) = log.rows(world.workspace.ledger)
    leaf = log.leaf_of(row.kind, row.campaign, row.body, row.at).hex()
    world.change(f"UPDATE log SET hash = '{leaf}' WHERE position = 1")
    assert site.get("/checkpoint").status == 503


def test_the_page_that_checks_may_run_its_own_script_and_reach_nothing(site: Any, world: Any):
    answer = site.get("/verify")
    page, policy = answer.body.decode(), answer.headers["content-security-policy"]
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert page == saved.page()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{own}'; style-src")
    assert "connect-src" not in policy
