"""The device that a search runs on: its constants as they were found elsewhere, or measured here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from copper_tf.config import Config
from copper_tf.models.policy import has_gpu
from tfds_copper.errors import InputError
from tfds_copper.progress import Progress
from tuning.memory import CPU, GPU, Device, bytes_text, peak_bytes
from tuning.memory_probe import ProbeError, fitted, probe

__all__ = ["device_here", "probed"]

# Points that are measured: enough for a factor and a constant with some to spare.
_POINTS = 5


def device_here() -> Device:
    """The kind of device that training uses on this machine, with the constants that come with the package."""
    return GPU if has_gpu() else CPU


def probed(
    points: Mapping[str, Config], labels: int, policy: str, device: Device, limit: int | None = None,
    progress: Progress | None = None,
) -> Device:  # fmt: skip
    """A device with its constants fitted to a few points that are measured, each by a process of its own.

    Args:
        points: settings of each; some from the smallest to the largest are taken.
        labels: number K.
        policy: dtype policy, already resolved.
        device: whose constants are the start.
        limit: bytes; points predicted over it are not measured.
        progress: called with (done, total, what).

    Raises:
        InputError: if no point can be measured.
    """
    sizes = {name: peak_bytes(config, labels, policy, device) for name, config in points.items()}
    order = [name for name in sorted(sizes, key=lambda n: sizes[n]) if limit is None or sizes[name] <= limit]
    chosen = [order[k] for k in np.unique(np.linspace(0, len(order) - 1, _POINTS).round().astype(int))] if order else []
    pairs, reason = [], "every point is predicted to be over the limit"
    for done, name in enumerate(chosen):
        if progress:
            progress(done, len(chosen), f"measuring {name}, predicted {bytes_text(sizes[name])}")
        try:
            pairs.append((sizes[name], probe(points[name], labels, policy)))
        except ProbeError as error:
            reason = str(error)
    if not pairs:
        raise InputError(f"memory can be measured only where a point of the space can be trained. Received: {reason}")
    return fitted(device, pairs)
