"""Measures the peak memory of training steps, each in a fresh process, and fits a device's constants to it."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import psutil

from copper_tf.config import Config
from copper_tf.models.policy import has_gpu
from tfds_copper.children import SAFE_PATH
from tfds_copper.errors import CopperError, InputError
from tfds_copper.files import parsed_json
from tfds_copper.progress import Progress
from tuning.memory import CPU, GPU, Device, bytes_text, peak_bytes

__all__ = ["ProbeError", "device_here", "fitted", "probe", "probed"]

# After three steps a peak is up to 5 % lower than after twelve, and up to 25 % where c is no multiple of 16 or, in
# float32, of 8: there oneDNN has no fast batch normalisation.
_STEPS = 12
# Points that `probed` measures, and from how many on a constant is fitted beside the factor.
_POINTS, _LEAST = 5, 3
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# Its step loads what every process needs: libraries, thread pools, the first kernels.
_TINY = {"crop": 16, "margin": 0, "c": 4, "n": 1, "N": 1, "d": 1, "batch_size": 2}


class ProbeError(CopperError):
    """A step that could not be measured: no memory left, or no way to ask for the peak."""


def device_here() -> Device:
    """The kind of device that training uses on this machine, with the constants that come with the package."""
    return GPU if has_gpu() else CPU


def probe(config: Config, labels: int, policy: str) -> int:
    """Peak memory of a training step, measured by a process of its own.

    Args:
        config: the run's config.
        labels: number K of labels.
        policy: Keras dtype policy, resolved (never ``"auto"``).

    Returns:
        Bytes: on a GPU the peak of its allocator, else the growth of resident memory over a process that has trained
        a tiny model.

    Raises:
        ProbeError: if the process dies, or the system does not tell the peak.
    """
    command = [sys.executable, "-m", __name__, json.dumps([config.to_dict(), labels, policy])]
    environment = {**os.environ, **SAFE_PATH, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ProbeError(f"probing memory: a training step must run. Received: exit code {done.returncode}, {said}")
    return int(done.stdout.split()[-1])


def fitted(device: Device, pairs: Sequence[tuple[int, int]]) -> Device:
    """The device with its constants fitted to measured peaks: measured = a x predicted + b.

    Relative errors are made small, so that small and large steps count alike; b only where there are three pairs or
    more, and never below 0.

    Args:
        device: whose constants the predictions were made with.
        pairs: (predicted, measured) peaks in bytes, at least one.
    """
    predicted, peaks = np.array(pairs, float).T
    a, b = np.polyfit(predicted, peaks, 1, w=1 / peaks) if len(pairs) >= _LEAST else (0.0, 0.0)
    if a <= 0 or b < 0:
        a, b = np.mean(peaks / predicted), 0.0
    scaled = {f.name: float(a) * getattr(device, f.name) for f in dataclasses.fields(device) if f.type == "float"}
    return dataclasses.replace(device, **scaled | {"fixed": scaled["fixed"] + float(b), "measured": True})


def probed(
    points: Mapping[str, Config], labels: int, device: Device, limit: int | None = None,
    progress: Progress | None = None,
) -> Device:  # fmt: skip
    """A device with its constants fitted to a few points that are measured, each by a process of its own.

    Args:
        points: settings of each, its precision resolved; some from the smallest to the largest are taken.
        labels: number K.
        device: whose constants are the start.
        limit: bytes; points predicted over it are not measured.
        progress: called with (done, total, what).

    Raises:
        InputError: if no point can be measured.
    """
    sizes = {name: peak_bytes(one, labels, one.training.policy, device) for name, one in points.items()}
    order = [name for name in sorted(sizes, key=lambda n: sizes[n]) if limit is None or sizes[name] <= limit]
    chosen = [order[k] for k in np.unique(np.linspace(0, len(order) - 1, _POINTS).round().astype(int))] if order else []
    pairs, reason = [], "every point is predicted to be over the limit"
    for done, name in enumerate(chosen):
        if progress:
            progress(done, len(chosen), f"measuring {name}, predicted {bytes_text(sizes[name])}")
        try:
            pairs.append((sizes[name], probe(points[name], labels, points[name].training.policy)))
        except ProbeError as error:
            reason = str(error)
    if not pairs:
        raise InputError(f"memory can be measured only where a point of the space can be trained. Received: {reason}")
    return fitted(device, pairs)


def _train(config: Config, labels: int, policy: str) -> None:
    """Some steps as `copper_tf.training.loop` runs them, on random pictures."""
    from copper_tf.data.crops import CropStream
    from copper_tf.data.normalisation import Normalisation
    from copper_tf.data.pictures import Pictures
    from copper_tf.models.factory import build
    from copper_tf.training.loop import compile_model

    count, side = config.training.batch_size * _STEPS, config.data.crop + 2 * config.data.margin + 2**config.model.d
    # All pictures are one array: those of a run are there before its first step.
    pixels = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    pictures = Pictures(
        (pixels,) * count, np.full(count, 255), np.arange(count, dtype=np.int32) % labels, ("random",) * count, 0.5, 0.3
    )
    normalisation = Normalisation("dataset", 0.5, 0.3, config.data.window)
    stream = CropStream(pictures, config.replace(crops=1), normalisation, augment=True)
    model = build(config, labels, policy)
    compile_model(model, config, tuple(np.linspace(1, 0, labels)), stream.steps)
    model.fit(stream.batches(), steps_per_epoch=stream.steps, shuffle=False, verbose=0)


def _measured(config: Config, labels: int, policy: str) -> int:
    import tensorflow as tf

    _train(config.replace(**_TINY), labels, policy)
    if has_gpu():
        tf.config.experimental.reset_memory_stats("GPU:0")
        _train(config, labels, policy)
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    if not _STATUS.is_file():
        raise ProbeError(f"probing memory: needs Linux's {_STATUS}. Received: {sys.platform}")
    # What the tiny model has left free must not hide what this one takes.
    ctypes.CDLL(None).malloc_trim(0)
    before = psutil.Process().memory_info().rss
    _RESET.write_text("5")
    _train(config, labels, policy)
    peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return 1024 * int(peak.split()[1]) - before


if __name__ == "__main__":
    _config, *_rest = parsed_json(sys.argv[1])
    sys.stdout.write(f"{_measured(Config.from_dict(_config), *_rest)}\n")
