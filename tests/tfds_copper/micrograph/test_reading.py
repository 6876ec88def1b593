"""Reading one picture file."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.conftest import ROOT
from tfds_copper.errors import InputError, SettingError
from tfds_copper.micrograph import Bar, ReadSettings, read, read_mask

DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real pictures at {DATA}")
GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
DEEP = GREY.astype(np.uint16) * 257 + 1


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.tif", "a.TIFF", "a.bmp", "a #1 [x].png"])
def test_lossless_greys_come_back_exactly(tmp_path: Path, name: str) -> None:
    Image.fromarray(GREY).save(tmp_path / name)
    micrograph = read(tmp_path / name)
    np.testing.assert_array_equal(micrograph.pixels, GREY)
    assert (micrograph.pixels.dtype, micrograph.bit_depth, micrograph.notes) == (np.uint8, 8, ())
    assert np.isnan(micrograph.pixel_size_nm)


def test_jpeg_is_read_and_noted_as_lossy(tmp_path: Path) -> None:
    Image.fromarray(np.full((16, 16), 90, np.uint8)).save(tmp_path / "a.jpg")
    micrograph = read(tmp_path / "a.jpg")
    assert micrograph.pixels.mean() == pytest.approx(90, abs=1)
    assert micrograph.notes == ("JPEG: lossy",)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_true_16_bit_is_not_saturated(tmp_path: Path, name: str) -> None:
    Image.fromarray(DEEP).save(tmp_path / name)
    micrograph = read(tmp_path / name)
    np.testing.assert_array_equal(micrograph.pixels, DEEP)
    assert (micrograph.pixels.dtype, micrograph.bit_depth) == (np.uint16, 16)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_grey_saved_as_colour_is_recognised(tmp_path: Path, name: str, channels: int) -> None:
    values = np.stack([GREY] * channels, axis=-1)
    if channels == 4:
        values[..., 3] = 7
    Image.fromarray(values).save(tmp_path / name)
    micrograph = read(tmp_path / name)
    np.testing.assert_array_equal(micrograph.pixels, GREY)
    assert "grey saved as colour: one channel taken" in micrograph.notes


def test_grey_with_alpha_and_deep_colour(tmp_path: Path) -> None:
    import imagecodecs

    Image.fromarray(np.stack([GREY, 255 - GREY], axis=-1), "LA").save(tmp_path / "la.png")
    np.testing.assert_array_equal(read(tmp_path / "la.png").pixels, GREY)
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(np.stack([DEEP] * 3, axis=-1)))
    deep = read(tmp_path / "deep.png")
    np.testing.assert_array_equal(deep.pixels, DEEP)
    assert deep.bit_depth == 16


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp"])
def test_a_colour_photograph_is_refused(tmp_path: Path, name: str) -> None:
    photo = np.zeros((16, 16, 3), np.uint8)
    photo[..., 0], photo[..., 2] = 200, 40
    Image.fromarray(photo).save(tmp_path / name)
    with pytest.raises(InputError, match=r"allowed are grey pictures of 8 or 16 bit .* Received: a colour picture"):
        read(tmp_path / name)


def test_palettes(tmp_path: Path) -> None:
    index = Image.fromarray(GREY, "P")
    index.putpalette([255 - v for v in range(256) for _ in range(3)])
    index.save(tmp_path / "inverted.png")
    np.testing.assert_array_equal(read(tmp_path / "inverted.png").pixels, 255 - GREY)
    index.putpalette([v for k in range(256) for v in (k, 0, 255 - k)])
    index.save(tmp_path / "coloured.png")
    with pytest.raises(InputError, match="Received: a colour picture"):
        read(tmp_path / "coloured.png")
    ramp = np.repeat(np.arange(256, dtype=np.uint16)[None] * 257, 3, axis=0)
    ramp[:, 9] = (65535, 0, 0)
    tifffile.imwrite(tmp_path / "zeiss.tif", GREY, photometric="palette", colormap=ramp)
    zeiss = read(tmp_path / "zeiss.tif")
    np.testing.assert_array_equal(zeiss.pixels, GREY)
    assert zeiss.notes == ("palette: index taken as grey value",)


def test_few_bits_are_stretched_and_noted(tmp_path: Path) -> None:
    Image.fromarray(GREY > 99).save(tmp_path / "bits.png")
    bits = read(tmp_path / "bits.png")
    assert set(np.unique(bits.pixels)) == {0, 255}
    assert bits.notes == ("1-bit greys stretched to 0..255",)
    tifffile.imwrite(tmp_path / "bits.tif", GREY > 99, photometric="minisblack")
    np.testing.assert_array_equal(read(tmp_path / "bits.tif").pixels, bits.pixels)


def test_white_is_zero_and_several_pages(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "inverted.tif", 255 - GREY, photometric="miniswhite")
    inverted = read(tmp_path / "inverted.tif")
    np.testing.assert_array_equal(inverted.pixels, GREY)
    assert inverted.notes == ("white-is-zero TIFF inverted",)
    tifffile.imwrite(tmp_path / "two.tif", np.stack([GREY, 255 - GREY]), photometric="minisblack")
    two = read(tmp_path / "two.tif")
    np.testing.assert_array_equal(two.pixels, GREY)
    assert two.notes == ("several pages: the first taken",)


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP)
    (tmp_path / "a.tif").rename(tmp_path / "a.png")
    micrograph = read(tmp_path / "a.png")
    np.testing.assert_array_equal(micrograph.pixels, DEEP)
    assert micrograph.notes == ("named .png, read as TIFF",)


@pytest.mark.parametrize("dtype", ["float32", "int16", "int32", "uint32"])
def test_other_number_types_are_refused(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY.astype(dtype))
    with pytest.raises(InputError, match=rf"a\.tif: allowed are grey .* Received: {dtype} pixels"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("content", [b"", b"these are my notes\n", b"II*\x00", b"\x89PNG\r\n\x1a\n", b"BM\x00\x00"])
def test_no_picture_inside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png: a .* must be .* Received: ") as caught:
        read(tmp_path / "a.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.jpg"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_truncated_files(tmp_path: Path, name: str, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * keep)])
    with (
        warnings.catch_warnings(),
        pytest.raises(InputError, match=r": (a \w+ file|a TIFF) must .*Received: ") as caught,
    ):
        warnings.simplefilter("error")
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_tiff_of_more_rows_than_strips_is_incomplete(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, np.resize(GREY, (32, 32)), rowsperstrip=8)
    assert read(file).pixels.shape == (32, 32)
    with tifffile.TiffFile(file, mode="r+b") as tiff:
        tiff.pages[0].tags["ImageLength"].overwrite(4000)
    with pytest.raises(InputError, match=r"must hold all of its pixels\. Received: 4 of 500 strips or tiles"):
        read(file)


def test_missing_file_and_huge_header(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png: a picture must be a readable file. Received: No such file"):
        read(tmp_path / "gone.png")
    tifffile.imwrite(tmp_path / "a.tif", GREY)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        for tag in ("ImageWidth", "ImageLength"):
            place = tiff.pages[0].tags[tag].valueoffset
            content[place : place + 2] = (60000).to_bytes(2, "little")
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(InputError, match=r"must have 1 to 1000000000 pixels. Received: 60000 x 60000"):
        read(tmp_path / "a.tif")


def test_masks(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 1, 255]], np.uint8)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), [[0, 1, 1]])
    coloured = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    coloured.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    coloured.save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "b.png"), [[0, 1, 1]])
    Image.fromarray(np.array([[False, True]])).save(tmp_path / "c.tif")
    np.testing.assert_array_equal(read_mask(tmp_path / "c.tif"), [[0, 1]])


@needs_data
@pytest.mark.parametrize(
    ("name", "shape", "bar", "pixel_size"),
    [
        ("test_tiff_Zeiss_SEM_1k.tif", (768, 1024), 77, 2615),
        ("test_tiff_Zeiss_SEM_512pix.tif", (384, 512), 34, 11.65),
        ("zeiss_aquami_sample.tif", (768, 1024), 77, 0.543),
        ("FEI-Helios-Ebeam-8bits.tif", (471, 512), 29, 3372.4),
        ("FEI-Helios-Ebeam-16bits.tif", (471, 512), 29, 3372.4),
        ("tescan_1.tif", (1331, 1536), 179, 4.537772),
    ],
)
def test_vendor_files(name: str, shape: tuple[int, int], bar: int, pixel_size: float) -> None:
    micrograph = read(DATA / "vendor_sem" / name)
    assert (micrograph.recorded, micrograph.bar) == (shape, Bar("bottom", bar))
    assert micrograph.pixel_size_nm == pytest.approx(pixel_size, rel=1e-6)
    raw = tifffile.imread(DATA / "vendor_sem" / name)[: shape[0] - bar]
    narrowed = "16bits" in name
    np.testing.assert_array_equal(micrograph.pixels, raw // 256 if narrowed else raw)
    assert micrograph.bit_depth == (16 if "tescan" in name else 8)
    if "tescan" in name:
        assert np.mean(micrograph.pixels == 65535) < 0.05
    kept = read(DATA / "vendor_sem" / name, ReadSettings(bar="keep", pixel_size=7.0))
    assert (kept.pixels.shape, kept.bar, kept.pixel_size_nm) == (shape, None, 7.0)


@needs_data
@pytest.mark.parametrize("name", ["ebc_oxide/as_shipped_rgb/050317#3_S0440016.tif", "superalloy/images/spot6_0d_2.png"])
def test_real_pictures_without_bar(name: str) -> None:
    micrograph = read(DATA / name)
    raw = (tifffile.imread if name.endswith("tif") else lambda p: np.asarray(Image.open(p)))(DATA / name)
    np.testing.assert_array_equal(micrograph.pixels, raw if raw.ndim == 2 else raw[..., 0])
    assert micrograph.bar is None


@pytest.mark.parametrize(
    ("bar", "kept"), [("30", slice(0, 70)), ("0/30", slice(0, 70)), ("20/30", slice(20, 70)), ("20/0", slice(20, 100))]
)
def test_rows_are_cut_off_either_side_as_asked(bar: str, kept: slice, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (100, 120), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(255 * (pixels > 99).astype(np.uint8)).save(tmp_path / "mask.png")
    micrograph = read(tmp_path / "a.png", ReadSettings(bar=bar))
    np.testing.assert_array_equal(micrograph.pixels, pixels[kept])
    assert micrograph.bar is not None and (micrograph.bar.above, 100 - micrograph.bar.below) == (kept.start, kept.stop)
    assert any(note.startswith("rows cut off as asked") for note in micrograph.notes)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png", micrograph), pixels[kept] > 99)


@pytest.mark.parametrize("bar", ["", "0", "0/0", "/30", "30/", "-3", "3.5", "1/2/3", "bottom", "１２", "123456"])
def test_rows_that_are_none_are_refused(bar: str) -> None:
    with pytest.raises(SettingError, match="bar must be auto, keep or a number of rows above 0, or two such as 24/30"):
        ReadSettings(bar=bar)


def test_more_rows_than_there_are_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((100, 120), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="bar must be less than the picture's 100 rows. Received: 60/40"):
        read(tmp_path / "a.png", ReadSettings(bar="60/40"))
