"""Families of laws fitted to the mean potency of each label, with intervals and an information criterion.

A local network has E[m | t] = b + (a - b) f(t): scale and shift are fitted with the parameters of f, so that the noise
of the two end labels isn't carried into all others as re-anchoring would. NumPy and SciPy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from copper_tf.decay.families import FAMILIES, Family
from copper_tf.statistics.bootstrap import LEVEL

__all__ = ["INDISTINGUISHABLE_QAICC", "MAX_BIRGE", "Fit", "fit", "fit_families"]

# Families this close to the best by QAICc can't be distinguished from it (Burnham and Anderson 2002, section 2.6).
INDISTINGUISHABLE_QAICC = 2.0
# Means that lie so many times as far from a curve as their errors say don't follow it.
MAX_BIRGE = 3.0
# Labels that must be left over when all that is fitted is counted.
_MIN_SPARE = 2
_STEP = 1e-4


@dataclass(frozen=True)
class Fit:
    """One family fitted to label means.

    Attributes:
        family: its name.
        values: of its parameters.
        intervals: 95 % interval of each parameter.
        ends: a and b, the potency where f = 1 and where f = 0.
        curve: f of each label.
        squares: sum over the labels of (mean - curve)^2 in units of their errors.
        spare: labels left over when scale, shift and parameters are counted.
        birge: how many times as far as their own errors the means lie from the curve, at least 1; intervals are
            widened by it.
    """

    family: str
    values: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    ends: tuple[float, float]
    curve: tuple[float, ...]
    squares: float
    spare: int
    birge: float

    def qaicc(self, scatter: float) -> float:
        """Akaike's criterion, corrected for few labels and for means that scatter more than their errors say.

        Args:
            scatter: the variance of the means over that of their errors, the same for all that are compared.
        """
        k = len(self.values) + 2
        return self.squares / scatter + 2 * k + 2 * k * (k + 1) / max(self.spare - 1, 1)


def _ends(f: np.ndarray, means: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The a and b of a + (b - a) (1 - f) that fit best, linear least squares."""
    design = np.column_stack([f, 1 - f]) / errors[:, None]
    return np.linalg.lstsq(design, means / errors, rcond=None)[0]


def _residuals(values: np.ndarray, family: Family, u: np.ndarray, means: np.ndarray, errors: np.ndarray) -> np.ndarray:
    f = family.function(u, *values)
    a, b = _ends(f, means, errors)
    return (means - (a * f + b * (1 - f))) / errors


def _best_parameters(family: Family, u: np.ndarray, means: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The parameters with the smallest residuals, over all initial values."""
    if not family.parameters:
        return np.empty(0)
    from scipy import optimize  # slow to import, and no part of reading what was fitted

    low, high = (np.array([getattr(p, side) for p in family.parameters]) for side in ("low", "high"))
    initial = (
        np.array(np.meshgrid(*(p.initial_values for p in family.parameters))).reshape(len(family.parameters), -1).T
    )
    found = [
        optimize.least_squares(_residuals, start, bounds=(low, high), args=(family, u, means, errors))
        for start in initial
    ]
    return np.asarray(min(found, key=lambda result: result.cost).x)


def _covariance(family: Family, values: np.ndarray, ends: np.ndarray, u: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Of the parameters, then a and b, from the slopes of the curve."""
    everything = np.concatenate([values, ends])

    def curve(x: np.ndarray) -> np.ndarray:
        f = family.function(u, *x[: len(values)])
        return x[-2] * f + x[-1] * (1 - f)

    slopes = []
    for k, value in enumerate(everything):
        step = _STEP * max(abs(value), 1.0)
        up, down = (everything + sign * step * np.eye(len(everything))[k] for sign in (1, -1))
        slopes.append((curve(up) - curve(down)) / (2 * step) / errors)
    jacobian = np.array(slopes).T
    return np.asarray(np.linalg.pinv(jacobian.T @ jacobian))


def fit(family: Family, u: np.ndarray, means: np.ndarray, errors: np.ndarray) -> Fit | None:
    """Fits one family by least squares, each label weighted by its error.

    Intervals are those of the linearised curve with Student's t over the labels left over, widened by the Birge ratio
    (Birge 1932) where the means lie further from the curve than their errors explain.

    Args:
        family: one of `FAMILIES`.
        u: normalised time of each label, ``(K,)``.
        means: mean potency of each label, ``(K,)``.
        errors: standard error of each mean, ``(K,)``, above 0.

    Returns:
        None where there are too few labels.
    """
    count, free = len(u), len(family.parameters) + 2
    if count - free < _MIN_SPARE:
        return None
    from scipy import stats  # slow to import, see `_best_parameters`

    values = _best_parameters(family, u, means, errors)
    f = family.function(u, *values)
    ends = _ends(f, means, errors)
    squares = float(np.sum(_residuals(values, family, u, means, errors) ** 2))
    birge = max(1.0, math.sqrt(squares / (count - free)))
    spread = np.sqrt(np.maximum(np.diag(_covariance(family, values, ends, u, errors)), 0)) * birge
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - free))
    return Fit(
        family=family.name,
        values=tuple(map(float, values)),
        intervals=tuple(
            (max(p.low, float(v - reach * s)), min(p.high, float(v + reach * s)))
            for p, v, s in zip(family.parameters, values, spread, strict=False)
        ),
        ends=(float(ends[0]), float(ends[1])),
        curve=tuple(map(float, f)),
        squares=squares,
        spare=count - free,
        birge=birge,
    )


def fit_families(u: np.ndarray, means: np.ndarray, errors: np.ndarray) -> list[tuple[Fit, float]]:
    """Every family that the number of labels allows, the best first, each with its QAICc above the best.

    Empty where no family with a free parameter can be fitted: a straight line alone is no choice.

    Args:
        u: normalised time of each label, ``(K,)``.
        means: mean potency of each label, ``(K,)``; labels where it is NaN are left out.
        errors: standard error of each mean, ``(K,)``.
    """
    known = np.isfinite(means) & np.isfinite(errors) & (errors > 0)
    u, means, errors = u[known], means[known], errors[known]
    found = [f for f in (fit(family, u, means, errors) for family in FAMILIES.values()) if f]
    if not any(f.values for f in found):
        return []
    scatter = min(f.birge for f in found) ** 2
    order = sorted(found, key=lambda f: f.qaicc(scatter))
    return [(f, f.qaicc(scatter) - order[0].qaicc(scatter)) for f in order]
