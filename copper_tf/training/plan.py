"""How long it takes to train and judge both models, planned from what a step and a map take on this machine."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping

import numpy as np

from copper_tf.config import KINDS, Config
from copper_tf.data.pictures import examples
from copper_tf.training.batch_norm import BATCHES
from copper_tf.training.boundary_bias import maps_needed
from copper_tf.training.timing import Speed, measure_speed
from tfds_copper.dataset import Dataset

__all__ = ["FITS", "epoch_seconds", "picture_sizes", "plan_stages"]

CLASSIFIER, SEGMENTER = KINDS
# Pictures whose sizes are looked at.
_LOOKED_AT = 16
# How often the expected time of the tries is planned for: so many are needed on most surfaces.
_TRIES = 2.0
# Seconds that a picture takes beside the networks, and a megapixel of it: decoding, statistics, simpler methods.
_PICTURE, _MEGAPIXEL = 0.01, 0.12
# Seconds of an epoch beside its steps and passes: history, checkpoint, TensorBoard; and of a training before its first.
_EPOCH, _START = 0.35, 5.0
# Seconds of what doesn't depend on the pictures: starting, pages, figures, exports.
_PAGE, _EXPORT = 8.0, 25.0
# The share by which plans are made a little too long, so that they are kept to.
FITS = 1.05
# The share of its epochs that a segmenter gets at least: with a third of them maps are worse, but of use.
_LEAST_SHARE = 1 / 3


def picture_sizes(dataset: Dataset) -> tuple[int, float]:
    """The smallest side in px, and the mean number of pixels, of some training pictures."""
    shapes = [example.pixels.shape for example in itertools.islice(examples(dataset, "train"), _LOOKED_AT)]
    return min(map(min, shapes)), float(np.mean([height * width for height, width in shapes]))


def epoch_seconds(config: Config, speed: Speed, dataset: Dataset, pixels: float) -> float:
    """Seconds of one epoch: its steps, the statistics of its batches, the validation, and what is written after it.

    Args:
        config: of the run.
        speed: of `measure_speed`.
        dataset: that it is trained on.
        pixels: of a picture.
    """
    crops = dataset.split_sizes["train"] * config.data.crops
    steps = -(-crops // config.training.batch_size)
    looked_at = dataset.split_sizes["validation"] + min(steps, BATCHES) * config.training.batch_size
    return steps * speed.fed_step + looked_at * min(pixels, float(config.data.crop**2)) * speed.pixel + _EPOCH


def plan_stages(
    configs: Mapping[str, Config], dataset: Dataset, budget: float, texture: Callable[[float, int], float]
) -> tuple[dict[str, float], dict[str, int], float]:
    """Plans all stages after the build: where time is short, both models get as small a share of their epochs.

    Args:
        configs: of each kind, with numbers of epochs (`Config.for_pictures`).
        dataset: the built dataset.
        budget: seconds.
        texture: seconds that simpler methods take for the texture of so many pixels in each of so many pictures.

    Returns:
        Seconds of each stage; epochs of each kind, at most its own, the segmenter's at least `_LEAST_SHARE` of them and
        the classifier's as many as fit then; and the seconds of one epoch of the classifier.
    """
    side, pixels = picture_sizes(dataset)
    speeds = {kind: measure_speed(config, dataset, side) for kind, config in configs.items()}
    every, tested = sum(dataset.split_sizes.values()), dataset.split_sizes["test"]
    composites = maps_needed(every - dataset.split_sizes["train"], len(dataset.times), pixels)
    work = _PICTURE + _MEGAPIXEL * pixels / 1e6
    mapped = {kind: pixels * speeds[kind].pixel * configs[kind].tta_views for kind in KINDS}
    resolved = configs[SEGMENTER].training
    starts = _TRIES if resolved.restarts else 0.0
    tried = starts * resolved.restart_epochs
    epoch = {kind: epoch_seconds(configs[kind], speeds[kind], dataset, pixels) for kind in KINDS}
    seconds = {
        SEGMENTER: tried * epoch[SEGMENTER] + (1 + starts) * _START + every * work,
        CLASSIFIER: _START + every * work,
        "evaluation": every * (mapped[SEGMENTER] + mapped[CLASSIFIER] + 2 * work)
        + composites * mapped[SEGMENTER]
        + 2 * _PAGE,
        "trust": (tested + 200) * (mapped[SEGMENTER] + 2 * work) + every * work + _PAGE,
        "baselines": texture(pixels, every) + every * work + 2 * tested * (mapped[SEGMENTER] + 2 * work) + _PAGE,
        "report": 2 * _PAGE,
        "export": _EXPORT,
    }
    left = budget / FITS - sum(seconds.values())
    most = {kind: configs[kind].training.epochs for kind in KINDS}
    share = left / sum(most[kind] * epoch[kind] for kind in KINDS)
    epochs = {SEGMENTER: math.ceil(most[SEGMENTER] * min(max(share, _LEAST_SHARE), 1))}
    left -= epochs[SEGMENTER] * epoch[SEGMENTER]
    epochs[CLASSIFIER] = max(1, min(most[CLASSIFIER], int(left / epoch[CLASSIFIER])))
    for kind in KINDS:
        seconds[kind] += epochs[kind] * epoch[kind]
    return seconds, epochs, epoch[CLASSIFIER]
