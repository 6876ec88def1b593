"""The device that a search runs on: its constants as they were found elsewhere, or measured here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from copper_tf.config import Config
from tfds_copper.errors import InputError
from tuning.memory import CPU, GPU, Device, bytes_text, peak_bytes
from tuning.probing import ProbeError, fitted, probe
from tuning.space import Space

__all__ = ["device_here", "probed"]

# Points that are measured: enough for a factor and a constant with some to spare.
_POINTS = 5

Progress = Callable[[int, int, str], None]


def device_here() -> Device:
    """The kind of device that training uses on this machine, with the constants that come with the package."""
    import tensorflow as tf

    return GPU if tf.config.list_physical_devices("GPU") else CPU


def probed(
    space: Space, base: Config, labels: int, policy: str, limit: int | None = None, progress: Progress | None = None
) -> Device:
    """The same, its constants fitted to a few points of a space that are measured, each by a process of its own.

    Args:
        space: the grid; points from its smallest to its largest are taken.
        base: the settings that all points share.
        labels: number K.
        policy: dtype policy, already resolved.
        limit: bytes; points predicted over it are not measured.
        progress: called with (done, total, what).

    Raises:
        InputError: if no point can be measured.
    """
    device = device_here()
    sizes = {name: peak_bytes(base.replace(**p), labels, policy, device) for name, p in space.points().items()}
    order = [name for name in sorted(sizes, key=lambda n: sizes[n]) if limit is None or sizes[name] <= limit]
    chosen = [order[k] for k in np.unique(np.linspace(0, len(order) - 1, _POINTS).round().astype(int))] if order else []
    pairs, reason = [], "every point is predicted to be over the limit"
    for done, name in enumerate(chosen):
        if progress:
            progress(done, len(chosen), f"measuring {name}, predicted {bytes_text(sizes[name])}")
        try:
            pairs.append((sizes[name], probe(base.replace(**space.points()[name]), labels, policy)))
        except ProbeError as error:
            reason = str(error)
    if not pairs:
        raise InputError(f"memory can be measured only where a point of the space can be trained. Received: {reason}")
    return fitted(device, pairs)
