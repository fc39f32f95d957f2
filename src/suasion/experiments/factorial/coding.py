"""Levels as columns of numbers, and which effects the columns cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Term = tuple[int, ...]
"""Numbers of parts: one for what a part does, two for what they do together."""
TINY = 1e-8


def contrasts(shapes: Sequence[int], term: Term) -> Floats:
    """From coefficients of a term to the effect of each of its levels, against the average of levels.

    Effect coding: each level but the last has a coefficient, the last is what makes the sum 0.

    Examples
    --------
    >>> contrasts([2, 3], (1,)).tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
    """
    made: Floats = np.ones((1, 1))
    for part in term:
        count = shapes[part]
        own = np.vstack([np.eye(count - 1), -np.ones(count - 1)])
        made = np.asarray(np.kron(made, own), np.float64)
    return made


def columns(levels: Ids, shapes: Sequence[int], term: Term) -> Floats:
    """The columns of a term, one row for each row of levels."""
    index = np.zeros(len(levels), np.int64)
    for part in term:
        index = index * shapes[part] + levels[:, part]
    return contrasts(shapes, term)[index]


def carried(levels: Ids, shapes: Sequence[int], model: Sequence[Term], left_out: Term) -> set[Term]:
    """Terms of a model whose estimates hold some of a term that was left out.

    Source: the alias matrix (X1'X1)^-1 X1'X2 of Box and Wilson 1951, Journal of the Royal Statistical
    Society B 13:1, of the combinations, each counted once.

    Examples
    --------
    >>> half = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 1, 1]])
    >>> carried(half, [2, 2, 2], [(0,), (1,), (2,)], (0, 1))
    {(2,)}
    """
    made = [np.ones((len(levels), 1)), *(columns(levels, shapes, term) for term in model)]
    alias = np.linalg.pinv(np.column_stack(made), rcond=TINY) @ columns(levels, shapes, left_out)
    ends = np.cumsum([part.shape[1] for part in made])
    blocks = np.split(np.abs(alias), ends[:-1])[1:]
    return {term for term, block in zip(model, blocks, strict=True) if block.max() > TINY}


def confounded(levels: Ids, shapes: Sequence[int], model: Sequence[Term]) -> dict[Term, list[Term]]:
    """Terms of a model that cannot be estimated, each with those that stand in its way.

    Examples
    --------
    >>> half = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 1, 1]])
    >>> confounded(half, [2, 2, 2], [(0,), (1,), (2,), (0, 1)])
    {(2,): [(0, 1)], (0, 1): [(2,)]}
    """
    made = {term: columns(levels, shapes, term) for term in model}

    def told_apart(term: Term, others: Sequence[Term]) -> bool:
        rest = np.column_stack([np.ones(len(levels)), *(made[other] for other in others)])
        both = np.column_stack([rest, made[term]])
        gained = np.linalg.matrix_rank(both, tol=TINY) - np.linalg.matrix_rank(rest, tol=TINY)
        return int(gained) == made[term].shape[1]

    lost = [term for term in model if not told_apart(term, [other for other in model if other != term])]
    found: dict[Term, list[Term]] = {}
    for term in lost:
        rivals = [other for other in lost if other != term]
        alone = [r for r in rivals if told_apart(term, [o for o in model if o not in (term, r)])]
        found[term] = alone or rivals
    return found
