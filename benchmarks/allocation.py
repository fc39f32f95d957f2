"""Planning under a budget: ours beside HiGHS on the same linear program; and ours alone at a million.

``python -m benchmarks.allocation [--quick]``
"""

from __future__ import annotations

import json
import sys

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, identity, kron, vstack

from benchmarks.timing import alternate, load
from suasion.allocation import Options, decide, plan, spread


def problem(n: int) -> Options:
    """n people, three treatments, some of which harm."""
    luck = np.random.default_rng(1)
    effects, costs = luck.normal(0.03, 0.05, (n, 3)), luck.uniform(0.1, 2.0, (n, 3))
    return Options(np.arange(n), "none", ("a", "b", "c"), effects, costs, np.ones(3, np.bool_))


def highs(options: Options, budget: float) -> float:
    """The optimum of the relaxed problem by HiGHS."""
    n, k = options.effects.shape
    once = kron(identity(n, format="csr"), np.ones((1, k)))
    rows = vstack([once, csr_array(options.costs.reshape(1, -1))])
    most = np.where(options.effects.ravel() > 0, 1.0, 0.0)
    solved = linprog(
        -options.effects.ravel(),
        A_ub=rows,
        b_ub=np.r_[np.ones(n), budget],
        bounds=np.column_stack([np.zeros(n * k), most]),
    )
    return -float(solved.fun)


def main() -> None:
    """Print the figures."""
    n, large = (2_000, 100_000) if "--quick" in sys.argv else (20_000, 1_000_000)
    options, budget = problem(n), 0.1 * n
    taken = alternate(
        3, suasion=lambda: spread(options, budget, 0.0, 0.0), highs=lambda: highs(options, budget)
    )
    chosen = spread(options, budget, 0.0, 0.0)[0]
    ours = float((chosen[:, 1:] * options.effects).sum())
    gap = 1 - ours / highs(options, budget)
    many = problem(large)
    made = plan(many, 0.1 * large, 0.05, 0.02)
    alone = alternate(
        1, plan=lambda: plan(many, 0.1 * large, 0.05, 0.02), decide=lambda: decide(made, "benchmark")
    )
    figures = {"people": n, **taken, "times_faster": round(taken["highs_s"] / taken["suasion_s"], 1)}
    rest = {"gap_to_optimum": round(gap, 9), "people_alone": large, **alone, "load": load()}
    print(json.dumps({"benchmark": "allocation", **figures, **rest}))


if __name__ == "__main__":
    main()
