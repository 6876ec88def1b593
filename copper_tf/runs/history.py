"""The rows of a run's ``history.csv``, one per finished epoch, oldest first."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from tfds_copper.files import write_text

__all__ = ["lowest", "read_rows", "write_rows"]


def read_rows(file: Path) -> list[dict[str, float]]:
    """All rows; none where there is no file yet."""
    if not file.is_file():
        return []
    with file.open(newline="") as stream:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)]


def write_rows(file: Path, rows: Sequence[dict[str, float]]) -> None:
    """Writes all rows, atomically.

    Args:
        file: to write.
        rows: at least one, all of the same columns.
    """
    names = list(rows[0])
    lines = [",".join(names), *(",".join(repr(float(row[n])) for n in names) for row in rows)]
    write_text(file, "\n".join(lines) + "\n")


def lowest(rows: Sequence[dict[str, float]], column: str) -> int:
    """Index of the row with the lowest finite value in a column, the first of equals; -1 where there is none."""
    values = [row[column] if math.isfinite(row[column]) else math.inf for row in rows]
    return values.index(min(values)) if values and min(values) < math.inf else -1
