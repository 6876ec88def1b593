"""Which pictures a test shows, and in which order."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["balanced_sample", "shuffled_order"]


def balanced_sample(label: np.ndarray, sheet: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Samples pictures evenly over labels, and within a label over its sheets.

    Args:
        label: rank of t of each picture, ``(pictures,)``.
        sheet: the sheet of each, "" where unknown.
        count: of pictures to sample.
        seed: of the sample.

    Returns:
        Indices ``(count,)`` in random order; all pictures where there are fewer.

    Example:
        >>> import numpy as np
        >>> label = np.repeat([0, 1, 2], 4)
        >>> sheet = np.tile(["a", "a", "b", "b"], 3)
        >>> chosen = balanced_sample(label, sheet, 6, seed=0)
        >>> np.bincount(label[chosen]).tolist()
        [2, 2, 2]
        >>> [sorted(sheet[chosen][label[chosen] == k].tolist()) for k in range(3)]
        [['a', 'b'], ['a', 'b'], ['a', 'b']]
    """
    generator = np.random.default_rng(seed)
    mixed = generator.permutation(len(label))
    repetition, last = np.zeros(len(label)), dict[object, int]()
    for k in mixed:
        key = (int(label[k]), str(sheet[k]))
        last[key] = repetition[k] = last.get(key, -1) + 1
    # The second picture of a sheet comes after the first ones of all sheets of its label.
    ordered = mixed[np.argsort(repetition[mixed], kind="stable")]
    rank = np.zeros(len(label))
    for value in np.unique(label):
        same_label = ordered[label[ordered] == value]
        rank[same_label] = np.arange(len(same_label))
    # Where the count isn't a multiple of the labels, chance decides which labels have one more.
    chosen = mixed[np.argsort(rank[mixed], kind="stable")][:count]
    return generator.permutation(chosen)


def shuffled_order(count: int, secret: str, purpose: str) -> list[int]:
    """A random order for each rater and series of pictures, the same each time and known to no one without the secret.

    Args:
        count: of the numbers 0 to count - 1 to put in order.
        secret: of the test.
        purpose: rater and series.

    Example:
        >>> shuffled_order(6, "f3a1", "anna/without map") == shuffled_order(6, "f3a1", "anna/without map")
        True
        >>> sorted(shuffled_order(6, "f3a1", "anna/without map"))
        [0, 1, 2, 3, 4, 5]
    """
    digest = hashlib.sha256(f"{secret}/{purpose}".encode()).digest()
    order: list[int] = np.random.default_rng(list(digest)).permutation(count).tolist()
    return order
