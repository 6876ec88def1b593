"""Layers and models do what Keras' users rely on, whatever keras.json or a notebook has set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from copper_tf.exporters.keras_model import run_keras_model
from copper_tf.models.factory import build_classifier, build_segmenter
from copper_tf.models.layers import BilinearUpsampling, Convolution, FusedBatchNorm
from copper_tf.models.losses import CorrelationLoss, MeanMaskLoss
from copper_tf.models.metrics import NMSE
from copper_tf.utils.tensorflow import check_backend, keras_defaults
from tests.conftest import ROOT, small
from tfds_copper.errors import SettingError

_LIMITS = {"epsilon": 0.01, "max_epochs": 1, "max_steps_per_epoch": 1}
FOREIGN: dict[str, dict[str, Any]] = {
    "float16": {"floatx": "float16", "image_data_format": "channels_first", **_LIMITS},
    "float64": {"floatx": "float64", "dtype_policy": "mixed_float16"},
}


@pytest.fixture(params=list(FOREIGN))
def foreign(request: Any) -> Iterator[str]:
    """Global settings of somebody else."""
    with keras_defaults():
        for name, value in FOREIGN[request.param].items():
            getattr(keras.config, f"set_{name}")(value)
        yield request.param


def _picture(height: int = 32, width: int = 32, batch: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(2, 1, (batch, height, width, 1)).astype(np.float32)


def _models() -> dict[str, keras.Model]:
    return {
        "classifier": build_classifier(n=1, N=1, c=4, d=2, labels=3),
        "segmenter": build_segmenter(n=1, N=1, c=4, d=2),
    }


@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_what_is_not_trainable_is_not_trained(kind: str, eager: None) -> None:
    model = _models()[kind]
    for layer in model.layers[:-2]:
        layer.trainable = False
    before = {w.path: np.array(w) for w in model.weights}
    loss = "sparse_categorical_crossentropy" if kind == "classifier" else MeanMaskLoss([1.0, 0.5, 0.0])
    model.compile("sgd", loss)
    model.fit(_picture(), np.zeros(2), verbose=0)
    changed = {w.path for w in model.weights if not np.array_equal(np.array(w), before[w.path])}
    assert changed == {w.path for layer in model.layers[-2:] for w in layer.weights}
    # A model as a whole, and one inside another.
    model.trainable = False
    inner = np.array([w.numpy().sum() for w in model.weights])
    keras.Sequential([model])(_picture(), training=True)
    np.testing.assert_array_equal(inner, [w.numpy().sum() for w in model.weights])


def test_a_frozen_batch_norm_is_as_that_of_keras() -> None:
    mine, theirs = FusedBatchNorm(), keras.layers.BatchNormalization(momentum=0.9)
    x = np.random.default_rng(0).normal(3, 2, (2, 5, 5, 3)).astype(np.float32)
    for layer in (mine, theirs):
        layer(x)
        layer.trainable = False
    np.testing.assert_allclose(mine(x, training=True), theirs(x, training=True), rtol=1e-5)
    assert not mine.trainable_weights
    mine.trainable = True
    assert np.abs(np.asarray(mine(x, training=True)).mean()) < 1e-5


LAYERS = [Convolution(4, "zero"), FusedBatchNorm(relu=True), Convolution(4), BilinearUpsampling()]


@pytest.mark.parametrize("layer", LAYERS, ids=["zero", "norm", "reflect", "bilinear"])
def test_layers_say_whether_xla_takes_them(layer: Any) -> None:
    x = tf.constant(np.random.default_rng(0).normal(size=(1, 64, 64, 4)), tf.float32)
    layer(x)

    def slope(x: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.square(layer(x)))
        return tape.gradient(y, x)

    compiled = tf.function(slope, jit_compile=True)
    if layer.supports_jit:
        np.testing.assert_allclose(compiled(x), slope(x), rtol=1e-3, atol=1e-3)
    else:
        with pytest.raises(tf.errors.OpError):
            compiled(x)


@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_a_machine_with_a_gpu_leaves_xla_out(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tf.config.PhysicalDevice
    listed = [device("/physical_device:CPU:0", "CPU"), device("/physical_device:GPU:0", "GPU")]
    model = _models()[kind]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: listed)
    model.compile("adam", "sparse_categorical_crossentropy")
    assert model.jit_compile is False
    with pytest.warns(UserWarning, match="jit_compile"):
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=True)
    zero = build_classifier(n=1, N=1, c=4, d=1, labels=3, padding="zero")
    zero.compile("adam", "sparse_categorical_crossentropy")
    assert zero.jit_compile is True


def test_networks_do_not_hang_on_global_settings(foreign: str) -> None:
    with keras_defaults():
        expected = {kind: (model, np.asarray(model(_picture()))) for kind, model in _models().items()}
    for kind, model in _models().items():
        theirs, result = expected[kind]
        assert model.input.dtype == "float32" and {w.dtype for w in model.weights} == {"float32"}
        model.set_weights(theirs.get_weights())
        np.testing.assert_array_equal(model(_picture()), result)
        again = type(model).from_config(model.get_config())
        again.set_weights(theirs.get_weights())
        np.testing.assert_array_equal(again(_picture()), result)


@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_losses_and_metrics_are_float32(floatx: str, eager: None) -> None:
    with keras_defaults():
        keras.config.set_floatx(floatx)
        model = build_segmenter(n=1, N=1, c=4, d=1)
        loss = CorrelationLoss([1.0, 0.5, 0.0], edge_weight=0.3)
        model.compile("sgd", loss, metrics=[NMSE([1.0, 0.5, 0.0])])
        logs = model.fit(_picture(), np.array([0, 2]), verbose=0).history
    assert {loss.sharpening.dtype, loss.table.g.dtype, loss.table.weights.dtype} == {"float32"}
    assert np.isfinite(list(logs.values())).all()


def test_layers_work_in_float64(eager: None) -> None:
    x = tf.constant(_picture(), tf.float64)
    single, double = (build_segmenter(n=1, N=1, c=4, d=2, policy=policy) for policy in ("float32", "float64"))
    double.set_weights(single.get_weights())
    for training in (True, False):
        np.testing.assert_allclose(double(x, training=training), single(x, training=training), atol=1e-4)
    for mine, theirs in zip(double.weights, single.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4, err_msg=mine.path)


def test_a_run_does_not_hang_on_global_settings(
    foreign: str, dataset: Any, tmp_path: Path, runs: dict[str, Any], eager: None
) -> None:  # fmt: skip
    from copper_tf.training.loop import train

    expected = runs["classifier"]
    # As a text, which the fixture's own path is not.
    run = train(small("classifier", epochs=2), dataset, str(tmp_path / foreign))
    keys = [key for key in expected.history()[0] if key != "seconds"]
    rows, others = ([[row[key] for key in keys] for row in r.history()] for r in (run, expected))
    np.testing.assert_allclose(rows, others, rtol=1e-3)
    assert keras.config.floatx() == foreign


@pytest.mark.parametrize(("height", "width"), [(33, 48), (48, 34), (4, 4), (1, 1)])
def test_sides_that_do_not_fit_are_refused_at_the_entrance(height: int, width: int) -> None:
    models = _models()
    message = f"sides of pictures must be at least 8 px and multiples of 4 px.*Received: {height}x{width} px"
    with pytest.raises(ValueError, match=message):
        models["segmenter"](_picture(height, width))
    with pytest.raises(ValueError, match=message):
        models["segmenter"].predict(_picture(height, width), verbose=0)
    unknown = tf.function(models["segmenter"], input_signature=[tf.TensorSpec((None, None, None, 1))])
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiples of 4 px"):
        unknown(_picture(height, width))
    if min(height, width) < 8:
        with pytest.raises(ValueError, match=f"at least 8 px; .*Received: {height}x{width} px"):
            models["classifier"](_picture(height, width))
    else:
        assert models["classifier"](_picture(height, width)).shape == (2, 3)


@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_models_clone_and_come_back_from_their_config(kind: str) -> None:
    model, x = _models()[kind], _picture()
    for again in (keras.models.clone_model(model), type(model).from_config(model.get_config())):
        assert type(again) is type(model)
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again(x), model(x))


@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_raw_grey_models_of_any_side_clone(kind: str, runs: dict[str, Any]) -> None:
    model = run_keras_model(runs[kind])
    x = np.random.default_rng(0).integers(0, 256, (1, 37, 50, 1)).astype(np.uint8)
    result = np.asarray(model(x))
    for again in (keras.models.clone_model(model), type(model).from_config(model.get_config())):
        again(x)
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again(x), result)


_LOAD = """
import sys
if sys.argv[1] == "first":
    import copper_tf, keras
