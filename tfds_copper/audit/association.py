"""Does something that should not depend on the stress time follow it?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

__all__ = ["STRONG", "WEAK", "Association", "association"]

# SCIENCE: a first-order baseline that grades to .4 is an alarm, to .6 a confound; A2 asks for at most .2 of clean sets.
STRONG, WEAK = 0.6, 0.3
# Chance: several things are looked at in every folder, so the usual .05 would cry wolf.
_P = 0.001
# What separates a label without exception needs fewer units: 4 of 16 by chance have p = .002.
_ENTIRE, _P_ENTIRE, _P_FEW = 0.99, 0.01, 0.1
_PERMUTATIONS = 1999
# Numbers with no more different values than this are settings of an instrument and judged as kinds.
_FEW = 8


@dataclasses.dataclass(frozen=True)
class Association:
    """How closely values follow the stress time.

    Args:
        measure: ``Spearman`` (rank correlation, signed), ``Cramér's V`` or ``correlation ratio`` (both 0 to 1).
        strength: its value.
        p: probability of at least this strength by chance, units being exchangeable.
        units: how many independent units it rests on.
    """

    measure: str
    strength: float
    p: float
    units: int

    @property
    def text(self) -> str:
        """All of it in words, e.g. ``Spearman 0.94, p < 0.001, 18 units``."""
        p = f"p = {self.p:.2g}" if self.p >= 5e-4 else "p < 0.001"
        return f"{self.measure} {self.strength:.2f}, {p}, {self.units} units"

    @property
    def strong(self) -> bool:
        """Whether a model could grade by these values alone."""
        entirely = abs(self.strength) >= _ENTIRE and self.p <= _P_ENTIRE
        return entirely or (abs(self.strength) >= STRONG and self.p <= _P)

    @property
    def weak(self) -> bool:
        """Whether they follow t to a lesser degree, or in a set too small to be sure."""
        sure = abs(self.strength) >= WEAK and self.p <= _P
        return not self.strong and (sure or (abs(self.strength) >= _ENTIRE and self.p <= _P_FEW))


def _cramer(labels: np.ndarray, kinds: np.ndarray) -> float:
    """Cramér's V of two lists of indices."""
    table = np.zeros((labels.max() + 1, kinds.max() + 1))
    np.add.at(table, (labels, kinds), 1)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    chi2 = ((table - expected) ** 2 / expected).sum()
    return float(np.sqrt(chi2 / (len(labels) * (min(table.shape) - 1))))


def _unit_values(
    labels: Sequence[int], units: Sequence[str], values: Sequence[float] | Sequence[str]
) -> tuple[np.ndarray, list[float] | list[str]]:
    """One label and one value for every unit and label: the median of numbers, the most frequent text."""
    gathered: dict[tuple[str, int], list] = {}
    for label, unit, value in zip(labels, units, values, strict=True):
        gathered.setdefault((unit, label), []).append(value)
    keys = sorted(gathered)
    if all(isinstance(v, str) for v in values):
        kept: list = [max(sorted(set(gathered[k])), key=gathered[k].count) for k in keys]
    else:
        kept = [float(np.median(gathered[k])) for k in keys]
    return np.array([label for _, label in keys]), kept


def association(
    labels: Sequence[int], units: Sequence[str], values: Sequence[float] | Sequence[str]
) -> Association | None:
    """How closely values follow the labels, with units (sheets) as what chance deals out.

    Args:
        labels: rank of t, one per picture.
        units: the independent unit of each picture, its sheet where known, else its own name.
        values: finite numbers or texts, one per picture.

    Returns:
        Spearman's rank correlation for numbers, Cramér's V with a permutation test for texts and for numbers that
        take at most 8 values; None where all are equal or there are fewer than 4 units.
    """
    ranks, kept = _unit_values(labels, units, values)
    different = sorted(set(kept))  # type: ignore[type-var]
    if len(different) < 2 or len(set(ranks.tolist())) < 2 or len(kept) < 4:
        return None
    if not isinstance(kept[0], str) and len(different) > _FEW:
        correlation = stats.spearmanr(ranks, kept)
        strength = float(correlation.statistic)
        return Association("Spearman", 0.0 if math.isnan(strength) else strength, float(correlation.pvalue), len(kept))
    kinds = np.array([different.index(v) for v in kept])  # type: ignore[arg-type]
    _, dense = np.unique(ranks, return_inverse=True)
    strength = _cramer(dense, kinds)
    rng = np.random.default_rng(0)
    chance = [_cramer(dense, rng.permutation(kinds)) for _ in range(_PERMUTATIONS)]
    p = (1 + sum(c >= strength - 1e-9 for c in chance)) / (1 + _PERMUTATIONS)
    return Association("Cramér's V", strength, p, len(kept))
