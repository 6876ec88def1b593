"""Measures the peak memory of a training step, in a fresh process, and fits a device's constants to what it finds."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from copper_tf.config import Config
from copper_tf.models.policy import has_gpu
from tfds_copper.errors import CopperError
from tuning.memory import Device

__all__ = ["STEPS", "ProbeError", "fitted", "main", "probe"]

# After three steps a peak is up to 5 % lower than after twelve, and up to 25 % where c is no multiple of 16 or, in
# float32, of 8: there oneDNN has no fast batch normalisation.
STEPS = 12
_MODULE = "tuning.memory_probe"
_ROOT = Path(__file__).resolve().parents[1]
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# Its step loads what every process needs: libraries, thread pools, the first kernels.
_TINY = {"crop": 16, "c": 4, "n": 1, "N": 1, "d": 1, "batch_size": 2}
# From so many pairs on a constant is fitted beside the factor.
_PAIRS = 3


class ProbeError(CopperError):
    """A step that could not be measured: no memory left, or no way to ask for the peak."""


def probe(config: Config, labels: int, policy: str, steps: int = STEPS) -> int:
    """Peak memory of a training step, measured by a process of its own.

    Args:
        config: the run's config.
        labels: number K of labels.
        policy: Keras dtype policy, resolved (never ``"auto"``).
        steps: training steps to run; the gaps of the allocator fill over the first ones.

    Returns:
        Bytes: on a GPU the peak of its allocator, else the growth of resident memory over a process that has trained
        a tiny model.

    Raises:
        ProbeError: if the process dies, or the system does not tell the peak.
    """
    asked = json.dumps({"config": config.to_dict(), "labels": labels, "policy": policy, "steps": steps})
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    command, environment = [sys.executable, "-m", _MODULE, asked], {**os.environ, "PYTHONPATH": path}
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
    a, b = float(np.mean(peaks / predicted)), 0.0
    if len(pairs) >= _PAIRS:
        a, b = np.linalg.lstsq(np.stack([predicted / peaks, 1 / peaks], 1), np.ones(len(pairs)), rcond=None)[0]
        if a <= 0 or b < 0:
            a, b = float(np.mean(peaks / predicted)), 0.0
    a, b = float(a), float(b)
    return dataclasses.replace(
        device, factor=a * device.factor, fixed=a * device.fixed + b, per_convolution=a * device.per_convolution,
        per_border=a * device.per_border, queued=a * device.queued, measured=True,
    )  # fmt: skip


def _resident(name: str) -> int:
    """A line of the process's status, in bytes: ``"VmRSS"`` what it holds, ``"VmHWM"`` the most since the reset.

    Raises:
        ProbeError: if this is not Linux.
    """
    if not _STATUS.is_file():
        raise ProbeError(f"probing memory: needs Linux's {_STATUS}. Received: {sys.platform}")
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


def _train(config: Config, labels: int, policy: str, steps: int) -> None:
    """Some steps as `copper_tf.training.train` runs them, on random pictures."""
    from copper_tf.data.crops import CropStream
    from copper_tf.data.normalisation import Normalisation
    from copper_tf.data.pictures import Pictures
    from copper_tf.models.factory import build
    from copper_tf.training.loop import compile_model

    count = config.training.batch_size * steps
    side = (config.data.crop + 2 * config.data.margin) // 2**config.model.d * 2**config.model.d + 2**config.model.d
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


def _measured(config: Config, labels: int, policy: str, steps: int) -> int:
    import tensorflow as tf

    small = {**_TINY, "margin": 0 if config.kind == "classifier" else 4}
    _train(config.replace(**small), labels, policy, steps)
    if has_gpu():
        tf.config.experimental.reset_memory_stats("GPU:0")
        _train(config, labels, policy, steps)
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    # What the tiny model has left free must not hide what this one takes.
    ctypes.CDLL(None).malloc_trim(0)
    before = _resident("VmRSS")
    _RESET.write_text("5")
    _train(config, labels, policy, steps)
    return _resident("VmHWM") - before


def main(arguments: list[str] | None = None) -> int:
    """Measures what a JSON text asks for and writes the bytes to standard output."""
    (text,) = sys.argv[1:] if arguments is None else arguments
    asked = json.loads(text)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    found = _measured(Config.from_dict(asked["config"]), asked["labels"], asked["policy"], asked["steps"])
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
