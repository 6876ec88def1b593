"""Control charts whose limits come from few points: Shewhart's, and the exponentially weighted moving average (EWMA).

Centre and scatter are estimates from a baseline. Limits as for known ones would give false alarms at another pace than
they promise; here the factor is chosen so that the average run length without a shift, over all baselines of that
size, is the nominal one. Run lengths of the EWMA are those of a Markov chain (Brook and Evans 1972).
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import optimize, special, stats

__all__ = ["EWMA", "NOMINAL", "RULES", "SHEWHART", "WEIGHT", "average_run_length", "ewma", "limit_factor"]

SHEWHART, EWMA = "Shewhart", "EWMA"
RULES = (SHEWHART, EWMA)
# One false alarm in so many points, as three standard deviations give; and the weight of the newest point.
NOMINAL, WEIGHT = 370.4, 0.2
_STATES, _CENTRES, _SCATTERS = 45, 15, 45
# Beyond so many points an average is no longer told apart from never.
_NEVER = 1e7


def ewma(values: np.ndarray, start: float | np.ndarray = 0.0, weight: float = WEIGHT) -> np.ndarray:
    """The exponentially weighted moving average of values along their last axis.

    Args:
        values: ``(..., points)``.
        start: before the first.
        weight: of the newest.
    """
    result, current = np.empty_like(values, dtype=float), np.asarray(start, float)
    for k in range(values.shape[-1]):
        current = (1 - weight) * current + weight * values[..., k]
        result[..., k] = current
    return result


@functools.lru_cache(maxsize=64)
def _baselines(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre, standard deviation and probability of the baselines of so many points, of values N(0, 1)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_CENTRES)
    free = count - 1
    grid = np.linspace(stats.chi2.ppf(1e-7, free), stats.chi2.isf(1e-9, free), _SCATTERS * 2 + 1)[1::2]
    of_scatter = stats.chi2.pdf(grid, free)
    centre, spread = np.meshgrid(nodes / np.sqrt(count), np.sqrt(grid / free), indexing="ij")
    together = np.outer(weights / weights.sum(), of_scatter / of_scatter.sum())
    return centre.ravel(), spread.ravel(), together.ravel()


def _shewhart(centre: np.ndarray, limit: np.ndarray, shift: float) -> np.ndarray:
    out = special.ndtr(-(centre + limit - shift)) + special.ndtr(centre - limit - shift)
    return 1 / np.maximum(out, 1 / _NEVER)


def _ewma_length(centre: np.ndarray, limit: np.ndarray, shift: float) -> np.ndarray:
    """Average run length of each baseline, from an average that begins at its centre."""
    result = np.empty(len(centre))
    half = limit / _STATES
    places = np.linspace(-1, 1, 2 * _STATES + 1)[1::2]
    for part in np.array_split(np.arange(len(centre)), max(1, len(centre) // 200)):
        at = places * limit[part, None]
        kept = (1 - WEIGHT) * at[:, :, None]
        ends = [(at[:, None, :] + sign * half[part, None, None] - kept) / WEIGHT for sign in (1, -1)]
        off = (shift - centre[part])[:, None, None]
        chance = special.ndtr(ends[0] - off) - special.ndtr(ends[1] - off)
        lengths = np.linalg.solve(np.eye(_STATES) - chance * (1 - 1 / _NEVER), np.ones((len(part), _STATES, 1)))[..., 0]
        result[part] = lengths[:, _STATES // 2]
    return np.clip(result, 1, _NEVER)


def average_run_length(rule: str, factor: float, count: int, shift: float = 0.0) -> float:
    """Points until an alarm, on average over baselines.

    Args:
        rule: a name in `RULES`.
        factor: limits are so many standard deviations from the centre; of the moving average for the EWMA.
        count: points of the baseline.
        shift: of the points after it, in true standard deviations.
    """
    centre, spread, weight = _baselines(count)
    # Neither tail of the scatter adds anything.
    kept = weight > 1e-9 * weight.max()
    centre, spread, weight = centre[kept], spread[kept], weight[kept]
    if rule == SHEWHART:
        lengths = _shewhart(centre, factor * spread, shift)
    else:
        lengths = _ewma_length(centre, factor * spread * np.sqrt(WEIGHT / (2 - WEIGHT)), shift)
    return float((weight * lengths).sum() / weight.sum())


@functools.lru_cache(maxsize=64)
def limit_factor(rule: str, count: int) -> float:
    """How many standard deviations limits are from the centre for one false alarm in `NOMINAL` points, on average.

    Args:
        rule: a name in `RULES`.
        count: points of the baseline, at least 10.
    """

    def missing(factor: float) -> float:
        return float(np.log(average_run_length(rule, factor, count) / NOMINAL))

    return float(optimize.brentq(missing, 1.0, 3.5, xtol=1e-3))