else:
    import keras, copper_tf
import numpy as np
assert not [name for name in sys.modules if name.startswith("copper_tf.models")]
model = keras.models.load_model(sys.argv[2])
np.save(sys.argv[3], model(np.load(sys.argv[4])))
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", ["first", "second"])
@pytest.mark.parametrize("said", [{"floatx": "float16", "backend": "torch"}, {"image_data_format": "channels_first"}])
def test_a_file_loads_after_import_copper_tf(
    order: str, said: dict[str, str], runs: dict[str, Any], tmp_path: Path
) -> None:  # fmt: skip
    model = run_keras_model(runs["segmenter"])
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).integers(0, 256, (1, 37, 50, 1)).astype(np.uint8)
    np.save(tmp_path / "x.npy", x)
    (tmp_path / "keras.json").write_text(json.dumps(said))
    names = (order, "model.keras", "y.npy", "x.npy")
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    if order == "first":
        del environment["KERAS_BACKEND"]
    subprocess.run([sys.executable, "-c", _LOAD, *names], check=True, cwd=tmp_path, env=environment)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model(x))


def test_another_backend_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(
        SettingError, match="backend must be tensorflow: import copper_tf before keras.*Received: torch"
    ):
        check_backend()


@pytest.mark.slow
def test_a_keras_json_that_keras_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "float99"}')
    code = "from copper_tf.utils.tensorflow import import_tensorflow; import_tensorflow()"
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    said = 'keras.json: must hold settings that Keras takes. Received: {"floatx": "float99"}'
    assert shown.returncode and said in shown.stderr
