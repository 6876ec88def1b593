"""What MODEL on the command line stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from copper_tf.utils.tensorflow import import_tensorflow, quiet
from tfds_copper.errors import RunError, SettingError

__all__ = ["predictor_from"]


def predictor_from(path: Path, runtime: str | None = None) -> Any:
    """A `Predictor` of a run, an `Ensemble` of the runs of several seeds, or an `ExportedPredictor` of an export.

    Args:
        path: of the model.
        runtime: the format of an export to use; None takes the fastest.

    Raises:
        InputError: if an export can't be opened by what is asked for or installed.
        RunError: if it is neither, or incomplete.
        SettingError: if a runtime is asked for where there is no choice.
    """
    from copper_tf.runs.run import is_run, open_run, seed_runs

    members = seed_runs(path)
    if runtime and (members or is_run(path)):
        raise SettingError(f"runtime is for exports; {path} is a run, which TensorFlow opens. Received: {runtime}")
    if members:
        import_tensorflow()
        from copper_tf.inference.ensemble import Ensemble

        return Ensemble(members)
    if is_run(path):
        run = open_run(path)
        import_tensorflow()
        from copper_tf.inference.predictor import Predictor

        return Predictor(run)
    from copper_tf.inference.exported.predictor import ExportedPredictor, is_export

    if is_export(path):
        with quiet():
            return ExportedPredictor.load(path, runtime)
    what = "nothing there" if not path.exists() else "neither"
    raise RunError(f"{path}: must be a run of `copper train` or a model of `copper export`. Received: {what}")
