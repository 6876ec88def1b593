"""Files made to exhaust memory, time or trust; each by name, with what reading it must come to."""

from __future__ import annotations

import dataclasses
import functools
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.fuzz.judge import ERROR, READ
from benchmarks.fuzz.seeds import FEI_TEXT, JEOL_TEXT, chunk, png, tiff

__all__ = ["BOMBS", "Bomb", "bomb_file"]

_HUGE = 60_000
_PIXELS = np.tile(np.arange(32, dtype=np.uint8) * 7, (24, 1))


@dataclasses.dataclass(frozen=True)
class Bomb:
    """One file.

    Args:
        name: of the bomb.
        file: what the file is called.
        made: its bytes.
        outcome: `READ`, `ERROR`, or empty where both will do.
        slow: whether making it takes more than a moment.
    """

    name: str
    file: str
    made: Callable[[], bytes]
    outcome: str = ""
    slow: bool = False


def _ifd(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return struct.pack("<H", len(entries)) + body + struct.pack("<I", following)


def _tiff_of(
    width: int,
    height: int,
    changes: dict[int, tuple[int, int, int]] | None = None,
    following: int = 0,
    data: bytes = b"",
) -> bytes:
    """A little-endian TIFF of one directory at 8, its data behind it: `changes` are (type, count, value) by tag.

    A value of -1 - n stands for the place n bytes into the data.
    """
    entries = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, -1),
               277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, max(1, len(data))), **(changes or {})}  # fmt: skip
    start = 8 + 2 + 12 * len(entries) + 4
    listed = [(code, kind, n, v if v >= 0 else start - 1 - v) for code, (kind, n, v) in entries.items()]
    return b"II*\0" + struct.pack("<I", 8) + _ifd(listed, following) + data


def _bmp_of(width: int, height: int, bits: int = 8, compression: int = 0, pixels: bytes = b"\0" * 1000) -> bytes:
    palette = b"".join(bytes([i, i, i, 0]) for i in range(256 if bits == 8 else 0))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 0, 0, 0, 0)
    offset = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + palette + pixels


