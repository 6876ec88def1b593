"""The slow import of TensorFlow, done once and without its noise."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["import_tensorflow", "literal_path", "quiet"]

# TensorFlow takes the path of a checkpoint for a pattern.
_PATTERN = frozenset("*?[]\\{}") - {os.sep}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps what C++ libraries write at import off the terminal; Python's own errors still pass."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def import_tensorflow() -> None:
    """Imports TensorFlow; the first call takes some seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with quiet():
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def literal_path(folder: Path) -> Iterator[str]:
    """A path by which TensorFlow finds a folder whose name holds marks of a pattern, such as ``[3] copper``.

    Args:
        folder: to read, a SavedModel; nothing of it is needed after it was loaded.
    """
    if not _PATTERN & set(os.path.abspath(folder)):
        yield str(folder)
        return
    with tempfile.TemporaryDirectory() as place:
        plain = Path(place) / "model"
        try:
            plain.symlink_to(folder.resolve(), target_is_directory=True)
        except OSError:  # Windows keeps links for administrators
            shutil.copytree(folder, plain)
        yield str(plain)
