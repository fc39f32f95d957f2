"""Effects: our forest and our pool against what is in use, on Hillstrom's women's mail and made-up people.

``python -m benchmarks.effects [--quick]``: made-up people only, no peers; else with the extra ``bench`` and
the data of ``SUASION_DATA`` (or ``../shared/data``). CPU seconds are of one thread unless the name says
otherwise. Each contestant is fitted on the same folds; peers have outcome models of the same library.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.timing import load
from suasion.scores import pool
from suasion.scores.data import Data
from suasion.scores.features import Features, encode
from suasion.scores.forest import Forest, grow_forest
from suasion.scores.learners import Sample, learn_forest
from suasion.stats import calibration, normalized

DATA = Path(os.environ.get("SUASION_DATA", Path(__file__).parents[1].parent / "shared" / "data"))
FEATURES = ["recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def cpu() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def made_up(n: int, seed: int = 7, arms: int = 2) -> tuple[Features, np.ndarray, Floats]:
    """People of whom 85 % are treated, with effects of a few points for some."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 12))
    x[:, 8:] = np.round(np.abs(x[:, 8:]) * 2)
    w = (rng.random(n) < 0.85) * rng.integers(1, arms, n)
    base = 1 / (1 + np.exp(3.4 - 0.7 * x[:, 0] - 0.4 * x[:, 1] * (x[:, 2] > 0) - 0.2 * x[:, 8]))
    effect = 0.02 * (x[:, 3] > 0) * (1 + (x[:, 4] > 0.5)) + 0.01 * np.tanh(x[:, 1])
    return Features(x, ()), w, (rng.random(n) < np.clip(base + (w > 0) * effect, 0, 1)).astype(np.float64)


def sample_of(features: Features, w: np.ndarray, y: Floats, chance: float) -> Sample:
    """People with expectations learned on the other half: the forest's share of the work on outcomes."""
    n = len(y)
    data = Data(features, np.tile([1 - chance, chance], (n, 1)))
    half = pool.folds_of(np.arange(n), None, w, 2, "benchmark")
    return pool.sample_of(data, w, y, np.arange(n), half, 2, 0)


def our_forest(features: Features, w: np.ndarray, y: Floats, chance: float) -> Forest:
    """Outcome models and forest, known propensity: everything between the data and a forest."""
    return learn_forest(sample_of(features, w, y, chance))


def timed(work: Callable[[], object], rounds: int) -> float:
    """Median CPU seconds, after one run that is not counted."""
    taken: list[float] = []
    for turn in range(rounds + 1):
        start = cpu()
        work()
        if turn:
            taken.append(cpu() - start)
    return statistics.median(taken)


def alone(name: str, *arguments: str, threads: int | None) -> dict[str, Any]:
    """A measurement in a process of its own: its memory, and the processors it may use."""
    command = [sys.executable, "-m", "benchmarks.effects", "--part", name, *arguments]
    some = {**os.environ, "OMP_NUM_THREADS": str(threads)} if threads else None
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:threads])
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=some)
    finally:
        os.sched_setaffinity(0, cores)
    return json.loads(done.stdout.splitlines()[-1])


def large(n: int) -> dict[str, float]:
    """Our forest on n made-up people with all processors: CPU seconds, and memory above the data."""
    features, w, y = made_up(n)
    our_forest(*(made_up(2000)), 0.85)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, wall = cpu(), time.perf_counter()
    our_forest(features, w, y, 0.85)
    taken, wall = cpu() - start, time.perf_counter() - wall
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    return {"cpu_s": round(taken, 2), "wall_s": round(wall, 2), "rss_over_data_mb": round(more)}


def first() -> dict[str, float]:
    """Seconds to import suasion, and to compile all that a forest needs, with an empty cache."""
    fresh = {**os.environ, "NUMBA_CACHE_DIR": os.environ["SUASION_BENCHMARK_CACHE"]}
    imported = "import time; a = time.perf_counter(); import suasion; print(time.perf_counter() - a)"
    import_s = float(subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True).stdout)
    compiled = (
        "import time, benchmarks.effects as b; f, w, y = b.made_up(2000); a = time.perf_counter();"
        "g = b.our_forest(f, w, y, 0.85); g.effects(f); g.intervals(f); print(time.perf_counter() - a)"
    )
    first_s = float(
        subprocess.run([sys.executable, "-c", compiled], capture_output=True, text=True, env=fresh).stdout
    )
    again_s = float(
        subprocess.run([sys.executable, "-c", compiled], capture_output=True, text=True, env=fresh).stdout
    )
    return {
        "import_s": round(import_s, 3),
        "first_use_s": round(first_s, 1),
        "second_use_s": round(again_s, 1),
    }


