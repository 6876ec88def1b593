"""Hitachi: a ``.txt`` beside the picture with a section ``[SemImageFile]`` of lines ``Key=value``."""

from __future__ import annotations

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.values import MetadataBuilder

__all__ = ["hitachi_metadata"]

_SECTION = "[semimagefile]"
# Units where the file writes none; stage positions are whole nm.
_FIELDS = (
    ("pixel_size_nm", "PixelSize", "nm"),
    ("magnification", "Magnification", "x"),
    ("voltage_kv", "AcceleratingVoltage", "V"),
    ("working_distance_mm", "WorkingDistance", "um"),
    ("stage_x_mm", "StagePositionX", "nm"),
    ("stage_y_mm", "StagePositionY", "nm"),
    ("stage_z_mm", "StagePositionZ", "nm"),
    ("rotation_deg", "StagePositionR", "°"),
    ("tilt_deg", "StagePositionT", "°"),
)


def _section(text: str) -> dict[str, str] | None:
    lines = [line.strip() for line in text.splitlines()]
    start = next((i for i, line in enumerate(lines) if line.casefold() == _SECTION), None)
    if start is None:
        return None
    values: dict[str, str] = {}
    for line in lines[start + 1 :]:
        if line.startswith("["):
            break
        key, sign, value = line.partition("=")
        if sign:
            values.setdefault(key.strip(), value.strip())
    return values


def hitachi_metadata(text: str) -> Metadata | None:
    """What a sidecar says; None where it is no Hitachi one."""
    values = _section(text)
    if values is None:
        return None
    builder = MetadataBuilder("Hitachi")
    for field, key, unit in _FIELDS:
        builder.measure(field, key, values.get(key), unit)
    builder.text("detector", values.get("SignalName"))
    builder.moment(("Date", "Time"), values.get("Date"), values.get("Time"))
    builder.size("DataSize", values.get("DataSize"))
    return builder.metadata()
