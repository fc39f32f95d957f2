"""Random problems of all sorts: a few persons, a few treatments, ties, zeros and harm among them."""

from collections.abc import Callable

import numpy as np
import pytest

from suasion.allocation import Options

Problem = Callable[..., Options]


def problem(seed: int, costs: str | None = None, largest: int = 12) -> Options:
    """Options drawn from a seed; `costs` is one of equal, free, by option, by person, mixed."""
    rng = np.random.default_rng(seed)
    n, k = rng.integers(1, largest + 1), rng.integers(1, 5)
    effects = rng.normal(0.1, 0.3, (n, k))
    if rng.random() < 0.4:
        effects = effects.round(1)
    effects[rng.random((n, k)) < 0.1] = 0
    by_person = rng.lognormal(0, 1, (n, k))
    kinds = {
        "equal": np.full((n, k), 1.7),
        "free": np.zeros((n, k)),
        "by option": np.tile(rng.integers(1, 4, k) * 0.7, (n, 1)),
        "by person": by_person,
        "mixed": np.where(rng.random((n, k)) < 0.3, 0, by_person),
    }
    chosen = kinds[costs or str(rng.choice(list(kinds)))]
    permitted = rng.random(k) < 0.85
    return Options(
        rng.permutation(1000)[:n], "none", tuple(f"t{i}" for i in range(k)), effects, chosen, permitted
    )


@pytest.fixture(scope="session")
def make_problem() -> Problem:
    """The function ``problem``."""
    return problem