def scoring() -> dict[str, float]:
    """One person by the public call, warm, and a million on all processors; 200 trees, 3 arms."""
    features, w, y = made_up(34_000, arms=3)
    surprise = np.eye(3)[w][:, 1:] - np.eye(3)[w][:, 1:].mean(axis=0)
    forest = grow_forest(features, y - y.mean(), surprise)
    singles: list[float] = []
    for row in range(3_000):
        one = Features(features.matrix[row : row + 1], ())
        start = time.perf_counter()
        forest.effects(one)
        singles.append(time.perf_counter() - start)
    many = Features(np.tile(features.matrix, (30, 1))[:1_000_000], ())
    forest.effects(many)
    taken: list[float] = []
    used = cpu()
    for _ in range(3):
        start = time.perf_counter()
        forest.effects(many)
        taken.append(time.perf_counter() - start)
    return {
        "score_one_us": round(statistics.median(singles) * 1e6, 1),
        "score_1m_s": round(min(taken), 2),
        "score_1m_cpu_s": round((cpu() - used) / 3, 2),
    }


def hillstrom() -> tuple[Features, Floats, np.ndarray, Floats]:
    """Women's mail against none: our features, the peers' columns of numbers, treatment, visit."""
    table = pq.read_table(DATA / "hillstrom.parquet")
    table = table.filter(pc.is_in(table["segment"], value_set=pa.array(["Womens E-Mail", "No E-Mail"])))
    plain = [
        table[name].to_numpy().astype(np.float64)
        for name in ("recency", "history", "mens", "womens", "newbie")
    ]
    plain.append(np.array([float(text[0]) for text in table["history_segment"].to_pylist()]))
    for name in ("zip_code", "channel"):
        values = np.array(table[name].to_pylist())
        plain += [(values == level).astype(np.float64) for level in np.unique(values)]
    treated = (np.array(table["segment"].to_pylist()) == "Womens E-Mail").astype(np.int64)
    return (
        encode(table.select(FEATURES)),
        np.column_stack(plain),
        treated,
        table["visit"].to_numpy().astype(np.float64),
    )


def folds_of(w: np.ndarray, y: Floats) -> np.ndarray:
    """Five folds, visitors and the treated spread evenly."""
    return pool.folds_of(np.arange(len(y)), None, 2 * w + y.astype(np.int64), 5, "benchmark folds")


def judged(y: Floats, w: np.ndarray, fold_of: np.ndarray, one: Floats, other: Floats | None = None) -> Any:
    """Normalized Qini within folds, averaged; or its paired difference to another score."""
    rng = np.random.default_rng(1)
    # A score means something within its fold: ranks put the folds beside each other.
    first = ranks(one, fold_of)
    if other is None:
        return normalized.qini(y, w, first, rng)
    return normalized.compare(y, w, first, ranks(other, fold_of), rng)


def ranks(score: Floats, fold_of: np.ndarray) -> Floats:
    """Share of the fold with a lower score."""
    out = np.empty(len(score))
    for fold in range(5):
        here = fold_of == fold
        _, index, counts = np.unique(score[here], return_inverse=True, return_counts=True)
        out[here] = (np.cumsum(counts) - counts / 2)[index] / here.sum()
    return out


