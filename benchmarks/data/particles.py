"""Simulated pictures of particles: round bright blobs of many sizes on a dark, flat ground."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["particles"]

# The largest radius of a picture's particles, px, and how far a blob reaches, as multiples of its radius.
_LARGEST, _REACH = (6, 12, 25), 4
# Grey levels of the ground and of what particles rise above it.
_GROUND, _ABOVE = (15, 60), (40, 200)


def _profile(kind: int, distance: np.ndarray, radius: float) -> np.ndarray:
    """A flat disc, a smooth blob, or a disc whose edge is brighter, as secondary electrons show a sphere; 0 to 1."""
    if kind == 1:
        return np.exp(-0.5 * (distance / (0.7 * radius)) ** 2)
    disc = 1 / (1 + np.exp(np.clip((distance - radius) / 0.8, -50, 50)))
    return disc if kind == 0 else disc * (0.6 + 0.4 * np.clip(distance / radius, 0, 1) ** 3)


def particles(height: int, width: int, density: float, seed: int) -> np.ndarray:
    """A surface before it is recorded.

    Args:
        height: rows, px.
        width: columns, px.
        density: particles in an area of 128x128 px on average.
        seed: of everything random.

    Returns:
        Grey levels, shape (height, width), float64.
    """
    rng = np.random.default_rng(seed)
    ground, largest, kind = rng.uniform(*_GROUND), float(rng.choice(_LARGEST)), int(rng.integers(3))
    surface = np.full((height, width), ground)
    for _ in range(rng.poisson(density * height * width / 128**2)):
        radius = float(np.clip(rng.lognormal(np.log(largest / 3), 0.6), 1.2, largest))
        row, column, above = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(*_ABOVE)
        top, left = (max(0, int(at - _REACH * radius)) for at in (row, column))
        part = surface[top : int(row + _REACH * radius) + 2, left : int(column + _REACH * radius) + 2]
        rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
        share = _profile(kind, np.hypot(rows + top - row, columns + left - column), radius)
        np.maximum(part, part * (1 - share) + (ground + above) * share, out=part)
    return ndimage.gaussian_filter(surface, rng.uniform(0.5, 1.2))
