"""Tiles of a large picture: windows with a margin whose kept parts cover it once; the map put together from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from copper_tf.models.picture_sizes import padded_size

__all__ = ["MapTile", "Tile", "assemble_map", "cuts", "tiles"]


@dataclasses.dataclass(frozen=True)
class Tile:
    """A window along one axis and the part of it that is kept.

    Attributes:
        start: first pixel of the window, counted from the picture's edge; below 0 in front of it.
        size: pixels of the window.
        keep_start: first pixel that is kept.
        keep_stop: one past the last pixel that is kept.
    """

    start: int
    size: int
    keep_start: int
    keep_stop: int

    def window(self, length: int) -> slice:
        """The pixels of the window that lie within a picture of `length` px."""
        return slice(max(self.start, 0), min(self.start + self.size, length))

    def beyond(self, length: int) -> tuple[int, int]:
        """How many pixels of the window lie in front of the picture, and how many behind it."""
        return max(0, -self.start), max(0, self.start + self.size - length)

    def kept(self, length: int) -> slice:
        """The pixels of the picture that are kept."""
        return slice(self.keep_start, min(self.keep_stop, length))

    def inner(self, length: int) -> slice:
        """The same pixels counted from the window's edge."""
        return slice(self.keep_start - self.start, min(self.keep_stop, length) - self.start)


def tiles(length: int, size: int, margin: int, d: int) -> tuple[Tile, ...]:
    """Cuts an axis into windows whose kept parts cover it once and see the same pixels as the whole picture.

    Windows start on the 2^d grid and all have one size; a window that ends at the picture's edge mirrors there just
    as the whole picture does, every other edge has at least `margin` px that are thrown away.

    Args:
        length: px of the axis, a multiple of 2^d.
        size: px of a window at most, margins included.
        margin: px of context to throw away on inner edges (`reach` of the network).
        d: stages of the network.
    """
    grid = 2**d
    margin = padded_size(margin, d)
    size = max(padded_size(size, d), 2 * margin + grid)
    if size >= length:
        return (Tile(0, length, 0, length),)
    step = size - 2 * margin
    starts = [*range(0, length - size, step), length - size]
    cuts = [0, *(later + margin for later in starts[1:]), length]
    return tuple(Tile(s, size, lo, hi) for s, lo, hi in zip(starts, cuts[:-1], cuts[1:], strict=True))


def cuts(shape: tuple[int, int], size: int, margin: int, d: int, frame: int = 0) -> list[tuple[Tile, Tile]]:
    """The tiles of a whole picture, row by row, each as its rows and its columns.

    Args:
        shape: height and width in px.
        size: see `tiles`; a window holds at least as many pixels of the picture as lie beyond it.
        margin: see `tiles`.
        d: stages of the network.
        frame: px by which the picture goes on beyond each border, a multiple of 2^d; behind its last pixels to the
            next multiple of 2^d.
    """
    size = max(size, 2 * (max(margin, frame) + 2**d))
    rows, columns = (
        [
            Tile(t.start - frame, t.size, max(t.keep_start - frame, 0), t.keep_stop - frame)
            for t in tiles(padded_size(side, d) + 2 * frame, size, margin, d)
        ]
        for side in shape
    )
    return [(row, column) for row in rows for column in columns]


@dataclasses.dataclass(frozen=True, eq=False)
class MapTile:
    """A rectangle of a map; those of a map cover it once.

    Attributes:
        rows: its rows in the picture.
        columns: its columns.
        potency: the map there, ``(height, width)`` float32.
        scatter: see `Prediction`.
    """

    rows: slice
    columns: slice
    potency: np.ndarray
    scatter: np.ndarray | None = None


def assemble_map(tiles: Iterable[MapTile], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """A whole map and, from an ensemble, its scatter, put together from tiles.

    Args:
        tiles: they cover the map once.
        shape: height and width of the picture.
    """
    potency, scatter = np.empty(shape, np.float32), None
    for tile in tiles:
        potency[tile.rows, tile.columns] = tile.potency
        if tile.scatter is not None:
            scatter = np.empty_like(potency) if scatter is None else scatter
            scatter[tile.rows, tile.columns] = tile.scatter
    return potency, scatter
