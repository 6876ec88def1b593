"""Hitachi: lines ``Key=value`` in a ``.txt`` beside the picture, below ``[SemImageFile]``, or in TIFF tag 40092."""

from __future__ import annotations

import re
from typing import Any

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.sidecar import decoded
from tfds_copper.micrograph.vendors.values import MetadataBuilder, tag_bytes

__all__ = ["hitachi_metadata", "hitachi_tag_metadata"]

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
# Vacc=15.0kV Mag=x1.20k WD=7.9mm
_CONDITIONS = (("magnification", "Mag", "x"), ("voltage_kv", "Vacc", "kV"), ("working_distance_mm", "WD", "mm"))
# The tag is one that any program may write a remark into.
_SURE = ("PixelSize", "Condition", "SignalName", "InstructName")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def _section(lines: list[str]) -> dict[str, str] | None:
    start = next((i for i, line in enumerate(lines) if line.casefold() == _SECTION), None)
    return None if start is None else _values(lines[start + 1 :])


def _values(lines: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in lines:
        if line.startswith("["):
            break
        key, sign, value = line.partition("=")
        if sign:
            values.setdefault(key.strip(), value.strip())
    return values


def _conditions(builder: MetadataBuilder, text: str) -> None:
    values = dict(re.findall(r"(\w+)\s*=\s*(\S+)", text))
    for field, key, unit in _CONDITIONS:
        builder.measure(field, key, re.sub(r"^[xX×](?=[0-9.])", "", values.get(key, "")), unit)


def _metadata(values: dict[str, str]) -> Metadata:
    builder = MetadataBuilder("Hitachi")
    for field, key, unit in _FIELDS:
        builder.measure(field, key, values.get(key), unit)
    _conditions(builder, values.get("Condition", ""))
    builder.text("detector", values.get("SignalName"))
    builder.moment(("Date", "Time"), values.get("Date"), values.get("Time"))
    builder.size("DataSize", values.get("DataSize"))
    return builder.metadata()


def hitachi_metadata(text: str) -> Metadata | None:
    """What a sidecar says; None where it is no Hitachi one."""
    values = _section(_lines(text))
    return None if values is None else _metadata(values)


def hitachi_tag_metadata(tag: Any) -> Metadata | None:
    """What tag 40092 says; None where another program wrote it.

    Args:
        tag: the tag's value as tifffile reads it, bytes of UTF-16.
    """
    lines = _lines((decoded(tag_bytes(tag)) or "").replace("\0", ""))
    values = _section(lines) or _values([line for line in lines if not line.startswith("[")])
    return _metadata(values) if sum(key in values for key in _SURE) >= 2 else None
