"""JEOL: a ``.txt`` beside the picture with lines ``$CM_KEY value`` and ``$$SM_KEY value``."""

from __future__ import annotations

import re

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.values import MetadataBuilder, sizes

__all__ = ["jeol_metadata"]

_LINE = re.compile(r"(\$\$?([A-Z]{2}_[A-Z0-9_]+))(?:[ \t]+(.*))?")
_FIELD = re.compile(r"([0-9][0-9.,eE+-]*)\s*([^\s0-9.,×*]*?)[\s,;xX×*]+([0-9][0-9.,eE+-]*)\s*([^\s0-9.,]*)")
_FIELDS = (
    ("magnification", "CM_MAG", "x"),
    ("voltage_kv", "CM_ACCEL_VOLT", "kV"),
    ("working_distance_mm", "SM_WD", "mm"),
)
_AXES = (
    ("X", "stage_x_mm", "mm"),
    ("Y", "stage_y_mm", "mm"),
    ("Z", "stage_z_mm", "mm"),
    ("R", "rotation_deg", "°"),
    ("T", "tilt_deg", "°"),
)


class _Lines:
    """The lines by key without the dollars, of which instruments write one or two."""

    def __init__(self, text: str) -> None:
        matches = [m for line in text.splitlines() if (m := _LINE.fullmatch(line.strip()))]
        self.keys = {m[2]: m[1] for m in matches}
        self._values = {m[2]: (m[3] or "").strip() for m in matches}

    def __getitem__(self, name: str) -> str:
        return self._values.get(name, "")

    def key(self, name: str) -> str:
        """The key as the file writes it."""
        return self.keys.get(name, name)


def _pixel_size(builder: MetadataBuilder, lines: _Lines) -> None:
    # Newer instruments write it, with its unit, and more exactly than a bar of whole pixels does.
    written = lines["CM_PIXEL_SIZE"]
    first = re.match(r"[0-9.,]+\s*[^\W\d_]+", written)
    builder.measure("pixel_size_nm", lines.key("CM_PIXEL_SIZE"), first[0] if first else written)
    bar, marker = lines["SM_MICRON_BAR"], lines["SM_MICRON_MARKER"]
    if not bar or not marker or builder.has("pixel_size_nm"):
        return
    if not re.fullmatch(r"[0-9]{1,6}", bar) or int(bar) == 0:
        builder.drop(lines.key("SM_MICRON_BAR"), bar)
        return
    builder.measure("pixel_size_nm", lines.key("SM_MICRON_MARKER"), marker, "", 1 / int(bar))


def _field_of_view(builder: MetadataBuilder, lines: _Lines) -> None:
    """Its width and height with their units, or with one for both: ``1.067mm 0.800mm``, ``1.067 0.800 mm``."""
    text, key = lines["CM_FIELD_OF_VIEW"], lines.key("CM_FIELD_OF_VIEW")
    counts = sizes(lines["CM_FULL_SIZE"]) or sizes(lines["CM_IMAGE_SIZE"])
    if not text or builder.has("pixel_size_nm"):
        return
    match = _FIELD.fullmatch(text)
    if match is None or not all(0 < len(n) < 7 and int(n) for n in counts) or not counts:
        builder.drop(key, text)
        return
    unit = match[2] or match[4]
    across, down = (f"{side} {own or unit}" for side, own in ((match[1], match[2]), (match[3], match[4])))
    builder.pixels((key, key), (across, down), "", (1 / int(counts[0]), 1 / int(counts[1])))


def _stage(builder: MetadataBuilder, name: str, lines: _Lines) -> None:
    """Positions in order, ``x y z r t``, or named, ``X=1.2, Y=3.4, R=0, Z=10, T=0``."""
    text, key = lines[name], lines.key(name)
    named = dict(re.findall(r"([XYZRT])\s*=\s*([^,\s]+)", text))
    listed = dict(zip("XYZRT", text.split(), strict=False))
    for axis, field, unit in _AXES:
        builder.measure(field, key, (named or listed).get(axis), unit)


def jeol_metadata(text: str) -> Metadata | None:
    """What a sidecar says; None where it is no JEOL one."""
    lines = _Lines(text)
    if not any(name.startswith(("CM_", "SM_")) for name in lines.keys):
        return None
    builder = MetadataBuilder("JEOL")
    _pixel_size(builder, lines)
    _field_of_view(builder, lines)
    for field, name, unit in _FIELDS:
        builder.measure(field, lines.key(name), lines[name], unit)
    for name in ("CM_DETECTOR", "FE_DETECTOR_NAME", "CM_SIGNAL"):
        builder.text("detector", lines[name])
    builder.moment((lines.key("CM_DATE"), lines.key("CM_TIME")), lines["CM_DATE"], lines["CM_TIME"])
    for name in ("CM_FULL_SIZE", "CM_IMAGE_SIZE"):
        builder.size(lines.key(name), lines[name])
    for name in ("CM_STAGE_POS", "CM_STAGE_POSITION"):
        _stage(builder, name, lines)
    builder.count("bar_rows", lines.key("SM_PNU_HEIGHT"), lines["SM_PNU_HEIGHT"])
    return builder.metadata()
