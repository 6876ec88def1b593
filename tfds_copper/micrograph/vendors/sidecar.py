"""Find the text file that a microscope wrote beside a picture, and decode it."""

from __future__ import annotations

import codecs
from pathlib import Path, PurePath

__all__ = ["LARGEST", "content", "decoded", "is_header", "sidecar_names", "sidecars"]

LARGEST = 2**20
_ENDINGS, _HEADERS = (".txt", ".TXT", ".Txt"), (".hdr", ".HDR")
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# cp932 before cp1252: the latter takes nearly any bytes.
_CODES = ("utf-8", "cp932", "cp1252")


def sidecar_names(picture: PurePath) -> list[str]:
    """What a picture's sidecar may be called, ``picture.txt`` before ``picture.tif.txt`` and ``picture-tif.hdr``."""
    texts = [stem + ending for stem in (picture.stem, picture.name) for ending in _ENDINGS]
    kinds = dict.fromkeys(suffix.replace(".", "-") for suffix in (picture.suffix, picture.suffix.lower()))
    stems = [*(picture.stem + kind for kind in kinds), picture.name, picture.stem]
    return [*texts, *(stem + ending for stem in dict.fromkeys(stems) for ending in _HEADERS)]


def is_header(path: PurePath) -> bool:
    """Whether a sidecar is a ``.hdr``, as Tescan writes them."""
    return path.suffix in _HEADERS


def sidecars(picture: Path) -> list[Path]:
    """The files that may be a picture's sidecar, in the order of `sidecar_names`; none outside its folder.

    Args:
        picture: the picture's file; need not exist.
    """
    found = []
    try:
        folder = picture.parent.resolve()
        for name in sidecar_names(picture):
            path = folder / name
            # Most are not there, and resolving takes longer than looking.
            if path.is_file() and path.resolve().is_relative_to(folder):
                found.append(path.resolve())
    except (OSError, RuntimeError, ValueError):
        # Links in a circle, or a name that no file can have.
        return found
    return list(dict.fromkeys(found))


def content(path: Path) -> bytes | None:
    """The bytes of a sidecar, at most one more than `LARGEST`; None where it can't be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError:
        return None


def _encoding(data: bytes) -> tuple[int, str] | None:
    """(length of the byte order mark, encoding) of UTF-16 and of texts with such a mark; None of others."""
    for mark, code in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return len(mark), code
    # ASCII in UTF-16 is zero in every other byte: the second of a pair where the low byte comes first.
    low_first, high_first = data[1::2].count(0), data[::2].count(0)
    if max(low_first, high_first) < len(data) / 8 or low_first == high_first:
        return None
    return 0, "utf-16-le" if low_first > high_first else "utf-16-be"


def decoded(data: bytes) -> str | None:
    """The text in UTF-8, UTF-16 with or without a mark, Japanese or western Windows; None where it is no text."""
    found = _encoding(data)
    skip, codes = (found[0], (found[1],)) if found else (0, _CODES)
    for code in codes:
        body = data[skip:]
        try:
            return body[: len(body) // 2 * 2].decode(code) if code.startswith("utf-16") else body.decode(code)
        except UnicodeDecodeError:
            continue
    return None
