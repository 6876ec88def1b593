"""How long a training step and a map take on this machine: measured, so that a plan can be made before training."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time

import keras
import numpy as np

from copper_tf.config import Config
from copper_tf.data.crops import CropStream, window_side
from copper_tf.data.normalisation import Normalisation
from copper_tf.data.pictures import Pictures
from copper_tf.models.factory import build
from copper_tf.models.policy import resolve_policy
from copper_tf.training.loop import compile_model
from copper_tf.utils.tensorflow import keras_defaults
from tfds_copper.dataset import Dataset

__all__ = ["Speed", "measure_speed"]

# Steps that are timed, and before them those that take the crops that lie ready by then.
_STEPS, _READY = 4, 4
# Mean and spread of noise over all grey values.
_MEAN, _SD = 0.5, 12**-0.5


@dataclasses.dataclass(frozen=True)
class Speed:
    """How fast a model is on this machine.

    Attributes:
        step: seconds of one training step whose crops are there.
        fed_step: the same while the crops of the next steps are cut, as in training.
        pixel: seconds of inference for one pixel.
    """

    step: float
    fed_step: float
    pixel: float


def measure_speed(config: Config, dataset: Dataset, side: int) -> Speed:
    """Times a few training steps, with and without the cutting of their crops, and a forward pass, on noise.

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
    stream = _noise(config, labels, side)
    crops, y = stream.batch(0)
    model.train_on_batch(crops, y)
    started = time.perf_counter()
    for _ in range(_STEPS):
        model.train_on_batch(crops, y)
    step = (time.perf_counter() - started) / _STEPS
    fed_step = _fed_step(model, stream)
    model.predict_on_batch(crops)
    started = time.perf_counter()
    model.predict_on_batch(crops)
    return Speed(step, fed_step, (time.perf_counter() - started) / crops.size)


def _noise(config: Config, labels: int, side: int) -> CropStream:
    """Crops of one picture of noise for each label, no larger than a crop needs."""
    side = min(side, 2 * window_side(config, side))
    draw = np.random.default_rng(0)
    pictures = Pictures(
        arrays=tuple(draw.integers(256, size=(side, side), dtype=np.uint8) for _ in range(labels)),
        full_scale=np.full(labels, 255), labels=np.arange(labels, dtype=np.int32),
        files=("training pictures",) * labels, mean=_MEAN, sd=_SD,
    )  # fmt: skip
    return CropStream(
        pictures, config, Normalisation(config.data.normalisation, _MEAN, _SD, config.data.window), augment=True
    )


def _fed_step(model: keras.Model, stream: CropStream) -> float:
    """Seconds of a training step while the next crops are cut."""
    steps = _READY + _STEPS
    # As many batches more as lie ready at the end: to the last step others are cut beside it.
    batches = iter(stream.batches(0, math.ceil((steps + _READY) / stream.steps)))
    for crops, y in itertools.islice(batches, _READY):
        model.train_on_batch(crops, y)
    started = time.perf_counter()
    for crops, y in itertools.islice(batches, _STEPS):
        model.train_on_batch(crops, y)
    return (time.perf_counter() - started) / _STEPS
