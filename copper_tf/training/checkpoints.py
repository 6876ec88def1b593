"""Opens the checkpoint that a training goes on from."""

from __future__ import annotations

from pathlib import Path

import keras

from copper_tf.runs.plugins import import_plugins
from copper_tf.runs.run import Run
from tfds_copper.errors import RunError
from tfds_copper.files import unpacked_bytes
from tfds_copper.text import first_line

__all__ = ["last_model"]

# Keras packs nothing in its files, so that what is unpacked from them is hardly larger than they are.
_MOST_UNPACKED = 10


def last_model(run: Run) -> tuple[keras.Model, int] | None:
    """(model as the last checkpoint left it, finished epochs), optimizer and g included; None where there is none.

    Args:
        run: whose checkpoints are meant.

    Raises:
        RunError: if the checkpoint is damaged, or holds code of its own or layers that nobody registered.
    """
    last = run.last_checkpoint()
    if last is None:
        return None
    epochs, file = last
    # Whoever registers its layers and its loss with Keras must have been imported.
    import_plugins(run.config)
    try:
        _check_size(file)
        return keras.models.load_model(file, safe_mode=True), epochs
    # Keras raises what it likes for a damaged file.
    except Exception as error:
        reason = first_line(error)
        raise RunError(f"{file}: must be a complete checkpoint. Received: {reason}") from None


def _check_size(file: Path) -> None:
    size = unpacked_bytes(file)
    if size > _MOST_UNPACKED * file.stat().st_size:
        raise ValueError(f"a file that unpacks to {size} bytes")
