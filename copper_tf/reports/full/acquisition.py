"""How the pictures of a dataset were taken: every setting with its values or its range."""

from __future__ import annotations

import collections
import dataclasses
import math
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from copper_tf.reports.full.results import Acquisition, AcquisitionSetting
from tfds_copper.micrograph import Metadata
from tfds_copper.micrograph.record import name_and_unit
from tfds_copper.progress import Progress
from tfds_copper.text import listed

if TYPE_CHECKING:
    from tfds_copper.dataset import Dataset

__all__ = ["acquisition", "read_records", "summarise_values"]


# In the order of the table; widths and heights stand in it as the picture's size.
_FIELDS = (
    "vendor", "voltage_kv", "magnification", "working_distance_mm", "detector", "tilt_deg", "dwell_us",
    "beam_current_pa", "date",
)  # fmt: skip
# So many different values are listed; of more, numbers give their range and texts the commonest.
_LISTED = 4
# Where a PNG file keeps its width and height.
_SIZE = slice(16, 24)


def read_records(dataset: Dataset, progress: Progress | None = None) -> list[dict[str, Any]]:
    """What is known of how each picture was taken; no picture is decoded.

    Args:
        dataset: all splits of it are read.
        progress: called with (done, total, what).

    Returns:
        For each picture what the microscope wrote (fields of `Metadata`), and ``size`` (px), ``pixel_size_nm`` (as it
        was used, NaN where unknown), ``bit_depth`` and ``bar`` (rows cut off).
    """
    rows: list[dict[str, Any]] = []
    total = sum(dataset.split_sizes.values())
    for split in dataset.split_sizes:
        for record in dataset.rows(split, pictures=False):
            width, height = struct.unpack(">II", record["picture"][_SIZE])
            bar = record["bar"]
            row = record["metadata"]
            row |= {
                "size": f"{width} × {height}",
                "pixel_size_nm": float(record["pixel_size_nm"]),
                "bit_depth": int(record["bit_depth"]),
                "bar": int(bar["rows"]) if bar else 0,
            }
            rows.append(row)
            if progress:
                progress(len(rows), total, "reading acquisition settings")
    return rows


def _text(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def summarise_values(values: Sequence[Any], unit: str = "") -> str:
    """Values as a table shows them: one, a few with how many pictures each has, or a range.

    Args:
        values: numbers or texts, at least one, all known.
        unit: written behind each.
    """
    numbers = all(isinstance(v, int | float) for v in values)
    # Two readings of one setting differ in their last digits.
    counts = collections.Counter(_text(v) if numbers else str(v) for v in values)
    behind = f" {unit}" if unit else ""
    if len(counts) == 1:
        return next(iter(counts)) + behind
    if numbers and len(counts) > _LISTED:
        return f"{_text(min(values))} to {_text(max(values))}{behind}"
    order = sorted(counts.items(), key=lambda item: float(item[0].replace(",", "")) if numbers else (-item[1], item[0]))
    return listed([f"{name}{behind} ({count})" for name, count in order], _LISTED)


def _known(value: Any) -> bool:
    return bool(math.isfinite(value)) if isinstance(value, float) else value not in ("", None)


def _dates(values: Sequence[str]) -> str:
    days = sorted({value[:10] for value in values})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"


def acquisition(rows: Sequence[dict[str, Any]]) -> Acquisition:
    """The table of settings.

    Args:
        rows: of `read_records`, one for each picture.
    """
    known: list[AcquisitionSetting] = []
    unknown: list[str] = []
    shown = (*_FIELDS, "pixel_size_nm")
    names = {f.name: name_and_unit(f.name) for f in dataclasses.fields(Metadata) if f.name in shown}
    names |= {"size": ("picture size", "px"), "bit_depth": ("depth of grey values", "bit")}
    for field in ("size", "pixel_size_nm", "bit_depth", *_FIELDS):
        values = [row[field] for row in rows if field in row and _known(row[field])]
        name, unit = names[field]
        if values:
            value = _dates(values) if field == "date" else summarise_values(values, unit)
            known.append(AcquisitionSetting(name, value, len(values)))
        else:
            unknown.append(name)
    cut = collections.Counter(row["bar"] for row in rows)
    if set(cut) != {0}:
        counts = ", ".join(f"{k} rows ({n})" if k else f"none ({n})" for k, n in sorted(cut.items()))
        known.append(AcquisitionSetting("information bar cut off", counts, len(rows)))
    sizes = [row["pixel_size_nm"] for row in rows if math.isfinite(row["pixel_size_nm"])]
    return Acquisition(len(rows), tuple(known), tuple(unknown), (min(sizes), max(sizes)) if sizes else None)
