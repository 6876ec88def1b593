"""The scores of an ensemble of seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from copper_tf.analysis.evaluation import evaluate_with
from copper_tf.inference.ensemble import Ensemble
from copper_tf.runs.datasets import dataset_of
from copper_tf.runs.run import Run
from tfds_copper.progress import Progress

__all__ = ["evaluate_seeds"]


def evaluate_seeds(path: Path, runs: Sequence[Run], progress: Progress | None = None) -> tuple[Run, dict[str, Any]]:
    """Scores an ensemble as `evaluation.evaluate` scores a run.

    Args:
        path: the folder of the runs, where the scores go.
        runs: its members.
        progress: called with (done, total, what).

    Returns:
        The ensemble as a run at `path`, and what was written to its ``scores/evaluation.json``.
    """
    ensemble = Ensemble(runs)
    run = dataclasses.replace(ensemble.run, path=path)
    return run, evaluate_with(run, ensemble, dataset_of(runs[0]), progress)
