"""A micrograph and its map on disk, as arrays that are read where they are looked at."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.apps.viewer.pyramid import Levels, level_files
from copper_tf.inference.predictor import MapTile
from copper_tf.utils.drawing import grey_range, stretched
from tfds_copper.files import write_json
from tfds_copper.micrograph import Opened, Windows

__all__ = ["STEPS", "Drawn", "Plate", "has_map", "has_plate", "keep_map", "keep_plate", "open_map", "open_plate"]

# Area shares are known for thresholds 0, .01, ... 1.
STEPS = 100
_PLATE, _MAP = "picture.json", "map.json"
# Side in px of the blocks in which a picture is copied.
_BLOCK = 2048


@dataclasses.dataclass(frozen=True, eq=False)
class Plate:
    """A micrograph that is kept.

    Attributes:
        pixels: raw grey values ``(height, width)``, read from disk where they are looked at.
        bit_depth: 8 or 16.
        pixel_size_nm: NaN where unknown.
        notes: what was done to the file's values.
        levels: for the screen, stretched between its percentiles.
    """

    pixels: np.ndarray
    bit_depth: int
    pixel_size_nm: float
    notes: tuple[str, ...]
    levels: Levels

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.levels.shape

    @property
    def windows(self) -> Windows:
        """As a predictor reads it."""
        return Windows.of(self.pixels, self.bit_depth)


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """A map that is kept.

    Attributes:
        potency: float32 ``(height, width)``.
        scatter: its standard deviation over the members of an ensemble, likewise, or None.
        mean: the potency of the picture.
        mean_scatter: NaN where there is none.
        top_scatter: the value that the screen shows as the last colour, 0 where there is none.
        counts: px whose potency is at least k / `STEPS`, for k = 0 ... `STEPS`.
        levels: of the potency for the screen, 255 being 1.
        scatter_levels: of the scatter, 255 being `top_scatter`.
    """

    potency: np.ndarray
    scatter: np.ndarray | None
    mean: float
    mean_scatter: float
    top_scatter: float
    counts: tuple[int, ...]
    levels: Levels
    scatter_levels: Levels | None

    def share(self, step: int) -> float:
        """The share of the picture whose potency is at least ``step / STEPS``."""
        return self.counts[step] / self.potency.size


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder that is there once all of it is written."""
    temporary = folder.with_name(f".writing-{os.getpid()}-{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _arrays(folder: Path, stem: str, levels: int) -> list[np.ndarray]:
    return [np.load(folder / f"{stem}_{k}.npy", mmap_mode="r") for k in range(levels)]


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def has_plate(folder: Path) -> bool:
    """Whether a picture is kept there."""
    return (folder / _PLATE).is_file()


def has_map(folder: Path) -> bool:
    """Whether a map is kept there."""
    return (folder / _MAP).is_file()


def keep_plate(folder: Path, picture: Opened) -> None:
    """Copies a micrograph into a folder, block by block.

    Args:
        folder: where it goes; what is there is replaced.
        picture: an open micrograph.

    Raises:
        InputError: if damage inside a large picture shows.
    """
    windows = picture.windows
    with _whole(folder) as place:
        kind = np.uint8 if windows.bit_depth == 8 else np.uint16
        pixels = np.lib.format.open_memmap(place / "pixels_0.npy", "w+", dtype=kind, shape=windows.shape)
        height, width = windows.shape
        for top in range(0, height, _BLOCK):
            for left in range(0, width, _BLOCK):
                block = slice(top, min(top + _BLOCK, height)), slice(left, min(left + _BLOCK, width))
                pixels[block] = windows.read(*block)
        pixels.flush()
        levels = level_files(place / "pixels_0.npy")
        known = {"bit_depth": windows.bit_depth, "pixel_size_nm": picture.pixel_size_nm, "notes": picture.notes}
        write_json(place / _PLATE, {**known, "grey_range": grey_range(pixels), "levels": levels})


def open_plate(folder: Path) -> Plate:
    """Opens what `keep_plate` has written."""
    known = _read(folder / _PLATE)
    arrays = _arrays(folder, "pixels", known["levels"])
    low, high = known["grey_range"]
    size = math.nan if known["pixel_size_nm"] is None else float(known["pixel_size_nm"])
    levels = Levels(arrays, lambda values: stretched(values, low, high))
    return Plate(arrays[0], int(known["bit_depth"]), size, tuple(known["notes"]), levels)


def keep_map(folder: Path, shape: tuple[int, int], pieces: Iterable[MapTile]) -> None:
    """Writes a map into a folder as its pieces come.

    Args:
        folder: where it goes; what is there is replaced.
        shape: height and width in px.
        pieces: of `Predictor.map_tiles`.
    """
    edges = (np.arange(1, STEPS + 1) / STEPS).astype(np.float32)
    passed = np.zeros(STEPS + 1, np.int64)
    sums, top = {"potency": 0.0, "scatter": 0.0}, 0.0
    with _whole(folder) as place:
        files: dict[str, np.memmap] = {}
        for piece in pieces:
            passed += np.bincount(np.searchsorted(edges, piece.potency.ravel(), "right"), minlength=STEPS + 1)
            for stem in sums:
                values = getattr(piece, stem)
                if values is None:
                    continue
                if stem not in files:
                    files[stem] = np.lib.format.open_memmap(
                        place / f"{stem}_0.npy", "w+", dtype=np.float32, shape=shape
                    )
                files[stem][piece.rows, piece.columns] = values
                sums[stem] += float(values.sum(dtype=np.float64))
            if piece.scatter is not None:
                top = max(top, float(piece.scatter.max()))
        known: dict[str, Any] = {f"mean_{stem}": sums[stem] / math.prod(shape) for stem in files}
        for stem, array in files.items():
            array.flush()
            known[stem] = level_files(place / f"{stem}_0.npy", scale=255 / (top or 1) if stem == "scatter" else 255)
        write_json(place / _MAP, {**known, "top_scatter": top, "counts": np.cumsum(passed[::-1])[::-1]})


def _byte(top: float) -> Any:
    """Makes uint8 of floating values from 0 to `top`; copies are uint8 already."""

    def shade(values: np.ndarray) -> np.ndarray:
        if values.dtype == np.uint8:
            return values
        return np.clip(np.rint(values * np.float32(255 / (top or 1))), 0, 255).astype(np.uint8)

    return shade


def open_map(folder: Path) -> Drawn:
    """Opens what `keep_map` has written."""
    known = _read(folder / _MAP)
    potency, top = _arrays(folder, "potency", known["potency"]), float(known["top_scatter"])
    scatter = _arrays(folder, "scatter", known["scatter"]) if "scatter" in known else None
    return Drawn(
        potency[0],
        scatter[0] if scatter else None,
        float(known["mean_potency"]),
        float(known.get("mean_scatter", math.nan)),
        top,
        tuple(int(n) for n in known["counts"]),
        Levels(potency, _byte(1.0)),
        Levels(scatter, _byte(top)) if scatter else None,
    )
