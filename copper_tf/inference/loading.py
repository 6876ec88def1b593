"""Opens whatever can predict: a run, the runs of several seeds, or an exported model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from copper_tf.runs.run import is_run, open_run, seed_runs
from copper_tf.utils.tensorflow import import_tensorflow
from tfds_copper.errors import RunError, SettingError
from tfds_copper.files import found_instead

if TYPE_CHECKING:
    from copper_tf.inference.predictor import Predictor

__all__ = ["open_predictor"]


def open_predictor(path: str | os.PathLike[str], runtime: str | None = None) -> Predictor:
    """The predictor of a run, of an ensemble (a folder of runs that differ in their seed), or of an export.

    Args:
        path: of the model.
        runtime: the format of an export to use; None takes the fastest.

    Raises:
        InputError: if an export doesn't hold that format, or nothing that is installed opens it.
        RunError: if it is no model, or incomplete.
        SettingError: if a runtime is given for a run.
    """
    folder = Path(path)
    members = seed_runs(folder)
    if runtime and (members or is_run(folder)):
        raise SettingError(f"runtime is for exports; {folder} is a run, which TensorFlow opens. Received: {runtime}")
    if members:
        import_tensorflow()
        from copper_tf.inference.ensemble import Ensemble

        return Ensemble(members)
    if is_run(folder):
        run = open_run(folder)
        import_tensorflow()
        from copper_tf.inference.predictor import RunPredictor

        return RunPredictor(run)
    from copper_tf.inference.exported.predictor import ExportedPredictor, is_export

    if is_export(folder):
        return ExportedPredictor.load(folder, runtime)
    what = found_instead(folder, lambda inner: is_run(inner) or is_export(inner), "neither")
    raise RunError(f"{folder}: must be a run of `copper train` or a model of `copper export`. Received: {what}")
