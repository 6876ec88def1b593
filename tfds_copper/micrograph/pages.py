"""Which page of a TIFF file is the picture, and what its tags say of how it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfds_copper.micrograph.depth import bits_of_largest, partial_bits
from tfds_copper.micrograph.orientation import Orientation, orientation_of

__all__ = ["declared_depth", "page_orientation", "picture_page", "tag_value"]

# Pages that are looked at: a thumbnail stands at the beginning, and a stack may have thousands.
_LOOKED_AT = 16
_ORIENTATION, _LARGEST_VALUE, _LARGEST_SIGNED = 274, 281, 341
# A page is a thumbnail where another has this many times its rows and columns.
_THUMBNAIL = 2


def _candidates(pages: Sequence[Any]) -> list[Any]:
    """The first pages, and what they hold in their SubIFDs, but for reduced copies and masks."""
    found = []
    for k in range(min(len(pages), _LOOKED_AT)):
        try:
            page = pages[k]
            found += [page, *(page.pages or ())[:_LOOKED_AT]]
        except Exception:  # tifffile reads damaged pages late, and fails in any way
            break
    return [page for page in found if not (page.is_reduced or page.is_mask)] or found


def picture_page(tiff: Any) -> Any:
    """The page that holds the picture: the first that is neither a reduced copy nor a thumbnail of another.

    Args:
        tiff: an open file of `tifffile`.

    Raises:
        IndexError: if the file has no page.
    """
    first = tiff.pages[0]
    if len(tiff.pages) == 1 and not (getattr(first, "is_reduced", False) and first.pages):
        return first
    pages = _candidates(tiff.pages) or [first]
    largest = max(pages, key=lambda page: page.imagewidth * page.imagelength)
    return next(
        page
        for page in pages
        if page.imagewidth * _THUMBNAIL > largest.imagewidth or page.imagelength * _THUMBNAIL > largest.imagelength
    )


def tag_value(page: Any, code: int) -> Any:
    """The value of a tag, the first of several; None where it is absent or damaged."""
    try:
        tag = page.tags.get(code)
        value = None if tag is None else tag.value
    except Exception:  # tifffile reads a damaged tag late, and fails in any way
        return None
    return value[0] if isinstance(value, tuple) and value else value


def page_orientation(page: Any) -> Orientation:
    """How a page is turned before it is looked at."""
    return orientation_of(tag_value(page, _ORIENTATION))


def declared_depth(page: Any) -> int:
    """The depth that a page's tags declare for 16-bit containers; 0 where they don't."""
    return (
        partial_bits(page.bitspersample)
        or bits_of_largest(tag_value(page, _LARGEST_VALUE))
        or bits_of_largest(tag_value(page, _LARGEST_SIGNED))
    )
