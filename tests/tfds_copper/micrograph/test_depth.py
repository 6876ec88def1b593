"""Full scale of 16-bit containers: declared, said by the user, or not known."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from benchmarks.fuzz.seeds import chunk
from copper_tf.data.normalisation import grey
from tfds_copper.errors import InputError, SettingError
from tfds_copper.micrograph import ReadSettings, read
from tfds_copper.micrograph.depth import bits_of_largest, low_bits, partial_bits

EIGHT = np.random.default_rng(0).integers(1, 256, (40, 50), dtype=np.uint8)


def deep(bits: int) -> np.ndarray:
    """The surface of `EIGHT` as a detector of more bits sees it."""
    noise = np.random.default_rng(1).integers(0, 2 ** (bits - 8), EIGHT.shape)
    return (EIGHT.astype(np.uint16) << (bits - 8)) + noise.astype(np.uint16)


def packed(values: np.ndarray, bits: int) -> bytes:
    """A TIFF of so many bits per sample, row by row."""
    rows = [int("".join(f"{v:0{bits}b}" for v in row).ljust(-(-len(row) * bits // 8) * 8, "0"), 2) for row in values]
    size = -(-values.shape[1] * bits // 8)
    data = b"".join(row.to_bytes(size, "big") for row in rows)
    height, width = values.shape
    tags = [(256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
            (278, 4, height), (279, 4, len(data))]  # fmt: skip
    entries = b"".join(
        struct.pack("<HHI", code, kind, 1) + struct.pack("<I" if kind == 4 else "<HH", *((v,) if kind == 4 else (v, 0)))
        for code, kind, v in tags
    )
    header = b"II*\0" + struct.pack("<I", 8 + len(data))
    return header + data + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


def of_tiff(folder: Path, values: np.ndarray, **options: Any) -> Any:
    tifffile.imwrite(folder / "a.tif", values, **{"metadata": None, **options})
    return read(folder / "a.tif")


def png_with_sbit(path: Path, values: np.ndarray, bits: int) -> None:
    Image.fromarray(values).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:33] + chunk(b"sBIT", bytes([bits])) + data[33:])


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
def test_declared_bits_have_their_own_full_scale(tmp_path: Path, bits: int) -> None:
    values, top = deep(bits), 2**bits - 1
    (tmp_path / "packed.tif").write_bytes(packed(values, bits))
    pixels = f'<Pixels SizeX="50" SizeY="40" SignificantBits="{bits}"/>'
    ome = f'<?xml version="1.0"?><OME xmlns="http://x"><Image>{pixels}</Image></OME>'
    png_with_sbit(tmp_path / "a.png", values, bits)
    found = {
        "packed": read(tmp_path / "packed.tif"),
        "MaxSampleValue": of_tiff(tmp_path, values, extratags=[(281, 3, 1, top, True)]),
        "SMaxSampleValue": of_tiff(tmp_path, values, extratags=[(341, 3, 1, top, True)]),
        "OME": of_tiff(tmp_path, values, description=ome),
        "sBIT": read(tmp_path / "a.png"),
    }
    for what, micrograph in found.items():
        np.testing.assert_array_equal(micrograph.pixels, values, err_msg=what)
        assert micrograph.bit_depth == bits and micrograph.notes == (
            f"{bits}-bit greys in 16 bits: full scale is {top}",
        ), what
        # The same surface as in 8 bits, to a step of those.
        assert np.abs(grey(micrograph.pixels, bits) - grey(EIGHT, 8)).max() < 1 / 200


def test_white_is_zero_counts_from_the_declared_top(tmp_path: Path) -> None:
    options: dict[str, Any] = {"photometric": "miniswhite", "extratags": [(281, 3, 1, 4095, True)]}
    np.testing.assert_array_equal(of_tiff(tmp_path, 4095 - deep(12), **options).pixels, deep(12))


@pytest.mark.parametrize(
    ("values", "declared", "note"),
    [
        # The default, and what is merely the picture's own largest value, declare nothing.
        (deep(12), 65535, "no grey value above 4095 in 16 bits: recorded with 12 bits, or dark"),
        (deep(12), int(deep(12).max()) - 1, "no grey value above 4095 in 16 bits: recorded with 12 bits, or dark"),
        (deep(16), 4095, f"declared as 12 bits, but has a value of {deep(16).max()}: read as 16 bits"),
        (deep(12) << 4, 4095, "12-bit greys in the highest of 16 bits"),
    ],
)
def test_what_declares_nothing(tmp_path: Path, values: np.ndarray, declared: int, note: str) -> None:
    micrograph = of_tiff(tmp_path, values, extratags=[(281, 3, 1, declared, True)])
    assert micrograph.bit_depth == 16 and micrograph.notes == (note,)
    np.testing.assert_array_equal(micrograph.pixels, values)


def test_sbit_of_greys_that_fill_all_bits(tmp_path: Path) -> None:
    for values in (deep(12) << 4, (deep(12) << 4) | (deep(12) >> 8)):
        png_with_sbit(tmp_path / "a.png", values, 12)
        assert read(tmp_path / "a.png").bit_depth == 16


def test_undeclared_bits_are_noticed_and_settable(tmp_path: Path) -> None:
    for bits, seen in ((10, 10), (12, 12), (13, 14), (14, 14)):
        micrograph = of_tiff(tmp_path, deep(bits))
        assert micrograph.bit_depth == 16 and low_bits("; ".join(micrograph.notes)) == seen
        said = read(tmp_path / "a.tif", ReadSettings(bit_depth=bits))
        assert said.bit_depth == bits and low_bits("; ".join(said.notes)) == 0
        np.testing.assert_array_equal(said.pixels, deep(bits))
    assert of_tiff(tmp_path, deep(16)).notes == () and read(tmp_path / "a.tif").bit_depth == 16


def test_a_setting_leaves_8_bits_alone_and_must_hold_all_values(tmp_path: Path) -> None:
    twelve = ReadSettings(bit_depth=12)
    Image.fromarray(EIGHT).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png", twelve).bit_depth == 8
    # Of 12 bits, though dark: it is not stretched.
    of_tiff(tmp_path, EIGHT.astype(np.uint16))
    assert read(tmp_path / "a.tif").bit_depth == 8 and read(tmp_path / "a.tif", twelve).bit_depth == 12
    assert read(tmp_path / "a.tif", ReadSettings(bit_depth=16)).bit_depth == 16
    of_tiff(tmp_path, EIGHT.astype(np.uint16) * 257)
    assert read(tmp_path / "a.tif", twelve).bit_depth == 8
    of_tiff(tmp_path, deep(12) << 4)
    assert read(tmp_path / "a.tif", twelve).bit_depth == 16
    of_tiff(tmp_path, deep(14))
    with pytest.raises(InputError, match=r"bit_depth must hold all grey values; 12 bits end at 4095\. Received: \d+$"):
        read(tmp_path / "a.tif", twelve)
    with pytest.raises(SettingError, match=r"bit_depth must be one of 0, 8, 9.*Received: 7"):
        ReadSettings(bit_depth=7)


def test_values_that_no_tag_should_have() -> None:
    assert [bits_of_largest(v) for v in (255, 1023, 4095, 4094, 65535, -1, None, "x", 2.0, True)] == [
        0, 10, 12, 0, 0, 0, 0, 0, 0, 0,
    ]  # fmt: skip
    assert [partial_bits(v) for v in (8, 9, 15, 16, None, "12", 12.0)] == [0, 9, 15, 0, 0, 0, 0]


def test_packed_texts_are_not_unpacked_without_end(tmp_path: Path) -> None:
    Image.fromarray(EIGHT).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"[MAIN]\nPixelSizeX=1e-9\n" + bytes(3 * 2**20)))
    (tmp_path / "a.png").write_bytes(data[:-12] + bomb + data[-12:])
    with pytest.raises(InputError, match="a PNG file must be complete and intact"):
        read(tmp_path / "a.png")
