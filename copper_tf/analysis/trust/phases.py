"""Two phases: inside an area the network's evidence must be the same at every t.

A map can be sharp on a surface that has no areas: where it changes by degrees, everywhere at once, a network that is
asked for zeros and ones cuts the scatter of its texture in two. Then the evidence inside both kinds of area fades with
t as the surface does. On a surface of two phases t changes how much of each there is, and not what each looks like.
"""

from __future__ import annotations

import numpy as np

from copper_tf.statistics.scores import CUT

__all__ = ["evidence", "phase_drift"]

# A phase of less than this share of a picture is mostly borders.
_SOME_AREA = 0.03
# Potencies nearer to 0 or 1 than float32 can tell.
_LEAST = 1e-6


def evidence(mask: np.ndarray) -> tuple[float, float]:
    """The median log-odds of a map where it is high, and where it is low.

    Args:
        mask: potency map ``(height, width)``.

    Returns:
        Both, in nats; NaN for a phase that covers hardly any of the picture.
    """
    potency = np.clip(np.asarray(mask, np.float64), _LEAST, 1 - _LEAST)
    odds, high = np.log(potency / (1 - potency)), potency >= CUT
    first, second = (float(np.median(odds[s])) if s.mean() >= _SOME_AREA else float("nan") for s in (high, ~high))
    return first, second


def phase_drift(found: np.ndarray, potency: np.ndarray, labels: np.ndarray) -> float:
    """By how much the evidence inside an area follows t, mean of both phases.

    Args:
        found: `evidence` of each picture, ``(pictures, 2)``.
        potency: mean of each map, ``(pictures,)``.
        labels: of each picture, ``(pictures,)``.

    Returns:
        The size of the slope of the evidence on the mean potency of the labels, over all labels, in units of the
        distance between both phases: 0 on a surface of two phases, a little more where areas are hardly wider than
        their borders; NaN where a phase is seen at fewer than two labels.
    """
    each = np.unique(labels)
    x = np.array([potency[labels == k].mean() for k in each])
    means = np.array([[_mean(column) for column in found[labels == k].T] for k in each])
    known = np.isfinite(means)
    if min(known.sum(0)) < 2 or min(np.ptp(x[k]) for k in known.T) == 0:
        return float("nan")
    slopes = [np.polyfit(x[k], m[k], 1)[0] for k, m in zip(known.T, means.T, strict=True)]
    distance = means[known[:, 0], 0].mean() - means[known[:, 1], 1].mean()
    return abs(float(np.mean(slopes) * np.ptp(x) / distance))


def _mean(values: np.ndarray) -> float:
    """Of those that are known."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
