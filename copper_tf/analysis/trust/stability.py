"""What must not change a map: one pixel's shift, a little gain, a little brightness."""

from __future__ import annotations

import math

import numpy as np

from copper_tf.analysis.trust.chimera import MapFunction
from copper_tf.data.normalisation import Normalisation
from copper_tf.models import picture_sizes

__all__ = ["GAINS", "OFFSETS", "brightness_errors", "shift_error"]

GAINS = (0.9, 1.1)
# In standard deviations of the training pictures' grey values.
OFFSETS = (-0.1, 0.1)


def shift_error(values: np.ndarray, map_of: MapFunction, reach: int, d: int) -> float:
    """Mean abs(s(shifted x) - shifted s(x)) for shifts by 1 px down and to the right, away from the borders.

    Pools and tiles keep steps of 2^d px exactly (Zhang 2019, Making convolutional networks shift-invariant again, says
    why not one of 1 px).

    Args:
        values: normalised grey values ``(height, width)``.
        map_of: gives the map of a normalised picture.
        reach: px that its output sees to each side; at most a quarter of each side is cut off for it.
        d: its stages.

    Returns:
        NaN where the picture is too small to be cut by a pixel.
    """
    errors = []
    for axis in (0, 1):
        moved = np.moveaxis(values, axis, 0)
        # Both pictures are whole steps of 2^d px long, so that no fill-in at the far end differs.
        length = (moved.shape[0] - 1) // 2**d * 2**d
        if min(length, moved.shape[1]) < picture_sizes.smallest_picture(d):
            return math.nan
        pair = [np.moveaxis(moved[start : start + length], 0, axis) for start in (0, 1)]
        still, shifted = (np.moveaxis(map_of(np.ascontiguousarray(p)), axis, 0) for p in pair)
        cut = [min(picture_sizes.padded_size(reach, d), side // 4) for side in still.shape]
        inside = slice(cut[0], length - cut[0] - 1), slice(cut[1], still.shape[1] - cut[1])
        after = slice(inside[0].start + 1, inside[0].stop + 1), inside[1]
        errors.append(float(np.abs(shifted[inside] - still[after]).mean(dtype=np.float64)))
    return float(np.mean(errors))


def brightness_errors(grey: np.ndarray, normalisation: Normalisation, map_of: MapFunction) -> tuple[float, float]:
    """(mean abs change of m for gains `GAINS`, the same for offsets `OFFSETS`).

    Contrast is changed about the mean grey value of the training pictures, as augmentation does, so that a gain alone
    doesn't shift the brightness.

    Args:
        grey: one whole micrograph ``(height, width)`` in [0, 1].
        normalisation: the run's, through which the changed pictures go as a new one would.
        map_of: gives the map of a normalised picture.
    """

    def m(gain: float, offset: float) -> float:
        changed = normalisation.mean + gain * (grey - normalisation.mean) + offset * normalisation.sd
        return float(map_of(normalisation.apply(changed.astype(np.float32))).mean(dtype=np.float64))

    usual = m(1, 0)
    gain = [abs(m(factor, 0) - usual) for factor in GAINS]
    offset = [abs(m(1, sds) - usual) for sds in OFFSETS]
    return float(np.mean(gain)), float(np.mean(offset))
