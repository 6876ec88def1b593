"""Learning g: which pictures are trained on, and the g that moves while the model trains."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from copper_tf.config import ANCHORS, AREAS, CORRELATION, FIXED, ITERATIVE, Config
from copper_tf.data.pictures import Pictures
from copper_tf.decay.estimation import update, without_borders
from copper_tf.inference.predictor import RunPredictor
from copper_tf.models.losses import LabelTable
from copper_tf.models.metrics import NMSE
from copper_tf.runs.run import Run
from copper_tf.training.boundary_bias import excess, middles
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError

__all__ = ["EVERY", "HypothesisLearner", "learnable", "nmse_metrics", "tables"]

# Epochs between two updates of g: the model needs some to follow the last one.
EVERY = 2


def learnable(dataset: Dataset, config: Config, split: str, pictures: Pictures) -> Pictures:
    """The pictures of a split that the way of learning g uses: those of the end labels for anchors, else all.

    Args:
        dataset: what they are of.
        config: all settings of the run.
        split: its name.
        pictures: the decoded split.

    Raises:
        InputError: if a label has no picture, without which g can't be learned.
    """
    learn, labels = config.training.learn, range(len(dataset.times))
    free = config.training.loss == CORRELATION
    of_all = {ITERATIVE: "train" if free else "validation", AREAS: "train"}.get(learn) == split
    ends = learn == ANCHORS or (free and split == "train")
    needed = labels if of_all else (labels[0], labels[-1]) if ends else ()
    missing = [dataset.times[k] for k in needed if k not in pictures.labels]
    if missing:
        way = learn if learn != FIXED else CORRELATION
        raise InputError(
            f"{dataset.path}: to learn g by {way}, split {split!r} must hold pictures of "
            f"{'every t' if of_all else 'the first and the last t'}. "
            f"Received: none of t = {', '.join(f'{t:g}' for t in missing)}"
        )
    return pictures.of_labels(needed) if learn == ANCHORS else pictures


def nmse_metrics(model: keras.Model) -> list[NMSE]:
    """The metrics of a compiled segmenter that hold a table of g."""
    metrics = [inner for outer in model.metrics for inner in getattr(outer, "metrics", [outer])]
    return [metric for metric in metrics if isinstance(metric, NMSE)]


def tables(model: keras.Model) -> list[LabelTable]:
    """The tables of g in a compiled segmenter: that of the loss, and those of its metrics."""
    return [model.loss.table, *(metric.table for metric in nmse_metrics(model))]


class HypothesisLearner(keras.callbacks.Callback):
    """The iterative update: every `EVERY` epochs g moves towards the label means of held-out pictures.

    Without what borders of areas add to them, see `boundary_bias`: else g learns the network's leaning with the law.

    It stands before the `Bookkeeper`, whose checkpoint then holds the g of the next epoch; ``hypothesis.json`` keeps
    the g of the epoch that is over, for which the weights were trained. After the last epoch g stays.

    Args:
        run: the run folder.
        held_out: the decoded validation pictures, of every label.
    """

    def __init__(self, run: Run, held_out: Pictures) -> None:
        super().__init__()
        self.run, self.held_out = run, held_out

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Makes the model ready for whole pictures."""
        self.predictor = RunPredictor(self.run, model=self.model)
        held = self.held_out
        raw = zip(held.arrays, held.bit_depths.tolist(), held.labels.tolist(), strict=True)
        self.middles = middles(raw, self.run.normalisation, len(self.run.labels.times))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes g, and moves it where it is time."""
        g = tables(self.model)[0].values
        dataclasses.replace(self.run, hypothesis=tuple(g.tolist())).write_hypothesis()
        done = epoch + 1
        if done % EVERY or done >= self.run.config.training.epochs:
            return
        following = update(g, self._means(g.size, epoch))
        for table in tables(self.model):
            table.assign(following)

    def _means(self, labels: int, epoch: int) -> np.ndarray:
        """Mean potency of each label over held-out pictures, without what borders add, the model in inference mode."""
        held = self.held_out
        pictures = zip(held.arrays, held.bit_depths.tolist(), held.files, strict=True)
        potency = np.array([self.predictor.predict(*picture).potency for picture in pictures])
        means = np.array([potency[held.labels == k].mean() for k in range(labels)])
        added = excess(self.middles, self.predictor.map_of, epoch, pairs=1)
        return without_borders(means, added)
