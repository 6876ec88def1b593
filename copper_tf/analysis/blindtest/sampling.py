"""Which pictures a test shows, and in which order."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["drawn", "shuffled"]


def drawn(label: np.ndarray, sheet: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Pictures of all labels alike, and within a label of as many sheets as there are.

    Args:
        label: rank of t of each picture, ``(pictures,)``.
        sheet: the sheet of each, "" where unknown.
        count: how many to draw.
        seed: of the choice.

    Returns:
        Indices ``(count,)`` in random order; all pictures where there are fewer.
    """
    draw = np.random.default_rng(seed)
    mixed = draw.permutation(len(label))
    turns, seen = np.zeros(len(label)), dict[object, int]()
    for k in mixed:
        key = (int(label[k]), str(sheet[k]))
        seen[key] = turns[k] = seen.get(key, -1) + 1
    # A sheet's second picture comes after the first ones of all sheets of its label.
    by_turn = mixed[np.argsort(turns[mixed], kind="stable")]
    place = np.zeros(len(label))
    for value in np.unique(label):
        members = by_turn[label[by_turn] == value]
        place[members] = np.arange(len(members))
    # Where the count isn't a multiple of the labels, chance says which labels have one more.
    chosen = mixed[np.argsort(place[mixed], kind="stable")][:count]
    return draw.permutation(chosen)


def shuffled(count: int, seed: int, who: str) -> list[int]:
    """An order of its own for each rater and round, which the seed gives again.

    Args:
        count: numbers 0 to count - 1 are put in order.
        seed: of the test.
        who: rater and what the order is for.
    """
    digest = hashlib.sha256(f"{seed}/{who}".encode()).digest()
    order: list[int] = np.random.default_rng(list(digest)).permutation(count).tolist()
    return order
