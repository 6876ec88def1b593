"""What happens after each epoch: history, checkpoints, early stopping, progress."""

from __future__ import annotations

import math
import time
from typing import Any

import keras

from copper_tf.runs.run import BEST, Run
from copper_tf.training.compat import model_files
from tfds_copper.files import write_bytes
from tfds_copper.progress import Progress

__all__ = ["Bookkeeper", "Reporter", "should_stop"]


def should_stop(run: Run, history: list[dict[str, float]]) -> bool:
    """Whether the score has not become better for the run's `patience`; never where that is 0, or no score finite."""
    patience, best = run.config.training.patience, run.lowest_epoch(history)
    return 0 < patience <= len(history) - 1 - best and best >= 0


class Bookkeeper(keras.callbacks.Callback):
    """Writes history, best weights and last checkpoint after each epoch, in this order and each atomically.

    The checkpoint comes last: an epoch counts as done only when it is on disk, and one that was cut short is simply
    run again, with the same result.

    Args:
        run: the run folder.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        done = run.last_checkpoint()
        self.rows = run.history()[: done[0] if done else 0]
        self.started = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes what the epoch gave.

        Raises:
            FloatingPointError: if the training loss is no longer a number.
        """
        scores = {name: float(value) for name, value in (logs or {}).items()}
        if not math.isfinite(scores["loss"]):
            raise FloatingPointError(f"epoch {epoch + 1}: the loss is {scores['loss']}")
        self.rows.append({"epoch": epoch + 1, **scores, "seconds": time.perf_counter() - self.started})
        self.run.write_history(self.rows)
        whole, weights = model_files(self.model)
        if self.run.best_epoch(self.rows) == epoch:
            write_bytes(self.run.checkpoints / BEST, weights)
        older = self.run.last_checkpoint()
        write_bytes(self.run.checkpoint_file(epoch + 1), whole)
        if older:
            older[1].unlink()
        if should_stop(self.run, self.rows):
            self.model.stop_training = True


class Reporter(keras.callbacks.Callback):
    """Tells the caller how far training is.

    Args:
        progress: called with (steps done, steps in all, scores of the last epoch).
        steps: steps in an epoch.
        epochs: epochs in all.
    """

    def __init__(self, progress: Progress, steps: int, epochs: int) -> None:
        super().__init__()
        self.progress, self.steps, self.epochs = progress, steps, epochs
        self.epoch, self.scores = 0, ""

    def _tell(self, step: int) -> None:
        text = f"epoch {min(self.epoch + 1, self.epochs)}/{self.epochs} {self.scores}".rstrip()
        self.progress(self.epoch * self.steps + step, self.epochs * self.steps, text)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch."""
        self.epoch = epoch
        self._tell(0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells of one more step."""
        self._tell(batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps the epoch's scores for display."""
        shown = {k: v for k, v in (logs or {}).items() if k in ("loss", "val_loss", "val_nmse", "val_accuracy")}
        self.scores = " ".join(f"{k} {float(v):.3g}" for k, v in shown.items())
        self._tell(self.steps)
