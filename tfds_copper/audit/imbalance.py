"""Labels that have far fewer pictures than others."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence

from tfds_copper.text import listed

__all__ = ["imbalance"]

# SCIENCE: a label with less than a third of the pictures of the largest one is rare; half as many is usual.
_RARE = 3
_NAMED = 6


def imbalance(labels: Iterable[int], names: Sequence[str]) -> str:
    """Which labels have far fewer pictures than others, in one line with the counts; empty where none.

    Args:
        labels: rank of t of each picture.
        names: of the labels.
    """
    counts = collections.Counter(labels)
    largest = max(counts, key=lambda k: (counts[k], -k), default=0)
    rare = sorted((k for k in counts if _RARE * counts[k] < counts[largest]), key=lambda k: (counts[k], k))
    if not rare:
        return ""
    shown = listed([f"{names[k]} ({counts[k]})" for k in rare], _NAMED)
    return (
        f"labels with far fewer pictures than {names[largest]} ({counts[largest]}): {shown}; they are learnt "
        "worse, and their scores are less certain"
    )
