"""Zeiss SmartSEM: TIFF tag 34118, which tifffile reads as ``{key: (name, value, unit)}``."""

from __future__ import annotations

import re
from typing import Any

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.values import MetadataBuilder, printable, sizes

__all__ = ["zeiss_metadata"]

_DISPLAY_WIDTH = 1024
# Of the lines before the first name: this one, from 0, and what is no number.
_HEADER_LINE, _NAMED = 3, re.compile(r"[A-Za-z_]{2}")
# Units where the file writes none. tifffile loses lines in capitals only, "EHT = 800 V"; the target stands in for it.
_FIELDS = (
    ("magnification", "ap_mag", "x"),
    ("voltage_kv", "ap_actualkv", "kV"),
    ("voltage_kv", "ap_manualkv", "kV"),
    ("working_distance_mm", "ap_wd", "mm"),
    ("tilt_deg", "ap_stage_at_t", "°"),
    ("rotation_deg", "ap_stage_at_r", "°"),
    ("stage_x_mm", "ap_stage_at_x", "mm"),
    ("stage_y_mm", "ap_stage_at_y", "mm"),
    ("stage_z_mm", "ap_stage_at_z", "mm"),
    ("dwell_us", "dp_dwell_time", ""),
    # ap_beam_current is what the gun emits, not what reaches the specimen.
    ("beam_current_pa", "ap_iprobe", ""),
)


def _entry(tag: dict[Any, Any], key: str) -> Any:
    """The value of a key, as text where it has a unit; None where it is absent or no entry."""
    entry = tag.get(key)
    if not isinstance(entry, tuple) or len(entry) < 2:
        return None
    return f"{printable(entry[1])} {entry[2]}" if len(entry) > 2 and isinstance(entry[2], str) else entry[1]


def _stored_width(tag: dict[Any, Any], width: int, height: int) -> int:
    """The width that the microscope stored the picture with; 0 where nothing tells."""
    sides = sizes(_entry(tag, "dp_image_store"))
    if sides and len(sides[0]) < 7 and int(sides[0]):
        return int(sides[0])
    # SmartSEM stores 4:3, 512 or a multiple of 1024 wide; what is higher than that was cut since.
    usual = width > 0 and (width == 512 or width % 1024 == 0) and 4 * height <= 3 * width
    return width if usual else 0


def _header_pixel_size(header: str) -> str | None:
    """The pixel size that stands without a name in the fourth line, in m, which LEO instruments write as well."""
    lines = header.splitlines()[: _HEADER_LINE + 1]
    if len(lines) <= _HEADER_LINE or any(_NAMED.search(line) for line in lines):
        return None
    text = lines[_HEADER_LINE].strip()
    return f"{text} m" if text.strip("0.+-eE") else None


def _pixel_size(builder: MetadataBuilder, tag: dict[Any, Any], header: str, width: int, height: int) -> None:
    builder.measure("pixel_size_nm", "ap_image_pixel_size", _entry(tag, "ap_image_pixel_size"))
    stored = _stored_width(tag, width, height)
    # Both are of the pixel of a display 1024 px wide, whatever size was stored.
    for key, value in (("ap_pixel_size", _entry(tag, "ap_pixel_size")), ("line 4", _header_pixel_size(header))):
        if builder.has("pixel_size_nm") or value is None:
            continue
        if stored:
            builder.measure("pixel_size_nm", key, value, "", _DISPLAY_WIDTH / stored)
        else:
            builder.drop(key, value)


def zeiss_metadata(tag: Any, header: str, width: int, height: int) -> Metadata:
    """What tag 34118 says.

    Args:
        tag: the tag's value as tifffile reads it.
        header: the tag's text, of which tifffile keeps less.
        width: the page's, in px.
        height: the page's, in px, with the information bar.
    """
    builder = MetadataBuilder("Zeiss")
    if not isinstance(tag, dict):
        builder.drop("34118", tag)
        return builder.metadata()
    _pixel_size(builder, tag, header, width, height)
    for field, key, unit in _FIELDS:
        builder.measure(field, key, _entry(tag, key), unit)
    for key in ("dp_detector_channel", "dp_detector_type"):
        builder.text("detector", _entry(tag, key))
    builder.moment(("ap_date", "ap_time"), _entry(tag, "ap_date"), _entry(tag, "ap_time"))
    store = _entry(tag, "dp_image_store")
    # Its height counts the bar, so that only the width is of use.
    if store not in (None, ""):
        builder.count("width", "dp_image_store", (sizes(store) or [store])[0])
    return builder.metadata()
