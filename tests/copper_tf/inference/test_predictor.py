"""Whole micrographs: tiled equals whole, whatever the size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from copper_tf.data.normalisation import Normalisation, grey
from copper_tf.inference import tiling
from copper_tf.inference.predictor import RunPredictor
from copper_tf.models.factory import build
from copper_tf.runs.labels import Labels
from copper_tf.runs.run import Run
from tests.conftest import small
from tfds_copper.errors import InputError
from tfds_copper.micrograph import Windows


def _trained_looking(kind: str, d: int, **settings: Any) -> tuple[Run, Any]:
    """A run whose network has neither saturated nor flat outputs."""
    config = small(kind, d=d, **settings)
    model = build(config, 5)
    draw = np.random.default_rng(0)
    for weight in model.weights:
        if "moving_mean" in weight.path or "beta" in weight.path:
            weight.assign(draw.normal(0, 0.2, weight.shape))
        if "gamma" in weight.path:
            weight.assign(draw.uniform(0.2, 0.5, weight.shape))
    last = model.get_layer("logit" if kind == "segmenter" else "probabilities")
    before = keras.Model(model.input, last.input)(draw.normal(size=(1, 64, 64, 1)).astype(np.float32))
    logits = np.asarray(before) @ np.asarray(last.kernel).reshape(-1, last.kernel.shape[-1])
    spread = logits.std() if kind == "segmenter" else np.abs(logits).max()
    last.kernel.assign(last.kernel / spread)
    last.bias.assign(last.bias - (logits / spread).reshape(-1, logits.shape[-1]).mean(0))
    norm = Normalisation(config.data.normalisation, 0.5, 0.29, config.data.window)
    return Run(Path("unused"), config, Labels((0, 1, 2, 3, 4), ""), (1, 0.8, 0.5, 0.2, 0), norm, {}), model


@pytest.mark.parametrize("normalisation", ["dataset", "picture", "local"])
@pytest.mark.parametrize(("d", "tile", "shapes"), [(2, 112, ((157, 301), (61, 47))), (3, 208, ((259, 128), (96, 415)))])
def test_tiled_equals_whole(d: int, tile: int, shapes: tuple[tuple[int, int], ...], normalisation: str) -> None:
    run, model = _trained_looking("segmenter", d, normalisation=normalisation)
    # One network, traced once, for pictures of all shapes.
    predictor = RunPredictor(run, model=model)
    for shape in shapes:
        pixels = np.random.default_rng(1).integers(0, 255, shape).astype(np.uint8)
        predictor.tile = 4096
        whole = predictor.predict(pixels, 8)
        predictor.tile = tile
        tiled = predictor.predict(pixels, 8)
        assert whole.map is not None and tiled.map is not None
        assert whole.map.shape == shape and whole.map.std() > 0.01
        assert np.abs(whole.map - tiled.map).max() < 1e-5
        assert whole.potency == pytest.approx(float(whole.map.mean()), abs=1e-6)


@pytest.mark.parametrize("d", [2, 3])
def test_tiled_grades_equal_whole_ones(d: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 65535, (171, 260)).astype(np.uint16)
    run, model = _trained_looking("classifier", d)
    whole = RunPredictor(run, tile=4096, model=model).predict(pixels, 16).probabilities
    tiled = RunPredictor(run, tile=96, model=model).predict(pixels, 16).probabilities
    assert whole is not None and tiled is not None
    assert np.abs(whole - tiled).max() < 1e-5
    assert whole.sum() == pytest.approx(1, abs=1e-5) and whole.max() < 0.999


@pytest.mark.parametrize("mode", ["dataset", "picture", "local"])
@pytest.mark.parametrize("window", [31, 99])
def test_normalised_by_windows_equals_whole(mode: str, window: int) -> None:
    """A wide row, so that sums which run along it would show, and a window larger than the picture is high."""
    draw = np.random.default_rng(4)
    pixels = (40000 + 8000 * np.sin(np.arange(20_000) / 700) + draw.normal(0, 900, (67, 20_000))).astype(np.uint16)
    norm, source = Normalisation(mode, 0.4, 0.1, window), Windows.of(pixels, 16)
    whole, read = norm.apply(grey(pixels, 16)), norm.by_windows(source)
    for rows, columns in (
        (slice(0, 67), slice(0, 1280)),
        (slice(3, 60), slice(9001, 9500)),
        (slice(60, 67), slice(19990, 20000)),
    ):
        assert np.abs(read(rows, columns) - whole[rows, columns]).max() < 1e-5
    assert whole.std() > 0.3


def test_a_picture_is_normalised_by_exact_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    from tfds_copper.micrograph import windows

    monkeypatch.setattr(windows, "_BLOCK", 50)
    pixels = np.random.default_rng(5).integers(0, 255, (130, 170)).astype(np.uint8)
    read = Normalisation("picture", 0.4, 0.1, 31).by_windows(Windows.of(pixels, 8))
    values = pixels / 255
    expected = (values - values.mean()) / values.std()
    assert np.abs(read(slice(0, 130), slice(0, 170)) - expected).max() < 1e-5


def test_progress_is_told_after_each_tile() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (157, 301)).astype(np.uint8)
    run, model = _trained_looking("segmenter", 2)
    told: list[tuple[int, int, str]] = []
    predictor = RunPredictor(run, tile=112, model=model)
    pieces = list(predictor.map_tiles(Windows.of(pixels, 8), "a.tif", lambda *values: told.append(values)))
    assert told == [(k, len(pieces), "tiles of a.tif") for k in range(1, len(pieces) + 1)] and len(pieces) > 4
    assert sum(piece.potency.size for piece in pieces) == pixels.size


@pytest.mark.parametrize("padding", ["reflect", "zero"])
def test_a_mirrored_picture_goes_on_as_it_is_mapped(padding: str) -> None:
    """The map of a picture is the middle of the map of the picture with its mirror images around it, but for zeros."""
    pixels = np.random.default_rng(7).integers(0, 255, (60, 72)).astype(np.uint8)
    run, model = _trained_looking("segmenter", 2, padding=padding)
    predictor = RunPredictor(run, model=model)
    mask, larger = (predictor.predict(p, 8).map for p in (pixels, np.pad(pixels, 60, mode="symmetric")))
    assert mask is not None and larger is not None
    assert (np.abs(mask - larger[60:-60, 60:-60]).max() < 1e-5) == (padding == "reflect")


@pytest.mark.slow
def test_a_tile_that_cuts_too_close_would_show() -> None:
    """The control: with less context than the network's reach, seams appear."""
    pixels = np.random.default_rng(1).integers(0, 255, (157, 301)).astype(np.uint8)
    run, model = _trained_looking("segmenter", 3)

    class Hasty(RunPredictor):
        def _cuts(self, shape: tuple[int, ...]) -> Any:
            return tiling.cuts((shape[0], shape[1]), 112, 4, 3)

    whole, hasty = (kind(run, tile=4096, model=model).predict(pixels, 8).map for kind in (RunPredictor, Hasty))
    assert np.abs(whole - hasty).max() > 1e-4


