"""FEI and Thermo Fisher: TIFF tags 34680 and 34682, which tifffile reads as ``{section: {key: value}}``, and XML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.fei_xml import fei_xml, take_fei_xml, xml_sizes
from tfds_copper.micrograph.vendors.values import MetadataBuilder

if TYPE_CHECKING:
    from xml.etree import ElementTree

__all__ = ["fei_metadata"]

# More pixels than any side has, and the part of a file that a bar takes at most.
_MOST_PIXELS, _TALLEST_BAR = 1e6, 0.45
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


def _number(value: Any) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if known else math.nan
    except OverflowError:
        return math.nan


def _magnification(canvas: Any, field_width: Any) -> float | None:
    """The width in m that the picture is shown at, divided by that of the field of view.

    This is the number in the data bar as long as the instrument relates it to the canvas of the picture, as it does
    unless told otherwise; a Polaroid or a screen of another size gives another number for the same picture.
    """
    width, field = _number(canvas), _number(field_width)
    return width / field if 0 < width < 10 and 0 < field < 10 else None


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


def _scans(sections: _Sections) -> list[dict[Any, Any]]:
    return [sections[name] for name in ("Scan", sections["Beam"].get("Scan", "EScan"))]


def _scan(builder: MetadataBuilder, sections: _Sections) -> None:
    for section in _scans(sections):
        builder.pixels(("PixelWidth", "PixelHeight"), (section.get("PixelWidth"), section.get("PixelHeight")), "m")
        for key in ("Dwelltime", "Dwell"):
            builder.measure("dwell_us", key, section.get(key), "s")


def _pixels_across(field: Any, pixel: Any) -> int | None:
    """How many pixels a field that was scanned has; None where that is unknown."""
    count = _number(field) / _number(pixel) if _number(pixel) > 0 else math.nan
    return round(count) if 0.5 < count < _MOST_PIXELS else None


def _sizes(sections: _Sections, xml: ElementTree.Element | None) -> list[tuple[Any, Any]]:
    """Width and height in px that are told of: of the whole frame, of the area that was scanned, of the XML."""
    image = sections["Image"]
    found = [(image.get("ResolutionX"), image.get("ResolutionY"))]
    for scan in _scans(sections):
        width, height = (
            _pixels_across(scan.get(field), scan.get(pixel))
            for field, pixel in (("HorFieldsize", "PixelWidth"), ("VerFieldsize", "PixelHeight"))
        )
        found.append((width, height))
    return [(width, height) for width, height in [*found, *xml_sizes(xml)] if width not in (None, "")]


def _is_of(size: tuple[Any, Any], width: int, height: int) -> bool:
    """Whether a picture has this size, with a bar below or without."""
    across, down = (_number(int(side) if isinstance(side, str) and side.isdecimal() else side) for side in size)
    return across == width and (math.isnan(down) or 0 <= height - down <= _TALLEST_BAR * height)


def fei_metadata(tags: Sequence[Any], text: str = "", width: int = 0, height: int = 0) -> Metadata:
    """What the tags say; where two tell of the same section, the last counts.

    Args:
        tags: their values as tifffile reads them.
        text: of all tags, for the XML in them, which tifffile doesn't read.
        width: the picture's, in px.
        height: the picture's, in px, with the information bar.
    """
    builder = MetadataBuilder("FEI")
    merged: dict[Any, Any] = {}
    xml = fei_xml(text)
    for tag in tags:
        if isinstance(tag, dict):
            merged.update(tag)
        elif xml is None:
            builder.drop("34682", tag)
    sections = _Sections(merged)
    _scan(builder, sections)
    _beam(builder, sections)
    for field, key, unit in _STAGE:
        builder.measure(field, key, sections["Stage"].get(key), unit)
    builder.text("detector", sections["Detectors"].get("Name"))
    builder.moment(("Date", "Time"), sections["User"].get("Date"), sections["User"].get("Time"))
    builder.moment(("TimeOfCreation", "TimeOfCreation"), sections["PrivateFei"].get("TimeOfCreation"))
    if xml is not None:
        take_fei_xml(builder, xml)
    told = _sizes(sections, xml)
    # The frame counts unless only a part of it was scanned, and the file has just that part.
    size = next((size for size in told if _is_of(size, width, height)), told[0] if told else (None, None))
    builder.count("width", "ResolutionX", size[0])
    builder.count("height", "ResolutionY", size[1])
    builder.count("bar_rows", "DatabarHeight", sections["PrivateFei"].get("DatabarHeight"))
    return builder.metadata()
