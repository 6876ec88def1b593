"""The slow import of TensorFlow, done once and without its noise."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

__all__ = ["import_tensorflow", "quiet"]


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
