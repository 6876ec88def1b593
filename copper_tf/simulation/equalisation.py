"""Fixed constants that give both phases the same histogram, so that no grey value tells which one it is.

A fixed table, rather than one computed from each picture, keeps the law of a patch of either phase independent of t.
"""

from __future__ import annotations

import functools

import numpy as np

from copper_tf.simulation.equalisation_data import CORRELATIONS, QUANTILES, SCALES

__all__ = ["LEVELS", "blend", "score_table", "scores"]

# Standard normal scores at which the quantiles of a phase's signal are stored.
LEVELS = np.linspace(-3.2, 3.2, 33)
_ENTRIES = 8192


def _at_scale(values: tuple[tuple[float, ...], ...], scale: float) -> np.ndarray:
    """A row of a table over `SCALES`, interpolated linearly in the logarithm of the scale."""
    octaves, table = np.log2(SCALES), np.asarray(values)
    return np.array([np.interp(np.log2(scale), octaves, column) for column in table.T])


@functools.cache
def score_table(phase: str, scale: float) -> tuple[float, float, np.ndarray]:
    """The look-up table of a phase ("rough" or "smooth"): lowest signal, entries per unit of signal, scores."""
    quantiles = _at_scale(QUANTILES[phase], scale)
    step = (quantiles[-1] - quantiles[0]) / (_ENTRIES - 1)
    grid = quantiles[0] + step * np.arange(_ENTRIES)
    return float(quantiles[0]), float(1 / step), np.interp(grid, quantiles, LEVELS).astype(np.float32)


def scores(signal: np.ndarray, phase: str, scale: float) -> np.ndarray:
    """The standard normal score of a phase's signal, same shape, float32.

    Args:
        signal: of shape (height, width), float32, as `surface.phase_signals` returns it.
        phase: ``"rough"`` or ``"smooth"``.
        scale: scale of the whole simulation; not that of a picture, which would make the table depend on it.
    """
    lowest, per_unit, table = score_table(phase, scale)
    place = (signal - np.float32(lowest)) * np.float32(per_unit)
    return table[np.clip(place, 0, _ENTRIES - 1).astype(np.int32)]


def blend(rough: np.ndarray, smooth: np.ndarray, share: np.ndarray | float, scale: float) -> np.ndarray:
    """Scores of a surface that is rough to the given share, again of mean 0 and variance 1.

    Args:
        rough: scores of the rough phase, shape (height, width).
        smooth: scores of the smooth phase, same shape.
        share: 1 where rough, 0 where smooth; a number or an array of the same shape.
        scale: scale of the whole simulation.
    """
    rest = 1 - share
    correlation = np.float32(_at_scale(tuple((value,) for value in CORRELATIONS), scale)[0])
    variance = share * share + rest * rest + 2 * correlation * share * rest
    return (share * rough + rest * smooth) / np.sqrt(variance)
