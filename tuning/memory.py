"""How much memory a training step needs, computed before anything is built: arithmetic, without TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
import random
import re
import statistics
from collections.abc import Sequence

from copper_tf.config import Config, TrainingSettings
from copper_tf.models.architecture import network_of
from tfds_copper.errors import SettingError
from tuning.allocator import Allocator
from tuning.step_trace import ACTIVATIONS, GRADIENTS, WORKSPACE, Event, crop_side, pads_copy, step_trace

__all__ = ["CPU", "GPU", "Device", "Memory", "bytes_text", "largest_batch", "memory", "parse_bytes", "peak_bytes"]

_FLOAT = 4
# Orders that are averaged over, steps in each, and swaps of neighbours for each event.
_ORDERS, _STEPS, _SWAPS = 8, 2, 0.3
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Device:
    """What a kind of machine adds to the tensors of the graph.

    Attributes:
        name: of the device.
        fixed: bytes that a model takes whatever its size: graph, thread pools, the first kernels.
        per_convolution: bytes for each convolution: its part of the graph and its compiled kernels.
        per_border: more bytes for each that recomputes the border of its map: the nodes that this takes.
        factor: bytes held for each byte that TensorFlow's allocator touches.
        queued: batches of pictures that wait in the pipeline.
        measured: whether these numbers come from measured peaks.
    """

    name: str
    fixed: float
    per_convolution: float
    per_border: float
    factor: float
    queued: float
    measured: bool

    def bare(self) -> Device:
        """The same device without its constants: what the graph alone needs."""
        return dataclasses.replace(self, fixed=0.0, per_convolution=0.0, per_border=0.0, factor=1.0, queued=0.0)


# Fitted to the growth of resident memory in `benchmarks.speed.memory.FITTED`. Tiny steps of 5 to 49 convolutions gave
# `fixed` and `per_convolution`; 4, 8 and 16 convolutions with reflect padding against as many with zeros gave
# `per_border`; the large steps gave `factor`: 1.11 on the mean with a spread of 0.04, which is put on top, so that
# predictions err upwards. `queued` is what the pipeline of `copper_tf.data.crops` holds, and the step's own.
CPU = Device("CPU", fixed=8e6, per_convolution=4.3e6, per_border=4.5e6, factor=1.15, queued=5.0, measured=True)
# Unmeasured: a guess that leaves room for cuDNN's workspaces, until `tuning.memory_probe` has measured the device.
GPU = Device("GPU", fixed=200e6, per_convolution=0.0, per_border=0.0, factor=1.25, queued=2.0, measured=False)


@dataclasses.dataclass(frozen=True)
class Memory:
    """The peak of a training step and what it is made of, all in bytes.

    Attributes:
        parameters: number of weights, moving statistics included (a count, not bytes).
        activations: tensors kept for the backward pass at the moment when most is in use.
        gradients: gradients in flight at that moment.
        workspace: temporary copies at that moment: padded maps, casts of kernels, pieces of the upsampling.
        weights: the model's weights in float32.
        optimizer: Adam's two slots.
        overhead: gaps that the allocator leaves, pictures that wait in the pipeline, the graph and the device's own.
    """

    parameters: int
    activations: int
    gradients: int
    workspace: int
    weights: int
    optimizer: int
    overhead: int

    @property
    def total(self) -> int:
        """The peak."""
        return self.activations + self.gradients + self.workspace + self.weights + self.optimizer + self.overhead


def memory(config: Config, labels: int, policy: str, device: Device = CPU) -> Memory:
    """The peak of a training step, with its parts.

    Args:
        config: the run's config.
        labels: number K of labels.
        policy: Keras dtype policy, resolved (never ``"auto"``).
        device: what the step runs on.
    """
    network, events, side = network_of(config, labels), step_trace(config, policy), crop_side(config)
    convolutions, parts = network.convolutions, _fullest(events)
    recomputed = sum(layer.padding == "reflect" and not pads_copy(layer, side) for layer in convolutions)
    added = device.fixed + device.per_convolution * len(convolutions) + device.per_border * recomputed
    waiting = device.queued * config.training.batch_size * side**2 * _FLOAT
    touched = _touched(events, [_FLOAT * layer.parameters for layer in convolutions])
    weights = _FLOAT * network.parameters
    return Memory(
        parameters=network.parameters, **parts, weights=weights, optimizer=2 * weights,
        overhead=round(device.factor * touched + (added + waiting)) - sum(parts.values()) - 3 * weights,
    )  # fmt: skip


def peak_bytes(config: Config, labels: int, policy: str, device: Device = CPU) -> int:
    """The peak of a training step in bytes, see `memory`."""
    usual = TrainingSettings(batch_size=config.training.batch_size)
    return _peak(dataclasses.replace(config, training=usual), labels, policy, device)


@functools.lru_cache(4096)
def _peak(config: Config, labels: int, policy: str, device: Device) -> int:
    """The same once for all step sizes, hypotheses and seeds, which change nothing."""
    return memory(config, labels, policy, device).total


def _fullest(events: Sequence[Event]) -> dict[str, int]:
    """Bytes in use at the fullest moment of a step, by what they are for."""
    live = dict.fromkeys((ACTIVATIONS, GRADIENTS, WORKSPACE), 0)
    now, most, parts = 0, 0, dict(live)
    for event in events:
        change = event.size if event.allocated else -event.size
        live[event.sort] += change
        now += change
        if now > most:
            most, parts = now, dict(live)
    return parts


def _shuffled(events: Sequence[Event], generator: random.Random) -> list[Event]:
    """Another order of the same events, as threads that work side by side make it: neighbours change places."""
    order = list(events)
    for _ in range(int(_SWAPS * len(order))):
        k = generator.randrange(len(order) - 1)
        if order[k].number != order[k + 1].number:
            order[k], order[k + 1] = order[k + 1], order[k]
    return order


def _touched(events: Sequence[Event], weights: Sequence[int]) -> float:
    """Bytes that the allocator touches in some steps, the mean over some orders of what happens in them.

    The gaps that it leaves hang on the order, which no two runs share.
    """
    touched = []
    for seed in range(_ORDERS):
        generator, allocator = random.Random(seed), Allocator()
        # A weight and its two slots stay.
        for k, size in enumerate(size for size in weights for _ in range(3)):
            allocator.take(-1 - k, size)
        for _ in range(_STEPS):
            for event in _shuffled(events, generator):
                (allocator.take if event.allocated else allocator.give)(event.number, event.size)
        touched.append(allocator.touched)
    return statistics.mean(touched)


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


def parse_bytes(text: str, argument: str = "memory") -> int:
    """A number of bytes: ``"12GB"`` is 12 x 10^9, ``"12GiB"`` 12 x 2^30, a plain number is bytes.

    Args:
        text: what was given.
        argument: its name, for the error.

    Raises:
        SettingError: if it is no size, or not above 0.
    """
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]*)\s*", text, re.IGNORECASE)
    if found and found[2].upper() in _UNITS:
        size = int(float(found[1]) * _UNITS[found[2].upper()])
        if size > 0:
            return size
    raise SettingError(f"{argument} must be a size above 0 such as 12GB, 12GiB or 500MB. Received: {text!r}")


def bytes_text(n: float) -> str:
    """A number of bytes to three digits, e.g. ``"1.21 GB"`` (10^9)."""
    for unit in ("GB", "MB", "kB"):
        size = _UNITS[unit.upper()]
        if n >= 0.9995 * size:
            return f"{n / size:.3g} {unit}" if n < 999.5 * size else f"{n / size:.0f} {unit}"
    return f"{n:.0f} B"
