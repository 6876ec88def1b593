"""Is the information bar found? Pictures with bars of all kinds, and pictures that only seem to have one.

    python -m benchmarks.data.bars --pictures 500 --seed 0

Prints what was found by kind; the exit code is 1 where a bar was missed, its rows are wrong or something was cropped.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable

from benchmarks.data.bar_kinds import Sample, bar_sample, trap_sample
from copper_tf.cli.tables import print_table
from tfds_copper.micrograph.bar import find_bar
from tfds_copper.micrograph.record import Bar

__all__ = ["experiment", "main", "verdict"]

OUTCOMES = ("found", "left alone", "missed", "wrong rows", "false crop")
_GOOD = OUTCOMES[:2]


def verdict(sample: Sample, found: Bar | None) -> str:
    """One of `OUTCOMES`: what became of a sample."""
    if sample.bar is None:
        return "left alone" if found is None else "false crop"
    if found is None:
        return "missed"
    right = found.side == sample.bar.side and 0 <= found.rows - sample.bar.rows <= sample.slack
    return "found" if right else "wrong rows"


def experiment(seed: int, pictures: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Looks for the bar in `pictures` pictures with one and as many without.

    Returns:
        How many there were of each (kind, outcome), and a line for each failure.
    """
    counts: Counter[tuple[str, str]] = Counter()
    failures = []
    makers: tuple[Callable[[int, int], Sample], ...] = (bar_sample, trap_sample)
    for make in makers:
        for index in range(pictures):
            sample = make(seed, index)
            found = find_bar(sample.pixels)
            outcome = verdict(sample, found)
            counts[sample.kind, outcome] += 1
            if outcome not in _GOOD:
                failures.append(
                    f"{make.__name__}({seed}, {index}): {outcome}, {sample.kind}, {sample.pixels.shape}, "
                    f"{sample.bar} found {found}"
                )
    return counts, failures


def main(arguments: list[str] | None = None) -> int:
    """Runs the experiment and prints the table; 1 where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data.bars")
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    counts, failures = experiment(options.seed, options.pictures)
    for part in (0, 1):
        kinds = sorted({kind.rsplit(", ", 1)[part] for kind, _ in counts})
        rows = [[kind, *_row(counts, part, kind)] for kind in kinds]
        print_table(["kind" if part == 0 else "saved as", *OUTCOMES], rows)
    print_table(["seed", *OUTCOMES], [[str(options.seed), *(str(_sum(counts, o)) for o in OUTCOMES)]])
    for line in failures:
        print(line)
    return 1 if failures else 0


def _sum(counts: Counter[tuple[str, str]], outcome: str) -> int:
    return sum(number for (_, o), number in counts.items() if o == outcome)


def _row(counts: Counter[tuple[str, str]], part: int, wanted: str) -> list[str]:
    chosen = Counter({key: n for key, n in counts.items() if key[0].rsplit(", ", 1)[part] == wanted})
    return [str(_sum(chosen, outcome)) for outcome in OUTCOMES]


if __name__ == "__main__":
    sys.exit(main())
