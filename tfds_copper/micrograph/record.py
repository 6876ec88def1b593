"""What is known of one micrograph."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

__all__ = ["BOTTOM", "TOP", "Bar", "Metadata", "Micrograph", "name_and_unit"]

TOP, BOTTOM = "top", "bottom"


def _known(default: Any, name: str, unit: str = "") -> Any:
    return dataclasses.field(default=default, metadata={"name": name, "unit": unit})


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What the microscope wrote about a picture; numbers are NaN, counts 0 and texts empty where it did not.

    Args:
        dropped: values that were there but can't be right, as ``name=value``; they are used for nothing.
    """

    vendor: str = _known("", "vendor")
    pixel_size_nm: float = _known(math.nan, "pixel size", "nm")
    magnification: float = _known(math.nan, "magnification")
    voltage_kv: float = _known(math.nan, "accelerating voltage", "kV")
    working_distance_mm: float = _known(math.nan, "working distance", "mm")
    detector: str = _known("", "detector")
    tilt_deg: float = _known(math.nan, "stage tilt", "°")
    rotation_deg: float = _known(math.nan, "stage rotation", "°")
    stage_x_mm: float = _known(math.nan, "stage x", "mm")
    stage_y_mm: float = _known(math.nan, "stage y", "mm")
    stage_z_mm: float = _known(math.nan, "stage z", "mm")
    dwell_us: float = _known(math.nan, "dwell time", "µs")
    beam_current_pa: float = _known(math.nan, "beam current", "pA")
    date: str = _known("", "date")
    width: int = _known(0, "width as recorded", "px")
    height: int = _known(0, "height as recorded, without bar", "px")
    bar_rows: int = _known(0, "rows of the information bar", "px")
    dropped: tuple[str, ...] = ()

    def known(self) -> dict[str, Any]:
        """Only what the microscope wrote, by field name; fit for JSON."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        given = {k: v for k, v in values.items() if (math.isfinite(v) if isinstance(v, float) else v)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}


def name_and_unit(field: str) -> tuple[str, str]:
    """(name, unit) of a field of `Metadata` for tables and messages, e.g. ``("working distance", "mm")``."""
    (found,) = (f for f in dataclasses.fields(Metadata) if f.name == field)
    return found.metadata["name"], found.metadata["unit"]


@dataclasses.dataclass(frozen=True)
class Bar:
    """An information bar over the whole width of a file's picture.

    Args:
        side: ``TOP`` or ``BOTTOM``.
        rows: its height in px, at least 1.
        opposite: rows that are cut off the other side too, for text on the picture itself.
    """

    side: str
    rows: int
    opposite: int = 0

    @property
    def above(self) -> int:
        """Rows cut off the top."""
        return self.rows if self.side == TOP else self.opposite

    @property
    def below(self) -> int:
        """Rows cut off the bottom."""
        return self.rows if self.side == BOTTOM else self.opposite

    def crop(self, values: np.ndarray) -> np.ndarray:
        """The rows of `values` that are not bar; a view."""
        return values[self.above : len(values) - self.below]


@dataclasses.dataclass(frozen=True, eq=False)
class Micrograph:
    """One micrograph as it was recorded; nothing is scaled without a note.

    Args:
        pixels: the grey values without information bar, `(height, width)`, uint8 or uint16.
        bit_depth: 8 to 16; full scale is ``2**bit_depth - 1``. Up to 8 the pixels are uint8, else uint16.
        pixel_size_nm: the side of a pixel in nm; NaN where unknown.
        notes: what was done to the file's values, one short sentence each.
        metadata: what the microscope wrote.
        bar: the information bar that was cropped; None where there was none.
        recorded: height and width of the whole picture in the file, in px.
    """

    pixels: np.ndarray
    bit_depth: int
    pixel_size_nm: float = math.nan
    notes: tuple[str, ...] = ()
    metadata: Metadata = Metadata()
    bar: Bar | None = None
    recorded: tuple[int, int] = (0, 0)
