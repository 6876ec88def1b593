"""The two networks are what the paper says, under every precision, and survive being saved."""

from __future__ import annotations

import importlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from copper_tf.config import DECODERS, HEADS, default_config
from copper_tf.models.architecture import network_of
from copper_tf.models.factory import build, build_classifier, build_segmenter
from copper_tf.models.layers import BilinearUpsampling, Convolution, FusedBatchNorm
from copper_tf.models.losses import (
    CorrelationLoss,
    CumulativeLoss,
    MeanMaskDivergence,
    MeanMaskLoss,
    PixelLoss,
    SoftLabelLoss,
    grade_loss,
)
from copper_tf.models.metrics import NMSE, FreeNMSE
from copper_tf.models.ordinal import ConditionalChain, OrderedThresholds
from copper_tf.models.picture_sizes import recomputes_border
from copper_tf.statistics.scores import posterior_median
from copper_tf.utils.keras_objects import KERAS_OBJECTS, PACKAGE
from tests.copper_tf.models.test_heads import head_model
from tfds_copper.errors import SettingError

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16", "float64")


def _count(model: keras.Model, kind: type) -> int:
    return sum(isinstance(layer, kind) for layer in model.layers)


@pytest.mark.parametrize(("n", "N", "d"), [(2, 1, 4), (1, 1, 1), (3, 2, 2), (2, 3, 3)])
def test_depth_is_d_n_N_plus_one(n: int, N: int, d: int) -> None:
    classifier = build_classifier(n=n, N=N, c=4, d=d, labels=16)
    assert _count(classifier, Convolution) == d * n * N + 1
    assert _count(classifier, keras.layers.MaxPooling2D) == d
    assert _count(classifier, keras.layers.Add) == d * N
    assert classifier.output_shape == (None, 16)
    segmenter = build_segmenter(n=n, N=N, c=4, d=d)
    assert _count(segmenter, Convolution) == 2 * d * n * N + 1
    assert _count(segmenter, BilinearUpsampling) == d
    assert _count(segmenter, keras.layers.Add) == 2 * d * N + d
    assert all(layer.filters == 4 for layer in segmenter.layers if isinstance(layer, Convolution))


@pytest.mark.parametrize("policy", POLICIES)
def test_outputs_are_float32_and_as_large_as_the_picture(policy: str) -> None:
    picture = np.random.default_rng(0).normal(size=(2, 32, 48, 1)).astype(np.float32)
    mask = build_segmenter(n=1, N=1, c=4, d=2, policy=policy)(picture, training=True)
    assert mask.dtype == tf.float32 and mask.shape == (2, 32, 48, 1)
    grades = build_classifier(n=1, N=1, c=4, d=2, labels=3, policy=policy)(picture, training=True)
    assert grades.dtype == tf.float32
    np.testing.assert_allclose(grades.numpy().sum(-1), 1, atol=1e-5)


def test_policy_does_not_leak() -> None:
    build(default_config("segmenter"), 4, "mixed_float16")
    assert keras.config.dtype_policy().name == "float32"


def test_unknown_head_and_decoder_are_named() -> None:
    with pytest.raises(SettingError, match="head must be one of softmax, soft, coral, corn. Received: 'probit'"):
        default_config("classifier", head="probit")
    with pytest.raises(SettingError, match="decoder must be one of unet.*Received: 'fpn'"):
        default_config("segmenter", decoder="fpn")
    with pytest.raises(SettingError, match="decoder must be one of unet.*Received: 'fpn'"):
        build_segmenter(n=1, N=1, c=4, d=2, decoder="fpn")
    with pytest.raises(SettingError, match="head must be one of softmax, soft, coral, corn. Received: 'probit'"):
        build_classifier(n=1, N=1, c=4, d=2, labels=3, head="probit")
    assert HEADS.builtin == ("softmax", "soft", "coral", "corn") and DECODERS.builtin == ("unet",)


REGISTERED = [
    Convolution(3, "reflect", name="a"),
    Convolution(2, "zero", name="b"),
    FusedBatchNorm(0.8, 1e-4, relu=True, name="c"),
    BilinearUpsampling(name="d"),
    MeanMaskLoss([1.0, 0.25], [1.0, 0.0], margin=3),
    MeanMaskDivergence([1.0, 0.25], [1.0, 0.0], margin=3),
    PixelLoss([1.0, 0.25], [1.0, 0.0], margin=3),
    CorrelationLoss([1.0, 0.25], [1.0, 0.0], margin=3),
    NMSE([1.0, 0.25], margin=3),
    FreeNMSE([1.0, 0.25], margin=3),
    SoftLabelLoss(),
    CumulativeLoss(),
    ConditionalChain(name="e"),
    OrderedThresholds(4, name="f"),
]


def test_every_registered_object_is_among_those_that_come_back() -> None:
    # Models of layers, which test_keras_contracts saves and loads.
    models = {"Classifier", "Segmenter", "MicrographModel"}
    assert set(KERAS_OBJECTS) == {type(thing).__name__ for thing in REGISTERED} | models
    for name, module in KERAS_OBJECTS.items():
        assert keras.saving.get_registered_name(getattr(importlib.import_module(module), name)) == f"copper_tf>{name}"
    # Whatever else was registered would not be found after `import copper_tf`.
    registered = {name for name in keras.saving.get_custom_objects() if name.startswith(f"{PACKAGE}>")}
    assert registered == {f"{PACKAGE}>{name}" for name in KERAS_OBJECTS}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("thing", REGISTERED, ids=lambda t: type(t).__name__)
