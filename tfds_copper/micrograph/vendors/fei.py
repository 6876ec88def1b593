"""FEI and Thermo Fisher: TIFF tags 34680 and 34682, which tifffile reads as ``{section: {key: value}}``."""

from __future__ import annotations

from typing import Any

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.values import MetadataBuilder

__all__ = ["fei_metadata"]

_STAGE = (
    ("stage_x_mm", "StageX", "m"),
    ("stage_y_mm", "StageY", "m"),
    ("stage_z_mm", "StageZ", "m"),
    ("tilt_deg", "StageT", "rad"),
    ("rotation_deg", "StageR", "rad"),
)


class _Sections:
    """The sections of one or both tags; absent ones are empty."""

    def __init__(self, tag: dict[Any, Any]) -> None:
        self._tag = tag

    def __getitem__(self, name: Any) -> dict[Any, Any]:
        section = self._tag.get(name) if isinstance(name, str) else None
        return section if isinstance(section, dict) else {}


def _magnification(canvas: Any, field_width: Any) -> float | None:
    """What the data bar shows: the width of the screen's canvas over that of the field of view, both in m."""
    usable = all(isinstance(v, float) and 0 < v < 10 for v in (canvas, field_width))
    return canvas / field_width if usable else None


def _beam(builder: MetadataBuilder, sections: _Sections) -> None:
    # Beam.Beam names the section of the beam that made the picture: electrons or ions.
    beam = sections[sections["Beam"].get("Beam", "EBeam")] or sections["EBeam"]
    builder.measure("voltage_kv", "HV", sections["Beam"].get("HV"), "V")
    builder.measure("voltage_kv", "HV", beam.get("HV"), "V")
    builder.measure("working_distance_mm", "WD", beam.get("WD"), "m")
    builder.measure("working_distance_mm", "WorkingDistance", sections["Stage"].get("WorkingDistance"), "m")
    builder.measure("beam_current_pa", "BeamCurrent", beam.get("BeamCurrent"), "A")
    shown = _magnification(sections["Image"].get("MagCanvasRealWidth"), beam.get("HFW"))
    builder.measure("magnification", "MagCanvasRealWidth/HFW", shown, "x")


def _scan(builder: MetadataBuilder, sections: _Sections) -> None:
    for name in ("Scan", sections["Beam"].get("Scan", "EScan")):
        section = sections[name]
        builder.pixels(("PixelWidth", "PixelHeight"), (section.get("PixelWidth"), section.get("PixelHeight")), "m")
        for key in ("Dwelltime", "Dwell"):
            builder.measure("dwell_us", key, section.get(key), "s")


def fei_metadata(*tags: Any) -> Metadata:
    """What the tags say; where two tell of the same section, the last counts.

    Args:
        tags: their values as tifffile reads them.
    """
    builder = MetadataBuilder("FEI")
    merged: dict[Any, Any] = {}
    for tag in tags:
        if isinstance(tag, dict):
            merged.update(tag)
        else:
            builder.drop("34682", tag)
    sections = _Sections(merged)
    _scan(builder, sections)
    _beam(builder, sections)
    for field, key, unit in _STAGE:
        builder.measure(field, key, sections["Stage"].get(key), unit)
    builder.text("detector", sections["Detectors"].get("Name"))
    builder.moment(("Date", "Time"), sections["User"].get("Date"), sections["User"].get("Time"))
    builder.moment(("TimeOfCreation", "TimeOfCreation"), sections["PrivateFei"].get("TimeOfCreation"))
    builder.count("width", "ResolutionX", sections["Image"].get("ResolutionX"))
    builder.count("height", "ResolutionY", sections["Image"].get("ResolutionY"))
    builder.count("bar_rows", "DatabarHeight", sections["PrivateFei"].get("DatabarHeight"))
    return builder.metadata()
