"""How the names of class folders and the numbers of labels.csv were read, for a user who may know better."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from tfds_copper.folder.labels import LabelRow

__all__ = ["FOLDER_NAME", "Reading", "readings_of"]

FOLDER_NAME = "folder name"


@dataclasses.dataclass(frozen=True)
class Reading:
    """One spelling of a number, and what it was read as.

    Attributes:
        column: ``folder name``, or the column of labels.csv.
        text: as written.
        value: the number that was read.
        unit: as written, in its short form; empty where none is written.
        t: the stress time in the unit of all; NaN where the number is none.
        doubt: what else it may be, for a warning; empty where it can be nothing else.
        lines: all lines of labels.csv on which it stands.
        files: all pictures that have it.
    """

    column: str
    text: str
    value: float
    unit: str
    t: float
    doubt: str
    lines: tuple[int, ...]
    files: tuple[str, ...]


def _gathered(column: str, rows: list[tuple[LabelRow, float]]) -> Reading:
    row, t = rows[0]
    lines, files = tuple(r.line for r, _ in rows if r.line), tuple(r.file for r, _ in rows)
    if column == "pixel_size_nm":
        return Reading(column, row.pixel_size, row.pixel_size_nm, "nm", math.nan, row.pixel_doubt, lines, files)
    return Reading(column, row.time.text, row.time.value, row.time.unit, t, row.time.doubt, lines, files)


def readings_of(rows: Iterable[LabelRow], times: Iterable[float]) -> tuple[Reading, ...]:
    """Every spelling of a stress time, by t, then those of pixel sizes that may be others.

    Args:
        rows: of all pictures.
        times: their stress times in one unit.
    """
    groups: dict[tuple[str, str], list[tuple[LabelRow, float]]] = {}
    for row, t in zip(rows, times, strict=True):
        groups.setdefault(("t" if row.line else FOLDER_NAME, row.time.text), []).append((row, t))
        if row.pixel_doubt:
            groups.setdefault(("pixel_size_nm", row.pixel_size), []).append((row, t))
    found = [_gathered(column, of) for (column, _), of in groups.items()]
    return tuple(sorted(found, key=lambda r: (r.column == "pixel_size_nm", r.t if math.isfinite(r.t) else 0.0, r.text)))
