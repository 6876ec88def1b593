"""Going on with a run: from its last finished epoch, with as many epochs more as are asked for."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from copper_tf.config import Config
from copper_tf.runs.datasets import note_dataset
from copper_tf.runs.records import AreaShares, FreeEnds, Restarts
from copper_tf.runs.run import KERAS_MODEL, Run, open_run
from copper_tf.training.callbacks import should_stop
from copper_tf.training.patience import check_patience
from tfds_copper.dataset import Dataset
from tfds_copper.errors import RunError
from tfds_copper.files import is_temporary, write_text

__all__ = ["lengthen", "resumed_run"]

# What can be changed: how long training goes on.
_FREE = ("epochs", "patience")
# Results that don't hang on the weights of the last epochs.
_KEPT = (AreaShares.NAME, Restarts.NAME)


def resumed_run(config: Config, dataset: Dataset, workdir: Path) -> Run:
    """The run in a folder as it is gone on with; it notes where its dataset lies, `lengthen` writes the rest.

    What a kill left half written is removed, so the folder must be locked.

    Args:
        config: its settings, other epochs or another patience allowed.
        dataset: the run's own.
        workdir: the run folder.

    Raises:
        RunError: if settings or data are others, or training is over in spite of the epochs that are asked for.
        SettingError: if it is to stop early but keeps the weights of the last epoch.
    """
    run = open_run(workdir)
    asked, has = config.flat(), run.config.flat()
    for name, value in asked.items():
        if value != has[name] and name not in _FREE:
            raise RunError(
                f"{workdir}: --resume goes on with the run's own settings, {name} = {has[name]!r}. "
                f"Received: {name} = {value!r}"
            )
    if run.data["fingerprint"] != dataset.fingerprint:
        raise RunError(
            f"{workdir}: --resume needs the dataset the run was started on, {run.data['path']}. "
            f"Received: another one, {dataset.path}"
        )
    if config != run.config:
        if asked["patience"] != has["patience"]:
            check_patience(config)
        run = dataclasses.replace(run, config=config)
        _check_longer(run, has["epochs"])
    for left in filter(is_temporary, run.checkpoints.iterdir()):
        left.unlink()
    return note_dataset(run, dataset)


def _done(run: Run) -> int:
    last = run.last_checkpoint()
    return last[0] if last else 0


def _trains(run: Run) -> bool:
    """Whether anything is left to train."""
    done = _done(run)
    return run.config.training.epochs > done and not (done and should_stop(run, run.history()[:done]))


def _check_longer(run: Run, planned: int) -> None:
    done, epochs = _done(run), run.config.training.epochs
    if epochs < done:
        raise RunError(f"{run.path}: epochs must be at least the {done} that are done. Received: {epochs}")
    if epochs > planned and not _trains(run):
        raise RunError(
            f"{run.path}: training stopped since no score was better for {run.config.training.patience} epochs; "
            f"more epochs need a larger patience, or 0. Received: epochs = {epochs}"
        )


def lengthen(run: Run) -> Run:
    """Writes the settings of a run that were changed by `resumed_run`, after removing results of its older weights.

    Args:
        run: as it is to go on, its folder locked.

    Returns:
        The run, which knows nothing of those results.
    """
    if open_run(run.path).config == run.config:
        return run
    if _trains(run):
        for file in (run.path / "scores").glob("*"):
            if file.stem not in _KEPT:
                file.unlink()
        (run.path / KERAS_MODEL).unlink(missing_ok=True)
        shutil.rmtree(run.path / "report", ignore_errors=True)
    # Last: killed before, it is done again.
    write_text(run.path / "config.json", run.config.to_json())
    return dataclasses.replace(run, free_ends=run.has(FreeEnds))
