"""What PNG files carry beside their pixels: the depth of their greys, and what a microscope wrote."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfds_copper.micrograph.depth import partial_bits
from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.sidecar import decoded
from tfds_copper.micrograph.vendors.tescan import tescan_lines

__all__ = ["png_depth", "png_metadata", "remarks"]

_DEPTH, _TEXTS, _TESCAN = b"sBIT", (b"tEXt", b"zTXt", b"iTXt"), b"gIFx"
# Of a remark, packed or not, and of all chunks together.
_LARGEST, _MOST_CHUNKS = 2**20, 2**16


def remarks(path: Path) -> dict[bytes, list[bytes]]:
    """The chunks that may hold remarks, by kind, pixels left unread; what is damaged or too large is left out."""
    found: dict[bytes, list[bytes]] = {}
    with path.open("rb") as stream:
        stream.seek(8)
        for _ in range(_MOST_CHUNKS):
            head = stream.read(8)
            if len(head) < 8:
                break
            size, kind = struct.unpack(">I4s", head)
            if size <= _LARGEST and kind in (_DEPTH, _TESCAN, *_TEXTS):
                found.setdefault(kind, []).append(stream.read(size))
                stream.seek(4, os.SEEK_CUR)
            else:
                stream.seek(size + 4, os.SEEK_CUR)
    return found


def png_depth(chunks: dict[bytes, list[bytes]], values: np.ndarray) -> int:
    """The depth that sBIT declares for 16-bit greys in the lowest bits; 0 where greys reach up to 16 bits.

    The format wants fewer bits moved up to fill 16; many programs that write 12-bit greys leave them where they are.

    Args:
        chunks: of `remarks`.
        values: the greys.
    """
    declared = chunks.get(_DEPTH, [b""])[0]
    bits = partial_bits(declared[0]) if declared and values.dtype == np.uint16 else 0
    if not bits or int(values.max(initial=0)) >= 2**bits:
        return 0
    return bits if np.any(values & (2 ** (16 - bits) - 1)) else 0


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _LARGEST)
    except zlib.error:
        return b""


def _texts(chunks: dict[bytes, list[bytes]]) -> Iterator[bytes]:
    """What may be lines of a microscope; keywords may stand before them, as lines of their own."""
    yield from chunks.get(_TESCAN, [])
    for data in chunks.get(b"tEXt", []):
        yield data.replace(b"\0", b"\n", 1)
    for data in chunks.get(b"zTXt", []):
        yield _unpacked(data.partition(b"\0")[2][1:])
    for data in chunks.get(b"iTXt", []):
        # Behind the keyword: whether it is packed and how, two names of the language, and the text.
        rest = data.partition(b"\0")[2]
        text = rest[2:].split(b"\0", 2)[-1]
        yield _unpacked(text) if rest.startswith(b"\1") else text


def png_metadata(chunks: dict[bytes, list[bytes]]) -> Metadata | None:
    """What a Tescan microscope wrote into a PNG; None where it is of no such microscope."""
    for data in _texts(chunks):
        text = decoded(data)
        metadata = tescan_lines(text) if text else None
        if metadata is not None:
            return metadata
    return None
