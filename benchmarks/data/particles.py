"""Simulated pictures of particles: round bright blobs of many sizes on a dark, flat ground."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

__all__ = ["Field", "particle_folder", "particles"]

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


def _material(rng: np.random.Generator) -> tuple[float, float, int, float]:
    """Grey level of the ground, largest radius, kind of profile and blur: what pictures of a sheet have in common."""
    return rng.uniform(*_GROUND), float(rng.choice(_LARGEST)), int(rng.integers(3)), rng.uniform(0.5, 1.2)


class Field:
    """A surface that particles are laid on, one after the other.

    Args:
        height: rows, px.
        width: columns, px.
        material: of the sheet: equal numbers give particles of a kind.
        rng: draws where they lie and how large and bright they are.

    Attributes:
        grey: grey levels, shape (height, width), float64.
        mask: where particles are, the same shape.
    """

    def __init__(self, height: int, width: int, material: int, rng: np.random.Generator) -> None:
        self._ground, self._largest, self._kind, self._blur = _material(np.random.default_rng(material))
        self._rng = rng
        self.grey = np.full((height, width), self._ground)
        self.mask = np.zeros((height, width), bool)

    def add(self) -> None:
        """Lays one particle on it."""
        rng, (height, width) = self._rng, self.grey.shape
        radius = float(np.clip(rng.lognormal(np.log(self._largest / 3), 0.6), 1.2, self._largest))
        row, column, above = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(*_ABOVE)
        top, left = (max(0, int(at - _REACH * radius)) for at in (row, column))
        window = np.s_[top : int(row + _REACH * radius) + 2, left : int(column + _REACH * radius) + 2]
        part = self.grey[window]
        rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
        share = _profile(self._kind, np.hypot(rows + top - row, columns + left - column), radius)
        np.maximum(part, part * (1 - share) + (self._ground + above) * share, out=part)
        self.mask[window] |= share > 0.5 * share.max(initial=0.0)

    def seen(self) -> np.ndarray:
        """The grey levels as the microscope focuses them."""
        return ndimage.gaussian_filter(self.grey, self._blur)


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
    field = Field(height, width, int(rng.integers(2**31)), rng)
    for _ in range(rng.poisson(density * height * width / 128**2)):
        field.add()
    return field.seen()


def particle_folder(folder: Path, areas: Sequence[float], sheets: int, pictures: int, seed: int) -> Path:
    """Writes a SEM folder of particles with ``truth/``: each label covers another share of the area.

    Args:
        folder: to write into.
        areas: share of the area under particles of each label, 0 to 1.
        sheets: per label; pictures of one have the same material.
        pictures: per sheet, of 128x128 px.
        seed: of everything random.
    """
    rows = []
    for label, area in enumerate(areas):
        for sheet in range(sheets):
            rng = np.random.default_rng((seed, label, sheet))
            material, gain, offset = int(rng.integers(2**31)), rng.uniform(0.8, 1.2), rng.uniform(-5, 25)
            for picture in range(pictures):
                wanted = area * rng.uniform(0.7, 1.3)
                field = Field(128, 128, material, rng)
                while field.mask.mean() < wanted:
                    field.add()
                grey = np.clip(np.rint(field.seen() * gain + offset + rng.normal(0, 6, (128, 128))), 0, 255)
                name = f"t{label:02d}/s{label}{sheet}-p{picture}.png"
                for place, pixels in ((folder / "truth", field.mask * np.uint8(255)), (folder, grey.astype(np.uint8))):
                    (place / name).parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(pixels).save(place / name)
                rows.append(f"{name},{label},s{label}{sheet}\n")
    (folder / "labels.csv").write_text("file,t,sheet\n" + "".join(rows))
    return folder