def test_grades_by_mode_and_by_median() -> None:
    from copper_tf.inference.predictor import Prediction

    answer = Prediction(None, np.array([0.4, 0.0, 0.1, 0.3, 0.2]))
    assert (answer.grade, answer.median_grade) == (0, 2)
    with pytest.raises(ValueError, match="a classifier gives no potency"):
        _ = answer.potency


def test_a_picture_too_small_is_named() -> None:
    run, model = _trained_looking("segmenter", 3)
    with pytest.raises(InputError, match=r"tiny.png: this network needs pictures of at least 16x16 px. Received: 40x9"):
        RunPredictor(run, model=model).predict(np.zeros((9, 40), np.uint8), 8, "tiny.png")


@pytest.mark.parametrize(("padding", "framed"), [("reflect", False), ("zero", True)])
@pytest.mark.parametrize("normalisation", ["dataset", "local"])
def test_what_goes_on_beyond_the_border_has_no_frame(padding: str, framed: bool, normalisation: str) -> None:
    """Stripes from edge to edge: only an invented border can make the map vary along them; zeros are the control."""
    run, model = _trained_looking("segmenter", 2, padding=padding, normalisation=normalisation)
    stripes = np.repeat(np.random.default_rng(6).integers(0, 255, (1, 98)).astype(np.uint8), 131, 0)
    for pixels, axis in ((stripes, 0), (np.ascontiguousarray(stripes.T), 1)):
        mask = RunPredictor(run, tile=112, model=model).predict(pixels, 8).map
        assert mask is not None and mask.std(1 - axis).max() > 0.01
        assert (np.ptp(mask, axis).max() > 1e-2) == framed
        assert framed or np.ptp(mask, axis).max() < 1e-5
