"""Build the dataset from Python; `copper build` calls this."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from tfds_copper.errors import CopperError, OutputError
from tfds_copper.fingerprint import Progress
from tfds_copper.folder import scan
from tfds_copper.splits import SplitSettings, assign

__all__ = ["build"]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TFDS reports every step by absl; here only what is an error passes."""
    from absl import logging as absl_logging

    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    # TFDS's own logger for usage statistics is a plain one.
    plain = logging.getLogger("tensorflow_datasets")
    level = plain.level
    plain.setLevel(logging.ERROR)
    try:
        yield
    finally:
        plain.setLevel(level)
        absl_logging.set_verbosity(before)


def build(
    folder: str | PathLike[str],
    data_dir: str | PathLike[str],
    settings: SplitSettings | None = None,
    progress: Progress | None = None,
) -> Path:
    """Builds a SEM folder into sharded TFRecords; a folder already built is left as it is.

    Args:
        folder: the SEM folder.
        data_dir: the folder of datasets, made where missing.
        settings: proportions, fewest sheets and seed; the defaults where None.
        progress: called with pictures done, their total, and ``"checking"`` or ``"writing"``.

    Returns:
        The directory of the built dataset, which `open_dataset` takes.

    Raises:
        InputError: if the folder or a picture in it can't be used.
        OutputError: if `data_dir` can't be written or already holds the dataset of another folder.
    """
    settings = settings or SplitSettings()
    # Mistakes in the folder show before TensorFlow's slow import.
    assign(scan(folder).pictures, settings)
    with _quiet():
        import tensorflow as tf
        import tensorflow_datasets as tfds

        from tfds_copper.copper_sem.copper_sem_dataset_builder import Builder, CopperSemConfig

        tfds.disable_progress_bar()
        try:
            builder = Builder(data_dir=str(data_dir), config=CopperSemConfig(**settings.to_dict()))
            builder.progress = progress
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=str(folder)))
        except CopperError:
            raise
        except (OSError, tf.errors.OpError) as error:
            reason = " ".join(str(error).split())
            raise OutputError(f"{data_dir}: must be a folder with space that can be written. Received: {reason}") from (
                error
            )
    return Path(str(builder.data_dir))
