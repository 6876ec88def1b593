"""Grey values made comparable, computable from one micrograph, before tiling; NumPy only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfds_copper.errors import RunError

if TYPE_CHECKING:
    from tfds_copper.micrograph import Windows

__all__ = ["LOCAL_FLOOR", "Normalisation", "grey"]

# Local contrast is never divided by less than this share of the data set's own: flat areas must not become noise.
LOCAL_FLOOR = 0.1


def grey(pixels: np.ndarray, bit_depth: int) -> np.ndarray:
    """Grey values in [0, 1], float32, of the same shape.

    Args:
        pixels: raw values, uint8 or uint16.
        bit_depth: 8 to 16; full scale is 2^bit_depth - 1.
    """
    return pixels.astype(np.float32) / np.float32(2**bit_depth - 1)


def _scaled(picture: np.ndarray, mean: float, sd: float) -> np.ndarray:
    return ((picture - np.float32(mean)) / np.float32(sd)).astype(np.float32)


def _moments(parts: Iterable[np.ndarray]) -> tuple[float, float]:
    """Mean and standard deviation of all values of all parts of a picture."""
    count, total, squares = 0, 0.0, 0.0
    for part in parts:
        count += part.size
        total += float(part.sum(dtype=np.float64))
        squares += float(np.square(part, dtype=np.float64).sum())
    mean = total / count
    return mean, math.sqrt(max(squares / count - mean**2, 0.0))


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """How the grey values of a picture become what a network sees.

    Attributes:
        mode: ``"dataset"``, ``"picture"`` or ``"local"``.
        mean: mean grey value of the training pictures, in [0, 1].
        sd: standard deviation of the training pictures' grey values.
        window: side in px of the window of ``"local"``, odd.
    """

    mode: str
    mean: float
    sd: float
    window: int

    def affine(self, picture: Callable[[], np.ndarray]) -> tuple[float, float]:
        """(mean, sd) by which a whole grey picture is shifted and scaled; not for ``"local"``.

        Args:
            picture: makes the picture ``(height, width)``; called only where the mode looks at it.
        """
        return self._affine(lambda: [picture()])

    def _affine(self, parts: Callable[[], Iterable[np.ndarray]]) -> tuple[float, float]:
        if self.mode == "dataset":
            return self.mean, self.sd
        mean, sd = _moments(parts())
        return mean, max(sd, LOCAL_FLOOR * self.sd)

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """The normalised picture, float32.

        Args:
            picture: one whole grey micrograph ``(height, width)`` in [0, 1], without its information bar.
        """
        return self._local(picture) if self.mode == "local" else _scaled(picture, *self.affine(lambda: picture))

    def _local(self, picture: np.ndarray) -> np.ndarray:
        from scipy import ndimage  # half of the time that an exported model takes to start

        # In float64: the running sums of a long row must not depend on where they begin.
        centred = picture.astype(np.float64) - self.mean
        mean = ndimage.uniform_filter(centred, self.window, mode="reflect")
        square = ndimage.uniform_filter(centred**2, self.window, mode="reflect")
        spread = np.sqrt(np.maximum(square - mean**2, 0) + (LOCAL_FLOOR * self.sd) ** 2)
        return ((centred - mean) / spread).astype(np.float32)

    def by_windows(self, picture: Windows) -> Callable[[slice, slice], np.ndarray]:
        """What `apply` makes of a picture, by windows of any rows and columns.

        Args:
            picture: one whole micrograph; ``"picture"`` goes through it once at the start.
        """

        def values(rows: slice, columns: slice) -> np.ndarray:
            return grey(picture.read(rows, columns), picture.bit_depth)

        if self.mode == "local":
            return lambda rows, columns: self.local_window(values, picture.shape, (rows, columns))
        mean, sd = self._affine(lambda: (grey(block, picture.bit_depth) for block in picture.blocks()))
        return lambda rows, columns: _scaled(values(rows, columns), mean, sd)

    def local_window(
        self, values: Callable[[slice, slice], np.ndarray], shape: tuple[int, int], asked: tuple[slice, slice]
    ) -> np.ndarray:
        """A part of what `apply` makes of a picture by ``"local"``, from that part and its surroundings alone.

        Args:
            values: reads a part of the grey picture, in [0, 1].
            shape: of the whole picture.
            asked: rows and columns of the part.
        """
        # Half a window more on each side; where the picture ends the filter mirrors it itself.
        half = self.window // 2
        rows, columns = (
            slice(max(0, s.start - half), min(side, s.stop + half)) for s, side in zip(asked, shape, strict=True)
        )
        inner = tuple(
            slice(s.start - wide.start, s.stop - wide.start) for s, wide in zip(asked, (rows, columns), strict=True)
        )
        return np.ascontiguousarray(self._local(values(rows, columns))[inner])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``normalisation.json``."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Normalisation:
        """The inverse of `to_dict`.

        Raises:
            RunError: if a value is missing.
        """
        try:
            return cls(str(values["mode"]), float(values["mean"]), float(values["sd"]), int(values["window"]))
        except (KeyError, TypeError, ValueError):
            raise RunError(f"normalisation must give mode, mean, sd and window. Received: {values!r}") from None
