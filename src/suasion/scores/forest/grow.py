"""One honest tree: half of its people choose the splits, the other half says what the leaves are worth."""

from __future__ import annotations

import numba
import numpy as np

from suasion.scores.forest.chance import halves, members, some
from suasion.scores.forest.leaves import BLOCK, depth_of, leaves
from suasion.scores.forest.moments import solve

FEW = 0.25
"""A child must hold at least this share of the information on each treatment that its size promises."""
SMOOTH = 10.0
"""So many average people pull the effect of a category to that of all, when categories are ordered."""


@numba.njit(cache=True, nogil=True)
def grow(rows_first, counts, categorical, moments, starts, order, plan, seed, bag, tree):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Grow one tree.

    Parameters: bins (n, p), number of bins (p,), which columns are categorical, moments (n, d), rows of each
    group as `chance.members` takes them, the settings (treatments, depth, least rows of a leaf, columns asked
    about), and the three numbers that chance depends on.

    Returns: of each node the column asked about, the left child (the right one is next to it; a leaf is its
    own), the bins that go left as bits (nodes, 4), and the mean moments of its people (nodes, d).
    """
    k, depth, least_rows, asked = plan
    inside, outside = halves(seed, bag, tree, len(starts) - 1)
    rows = members(inside, starts, order)
    chosen = some(asked, rows_first.shape[1], seed, 2 * tree)
    small, bins = np.empty((len(rows), moments.shape[1])), np.empty((asked, len(rows)), np.uint8)
    sums = _gather(rows_first, moments, rows, chosen, bins, small)
    ranks = _ranked(bins, small, sums, k, tree, chosen, counts, categorical)
    feature, left, bits = _split(bins, small, sums, ranks, k, depth, least_rows, chosen, counts, categorical)
    values = _worth(rows_first, members(outside, starts, order), moments, feature, left, bits)
    return feature, left, bits, values


@numba.njit(cache=True, nogil=True)
def _gather(rows_first, moments, rows, chosen, bins, small):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Copy what a tree asks about of its people, column by column; return the sums of their moments."""
    sums = np.zeros(moments.shape[1])
    for i in range(np.uint64(len(rows))):
        row = np.uint64(rows[i])
        for f in range(np.uint64(len(chosen))):
            bins[f, i] = rows_first[row, np.uint64(chosen[f])]
        for m in range(np.uint64(moments.shape[1])):
            small[i, m] = moments[row, m]
            sums[m] += small[i, m]
    return sums


