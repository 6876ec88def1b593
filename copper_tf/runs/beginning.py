"""Where a new run may be made: in an empty folder, or in one where a kill cut the making of a run short."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from copper_tf.runs.plugins import PLUGINS
from tfds_copper.errors import RunError
from tfds_copper.files import LOCK, is_temporary

__all__ = ["CHECKPOINTS", "DATA", "HYPOTHESIS", "MARKER", "check_run_folder", "check_whole", "clear_folder", "is_run"]

# The file that is written last: where it is, the run is made.
MARKER = "format"
# The file of g, and that of the data.
HYPOTHESIS, DATA = "hypothesis.json", "data.json"
# What a run holds from its start.
_FILES = (MARKER, "config.json", "labels.json", HYPOTHESIS, "normalisation.json", DATA)
# The folder of weights.
CHECKPOINTS = "checkpoints"


def _is_unmade(path: Path) -> bool:
    """Whether a folder is empty, or holds nothing but what a run is given before its marker."""
    left = [child for child in path.iterdir() if child.name != LOCK and not is_temporary(child)]
    if not left:
        return True
    weights, first = path / CHECKPOINTS, {*_FILES, PLUGINS, CHECKPOINTS} - {MARKER}
    return {child.name for child in left} <= first and weights.is_dir() and not any(weights.iterdir())


def is_run(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is a run, whole or not; one whose making was cut short is none."""
    path = Path(path)
    return (path / MARKER).is_file() or ((path / "config.json").is_file() and not _is_unmade(path))


def check_run_folder(path: Path, *, force: bool = False) -> None:
    """Whether a new run may be made here.

    Args:
        path: the folder.
        force: whether a run that is there may be replaced.

    Raises:
        RunError: if the folder holds a run already (unless `force`), or other files.
    """
    if path.exists() and not path.is_dir():
        raise RunError(f"{path}: a run is a folder. Received: a file")
    if not path.is_dir() or _is_unmade(path):
        return
    if not is_run(path):
        raise RunError(f"{path}: a new run needs an empty or absent folder. Received: a folder with other files")
    if not force:
        raise RunError(f"{path}: holds a run; --resume goes on with it, --force replaces it. Received: neither")


def check_whole(path: Path) -> None:
    """Whether a run holds all that it has from its start.

    Raises:
        RunError: naming the first file that is missing.
    """
    missing = [name for name in _FILES if not (path / name).is_file()]
    if missing:
        raise RunError(f"{path}: a run holds {missing[0]}, which is missing. Received: no such file")


def clear_folder(path: Path) -> None:
    """Deletes what lies in the locked folder of a run; the marker goes last, so that a kill leaves a run.

    Args:
        path: the folder; its lock stays.
    """
    for child in sorted(path.iterdir(), key=lambda child: child.name == MARKER):
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        elif child.name != LOCK:
            child.unlink()
