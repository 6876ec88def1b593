"""How fast crops come: our stream from TFRecords against Keras' own reading of a folder, in one run.

    python -m benchmarks.pipeline

Both deliver the same crops (side, batch, flips) of the same simulated pictures; medians of interleaved rounds.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import numpy as np

from copper_tf.cli.tables import print_table
from tfds_copper.files import write_json

__all__ = ["main"]

_SIDE, _BATCH, _ROUNDS, _PICTURES = 256, 8, 5, 64


def _seconds(epoch: Callable[[], Iterator[object]]) -> float:
    started = time.perf_counter()
    count = sum(1 for _ in epoch())
    assert count == _PICTURES // _BATCH
    return time.perf_counter() - started


def _ours(data: Path) -> Callable[[], Iterator[object]]:
    from copper_tf.config import default_config
    from copper_tf.data import CropStream, load_pictures
    from copper_tf.normalisation import Normalisation
    from tfds_copper.dataset import open_dataset

    config = default_config("classifier", crop=_SIDE, batch=_BATCH)
    pictures = load_pictures(open_dataset(data), "train")
    norm = Normalisation("dataset", pictures.mean, pictures.sd, 31)
    stream = CropStream(pictures, config, norm, augment=True)
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
    """Measures, prints the table, writes ``benchmarks/results/pipeline.json``."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from copper_tf.simulation import SimulationSettings, simulate
    from tfds_copper.copper_sem import build
    from tfds_copper.splits import SplitSettings

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        settings = SimulationSettings(labels=2, pictures=40, height=960, width=1280, seed=0)
        world = simulate(root / "world", settings)
        pair = _ours(build(world, root / "data", SplitSettings(split="32/4/4"))), _keras(world, (960, 1280))
        for warm in pair:
            _seconds(warm)
        times = np.array([[_seconds(epoch) for epoch in pair] for _ in range(_ROUNDS)])
    ours, keras = np.median(_PICTURES / times, axis=0)
    ratio = float(np.median(times[:, 1] / times[:, 0]))
    rows = [
        ["copper_tf, decoded once", f"{ours:.0f}", f"{ratio:.1f}"],
        ["image_dataset_from_directory", f"{keras:.0f}", "1"],
    ]
    print_table(["crops of 256 px from 960x1280", "per second", "ratio"], rows)
    result = {"crops_per_second": {"copper_tf": ours, "keras": keras}, "ratio": ratio, "machine": platform.processor()}
    result["versions"] = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    write_json(Path(__file__).parent / "results" / "pipeline.json", {**result, "processors": os.cpu_count()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