def on_hillstrom() -> dict[str, Any]:
    """Ours and peers on the same five folds: CPU seconds of a fit on 34k people, and quality."""
    features, plain, w, y = hillstrom()
    fold_of, n = folds_of(w, y), len(y)
    forest, high, taken, wide = np.empty(n), np.empty(n), list[float](), list[float]()
    our_forest(features, w, y, 0.5).intervals(Features(features.matrix[:10], features.categorical))
    for fold in range(5):
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        near, far = Data(features).take(inside).features, Data(features).take(outside).features
        start = cpu()
        made = our_forest(near, w[inside], y[inside], 0.5)
        taken.append(cpu() - start)
        forest[outside] = made.effects(far)[:, 0]
        high[outside] = made.intervals(far)[2][:, 0]
        wide.append(cpu() - start)
    start = cpu()
    data = Data(features, np.full((n, 2), 0.5))
    fitted = pool.fit(data, w, y)
    pool_s = cpu() - start
    ours = np.empty(n)
    for fold in range(5):
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        part = pool.fit(data.take(inside), w[inside], y[inside])
        ours[outside] = part.model.effects(data.take(outside).features)[:, 0]
    peers = compared(plain, w, y, fold_of)
    quality = {name: judged(y, w, fold_of, peer["score"]).value for name, peer in peers.items()}
    best = max(quality, key=lambda name: quality[name])
    against = judged(y, w, fold_of, ours, peers[best]["score"])
    forests = {name: judged(y, w, fold_of, forest, peers[name]["score"]) for name in FORESTS}
    average, gained = fitted.average[0], fitted.sample.gains[:, 0]
    forest_s, wide_s = statistics.median(taken), statistics.median(wide)
    return {
        "forest_cpu_s": round(forest_s, 2),
        "forest_intervals_cpu_s": round(wide_s, 2),
        "pool_cpu_s": round(pool_s, 1),
        "ratio_causalml": round(peers["causalml uplift forest"]["cpu_s"] / forest_s, 1),
        "ratio_econml": round(peers["econml causal forest"]["cpu_s"] / forest_s, 1),
        "ratio_econml_intervals": round(peers["econml causal forest, intervals"]["cpu_s"] / wide_s, 1),
        "qini": round(judged(y, w, fold_of, ours).value, 4),
        "qini_forest": round(judged(y, w, fold_of, forest).value, 4),
        "qini_best_peer": round(quality[best], 4),
        "best_peer": best,
        "paired_low": round(against.low, 4),
        "paired_high": round(against.high, 4),
        "forest_paired": {name: [round(e.low, 4), round(e.high, 4)] for name, e in forests.items()},
        "qini_peers": {name: round(value, 4) for name, value in quality.items()},
        "peers_cpu_s": {name: round(peer["cpu_s"], 2) for name, peer in peers.items()},
        "mean_effect": round(float(ours.mean()), 4),
        "aipw": [round(x, 4) for x in (average.value, average.low, average.high)],
        "slope": [round(x, 2) for x in line(gained, ours, fold_of)],
    }


def line(gains: Floats, effects: Floats, fold_of: np.ndarray) -> tuple[float, float, float]:
    """Slope of gains on effects, with its interval."""
    slope = calibration.line(gains, effects, groups=fold_of).slope
    return slope.value, slope.low, slope.high


FORESTS = ("causalml uplift forest", "econml causal forest")


def compared(plain: Floats, w: np.ndarray, y: Floats, fold_of: np.ndarray) -> Mapping[str, Any]:
    """Out-of-fold scores and CPU seconds of the peers, each in a process of its own."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npz"
        np.savez(given, x=plain, w=w, y=y, fold=fold_of)
        for name in PEERS:
            subprocess.run(
                [sys.executable, "-m", "benchmarks.peers", name, str(given), str(made)], check=True
            )
            with np.load(made) as result:
                found[name] = {"score": result["score"], "cpu_s": float(np.median(result["cpu"]))}
    return found


PEERS = (
    *FORESTS,
    "econml causal forest, intervals",
    "econml LinearDML",
    "sklift T",
    "sklift S",
    "causalml X",
)
PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "first": first,
    "hillstrom": on_hillstrom,
    "large": lambda n: large(int(n)),
    "scoring": scoring,
}


def main() -> None:
    """Run the benchmark and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="made-up people only, no peers")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.part:
        name, *arguments = parsed.part
        print(json.dumps(PARTS[name](*arguments)))
        return
    before = load()
    found: dict[str, Any] = {"benchmark": "effects"}
    if parsed.quick:
        found |= alone("scoring", threads=None) | {"forest_100k": alone("large", "100000", threads=None)}
    else:
        with tempfile.TemporaryDirectory() as cache:
            os.environ["SUASION_BENCHMARK_CACHE"] = cache
            found |= alone("first", threads=None)
        found |= alone("hillstrom", threads=1) | alone("scoring", threads=None)
        million, ten = alone("large", "1000000", threads=None), alone("large", "10000000", threads=None)
        found |= {f"forest_1m_{key}": value for key, value in million.items()}
        found |= {f"forest_10m_{key}": value for key, value in ten.items()}
        found["growth_10m"] = round(ten["cpu_s"] / million["cpu_s"], 1)
    print(json.dumps(found | {"load_before": before, "load_after": load()}))


if __name__ == "__main__":
    main()
