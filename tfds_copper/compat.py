"""What the dataset takes from TFDS beyond its public names; its tests fail when TFDS renames or drops one of them."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_datasets.core import writer as tfds_writer

__all__ = ["PRIVATE_NAMES", "QuietBuilderMixin", "quiet_logs", "remove_unfinished"]

# The private methods of TFDS' builder that `QuietBuilderMixin` replaces.
PRIVATE_NAMES = ("_example_writer", "_log_download_bytes", "_log_download_done")
# TFDS' logger for usage statistics, which is no logger of absl.
USAGE_LOGGER = "tensorflow_datasets"


def _in_fixed_order(examples: Iterable[tuple[Any, bytes]]) -> Iterator[tuple[Any, bytes]]:
    for key, record in examples:
        yield key, tf.train.Example.FromString(record).SerializeToString(deterministic=True)


class _DeterministicWriter(tfds_writer.ExampleWriter):
    """Writes the features of each record in a fixed order; TFDS leaves them in the order of a hash table."""

    def write(self, path: Any, examples: Iterable[tuple[Any, bytes]]) -> Any:
        return super().write(path, _in_fixed_order(examples))


class QuietBuilderMixin:
    """Makes a TFDS builder write the same bytes in every process, and print nothing; comes before TFDS' own class."""

    info: Any

    def _example_writer(self) -> _DeterministicWriter:
        return _DeterministicWriter(self.info.file_format)

    def _log_download_bytes(self) -> None:
        # TFDS would print that something is downloaded, of unknown size.
        pass

    def _log_download_done(self) -> None:
        # As above; the command line prints the result itself.
        pass


@contextlib.contextmanager
def quiet_logs() -> Iterator[None]:
    """Lets only errors pass: TFDS logs every step of a build."""
    from absl import logging as absl_logging

    verbosity, usage = absl_logging.get_verbosity(), logging.getLogger(USAGE_LOGGER)
    level = usage.level
    absl_logging.set_verbosity(absl_logging.ERROR)
    usage.setLevel(logging.ERROR)
    try:
        yield
    finally:
        usage.setLevel(level)
        absl_logging.set_verbosity(verbosity)


def remove_unfinished(dataset_dir: str | PathLike[str]) -> None:
    """Removes what killed builds of a dataset left; call it only while no other process builds there.

    TFDS builds into ``incomplete.<random>_<version>`` beside ``<version>``, its ``dataset_dir``.
    """
    path = Path(dataset_dir)
    for unfinished in path.parent.glob(f"incomplete.*_{path.name}"):
        shutil.rmtree(unfinished, ignore_errors=True)