def _png_of(width: int, height: int, idat: bytes, bits: int = 8, colour: int = 0, late: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", idat) + late + chunk(b"IEND", b"")


@functools.cache
def _zeros(size: int) -> bytes:
    """The deflated form of many zeros."""
    deflate = zlib.compressobj(9)
    parts = [deflate.compress(bytes(2**20)) for _ in range(size // 2**20)]
    return b"".join((*parts, deflate.compress(bytes(size % 2**20)), deflate.flush()))


def _jpeg_of(width: int, height: int) -> bytes:
    import imagecodecs

    data = imagecodecs.jpeg8_encode(_PIXELS)
    at = data.index(b"\xff\xc0") + 5
    return bytes(data[:at] + struct.pack(">HH", height, width) + data[at + 4 :])


def _strips(count: int) -> bytes:
    """As many strips of one row of one pixel, all of them the same byte."""
    tables = np.full(count, 8, "<u4").tobytes() + np.ones(count, "<u4").tobytes()
    return _tiff_of(1, count, {278: (4, 1, 1), 273: (4, count, -1), 279: (4, count, -1 - 4 * count)}, data=tables)


def _loop_of_two() -> bytes:
    first = _tiff_of(8, 8, data=bytes(64))
    second = _tiff_of(8, 8, following=8, data=bytes(64))[8:]
    linked = bytearray(first)
    struct.pack_into("<I", linked, 8 + 2 + 12 * 9, len(first))
    return bytes(linked) + second


def _nested(loop: bool) -> bytes:
    """SubIFDs within SubIFDs: one that is its own, or a thousand deep."""
    if loop:
        return _tiff_of(8, 8, {330: (13, 1, 8)}, data=bytes(64))
    parts = [_tiff_of(8, 8, {330: (13, 1, -1 - 64)}, data=bytes(64))]
    at = len(parts[0])
    for _ in range(1000):
        at += 18
        parts.append(_ifd([(330, 13, 1, at)]))
    return b"".join(parts)


def _packed_tile(side: int) -> bytes:
    """A picture of 100 x 100 in one tile that is far larger, and really holds that much."""
    data = _zeros(side * side)
    tile = {322: (4, 1, side), 323: (4, 1, side), 324: (4, 1, -1), 325: (4, 1, len(data)), 259: (3, 1, 8)}
    return _tiff_of(100, 100, tile, data=data)


def _small_with(data: bytes, compression: int) -> bytes:
    """A picture of 32 x 24 whose one strip is this."""
    return _tiff_of(32, 24, {259: (3, 1, compression)}, data=data)


def _many_pages(count: int) -> bytes:
    page = _ifd([(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 64)])
    parts = [b"II*\0" + struct.pack("<I", 8 + 64) + bytes(64)]
    at = 72
    for k in range(count):
        at += len(page)
        parts.append(page[:-4] + struct.pack("<I", at if k + 1 < count else 0))
    return b"".join(parts)


def _zeiss(size: int) -> bytes:
    text = b"0\r\n" + b"AP_MAG\r\nMag = 10 K X\r\n" * (size // 22)
    return tiff(_PIXELS, extratags=[(34118, 1, len(text), text, True)])


def _fei(text: str) -> bytes:
    data = text.encode()
    return tiff(_PIXELS, extratags=[(34682, 1, len(data), data, True)])


def _tag_of_gigabytes(code: int, kind: int) -> Callable[[], bytes]:
    return lambda: _tiff_of(32, 24, {code: (kind, 2**32 - 16, 8)}, data=_PIXELS.tobytes())


def _text_chunk(kind: bytes, head: bytes, late: bool) -> Callable[[], bytes]:
    def made() -> bytes:
        body = chunk(kind, head + _zeros(100 * 2**20))
        return _png_of(8, 8, zlib.compress(bytes(72)), late=body) if late else png(8, 0, extra=body)

    return made


_PICTURES = (
    Bomb("PNG header of 60,000 x 60,000", "x.png", lambda: _png_of(_HUGE, _HUGE, _zeros(10**6)), ERROR),
    Bomb("TIFF header of 60,000 x 60,000", "x.tif", lambda: _tiff_of(_HUGE, _HUGE, data=bytes(1000)), ERROR),
    Bomb("BMP header of 60,000 x 60,000", "x.bmp", lambda: _bmp_of(_HUGE, _HUGE), ERROR),
    Bomb("JPEG header of 60,000 x 60,000", "x.jpg", lambda: _jpeg_of(_HUGE, _HUGE), ERROR),
    Bomb("PNG header of 30,000 x 30,000", "x.png", lambda: _png_of(30_000, 30_000, _zeros(10**6)), ERROR),
    Bomb("PNG of 16 bit RGB, 30,000 x 30,000", "x.png", lambda: _png_of(30_000, 30_000, _zeros(10**6), 16, 2), ERROR),
    Bomb("TIFF header of 30,000 x 30,000", "x.tif", lambda: _tiff_of(30_000, 30_000, data=bytes(1000)), ERROR),
    Bomb("BMP header of 30,000 x 30,000", "x.bmp", lambda: _bmp_of(30_000, 30_000), ERROR),
    Bomb("BMP of 32 bit, 30,000 x 30,000", "x.bmp", lambda: _bmp_of(30_000, 30_000, 32), ERROR),
    Bomb("JPEG header of 30,000 x 30,000", "x.jpg", lambda: _jpeg_of(30_000, 30_000), ERROR),
    Bomb("BMP height of -2^31", "x.bmp", lambda: _bmp_of(8, -(2**31)), ERROR),
    Bomb("BMP of runs that skip 900 megapixels", "x.bmp",
         lambda: _bmp_of(30_000, 30_000, 8, 1, b"\0\2\xff\xff" * 130 + b"\0\1"), ERROR),
    Bomb("BMP of runs that skip beyond a small picture", "x.bmp",
         lambda: _bmp_of(32, 24, 8, 1, b"\0\2\xff\xff" * 10**6 + b"\0\1")),
    Bomb("PNG of 1 x 1,000,000,000", "x.png", lambda: _png_of(1, 10**9, _zeros(10**6)), ERROR),
    Bomb("PNG with a zip bomb of pixels", "x.png", lambda: _png_of(32, 24, _zeros(2**30)), slow=True),
    Bomb("PNG of 16 bit RGB with a zip bomb", "x.png", lambda: _png_of(32, 24, _zeros(2**28), 16, 2)),
    Bomb("PNG with a giant iTXt", "x.png", _text_chunk(b"iTXt", b"key\0\1\0en\0key\0", False)),
    Bomb("PNG with a giant zTXt", "x.png", _text_chunk(b"zTXt", b"key\0\0", False)),
    Bomb("PNG with a giant iCCP", "x.png", _text_chunk(b"iCCP", b"name\0\0", False)),
    Bomb("PNG with a giant zTXt behind the pixels", "x.png", _text_chunk(b"zTXt", b"key\0\0", True)),
    Bomb("PNG of 200,000 empty chunks", "x.png", lambda: png(8, 0, extra=chunk(b"teSt", b"") * 200_000), slow=True),
    Bomb("PNG with a chunk that claims 2 GiB", "x.png",
         lambda: png(8, 0, extra=struct.pack(">I", 2**31 - 1) + b"tEXtab")),
    Bomb("animated PNG that claims no frame", "x.png", lambda: png(8, 0, extra=chunk(b"acTL", bytes(8)))),
    Bomb("animated PNG", "x.png", lambda: png(8, 0, extra=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)))),
)  # fmt: skip

_TIFFS = (
    Bomb("TIFF whose next directory is itself", "x.tif", lambda: _tiff_of(8, 8, following=8, data=bytes(64))),
    Bomb("TIFF of two directories in a circle", "x.tif", _loop_of_two),
    Bomb("TIFF whose next directory is beyond the file", "x.tif",
         lambda: _tiff_of(8, 8, following=2**31, data=bytes(64))),
    Bomb("TIFF whose SubIFD is itself", "x.tif", lambda: _nested(True)),
    Bomb("TIFF of a thousand nested SubIFDs", "x.tif", lambda: _nested(False)),
    Bomb("TIFF of 200,000 pages", "x.tif", lambda: _many_pages(200_000)),
    Bomb("TIFF that claims 4,000,000,000 strips", "x.tif",
         lambda: _tiff_of(8, 8, {273: (4, 4 * 10**9, 8), 279: (4, 4 * 10**9, 8)}, data=bytes(64)), ERROR),
    Bomb("TIFF that claims 50,000,000 strips", "x.tif",
         lambda: _tiff_of(10, 50_000_000, {278: (4, 1, 1)}, data=bytes(1000)), ERROR),
    Bomb("TIFF of 3,000,000 strips of a byte", "x.tif", lambda: _strips(3_000_000)),
    Bomb("TIFF with a tile of 60,000 x 60,000", "x.tif", lambda: _tiff_of(
        100, 100, {322: (4, 1, _HUGE), 323: (4, 1, _HUGE), 324: (4, 1, -1), 325: (4, 1, 1000), 259: (3, 1, 8)},
        data=_zeros(10**6)), ERROR),
    Bomb("TIFF with a tile that unpacks to 900 MB", "x.tif", lambda: _packed_tile(30_000), ERROR, slow=True),
    Bomb("TIFF with a strip that unpacks to 1 GiB", "x.tif", lambda: _small_with(_zeros(2**30), 8), slow=True),
    Bomb("TIFF of 65,535 samples a pixel", "x.tif",
         lambda: _tiff_of(8000, 8000, {277: (3, 1, 65_535)}, data=bytes(64)), ERROR),
    Bomb("TIFF of 32 x 24 x 1,048,576 pixels", "x.tif",
         lambda: _tiff_of(32, 24, {32997: (4, 1, 2**20)}, data=bytes(768)), ERROR),
    Bomb("TIFF with a JPEG strip of 60,000 x 60,000", "x.tif", lambda: _small_with(_jpeg_of(_HUGE, _HUGE), 7), ERROR),
    Bomb("TIFF with a JPEG strip of 30,000 x 30,000", "x.tif", lambda: _small_with(_jpeg_of(30_000, 30_000), 7), ERROR),
    Bomb("TIFF with a PNG strip of 30,000 x 30,000", "x.tif",
         lambda: _small_with(_png_of(30_000, 30_000, _zeros(9 * 10**8)), 34933), ERROR, slow=True),
    Bomb("TIFF with a Zeiss tag of gigabytes", "x.tif", _tag_of_gigabytes(34118, 1)),
    Bomb("TIFF with an FEI tag of gigabytes", "x.tif", _tag_of_gigabytes(34682, 2)),
    Bomb("TIFF with a Tescan tag of gigabytes", "x.tif", _tag_of_gigabytes(50431, 7)),
    Bomb("TIFF with a description of 32 GB", "x.tif", _tag_of_gigabytes(270, 12)),
    Bomb("TIFF with a colour map of gigabytes", "x.tif", _tag_of_gigabytes(320, 3)),
    Bomb("TIFF with gigabytes of bits per sample", "x.tif", _tag_of_gigabytes(258, 3)),
    Bomb("TIFF with a Zeiss tag of 20 MB", "x.tif", lambda: _zeiss(20 * 2**20)),
    Bomb("TIFF with an FEI tag of a million sections", "x.tif",
         lambda: _fei("".join(f"[S{i}]\r\na=1\r\n" for i in range(10**6)))),
    Bomb("TIFF with an FEI number of a million digits", "x.tif",
         lambda: _fei(FEI_TEXT.replace("HV=5000", "HV=" + "9" * 10**6))),
)  # fmt: skip

_SIDECARS = (
    Bomb("sidecar of 100 MB", "x.txt", lambda: JEOL_TEXT.encode() + b"$CM_COMMENT x\r\n" * 7_000_000, READ),
    Bomb("sidecar of one line of 1 MiB", "x.txt", lambda: b"$CM_STAGE_POS " + b"X " * 520_000, READ),
    Bomb("sidecar of a number of 1 MiB", "x.txt", lambda: b"$CM_MAG " + b"9" * 10**6, READ),
    Bomb("sidecar of blanks", "x.txt", lambda: b"$CM_MAG 1" + b" " * 10**6 + b"1", READ),
    Bomb("sidecar of 150,000 keys", "x.txt",
         lambda: b"[SemImageFile]\n" + b"".join(b"%x=\n" % i for i in range(150_000)), READ),
    Bomb("sidecar of zeros", "x.txt", lambda: bytes(2**20), READ),
)  # fmt: skip

_HEAD = b"file,t\n"
_LABELS = (
    Bomb("labels.csv of one line of 50 MB", "labels.csv", lambda: b"x" * 50_000_000, ERROR),
    Bomb("labels.csv of a header of 25 million cells", "labels.csv", lambda: b"f," * 25_000_000, ERROR),
    Bomb("labels.csv of a row of 50 MB", "labels.csv", lambda: _HEAD + b"," * 50_000_000, ERROR),
    Bomb("labels.csv of 50 MB of one row", "labels.csv", lambda: _HEAD + b"a/0.png,0\n" * 5_000_000, ERROR),
    Bomb("labels.csv of 50 MB of blank lines", "labels.csv", lambda: b"\n" * 50_000_000, ERROR),
    Bomb("labels.csv of 10 MB in quotes", "labels.csv", lambda: _HEAD + b'"' + b"\n" * 10_000_000, ERROR),
    Bomb("labels.csv of cells in quotes", "labels.csv", lambda: _HEAD + b'"\n",' * 2_000_000, ERROR),
    Bomb("labels.csv of 40,000 columns", "labels.csv",
         lambda: b"file,t," + b",".join(b"%x" % i for i in range(40_000)), ERROR),
    Bomb("labels.csv with NUL bytes", "labels.csv", lambda: _HEAD + b"a/0.png\0,0\n", ERROR),
    Bomb("labels.csv with ../", "labels.csv", lambda: _HEAD + b"a/0.png,0\n../outside/canary.png,1\n", ERROR),
    Bomb("labels.csv with a hidden ../", "labels.csv",
         lambda: _HEAD + b"a/0.png,0\na/../../outside/canary.png,1\n", ERROR),
    Bomb("labels.csv with ..\\", "labels.csv", lambda: _HEAD + b"a/0.png,0\n..\\outside\\canary.png,1\n", ERROR),
    Bomb("labels.csv with /etc", "labels.csv", lambda: _HEAD + b"a/0.png,0\n/etc/x.png,1\n", ERROR),
    Bomb("labels.csv with C:\\", "labels.csv", lambda: _HEAD + b"a/0.png,0\nC:\\x.png,1\n", ERROR),
    Bomb("labels.csv with C:x", "labels.csv", lambda: _HEAD + b"a/0.png,0\nC:x.png,1\n", ERROR),
    Bomb("labels.csv with \\\\server\\share", "labels.csv",
         lambda: _HEAD + b"a/0.png,0\n\\\\server\\share\\x.png,1\n", ERROR),
    Bomb("labels.csv with a dot for a file", "labels.csv", lambda: _HEAD + b"a/0.png,0\n.,1\n", ERROR),
    Bomb("labels.csv with a name of 5,000 letters", "labels.csv",
         lambda: _HEAD + b"a/" + b"x" * 5000 + b".png,1\n", ERROR),
    Bomb("labels.csv with a name of 100,000 letters", "labels.csv", lambda: _HEAD + b"x" * 100_000 + b",1\n", ERROR),
    Bomb("labels.csv with an infinite time", "labels.csv", lambda: _HEAD + b"a/0.png,0\na/1.png,1e999\n", ERROR),
    Bomb("labels.csv with a time of 1e308 weeks", "labels.csv",
         lambda: _HEAD + b"a/0.png,0 s\na/1.png,1e308 w\n", ERROR),
)  # fmt: skip

BOMBS = (*_PICTURES, *_TIFFS, *_SIDECARS, *_LABELS)


def bomb_file(bomb: Bomb, root: Path) -> str:
    """Writes a bomb into a folder; gives the picture to read, empty for a folder to scan.

    Args:
        bomb: which.
        root: an empty SEM folder; beside it lies ``outside`` with pictures that must not be read.
    """
    for file in ("a/0.png", "a/1.png", "b/2.png", "b/銅.png"):
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).write_bytes(png(8, 0))
    (root / bomb.file).write_bytes(bomb.made())
    if bomb.file == "x.txt":
        (root / "x.png").write_bytes(png(8, 0))
        return "x.png"
    return "" if bomb.file == "labels.csv" else bomb.file
