"""The convolution with reflect padding equals the one of a padded copy: values and gradients, whatever the size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from copper_tf.models import reflect_padding
from copper_tf.models.factory import build_segmenter
from copper_tf.models.layers import Convolution
from copper_tf.models.picture_sizes import recomputes_border
from copper_tf.models.reflect_padding import reflect_convolution

Convolved = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
_FRAME = [[0, 0], [1, 1], [1, 1], [0, 0]]
# Of the largest value: rounded once, and once more where borders are added. Processors also sum float16 in float16.
_TOLERANCE = {"float64": 1e-14, "float32": 2e-6, "bfloat16": 1e-2, "float16": 2e-2}
_SIZES = ((2, 2), (2, 3), (3, 2), (3, 3), (5, 4), (2, 9), (17, 8), (33, 31))


def _framed(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d(tf.pad(x, _FRAME, "REFLECT"), kernel, 1, "VALID")


def _zeros(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d(x, kernel, 1, "SAME")


def _values(size: tuple[int, int], kind: str, channels: int = 5, filters: int = 8) -> list[tf.Tensor]:
    """Map, kernel and gradient of the result, which all precisions can hold."""
    draw = np.random.default_rng(0)
    shapes = ((2, *size, channels), (3, 3, channels, filters), (2, *size, filters))
    return [tf.cast(tf.cast(draw.normal(size=shape), kind), tf.float64) for shape in shapes]


def _all(convolved: Convolved, values: list[tf.Tensor], kind: str) -> list[np.ndarray]:
    """The result and the gradients of map and kernel, in float64."""
    x, kernel, dy = (tf.cast(v, kind) for v in values)

    @tf.function
    def work(x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = convolved(x, kernel)
        return [y, *tape.gradient(y, [x, kernel], output_gradients=dy)]

    return [tf.cast(v, tf.float64).numpy() for v in work(x, kernel, dy)]


def _off(convolved: Convolved, size: tuple[int, int], kind: str) -> float:
    """The largest deviation from the framed one in float64, as a share of the largest value."""
    values = _values(size, kind)
    pairs = zip(_all(_framed, values, "float64"), _all(convolved, values, kind), strict=True)
    return max(float(np.abs(true - found).max() / np.abs(true).max()) for true, found in pairs)


@pytest.mark.parametrize("kind", _TOLERANCE)
@pytest.mark.parametrize("size", _SIZES, ids=str)
def test_values_and_gradients_are_those_of_a_framed_map(size: tuple[int, int], kind: str) -> None:
    assert _off(reflect_convolution, size, kind) < _TOLERANCE[kind]


@pytest.mark.parametrize("size", _SIZES, ids=str)
def test_zeros_at_the_border_are_told_apart(size: tuple[int, int]) -> None:
    assert _off(_zeros, size, "float64") > 5 * _TOLERANCE["float16"]


@pytest.mark.parametrize("kind", _TOLERANCE)
@pytest.mark.parametrize(("size", "rows"), [((64, 5), 32), ((24, 7), 12), ((68, 3), 34), ((33, 4), 11)], ids=str)
def test_blocks_of_rows_add_up(size: tuple[int, int], rows: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflect_padding, "_LARGE", 0)
    x = tf.zeros((1, *size, 2))
    assert reflect_padding._block(x) == rows
    assert _off(reflect_convolution, size, kind) < _TOLERANCE[kind]
    # Blocks alone lack what the rows at a cut give each other.
    x, kernel, dy = _values(size, "float64")
    blocks = [tf.reshape(m, (-1, rows, *m.shape[2:])) for m in (x, dy)]
    alone = reflect_padding._kernel_gradient(blocks[0], kernel, blocks[1], "SAME")
    whole = reflect_padding._kernel_gradient(x, kernel, dy, "SAME")
    assert float(tf.reduce_max(tf.abs(alone - whole)) / tf.reduce_max(tf.abs(whole))) > 5 * _TOLERANCE["float16"]


def test_only_large_maps_of_known_size_are_cut() -> None:
    large = -(-reflect_padding._LARGE // (256 * 4))
    assert reflect_padding._block(tf.zeros((1, 256, large, 1))) == 32
    assert reflect_padding._block(tf.zeros((1, 256, large - 1, 1))) == 0
    assert reflect_padding._block(tf.zeros((1, 257, large, 1))) == 0
    assert reflect_padding._block(keras.KerasTensor((None, None, None, 1))) == 0


def test_gradients_are_finite_differences() -> None:
    x, kernel, dy = _values((4, 3), "float64", 2, 2)
    exact, found = tf.test.compute_gradient(
        lambda x, kernel: tf.reduce_sum(reflect_convolution(x, kernel) * dy), [x, kernel]
    )
    for a, b in zip(exact, found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_no_pass_over_a_map_is_left() -> None:
    """What is written in place leaves what was there before alone."""
    x, kernel, _ = (tf.cast(v, tf.float32) for v in _values((16, 16), "float32"))
    before = x.numpy().copy()

    @tf.function
    def both(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        zeros = _zeros(x, kernel)
        return zeros, reflect_convolution(x, kernel)

    zeros, reflected = both(x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(zeros, _zeros(x, kernel), atol=1e-5)
    np.testing.assert_allclose(reflected, _framed(x, kernel), atol=1e-5)
    made = both.get_concrete_function(x).graph.get_operations()
    frames = [op for op in made if op.type in ("ConcatV2", "MirrorPad", "Pad")]
    assert frames and max(op.outputs[0].shape.num_elements() for op in frames) < tf.size(x)


@pytest.mark.parametrize("shape", [(None, 128, 128, 4), (None, None, None, 4), (3, 64, 65, 4), (2, 16, 16, 4)], ids=str)
def test_the_layer_mends_or_frames_and_keeps_its_shape(shape: tuple[Any, ...]) -> None:
    layer = Convolution(8)
    layer.build(shape)
    traced = tf.function(layer).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    mends = "TensorStridedSliceUpdate" in {op.type for op in traced.graph.get_operations()}
    assert mends == recomputes_border(*shape[1:])
    assert traced.outputs[0].shape.as_list() == [*shape[:3], 8]
    x = np.random.default_rng(0).normal(size=[s or 70 for s in shape]).astype(np.float32)
    np.testing.assert_allclose(layer(x), _framed(x, tf.convert_to_tensor(layer.kernel)), atol=2e-5)


def test_a_picture_is_framed_and_a_large_map_is_mended() -> None:
    assert not any(recomputes_border(*shape) for shape in ((1024, 1024, 1), (32, 32, 16), (None, None, 1)))
    assert recomputes_border(64, 64, 2) and recomputes_border(32, 128, 16) and recomputes_border(None, 8, 16)


def test_weights_are_named_and_shaped_as_before() -> None:
    found = {w.path: tuple(w.shape) for w in build_segmenter(n=1, N=1, c=3, d=1).weights}
    assert found["stem_conv/kernel"] == (3, 3, 1, 3) and found["up0_block1_1_conv/kernel"] == (3, 3, 3, 3)
    assert sum(path.endswith("_conv/kernel") for path in found) == 3


def test_a_second_gradient_is_refused() -> None:
    x, kernel, _ = (tf.cast(v, tf.float32) for v in _values((8, 8), "float32"))

    @tf.function
    def twice(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(tf.square(reflect_convolution(x, kernel)))
            slope = tf.reduce_sum(tf.square(inner.gradient(y, x)))
        return outer.gradient(slope, x)

    with pytest.raises(Exception, match="first gradients only"):
        twice(x)
