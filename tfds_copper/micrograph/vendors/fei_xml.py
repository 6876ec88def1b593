"""FEI and Thermo Fisher: the XML that newer instruments write into TIFF tag 34683, or behind the lines of 34682."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfds_copper.micrograph.vendors.markup import attribute, child, parsed
from tfds_copper.micrograph.vendors.values import MetadataBuilder

if TYPE_CHECKING:
    from xml.etree import ElementTree

__all__ = ["fei_xml", "take_fei_xml", "xml_sizes"]

_FIELDS = (
    ("voltage_kv", ("Optics", "AccelerationVoltage"), "V"),
    ("working_distance_mm", ("Optics", "WorkingDistance"), "m"),
    ("beam_current_pa", ("Optics", "BeamCurrent"), "A"),
    ("dwell_us", ("ScanSettings", "DwellTime"), "s"),
    ("stage_x_mm", ("StageSettings", "StagePosition", "X"), "m"),
    ("stage_y_mm", ("StageSettings", "StagePosition", "Y"), "m"),
    ("stage_z_mm", ("StageSettings", "StagePosition", "Z"), "m"),
    ("tilt_deg", ("StageSettings", "StagePosition", "Tilt", "Alpha"), "rad"),
    ("rotation_deg", ("StageSettings", "StagePosition", "Rotation"), "rad"),
)
_SIDES = (("X", "Y"), ("Width", "Height"))


def fei_xml(text: str) -> ElementTree.Element | None:
    """The XML in the text of a tag; None where there is none."""
    starts = [at for at in (text.find("<?xml"), text.find("<Metadata")) if at >= 0]
    return parsed(text[min(starts) :]) if starts else None


def _text(element: ElementTree.Element | None) -> str | None:
    return None if element is None or element.text is None else element.text.strip() or None


def _length(element: ElementTree.Element | None) -> tuple[str | None, float]:
    """A length with its unit, m where none is written, and the factor that its ``unitPrefixPower`` stands for."""
    text, power = _text(element), attribute(element, "unitPrefixPower")
    try:
        number = float(power) if power else 1.0
        # Real files have the factor 1; an exponent can't be told from it where it is above 0.
        factor = number if number > 0 else 10.0**number
    except (OverflowError, ValueError):
        return None, 1.0
    return (f"{text} {attribute(element, 'unit') or 'm'}" if text else None), factor


def _two(element: ElementTree.Element | None) -> list[ElementTree.Element | None]:
    """The two sides inside an element, under whichever names."""
    pairs = [[child(element, name) for name in names] for names in _SIDES]
    return next((pair for pair in pairs if pair[0] is not None), [None, None])


def xml_sizes(root: ElementTree.Element | None) -> list[tuple[str | None, str | None]]:
    """Width and height in px as the XML gives them, of the picture and of the scan."""
    places = (("BinaryResult", "ImageSize"), ("ScanSettings", "ScanSize"), ("ScanSettings", "ScanArea"))
    found = ([_text(side) for side in _two(child(root, *place))] for place in places)
    return [(width, height) for width, height in found if width]


def take_fei_xml(builder: MetadataBuilder, root: ElementTree.Element) -> None:
    """Takes what the XML says wherever nothing is known yet."""
    sides = [_length(side) for side in _two(child(root, "BinaryResult", "PixelSize"))]
    builder.pixels(
        ("PixelSize X", "PixelSize Y"), (sides[0][0], sides[1][0]), "m", (sides[0][1], sides[1][1])
    )  # fmt: skip
    for field, path, unit in _FIELDS:
        builder.measure(field, path[-1], _text(child(root, *path)), unit)
    builder.text("detector", _text(child(root, "Detectors", "ScanningDetector", "DetectorName")))
    builder.moment(
        ("AcquisitionDatetime", "AcquisitionDatetime"), _text(child(root, "Acquisition", "AcquisitionDatetime"))
    )  # fmt: skip
