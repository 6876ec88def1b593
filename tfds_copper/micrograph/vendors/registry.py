"""What microscopes write about their pictures: into TIFF tags, or into a text file beside the picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tfds_copper.micrograph.pages import page_orientation, picture_page
from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.fei import fei_metadata
from tfds_copper.micrograph.vendors.hitachi import hitachi_metadata, hitachi_tag_metadata
from tfds_copper.micrograph.vendors.jeol import jeol_metadata
from tfds_copper.micrograph.vendors.sidecar import LARGEST, content, decoded, is_header, sidecars
from tfds_copper.micrograph.vendors.tescan import tescan_lines, tescan_metadata
from tfds_copper.micrograph.vendors.values import printable
from tfds_copper.micrograph.vendors.zeiss import zeiss_metadata
from tfds_copper.plugins import Registry

if TYPE_CHECKING:
    import tifffile

__all__ = ["READERS", "Reader", "picture_metadata", "sidecar_bytes", "sidecar_metadata", "tiff_metadata"]

# What a plug-in for another microscope brings: a function of a picture's path that returns what the microscope wrote
# into the file or beside it, None where the picture isn't one of its own. Asked where our own readers find nothing.
Reader: TypeAlias = Callable[[Path], Metadata | None]
READERS: Registry[Reader] = Registry("reader", {})

_ZEISS, _FEI, _FEI_XML, _TESCAN, _HITACHI = 34118, (34680, 34682), 34683, 50431, 40092
# They write tags, and more beside the picture.
_BESIDE = ("Hitachi", "Tescan")
# Real ones have some 50 kB; tifffile takes a time that grows with the square of a Zeiss tag.
_LARGEST_TAG, _LARGEST_TESCAN = 2**18, 2**24


def _tag_values(page: Any) -> dict[int, Any]:
    values = {}
    for code in (_ZEISS, *_FEI, _FEI_XML, _TESCAN, _HITACHI):
        tag = page.tags.get(code)
        if tag is None:
            continue
        if getattr(tag, "valuebytecount", 0) > (_LARGEST_TESCAN if code == _TESCAN else _LARGEST_TAG):
            values[code] = "too large"
            continue
        try:
            values[code] = tag.value
        except Exception:  # tifffile reads a damaged tag late, and fails in any way
            values[code] = "unreadable"
    return values


def _tag_text(page: Any, code: int) -> str:
    """The text of a tag of which tifffile keeps only what it understands; empty where it can't be had."""
    try:
        tag, stream = page.tags[code], page.parent.filehandle
        if tag.valuebytecount > _LARGEST_TAG:
            return ""
        stream.seek(tag.valueoffset)
        return str(stream.read(tag.valuebytecount).decode("utf-8", "replace"))
    except Exception:  # a damaged tag, or one that tifffile didn't read from a file
        return ""


def _page_metadata(page: Any) -> Metadata | None:
    values = _tag_values(page)
    height, width = page_orientation(page).shape(page.imagelength, page.imagewidth)
    if _ZEISS in values:
        return zeiss_metadata(values[_ZEISS], _tag_text(page, _ZEISS), width, height)
    fei = [code for code in (*_FEI, _FEI_XML) if code in values]
    if fei:
        text = "\n".join(_tag_text(page, code) for code in fei)
        return fei_metadata([values[code] for code in fei], text, width, height)
    if _TESCAN in values:
        return tescan_metadata(values[_TESCAN])
    return hitachi_tag_metadata(values[_HITACHI]) if _HITACHI in values else None


def tiff_metadata(tiff: tifffile.TiffFile) -> Metadata | None:
    """What a Zeiss, FEI, Thermo, Tescan or Hitachi microscope wrote into the tags of the picture, or of the first page.

    Args:
        tiff: an open file.

    Returns:
        None where there is no tag of theirs; what can't be right in one is dropped and named.
    """
    try:
        pages: list[Any] = [picture_page(tiff), tiff.pages[0]]
    except IndexError:
        return None
    return next((metadata for page in pages if (metadata := _page_metadata(page)) is not None), None)


def _sidecar_text(path: Path, text: str) -> Metadata | None:
    return tescan_lines(text) if is_header(path) else hitachi_metadata(text) or jeol_metadata(text)


def sidecar_metadata(picture: Path) -> Metadata | None:
    """What a Hitachi, JEOL or Tescan microscope wrote into a file beside a picture, else what a plug-in reads.

    Args:
        picture: the picture's file; its sidecar is ``picture.txt``, ``picture.tif.txt`` or ``picture-tif.hdr``.

    Returns:
        None where there is none, or none that can be read; of one that is too large only that.
    """
    too_large = None
    for path in sidecars(picture):
        data = content(path)
        if data is not None and len(data) > LARGEST:
            too_large = too_large or Metadata(dropped=(f"{printable(path.name)}: larger than 1 MiB",))
        text = decoded(data) if data is not None and len(data) <= LARGEST else None
        metadata = _sidecar_text(path, text) if text else None
        if metadata is not None:
            return metadata
    for reader in READERS.values():
        metadata = reader(picture)
        if metadata is not None:
            return metadata
    return too_large


def _joined(own: Metadata, beside: Metadata) -> Metadata:
    """What the picture's own tags say, and where they are silent the sidecar."""
    gaps = {name: getattr(beside, name) for name in beside.known() if name not in own.known()}
    dropped = dict.fromkeys((*own.dropped, *beside.dropped))
    return dataclasses.replace(own, **{**gaps, "dropped": tuple(dropped)})


def picture_metadata(picture: Path, own: Metadata | None) -> Metadata:
    """All that is known of a picture: from the file itself, and from a sidecar where that may tell more.

    Args:
        picture: the picture's file.
        own: what stands in it; None where nothing does.
    """
    if own is not None and own.vendor not in _BESIDE:
        return own
    beside = sidecar_metadata(picture)
    if own is None or beside is None:
        return own or beside or Metadata()
    return _joined(own, beside) if own.vendor == beside.vendor else own


def sidecar_bytes(picture: Path) -> bytes:
    """All that `sidecar_metadata` may read, for a fingerprint; empty where there is no sidecar."""
    return b"\0".join(content(path) or b"" for path in sidecars(picture))
