"""Receptive fields by arithmetic against those measured on the networks themselves; tiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from copper_tf.config import DECODERS, PAPER, default_config
from copper_tf.inference import tiling
from copper_tf.models import picture_sizes
from copper_tf.models.architecture import FEATURES, classifier_network, network_of, segmenter_network
from copper_tf.models.builder import NetworkBuilder
from copper_tf.models.factory import build, build_classifier, build_segmenter
from copper_tf.models.network import Layer, Network
from copper_tf.statistics import chords


@pytest.mark.parametrize(("d", "width"), [(2, 36), (3, 80), (4, 168)])
def test_known_receptive_fields(d: int, width: int) -> None:
    assert segmenter_network(n=2, N=1, c=4, d=d).receptive_field == width


def _linear(model):  # type: ignore[no-untyped-def]
    """Makes every path of a network visible: positive kernels, so that no ReLU closes one."""
    for weight in model.weights:
        if "kernel" in weight.path:
            weight.assign(np.full(weight.shape, 0.05, np.float32))
    return model


def _seen(network: keras.Model, size: int, pick: tuple[int, int]) -> tuple[int, int]:
    """First and last input row with any influence on one output; pools route it anew for each of several pictures."""
    pictures = tf.Variable(np.random.default_rng(0).random((12, size, size, 1), np.float32))
    with tf.GradientTape() as tape:
        output = network(pictures, training=False)[:, pick[0], pick[1], 0]
    rows = np.flatnonzero(np.abs(tape.gradient(output, pictures).numpy()).sum((0, 2, 3)) > 0)
    return int(rows[0]), int(rows[-1])


@pytest.mark.parametrize(("n", "N", "d"), [(2, 1, 2), (1, 2, 2), (1, 1, 3)])
def test_segmenter_sees_what_arithmetic_says(n: int, N: int, d: int) -> None:
    assert_sees_what_arithmetic_says(n, N, d, "unet")


def assert_sees_what_arithmetic_says(n: int, N: int, d: int, decoder: str) -> None:
    model = _linear(build_segmenter(n=n, N=N, c=1, d=d, padding="zero", decoder=decoder))
    described = segmenter_network(n=n, N=N, c=1, d=d, decoder=decoder)
    network = keras.Model(model.input, model.get_layer("logit").output)
    size, middle = 2**d * 24, 2**d * 12
    widths = []
    for phase in range(2**d):
        low, high = _seen(network, size, (middle + phase, middle))
        widths.append(high - low + 1)
        assert max(middle + phase - low, high - middle - phase) <= described.reach
    assert round(float(np.mean(widths))) == described.receptive_field
    assert described.parameters == model.count_params()


def test_classifier_sees_what_arithmetic_says() -> None:
    model = _linear(build_classifier(n=2, N=1, c=1, d=2, labels=3, padding="zero"))
    low, high = _seen(keras.Model(model.input, model.get_layer(FEATURES).output), 96, (12, 12))
    described = classifier_network(n=2, N=1, c=1, d=2, labels=3)
    assert {layer.name: layer.text for layer in described.layers}[FEATURES] == ""
    assert high - low + 1 == described.receptive_field
    assert max(48 - low, high - 51) == described.reach
    assert described.parameters == model.count_params()


def _blur(policy: Any, name: str) -> keras.layers.Layer:
    return keras.layers.AveragePooling2D(5, 1, padding="same", dtype=policy, name=name)


def _short_decoder(network: NetworkBuilder, x: Layer, skips: Sequence[Layer]) -> Layer:
    """No convolutions on the way up, no skips, and a layer that the description can't know."""
    x = network.custom([x], "blur", _blur, radius=2)
    for level in reversed(range(len(skips))):
        x = network.upsample(x, f"up{level}_bilinear")
    return network.conv1x1(x, network.c, "mix", activation="relu")


def test_a_registered_decoder_has_its_own_receptive_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECODERS, "short", _short_decoder)
    assert_sees_what_arithmetic_says(2, 1, 2, "short")
    config = default_config("segmenter", decoder="short")
    assert network_of(config).receptive_field != network_of(default_config("segmenter")).receptive_field
    texts = {layer.name: layer.text for layer in network_of(config).layers}
    assert texts["blur"] == "blur" and texts["mask"] == "sigmoid" and texts["up0_bilinear"] == "bilinear ×2"
    assert network_of(config, 5).parameters == build(config, 5).count_params()
    assert network_of(config).is_local and network_of(default_config("segmenter")).is_local


def test_a_decoder_that_averages_sees_the_whole_picture() -> None:
    from benchmarks.acceptance.painter import PAINTER

    network = network_of(default_config("segmenter", PAPER, decoder=PAINTER))
    assert not network.is_local
    # What the average adds is no matter of a border of context.
    assert network.reach < 64
    assert network.parameters == build(default_config("segmenter", PAPER, decoder=PAINTER), 3).count_params()
    assert "looks at the whole picture" in chords.warning(math.inf, 30)


