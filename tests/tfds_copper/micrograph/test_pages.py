"""Which page of a TIFF is the picture, and how it is turned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from tests.tfds_copper.micrograph.test_bar import _micrograph, _strip
from tfds_copper.micrograph import open_windows, read, read_mask, windows
from tfds_copper.micrograph.record import BOTTOM, Bar

GREY = np.random.default_rng(0).integers(0, 255, (60, 80), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 255, (15, 20, 3), dtype=np.uint8)
THUMBNAIL = "several pages: the first that is no thumbnail taken"


def pages(path: Path, *parts: tuple[np.ndarray, dict[str, Any]]) -> Any:
    with tifffile.TiffWriter(path) as writer:
        for values, options in parts:
            writer.write(values, metadata=None, **options)
    return read(path)


@pytest.mark.parametrize(
    "thumbnail",
    [
        (GREY[::4, ::4], {"subfiletype": 1}),
        (COLOUR, {"subfiletype": 1, "photometric": "rgb"}),
        # Not all programs mark it.
        (GREY[::4, ::4], {}),
        (COLOUR, {"photometric": "rgb"}),
        # A mask is of the picture's size.
        (GREY > 9, {"subfiletype": 4}),
        (GREY, {"subfiletype": 1}),
    ],
)
def test_a_thumbnail_is_no_picture(tmp_path: Path, thumbnail: tuple[np.ndarray, dict[str, Any]]) -> None:
    found = pages(tmp_path / "a.tif", thumbnail, (GREY + 1, {}), (GREY[::2, ::2], {"subfiletype": 1}))
    np.testing.assert_array_equal(found.pixels, GREY + 1)
    assert found.notes == (THUMBNAIL,)


def test_the_first_page_of_a_stack_or_pyramid(tmp_path: Path) -> None:
    stack = pages(tmp_path / "a.tif", (GREY, {}), (GREY + 1, {}), (GREY[:50], {}))
    np.testing.assert_array_equal(stack.pixels, GREY)
    assert stack.notes == ("several pages: the first taken",)
    # A second picture that is somewhat larger is another picture, not the original of the first.
    np.testing.assert_array_equal(pages(tmp_path / "a.tif", (GREY[:40, :60], {}), (GREY, {})).pixels, GREY[:40, :60])
    marked = pages(tmp_path / "a.tif", (GREY, {"subfiletype": 1}))
    np.testing.assert_array_equal(marked.pixels, GREY)


def test_a_picture_below_its_thumbnail(tmp_path: Path) -> None:
    found = pages(tmp_path / "a.tif", (GREY[::4, ::4], {"subfiletype": 1, "subifds": 1}), (GREY, {}))
    np.testing.assert_array_equal(found.pixels, GREY)


def test_tags_beside_the_thumbnail_or_the_picture(tmp_path: Path) -> None:
    fei = b"[Scan]\nPixelWidth=1e-08\nPixelHeight=1e-08\n[Image]\nResolutionX=80\nResolutionY=60\n"
    tag = {"extratags": [(34682, 1, len(fei), fei, True)]}
    for first, second in ((tag, {}), ({}, tag)):
        found = pages(tmp_path / "a.tif", (GREY[::4, ::4], {"subfiletype": 1, **first}), (GREY, second))
        assert found.pixel_size_nm == 10 and found.metadata.width == 80


def _upright() -> np.ndarray:
    return np.ascontiguousarray(np.vstack([_micrograph(216, 256), _strip(24, 256, 0, 255)]))


def _stored(upright: np.ndarray, tag: int) -> np.ndarray:
    """What a file must hold so that it shows `upright`, by Pillow's own words for each turn."""
    inverse = {6: 8, 8: 6}.get(tag, tag)
    image = Image.fromarray(upright)
    image.getexif()[274] = inverse
    return np.asarray(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("kind", ["tif", "png", "jpg"])
def test_a_picture_is_turned_before_its_bar_is_looked_for(tmp_path: Path, kind: str, tag: int) -> None:
    upright, path = _upright(), tmp_path / f"a.{kind}"
    stored = _stored(upright, tag)
    assert stored.shape == (upright.shape if tag < 5 else upright.shape[::-1])
    if kind == "tif":
        tifffile.imwrite(path, stored, extratags=[(274, 3, 1, tag, True)])
    else:
        image = Image.fromarray(stored)
        exif = image.getexif()
        exif[274] = tag
        image.save(path, exif=exif, **({"quality": 100} if kind == "jpg" else {}))
    found = read(path)
    assert found.bar is not None and found.bar.side == BOTTOM and 24 <= found.bar.rows <= 24 + (kind == "jpg")
    assert np.abs(found.pixels.astype(int) - upright[: len(found.pixels)]).max() <= (5 if kind == "jpg" else 0)
    notes = (f"turned as its orientation tag {tag} says",) if tag > 1 else ()
    assert tuple(n for n in found.notes if n.startswith("turned")) == notes
    np.testing.assert_array_equal(read_mask(path).shape, upright.shape)


@pytest.mark.parametrize("tag", range(1, 9))
def test_large_pictures_are_turned_alike(tmp_path: Path, tag: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LARGE", 0)
    upright = _upright()
    tifffile.imwrite(
        tmp_path / "a.tif", _stored(upright, tag), tile=(64, 48), extratags=[(274, 3, 1, tag, True)], metadata=None
    )
    with open_windows(tmp_path / "a.tif") as found:
        assert found.windows.shape == (216, 256) and found.notes == read(tmp_path / "a.tif").notes
        np.testing.assert_array_equal(found.windows.read(slice(7, 200), slice(30, 250)), upright[7:200, 30:250])


def test_metadata_are_of_the_turned_picture(tmp_path: Path) -> None:
    fei = b"[Scan]\nPixelWidth=1e-08\nPixelHeight=1e-08\n[Image]\nResolutionX=256\nResolutionY=216\n"
    for tag in (4, 6):
        extra = [(274, 3, 1, tag, True), (34682, 1, len(fei), fei, True)]
        tifffile.imwrite(tmp_path / "a.tif", _stored(_upright(), tag), extratags=extra)
        found = read(tmp_path / "a.tif")
        assert (found.pixel_size_nm, found.bar) == (10, Bar(BOTTOM, 24))


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_a_tag_of_no_meaning_turns_nothing(tmp_path: Path, value: int) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, extratags=[(274, 3, 1, value, True)])
    found = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(found.pixels, GREY)
    assert found.notes == ()
