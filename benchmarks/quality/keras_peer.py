"""Keras' own layers in a race to a good result, with the loader of its guides: tf.data from the files to the crops.

python -m benchmarks.quality.keras_peer TASK
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from benchmarks.quality.task import LABELS, Clock, Pictures, Task, files_of, normalised, read, score, statistics
from benchmarks.speed.keras_peer import plain_model
from copper_tf.config import PAPER, default_config
from copper_tf.models.policy import resolve_policy

_AUTO = tf.data.AUTOTUNE
# As PyTorch has it; with Keras' own .99 the statistics lag behind for epochs.
_MOMENTUM = 0.9


def _decoded(task: Task) -> tf.data.Dataset:
    """(grey values, label) of every training picture, decoded once."""
    files, labels = files_of(task, "train")
    paths = [str(Path(task.folder) / file) for file in files]

    def decode(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.io.decode_png(tf.io.read_file(path), 1), label

    return tf.data.Dataset.from_tensor_slices((paths, labels)).map(decode, _AUTO).cache()


def _batches(task: Task, pictures: tf.data.Dataset, mean: float, sd: float) -> tf.data.Dataset:
    def cut(picture: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        crop = tf.image.random_crop(picture, (task.side, task.side, 1))
        crop = tf.image.random_flip_left_right(tf.image.rot90(crop, tf.random.uniform((), 0, 4, tf.int32)))
        crop = (tf.cast(crop, tf.float32) / 255 - mean) / sd
        gain = tf.random.uniform((), 1 - task.gain, 1 + task.gain)
        return gain * crop + tf.random.uniform((), -task.offset, task.offset), label

    count = int(pictures.cardinality())
    return pictures.shuffle(count).repeat().map(cut, _AUTO).batch(task.batch).prefetch(_AUTO)


def _loss(task: Task) -> Any:
    if task.kind == "classifier":
        return keras.losses.SparseCategoricalCrossentropy()
    g, inner = tf.constant(task.g), slice(task.margin, task.margin + task.crop)

    def of_means(labels: tf.Tensor, maps: tf.Tensor) -> tf.Tensor:
        means = tf.reduce_mean(maps[:, inner, inner], (1, 2, 3))
        return tf.square(means - tf.gather(g, tf.reshape(tf.cast(labels, tf.int32), (-1,))))

    return of_means


class _Judged(keras.callbacks.Callback):
    def __init__(self, task: Task, clock: Clock, test: Pictures, mean: float, sd: float) -> None:
        super().__init__()
        self.task, self.clock, self.test, self.mean, self.sd = task, clock, test, mean, sd

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Judges the network; ends the training where it is good enough."""
        with self.clock.stopped():
            answers = []
            for array in self.test.arrays:
                said = self.model.predict_on_batch(normalised(array, self.mean, self.sd)[None, ..., None])
                answers.append(said[0, ..., 0] if self.task.kind == "segmenter" else said[0])
            found = score(self.task, self.test, answers)
        self.model.stop_training = self.clock.say(epoch + 1, found)


def main(arguments: list[str]) -> None:
    """Trains until it is good enough."""
    task = Task.from_json(arguments[0])
    clock = Clock(task)
    keras.utils.set_random_seed(task.seed)
    pictures = _decoded(task)
    mean, sd = statistics(picture for picture, _ in pictures.as_numpy_iterator())
    with clock.stopped():
        test = read(task, "test", truth=task.kind == "segmenter")
    config = default_config(task.kind, PAPER, d=task.d, c=task.c, n=task.n, N=task.N)
    model = plain_model(config, LABELS, resolve_policy(config))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    steps = -(-int(pictures.cardinality()) // task.batch)
    falling = keras.optimizers.schedules.CosineDecay(task.learning_rate, steps * task.epochs)
    model.compile(keras.optimizers.Adam(falling), _loss(task), jit_compile=False)
    clock.say(0)
    model.fit(
        _batches(task, pictures, mean, sd), epochs=task.epochs, steps_per_epoch=steps, verbose=0,
        callbacks=[_Judged(task, clock, test, mean, sd)],
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
