"""Tescan: TIFF tag 50431, a thumbnail and lines ``KEY=VALUE``, each part behind a binary header.

A header is the part's length (4 bytes, little-endian) and its kind (2 bytes): 1 the thumbnail, 2 and 3 text. Older
files have ``[MAIN]`` and ``[SEM]`` in place of the headers, so the lines are searched for instead. The same lines stand
in a ``.hdr`` beside pictures of every format, and in a chunk of PNG files.
"""

from __future__ import annotations

import re
from typing import Any

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.values import MetadataBuilder, tag_bytes

__all__ = ["tescan_lines", "tescan_metadata"]

_LINE = re.compile(rb"([A-Za-z][A-Za-z0-9]{1,40})[ \t]*=[ \t]*([^\r\n\x00]*)")
# Other programs write .hdr files and PNG texts, too.
_SURE = re.compile(r"(?:^|[\n\r\0])[ \t]*(?:\[(?:MAIN|SEM)\]|PixelSizeX[ \t]*=)")
_FIELDS = (
    ("magnification", "Magnification", "x"),
    ("voltage_kv", "HV", "V"),
    ("voltage_kv", "AcceleratorVoltage", "V"),
    ("working_distance_mm", "WD", "m"),
    ("tilt_deg", "StageTilt", "°"),
    ("rotation_deg", "StageRotation", "°"),
    ("stage_x_mm", "StageX", "m"),
    ("stage_y_mm", "StageY", "m"),
    ("stage_z_mm", "StageZ", "m"),
    ("dwell_us", "DwellTime", "s"),
    ("beam_current_pa", "BeamCurrent", "A"),
    ("beam_current_pa", "PredictedBeamCurrent", "A"),
)


def _lines(data: bytes) -> dict[str, str]:
    # What looks like a line inside the thumbnail comes first and is overwritten by the real one.
    return {key.decode("ascii"): value.decode("utf-8", "replace").strip() for key, value in _LINE.findall(data)}


def tescan_lines(text: str) -> Metadata | None:
    """What the lines of a ``.hdr`` or of a PNG chunk say; None where they are none of Tescan's."""
    return tescan_metadata(text) if _SURE.search(text) else None


def tescan_metadata(tag: Any) -> Metadata:
    """What tag 50431 says.

    Args:
        tag: the tag's value as tifffile reads it, bytes; or the lines alone.
    """
    builder = MetadataBuilder("Tescan")
    lines = _lines(tag_bytes(tag))
    if not lines:
        builder.drop("50431", tag)
    builder.pixels(("PixelSizeX", "PixelSizeY"), (lines.get("PixelSizeX"), lines.get("PixelSizeY")), "m")
    for field, key, unit in _FIELDS:
        builder.measure(field, key, lines.get(key), unit)
    builder.text("detector", lines.get("Detector"))
    builder.moment(("Date", "Time"), lines.get("Date"), lines.get("Time"))
    builder.count("bar_rows", "ImageStripSize", lines.get("ImageStripSize"))
    return builder.metadata()
