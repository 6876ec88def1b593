"""Estimating the ageing curve f from the mean potency of each label; NumPy and SciPy only.

A local network has E[m | t] = b + (a - b) f(t) whichever falling g it was trained on: the label means put on 1 to 0
estimate f, and a g that is moved there step by step arrives at f.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from copper_tf.statistics.scores import READABLE_SPAN, anchored

__all__ = [
    "FLOOR",
    "LIKELY",
    "MOST",
    "STEP",
    "curve_gap",
    "falling",
    "readable",
    "update",
    "without_borders",
]

# The share of the fall from 1 to 0 that all steps have in equal parts, so that no two labels ever share one g.
FLOOR = 0.02
# Borders add between nothing and `MOST` times what they add in composites, by simulated worlds of known law: composites
# have other borders than a surface has. The middle of that is taken for the likely share.
LIKELY, MOST = 0.75, 1.5
# How far g moves towards its new estimate in one update; the rest damps the noise of the label means.
STEP = 0.7


def without_borders(means: np.ndarray, excess: np.ndarray, share: float = LIKELY) -> np.ndarray:
    """Label means without what borders of areas add; as they are where that isn't known.

    Args:
        means: mean potency of each label, ``(K,)``.
        excess: what borders add to each in composites, see `boundary_bias.excess`, ``(K,)``.
        share: of that which is taken away.
    """
    return np.asarray(means - share * excess if np.isfinite(excess).all() else means)


def readable(means: np.ndarray) -> bool:
    """Whether the ends m_0 and m_T are far enough apart for a curve to be read between them."""
    return bool(means[0] - means[-1] >= READABLE_SPAN)


def falling(means: np.ndarray) -> np.ndarray:
    """The strictly falling curve from 1 to 0 nearest to the label means.

    g_k = 1 - sum_{j<=k} delta_j with delta = eps / S + (1 - eps) p, where S = K - 1 steps share the fall by p, the
    isotonic regression (Barlow et al. 1972, pool adjacent violators) of the re-anchored means, and eps is `FLOOR`.

    Args:
        means: mean potency of each label, ``(K,)``, the first above the last.

    Returns:
        ``(K,)``, the first 1 and the last 0.
    """
    from scipy.optimize import isotonic_regression  # slow to import, and no part of reading a curve

    fitted = np.clip(isotonic_regression(anchored(means), increasing=False).x, 0.0, 1.0)
    return FLOOR * np.linspace(1.0, 0.0, fitted.size) + (1 - FLOOR) * fitted


def update(g: np.ndarray, means: np.ndarray, step: float = STEP) -> np.ndarray:
    """One iterative update: g moves towards the curve that the label means give.

    Args:
        g: the g of each label that the model is trained for, ``(K,)``.
        means: mean potency of each label, ``(K,)``.
        step: share of the way that it moves.

    Returns:
        The next g, ``(K,)``; g itself while the means of the end labels are under `READABLE_SPAN` apart.
    """
    g, means = np.asarray(g, np.float64), np.asarray(means, np.float64)
    return (1 - step) * g + step * falling(means) if readable(means) else g.copy()


def curve_gap(curves: Sequence[Sequence[float]]) -> float:
    """How far stretched curves of several hypotheses lie apart: the largest range over t.

    Args:
        curves: of each run, ``(runs, K)``; NaN where a label has no picture.

    Returns:
        max over t of (largest - smallest), over the labels that all curves have; NaN where there is none.
    """
    table = np.asarray(curves, np.float64)
    known = table[:, np.isfinite(table).all(0)]
    return float(np.ptp(known, axis=0).max()) if known.size else float("nan")
