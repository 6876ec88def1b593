"""TensorBoard: scalars, the confusion matrix or example overlays, and the config with its result."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from copper_tf.config import ITERATIVE, Config
from copper_tf.data.crops import CropStream
from copper_tf.runs.run import TENSORBOARD, Run
from copper_tf.training.hypothesis_learning import tables
from copper_tf.utils.drawing import overlay

__all__ = ["TensorBoardWriter"]

_PICTURES = 4
_DRAWINGS = 20


def _confusion_picture(truth: np.ndarray, graded: np.ndarray, labels: int) -> np.ndarray:
    """The confusion matrix as a picture ``(1, height, width, 1)``: rows true, columns graded, white is 1."""
    counts = np.zeros((labels, labels), np.float32)
    np.add.at(counts, (truth, graded), 1)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return np.kron(shares, np.ones((24, 24), np.float32))[None, ..., None]


class TensorBoardWriter(keras.callbacks.Callback):
    """Writes what TensorBoard shows of a run into its ``tensorboard`` folder.

    Args:
        run: the run folder.
        validation: the fixed validation crops.
        policy: the precision in use.
    """

    def __init__(self, run: Run, validation: CropStream, policy: str) -> None:
        super().__init__()
        self.run, self.validation, self.policy = run, validation, policy
        self.every = max(1, run.config.training.epochs // _DRAWINGS)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the event file and writes the config."""
        folder = self.run.path / TENSORBOARD
        self.writer = tf.summary.create_file_writer(str(folder))
        config: Config = self.run.config
        with self.writer.as_default():
            text = json.dumps({**config.flat(), "policy used": self.policy}, indent=2)
            tf.summary.text("config", "```\n" + text + "\n```", step=0)
            hparams.hparams(config.flat(), trial_id=self.run.path.name)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes scalars after every epoch, pictures after some."""
        with self.writer.as_default():
            for name, value in (logs or {}).items():
                split = "validation" if name.startswith("val_") else "train"
                tf.summary.scalar(f"{name.removeprefix('val_')}/{split}", float(value), step=epoch + 1)
            if self.run.config.training.learn == ITERATIVE:
                for t, g in zip(self.run.labels.names, tables(self.model)[0].values, strict=True):
                    tf.summary.scalar(f"learned g/t = {t}", g, step=epoch + 1)
            if epoch % self.every == 0 or epoch + 1 == self.run.config.training.epochs:
                self._draw(epoch + 1)
        self.writer.flush()

    def _draw(self, epoch: int) -> None:
        if self.run.config.kind == "classifier":
            batches = [self.validation.batch(k) for k in range(self.validation.steps)]
            graded = np.concatenate([self.model(x, training=False).numpy().argmax(-1) for x, _ in batches])
            truth = np.concatenate([labels for _, labels in batches])
            picture = _confusion_picture(truth, graded, len(self.run.labels.times))
            tf.summary.image("confusion matrix (rows true, columns graded)", picture, step=epoch)
            return
        crops, labels = self.validation.batch(0)
        masks = self.model(crops[:_PICTURES], training=False).numpy()[..., 0]
        for crop, mask, label in zip(crops[..., 0], masks, labels, strict=False):
            name = f"potency map, t = {self.run.labels.names[label]}, crop"
            tf.summary.image(name, overlay(crop, mask)[None], step=epoch)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the event file."""
        self.writer.close()
