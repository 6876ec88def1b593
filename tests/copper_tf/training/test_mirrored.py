"""Several devices of one machine: a strategy of TensorFlow's trains to the result of one device."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

# In a process of its own, since devices are split before TensorFlow starts.
_CODE = """
import json, sys
import numpy as np, tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, copper_tf
from copper_tf.config import PAPER, default_config
from copper_tf.models.factory import build
from copper_tf.training.loop import compile_model

both = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert both.num_replicas_in_sync == 2
kind, data, place = sys.argv[1:]
half = np.random.default_rng(0).normal(size=(4, 64, 64, 1)).astype("float32")

def fitted(strategy, second):
    keras.utils.set_random_seed(0)
    margin = {"margin": 8} if kind == "segmenter" else {}
    config = default_config(kind, PAPER, crop=48, c=4, d=1, batch_size=8, **margin)
    with strategy.scope():
        model = build(config, 3, "float32")
        compile_model(model, config, (1.0, 0.5, 0.0))
    batch = tf.data.Dataset.from_tensors((np.concatenate([half, second]), np.array([0, 1, 2, 0] * 2, "int32")))
    losses = model.fit(batch.repeat(6), verbose=0).history["loss"]
    return losses, [np.array(w) for w in model.trainable_weights]

def difference(second):
    one, two = (fitted(s, second) for s in (tf.distribute.get_strategy(), both))
    return max(float(np.abs(a - b).max()) for a, b in zip(one[1], two[1])), one[0][0], two[0][0]

def trained(strategy, name):
    small = {"epochs": 2, "c": 4, "d": 1, "crop": 48, "batch_size": 6, "policy": "float32", "restarts": 0}
    small |= {"margin": 8} if kind == "segmenter" else {}
    with strategy.scope():
        return list(copper_tf.train(kind, data, f"{place}/{name}", preset="paper", **small).history())

print("found:" + json.dumps({
    "same halves": difference(half), "other halves": difference(half * 3 + 1),
    "runs": [trained(tf.distribute.get_strategy(), "one"), trained(both, "two")],
}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_two_devices_train_to_the_result_of_one(kind: str, dataset: Any, tmp_path: Any) -> None:
    """Each normalises its own share of a batch, so that equal shares give equal weights; the control are others."""
    command = [sys.executable, "-c", _CODE, kind, str(dataset.path), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    told = [line for line in done.stdout.splitlines() if line.startswith("found:")]
    assert done.returncode == 0 and told, done.stderr[-3000:]
    found = json.loads(told[0].removeprefix("found:"))
    same, one, two = found["same halves"]
    assert same < 2e-4 and two == pytest.approx(one, abs=1e-4)
    assert found["other halves"][0] > 10 * same
    alone, mirrored = found["runs"]
    assert len(alone) == len(mirrored) == 2
    for name in ("loss", "val_loss"):
        assert mirrored[-1][name] == pytest.approx(alone[-1][name], rel=0.15), (name, alone, mirrored)
