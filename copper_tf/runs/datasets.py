"""The dataset that a run was trained on, wherever it lies now."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from copper_tf.runs.run import DATA, Run, fold_runs, open_run, seed_runs
from tfds_copper.copper_sem.build_dir import built_datasets, read_metadata
from tfds_copper.dataset import Dataset, open_dataset
from tfds_copper.errors import CopperError, RunError
from tfds_copper.files import write_json

__all__ = ["dataset_of", "located", "note_dataset", "note_datasets"]


def dataset_of(run: Run) -> Dataset:
    """The dataset a run was trained on.

    Raises:
        RunError: if it is gone or has changed since.
    """
    try:
        dataset = open_dataset(run.data["path"])
    except CopperError as error:
        raise RunError(
            f"{run.path}: its dataset must still be there, or --data must name its new place. Received: {error}"
        ) from None
    if dataset.fingerprint != run.data["fingerprint"]:
        raise RunError(f"{run.path}: its dataset must be the one of training. Received: {dataset.path} has changed")
    return dataset


def note_dataset(run: Run, dataset: Dataset) -> Run:
    """Notes in ``data.json`` where the dataset of a run lies now, and returns the run with it.

    Args:
        run: whose dataset it is.
        dataset: of the same fingerprint.
    """
    place = str(dataset.path.resolve())
    if place == run.data["path"]:
        return run
    moved = dataclasses.replace(run, data={**run.data, "path": place})
    write_json(run.path / DATA, moved.data)
    return moved


def note_datasets(paths: Iterable[Path], data: str | os.PathLike[str]) -> None:
    """Notes where the dataset of runs lies now, see `note_dataset`; of none where it isn't that of all of them.

    Args:
        paths: runs, or folders of runs of folds or seeds.
        data: the dataset, or a data_dir that holds it, or those of all folds.

    Raises:
        InputError: if there is no dataset.
        RunError: if there is no run, or a run was trained on another dataset.
    """
    place = Path(data)
    found = [place] if read_metadata(place) else [path for path, _ in built_datasets(place)]
    datasets = {d.fingerprint: d for d in map(open_dataset, found or [place])}
    runs = [run for path in paths for run in fold_runs(path) or seed_runs(path) or [open_run(path)]]
    for run in runs:
        if run.data["fingerprint"] not in datasets:
            raise RunError(
                f"{data}: must be the dataset that {run.path} was trained on, of fingerprint "
                f"{run.data['fingerprint'][:12]}. Received: {', '.join(name[:12] for name in datasets)}"
            )
    for run in runs:
        note_dataset(run, datasets[run.data["fingerprint"]])


def located(
    runs: Sequence[str | os.PathLike[str] | Run], data: str | os.PathLike[str] | None
) -> list[str | os.PathLike[str] | Run]:
    """The runs as they are given where `data` is None; else their folders, once they have noted where their data lie.

    Args:
        runs: open runs, or folders of runs, of folds or of seeds.
        data: see `note_datasets`.
    """
    if data is None:
        return list(runs)
    paths = [run.path if isinstance(run, Run) else Path(run) for run in runs]
    note_datasets(paths, data)
    return list(paths)
