"""Optimisation: which split each group goes to, as close to the proportions as whole groups allow."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import numpy as np

__all__ = ["optimise"]

# Every combination is tried up to this many sheets (3^11 = 177,147), else a local search runs.
_EXACT_SHEETS = 11
_RESTARTS = 12
# Swaps are weighed among at most this many kinds of sheet at a time.
_SWAP_KINDS = 120
# One broken rule outweighs any deviation from the proportions.
_BROKEN = 1e6


class _Cost:
    """Deviation from the proportions plus a penalty for every broken rule.

    With n_k pictures in label k and the share p_s of split s, the cost of the counts c_ks is
    ``sum_ks (c_ks / n_k - p_s)^2 / p_s``; a label without a picture in a split and every sheet short of
    `min_sheets` in validation or test count as broken rules.
    """

    def __init__(self, totals: np.ndarray, parts: Sequence[int], min_sheets: int) -> None:
        self.totals = totals.astype(np.float64)
        self.shares = np.asarray(parts, np.float64) / sum(parts)
        self.least = np.array([1, min_sheets, min_sheets])

    def __call__(self, counts: np.ndarray, sheets: np.ndarray) -> np.ndarray:
        """Costs of states: counts `(..., splits, labels)` and numbers of sheets `(..., splits)`."""
        deviation = (counts / self.totals - self.shares[:, None]) ** 2 / self.shares[:, None]
        broken = (counts == 0).sum(axis=(-2, -1)) + np.maximum(self.least - sheets, 0).sum(axis=-1)
        # Rounded, so that the last bit of a sum can't choose differently on another machine.
        return np.round(deviation.sum(axis=(-2, -1)) + _BROKEN * broken, 9)


def _exact(counts: np.ndarray, cost: _Cost) -> np.ndarray:
    best, assignment = np.inf, np.zeros(len(counts), np.int64)
    states = itertools.product(range(3), repeat=len(counts))
    while len(block := np.array(list(itertools.islice(states, 20_000)), np.int64)):
        chosen = (block[:, None, :] == np.arange(3)[:, None]).astype(np.float64)
        costs = cost(chosen @ counts, chosen.sum(axis=-1))
        if costs.min() < best:
            best, assignment = costs.min(), block[costs.argmin()]
    return assignment


class _LocalSearch:
    """A local search over how many sheets of each kind lie in each split.

    Sheets with equal counts in every label are of one kind: which of them goes assignment does not matter here.
    """

    def __init__(self, kinds: np.ndarray, amounts: np.ndarray, cost: _Cost, rng: random.Random) -> None:
        self.kinds, self.amounts, self.cost, self.rng = kinds, amounts, cost, rng

    def _state_cost(self, change: np.ndarray, sheets: np.ndarray) -> np.ndarray:
        return self.cost(self.counts + change, self.sheets + sheets)

    def _greedy(self) -> None:
        self.assignment = np.zeros((len(self.kinds), 3), np.int64)
        self.counts = np.zeros((3, self.kinds.shape[1]), np.int64)
        self.sheets = np.zeros(3, np.int64)
        order = [k for k, n in enumerate(self.amounts) for _ in range(n)]
        self.rng.shuffle(order)
        order.sort(key=lambda k: -self.kinds[k].sum() * self.rng.uniform(0.5, 1.0))
        for kind in order:
            change = np.eye(3, dtype=np.int64)
            best = int(self._state_cost(change[:, :, None] * self.kinds[kind], change).argmin())
            self._move(kind, None, best)

    def _move(self, kind: int, source: int | None, target: int) -> None:
        for split, step in ((source, -1), (target, 1)):
            if split is not None:
                self.assignment[kind, split] += step
                self.counts[split] += step * self.kinds[kind]
                self.sheets[split] += step

    def _best_move(self, current: float) -> bool:
        best: tuple[float, int, int, int] = (current, -1, 0, 0)
        for source, target in itertools.permutations(range(3), 2):
            movable = np.flatnonzero(self.assignment[:, source])
            if not len(movable):
                continue
            step = np.zeros(3, np.int64)
            step[source], step[target] = -1, 1
            costs = self._state_cost(step[:, None] * self.kinds[movable][:, None, :], step)
            if costs.min() < best[0]:
                best = (float(costs.min()), int(movable[costs.argmin()]), source, target)
        if best[1] >= 0:
            self._move(*best[1:])
        return best[1] >= 0

    def _best_swap(self, current: float) -> bool:
        best: tuple[float, int, int, int, int] = (current, -1, -1, 0, 0)
        for a, b in itertools.combinations(range(3), 2):
            there, here = (self._some(np.flatnonzero(self.assignment[:, split])) for split in (a, b))
            if not len(there) or not len(here):
                continue
            step = np.zeros(3, np.int64)
            step[a], step[b] = 1, -1
            gain = self.kinds[here][None, :, :] - self.kinds[there][:, None, :]
            costs = self._state_cost(step[:, None] * gain[:, :, None, :], np.zeros(3, np.int64))
            if costs.min() < best[0]:
                i, j = np.unravel_index(int(costs.argmin()), costs.shape)
                best = (float(costs.min()), int(there[i]), int(here[j]), a, b)
        if best[1] >= 0:
            self._move(best[1], best[3], best[4])
            self._move(best[2], best[4], best[3])
        return best[1] >= 0

    def _some(self, kinds: np.ndarray) -> np.ndarray:
        chosen = kinds.tolist()
        return kinds if len(chosen) <= _SWAP_KINDS else np.array(self.rng.sample(chosen, _SWAP_KINDS))

    def _now(self) -> float:
        return float(self.cost(self.counts, self.sheets))

    def run(self) -> np.ndarray:
        """The best numbers of sheets found, `(kinds, splits)`."""
        best, assignment = np.inf, np.zeros((len(self.kinds), 3), np.int64)
        for _ in range(_RESTARTS):
            self._greedy()
            while self._best_move(self._now()) or self._best_swap(self._now()):
                pass
            if self._now() < best:
                best, assignment = self._now(), self.assignment.copy()
            if best == 0:
                break
        return assignment


def _local(counts: np.ndarray, cost: _Cost, seed: int) -> np.ndarray:
    kinds, kind_of = np.unique(counts, axis=0, return_inverse=True)
    kind_of = kind_of.reshape(-1)
    assignment = _LocalSearch(kinds, np.bincount(kind_of), cost, random.Random(seed)).run()
    chosen = np.zeros(len(counts), np.int64)
    for kind in range(len(kinds)):
        chosen[np.flatnonzero(kind_of == kind)] = np.repeat(np.arange(3), assignment[kind])
    return chosen


def optimise(counts: np.ndarray, parts: Sequence[int], min_sheets: int, seed: int) -> np.ndarray | None:
    """The split of each sheet, or None where no way keeps every rule.

    Args:
        counts: pictures of each sheet in each label, `(sheets, labels)`, in an order that the seed decides.
        parts: proportions of train, validation and test.
        min_sheets: the fewest sheets in each of validation and test.
        seed: of the local search.

    Returns:
        0, 1 or 2 for each sheet, `(sheets,)`.
    """
    cost = _Cost(counts.sum(axis=0), parts, min_sheets)
    assignment = _exact(counts, cost) if len(counts) <= _EXACT_SHEETS else _local(counts, cost, seed)
    chosen = assignment[None, :] == np.arange(3)[:, None]
    final = cost(chosen.astype(np.int64) @ counts, chosen.sum(axis=1))
    return None if final >= _BROKEN else assignment
