"""The viewer's cache on disk: micrographs and maps as memory-mapped arrays; only what is shown is read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.apps.viewer.pyramid import Pyramid, write_levels
from copper_tf.inference.tiling import MapTile
from copper_tf.utils.drawing import grey_range, stretched
from tfds_copper.files import read_json, replacing_folder, write_json
from tfds_copper.micrograph import Opened, Windows

__all__ = [
    "PERCENT",
    "CachedMap",
    "CachedPicture",
    "cache_map",
    "cache_picture",
    "has_map",
    "has_picture",
    "open_map",
    "open_picture",
]

# Thresholds of the area share are whole percents of the potency, from 0 to this.
PERCENT = 100
_PICTURE, _MAP = "picture.json", "map.json"
# Side in px of the blocks in which a picture is copied.
_BLOCK = 2048


@dataclasses.dataclass(frozen=True, eq=False)
class CachedPicture:
    """A micrograph in the cache.

    Attributes:
        pixels: raw grey values ``(height, width)``, memory-mapped.
        bit_depth: 8 to 16; full scale is ``2**bit_depth - 1``.
        pixel_size_nm: NaN where unknown.
        notes: what was done to the values of the file.
        pyramid: levels for the screen, stretched between the picture's percentiles.
    """

    pixels: np.ndarray
    bit_depth: int
    pixel_size_nm: float
    notes: tuple[str, ...]
    pyramid: Pyramid

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.pyramid.shape

    @property
    def windows(self) -> Windows:
        """The picture as a predictor reads it, window by window."""
        return Windows.of(self.pixels, self.bit_depth)


@dataclasses.dataclass(frozen=True, eq=False)
class CachedMap:
    """A potency map in the cache.

    Attributes:
        potency: float32 ``(height, width)``, memory-mapped.
        scatter: standard deviation over the members of an ensemble, likewise; None for a single model.
        mean_potency: the potency of the picture.
        mean_scatter: NaN where there is no scatter.
        max_scatter: the scatter shown in the last colour; 0 where there is none.
        counts: pixels whose potency is at least k percent, for k = 0 ... 100.
        pyramid: levels of the potency for the screen; 255 is a potency of 1.
        scatter_pyramid: levels of the scatter; 255 is `max_scatter`.
    """

    potency: np.ndarray
    scatter: np.ndarray | None
    mean_potency: float
    mean_scatter: float
    max_scatter: float
    counts: tuple[int, ...]
    pyramid: Pyramid
    scatter_pyramid: Pyramid | None

    def area_share(self, percent: int) -> float:
        """The share of the picture, 0 to 1, whose potency is at least so many percent."""
        return self.counts[percent] / self.potency.size


def _arrays(folder: Path, stem: str, levels: int) -> list[np.ndarray]:
    return [np.load(folder / f"{stem}_{k}.npy", mmap_mode="r") for k in range(levels)]


def _read_json(file: Path) -> dict[str, Any]:
    values: dict[str, Any] = read_json(file)
    return values


def has_picture(folder: Path) -> bool:
    """Whether a folder holds a cached picture."""
    return (folder / _PICTURE).is_file()


def has_map(folder: Path) -> bool:
    """Whether a folder holds a cached map."""
    return (folder / _MAP).is_file()


def cache_picture(folder: Path, picture: Opened) -> None:
    """Copies a micrograph into the cache, block by block.

    Args:
        folder: the target; replaced if it exists.
        picture: an open micrograph.

    Raises:
        InputError: if damage inside a large picture shows.
    """
    windows = picture.windows
    with replacing_folder(folder) as target:
        dtype = np.uint8 if windows.bit_depth == 8 else np.uint16
        pixels = np.lib.format.open_memmap(target / "pixels_0.npy", "w+", dtype=dtype, shape=windows.shape)
        height, width = windows.shape
        for top in range(0, height, _BLOCK):
            for left in range(0, width, _BLOCK):
                block = slice(top, min(top + _BLOCK, height)), slice(left, min(left + _BLOCK, width))
                pixels[block] = windows.read(*block)
        pixels.flush()
        levels = write_levels(target / "pixels_0.npy")
        metadata = {"bit_depth": windows.bit_depth, "pixel_size_nm": picture.pixel_size_nm, "notes": picture.notes}
        write_json(target / _PICTURE, {**metadata, "grey_range": grey_range(pixels), "levels": levels})


def open_picture(folder: Path) -> CachedPicture:
    """Opens what `cache_picture` has written."""
    metadata = _read_json(folder / _PICTURE)
    arrays = _arrays(folder, "pixels", metadata["levels"])
    low, high = metadata["grey_range"]
    size = math.nan if metadata["pixel_size_nm"] is None else float(metadata["pixel_size_nm"])
    pyramid = Pyramid(arrays, lambda values: stretched(values, low, high))
    return CachedPicture(arrays[0], int(metadata["bit_depth"]), size, tuple(metadata["notes"]), pyramid)


def cache_map(folder: Path, shape: tuple[int, int], tiles: Iterable[MapTile]) -> None:
    """Writes a map into the cache, tile by tile.

    Args:
        folder: the target; replaced if it exists.
        shape: height and width in px.
        tiles: of `Predictor.map_tiles`.
    """
    thresholds = (np.arange(1, PERCENT + 1) / PERCENT).astype(np.float32)
    histogram = np.zeros(PERCENT + 1, np.int64)
    sums, max_scatter = {"potency": 0.0, "scatter": 0.0}, 0.0
    with replacing_folder(folder) as target:
        files: dict[str, np.memmap] = {}
        for tile in tiles:
            bins = np.searchsorted(thresholds, tile.potency.ravel(), "right")
            histogram += np.bincount(bins, minlength=PERCENT + 1)
            for stem in sums:
                values = getattr(tile, stem)
                if values is None:
                    continue
                if stem not in files:
                    files[stem] = np.lib.format.open_memmap(
                        target / f"{stem}_0.npy", "w+", dtype=np.float32, shape=shape
                    )
                files[stem][tile.rows, tile.columns] = values
                sums[stem] += float(values.sum(dtype=np.float64))
            if tile.scatter is not None:
                max_scatter = max(max_scatter, float(tile.scatter.max()))
        metadata: dict[str, Any] = {f"mean_{stem}": sums[stem] / math.prod(shape) for stem in files}
        for stem, array in files.items():
            array.flush()
            scale = 255 / (max_scatter or 1) if stem == "scatter" else 255
            metadata[f"{stem}_levels"] = write_levels(target / f"{stem}_0.npy", scale=scale)
        counts = np.cumsum(histogram[::-1])[::-1]
        write_json(target / _MAP, {**metadata, "max_scatter": max_scatter, "counts": counts})


def _to_uint8(maximum: float) -> Callable[[np.ndarray], np.ndarray]:
    """Turns floating values from 0 to `maximum` into uint8; the coarser levels are uint8 already."""

    def convert(values: np.ndarray) -> np.ndarray:
        if values.dtype == np.uint8:
            return values
        return np.clip(np.rint(values * np.float32(255 / (maximum or 1))), 0, 255).astype(np.uint8)

    return convert


def open_map(folder: Path) -> CachedMap:
    """Opens what `cache_map` has written."""
    metadata = _read_json(folder / _MAP)
    potency, max_scatter = _arrays(folder, "potency", metadata["potency_levels"]), float(metadata["max_scatter"])
    scatter = _arrays(folder, "scatter", metadata["scatter_levels"]) if "scatter_levels" in metadata else None
    return CachedMap(
        potency[0],
        scatter[0] if scatter else None,
        float(metadata["mean_potency"]),
        float(metadata.get("mean_scatter", math.nan)),
        max_scatter,
        tuple(int(n) for n in metadata["counts"]),
        Pyramid(potency, _to_uint8(1.0)),
        Pyramid(scatter, _to_uint8(max_scatter)) if scatter else None,
    )
