"""The scale that a program wrote with a picture: ImageJ's, or that of OME; print resolutions are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tfds_copper.micrograph.depth import partial_bits
from tfds_copper.micrograph.pages import tag_value
from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.markup import local_name, parsed
from tfds_copper.micrograph.vendors.values import MetadataBuilder

if TYPE_CHECKING:
    from xml.etree import ElementTree

__all__ = ["Scale", "software_scale"]

_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
# ImageJ takes the unit of a print resolution for that of its scale.
_PRINT_UNITS = {2: "inch", 3: "cm"}
_NO_LENGTHS = {"", "pixel", "pixels", "px", "inch", "inches", "in", '"', "reference frame", "null", "none", "unknown"}
# A pixel that is larger than this and given in cm is one of print: 72 to 2400 dpi are 353 to 11 µm.
_PRINTED_CM = 1e-3
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")


class Scale:
    """What a program wrote about the pixels of a picture.

    Args:
        program: its name, for messages.
        metadata: the pixel size, and what was dropped.
        bits: the depth that is declared for 16-bit containers; 0 for none.
    """

    def __init__(self, program: str, metadata: Metadata, bits: int = 0) -> None:
        self.program, self.metadata, self.bits = program, metadata, bits


def _per_unit(page: Any, code: int) -> float | None:
    """The unit that a pixel has the size of 1 in, over its own: from a resolution in px per unit."""
    try:
        count, units = page.tags[code].value
        return float(units) / float(count) if units > 0 and count > 0 else None
    except Exception:  # absent or damaged: tifffile reads a tag late, and fails in any way
        return None


def _no_length(unit: str) -> bool:
    return unit.strip().casefold() in _NO_LENGTHS


def _imagej_scale(page: Any, description: str) -> Scale | None:
    lines = dict(line.partition("=")[::2] for line in description.splitlines())
    code = tag_value(page, _RESOLUTION_UNIT)
    written = lines.get("unit", "").strip() or _PRINT_UNITS.get(code if isinstance(code, int) else 0, "")
    unit = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), written)
    width, height = _per_unit(page, _X_RESOLUTION), _per_unit(page, _Y_RESOLUTION)
    if _no_length(unit) or width is None or (unit.casefold() == "cm" and width > _PRINTED_CM):
        return None
    builder = MetadataBuilder("")
    builder.pixels(("XResolution", "YResolution"), (f"{width:.12g} {unit}", f"{height or width:.12g} {unit}"), "")
    return Scale("ImageJ", builder.metadata())


def _pixels(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    return (element for element in root.iter() if local_name(element) == "pixels")


def _ome_scale(description: str, width: int, height: int) -> Scale | None:
    root = parsed(description)
    if root is None or local_name(root) != "ome":
        return None
    found = list(_pixels(root))
    own = next((p for p in found if (p.get("SizeX"), p.get("SizeY")) == (str(width), str(height))), None)
    builder = MetadataBuilder("")
    if own is None:
        for pixels in found[:1]:
            sides = f"{pixels.get('SizeX')} x {pixels.get('SizeY')} px"
            builder.drop("PhysicalSizeX", pixels.get("PhysicalSizeX"), f"of a picture of {sides}")
        return Scale("OME", builder.metadata())
    values = []
    for name in ("PhysicalSizeX", "PhysicalSizeY"):
        unit = own.get(f"{name}Unit", "µm")
        values.append(f"{own.get(name)} {unit}" if own.get(name) and not _no_length(unit) else None)
    if values[0]:
        builder.pixels(("PhysicalSizeX", "PhysicalSizeY"), (values[0], values[1] or values[0]), "")
    bits = own.get("SignificantBits", "")
    return Scale("OME", builder.metadata(), partial_bits(int(bits)) if bits.isdecimal() and len(bits) < 4 else 0)


def software_scale(page: Any, descriptions: tuple[str, ...]) -> Scale | None:
    """The scale of a page; None where no program wrote one.

    Args:
        page: the page of `tifffile` that holds the picture.
        descriptions: its description, and that of the file's first page.
    """
    own = descriptions[0] if descriptions else ""
    if own.startswith("ImageJ="):
        return _imagej_scale(page, own)
    for text in descriptions:
        if "OME" in text[:2000] and "<" in text[:16]:
            return _ome_scale(text, page.imagewidth, page.imagelength)
    return None