@numba.njit(cache=True, nogil=True)
def _ranked(bins, moments, sums, k, tree, chosen, counts, categorical):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Replace each category by its rank in the effect of one treatment; return the rank of each bin.

    The best of all splits of categories in two keeps them in this order (Fisher 1958, JASA 53:789).
    """
    ranks = np.empty((len(chosen), 256), np.uint8)
    arm = tree % k
    diagonal = k
    for i in range(arm):
        diagonal += k - i
    usual = sums[arm] / max(sums[diagonal], 1e-300)
    for f in range(len(chosen)):
        for v in range(256):
            ranks[f, v] = v
        if not categorical[chosen[f]]:
            continue
        count = counts[chosen[f]]
        found = np.zeros((count, 2))
        for i in range(bins.shape[1]):
            found[bins[f, i], 0] += moments[i, arm]
            found[bins[f, i], 1] += moments[i, diagonal]
        pull = max(SMOOTH * sums[diagonal] / max(bins.shape[1], 1), 1e-300)
        for v in range(count):
            found[v, 0] = (found[v, 0] + pull * usual) / (found[v, 1] + pull)
        # Which of equals comes first does not matter, but must always be the same.
        for v in range(count):
            rank = 0
            for other in range(count):
                if found[other, 0] < found[v, 0] or (found[other, 0] == found[v, 0] and other < v):
                    rank += 1
            ranks[f, v] = rank
        for i in range(bins.shape[1]):
            bins[f, i] = ranks[f, bins[f, i]]
    return ranks


@numba.njit(cache=True, nogil=True)
def _split(bins, moments, sums, ranks, k, depth, least_rows, chosen, counts, categorical):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Split depth first: of two children the smaller is counted, the other is the rest of their parent."""
    n, d = moments.shape
    most = min(2 ** (depth + 1), 2 * max(1, n // least_rows)) + 1
    feature, left = np.zeros(most, np.uint16), np.arange(most).astype(np.uint32)
    bits = np.full((most, 4), np.uint64(0xFFFFFFFFFFFFFFFF))
    offsets = np.zeros(len(chosen) + 1, np.int64)
    for f in range(len(chosen)):
        offsets[f + 1] = offsets[f] + counts[chosen[f]]
    # Of each open node: number, first and last place in `rows`, depth; its sums, and those of its bins.
    open_nodes = np.zeros((depth + 2, 4), np.int64)
    total, table = np.zeros((depth + 2, d)), np.zeros((depth + 2, offsets[-1], 1 + d))
    rows, source, room = np.arange(n).astype(np.int32), np.empty(n, np.int32), np.empty((n, d))
    least = _least(sums, k, n, np.empty((k, k)), np.empty(k))
    nodes, waiting = 1, 0
    if n >= 2 * least_rows and depth > 0:
        open_nodes[0, 2] = n
        _count(
            bins, moments, rows, offsets, np.int64(0), n, table[0], total[0], room
        )  # a literal compiles twice
        waiting = 1
    while waiting:
        waiting -= 1
        top = waiting
        node, begin, end, level = open_nodes[top]
        f, side, cut = _best(
            table[top], total[top], offsets, chosen, categorical, k, end - begin, least_rows, least
        )
        if f < 0:
            continue
        ordered, count = categorical[chosen[f]], counts[chosen[f]]
        _mark(table[top], offsets[f], count, side, cut, ranks[f], ordered, bits[node])
        feature[node], left[node] = chosen[f], nodes
        middle = _part(bins[f], rows, ordered, side, cut, begin, end, source)
        nodes += 2
        if level + 1 == depth or max(middle - begin, end - middle) < 2 * least_rows:
            continue
        # The slot of the parent becomes that of the larger child, the next one that of the smaller.
        left_small = middle - begin <= end - middle
        small, large = (nodes - 2, begin, middle), (nodes - 1, middle, end)
        if not left_small:
            small, large = large, small
        _count(bins, moments, rows, offsets, small[1], small[2], table[top + 1], total[top + 1], room)
        _less(table[top], total[top], table[top + 1], total[top + 1])
        open_nodes[top, 0], open_nodes[top, 1], open_nodes[top, 2] = large
        open_nodes[top, 3] = level + 1
        waiting += 1
        if small[2] - small[1] >= 2 * least_rows:
            open_nodes[top + 1, 0], open_nodes[top + 1, 1], open_nodes[top + 1, 2] = small
            open_nodes[top + 1, 3] = level + 1
            waiting += 1
    return feature[:nodes].copy(), left[:nodes].copy(), bits[:nodes].copy()


@numba.njit(cache=True, nogil=True)
def _least(sums, k, n, lower, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The least pivots of a child, per person."""
    least = np.zeros(k)
    solve(sums, k, least, lower, out)
    for i in range(k):
        pivot = sums[1] if k == 1 else lower[i, i] ** 2
        least[i] = FEW * pivot / max(n, 1)
    return least


@numba.njit(cache=True, nogil=True)
def _count(bins, moments, rows, offsets, begin, end, table, total, room):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Sum up people by bin of each feature, and over all."""
    d = moments.shape[1]
    for at in range(len(table)):
        for m in range(d + 1):
            table[at, m] = 0.0
    for m in range(d):
        total[m] = 0.0
    for i in range(begin, end):
        for m in range(d):
            room[i, m] = moments[rows[i], m]
            total[m] += room[i, m]
    for f in range(bins.shape[0]):
        start = offsets[f]
        for i in range(begin, end):
            at = start + bins[f, rows[i]]
            table[at, 0] += 1.0
            if d == 2:
                table[at, 1] += room[i, 0]
                table[at, 2] += room[i, 1]
            else:
                for m in range(d):
                    table[at, 1 + m] += room[i, m]


@numba.njit(cache=True, nogil=True)
def _less(table, total, part, share):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """What remains of a parent without one child."""
    for at in range(len(table)):
        for m in range(table.shape[1]):
            table[at, m] -= part[at, m]
    for m in range(len(total)):
        total[m] -= share[m]


@numba.njit(cache=True, nogil=True)
def _best(table, total, offsets, chosen, categorical, k, n, least_rows, least):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The split that lowers the R-loss most: column, whether the missing go left, last bin on the left."""
    lower, out, limit = np.empty((k, k)), np.empty(k), np.zeros(k)
    sums, rest = np.empty(len(total)), np.empty(len(total))
    best = max(solve(total, k, limit, lower, out), 0.0) * (1 + 1e-9) + 1e-300
    column, side, cut = -1, 0, 0
    for f in range(len(chosen)):
        start, end = offsets[f], offsets[f + 1]
        first = start if categorical[chosen[f]] else start + 1
        for missing in range(1 if first == start or table[start, 0] == 0 else 2):
            before = table[start] * missing
            if k == 1:
                found, place = _scan_one(table, first, end, before, total, n, least_rows, least[0])
            else:
                found, place = _scan(
                    table, first, end, before, total, n, least_rows, least, (lower, out, limit, sums, rest)
                )
            if found > best:
                best, column, side, cut = found, f, missing, place - start
    return column, side, cut


@numba.njit(cache=True, nogil=True)
def _scan_one(table, first, end, before, total, n, least_rows, least):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The best place to cut the bins of a column, for one treatment."""
    rows, b, a = before
    best, place = -1.0, -1
    for v in range(first, end):
        more = table[v, 0]
        rows += more
        b += table[v, 1]
        a += table[v, 2]
        if n - rows < least_rows:
            break
        rest = total[1] - a
        if more == 0 or rows < least_rows or a <= least * rows or rest <= least * (n - rows):
            continue
        found = (b * b * rest + (total[0] - b) ** 2 * a) / (a * rest)
        if found > best:
            best, place = found, v
    return best, place


@numba.njit(cache=True, nogil=True)
def _scan(table, first, end, before, total, n, least_rows, least, room):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The best place to cut the bins of a column, for several treatments."""
    lower, out, limit, sums, rest = room
    k, best, place, rows = len(least), -1.0, -1, before[0]
    for m in range(len(total)):
        sums[m] = before[1 + m]
    for v in range(first, end):
        rows += table[v, 0]
        for m in range(len(total)):
            sums[m] += table[v, 1 + m]
            rest[m] = total[m] - sums[m]
        if n - rows < least_rows:
            break
        if table[v, 0] == 0 or rows < least_rows:
            continue
        for i in range(k):
            limit[i] = least[i] * rows
        drop = solve(sums, k, limit, lower, out)
        for i in range(k):
            limit[i] = least[i] * (n - rows)
        other = solve(rest, k, limit, lower, out)
        if min(drop, other) >= 0 and drop + other > best:
            best, place = drop + other, v
    return best, place


@numba.njit(cache=True, nogil=True)
def _mark(table, start, count, side, cut, ranks, ordered, bits):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write down which bins go left; what nobody here has goes with its neighbors or the majority."""
    for word in range(4):
        bits[word] = np.uint64(0)
    went, stayed = 0.0, 0.0
    for rank in range(count):
        if rank <= cut if ordered or rank > 0 else side == 1:
            went += table[start + rank, 0]
        else:
            stayed += table[start + rank, 0]
    for v in range(256):
        rank = ranks[v]
        if v >= count or ((ordered or v == 0) and table[start + rank, 0] == 0):
            goes = went >= stayed
        else:
            goes = rank <= cut if ordered or v > 0 else side == 1
        if goes:
            bits[v >> 6] |= np.uint64(1) << np.uint64(v & 63)


@numba.njit(cache=True, nogil=True)
def _part(bins, rows, ordered, side, cut, begin, end, source):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Put those who go left first, each part in its old order; return where the others begin."""
    middle, others = begin, 0
    for i in range(begin, end):
        row = rows[i]
        v = bins[row]
        goes = np.int64(v <= cut)
        if v == 0 and not ordered:
            goes = side
        rows[middle] = row
        source[others] = row
        middle += goes
        others += 1 - goes
    for i in range(others):
        rows[middle + i] = source[i]
    return middle


@numba.njit(cache=True, nogil=True)
def _worth(rows_first, rows, moments, feature, left, bits):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Mean moments of the leaves' people who did not choose the splits; 0 where there are none."""
    values, people = np.zeros((len(left), moments.shape[1])), np.zeros(len(left))
    nodes, deepest = np.empty(BLOCK, np.uint32), depth_of(left)
    block = np.empty((BLOCK, rows_first.shape[1]), np.uint8)
    for first in range(0, len(rows), BLOCK):
        count = min(BLOCK, len(rows) - first)
        for i in range(count):
            for f in range(block.shape[1]):
                block[i, f] = rows_first[rows[first + i], f]
        leaves(block, count, np.int64(0), deepest, feature, left, bits, nodes)
        for i in range(count):
            people[nodes[i]] += 1.0
            for m in range(moments.shape[1]):
                values[nodes[i], m] += moments[rows[first + i], m]
    for node in range(len(left)):
        for m in range(moments.shape[1]):
            values[node, m] /= max(people[node], 1.0)
    return values
