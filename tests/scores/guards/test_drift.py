"""People planned for who are not like those of the trial."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from suasion.errors import CampaignError
from suasion.scores.features import Features
from suasion.scores.guards import Severity, drift

NAMES = ["age", "region", "income"]


def _people(seed: int, n: int, older: float = 0.0, moved: float = 0.0, lost: float = 0.05) -> Features:
    luck = np.random.default_rng(seed)
    region = np.where(luck.random(n) < moved, 9, luck.integers(0, 9, n))
    income = np.where(luck.random(n) < lost, np.nan, luck.exponential(size=n))
    return Features(np.column_stack([luck.normal(older, 1, n), region, income]), (1,))


def test_people_who_are_alike_raise_no_alarm():
    alarms = sum(bool(drift(_people(s, 300), _people(10_000 + s, 500), NAMES).findings) for s in range(100))
    assert alarms <= binom.ppf(0.999, 100, 0.002)


def test_the_most_drifted_comes_first():
    found = drift(_people(0, 4000), _people(1, 4000, older=0.4, moved=0.9), NAMES)
    assert [d.feature for d in found.features] == ["region", "age", "income"]
    assert [f.severity for f in found.findings] == [Severity.WARNING, Severity.NOTE]
    assert "(large) in 'region'" in found.findings[0].text
    assert "(moderate) in 'age'" in found.findings[1].text


def test_an_index_that_chance_makes_is_not_reported():
    found = drift(_people(2, 30), _people(3, 30), NAMES)
    assert max(d.shift.psi for d in found.features) > 0.1
    assert found.findings == ()


def test_what_became_unknown_is_drift():
    assert drift(_people(4, 3000), _people(5, 3000, lost=0.5), NAMES).features[0].feature == "income"


def test_people_encoded_otherwise_are_refused():
    other = Features(_people(0, 50).matrix, ())
    with pytest.raises(CampaignError, match="categories"):
        drift(_people(0, 50), other, NAMES)
    with pytest.raises(CampaignError, match="2 different names"):
        drift(_people(0, 50), _people(1, 50), ["a", "b"])
