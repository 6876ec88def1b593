"""What the superalloy's maps could reach at best: the same network told every pixel, on the same folds by sheets.

    python -m benchmarks.maps.superalloy_limit FOLDER --seeds 1

A map learnt from one number per tile cannot be asked for more. What stays wrong here is no matter of the loss: what a
sheet is off by as a whole lies in how it was taken and in where its true mask was drawn.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.maps.superalloy import LOCAL, NUMBERS, USUAL, WITHIN, folds, potency_within
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.cli.tables import print_table
from copper_tf.config import PAPER, Config, default_config
from copper_tf.data.crops import CropStream
from copper_tf.data.normalisation import Normalisation, grey
from copper_tf.data.pictures import examples, load_pictures
from copper_tf.statistics.scores import binarity, pixel_scores, potency_scores

if TYPE_CHECKING:
    import keras

    from tfds_copper.dataset import Dataset

__all__ = ["main", "measured"]

_EPOCHS = 12
_SHOWN = ("iou", "auc", "corr_fraction", WITHIN, "mae_fraction", "binarity")


def _streams(settings: Config, built: Dataset) -> tuple[CropStream, CropStream]:
    """Crops of the pictures, and the same crops of their true masks."""
    pictures = load_pictures(built, "train")
    how = Normalisation(settings.data.normalisation, pictures.mean, pictures.sd, settings.data.window)
    truths = tuple((np.asarray(e.truth) > 0).astype(np.uint8) for e in examples(built, "train"))
    masks = dataclasses.replace(pictures, arrays=truths, full_scale=np.ones(len(truths)))
    still = settings.replace(gain=0.0, offset=0.0)
    return (
        CropStream(pictures, settings, how, augment=True),
        CropStream(masks, still, Normalisation("dataset", 0.0, 1.0, settings.data.window), augment=True),
    )


def _trained(settings: Config, built: Dataset) -> tuple[keras.Model, Normalisation]:
    """The network after the last epoch, by the cross-entropy of every pixel."""
    import keras
    import tensorflow as tf

    from copper_tf.models.factory import build
    from copper_tf.training.loop import optimizer

    crops, masks = _streams(settings, built)
    keras.utils.set_random_seed(settings.training.seed)
    model = build(settings, len(built.times))
    model.compile(optimizer(settings, crops.steps), keras.losses.BinaryCrossentropy(), jit_compile=False)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for number in range(crops.steps * settings.training.epochs):
            yield crops.batch(number)[0], masks.batch(number)[0]

    shape = tf.TensorSpec((None, None, None, 1), tf.float32)
    data = tf.data.Dataset.from_generator(batches, output_signature=(shape, shape)).prefetch(4)
    model.fit(data, verbose=0)
    return model, crops.normalisation


def _tested(settings: Config, built: Dataset) -> Iterator[dict[str, Any]]:
    """One row for each test tile."""
    import tensorflow as tf

    from copper_tf.models.tta import average_over_symmetries

    model, how = _trained(settings, built)
    network = tf.function(average_over_symmetries(lambda x: model(x, training=False), settings.tta_views))
    for example in examples(built, "test"):
        values = how.apply(grey(example.pixels, example.bit_depth))
        mask = network(tf.constant(values[None, ..., None])).numpy()[0, ..., 0]
        truth = np.asarray(example.truth) > 0
        yield {
            "sheet": example.sheet, "potency": float(mask.mean()), "true_fraction": float(truth.mean()),
            "g": float(truth.mean()), "t": example.t, "binarity": binarity(mask), **pixel_scores(mask, truth),
        }  # fmt: skip


def measured(folder: Path, seed: int, source: Path) -> Results:
    """Test scores pooled over the folds.

    Args:
        folder: of this seed.
        seed: of weights and crops.
        source: the SEM folder.
    """
    settings = default_config("segmenter", PAPER, **{**USUAL, **LOCAL, "epochs": _EPOCHS, "seed": seed})
    rows = [row for built in folds(source, folder.parent) for row in _tested(settings, built)]
    columns = {name: np.array([row[name] for row in rows]) for name in NUMBERS}
    return {**potency_scores(columns), **potency_within(rows), "pictures": len(rows)}


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, prints each seed and what the sheets are off by."""
    flags = parser(__doc__, 1, "acceptance/superalloy")
    flags.add_argument("folder", type=Path)
    asked = flags.parse_args(arguments)
    rows = []
    for seed in seeds_of(asked):
        found = kept(asked.output, seed, "told every pixel", measured, source=asked.folder)
        rows.append([str(seed), *(f"{found[name]:.3f}" for name in _SHOWN)])
        print(", ".join(f"{sheet} {off:+.3f}" for sheet, off in found["bias"].items()))
    print_table(["seed", *_SHOWN], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
