"""How fast crops come: our stream from TFRecords against Keras' own reading of a folder, in one run.

    python -m benchmarks.data.pipeline

Both deliver the same crops (side, batch, flips) of the same simulated pictures; medians of interleaved rounds. Then a
classifier trains on the stream and on one batch that stays, by turns: what feeding real pictures costs. Twice the same
epochs must be the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import RESULTS
from copper_tf.cli.tables import print_table
from tfds_copper.files import write_json

__all__ = ["main"]

_SIDE, _BATCH, _ROUNDS, _PICTURES = 256, 8, 5, 64
# Steps in a row: what waits in the stream when a row begins is little beside it.
_STEPS, _TURNS = 16, 6
# What is required: times Keras' crops, and the share of a step that feeding it may cost.
_FASTER, _COST = 5.0, 0.03


def _seconds(epoch: Callable[[], Iterator[object]]) -> float:
    started = time.perf_counter()
    count = sum(1 for _ in epoch())
    assert count == _PICTURES // _BATCH
    return time.perf_counter() - started


def _stream(data: Path) -> Any:
    from copper_tf.data.crops import CropStream
    from copper_tf.data.normalisation import Normalisation
    from copper_tf.data.pictures import load_pictures
    from tfds_copper.dataset import open_dataset

    pictures = load_pictures(open_dataset(data), "train")
    norm = Normalisation("dataset", pictures.mean, pictures.sd, 31)
    return CropStream(pictures, _config(), norm, augment=True)


def _config() -> Any:
    from copper_tf.config import PAPER, default_config

    return default_config("classifier", PAPER, crop=_SIDE, batch_size=_BATCH)


def _digest(stream: Any) -> str:
    """Of all bytes of two epochs."""
    found = hashlib.sha256()
    for crops, labels in stream.batches(0, 2).as_numpy_iterator():
        found.update(crops.tobytes() + labels.tobytes())
    return found.hexdigest()


def _feeding(stream: Any) -> dict[str, float]:
    """Seconds of a step that is fed by the stream and by one batch that stays, and what the first costs more."""
    import tensorflow as tf

    from copper_tf.models.factory import build
    from copper_tf.models.policy import resolve_policy
    from copper_tf.training.loop import compile_model

    model = build(_config(), 2, resolve_policy(_config()))
    compile_model(model, _config(), ())
    model.make_train_function()
    fed = iter(stream.batches(0, 10**6))
    kept = iter(tf.data.Dataset.from_tensors(next(fed)).cache().repeat())

    def row(batches: Iterator[object]) -> float:
        started = time.perf_counter()
        for _ in range(_STEPS):
            logs = model.train_function(batches)
        float(logs["loss"])
        return (time.perf_counter() - started) / _STEPS

    row(fed), row(kept)
    # Whoever goes first changes by the turn, as a machine that slows down would count against the second.
    pairs = [((row(fed), row(kept)) if turn % 2 else (row(kept), row(fed))[::-1]) for turn in range(_TURNS)]
    times = np.array(pairs)
    cost = float(np.median(times[:, 0] / times[:, 1]) - 1)
    started = time.process_time()
    for number in range(_STEPS):
        stream.batch(number)
    processor = (time.process_time() - started) / _STEPS
    stream_s, cached_s = map(float, np.median(times, axis=0))
    return {"stream_s": stream_s, "cached_s": cached_s, "cost": cost, "batch_processor_s": processor}


def _ours(stream: Any) -> Callable[[], Iterator[object]]:
    rounds = iter(range(1000))

    def epoch() -> Iterator[object]:
        k = next(rounds)
        return iter(stream.batches(k, k + 1))

    return epoch


def _keras(folder: Path, shape: tuple[int, int]) -> Callable[[], Iterator[object]]:
    import keras
    import tensorflow as tf

    files = keras.utils.image_dataset_from_directory(
        folder, color_mode="grayscale", image_size=shape, batch_size=None, shuffle=True, seed=0, verbose=False
    )

    def crop(picture: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        picture = tf.image.random_flip_left_right(tf.image.random_crop(picture, (_SIDE, _SIDE, 1)))
        return (picture - 110.0) / 40.0, label

    # Without a cache: one epoch's crops would be repeated for ever.
    batches = files.map(crop, num_parallel_calls=2).take(_PICTURES).batch(_BATCH).prefetch(2)
    return lambda: iter(batches)


def main() -> int:
    """Measures, prints the tables, writes ``benchmarks/results/pipeline.json``; 1 if a requirement is missed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from copper_tf.simulation import SimulationSettings, simulate
    from tfds_copper.copper_sem import build
    from tfds_copper.splits.assign import SplitSettings

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        settings = SimulationSettings(labels=2, pictures=40, height=960, width=1280, seed=0)
        world = simulate(root / "world", settings)
        stream = _stream(build(world, root / "data", SplitSettings(split="32/4/4")))
        pair = _ours(stream), _keras(world, (960, 1280))
        for warm in pair:
            _seconds(warm)
        times = np.array([[_seconds(epoch) for epoch in pair] for _ in range(_ROUNDS)])
        same, feeding = _digest(stream) == _digest(stream), _feeding(stream)
    ours, keras = np.median(_PICTURES / times, axis=0)
    ratio = float(np.median(times[:, 1] / times[:, 0]))
    rows = [
        ["copper_tf, decoded once", f"{ours:.0f}", f"{ratio:.1f}"],
        ["image_dataset_from_directory", f"{keras:.0f}", "1"],
    ]
    print_table(["crops of 256 px from 960x1280", "per second", "ratio"], rows)
    found = [[f"{1000 * feeding[k]:.1f}" for k in ("stream_s", "cached_s", "batch_processor_s")]]
    found[0] += [f"{100 * feeding['cost']:+.1f} %", "yes" if same else "no"]
    heads = ["a step, ms: fed by the stream", "by a batch that stays", "a batch, processor", "cost", "same bytes twice"]
    print_table(heads, found)
    result = {"crops_per_second": {"copper_tf": ours, "keras": keras}, "ratio": ratio, "machine": platform.processor()}
    result["versions"] = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    result |= {"feeding": feeding, "same_bytes_twice": same}
    write_json(RESULTS / "pipeline.json", {**result, "processors": os.cpu_count()})
    return 0 if same and ratio >= _FASTER and feeding["cost"] <= _COST else 1


if __name__ == "__main__":
    sys.exit(main())
