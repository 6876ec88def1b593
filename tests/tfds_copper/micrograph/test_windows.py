"""Large pictures by windows: the same values, bar, bits and notes as when they are read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from benchmarks.data.bar_kinds import bar_sample
from tfds_copper.errors import InputError
from tfds_copper.micrograph import ReadSettings, open_windows, read, segments, windows

DRAW = np.random.default_rng(0)
GREY = DRAW.integers(0, 255, (203, 331), dtype=np.uint8)
DEEP = DRAW.integers(0, 65535, (203, 331), dtype=np.uint16)
PLANES = np.repeat(DEEP[None], 3, 0)
RAMP = np.repeat(np.arange(256, dtype=np.uint16)[None] * 257, 3, 0)
COLOURED = np.stack([RAMP[0][::-1], RAMP[0], RAMP[0] // 2])


@pytest.fixture(autouse=True)
def _all_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LARGE", 0)
    monkeypatch.setattr(windows, "_BLOCK", 100)


def _same(path: Path, settings: ReadSettings | None = None) -> None:
    """Whatever is read by windows must be what is read at once."""
    whole = read(path, settings)
    with open_windows(path, settings) as found:
        height, width = found.windows.shape
        assert (height, width) == whole.pixels.shape and found.windows.bit_depth == whole.bit_depth
        assert found.notes == whole.notes
        np.testing.assert_equal(found.pixel_size_nm, whole.pixel_size_nm)
        for a, b, c, d in (
            (0, height, 0, width),
            (5, 71, 3, 64),
            (height - 1, height, width // 2, width),
            (63, 65, 0, 9),
        ):
            part = found.windows.read(slice(a, b), slice(c, d))
            assert part.dtype == whole.pixels.dtype
            np.testing.assert_array_equal(part, whole.pixels[a:b, c:d])
        assert sum(block.size for block in found.windows.blocks()) == height * width


KINDS: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "one strip": (GREY, {}),
    "one packed strip": (GREY, {"compression": "zlib", "rowsperstrip": 203}),
    "strips": (DEEP, {"rowsperstrip": 17}),
    "packed strips": (DEEP, {"rowsperstrip": 17, "compression": "lzw", "predictor": True}),
    "big endian": (DEEP, {"byteorder": ">", "rowsperstrip": 20}),
    "tiles": (GREY, {"tile": (32, 48)}),
    "packed tiles": (DEEP, {"tile": (64, 16), "compression": "zlib", "predictor": True}),
    "jpeg tiles": (GREY, {"tile": (64, 64), "compression": "jpeg"}),
    "big tiff": (GREY, {"bigtiff": True, "tile": (32, 32)}),
    "white is zero": (GREY, {"photometric": "miniswhite"}),
    "eight in sixteen": (GREY.astype(np.uint16), {"tile": (32, 32)}),
    "times 256": (GREY.astype(np.uint16) * 256, {}),
    "times 257": (GREY.astype(np.uint16) * 257, {"rowsperstrip": 9}),
    "black": (np.zeros((80, 90), np.uint16), {}),
    "grey as colour": (np.repeat(GREY[..., None], 3, 2), {"photometric": "rgb", "tile": (64, 64)}),
    "colour planes": (PLANES, {"photometric": "rgb", "planarconfig": "separate", "tile": (32, 32)}),
    "colour plane strips": (PLANES, {"photometric": "rgb", "planarconfig": "separate"}),
    "alpha": (np.stack([GREY, GREY, GREY, GREY // 2], -1), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "grey and alpha": (
        np.stack([GREY, GREY // 2], -1),
        {"photometric": "minisblack", "extrasamples": ["unassalpha"], "planarconfig": "contig"},
    ),
    "grey palette": (GREY, {"photometric": "palette", "colormap": RAMP, "tile": (32, 32)}),
    "one bit": (GREY > 99, {"photometric": "minisblack"}),
    "several pages": (np.stack([GREY, GREY[::-1]]), {"photometric": "minisblack", "tile": (32, 32)}),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_windows_equal_the_whole(kind: str, tmp_path: Path) -> None:
    values, settings = KINDS[kind]
    tifffile.imwrite(tmp_path / "a.tif", values, metadata=None, **settings)
    _same(tmp_path / "a.tif", ReadSettings(bar="keep"))
    _same(tmp_path / "a.tif")


@pytest.mark.parametrize("index", range(6))
def test_bars_are_found_at_the_ends(index: int, tmp_path: Path) -> None:
    sample = bar_sample(3, index)
    tifffile.imwrite(tmp_path / "a.tif", sample.pixels, tile=(64, 64))
    assert read(tmp_path / "a.tif").bar is not None
    _same(tmp_path / "a.tif")
    _same(tmp_path / "a.tif", ReadSettings(bar="33"))
    _same(tmp_path / "a.tif", ReadSettings(bar="12/33"))
    _same(tmp_path / "a.tif", ReadSettings(bar="12/0"))


@pytest.mark.parametrize("target", [12.5, 20.0, 31.7])
def test_resampled_by_windows(target: float, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, tile=(32, 32))
    _same(tmp_path / "a.tif", ReadSettings(pixel_size=10, resample=target))


def test_resampling_averages_what_lies_in_a_pixel(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY[:202, :330])
    pixels = read(tmp_path / "a.tif", ReadSettings(bar="keep", pixel_size=10, resample=20)).pixels
    np.testing.assert_array_equal(pixels, np.rint(GREY[:202, :330].reshape(101, 2, 165, 2).mean((1, 3))))
    tifffile.imwrite(tmp_path / "b.tif", GREY)
    pixels = read(tmp_path / "b.tif", ReadSettings(bar="keep", pixel_size=10, resample=34)).pixels
    # Pillow's own averages but for the pixels whose centre lies on a border, which it loses.
    theirs = np.asarray(Image.fromarray(GREY.astype(np.float32)).resize(pixels.shape[::-1], Image.Resampling.BOX))
    assert np.mean(pixels == np.rint(theirs)) > 0.99


def test_vendor_files_by_windows(shared: Path) -> None:
    files = sorted((shared / "vendor_sem").glob("*.tif"))
    assert files
    for file in files:
        _same(file)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "JPEG"])
def test_other_files_are_held_whole_and_said_to_be(kind: str, tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png", kind)
    with open_windows(tmp_path / "a.png") as found:
        np.testing.assert_array_equal(
            found.windows.read(slice(3, 9), slice(4, 99)), read(tmp_path / "a.png").pixels[3:9, 4:99]
        )
        assert found.notes[-1] == f"{kind} held whole"


def test_a_large_strip_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "KEPT", 2**14)
    tifffile.imwrite(tmp_path / "a.tif", DEEP, compression="zlib", rowsperstrip=203)
    with open_windows(tmp_path / "a.tif") as found:
        assert found.notes == ("strips or tiles of 0 MB each, decoded whole",)
    tifffile.imwrite(tmp_path / "b.tif", DEEP)
    monkeypatch.setattr(segments, "_STRIP", 2**12)
    with open_windows(tmp_path / "b.tif") as found:
        assert found.notes == ()


def test_only_a_few_parts_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, tile=(32, 32))
    monkeypatch.setattr(segments, "KEPT", 8 * 32 * 32)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        page = segments.Segments(tiff.pages[0])
        for rows in (slice(0, 20), slice(40, 60), slice(30, 70), slice(150, 203)):
            np.testing.assert_array_equal(page.read(rows, slice(0, 331)), GREY[rows])
            used = 11 * (-(-rows.stop // 32) - rows.start // 32)
            # All that the last rectangle took, so that the next one beside it need not decode it again.
            assert page._bytes == sum(part.nbytes for part in page._kept.values()) == max(used, 8) * 32 * 32
        page.read(slice(0, 9), slice(0, 40))
        assert page._bytes == 8 * 32 * 32


def _refused(path: Path, what: str, settings: ReadSettings | None = None) -> None:
    with pytest.raises(InputError, match=what), open_windows(path, settings):
        pass


def test_what_is_wrong_with_a_large_file_is_one_clear_line(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, tile=(64, 64), compression="zlib")
    _refused(tmp_path / "a.tif", r"must have 1 to 100 pixels. Received: 331 x 203", ReadSettings(max_pixels=100))
    colour = np.repeat(GREY[..., None], 3, 2)
    colour[150, 300, 1] += 1
    tifffile.imwrite(tmp_path / "b.tif", colour, photometric="rgb", tile=(64, 64))
    _refused(tmp_path / "b.tif", r"Received: a colour picture, 0.00149% of its pixels not grey")
    tifffile.imwrite(tmp_path / "c.tif", GREY, photometric="palette", colormap=COLOURED)
    _refused(tmp_path / "c.tif", r"Received: a colour picture, \d+% of its pixels not grey")
    tifffile.imwrite(tmp_path / "f.tif", GREY.astype(np.float32))
    _refused(tmp_path / "f.tif", "Received: float32 pixels")
    _refused(tmp_path / "gone.tif", r"gone.tif: a picture must be a readable file. Received: No such file")
    (tmp_path / "d.tif").write_bytes(b"II*\0")
    _refused(tmp_path / "d.tif", r"d.tif: a TIFF file must be complete")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[-3000:] = bytes(3000)
    (tmp_path / "e.tif").write_bytes(data)
    _refused(tmp_path / "e.tif", r"e.tif: a TIFF file must be complete and intact. Received: ")


def test_damage_inside_shows_when_it_is_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, tile=(64, 64), compression="zlib")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[-3000:] = bytes(3000)
    (tmp_path / "a.tif").write_bytes(data)
    with open_windows(tmp_path / "a.tif", ReadSettings(bar="keep")) as found:
        found.windows.read(slice(0, 64), slice(0, 64))
        with pytest.raises(InputError, match=r"a.tif: a TIFF file must be complete and intact. Received: "):
            found.windows.read(slice(150, 200), slice(300, 331))


def test_a_small_tiff_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LARGE", GREY.size)
    monkeypatch.setattr(windows, "_open", None)
    tifffile.imwrite(tmp_path / "a.tif", GREY)
    with open_windows(tmp_path / "a.tif") as found:
        assert not found.windows.large and found.windows.shape == GREY.shape
