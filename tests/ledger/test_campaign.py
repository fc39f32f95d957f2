"""A campaign file says what it means, or is refused with the key that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from suasion.errors import CampaignError
from suasion.ledger import Campaign, campaign_from
from suasion.rules import Purpose

TEXT = """\
sponsor = "A clinic"
purpose = "public_health"
source = "trial"
segment = "everybody"
control = "none"
outcome = "collected"
features = ["age", "distance"]
budget = 500.0

[treatments.small]
message = "small_voucher"
price = 0.61
price_if = "collected"

[treatments.large]
cost = 2
"""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write ``campaigns/vouchers.toml`` with some lines changed."""

    def written(*edits: tuple[str, str], name: str = "vouchers") -> Path:
        text = TEXT
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "campaigns" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return written


def test_a_campaign_is_read_as_it_is_written(write: Write):
    campaign = campaign_from(write())
    assert (campaign.name, campaign.sponsor, campaign.purpose) == (
        "vouchers",
        "A clinic",
        Purpose.PUBLIC_HEALTH,
    )
    assert (campaign.budget, campaign.features) == (500.0, ("age", "distance"))
    assert list(campaign.treatments) == ["small", "large"]
    small, large = campaign.treatments.values()
    assert (small.message, small.cost, small.price, small.price_if) == (
        "small_voucher",
        0.0,
        0.61,
        "collected",
    )
    assert (large.message, large.cost, large.price, large.price_if) == (None, 2.0, 0.0, None)


def test_a_missing_campaign_names_those_that_exist(write: Write):
    path = write()
    with pytest.raises(
        CampaignError, match=r"campaigns/voucher\.toml: no such file. Did you mean 'vouchers'"
    ):
        campaign_from(path.with_name("voucher.toml"))


WRONG = [
    (("budget = 500.0", "budget = "), "not valid TOML"),
    (("budget = 500.0", "budget = 500.0\nbudget = 1"), "not valid TOML"),
    (("budget = 500.0", "budgett = 500.0"), "Did you mean 'budget'?"),
    (("budget = 500.0", "budget = 500.0\naudience = 1"), "audience: a key that is not known"),
    (("price_if", "prise_if"), "Did you mean 'price_if'?"),
    (("budget = 500.0\n", ""), "budget: "),
    (("budget = 500.0", "budget = -0.01"), "budget: "),
    (("budget = 500.0", "budget = nan"), "budget: "),
    (("budget = 500.0", "budget = inf"), "budget: "),
    (("budget = 500.0", "budget = -inf"), "budget: "),
    (("budget = 500.0", 'budget = "much"'), "budget: "),
    (("budget = 500.0", "budget = [500.0]"), "budget: "),
    (("cost = 2", "cost = -1"), "treatments.large.cost"),
    (("cost = 2", "cost = inf"), "treatments.large.cost"),
    (("price = 0.61", "price = nan"), "treatments.small.price"),
    (("budget = 500.0", "budget = 1\nholdout = 1.01"), "holdout: "),
    (("budget = 500.0", "budget = 1\nholdout = nan"), "holdout: "),
    (("budget = 500.0", "budget = 1\nexploration = -0.1"), "exploration: "),
    (("budget = 500.0", "budget = 1\nholdout = 0.6\nexploration = 0.41"), "sum to more than 1"),
    (("budget = 500.0", "budget = 1\nholdout = 0.99"), "sum to more than 1"),
    (('control = "none"', 'control = "small"'), "its control is also a treatment"),
    (('purpose = "public_health"', 'purpose = "marketing"'), "purpose: "),
    (('sponsor = "A clinic"', 'sponsor = ""'), "sponsor: "),
    (('sponsor = "A clinic"', 'sponsor = "A clinic"\nname = "other"'), "the name of the file says it"),
    (('features = ["age", "distance"]', 'features = "age"'), "features: "),
]


@pytest.mark.parametrize(("edit", "says"), WRONG, ids=[edit[1].replace("\n", " ")[-30:] for edit, _ in WRONG])
def test_a_campaign_that_says_something_wrong_is_refused(write: Write, edit: tuple[str, str], says: str):
    with pytest.raises(CampaignError) as refused:
        campaign_from(write(edit))
    assert says in str(refused.value)
    assert "vouchers" in refused.value.asked


def test_a_campaign_without_treatments_is_refused(write: Write):
    with pytest.raises(CampaignError, match="treatments"):
        campaign_from(write((TEXT[TEXT.index("[treatments.small]") :], "[treatments]\n")))


@pytest.mark.parametrize(("holdout", "exploration"), [(1, 0), (0, 1), (0.7, 0.3), (0.95, 0.05), (0.1, 0.9)])
def test_floors_may_sum_to_one(write: Write, holdout: float, exploration: float):
    floors = f"budget = 0\nholdout = {holdout}\nexploration = {exploration}"
    campaign = campaign_from(write(("budget = 500.0", floors)))
    assert (campaign.holdout, campaign.exploration, campaign.budget) == (holdout, exploration, 0.0)


def test_any_edit_makes_another_campaign(write: Write):
    edits = [
        ("500.0", "500.01"),
        ("none", "nothing"),
        ("0.61", "0.62"),
        ("cost = 2", "cost = 3"),
        ("clinic", "c."),
    ]
    digests = {campaign_from(write(edit)).digest for edit in edits} | {campaign_from(write()).digest}
    assert len(digests) == len(edits) + 1
    assert (
        campaign_from(write()).digest
        == campaign_from(write(("budget = 500.0", "# dear\nbudget = 500"))).digest
    )
    assert campaign_from(write(name="other")).digest not in digests


def test_a_campaign_declared_twice_is_one_row(place: Any, write: Write):
    bombay = timezone(timedelta(hours=5, minutes=30))
    campaign = campaign_from(write())
    for hour in (3, 4):
        with place.running() as run:
            run.declare(campaign, datetime(2026, 1, 1, hour, tzinfo=bombay))
            run.declare(campaign, datetime(2026, 1, 1, hour, tzinfo=bombay))
    ((name, digest, declared, at),) = place.rows(
        "SELECT name, digest, declared, CAST(declared_at AS VARCHAR) FROM campaigns"
    )
    assert (name, digest) == ("vouchers", campaign.digest)
    assert Campaign.model_validate_json(declared) == campaign
    assert at.startswith("2025-12-31 21:30:00")


def test_a_campaign_edited_and_declared_again_keeps_both_declarations(place: Any, write: Write):
    for budget in ("1", "2", "1"):
        with place.running() as run:
            run.declare(campaign_from(write(("500.0", budget))), datetime(2026, 1, 1).astimezone())
    assert place.rows("SELECT count(*), count(DISTINCT digest) FROM campaigns") == [(2, 2)]
