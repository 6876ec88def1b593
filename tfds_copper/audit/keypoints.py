"""Keypoints: blobs that a second picture of the same place shows too, each with a descriptor of what surrounds it."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from scipy import ndimage

__all__ = ["DIMENSION", "Keypoints", "find_keypoints"]

# Numbers per mark, and half the side of the square they describe, thumbnail px.
DIMENSION = 24
_HALF = 9
# The two blurs whose difference answers to blobs.
_INNER, _OUTER = 1.6, 2.8
# A blob must be the strongest of a square of such a side, thumbnail px: unlike the best of each cell of a fixed grid,
# it stays a keypoint when the field of view shifts. Small pictures need denser ones to have some in any overlap.
_APART, _DENSEST, _PER_SIDE = 21, 9, 13
# A blob below it, in standard deviations of the blob response, is noise.
_WEAKEST = 0.6
# Two keypoints of one picture that look so alike say nothing of where they are.
_SELF = 0.95


@dataclasses.dataclass(frozen=True)
class Keypoints:
    """The keypoints of a picture at one scale.

    Attributes:
        factor: px of the picture per thumbnail px.
        positions: (row, column), shape (keypoints, 2), float16, thumbnail px.
        descriptors: unit vectors, shape (keypoints, `DIMENSION`), float16.
    """

    factor: int
    positions: np.ndarray
    descriptors: np.ndarray


@functools.cache
def _basis() -> np.ndarray:
    """Cosines of the lowest frequencies under a Gaussian window, shape (DIMENSION, side * side), float32."""
    side = 2 * _HALF
    grid = np.arange(side) + 0.5
    window = np.exp(-0.5 * ((grid - _HALF) / (0.6 * _HALF)) ** 2)
    orders = sorted(((u, v) for u in range(8) for v in range(8) if u + v), key=lambda o: (o[0] ** 2 + o[1] ** 2, o))
    waves = [np.cos(np.pi * k * grid / side) * window for k in range(8)]
    basis = np.stack([np.outer(waves[u], waves[v]).ravel() for u, v in orders[:DIMENSION]])
    return (basis / np.linalg.norm(basis, axis=1, keepdims=True)).astype(np.float32)


def _blobs(response: np.ndarray) -> np.ndarray:
    """The extremes, shape (blobs, 2), whole px, so far from the edge that a patch fits."""
    strength = np.abs(response)
    apart = int(np.clip(np.sqrt(response.size) / _PER_SIDE, _DENSEST, _APART)) // 2 * 2 + 1
    peaks = strength == ndimage.maximum_filter(strength, apart, mode="constant")
    peaks &= strength > _WEAKEST * response.std(dtype=np.float64)
    edge = _HALF + 1
    return np.argwhere(peaks[edge:-edge, edge:-edge]) + edge


def _refined(response: np.ndarray, blobs: np.ndarray) -> np.ndarray:
    """The tops of the parabolas through each extreme and its neighbours, float32."""
    rows, columns = blobs.T
    found = blobs.astype(np.float32)
    for axis, (down, right) in enumerate(((1, 0), (0, 1))):
        before, after = response[rows - down, columns - right], response[rows + down, columns + right]
        bend = before - 2 * response[rows, columns] + after
        found[:, axis] += np.clip(0.5 * (before - after) / np.where(bend == 0, np.inf, bend), -0.5, 0.5)
    return found


def _patches(smooth: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The surroundings of each place by bilinear interpolation, shape (places, side * side), float32."""
    offsets = np.arange(2 * _HALF, dtype=np.float32) - (_HALF - 0.5)
    low = np.floor(positions + offsets[0])
    share = positions + offsets[0] - low
    steps = np.arange(2 * _HALF + 1)
    rows, columns = (low[:, axis, None].astype(int) + steps for axis in (0, 1))
    window = smooth[rows[:, :, None], columns[:, None, :]]
    down, right = share[:, 0, None, None], share[:, 1, None, None]
    window = window[:, :-1] * (1 - down) + window[:, 1:] * down
    return (window[:, :, :-1] * (1 - right) + window[:, :, 1:] * right).reshape(len(positions), -1)


def find_keypoints(passed: np.ndarray, factor: int) -> Keypoints:
    """The keypoints of one picture at one scale.

    Args:
        passed: the high-passed thumbnail, shape (height, width), float32.
        factor: px of the picture per thumbnail px.

    Returns:
        None, one or many of them; keypoints of a repeating pattern are left out.
    """
    nothing = Keypoints(factor, np.zeros((0, 2), np.float16), np.zeros((0, DIMENSION), np.float16))
    if min(passed.shape) < 2 * _HALF + 4 or not passed.any():
        return nothing
    smooth = ndimage.gaussian_filter(passed, _INNER, truncate=3)
    response = smooth - ndimage.gaussian_filter(passed, _OUTER, truncate=3)
    blobs = _blobs(response)
    if not len(blobs):
        return nothing
    positions = _refined(response, blobs)
    descriptors = _patches(smooth, positions) @ _basis().T
    length = np.linalg.norm(descriptors, axis=1, keepdims=True)
    descriptors = descriptors / np.maximum(length, 1e-6)
    alike = descriptors @ descriptors.T
    np.fill_diagonal(alike, 0)
    distinct = (alike.max(axis=1) < _SELF) & (length[:, 0] > 1e-3)
    return Keypoints(factor, positions[distinct].astype(np.float16), descriptors[distinct].astype(np.float16))
