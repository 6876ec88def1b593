"""Damage to sound files: bytes, blocks, header fields, PNG chunks with right checksums, and lines of text."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable

import numpy as np

from benchmarks.fuzz.seeds import FEI_TEXT, Seed, chunk

__all__ = ["mutate"]

# What sizes, offsets and counts are set to.
_EXTREMES = (0, 1, 2, 3, 7, 8, 16, 255, 256, 4096, 30_000, 32_767, 60_000, 65_535, 10**6, 2**24, 2**31 - 1, 2**31,
             2**32 - 1)  # fmt: skip
_NUMBERS = ("0", "-1", "1e400", "-1e400", "nan", "inf", "9" * 400, "0" * 400, "1e-400", "1,5", "99,218", "½", "٣",
            "１２", "0x10", "1_000", "", "−5", "1e", "..", "2.5.1", "²")  # fmt: skip
_WORDS = ("\0", "\r", "\n", '"', "=", ",", ";", "\t", "[", "$", "..", "../x.png", "/etc/passwd", "C:\\x.png",
          "\\\\server\\share\\x.png", ".", "a", "\u2028", "\x85", "\x1b[31m", "🔥", "銅", "\ufeff", "μm",
          "x" * 5000)  # fmt: skip
Damage = Callable[[np.random.Generator, bytes], bytes]


def _spot(rng: np.random.Generator, data: bytes) -> int:
    # Headers are at the beginning, and they are what a reader trusts.
    reach = len(data) if rng.random() < 0.5 else min(len(data), 160)
    return int(rng.integers(max(1, reach)))


def _flips(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        if changed:
            changed[_spot(rng, data)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _values(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        if changed:
            changed[_spot(rng, data)] = int(rng.choice([0, 1, 127, 128, 255, int(rng.integers(256))]))
    return bytes(changed)


def _truncated(rng: np.random.Generator, data: bytes) -> bytes:
    return data[: int(rng.integers(len(data) + 1))]


def _inserted(rng: np.random.Generator, data: bytes) -> bytes:
    at = _spot(rng, data)
    return data[:at] + rng.bytes(int(rng.integers(1, 64))) + data[at:]


def _block(rng: np.random.Generator, data: bytes) -> bytes:
    at, size = _spot(rng, data), int(rng.integers(1, 200))
    part = data[at : at + size]
    replaced = (part * 2, part * 20, bytes(len(part)), b"\xff" * len(part), b"")[int(rng.integers(5))]
    return data[:at] + replaced + data[at + size :]


def _number(rng: np.random.Generator, data: bytes) -> bytes:
    """Any 2, 4 or 8 bytes set to an extreme value."""
    code = str(rng.choice(["<H", ">H", "<I", ">I", "<Q", ">Q"]))
    size = struct.calcsize(code)
    at = _spot(rng, data) // 2 * 2
    return data[:at] + struct.pack(code, _extreme(rng, size)) + data[at + size :]


def _extreme(rng: np.random.Generator, size: int) -> int:
    return int(rng.choice(_EXTREMES)) % 2 ** (8 * size)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at + 8 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def _new_chunk(rng: np.random.Generator) -> tuple[bytes, bytes]:
    bodies: dict[bytes, bytes] = {
        b"tRNS": rng.bytes(int(rng.integers(0, 7))),
        b"gAMA": rng.bytes(int(rng.integers(0, 6))),
        b"iTXt": b"key\0\1\0en\0key\0" + zlib.compress(rng.bytes(40)),
        b"zTXt": b"key\0\0" + zlib.compress(bytes(10_000)),
        b"iCCP": b"name\0\0" + zlib.compress(rng.bytes(100)),
        b"tEXt": b"key\0" + FEI_TEXT.encode(),
        b"eXIf": b"II*\0" + rng.bytes(30),
        b"acTL": struct.pack(">II", _extreme(rng, 4), 0),
        b"fcTL": rng.bytes(26),
        b"fdAT": rng.bytes(30),
        b"PLTE": rng.bytes(3 * int(rng.integers(0, 300))),
        b"IDAT": zlib.compress(rng.bytes(50)),
        b"pHYs": rng.bytes(9),
        b"IHDR": struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0),
        bytes(rng.integers(65, 122, 4, dtype=np.uint8)): rng.bytes(5),
    }
    return list(bodies.items())[int(rng.integers(len(bodies)))]


def _header(rng: np.random.Generator, body: bytes) -> bytes:
    width, height, bits, colour, *rest = struct.unpack(">IIBBBBB", body)
    what = int(rng.integers(4))
    if what == 0:
        width = _extreme(rng, 4)
    elif what == 1:
        height = _extreme(rng, 4)
    elif what == 2:
        bits, colour = int(rng.choice([1, 2, 4, 8, 16, 3, 0])), int(rng.choice([0, 2, 3, 4, 6, 1, 7]))
    else:
        rest = [int(v) for v in rng.integers(0, 3, 3)]
    return struct.pack(">IIBBBBB", width, height, bits, colour, *rest)


def _pixels(rng: np.random.Generator, body: bytes) -> bytes:
    try:
        raw = zlib.decompress(body)
    except zlib.error:
        return body
    return zlib.compress((_flips, _truncated, _block, _inserted)[int(rng.integers(4))](rng, raw))


def _png(rng: np.random.Generator, data: bytes) -> bytes:
    """Chunks edited, put in, doubled, moved or left out; every checksum is right."""
    chunks = _chunks(data)
    if not chunks:
        return data
    at = int(rng.integers(len(chunks)))
    kind, body = chunks[at]
    what = int(rng.integers(6))
    if what <= 1 and kind == b"IHDR" and len(body) == 13:
        chunks[at] = kind, _header(rng, body)
    elif what <= 1 and kind == b"IDAT":
        chunks[at] = kind, _pixels(rng, body)
    elif what <= 1:
        chunks[at] = kind, _flips(rng, body)
    elif what == 2:
        chunks.insert(int(rng.integers(len(chunks) + 1)), _new_chunk(rng))
    elif what == 3:
        chunks.insert(int(rng.integers(len(chunks) + 1)), chunks[at])
    elif what == 4:
        del chunks[at]
    else:
        chunks[at], chunks[-1] = chunks[-1], chunks[at]
    return data[:8] + b"".join(chunk(k, b) for k, b in chunks)


def _tiff(rng: np.random.Generator, data: bytes) -> bytes:
    """One field of an entry of the first directory, or the place of the next one, set to an extreme."""
    sign, big = ("<" if data[:1] == b"I" else ">"), data[2:4] in (b"+\0", b"\0+")
    at = struct.unpack_from(sign + ("Q" if big else "I"), data, 8 if big else 4)[0]
    (count,) = struct.unpack_from(sign + ("Q" if big else "H"), data, at)
    entry, first = (20, at + 8) if big else (12, at + 2)
    changed = bytearray(data)
    where = first + entry * int(rng.integers(count + 1))
    if where + entry > len(changed):  # damaged before: there is no such entry
        return bytes(changed)
    wide = "Q" if big else "I"
    if where == first + entry * count:
        struct.pack_into(sign + wide, changed, where, int(rng.choice([at, 0, 8, len(data), len(data) - 4])))
        return bytes(changed)
    fields = ((0, "H"), (2, "H"), (4, wide), (4 + (8 if big else 4), wide))
    for _ in range(int(rng.integers(1, 3))):
        offset, code = fields[int(rng.choice([0, 1, 2, 2, 3, 3, 3]))]
        value = _extreme(rng, struct.calcsize(code))
        if offset == 0:  # another tag: one that tells of layout, or of a vendor
            value = int(rng.choice([254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325,
                                    330, 338, 339, 347, 530, 32997, 34118, 34665, 34680, 34682, 50431,
                                    50838]))  # fmt: skip
        elif offset == 2:
            value = int(rng.integers(0, 20))
        struct.pack_into(sign + code, changed, where + offset, value)
    return bytes(changed)


def _bmp(rng: np.random.Generator, data: bytes) -> bytes:
    at, code = ((2, "<I"), (10, "<I"), (14, "<I"), (18, "<I"), (22, "<I"), (26, "<H"), (28, "<H"), (30, "<I"),
                (34, "<I"), (46, "<I"))[int(rng.integers(10))]  # fmt: skip
    value = _extreme(rng, struct.calcsize(code))
    if at == 28:
        value = int(rng.choice([0, 1, 2, 4, 8, 16, 24, 32, 64]))
    elif at == 30:
        value = int(rng.integers(0, 7))
    return data[:at] + struct.pack(code, value) + data[at + struct.calcsize(code) :]


def _jpeg(rng: np.random.Generator, data: bytes) -> bytes:
    """A segment's length, or the frame's height, width or samples, set to an extreme."""
    marks = [m.start() for m in re.finditer(rb"\xff[\xc0-\xc4\xda\xdb\xdd\xe0-\xe2\xfe]", data)]
    frames = [m.start() for m in re.finditer(rb"\xff[\xc0-\xc2]\0[\x0b-\x14]\x08", data)]
    if frames and rng.random() < 0.6:
        at = frames[0] + int(rng.choice([4, 5, 7, 9]))
    elif marks:
        at = int(rng.choice(marks)) + 2
    else:
        return data
    return data[:at] + struct.pack(">H", _extreme(rng, 2)) + data[at + 2 :]


def _text(rng: np.random.Generator, data: bytes) -> bytes:
    """A number, a separator or a line changed in whatever encoding the text is."""
    code = next((c for c in ("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp932")
                 if _decodes(data, c)), "latin-1")  # fmt: skip
    text = data.decode(code)
    lines = text.split("\n")
    at, what = int(rng.integers(len(lines))), int(rng.integers(6))
    if what <= 1 and (numbers := list(re.finditer(r"[0-9.]+", text))):
        number = numbers[int(rng.integers(len(numbers)))]
        text = text[: number.start()] + str(rng.choice(_NUMBERS)) + text[number.end() :]
    elif what == 2:
        cells = re.split(r"([,;\t= ])", lines[at])
        cells[int(rng.integers(len(cells)))] = str(rng.choice(_WORDS))
        text = "\n".join([*lines[:at], "".join(cells), *lines[at + 1 :]])
    elif what == 3:
        text = "\n".join([*lines[:at], *lines[at : at + 1] * int(rng.choice([0, 2, 50])), *lines[at + 1 :]])
    else:
        spot = int(rng.integers(len(text) + 1))
        text = text[:spot] + str(rng.choice(_WORDS)) + text[spot + int(rng.integers(2)) :]
    return text.encode(code, "replace")


def _decodes(data: bytes, code: str) -> bool:
    try:
        data.decode(code)
    except UnicodeDecodeError:
        return False
    return True


_ANY: tuple[Damage, ...] = (_flips, _values, _truncated, _inserted, _block, _number)
_OWN: dict[str, Damage] = {"PNG": _png, "TIFF": _tiff, "BMP": _bmp, "JPEG": _jpeg, "sidecar": _text, "labels": _text}


def mutate(rng: np.random.Generator, seed: Seed) -> bytes:
    """A seed's bytes with one to three damages, half of them of its format's own kind."""
    data = seed.data
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        damage = _OWN[seed.kind] if rng.random() < 0.6 else _ANY[int(rng.integers(len(_ANY)))]
        try:
            data = damage(rng, data)
        except (struct.error, OverflowError, IndexError):  # an earlier damage took what this one edits
            data = _flips(rng, data)
    return data
