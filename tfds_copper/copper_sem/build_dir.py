"""The folder that datasets are built into: what it holds, what a killed build left, and one build at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import fasteners

from tfds_copper.errors import CopperError, OutputError
from tfds_copper.files import DISK_FULL, is_disk_full, read_json
from tfds_copper.registration import NAME
from tfds_copper.text import last_line

__all__ = ["build_lock", "built_datasets", "read_metadata", "writing_errors"]


def read_metadata(path: Path) -> dict[str, Any] | None:
    """The metadata of the finished `copper_sem` in a version directory; None where there is none."""
    try:
        metadata = read_json(path / "metadata.json")
        name = read_json(path / "dataset_info.json")["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return metadata if name == NAME and isinstance(metadata, dict) and "fingerprint" in metadata else None


def built_datasets(data_dir: str | PathLike[str]) -> list[tuple[Path, dict[str, Any]]]:
    """The finished datasets below a data_dir, each with its metadata, sorted by path."""
    # TFDS lays them out as data_dir/copper_sem/<config>/<version>, and unfinished ones as incomplete.*.
    found = [(path, read_metadata(path)) for path in sorted(Path(data_dir).glob(f"{NAME}/*/[0-9]*.[0-9]*.[0-9]*"))]
    return [(path, metadata) for path, metadata in found if metadata is not None]


@contextlib.contextmanager
def build_lock(data_dir: str | PathLike[str]) -> Iterator[None]:
    """Lets one process at a time build into a data_dir; the others wait. A killed process's lock is free.

    Raises:
        OutputError: if the folder can't be made or written.
    """
    if "://" in str(data_dir):  # a bucket has no locks
        yield
        return
    path = Path(data_dir)
    lock = fasteners.InterProcessLock(path / f".{NAME}.lock")
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise OutputError(f"{path}: must be a folder that can be written. Received: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def writing_errors(data_dir: str | PathLike[str], beam: bool) -> Iterator[None]:
    """Turns what is raised of a place that can't be written, and by Beam of anything, into an error of ours.

    Args:
        data_dir: the place.
        beam: whether a pipeline of Beam's is run.

    Raises:
        OutputError: if that is what happened.
    """
    import tensorflow as tf

    try:
        yield
    except CopperError:
        raise
    # TFDS raises errors of its own making, too, and a runner of Beam's what it likes.
    except Exception as error:
        if is_disk_full(error) or isinstance(error, OSError | tf.errors.OpError):
            needs = "must be a folder with space that can be written"
            reason = DISK_FULL if is_disk_full(error) else " ".join(str(error).split())
        elif beam:
            needs = "the pipeline must get through; the same command builds it anew"
            reason = last_line(error)
        else:
            raise
        raise OutputError(f"{data_dir}: {needs}. Received: {reason}") from error