@pytest.mark.parametrize("length", [16, 64, 400, 1280, 4096])
@pytest.mark.parametrize(("size", "margin", "d"), [(160, 19, 2), (256, 43, 3), (1280, 91, 4)])
def test_tiles_cover_once_with_enough_context(length: int, size: int, margin: int, d: int) -> None:
    cut = tiling.tiles(length, size, margin, d)
    covered = [p for tile in cut for p in range(tile.keep_start, tile.keep_stop)]
    assert covered == list(range(length))
    for tile in cut:
        assert tile.start % 2**d == 0 and tile.size == cut[0].size
        assert tile.start + tile.size <= length
        assert tile.keep_start == 0 or tile.keep_start - tile.start >= margin
        assert tile.keep_stop == length or tile.start + tile.size - tile.keep_stop >= margin


@pytest.mark.parametrize("length", [9, 61, 400, 1001, 4099])
@pytest.mark.parametrize(("size", "margin", "d", "frame"), [(16, 19, 2, 20), (256, 43, 3, 48), (1280, 91, 4, 0)])
def test_cuts_reach_beyond_the_picture(length: int, size: int, margin: int, d: int, frame: int) -> None:
    cut = [row for row, column in tiling.cuts((length, 2**d), size, margin, d, frame)]
    kept = [p for tile in cut for p in range(length)[tile.kept(length)]]
    assert kept == list(range(length))
    assert cut[0].start == -frame and cut[-1].start + cut[-1].size >= length + frame
    for tile in cut:
        window, (before, behind) = range(length)[tile.window(length)], tile.beyond(length)
        assert before + len(window) + behind == tile.size and tile.start % 2**d == 0
        assert range(tile.start, tile.start + tile.size)[tile.inner(length)] == range(length)[tile.kept(length)]
        # Mirroring a window must be mirroring the picture.
        assert len(window) == length or max(before, behind) <= len(window)


@pytest.mark.parametrize(
    ("kind", "n", "N", "d", "width", "reach"),
    [
        ("classifier", 1, 1, 1, 6, 2), ("classifier", 2, 1, 2, 18, 7), ("classifier", 1, 2, 2, 18, 7),
        ("classifier", 3, 1, 1, 10, 4), ("classifier", 2, 1, 4, 78, 31), ("segmenter", 1, 1, 1, 10, 5),
        ("segmenter", 2, 1, 2, 36, 19), ("segmenter", 1, 3, 1, 18, 9), ("segmenter", 2, 1, 4, 168, 91),
    ],
)  # fmt: skip
def test_receptive_fields_and_reaches(kind: str, n: int, N: int, d: int, width: int, reach: int) -> None:
    network = network_of(default_config(kind, n=n, N=N, d=d))
    assert network.receptive_field == width and network.reach == reach
    described = (
        classifier_network(n=n, N=N, c=3, d=d, labels=4)
        if kind == "classifier"
        else segmenter_network(n=n, N=N, c=3, d=d)
    )
    assert described.receptive_field == width and described.reach == reach
    # The paper's D; on the way up there are as many again.
    assert len(described.convolutions) == (1 if kind == "classifier" else 2) * d * n * N + 1


def test_a_map_of_half_the_size_sees_as_far_from_each_of_its_pixels() -> None:
    network = NetworkBuilder(n=1, N=1, c=1, d=3)
    x = network.input()
    for k in range(3):
        x = network.max_pool(x, f"down{k}")
    for k in range(2):
        x = network.upsample(x, f"up{k}")
    described = Network("half", tuple(network.layers))
    # Two steps up, a pixel is the weighted mean of up to three of the deepest, each 8 px wide.
    assert [described.input_span(pixel) for pixel in range(4)] == [(-8, 7), (-8, 15), (-8, 15), (0, 15)]
    assert described.receptive_field == 20 and described.reach == 12


def test_without_a_stage_the_stem_is_left() -> None:
    network = classifier_network(n=2, N=1, c=1, d=0, labels=2)
    assert network.receptive_field == 3 and network.reach == 1


@pytest.mark.parametrize(
    ("size", "recomputed"),
    [
        ((64, 64, 2), True), ((64, 63, 2), False), ((4096, 1, 2), True), ((64, 64, 1), False), ((999, 999, 1), False),
        ((None, None, 2), True), ((None, 8, 2), True), ((8, None, 2), True), ((None, 8, 1), False),
        ((8, None, 1), False),
    ],
)  # fmt: skip
def test_borders_of_large_maps_of_several_channels_are_recomputed(size: tuple[Any, Any, int], recomputed: bool) -> None:
    assert picture_sizes.recomputes_border(*size) is recomputed


@pytest.mark.parametrize(
    ("size", "d", "padded"), [(1, 2, 4), (4, 2, 4), (5, 2, 8), (17, 4, 32), (16, 4, 16), (9, 1, 10)]
)
def test_sizes_are_padded_to_the_grid(size: int, d: int, padded: int) -> None:
    assert picture_sizes.padded_size(size, d) == padded


@pytest.mark.parametrize(
    ("d", "margin", "side"),
    [(4, 0, 32), (4, 20, 64), (2, 20, 44), (2, 0, 8), (2, 1, 8), (2, 3, 12), (1, 1, 4), (1, 2, 6)],
)
def test_smallest_picture(d: int, margin: int, side: int) -> None:
    assert picture_sizes.smallest_picture(d, margin) == side
    if not margin:
        assert picture_sizes.smallest_picture(d) == side
