"""The models of a report: opened, of one dataset, and evaluated where they were not."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.runs.run import BEST, Run, fold_runs, open_run, seed_runs
from tfds_copper.errors import RunError
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from tfds_copper.dataset import Dataset

__all__ = ["FOLDS", "ONE", "SEEDS", "OpenedModel", "first_of_kind", "open_models"]


# What a folder given as RUN holds.
ONE, FOLDS, SEEDS = "one run", "folds", "seeds"


@dataclasses.dataclass(frozen=True)
class OpenedModel:
    """One model of a report, open: a run, or the runs of several folds or seeds.

    Attributes:
        path: its folder.
        name: in the report.
        grouping: `ONE`, `FOLDS` (a cross-validation) or `SEEDS` (an ensemble).
        runs: those that hold weights, at least one.
    """

    path: Path
    name: str
    grouping: str
    runs: tuple[Run, ...]

    @property
    def kind(self) -> str:
        """``"classifier"`` or ``"segmenter"``."""
        return self.runs[0].config.kind

    @property
    def fingerprint(self) -> str:
        """Of its data; of all folds where they are several."""
        return " ".join(sorted({str(run.data["fingerprint"]) for run in self.runs}))

    @property
    def first_run(self) -> Run:
        """The run whose trust tests and baselines stand for it: itself, or the first of its folds or seeds."""
        return self.runs[0]

    def command_of(self, verb: str) -> str:
        """The command that tests it, e.g. ``copper trust RUN``, with folders called by their names.

        Args:
            verb: ``"trust"``, which takes an ensemble whole, or ``"baselines"``.
        """
        whole = self.grouping == ONE or (self.grouping == SEEDS and verb == "trust")
        name = self.path.resolve().name
        return f"copper {verb} {shlex.quote(name if whole else f'{name}/{self.first_run.path.name}')}"

    @property
    def evaluated(self) -> bool:
        """Whether its scores are there."""
        return (self.runs[0] if self.grouping == ONE else dataclasses.replace(self.runs[0], path=self.path)).has(
            Evaluation
        )

    @property
    def pooled(self) -> Run:
        """All runs as one run at its path; TensorFlow is needed for folds and seeds."""
        if self.grouping == FOLDS:
            from copper_tf.analysis.evaluation import pool_folds

            return pool_folds(self.path, self.runs)
        if self.grouping == SEEDS:
            from copper_tf.inference.ensemble import ensemble_run

            return ensemble_run(self.path, self.runs)
        return self.runs[0]

    def evaluate(self, progress: Progress | None = None) -> None:
        """Scores it, see `evaluation.evaluate`; folds and seeds together.

        Args:
            progress: called with (done, total, what).
        """
        from copper_tf.analysis.evaluation import evaluate, evaluate_folds, evaluate_seeds
        from copper_tf.runs.datasets import dataset_of

        if self.grouping == FOLDS:
            evaluate_folds(self.path, self.runs, progress)
        elif self.grouping == SEEDS:
            evaluate_seeds(self.path, self.runs, progress)
        else:
            evaluate(self.runs[0], dataset_of(self.runs[0]), progress)

    def datasets(self) -> list[Dataset]:
        """The datasets that it was trained on: one, or one for each fold.

        Raises:
            RunError: if one is gone or has changed since.
        """
        from copper_tf.runs.datasets import dataset_of

        return [dataset_of(run) for run in (self.runs if self.grouping == FOLDS else self.runs[:1])]

    def predictors(self) -> Iterator[tuple[Any, Dataset]]:
        """Predictors, each with the dataset on whose test pictures it was not trained; loaded one after the other."""
        from copper_tf.inference.ensemble import Ensemble
        from copper_tf.inference.predictor import RunPredictor

        if self.grouping == SEEDS:
            yield Ensemble(self.runs), self.datasets()[0]
            return
        for run, dataset in zip(self.runs, self.datasets(), strict=True):
            yield RunPredictor(run), dataset


def first_of_kind(models: Sequence[OpenedModel], kind: str) -> OpenedModel | None:
    """The model of a kind that the report shows in full: the first that was named."""
    return next((model for model in models if model.kind == kind), None)


def _runs_of(path: Path) -> tuple[str, list[Run]]:
    folds = fold_runs(path)
    if folds:
        return FOLDS, folds
    seeds = seed_runs(path)
    return (SEEDS, seeds) if seeds else (ONE, [open_run(path)])


def open_models(paths: Sequence[Path]) -> list[OpenedModel]:
    """Opens the models of a report; reads no weights and no pictures.

    Args:
        paths: run folders, or folders of folds or of seeds; at least one.

    Raises:
        RunError: if one is no run, not trained, named twice, or of another dataset than the first.
    """
    models: list[OpenedModel] = []
    short = len({path.resolve().name for path in paths}) == len(paths)
    for path in paths:
        grouping, runs = _runs_of(path)
        for run in runs:
            if not (run.checkpoints / BEST).is_file():
                raise RunError(f"{run.path}: must be trained, see `copper train`. Received: no checkpoints/{BEST}")
        model = OpenedModel(path, path.resolve().name if short else str(path), grouping, tuple(runs))
        if any(model.path.resolve() == other.path.resolve() for other in models):
            raise RunError(f"{path}: each run must be named once. Received: the same one twice")
        if models and model.fingerprint != models[0].fingerprint:
            raise RunError(
                f"{path}: the runs of one report must be of one dataset, that of {models[0].path}. Received: another "
                "dataset"
            )
        models.append(model)
    return models
