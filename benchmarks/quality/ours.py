"""copper_tf in a race to a good result: `copper train FOLDER`, which checks and builds the folder first.

python -m benchmarks.quality.ours TASK
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import copper_tf
from benchmarks.quality.task import Clock, Pictures, Task, read, score
from copper_tf.config import PAPER
from copper_tf.data.sources import default_data_dir
from copper_tf.inference.predictor import RunPredictor
from copper_tf.training.callbacks import Bookkeeper


def _answers(bookkeeper: Bookkeeper, test: Pictures) -> list[np.ndarray]:
    """Of the network as it is now."""
    predictor = RunPredictor(bookkeeper.run, model=bookkeeper.model)
    found = [predictor.predict(array, 8) for array in test.arrays]
    return [np.asarray(one.probabilities if one.map is None else one.map) for one in found]


def main(arguments: list[str]) -> None:
    """Trains until it is good enough."""
    task = Task.from_json(arguments[0])
    clock = Clock(task)
    shutil.rmtree(default_data_dir(task.folder), ignore_errors=True)
    with clock.stopped():
        test = read(task, "test", truth=task.kind == "segmenter")
    begin, end = Bookkeeper.on_epoch_begin, Bookkeeper.on_epoch_end

    def begun(self: Bookkeeper, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch == 0:
            clock.say(0)
        begin(self, epoch, logs)

    def ended(self: Bookkeeper, epoch: int, logs: dict[str, Any] | None = None) -> None:
        end(self, epoch, logs)
        with clock.stopped():
            found = score(task, test, _answers(self, test))
        if clock.say(epoch + 1, found):
            self.model.stop_training = True

    settings = {
        "crop": task.crop, "margin": task.margin, "batch_size": task.batch, "gain": task.gain, "offset": task.offset,
        "learning_rate": task.learning_rate, "schedule": "cosine", "epochs": task.epochs, "d": task.d, "c": task.c,
        "n": task.n, "N": task.N, "seed": task.seed,
    }  # fmt: skip
    if task.kind == "classifier":
        settings.pop("margin")
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(Bookkeeper, "on_epoch_begin", begun),
        mock.patch.object(Bookkeeper, "on_epoch_end", ended),
    ):
        copper_tf.train(task.kind, task.folder, Path(folder) / "run", preset=PAPER, **settings)


if __name__ == "__main__":
    main(sys.argv[1:])
