"""Batch normalisation with its ReLU in one layer is the two, bit for bit, and its gradient stays fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

# TensorFlow shows the graph that it runs in the end nowhere else.
from tensorflow.python.eager import context

from copper_tf.models.fused_batch_norm import relu_gradient_as_integers
from copper_tf.models.layers import FusedBatchNorm


def _steps(layer: FusedBatchNorm, x: tf.Tensor, dy: tf.Tensor) -> list[tf.Tensor]:
    """What a normalisation with ReLU gives, and the gradients of picture, scale and offset."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        y = y if layer.relu else tf.nn.relu(y)
    return [y, *tape.gradient(y, [x, layer.gamma.value, layer.beta.value], output_gradients=dy)]


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "float16"])
def test_the_relu_of_a_norm_is_any_relu(kind: str, traced: bool) -> None:
    draw = np.random.default_rng(0)
    x, dy = (tf.cast(draw.normal(size=(2, 9, 8, 6)), kind) for _ in range(2))
    # A channel of one value is normalised to its offset: 0, which passes nothing.
    x *= tf.constant([1, 1, 1, 1, 1, 0], kind)
    found = []
    for relu in (False, True):
        layer = FusedBatchNorm(relu=relu, dtype=kind)
        layer.build(x.shape)
        layer.gamma.assign(np.linspace(-1, 2, 6))
        trained = (tf.function(_steps) if traced else _steps)(layer, x, dy)
        y = layer(x)
        values = [*trained, layer.moving_mean, layer.moving_variance, y if relu else tf.nn.relu(y)]
        found.append([tf.cast(v, tf.float64).numpy() for v in values])
    for plain, fused in zip(*found, strict=True):
        np.testing.assert_array_equal(plain, fused)
    y, dx, _, offset = found[1][:4]
    assert (y == 0).any() and (y > 0).any() and np.abs(dx[..., :5]).max() > 0 and offset[5] == 0


@pytest.fixture
def graphs() -> Iterator[Any]:
    """Gives what has been run, as TensorFlow's optimisers left it."""
    context.enable_run_metadata()
    try:
        yield lambda: context.export_run_metadata().partition_graphs
    finally:
        context.disable_run_metadata()


def _before(nodes: dict[str, Any], name: str) -> set[str]:
    """All that a node waits for."""
    found, waiting = set[str](), [name]
    while waiting:
        for given in nodes[waiting.pop()].input:
            if (one := given.lstrip("^").split(":")[0]) not in found:
                found.add(one)
                waiting.append(one)
    return found


@pytest.mark.skipif(not relu_gradient_as_integers(tf.bfloat16), reason="a GPU computes no gradient on integers")
def test_the_gradient_on_integers_is_not_made_in_place(graphs: Any) -> None:
    """In place its kernel is ten times slower; TensorFlow's optimisers must leave what prevents that."""
    layer, x = FusedBatchNorm(relu=True, dtype="bfloat16"), tf.cast(tf.ones((2, 8, 8, 4)), "bfloat16")
    layer.build(x.shape)
    tf.function(_steps)(layer, x, 2 * x)
    nodes = {node.name: node for graph in graphs() for node in graph.node}
    (holding,) = (node for node in nodes.values() if node.op == "Assert")
    (slope,) = (node for node in nodes.values() if node.op == "ReluGrad")
    assert {nodes[name].input[0] for name in slope.input} == set(holding.input[1:3])
    assert slope.name in _before(nodes, holding.name)


@pytest.mark.skipif(not relu_gradient_as_integers(tf.bfloat16), reason="a GPU computes no gradient on integers")
@pytest.mark.parametrize("source", ["x", "dy"])
@pytest.mark.parametrize("traced", [False, True])
def test_a_second_gradient_is_refused(source: str, traced: bool) -> None:
    x = tf.cast(tf.random.stateless_normal((2, 4, 4, 3), (0, 1)), "bfloat16")
    layer, weights = FusedBatchNorm(relu=True, dtype="bfloat16"), tf.ones_like(x)
    layer.build(x.shape)

    def twice(x: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as outer:
            outer.watch([x, weights])
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(layer(x, training=True) * weights)
            slope = tf.reduce_sum(inner.gradient(y, x) ** 2)
        return outer.gradient(slope, {"x": x, "dy": weights}[source])

    # While it traces, TensorFlow makes an error of its own of it.
    with pytest.raises(Exception, match="first gradients only"):
        (tf.function(twice) if traced else twice)(x, weights)
