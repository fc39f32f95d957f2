"""The causal forest as a learner."""

from __future__ import annotations

from suasion.scores.forest import Forest, Settings, grow_forest
from suasion.scores.learners.sample import Sample


def learn_forest(sample: Sample, settings: Settings | None = None) -> Forest:
    """Grow a forest on surplus and surprise.

    Parameters
    ----------
    sample : Sample
    settings : Settings, optional

    Returns
    -------
    Forest
    """
    data = sample.data
    return grow_forest(
        data.features, sample.surplus, sample.surprise, data.weights, data.clusters, settings, sample.seed
    )
