"""How long a training step and a map take on this machine: measured, so that a plan can be made before training."""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from copper_tf.config import Config
from copper_tf.data.crops import window_side
from copper_tf.models.factory import build
from copper_tf.models.policy import resolve_policy
from copper_tf.training.loop import compile_model
from copper_tf.utils.tensorflow import keras_defaults
from tfds_copper.dataset import Dataset

__all__ = ["Speed", "measure_speed"]

# Steps that are timed, after one that traces.
_STEPS = 4


@dataclasses.dataclass(frozen=True)
class Speed:
    """How fast a model is on this machine.

    Attributes:
        step: seconds of one training step.
        pixel: seconds of inference for one pixel.
    """

    step: float
    pixel: float


def measure_speed(config: Config, dataset: Dataset, side: int) -> Speed:
    """Times a few training steps and forward passes of a fresh model on noise.

    Args:
        config: of the run to come, with a number of epochs (`Config.for_pictures`).
        dataset: whose labels it grades.
        side: of the smallest picture in px.
    """
    with keras_defaults():
        return _measured(config, len(dataset.times), side)


def _measured(config: Config, labels: int, side: int) -> Speed:
    """See `measure_speed`."""
    model = build(config, labels, resolve_policy(config))
    g = tuple(np.linspace(1, 0, labels)) if config.kind == "segmenter" else ()
    compile_model(model, config, g)
    batch, window = config.training.batch_size, window_side(config, side)
    noise = np.random.default_rng(0)
    crops = noise.standard_normal((batch, window, window, 1)).astype(np.float32)
    y = np.arange(batch, dtype=np.int32) % labels
    model.train_on_batch(crops, y)
    started = time.perf_counter()
    for _ in range(_STEPS):
        model.train_on_batch(crops, y)
    step = (time.perf_counter() - started) / _STEPS
    model.predict_on_batch(crops)
    started = time.perf_counter()
    model.predict_on_batch(crops)
    return Speed(step, (time.perf_counter() - started) / crops.size)
