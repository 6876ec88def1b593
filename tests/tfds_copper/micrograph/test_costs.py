"""What a picture costs is known before it is decoded: its bytes, of all channels, and how often it is gone over."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, JpegImagePlugin

from tfds_copper.errors import InputError
from tfds_copper.micrograph import ReadSettings, read

_GREY = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)


def _scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is there many times."""
    stream = io.BytesIO()
    Image.fromarray(_GREY).save(stream, "JPEG", progressive=True)
    jpeg = stream.getvalue()
    begin = jpeg.rindex(b"\xff\xda")
    there = jpeg.count(b"\xff\xda")
    return jpeg[:-2] + jpeg[begin:-2] * (count - there) + jpeg[-2:]


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(_scans(100))
    assert read(file).pixels.shape == (64, 64)
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", lambda _: pytest.fail("it was decoded"))
    for count in (101, 2000):
        file.write_bytes(_scans(count))
        with pytest.raises(InputError, match=f"must have at most 100 scans.* Received: {count} of 64 x 64 pixels"):
            read(file)


def test_a_large_jpeg_has_no_more_scans_than_progressive_ones_have(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(_scans(11))
    assert read(tmp_path / "a.jpg", ReadSettings(max_pixels=2 * 64 * 64)).pixels.shape == (64, 64)
    with pytest.raises(InputError, match="10 where it is large. Received: 11 of 64 x 64"):
        read(tmp_path / "a.jpg", ReadSettings(max_pixels=64 * 64))


def test_scans_within_a_tiff_are_counted_as_well(tmp_path: Path) -> None:
    whole = tmp_path / "a.tif"
    tifffile.imwrite(whole, _GREY, compression="jpeg")
    with tifffile.TiffFile(whole) as tiff:
        page = tiff.pages[0]
        begin, count, place = page.dataoffsets[0], page.databytecounts[0], page.tags["StripByteCounts"].valueoffset
    data, jpeg = bytearray(whole.read_bytes()), _scans(300)
    assert begin + count == len(data) or begin < place
    with tifffile.TiffFile(whole) as tiff:
        tags = {name: tiff.pages[0].tags[name].valueoffset for name in ("StripOffsets", "StripByteCounts")}
    data += jpeg
    data[tags["StripOffsets"] : tags["StripOffsets"] + 4] = (len(data) - len(jpeg)).to_bytes(4, "little")
    data[tags["StripByteCounts"] : tags["StripByteCounts"] + 4] = len(jpeg).to_bytes(4, "little")
    whole.write_bytes(data)
    with pytest.raises(InputError, match="Received: 300 of 64 x 64"):
        read(whole)


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_the_limit_is_one_of_bytes_of_all_channels(kind: str, tmp_path: Path) -> None:
    """As many pixels as are allowed may be grey values of 16 bits; three channels of 16 take three times that."""
    file, limit = tmp_path / f"a.{kind}", ReadSettings(max_pixels=64 * 64)

    def written(values: np.ndarray) -> Path:
        if kind == "png":
            file.write_bytes(imagecodecs.png_encode(values))
        else:
            tifffile.imwrite(file, values, photometric="rgb" if values.ndim == 3 else "minisblack")
        return file

    deep = _GREY.astype(np.uint16) * 257
    for grey in (_GREY, deep):
        assert read(written(grey), limit).pixels.shape == (64, 64)
    for colour, held in ((np.dstack([_GREY] * 3), 3), (np.dstack([deep] * 3), 6)):
        assert read(written(colour)).pixels.shape == (64, 64)
        with pytest.raises(InputError, match=rf"at most 8192 bytes, all channels together. .* pixels of {held} bytes"):
            read(written(colour), limit)


def test_a_palette_counts_as_its_colours(tmp_path: Path) -> None:
    Image.fromarray(_GREY).convert("P").save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").pixels.shape == (64, 64)
    with pytest.raises(InputError, match="at most 8192 bytes, all channels together. .* pixels of 3 bytes"):
        read(tmp_path / "a.png", ReadSettings(max_pixels=64 * 64))
