"""Maps of large pictures: files written by pieces, reduced overlays, all of it through the command too."""

from __future__ import annotations

import csv
import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from copper_tf.cli.main import main
from copper_tf.config import Config
from copper_tf.exporters.export import export_run
from copper_tf.inference import map_files as maps
from copper_tf.inference.exported.predictor import ExportedPredictor
from copper_tf.inference.map_files import Overview, map_file
from copper_tf.inference.predictor import RunPredictor
from copper_tf.utils.drawing import scale_bar_length
from tfds_copper.errors import InputError
from tfds_copper.folder.clutter import PREDICTION
from tfds_copper.micrograph import Windows, read, windows

MAP = np.random.default_rng(0).random((611, 533), np.float32)


def _in_pieces(shape: tuple[int, int], step: int = 97) -> list[tuple[slice, slice]]:
    down, across = ([slice(a, min(a + step, side)) for a in range(0, side, step)] for side in shape)
    return [(y, x) for y in down for x in across]


def _written(path: Path, pixel_size_nm: float = math.nan) -> Path:
    with map_file(path, MAP.shape, pixel_size_nm) as write:
        for y, x in reversed(_in_pieces(MAP.shape)):
            write(y, x, MAP[y, x])
        assert not path.exists()
    return path


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every picture a large one."""
    monkeypatch.setattr(windows, "LARGE", 0)
    monkeypatch.setattr(maps, "LARGE", 0)


@pytest.mark.parametrize("room", [maps._CLASSIC, 0])
def test_a_large_map_has_strips_and_its_scale(
    room: int, large: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "_CLASSIC", room)
    with tifffile.TiffFile(_written(tmp_path / "a.tif", 12.5)) as tiff:
        page: Any = tiff.pages[0]
        assert page.is_contiguous and len(page.dataoffsets) == 39 and tiff.is_bigtiff == (room == 0)
        np.testing.assert_array_equal(page.asarray(), MAP)
        across, ones = page.tags["XResolution"].value
        assert across / ones == pytest.approx(80) and page.tags["ResolutionUnit"].value == 1
        assert tiff.imagej_metadata is not None and tiff.imagej_metadata["unit"] == "um"
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), MAP)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.tif")), MAP)


def test_a_small_map_is_what_it_was(tmp_path: Path) -> None:
    maps.write_map(tmp_path / "a.tif", MAP, 12.5)
    assert (tmp_path / "a.tif").read_bytes() == _written(tmp_path / "b.tif", 12.5).read_bytes()


def test_a_map_stopped_half_way_leaves_nothing(large: None, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("an older one")

    def stopped() -> None:
        with map_file(tmp_path / "a.tif", MAP.shape) as write:
            write(slice(0, 97), slice(0, 97), MAP[:97, :97])
            raise KeyboardInterrupt

    pytest.raises(KeyboardInterrupt, stopped)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]
    assert (tmp_path / "a.tif").read_text() == "an older one"


def test_an_overview_holds_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "LARGE", 0)
    monkeypatch.setattr(maps, "OVERLAY_SIDE", 90)
    pixels = np.random.default_rng(1).integers(0, 65535, MAP.shape, dtype=np.uint16)
    overview = Overview(MAP.shape)
    for y, x in _in_pieces(MAP.shape, 101):
        overview.add(y, x, pixels[y, x], MAP[y, x])
    assert overview.reduced == 7 and overview._potency.shape == (88, 77)
    np.testing.assert_allclose(overview._potency[3, 5], MAP[21:28, 35:42].mean(), rtol=1e-5)
    np.testing.assert_allclose(overview._pixels[87, 76], pixels[609:, 532:].mean(), rtol=1e-5)


def test_scale_bars_count_the_micrographs_own_pixels() -> None:
    assert scale_bar_length(1000, 10.0, shown=0.2) == (200, "10 µm")
    assert scale_bar_length(1000, math.nan, shown=0.2) == (200, "1000 px")
    assert scale_bar_length(1000, math.nan, shown=4) == (200, "50 px")


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiled 16-bit TIFF of awkward size."""
    path = tmp_path_factory.mktemp("mosaic") / "mosaic.tif"
    draw = np.random.default_rng(2)
    tifffile.imwrite(path, draw.integers(0, 65535, (333, 517), dtype=np.uint16), tile=(64, 64), compression="zlib")
    return path


