"""How a stored picture is turned before it is looked at, as its orientation tag says."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

__all__ = ["UPRIGHT", "Orientation", "orientation_of"]


@dataclasses.dataclass(frozen=True)
class Orientation:
    """A mirror image or a turn by quarters.

    Args:
        tag: 1 to 8, as in TIFF and EXIF; 1 is as stored.
    """

    tag: int = 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done, if anything."""
        return () if self.tag == 1 else (f"turned as its orientation tag {self.tag} says",)

    @property
    def _flips(self) -> tuple[bool, bool]:
        """Whether the rows, and the columns, are stored the other way round."""
        return self.tag in (3, 4, 7, 8), self.tag in (2, 3, 6, 7)

    @property
    def _lies(self) -> bool:
        """Whether rows are stored as columns."""
        return self.tag >= 5

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the turned picture from those that are stored."""
        return (width, height) if self._lies else (height, width)

    def turned(self, values: np.ndarray) -> np.ndarray:
        """The picture upright, ``(height, width)`` or ``(height, width, channels)``; a view."""
        upright = values.swapaxes(0, 1) if self._lies else values
        rows, columns = self._flips
        return upright[:: -1 if rows else 1, :: -1 if columns else 1]

    def stored(self, rows: slice, columns: slice, shape: tuple[int, int]) -> tuple[slice, slice]:
        """The stored rows and columns that a rectangle of the turned picture lies in.

        Args:
            rows: of the turned picture, from a start to a stop.
            columns: the same.
            shape: height and width of the turned picture.
        """
        found = []
        for part, side, flipped in zip((rows, columns), shape, self._flips, strict=True):
            found.append(slice(side - part.stop, side - part.start) if flipped else part)
        return (found[1], found[0]) if self._lies else (found[0], found[1])


UPRIGHT = Orientation()


def orientation_of(value: Any) -> Orientation:
    """That of a tag's value; as stored where the value is none that the tag can have."""
    return Orientation(int(value)) if isinstance(value, int | np.integer) and 1 <= value <= 8 else UPRIGHT
