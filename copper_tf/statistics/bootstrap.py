"""Intervals and tests: bootstrap over whole sheets, Student intervals, Holm's correction; NumPy and SciPy only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from scipy import special

__all__ = [
    "LEVEL",
    "MIN_GROUPS",
    "NORMAL_QUANTILE",
    "RESAMPLES",
    "UNIT",
    "UNLIMITED",
    "bootstrap",
    "difference_interval",
    "groups_of",
    "holm",
    "intervals",
    "mean_interval",
    "sheet_means",
    "two_sided",
]

# Below this many sheets (or pictures) an interval would be a guess, so none is given.
MIN_GROUPS = 5
# Of every interval, and the quantile of a normal distribution at its upper end.
LEVEL = 0.95
NORMAL_QUANTILE = float(special.ndtri((1 + LEVEL) / 2))
RESAMPLES = 1000

Rows = Mapping[str, np.ndarray]
Scores = dict[str, float]
Interval = tuple[float, float]


def groups_of(sheets: Sequence[str], files: Sequence[str]) -> tuple[np.ndarray, Literal["sheets", "pictures"]]:
    """What to resample: sheets, and each picture of an unknown sheet for itself.

    Args:
        sheets: of the pictures, "" where unknown.
        files: of the same pictures.

    Returns:
        The group's number of each picture, and ``"sheets"``, or ``"pictures"`` where not all sheets are known.
    """
    # A sheet may have the name of a file.
    names = [f"s{sheet}" if sheet else f"f{file}" for sheet, file in zip(sheets, files, strict=True)]
    known = all(sheets) and len(sheets) > 0
    return np.unique(names, return_inverse=True)[1], "sheets" if known else "pictures"


def bootstrap(rows: Rows, groups: np.ndarray, score: Callable[[Rows], Scores], seed: int = 0) -> dict[str, np.ndarray]:
    """Scores of resampled data, whole groups at a time; empty where there are fewer than `MIN_GROUPS` groups.

    Args:
        rows: columns of equal length.
        groups: number of each row's group.
        score: rows to scores.
        seed: of the resampling.

    Returns:
        For each score its resampled values.
    """
    rows_of_group = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    count = len(rows_of_group)
    if count < MIN_GROUPS:
        return {}
    rng = np.random.default_rng(seed)
    resampled: list[Scores] = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([rows_of_group[k] for k in rng.integers(count, size=count)])
        resampled.append(score({name: values[chosen] for name, values in rows.items()}))
    return {name: np.array([scores[name] for scores in resampled]) for name in resampled[0]}


def _interval(values: np.ndarray) -> Interval | None:
    finite = values[np.isfinite(values)]
    if finite.size < 0.9 * values.size or not finite.size:
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(finite, (tail, 1 - tail))
    return float(low), float(high)


def intervals(resampled: dict[str, np.ndarray], names: Sequence[str]) -> dict[str, Interval | None]:
    """The 95 % percentile interval of each score, None where there is none to give."""
    return {name: _interval(resampled[name]) if name in resampled else None for name in names}


def difference_interval(first: np.ndarray | None, second: np.ndarray | None) -> Interval | None:
    """The 95 % interval of second minus first from independent resamples, None where either is missing."""
    return None if first is None or second is None else _interval(second - first)


def holm(p: Sequence[float]) -> list[float]:
    """P values corrected for their number, step down (Holm 1979).

    Args:
        p: of the tests of one family.
    """
    order = np.argsort(p)
    stepped = np.asarray(p, float)[order] * np.arange(len(p), 0, -1)
    result = np.empty(len(p))
    result[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return [float(v) for v in result]


def two_sided(differences: np.ndarray) -> float:
    """Two-sided p of no difference, from how many resampled differences lie on the other side of 0.

    Args:
        differences: of each resample, finite.
    """
    sides = np.sum(differences <= 0), np.sum(differences >= 0)
    return float(min(2 * (min(sides) + 1) / (len(differences) + 1), 1.0))


# What a mean can be: of anything, and of potencies.
UNLIMITED: Interval = (-math.inf, math.inf)
UNIT: Interval = (0.0, 1.0)


def _within(mean: float, half: float, limits: Interval) -> Interval:
    return max(mean - half, limits[0]), min(mean + half, limits[1])


def mean_interval(values: np.ndarray, limits: Interval = UNLIMITED) -> tuple[float, Interval | None]:
    """Mean and 95 % Student interval of a sample, no interval for n = 1.

    Args:
        values: the sample.
        limits: what a mean can be; an interval ends there.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None
    half = float(special.stdtrit(len(values) - 1, (1 + LEVEL) / 2) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, _within(mean, half, limits)


def sheet_means(
    values: np.ndarray, sheet: Sequence[str], label: np.ndarray, limits: Interval = UNLIMITED
) -> list[dict[str, Any]]:
    """The mean of every sheet at every label, with a 95 % Student interval.

    Sheets hold few pictures, so the scatter within a sheet is pooled over the sheets of a label.

    Args:
        values: of each picture, ``(pictures,)``.
        sheet: name of the sheet of each.
        label: rank of t of each.
        limits: what a mean can be; an interval ends there.

    Returns:
        ``sheet``, ``label``, ``pictures``, ``mean`` and ``interval`` (None where no sheet of the label has two
        pictures), by label and sheet.
    """
    names, found = np.asarray(sheet), []
    for k in np.unique(label):
        members = {str(s): values[(label == k) & (names == s)] for s in np.unique(names[label == k])}
        free = sum(len(m) - 1 for m in members.values())
        spread = math.sqrt(sum(float(((m - m.mean()) ** 2).sum()) for m in members.values()) / free) if free else 0.0
        half = float(special.stdtrit(free, (1 + LEVEL) / 2)) * spread if free else math.nan
        for name, m in members.items():
            mean, wide = float(m.mean()), half / math.sqrt(len(m))
            row = {"sheet": name, "label": int(k), "pictures": len(m), "mean": mean}
            found.append(row | {"interval": _within(mean, wide, limits) if free else None})
    return found
