"""What microscopes write about their pictures: into TIFF tags, or into a text file beside the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.fei import fei_metadata
from tfds_copper.micrograph.vendors.hitachi import hitachi_metadata
from tfds_copper.micrograph.vendors.jeol import jeol_metadata
from tfds_copper.micrograph.vendors.sidecar import LARGEST, content, decoded, sidecars
from tfds_copper.micrograph.vendors.tescan import tescan_metadata
from tfds_copper.micrograph.vendors.values import printable
from tfds_copper.micrograph.vendors.zeiss import zeiss_metadata
from tfds_copper.plugins import Registry

if TYPE_CHECKING:
    import tifffile

__all__ = ["READERS", "Reader", "sidecar_bytes", "sidecar_metadata", "tiff_metadata"]

# What a plug-in for another microscope brings: a function of a picture's path that returns what the microscope wrote
# into the file or beside it, None where the picture isn't one of its own. Asked where our own readers find nothing.
Reader: TypeAlias = Callable[[Path], Metadata | None]
READERS: Registry[Reader] = Registry("reader", {})

_ZEISS, _FEI, _TESCAN = 34118, (34680, 34682), 50431
# Real ones have some 50 kB; tifffile takes a time that grows with the square of a Zeiss tag.
_LARGEST_TAG, _LARGEST_TESCAN = 2**18, 2**24


def _tag_values(page: Any) -> dict[int, Any]:
    values = {}
    for code in (_ZEISS, *_FEI, _TESCAN):
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


def tiff_metadata(tiff: tifffile.TiffFile) -> Metadata | None:
    """What a Zeiss, FEI, Thermo or Tescan microscope wrote into the first page's tags.

    Args:
        tiff: an open file.

    Returns:
        None where there is no tag of theirs; what can't be right in one is dropped and named.
    """
    try:
        page: Any = tiff.pages[0]
    except IndexError:
        return None
    values = _tag_values(page)
    if _ZEISS in values:
        return zeiss_metadata(values[_ZEISS], page.imagewidth, page.imagelength)
    if any(code in values for code in _FEI):
        return fei_metadata(*(values[code] for code in _FEI if code in values))
    return tescan_metadata(values[_TESCAN]) if _TESCAN in values else None


def sidecar_metadata(picture: Path) -> Metadata | None:
    """What a Hitachi or JEOL microscope wrote into the text file beside a picture, else what a plug-in reads.

    Args:
        picture: the picture's file; its sidecar is ``picture.txt`` or ``picture.tif.txt``.

    Returns:
        None where there is none, or none that can be read; of one that is too large only that.
    """
    too_large = None
    for path in sidecars(picture):
        data = content(path)
        if data is not None and len(data) > LARGEST:
            too_large = too_large or Metadata(dropped=(f"{printable(path.name)}: larger than 1 MiB",))
        text = decoded(data) if data is not None and len(data) <= LARGEST else None
        metadata = (hitachi_metadata(text) or jeol_metadata(text)) if text else None
        if metadata is not None:
            return metadata
    for reader in READERS.values():
        metadata = reader(picture)
        if metadata is not None:
            return metadata
    return too_large


def sidecar_bytes(picture: Path) -> bytes:
    """All that `sidecar_metadata` may read, for a fingerprint; empty where there is no sidecar."""
    return b"\0".join(content(path) or b"" for path in sidecars(picture))