def test_a_mosaic_through_the_command(
    mosaic: Path, runs: dict[str, Any], large: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    picture = read(mosaic)
    expected = RunPredictor(runs["segmenter"]).predict(picture.pixels, 16)
    assert expected.map is not None
    monkeypatch.setattr(maps, "OVERLAY_SIDE", 200)
    monkeypatch.setattr("tfds_copper.micrograph.windows.read", None)
    assert main(["predict", str(runs["segmenter"].path), str(mosaic), "-o", str(tmp_path), "--pixel-size", "20"]) == 0
    with tifffile.TiffFile(tmp_path / "maps" / "mosaic.tif") as tiff:
        assert len(tiff.pages[0].dataoffsets) == 21
        np.testing.assert_allclose(tiff.pages[0].asarray(), expected.map, atol=1e-5)
    with (tmp_path / "predictions.csv").open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert float(row["potency"]) == pytest.approx(expected.potency, abs=5.1e-5)
    assert (row["width"], row["height"]) == ("517", "333")
    with Image.open(tmp_path / "overlays" / "mosaic.png") as overlay:
        assert overlay.width < 1000
    assert f"tiles of {mosaic}" in capfd.readouterr().err


def test_a_mosaic_is_graded(mosaic: Path, runs: dict[str, Any], large: None, tmp_path: Path) -> None:
    picture = read(mosaic)
    expected = RunPredictor(runs["classifier"]).predict(picture.pixels, 16).probabilities
    assert main(["predict", str(runs["classifier"].path), str(mosaic), "-o", str(tmp_path)]) == 0
    with (tmp_path / "predictions.csv").open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    np.testing.assert_allclose([float(v) for k, v in row.items() if k.startswith("p(t=")], expected, atol=5.1e-5)


def test_damage_in_a_mosaic_is_one_line_and_no_map(
    mosaic: Path, runs: dict[str, Any], large: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(mosaic.read_bytes())
    data[-2000:] = bytes(2000)
    (tmp_path / "bad.tif").write_bytes(data)
    output = tmp_path / "out"
    assert main(["predict", str(runs["segmenter"].path), str(tmp_path / "bad.tif"), "-o", str(output)]) == 2
    assert "bad.tif: a TIFF file must be complete and intact" in capfd.readouterr().err
    assert {p.name for p in output.rglob("*") if p.is_file()} == {PREDICTION, ".lock"}


@pytest.mark.slow
def test_exports_go_by_tiles_where_they_can(runs: dict[str, Any], large: None, tmp_path: Path) -> None:
    run = runs["segmenter"]
    how = dataclasses.replace(run.normalisation, mode="local", window=31)
    run = dataclasses.replace(run, config=run.config.replace(normalisation="local"), normalisation=how)
    export_run(run, tmp_path / "a")
    pixels = np.random.default_rng(3).integers(0, 255, (203, 331), dtype=np.uint8)
    whole = RunPredictor(run).predict(pixels, 8).map
    exported = ExportedPredictor.load(tmp_path / "a")
    exported.tile = 112
    mask = exported.predict(pixels, 8).map
    assert mask is not None and whole is not None and whole.std() > 1e-3
    assert len(list(exported.map_tiles(Windows.of(pixels, 8)))) > 4
    np.testing.assert_allclose(mask, whole, atol=1e-5)
    # Smaller than the network reaches: mirrored again and again.
    tiny = exported.predict(pixels[:9, :12], 8).map
    np.testing.assert_allclose(tiny, RunPredictor(run).predict(pixels[:9, :12], 8).map, atol=1e-5)

    def with_config(config: Config) -> ExportedPredictor:
        metadata = dataclasses.replace(exported.metadata, config=config)
        return ExportedPredictor(metadata, exported.call, exported.runtime, exported.file, exported.tile)

    itself = with_config(run.config.replace(normalisation="picture"))
    with pytest.raises(InputError, match=r"a.tif: an exported model that normalises .* Received: 331x203"):
        itself.predict(pixels, 8, "a.tif")
    with pytest.raises(InputError, match=r"an exported model that grades takes pictures of at most"):
        with_config(runs["classifier"].config).predict(pixels, 8)
