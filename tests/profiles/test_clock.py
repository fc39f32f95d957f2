"""What time it is where people are: of several answers the one that forbids."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from suasion.profiles.clock import ZONES, local_hour

DAY = [
    datetime(2026, month, 22, tzinfo=UTC) + timedelta(hours=hour) for month in (1, 7) for hour in range(24)
]
WINDOWS = [(8, 21), (9, 20)]


def test_every_zone_is_one():
    assert {zone for zones in ZONES.values() for zone in zones} <= available_timezones()


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("place", ["US", "US-FL", "CA|US", "PT", "DE|US-HI", "ES", "US-AK"])
def test_the_hour_is_within_hours_only_if_every_hour_that_it_may_be_is(place: str, window: tuple[int, int]):
    first, last = window
    zones = [ZoneInfo(zone) for code in place.split("|") for zone in ZONES[code]]
    for at in DAY:
        hours = {at.astimezone(zone).hour for zone in zones}
        worst = local_hour(place, at)
        assert worst in hours
        assert (first <= worst < last) is all(first <= hour < last for hour in hours)


@pytest.mark.parametrize("place", [None, "", "ZZ", "DE|ZZ", "nowhere", "DE|"])
def test_where_the_place_is_unknown_so_is_the_hour(place: str | None):
    assert local_hour(place, DAY[12]) is None


def test_a_part_without_zones_of_its_own_has_those_of_its_country():
    assert [local_hour("DE-BY", at) for at in DAY] == [local_hour("DE", at) for at in DAY]
    assert [local_hour("CA-QC", at) for at in DAY] == [local_hour("CA", at) for at in DAY]
