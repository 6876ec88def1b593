"""Whole sheets shared out among the splits: the best way where all are tried, and always the same way."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tfds_copper.splits import optimisation
from tfds_copper.splits.optimisation import optimise


def _counts(seed: int, sheets: int, labels: int, most: int) -> np.ndarray:
    counts = np.random.default_rng(seed).integers(0, most, (sheets, labels))
    counts[counts.sum(1) == 0, 0] = 1
    return counts


def _cost(counts: np.ndarray, parts: tuple[int, int, int], chosen: np.ndarray) -> float:
    """Squared deviations from the proportions, in shares of each label, by hand."""
    shares = np.array(parts) / sum(parts)
    return sum(
        float((counts[chosen == s, k].sum() / counts[:, k].sum() - shares[s]) ** 2 / shares[s])
        for s in range(3)
        for k in range(counts.shape[1])
    )


@pytest.mark.parametrize(
    ("seed", "size", "parts", "min_sheets", "chosen", "cost"),
    [
        (0, (14, 4, 4), (2, 1, 1), 1, "12100020022012", 0.010973),
        (1, (16, 3, 6), (40, 5, 5), 2, "0000100020020001", 0.028604),
        (2, (13, 5, 3), (1, 1, 1), 3, "2110001022210", 0.041466),
        (3, (20, 6, 9), (3, 1, 1), 1, "00002100010201000221", 0.01388),
        (4, (12, 2, 7), (8, 1, 1), 1, "000020100000", 0.012248),
    ],
)
def test_many_sheets_are_shared_out_in_one_and_the_same_way(
    seed: int, size: tuple[int, int, int], parts: tuple[int, int, int], min_sheets: int, chosen: str, cost: float
) -> None:
    counts = _counts(seed, *size)
    found = optimise(counts, parts, min_sheets, seed)
    assert found is not None and "".join(map(str, found)) == chosen
    assert _cost(counts, parts, found) == pytest.approx(cost, abs=1e-6)
    assert min(np.sum(found == 1), np.sum(found == 2)) >= min_sheets


def test_sheets_of_one_kind_go_in_order_and_fit_exactly() -> None:
    found = optimise(np.ones((12, 2), int), (2, 1, 1), 1, 0)
    assert found is not None and "".join(map(str, found)) == "000000111222"


@pytest.mark.parametrize("seed", range(6))
def test_the_local_search_comes_close_to_the_best_of_all_ways(seed: int) -> None:
    counts, parts = _counts(seed, 9, 3, 5), (2, 1, 1)
    best = optimise(counts, parts, 1, seed)
    cost = optimisation._Cost(counts.sum(0), parts, 1)
    local = optimisation._local(counts, cost, seed)
    assert best is not None
    assert _cost(counts, parts, best) <= _cost(counts, parts, local) <= _cost(counts, parts, best) + 0.01


def test_a_swap_takes_one_sheet_each_way() -> None:
    # Sheets of 1 and of 3 pictures; train has both of the large ones, test both of the small ones.
    kinds, amounts, at = np.array([[1], [3], [2]]), np.array([2, 2, 2]), np.array([[0, 0, 2], [2, 0, 0], [0, 2, 0]])
    cost = optimisation._Cost(np.array([12]), (1, 1, 1), 2)
    search = optimisation._LocalSearch(kinds, amounts, cost, random.Random(0))
    search.assignment, search.counts, search.sheets = at, at.T @ kinds, at.sum(0)
    assert search._best_swap(search._now())
    np.testing.assert_array_equal(search.assignment, [[1, 0, 1], [1, 0, 1], [0, 2, 0]])
    np.testing.assert_array_equal(search.counts, [[4], [4], [4]])
    np.testing.assert_array_equal(search.sheets, [2, 2, 2])
    assert not search._best_swap(search._now())


def test_too_few_sheets_have_no_way() -> None:
    assert optimise(np.ones((2, 1), int), (1, 1, 1), 1, 0) is None
    assert optimise(np.ones((12, 1), int), (1, 1, 1), 6, 0) is None
    assert optimise(np.ones((13, 1), int), (1, 1, 1), 6, 0) is not None
