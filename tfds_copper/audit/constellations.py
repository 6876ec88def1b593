"""Constellations: three objects of a picture, by how they lie to one another and how large and bright each is.

Round particles all look alike, so that a keypoint's surroundings say little of where it is; three of them do.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from tfds_copper.audit.objects import Objects

__all__ = ["describe_objects", "match_constellations"]

# Objects that one of three may lie with, the nearest ones.
_NEAREST = 8
# What two pictures of one constellation may differ by: thumbnail px, and natural logarithms of size and brightness.
_APART, _SIZE, _HEIGHT = 1.5, 0.3, 0.3
# Matches kept per constellation.
_MATCHES = 8


def describe_objects(objects: Objects) -> np.ndarray:
    """What constellations are made of: row, column, logarithms of size and height; shape (objects, 4), float32.

    None where the objects don't lie on a flat ground.
    """
    if not objects.flat:
        return np.zeros((0, 4), np.float32)
    sides = np.stack([objects.boxes[:, 1] - objects.boxes[:, 0], objects.boxes[:, 3] - objects.boxes[:, 2]], axis=1)
    heights = np.log(np.maximum(np.abs(objects.heights), 1e-6))
    return np.column_stack([objects.centres, 0.5 * np.log(sides).sum(axis=1), heights]).astype(np.float32)


def _threes(objects: np.ndarray) -> np.ndarray:
    """Indices of the objects of every constellation, in an order that a shift doesn't change, shape (threes, 3)."""
    count = len(objects)
    if count < 3:
        return np.zeros((0, 3), int)
    _, near = KDTree(objects[:, :2]).query(objects[:, :2], min(count, _NEAREST + 1))
    one, other = np.triu_indices(near.shape[1] - 1, 1)
    threes = np.stack([np.repeat(near[:, :1], len(one), axis=1), near[:, 1 + one], near[:, 1 + other]], axis=-1)
    threes = np.unique(np.sort(threes.reshape(-1, 3), axis=1), axis=0)
    along = objects[:, 0] + 0.37 * objects[:, 1]
    return np.take_along_axis(threes, np.argsort(along[threes], axis=1), axis=1)


def _features(objects: np.ndarray, threes: np.ndarray) -> np.ndarray:
    """Numbers that differ by at most 1 where two constellations are the same, shape (threes, 9)."""
    places, sizes, heights = objects[:, :2], objects[:, 2], objects[:, 3]
    first, second, third = threes.T
    return np.column_stack([
        (places[second] - places[first]) / _APART,
        (places[third] - places[first]) / _APART,
        sizes[threes] / _SIZE,
        (heights[second] - heights[first]) / _HEIGHT,
        (heights[third] - heights[first]) / _HEIGHT,
    ])  # fmt: skip


def match_constellations(pictures: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The constellations that two pictures have in common.

    Args:
        pictures: the described objects of each, see `describe_objects`.

    Returns:
        One match a row: first and second picture, int, and the shift of the second one's corner in thumbnail px, shape
        (matches, 2).
    """
    threes = [_threes(objects) for objects in pictures]
    owners = np.repeat(np.arange(len(pictures)), [len(t) for t in threes])
    if not owners.size:
        return np.zeros(0, int), np.zeros(0, int), np.zeros((0, 2))
    features = np.concatenate([_features(o, t) for o, t in zip(pictures, threes, strict=True) if len(t)])
    middles = np.concatenate([o[t, :2].mean(axis=1) for o, t in zip(pictures, threes, strict=True) if len(t)])
    tree = KDTree(features)
    _, near = tree.query(features, _MATCHES + 1, p=np.inf, distance_upper_bound=1.0)
    one = np.repeat(np.arange(len(features)), near.shape[1])
    other = near.ravel()
    kept = other < len(features)
    one, other = np.minimum(one[kept], other[kept]), np.maximum(one[kept], other[kept])
    pairs = np.unique(np.column_stack([one, other]), axis=0)
    pairs = pairs[owners[pairs[:, 0]] != owners[pairs[:, 1]]]
    one, other = pairs.T
    return owners[one], owners[other], (middles[one] - middles[other]).astype(np.float64)
