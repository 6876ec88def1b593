"""The dataset that a run was trained on."""

from __future__ import annotations

from copper_tf.runs.run import Run
from tfds_copper.dataset import Dataset, open_dataset
from tfds_copper.errors import CopperError, RunError

__all__ = ["dataset_of"]


def dataset_of(run: Run) -> Dataset:
    """The dataset a run was trained on.

    Raises:
        RunError: if it is gone or has changed since.
    """
    try:
        dataset = open_dataset(run.data["path"])
    except CopperError as error:
        raise RunError(f"{run.path}: its dataset must still be there. Received: {error}") from None
    if dataset.fingerprint != run.data["fingerprint"]:
        raise RunError(f"{run.path}: its dataset must be the one of training. Received: {dataset.path} has changed")
    return dataset
