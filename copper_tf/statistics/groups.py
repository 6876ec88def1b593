"""Means of groups of sheets compared: Welch's test, equivalence by two one-sided tests, and what can be shown."""

from __future__ import annotations

import functools

import numpy as np
from scipy import optimize, special

__all__ = ["ALPHA", "POWER", "detectable_factor", "equivalence_p", "simultaneous", "spread_of_sheets", "welch"]

ALPHA, POWER = 0.05, 0.8
_DRAWS = 20_000


def welch(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, ...]:
    """Difference of the means of two samples by Welch's t-test, which lets their variances differ.

    Args:
        first: one value a sheet, ``(sheets,)`` or ``(sheets, studies)``.
        second: the same of the other group.

    Returns:
        Second minus first, low and high end of its 95 % interval, and the two-sided p.
    """
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    compared = CompareMeans(DescrStatsW(second), DescrStatsW(first))
    low, high = compared.tconfint_diff(ALPHA, usevar="unequal")
    return second.mean(0) - first.mean(0), low, high, compared.ttest_ind(usevar="unequal")[1]


def equivalence_p(first: np.ndarray, second: np.ndarray, margin: float) -> np.ndarray:
    """P of two one-sided tests that the means differ by `margin` or more (Schuirmann 1987), with Welch's variances.

    Args:
        first: one value a sheet, ``(sheets,)`` or ``(sheets, studies)``.
        second: the same of the other group.
        margin: over 0.
    """
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    compared = CompareMeans(DescrStatsW(second), DescrStatsW(first))
    return np.asarray(compared.ttost_ind(-margin, margin, usevar="unequal")[0])


def simultaneous(groups: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of several groups by Games and Howell (1976): Welch's variances, Tukey's distribution.

    Args:
        groups: one value a sheet, each.

    Returns:
        p, and low and high end of the simultaneous 95 % intervals of column minus row; ``(groups, groups)`` each.
    """
    from scipy import stats

    found = stats.tukey_hsd(*groups, equal_var=False)
    ends = found.confidence_interval(1 - ALPHA)
    # SciPy takes row minus column.
    return found.pvalue, -ends.high, -ends.low


def spread_of_sheets(means: list[np.ndarray], pictures: np.ndarray, within: float) -> tuple[float, float]:
    """Variance of sheet means within their groups, and that of the sheets themselves, without that of pictures.

    Args:
        means: of the sheets of each group.
        pictures: of every sheet.
        within: variance of single pictures of a sheet; NaN where unknown, then sheets are given all of it.
    """
    free = sum(len(group) - 1 for group in means)
    of_means = sum(float(((group - group.mean()) ** 2).sum()) for group in means) / free
    own = of_means if np.isnan(within) else of_means - within * float(np.mean(1 / pictures))
    return of_means, max(own, 0.0)


@functools.lru_cache(maxsize=256)
def detectable_factor(first: int, second: int, free: int) -> float:
    """How many standard errors a difference must be for Welch's test to find it four times of five.

    The standard error is itself an estimate of `free` degrees of freedom; its uncertainty is counted, so that over
    many studies 80 % of the differences that they state are found by a second study of the same size.

    Args:
        first: sheets of one group.
        second: sheets of the other.
        free: degrees of freedom of the estimated variance.
    """
    rng = np.random.default_rng(0)
    error = np.sqrt(1 / first + 1 / second)
    ours = np.array([rng.chisquare(n - 1, _DRAWS) / (n - 1) / n for n in (first, second)])
    tested = ours.sum(0)
    degrees = tested**2 / (ours[0] ** 2 / (first - 1) + ours[1] ** 2 / (second - 1))
    needed = special.stdtrit(degrees, 1 - ALPHA / 2) * np.sqrt(tested)
    noise, stated = rng.standard_normal(_DRAWS) * error, np.sqrt(rng.chisquare(free, _DRAWS) / free) * error

    def missing(factor: float) -> float:
        return float(np.mean(np.abs(noise + factor * stated) > needed)) - POWER

    return float(optimize.brentq(missing, 0.0, 1e4, xtol=1e-3))
