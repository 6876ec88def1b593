"""Variance components of a measurement: how much of the scatter is of sheets, operators, microscopes, and the rest.

Components are those of the analysis of variance (Henderson's third method): squares of factors fitted one after the
other are set equal to what they are expected to be. Where the design is balanced these are the REML estimates. Their
intervals are those of generalised pivots (Weerahandi 1995): every mean square is divided by draws of its own
chi-squared distribution, which also holds for two operators, where intervals by REML's large-sample covariance don't.

All functions take many studies of one design at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from scipy import stats

__all__ = ["ComponentDesign", "components", "draw_components", "mean_squares", "plan_components"]

_DRAWS = 4096


@dataclasses.dataclass(frozen=True)
class ComponentDesign:
    """How squares are taken, in the order of the factors; the rest is the last of them.

    Attributes:
        names: of the components; the last is the rest.
        bases: for each, an orthonormal basis of what it adds to those before it, ``(rows, free)``; of the rest None.
        free: degrees of freedom of each.
        expected: what each mean square is expected to be, as weights of the components, ``(components, components)``.
    """

    names: tuple[str, ...]
    bases: tuple[np.ndarray, ...]
    free: np.ndarray
    expected: np.ndarray


def _indicator(codes: np.ndarray) -> np.ndarray:
    return (codes[:, None] == np.unique(codes)).astype(float)


def plan_components(factors: Mapping[str, np.ndarray], rest: str) -> ComponentDesign:
    """The design of a study; factors that add no degree of freedom are left out.

    Args:
        factors: the level of each row, ``(rows,)``, of every factor and interaction, in the order of fitting.
        rest: name of what remains.
    """
    rows = len(next(iter(factors.values())))
    space = np.full((rows, 1), 1 / np.sqrt(rows))
    names, bases, indicators = [], [], []
    for name, codes in factors.items():
        indicator = _indicator(codes)
        left = indicator - space @ (space.T @ indicator)
        directions, sizes, _ = np.linalg.svd(left, full_matrices=False)
        own = directions[:, sizes > 1e-8]
        if own.shape[1]:
            names.append(name)
            bases.append(own)
            indicators.append(indicator)
            space = np.concatenate([space, own], axis=1)
    free = [basis.shape[1] for basis in bases]
    of_rest = rows - space.shape[1]
    weights = np.zeros((len(names) + 1, len(names) + 1))
    for k, basis in enumerate(bases):
        for j, indicator in enumerate(indicators):
            weights[k, j] = ((basis.T @ indicator) ** 2).sum() / free[k]
    weights[:, -1] = 1.0
    return ComponentDesign((*names, rest), tuple(bases), np.array([*free, of_rest]), weights)


def mean_squares(design: ComponentDesign, values: np.ndarray) -> np.ndarray:
    """The mean square of each component, ``(studies, components)``.

    Args:
        design: of the studies.
        values: ``(studies, rows)``.
    """
    centred = values - values.mean(1, keepdims=True)
    squares = [((centred @ basis) ** 2).sum(1) for basis in design.bases]
    squares.append(np.maximum((centred**2).sum(1) - np.sum(squares, axis=0), 0))
    return np.stack(squares, axis=1) / np.maximum(design.free, 1)


def components(design: ComponentDesign, squares: np.ndarray) -> np.ndarray:
    """The variance of each component, not cut off at 0, ``(studies, components)``.

    Args:
        design: of the studies.
        squares: of `mean_squares`; the rest needs at least one degree of freedom.
    """
    return np.linalg.solve(design.expected, squares[..., None])[..., 0]


def draw_components(design: ComponentDesign, squares: np.ndarray, count: int = _DRAWS) -> np.ndarray:
    """Draws of the components that their mean squares allow, cut off at 0, ``(studies, draws, components)``.

    Args:
        design: of the studies.
        squares: of `mean_squares`.
        count: of the draws, a power of two; the same for all studies.
    """
    uniform = stats.qmc.Sobol(len(design.free), seed=0).random(count)
    chi = np.stack([stats.chi2.ppf(uniform[:, k], free) / free for k, free in enumerate(design.free)], axis=1)
    drawn = squares[:, None, :] / np.maximum(chi, 1e-300)
    return np.maximum(drawn @ np.linalg.inv(design.expected).T, 0)
