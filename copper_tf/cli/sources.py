"""What DATA and MODEL on the command line stand for."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tfds_copper.dataset import SemDataset, is_dataset, open_dataset
from tfds_copper.errors import RunError
from tfds_copper.splits import SplitSettings

__all__ = ["dataset_from", "import_tensorflow", "predictor_from", "quiet"]

Progress = Callable[[int, int, str], None]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps what TensorFlow's C++ side writes at import off the terminal; Python's own errors still pass."""
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
    """The slow import, done once and without its noise."""
    with quiet():
        import tensorflow  # noqa: F401


def dataset_from(path: Path, settings: SplitSettings, progress: Progress) -> SemDataset:
    """A built dataset; a SEM folder is built first, into ``FOLDER.tfds`` beside it.

    Raises:
        InputError: if it is neither, or can't be built.
    """
    if is_dataset(path):
        return open_dataset(path)
    from tfds_copper.copper_sem import build
    from tfds_copper.folder import scan

    scan(path)
    import_tensorflow()
    folder = path.resolve()
    return open_dataset(build(folder, folder.with_name(f"{folder.name}.tfds"), settings, progress))


def predictor_from(path: Path) -> Any:
    """A `Predictor` of a run or an `ExportedPredictor` of an export.

    Raises:
        RunError: if it is neither, or incomplete.
    """
    from copper_tf.runs import is_run, open_run

    if is_run(path):
        run = open_run(path)
        import_tensorflow()
        from copper_tf.prediction import Predictor

        return Predictor(run)
    if (path / "saved_model.pb").is_file():
        import_tensorflow()
        from copper_tf.export import ExportedPredictor

        return ExportedPredictor.load(path)
    what = "nothing there" if not path.exists() else "neither"
    raise RunError(f"{path}: must be a run of `copper train` or a model of `copper export`. Received: {what}")
