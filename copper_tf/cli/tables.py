"""Short tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from copper_tf.cli.output import say

__all__ = ["number", "print_table"]


def number(value: float | None, interval: Sequence[float] | None = None) -> str:
    """A score with its interval, an en dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints columns of equal width: the first to the left, the others to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    for line in lines:
        first, *others = (
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        say("  ".join([first, *others]).rstrip())