def test_registered_objects_come_back(thing: Any, policy: str) -> None:
    config = thing.get_config()
    if isinstance(thing, keras.layers.Layer):
        config["dtype"] = policy
    again = type(thing).from_config(config)
    assert again.get_config() == type(again).from_config(again.get_config()).get_config()
    for name in ("filters", "padding", "momentum", "epsilon", "relu", "margin", "labels"):
        assert getattr(again, name, None) == getattr(thing, name, None)
    assert keras.saving.get_registered_name(type(thing)) == f"copper_tf>{type(thing).__name__}"


def _doubled(x: np.ndarray, axis: int) -> np.ndarray:
    """Bilinear x2 along one axis in float64: 3/4 of the nearest pixel, 1/4 of the next, the edge repeated."""
    x = np.moveaxis(x, axis, 0)
    before, after = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
    both = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], 1)
    return np.moveaxis(both.reshape(-1, *x.shape[1:]), 0, axis)


@pytest.mark.parametrize(("kind", "rounding"), [("float32", 1e-6), ("bfloat16", 2**-8), ("float16", 2**-11)])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 7), (32, 31), (64, 66), (2, 2050), (2049, 3)], ids=str)
def test_upsampling_is_bilinear_and_so_is_its_gradient(size: tuple[int, int], kind: str, rounding: float) -> None:
    draw = np.random.default_rng(0)
    x = tf.cast(draw.normal(size=(2, *size, 3)), kind)
    weights = tf.cast(draw.normal(size=(2, 2 * size[0], 2 * size[1], 3)), kind)
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = BilinearUpsampling(dtype=kind)(x)
    slope = tape.gradient(found, x, output_gradients=weights)
    true = _doubled(_doubled(tf.cast(x, tf.float64).numpy(), 1), 2)
    assert found.dtype == x.dtype and slope.dtype == x.dtype
    np.testing.assert_allclose(tf.cast(found, tf.float64), true, atol=rounding * np.abs(true).max())
    # What a pixel gets back is what it gives: the matrix of the upsampling, turned over.
    matrices = [_doubled(np.eye(side), 0) for side in size]
    back = np.einsum("yi,xj,byxc->bijc", *matrices, tf.cast(weights, tf.float64).numpy(), optimize=True)
    # Of a large map the ends are added to what is rounded already.
    times = 2 if kind == "bfloat16" and recomputes_border(*size, 3) else 1
    np.testing.assert_allclose(tf.cast(slope, tf.float64), back, atol=times * rounding * np.abs(back).max())
    nearest = np.repeat(np.repeat(true[:, ::2, ::2], 2, 1), 2, 2)
    assert size == (1, 1) or np.abs(nearest - true).max() > 5 * rounding * np.abs(true).max()


def test_fused_batch_norm_equals_keras_own() -> None:
    x = np.random.default_rng(0).normal(2, 3, (4, 6, 6, 5)).astype(np.float32)
    mine, theirs = FusedBatchNorm(0.9), keras.layers.BatchNormalization(momentum=0.9)
    np.testing.assert_allclose(mine(x, training=True), theirs(x, training=True), atol=1e-5)
    np.testing.assert_allclose(mine.moving_mean, theirs.moving_mean, atol=1e-5)
    # The fused kernel keeps the unbiased variance: n / (n - 1) of Keras' own.
    unbiased = (np.asarray(theirs.moving_variance) - 0.9) * 144 / 143 + 0.9
    np.testing.assert_allclose(mine.moving_variance, unbiased, rtol=1e-5)
    np.testing.assert_allclose(mine(x), theirs(x), rtol=2e-2, atol=2e-2)


def test_mirrored_borders_are_not_invented() -> None:
    flat = np.full((1, 16, 16, 1), 3.0, np.float32)
    mirrored, zeroed = Convolution(1, "reflect"), Convolution(1, "zero")
    assert np.ptp(mirrored(flat).numpy()) == pytest.approx(0, abs=1e-5)
    assert np.ptp(zeroed(flat).numpy()) > 0.1
    with pytest.raises(ValueError, match="padding must be 'reflect' or 'zero'. Received: 'same'"):
        Convolution(1, "same")


def test_models_come_back_from_disk(tmp_path: Any) -> None:
    model = build_segmenter(n=1, N=1, c=3, d=2)
    model.compile("adam", MeanMaskLoss([1.0, 0.5, 0.0], margin=4), metrics=[NMSE([1.0, 0.5, 0.0], margin=4)])
    x = np.random.default_rng(1).normal(size=(1, 24, 24, 1)).astype(np.float32)
    model.fit(x, np.array([0]), verbose=0)
    model.loss.table.g.assign([0.9, 0.4, 0.1])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(x), again(x))
    # g is checkpointed with the model, as it stands.
    np.testing.assert_allclose(again.loss.table.g, [0.9, 0.4, 0.1])


@pytest.mark.parametrize("head", HEADS)
def test_the_weights_of_every_head_are_counted(head: str) -> None:
    config = default_config("classifier", head=head, c=4, d=2)
    assert network_of(config, 5).parameters == build(config, 5).count_params()


@pytest.mark.slow
@pytest.mark.parametrize("head", HEADS)
def test_every_head_learns_an_order_and_not_a_shuffled_one(head: str) -> None:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(240, 3)).astype(np.float32)
    ranks = np.digitize(features[:, 0], (-0.7, 0.0, 0.7)).astype(np.int32)

    def error(labels: np.ndarray) -> float:
        keras.utils.set_random_seed(0)
        model = head_model(head, 3, 4)
        model.compile(keras.optimizers.Adam(0.05), grade_loss(head), jit_compile=False)
        model.fit(features, labels, epochs=25, batch_size=60, verbose=0)
        shares = model.predict(features, verbose=0)
        np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-4)
        assert shares.min() >= 0
        return float(np.abs(posterior_median(shares) - ranks).mean())

    assert error(ranks) < 0.25
    assert error(draw.permutation(ranks)) > 0.6
