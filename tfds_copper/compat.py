"""What the dataset takes from TFDS beyond its public names; its tests fail when TFDS renames or drops one of them."""

from __future__ import annotations

import contextlib
import functools
import logging
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import tensorflow as tf
from tensorflow_datasets.core import writer as tfds_writer

from tfds_copper.errors import CopperError

__all__ = ["COMMAND_LINE", "PRIVATE_NAMES", "QuietBuilderMixin", "one_line_errors", "quiet_logs", "remove_unfinished"]

# The module that the program `tfds` runs.
COMMAND_LINE = "tensorflow_datasets.scripts.cli.main"

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


def _one_line(
    usual: Callable[..., object], kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if isinstance(error, CopperError):
        sys.stderr.write(f"tfds: {error}\n")
    else:
        usual(kind, error, trace)


def one_line_errors() -> None:
    """Where the program `tfds` runs, has our own errors end it in one line; it shows the traceback of all others."""
    program = getattr(sys.modules["__main__"], "__spec__", None)
    tfds_runs = COMMAND_LINE in sys.modules or (program and program.name == COMMAND_LINE)
    if tfds_runs and getattr(sys.excepthook, "func", None) is not _one_line:
        sys.excepthook = functools.partial(_one_line, sys.excepthook)


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
