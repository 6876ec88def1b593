"""Sound files of every kind that a user may hand in, small and made here, to be damaged by `benchmarks.fuzz.mutations`.

Each is a function of nothing, so that a case depends on its own seed alone.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["FEI_TEXT", "HITACHI_TEXT", "JEOL_TEXT", "Seed", "chunk", "labels_seeds", "picture_seeds", "png",
           "sidecar_seeds", "tiff"]  # fmt: skip

GREY = (np.arange(24 * 32, dtype=np.uint32).reshape(24, 32) * 7 % 251).astype(np.uint8)
DEEP = GREY.astype(np.uint16) * 251 + 3

ZEISS_TEXT = (
    "0\r\n0\r\n2.6e-06\r\nAP_PIXEL_SIZE\r\nPixel Size = 2.6 nm\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 2.6 nm\r\n"
    "AP_MAG\r\nMag = 10.00 K X\r\nAP_ACTUALKV\r\nEHT Target = 15 kV\r\nAP_WD\r\nWD = 8.1 mm\r\n"
    "AP_STAGE_AT_X\r\nStage at X = 12.5 mm\r\nAP_DATE\r\nDate :3 Mar 2021\r\nAP_TIME\r\nTime :17:06:40\r\n"
    "DP_DETECTOR_CHANNEL\r\nSignal A = SE2\r\nDP_IMAGE_STORE\r\nStore resolution = 1024 * 768\r\n"
)
FEI_TEXT = (
    "[User]\r\nDate=06/13/2016\r\nTime=05:06:40 PM\r\n[Beam]\r\nHV=5000\r\nBeam=EBeam\r\nScan=EScan\r\n[EBeam]\r\n"
    "HV=5000\r\nWD=0.0040\r\nHFW=0.0017\r\nBeamCurrent=6.25e-12\r\n[EScan]\r\nDwell=1e-05\r\nPixelWidth=3.3e-09\r\n"
    "PixelHeight=3.3e-09\r\n[Stage]\r\nStageX=2.5e-05\r\nStageT=0.1\r\n[Image]\r\nResolutionX=32\r\nResolutionY=24\r\n"
    "MagCanvasRealWidth=0.207\r\n[Detectors]\r\nName=ETD\r\n[PrivateFei]\r\nDatabarHeight=0\r\n"
)
TESCAN_TEXT = (
    "[MAIN]\r\nDate=2019-03-04\r\nTime=17:06:40\r\nMagnification=60000\r\nPixelSizeX=4.5e-09\r\nPixelSizeY=4.5e-09\r\n"
    "ImageStripSize=0\r\n[SEM]\r\nDetector=E-T\r\nHV=1000\r\nWD=0.0038\r\nStageX=1.45e-06\r\nDwellTime=1e-6\r\n"
)
HITACHI_TEXT = (
    "[SemImageFile]\r\nInstructName=SU8230\r\nDate=2019/03/04\r\nTime=17:06:40\r\nDataSize=32x24\r\nPixelSize=4.96\r\n"
    "SignalName=SE(UL)\r\nAcceleratingVoltage=5000 Volt\r\nMagnification=20000\r\nWorkingDistance=8100 um\r\n"
    "StagePositionX=1000000\r\nStagePositionR=-12\r\nDataDisplayCombine=1\r\n"
)
LEO_TEXT = "0\r\n0\r\n0\r\n1.595e-006\r\n70.0\r\n6\r\nAP_WD\r\nWD = 5.0 mm\r\n"
HITACHI_TAG = "PixelSize=4.96\r\nCondition=Vacc=15.0kV Mag=x1.20k WD=7.9mm LensMode=3\r\nSignalName=BSE\r\n"
FEI_XML = (
    '<?xml version="1.0"?><Metadata><Optics><AccelerationVoltage>2000</AccelerationVoltage></Optics><BinaryResult>'
    '<PixelSize><X unit="m" unitPrefixPower="1">2.7E-07</X><Y unit="m" unitPrefixPower="1">2.7E-07</Y></PixelSize>'
    "</BinaryResult></Metadata>"
)
OME_TEXT = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image '
    'ID="Image:0"><Pixels ID="Pixels:0" SizeX="32" SizeY="24" SignificantBits="12" PhysicalSizeX="0.05" '
    'PhysicalSizeXUnit="nm"/></Image></OME>'
)
JEOL_TEXT = (
    "$CM_FORMAT JEOL/SEM\r\n$CM_DATE 2021/03/04\r\n$CM_TIME 05:06:40 PM\r\n$CM_ACCEL_VOLT 15.0\r\n$CM_MAG 5000\r\n"
    "$CM_FULL_SIZE 32 24\r\n$$SM_MICRON_BAR 96\r\n$$SM_MICRON_MARKER 5um\r\n$$SM_WD 8.1\r\n$CM_SIGNAL SED\r\n"
    "$CM_STAGE_POS 1.2 3.4 10 0 0\r\n$$SM_PNU_HEIGHT 0\r\n$CM_COMMENT 銅 75℃\r\n"
)


@dataclasses.dataclass(frozen=True)
class Seed:
    """One sound file.

    Args:
        kind: for the table: PNG, TIFF, BMP, JPEG, sidecar or labels.
        what: which of its kind.
        data: its bytes.
    """

    kind: str
    what: str
    data: bytes


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with a right checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _rows(width: int, height: int, bits: int) -> bytes:
    # One byte value a row makes all channels alike, so that colour kinds are grey.
    size = (width * bits + 7) // 8
    return b"".join(b"\0" + bytes([y * 9 % 251]) * size for y in range(height)) if width and height else b""


def png(
    bits: int, colour: int, interlaced: bool = False, width: int = 32, height: int = 24, extra: bytes = b""
) -> bytes:
    """A PNG of any bit depth and colour type.

    Args:
        bits: per sample.
        colour: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
        interlaced: by Adam7.
        width: in px.
        height: in px.
        extra: chunks between header and pixels.
    """
    deep = bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = passes if interlaced else [(0, 0, 1, 1)]
    raw = b"".join(_rows(-(-(width - x) // dx), -(-(height - y) // dy), deep) for x, y, dx, dy in parts)
    palette = chunk(b"PLTE", bytes(v for i in range(2**bits) for v in [i * 255 // (2**bits - 1)] * 3))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)),
            extra,
            palette if colour == 3 else b"",
            chunk(b"IDAT", zlib.compress(raw)),
            chunk(b"IEND", b""),
        )
    )


def _pngs() -> dict[str, bytes]:
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    made = {f"colour {c} {b} bit": png(b, c) for c, bits in depths.items() for b in bits}
    made |= {f"colour {c} {b} bit interlaced": png(b, c, True) for c, b in ((0, 1), (0, 8), (0, 16), (2, 16), (3, 8))}
    extra = chunk(b"pHYs", struct.pack(">IIB", 1000, 1000, 1)) + chunk(b"tEXt", b"Comment\0SEM") + chunk(
        b"tIME", struct.pack(">HBBBBB", 2021, 3, 4, 5, 6, 7)) + chunk(b"tRNS", b"\0\7")  # fmt: skip
    deep = chunk(b"sBIT", b"\x0c") + chunk(b"zTXt", b"Tescan\0\0" + zlib.compress(TESCAN_TEXT.encode()))
    made["Tescan"] = png(8, 0, extra=chunk(b"gIFx", b"TESCAN  \0\0\0" + TESCAN_TEXT.encode()))
    return made | {"with chunks": png(8, 0, extra=extra), "12 in 16 bit": png(16, 0, extra=deep)}


def tiff(values: np.ndarray, **options: Any) -> bytes:
    """A TIFF as tifffile writes it.

    Args:
        values: `(height, width)` or with channels.
        options: of `tifffile.imwrite`; also those of `tifffile.TiffWriter` that say how the whole file is laid out.
    """
    import tifffile

    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **{"metadata": None, **options})
    return stream.getvalue()


def _tag(code: int, text: str) -> dict[str, Any]:
    data = text.encode("cp1252")
    return {"extratags": [(code, 1, len(data), data, True)]}


def _with_thumbnail() -> bytes:
    import tifffile

    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(GREY[::4, ::4], metadata=None, subfiletype=1)
        writer.write(GREY, metadata=None)
    return stream.getvalue()


def _tiffs() -> dict[str, bytes]:
    colour = np.stack([GREY] * 3, axis=-1)
    palette = np.stack([np.arange(256, dtype=np.uint16) * 257] * 3)
    made = {
        "8 bit": tiff(GREY),
        "16 bit": tiff(DEEP),
        "1 bit": tiff(GREY > 100),
        "white is zero": tiff(GREY, photometric="miniswhite"),
        "palette": tiff(GREY, photometric="palette", colormap=palette),
        "tiles": tiff(GREY, tile=(16, 16)),
        "tiles deflate": tiff(DEEP, tile=(16, 16), compression="zlib", predictor=True),
        "strips": tiff(GREY, rowsperstrip=5),
        "big-endian": tiff(DEEP, byteorder=">"),
        "BigTIFF": tiff(GREY, bigtiff=True),
        "RGB": tiff(colour, photometric="rgb"),
        "RGB planar": tiff(np.moveaxis(colour, -1, 0).copy(), photometric="rgb", planarconfig="separate"),
        "RGBA": tiff(np.dstack([colour, GREY]), photometric="rgb", extrasamples=["unassalpha"]),
        "two pages": tiff(np.stack([GREY, GREY]), photometric="minisblack"),
        "float": tiff(GREY.astype(np.float32)),
        "Zeiss": tiff(GREY, **_tag(34118, ZEISS_TEXT)),
        "FEI": tiff(GREY, **_tag(34682, FEI_TEXT)),
        "Tescan": tiff(GREY, **_tag(50431, TESCAN_TEXT)),
        "LEO": tiff(GREY, **_tag(34118, LEO_TEXT)),
        "FEI XML": tiff(GREY, **_tag(34683, FEI_XML)),
        "Hitachi": tiff(GREY, extratags=[(40092, 1, 2 * len(HITACHI_TAG), HITACHI_TAG.encode("utf-16-le"), True)]),
        "ImageJ": tiff(GREY, description="ImageJ=1.54f\nunit=\\u00B5m\n", resolution=(20, 20), resolutionunit=1),
        "OME": tiff(DEEP >> 4, description=OME_TEXT),
        "turned": tiff(GREY, extratags=[(274, 3, 1, 6, True)]),
        "12 bit": tiff(DEEP >> 4, extratags=[(281, 3, 1, 4095, True)]),
        "thumbnail": _with_thumbnail(),
    }
    for name in ("lzw", "zlib", "zstd", "jpeg", "packbits", "lzma"):
        made[name] = tiff(GREY, compression=name, rowsperstrip=8)
    return made


def _bmp_by_hand(bits: int, compression: int, pixels: bytes) -> bytes:
    palette = b"".join(bytes([i * 255 // (2**bits - 1)] * 3 + [0]) for i in range(2**bits))
    header = struct.pack("<IiiHHIIiiII", 40, 32, 24, 1, bits, compression, len(pixels), 0, 0, 2**bits, 0)
    offset = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + palette + pixels


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _bmps() -> dict[str, bytes]:
    grey = Image.fromarray(GREY)
    made = {
        name: _saved(grey.convert(mode), "BMP") for name, mode in (("1 bit", "1"), ("8 bit", "L"), ("24 bit", "RGB"))
    }
    made["32 bit"] = _saved(Image.fromarray(np.dstack([GREY] * 4), "RGBA"), "BMP")
    made["4 bit"] = _bmp_by_hand(4, 0, bytes(range(16)) * 24)
    runs = b"".join(bytes([16, y * 3, 0, 16]) + bytes(range(16)) + b"\0\0" for y in range(24)) + b"\0\1"
    return made | {"8 bit runs": _bmp_by_hand(8, 1, runs)}


def _jpegs() -> dict[str, bytes]:
    grey = Image.fromarray(np.repeat(GREY[:, :1], 32, axis=1))
    return {
        "grey": _saved(grey, "JPEG"),
        "RGB": _saved(grey.convert("RGB"), "JPEG", comment=b"SEM"),
        "progressive": _saved(grey, "JPEG", progressive=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"),
        "CMYK": _saved(grey.convert("CMYK"), "JPEG"),
    }


@functools.cache
def picture_seeds() -> dict[str, tuple[Seed, ...]]:
    """Sound pictures by kind."""
    kinds = {"PNG": _pngs(), "TIFF": _tiffs(), "BMP": _bmps(), "JPEG": _jpegs()}
    return {kind: tuple(Seed(kind, what, data) for what, data in made.items()) for kind, made in kinds.items()}


def _encoded(kind: str, texts: dict[str, str], codes: tuple[str, ...]) -> tuple[Seed, ...]:
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    return tuple(
        Seed(kind, f"{name} {code}", marks.get(code, b"") + text.encode(code, "replace"))
        for name, text in texts.items()
        for code in codes
    )


@functools.cache
def sidecar_seeds() -> tuple[Seed, ...]:
    """Sound sidecars of Hitachi, JEOL and Tescan in every encoding."""
    codes = ("ascii", "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp932")
    field = "$CM_FORMAT JEOL-SEM\r\n$CM_FIELD_OF_VIEW 1.067 0.800mm\r\n$CM_FULL_SIZE 32 24\r\n"
    texts = {"Hitachi": HITACHI_TEXT, "JEOL": JEOL_TEXT, "JEOL field of view": field, "Tescan": TESCAN_TEXT}
    return _encoded("sidecar", texts, codes)


@functools.cache
def labels_seeds() -> tuple[Seed, ...]:
    """Sound labels.csv of the pictures a/0.png, a/1.png, b/2.png and b/銅.png in every encoding and separator."""
    table = [
        ("file", "t", "sheet", "split", "pixel_size_nm", "bath", "note"),
        ("a/0.png", "0 h", "S1", "train", "5.0", "75℃", '"one, two; three"'),
        ("a/1.png", "30min", "S1", "", "", "75", '"said ""so"""'),
        ("b\\2.png", "2.5h", "S2", "test", "5", "", ""),
        ("b/銅.png", "１d", "S2", "Validation", "1e1", "硫酸", ""),
    ]
    short = ("file,t\r\na/0.png,0\r\nb/2.png,3\r\n",)
    texts = {f"by {sign!r}": "\n".join(sign.join(row) for row in table) + "\n" for sign in (",", ";", "\t")}
    return _encoded("labels", texts | {"short": short[0]}, ("utf-8", "utf-8-sig", "cp932"))
