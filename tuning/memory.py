"""How much memory a training step needs, computed before anything is built: arithmetic, without TensorFlow."""

from __future__ import annotations

import dataclasses
import re

from copper_tf.config import Config
from copper_tf.models.architecture import network_of
from tfds_copper.errors import SettingError
from tuning.step_memory import step_memory

__all__ = ["CPU", "GPU", "Device", "bytes_text", "largest_batch", "parse_bytes", "peak_bytes"]

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Device:
    """What a kind of machine adds to the tensors of a step.

    Attributes:
        name: of the device.
        fixed: bytes that a model takes whatever its size: graph, thread pools, the first kernels.
        per_convolution: bytes for each convolution: its part of the graph and its compiled kernels.
        per_border: more bytes for each that recomputes the border of its map: the nodes that this takes.
        factor: bytes held for each byte of the tensors that live at the fullest moment.
        gaps: bytes held for each byte of the largest tensor: TensorFlow's allocator leaves gaps about as large.
        measured: whether these numbers come from measured peaks.
    """

    name: str
    fixed: float
    per_convolution: float
    per_border: float
    factor: float
    gaps: float
    measured: bool


# Fitted to the growth of resident memory in `benchmarks.speed.memory.FITTED`: tiny steps of 5 to 49 convolutions gave
# `fixed`, `per_convolution` and `per_border`; large ones a simulation of TensorFlow's allocator, of which `factor` and
# `gaps` keep what 222 random configurations needed: the median differs by 1.5 %. Predictions err upwards by 4 %.
CPU = Device("CPU", fixed=8e6, per_convolution=4.3e6, per_border=4.5e6, factor=1.13, gaps=1.5, measured=True)
# Unmeasured: a guess that leaves room for cuDNN's workspaces, until `tuning.memory_probe` has measured the device.
GPU = Device("GPU", fixed=200e6, per_convolution=0.0, per_border=0.0, factor=1.3, gaps=0.0, measured=False)


def peak_bytes(config: Config, labels: int, policy: str, device: Device = CPU) -> int:
    """The peak of a training step in bytes.

    Args:
        config: the run's config.
        labels: number K of labels.
        policy: Keras dtype policy, resolved (never ``"auto"``).
        device: what the step runs on.
    """
    tensors, largest, borders = step_memory(config, labels, policy)
    kernels = device.per_convolution * len(network_of(config).convolutions) + device.per_border * borders
    return round(device.fixed + kernels + device.factor * tensors + device.gaps * largest)


def largest_batch(
    config: Config, labels: int, policy: str, limit_bytes: int, device: Device = CPU, most: int = 64
) -> int:
    """The largest power of two whose training step fits, 0 where none does.

    Args:
        config: the run's config, whose own batch is not looked at.
        labels: number K of labels.
        policy: Keras dtype policy, resolved (never ``"auto"``).
        limit_bytes: what there is.
        device: what the step runs on.
        most: never more than this.
    """
    fits = 0
    batch = 1
    while batch <= most and peak_bytes(config.replace(batch_size=batch), labels, policy, device) <= limit_bytes:
        fits, batch = batch, 2 * batch
    return fits


def parse_bytes(text: str) -> int:
    """A limit of memory in bytes: ``"12GB"`` is 12 x 10^9, ``"12GiB"`` 12 x 2^30; a unit is needed.

    Args:
        text: what was given.

    Raises:
        SettingError: if it is no size, or not above 0.
    """
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]*)\s*", text, re.IGNORECASE)
    if found and found[2].upper() in _UNITS:
        size = int(float(found[1]) * _UNITS[found[2].upper()])
        if size > 0:
            return size
    raise SettingError(
        f"memory limit must be a size above 0 with its unit, such as 12GB, 12GiB or 500MB. Received: {text!r}"
    )


def bytes_text(n: float) -> str:
    """A number of bytes to three digits, e.g. ``"1.21 GB"`` (10^9)."""
    for unit in ("GB", "MB", "kB"):
        size = _UNITS[unit.upper()]
        if n >= 0.9995 * size:
            return f"{n / size:.3g} {unit}" if n < 999.5 * size else f"{n / size:.0f} {unit}"
    return f"{n:.0f} B"
