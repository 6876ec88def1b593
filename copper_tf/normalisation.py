"""Grey values made comparable, computable from one micrograph, before tiling; NumPy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from tfds_copper.errors import RunError

__all__ = ["LOCAL_FLOOR", "Normalisation", "grey"]

# Local contrast is never divided by less than this share of the data set's own: flat areas must not become noise.
LOCAL_FLOOR = 0.1


def grey(pixels: np.ndarray, bit_depth: int) -> np.ndarray:
    """Grey values in [0, 1], float32, of the same shape.

    Args:
        pixels: raw values, uint8 or uint16.
        bit_depth: 8 or 16; full scale is 2^bit_depth - 1.
    """
    return pixels.astype(np.float32) / np.float32(2**bit_depth - 1)


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
        if self.mode == "dataset":
            return self.mean, self.sd
        values = picture()
        return float(values.mean()), max(float(values.std()), LOCAL_FLOOR * self.sd)

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """The normalised picture, float32.

        Args:
            picture: one whole grey micrograph ``(height, width)`` in [0, 1], without its information bar.
        """
        if self.mode != "local":
            mean, sd = self.affine(lambda: picture)
            return ((picture - np.float32(mean)) / np.float32(sd)).astype(np.float32)
        centred = picture.astype(np.float32) - np.float32(self.mean)
        mean = ndimage.uniform_filter(centred, self.window, mode="reflect")
        square = ndimage.uniform_filter(centred**2, self.window, mode="reflect")
        spread = np.sqrt(np.maximum(square - mean**2, 0) + np.float32((LOCAL_FLOOR * self.sd) ** 2))
        return ((centred - mean) / spread).astype(np.float32)

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
